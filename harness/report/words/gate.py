"""What the gate says: breaches first, by how much, and what to do."""

from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter

from harness.errors import counted
from harness.judge.gate.gate import UPDATE, GateReport
from harness.judge.gate.update import Change
from harness.judge.grouped import grouped
from harness.judge.verdict import Judgement, Verdict
from harness.report.tables import gate as table
from harness.report.tables.document import Document, Folded, Line, Part, table_of

SHOWN_MISSING = 5
SHOWN_REASONS = 2
"""Numbers that could not be judged for the same reason."""
WORDS = {0: ("gate passed:", "green"), 1: ("gate failed:", "red")}
"""By the exit code; with any other the gate could not judge."""


def verdict(report: GateReport, run_id: str, source: str, update: str = UPDATE) -> Document:
    """The breaches as a table, what to do about them, what fails as expected, and how it went.

    `update`: the command that sets the limits from this run.
    """
    notes = [Line(note, style="dim") for note in report.notes]
    parts = (*breaches(report, update), _known(report), _missing(report), *_not_judged(report), *notes)
    return Document(parts, [conclusion(report, run_id, source)], report.exit_code)


def breaches(report: GateReport, update: str = UPDATE) -> Iterator[Part]:
    """What does not hold and by how much, then what to do about it; nothing where all holds."""
    if report.breaches:
        yield table_of(table.BREACHES, report.breaches)
    yield from to_do(report.breaches, update)


def to_do(judgements: Iterable[Judgement], update: str = UPDATE) -> list[Line]:
    """Their advice, each once."""
    said = dict.fromkeys(one.advice.replace(UPDATE, update) for one in judgements if one.advice)
    return [Line(advice, "do:", "bold", unbroken=update != UPDATE) for advice in said]


def _known(report: GateReport) -> Folded:
    """The cases that fail as expected; in short once for all that share the status and the reason."""
    found = grouped(report.known_failures, lambda one: (one.expected, one.reason))
    short = [
        Line(f"{of[0].case if len(of) == 1 else counted(len(of), 'case')}: {expected}: {reason}", "known", "yellow")
        for (expected, reason), of in found.items()
    ]
    every = [Line(f"{one.case}: {one.expected}: {one.reason}") for one in report.known_failures]
    return Folded(counted(len(every), "known failure"), every, short)


def _missing(report: GateReport) -> Folded:
    lines = [Line(case, "no record", "red") for case in report.incomplete]
    more = len(lines) - SHOWN_MISSING
    rest = [Line(f"and {more} more", "no record", "red")] if more > 0 else []
    return Folded(
        counted(len(lines), "case without a record", "cases without a record"), lines, [*lines[:SHOWN_MISSING], *rest]
    )


def _not_judged(report: GateReport) -> Iterator[Part]:
    """How many numbers could not be judged, by the reason; on a console with the first of each."""
    for reason, left in grouped(report.not_judged, attrgetter("reason")).items():
        names = [f"{one.case} {one.quantity}" for one in left]
        more = f" and {len(names) - SHOWN_REASONS} more" if len(names) > SHOWN_REASONS else ""
        short = f"{counted(len(names), 'number')}: {reason}: {', '.join(names[:SHOWN_REASONS])}{more}"
        summary = f"{counted(len(names), 'number')} not judged: {reason}"
        yield Folded(summary, [Line(name) for name in names], [Line(short, "not judged", "yellow")])


def conclusion(report: GateReport, run_id: str, source: str) -> Line:
    """How it went, in a line."""
    word, style = outcome(report)
    parts = [holding(report)]
    if report.incomplete:
        unrecorded = counted(len(report.incomplete), "planned case has", "planned cases have")
        parts.append(f"{unrecorded} no record: run {'it' if len(report.incomplete) == 1 else 'them'} again")
    if report.unjudged:
        parts.append(f"{counted(report.unjudged, 'record has', 'records have')} no expectation")
    if report.not_judged:
        parts.append(f"{counted(len(report.not_judged), 'number')} not judged")
    if not report.judgements and not report.not_judged:
        parts.append(f"no expectation in {source} is about this run")
    return Line(f"run {run_id}: " + "; ".join(parts), word, style)


def outcome(report: GateReport) -> tuple[str, str]:
    """How it went in a word or two, and their colour."""
    return WORDS.get(report.exit_code, ("gate could not judge:", "red"))


def holding(report: GateReport) -> str:
    """How many judgements hold."""
    passed = sum(one.verdict is Verdict.UNCHANGED for one in report.judgements)
    held = counted(len(report.judgements), "judgement holds", "judgements hold")
    return f"{passed} of {held}"


def changes(found: Sequence[Change], path: str, runs: int) -> Document:
    """What an update by the worst of so many runs changed in the expectations, limit by limit."""
    by = f"by {counted(runs, 'run')}"
    if not found:
        return Document([Line(f"{path}: nothing to change, {by}")])
    return Document([table_of(table.CHANGES, found), Line(f"{path}: {counted(len(found), 'limit')} set, {by}")])
