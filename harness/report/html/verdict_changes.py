"""What of section 1 is about the baseline: which times and answers have changed for certain, and how that is told."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any

from harness.errors import counted
from harness.judge.verdict import WORST_FIRST, Verdict
from harness.judge.versions.two_runs import ADVICE, AnswerChange, RunsCompared, TimeChange
from harness.records.record import Record
from harness.report.figures.rows import row_of
from harness.report.figures.two_runs import ratios_figure
from harness.report.html.section import Note, Part, table_of
from harness.report.tables import case
from harness.report.tables.column import Column, Kind
from harness.report.words.sentences import listed

Change = AnswerChange | TimeChange


def _of(kind: type, path: str) -> Callable[[Change], Any]:
    """What an attribute of changes of this kind is; None of the others."""
    found = attrgetter(path)
    return lambda one: found(one) if isinstance(one, kind) else None


CHANGES: tuple[Column[Change], ...] = (
    Column("verdict", "Verdict", Kind.STATUS,
        "Regression and improvement are claimed, undecided is not: see the note." ),
    *case.WHO,
    Column("quantity", "Quantity", value=lambda one: getattr(one, "quantity", "time")),
    Column("ratio", "Ratio", Kind.RATIO, "This run's median over the baseline's: above 1 is slower.",
        _of(TimeChange, "ratio")),
    Column("low", "from", Kind.RATIO, "The interval of the ratio, 95 %, from the samples that both kept.",
        _of(TimeChange, "low")),
    Column("high", "to", Kind.RATIO, value=_of(TimeChange, "high")),
    Column("before_s", "Baseline's call", Kind.SECONDS, "Median of single calls, wall clock.", _of(TimeChange,
        "before.call_s")),
    Column("now_s", "This run's call", Kind.SECONDS, value=_of(TimeChange, "record.call_s")),
    Column("before", "Baseline", value=_of(AnswerChange, "before")),
    Column("now", "This run", value=_of(AnswerChange, "now")),
)  # fmt: skip


@dataclass(frozen=True)
class Judged:
    """One of the page's verdicts: its state, what it is of, what is seen in full, and in half a sentence."""

    state: str
    about: str
    text: str
    headline: str


def change_verdict(compared: RunsCompared, baseline: str) -> Judged:
    """Who became slower or wronger for certain, and how little is decided of the rest."""
    words: dict[str, list[str]] = {}
    for verdict, timed, answered in (
        (Verdict.REGRESSION, "slower", "wronger"),
        (Verdict.IMPROVEMENT, "faster", "righter"),
    ):
        times = [one for one in compared.times if one.verdict is verdict]
        times.sort(key=lambda one: one.ratio, reverse=verdict is Verdict.REGRESSION)
        words[timed] = [f"{_who(one.record)} ({one.ratio:.2f} times)" for one in times]
        words[answered] = [_who(one.record) for one in compared.answers if one.verdict is verdict]
    apart = (
        f" The data changed, so that nothing is compared: {listed(compared.other_data)}." if compared.other_data else ""
    )
    if not compared.compared:
        nothing = f"No case is in this run and in {baseline} with the same data, so nothing is compared.{apart}"
        return Judged("unknown", "Change", nothing, "nothing is compared with the baseline")
    found = {word: cases for word, cases in words.items() if cases}
    undecided = len(compared.times) - len(words["slower"]) - len(words["faster"])
    sentences = [f"{word.capitalize()}: {listed(cases)}." for word, cases in found.items()] or [
        f"Since {baseline} no change is certain."
    ]
    sentences.append(f"Undecided: {undecided} of {counted(len(compared.times), 'time')}.")
    sentences += [apart.strip()] if apart else []
    state = "regression" if words["slower"] or words["wronger"] else "improvement" if found else "undecided"
    headline = [f"{counted(len(cases), 'case')} {'is' if len(cases) == 1 else 'are'} {w}" for w, cases in found.items()]
    return Judged(
        state,
        "Change",
        " ".join(sentences),
        f"{listed(headline, len(headline)) or 'no change is certain'} since the baseline",
    )


def _who(record: Record) -> str:
    return f"{record.label} on {record.problem}"


def change_parts(compared: RunsCompared, baseline: str) -> list[Part]:
    """The rule, the ratios and the table of both runs."""
    parts: list[Part] = [Note(_rule_words(compared))]
    changes: list[Change] = sorted([*compared.answers, *compared.times], key=_worst_first)
    if compared.times:
        parts.append(replace(ratios_figure(compared), conclusion=change_verdict(compared, baseline).text))
    if changes:
        caption = f"Times and answers against the baseline {baseline}, the worst first."
        parts.append(table_of("changes", caption, CHANGES, changes, lambda one: row_of(one.record)))
    return parts


def _rule_words(compared: RunsCompared) -> str:
    """How a change is told from noise, with the numbers of these two runs."""
    gone = f" Not in this run, but in the baseline: {counted(len(compared.absent), 'case')}." if compared.absent else ""
    if compared.margin is None or compared.shift is None:
        return f"Too few cases were timed in both runs to tell a change from a slower machine; {ADVICE}.{gone}"
    cases, margin = counted(len(compared.times), "case"), f"{compared.margin:.2f}"
    return (
        f"Two runs are two processes, one after the other: over all {cases} this one took {compared.shift:.3f} times "
        f"the baseline's time. A time is called changed only if the whole interval of its ratio is beyond {margin} (or "
        f"below 1/{margin}), which is how far these two runs scatter; the rest is undecided, and {ADVICE}.{gone}"
    )


def _worst_first(one: Change) -> tuple[int, float]:
    """The slowest first of a verdict, then its answers."""
    return WORST_FIRST.index(one.verdict), -one.ratio if isinstance(one, TimeChange) else 0.0
