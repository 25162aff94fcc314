"""What `harness upgrade` found: a row a case, what the new version brings besides, what was installed on both sides."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from harness.errors import counted
from harness.judge.versions.upgrade.answer import Decision as Upgrade
from harness.judge.versions.upgrade.answer import UpgradeAnswer
from harness.report.html.evidence import Evidence
from harness.report.html.section import BAD, DOUBT, GOOD, Decision, Fact, Note, Part, Section, table_of
from harness.report.tables import numbers as show
from harness.report.tables import upgrade as table
from harness.report.tables.column import Column, Kind
from harness.report.words import upgrade as words
from harness.report.words.ab import holdings

ID, TITLE = "upgrade", "Upgrade"
TONES = {Upgrade.SAFE: GOOD, Upgrade.NO: BAD, Upgrade.UNDECIDED: DOUBT}
MOST = 12
"""Coefficients, those first whose change does the most to the predictions."""


def decided(answer: UpgradeAnswer) -> Decision:
    """What the page begins with: the answer in a line, its numbers, and the coefficients before, after and exact."""
    who = next((f"{one.solver} on {one.problem}" for one in answer.cases if one.case == answer.case), answer.case)
    facts = [Fact(one.name, table.figure_change(one), _at_best(one.of, who)) for one in answer.figures]
    known = [
        Note(f"Known: {one.title} ({one.id}, {one.library} {one.bad}).", to="findings")
        for one in answer.known
        if one.shown
    ]
    if answer.decision is not Upgrade.SAFE:
        known += [Note(f"{line.word} {line.text}") for line in words.to_know(answer)]
    few = f", the {MOST} that change the predictions most" if len(answer.coefficients) > MOST else ""
    shown = table_of(
        "decision-coefficients",
        f"Coefficients of {who}{few}.",
        tuple(table.COEFFICIENTS.values()),
        answer.coefficients[:MOST],
    )
    return Decision(
        f"May it be upgraded? {answer.asked}",
        answer.sentence,
        TONES[answer.decision],
        facts,
        known,
        [shown] if answer.coefficients else [],
    )


def _at_best(best: float | None, who: str) -> str:
    return who if best is None else f"{best:g} at best"


def section(evidence: Evidence) -> Section:
    """Every case, the worst first; nothing where the page is of a run."""
    answer = evidence.upgrade
    if answer is None:
        return Section(ID, TITLE, "")
    held = [Note(f"{line.word} {line.text}") for line in holdings((answer.base, answer.head), answer.alike)]
    caption = f"Every case, the worst first; a fit may take {answer.slower:.0%} longer before that speaks against it."
    parts: list[Part] = [*held]
    if answer.cases:
        parts.append(table_of("upgrade-cases", caption, _as_read(table.PAGE), answer.cases))
    parts += [Note(f"{line.word} {line.text}".strip()) for line in words.notes(answer)]
    return Section(ID, TITLE, _spoken(answer), tuple(parts))


def _spoken(answer: UpgradeAnswer) -> str:
    """How many cases speak against it, and how many are open."""
    found = [one.decision for one in answer.cases]
    if not found:
        return "No case was measured."
    against, open_, of = found.count(Upgrade.NO), found.count(Upgrade.UNDECIDED), counted(len(found), "case")
    said = [f"{against} of {of} {'speaks' if against == 1 else 'speak'} against it"] if against or not open_ else []
    said += [f"{open_} of {of} {'is' if open_ == 1 else 'are'} undecided"] if open_ else []
    return f"{', '.join(said)}."


def _as_read(columns: Sequence[Column[Any]]) -> list[Column[Any]]:
    """Columns of two numbers, `13.3→0.0`, as their text: a page's row has one value a column, or none."""
    return [
        replace(one, kind=Kind.TEXT, value=_unless_none(one.text))
        if one.kind is Kind.NUMBER and callable(one.text)
        else one
        for one in columns
    ]


def _unless_none(text: Callable[[Any], str]) -> Callable[[Any], str | None]:
    """The text, but for the dash that stands where there is no number: of such a column the page shows nothing."""
    return lambda one: None if (said := text(one)) == show.NONE else said
