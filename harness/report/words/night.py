"""A night in words: what changed with what, what was not compared and why, and the sentence to begin with."""

from collections import Counter
from collections.abc import Iterator

from harness.errors import counted
from harness.judge.history.night import NightReport
from harness.judge.history.night_times import Change
from harness.judge.history.series import SHORT
from harness.judge.verdict import Verdict
from harness.report.render.text import cell_text
from harness.report.tables import night as table
from harness.report.tables.document import Document, Line, Part, table_of
from harness.report.words.sentences import listed

WORDS = {Verdict.REGRESSION: "worse", Verdict.IMPROVEMENT: "better", Verdict.UNDECIDED: "changed, undecided"}


def night(report: NightReport) -> Document:
    """What changed, each with whose doing it can be, and what was not compared; then the conclusion."""
    return Document(list(_parts(report)), [Line(conclusion(report))], report.exit_code)


def heading(report: NightReport) -> str:
    """Which night, of which machine, after how many."""
    before = f", after {counted(report.nights, 'night')}" if report.nights else ""
    return f"night of {date_of(report)} on {report.run.selection.machine}{before}"


def date_of(report: NightReport) -> str:
    """When it began by its clock, as people write it."""
    return report.run.started_at[:16].replace("T", " ")


def _parts(report: NightReport) -> Iterator[Part]:
    yield Line(heading(report), style="bold")
    yield from since_the_last(report)
    if report.changes:
        yield table_of(table.TERMINAL, report.changes, below=lambda one: [Line(blame(one))])
    yield from not_compared(report)


def since_the_last(report: NightReport) -> Iterator[Line]:
    """What is recorded to have changed since the night before; nothing on the first."""
    if report.last is not None:
        moved = "; ".join(report.moved) or "nothing that is recorded"
        yield Line(f"changed since the night before, {report.last.started_at[:16].replace('T', ' ')}: {moved}")
    if report.clock_back:
        yield Line("the clock says that this night came before the last one: it was set back. The order is the store's")


def not_compared(report: NightReport) -> Iterator[Line]:
    """What was not compared and why, cases that only one night has, and what is wrong as it was."""
    data = Counter(f"{one.record.problem}: {one.before} → {one.now}" for one in report.other_data)
    for problem, count in data.items():
        yield Line(
            f"{problem}: {counted(count, 'case')} not compared, and no commit is to blame", "data changed:", "yellow"
        )
    if report.other_machine:
        cases = counted(len(report.other_machine), "case")
        yield Line(f"times of {cases} are not compared, answers are", "another machine:", "yellow")
    if report.machine_wide:
        yield Line("more than half of all cases have another time: the machine, hardly a commit", "note:", "yellow")
    for word, cases_of in (("new:", report.added), ("gone:", report.gone), ("failed as before:", report.failing)):
        if cases_of:
            yield Line(listed(cases_of), word, "yellow")


def blame(change: Change) -> str:
    """What changed between both nights, and whether that can be told from one another."""
    moved, since = change.moved, f"since {change.since.date}"
    if not moved.all:
        return f"{since}: no version, data or commit changed: the machine's state, or chance"
    code = " and ".join(moved.code)
    if change.untested and change.since.commit != change.at.commit:
        code += f" (or one of {counted(change.untested, 'untested commit')} before {change.at.commit[:SHORT]})"
    if not moved.around:
        return f"{since}: {code}; versions and data are the same"
    around = "; ".join(moved.around)
    if moved.code:
        return f"{since}: {around}; and {code}: which of them did it is not known"
    return f"{since}: {around}; no commit is to blame"


def conclusion(report: NightReport) -> str:
    """One sentence: what changed of how many cases, or why nothing is compared."""
    if report.last is None:
        others = ", ".join(f"{name} ({counted(count, 'night')})" for name, count in report.elsewhere.items())
        elsewhere = f"; other machines in this store: {others}" if others else ""
        return (
            f"The first night on {report.run.selection.machine}: nothing is compared, "
            f"{counted(report.cases, 'case')} kept{elsewhere}."
        )
    if not report.compared:
        return f"Nothing is compared: {_why_nothing(report)}."
    parts = []
    for verdict, word in WORDS.items():
        cases = {one.record.case for one in report.with_verdict(verdict)}
        if cases:
            parts.append(f"{counted(len(cases), 'case')} {word}")
    other = counted(len(report.other_data), "case") if report.other_data else ""
    found = ", ".join(parts) if parts else "Nothing else changed" if other else "Nothing changed"
    compared = f"{counted(len(report.compared), 'case')} compared with {counted(report.nights, 'night')} before"
    return f"{found}: {compared}{f'; of {other} the data changed' if other else ''}."


def _why_nothing(report: NightReport) -> str:
    if report.other_data:
        return f"the data of {counted(len(report.other_data), 'case')} changed"
    return "no case of this night could be run on it and on one before"


def change_words(one: Change) -> str:
    """`13.3 → 0.0; since 2026-03-01 02:00: numpy 2.3.1 → 2.4.6; no commit is to blame`."""
    before, now = (cell_text(table.COLUMNS[key], one) for key in ("before", "now"))
    size = f" ({table.size_text(one)})" if one.ratio is not None else ""
    return f"{before} → {now}{size}; {blame(one)}"


def lines(report: NightReport) -> list[str]:
    """A line a thing that changed, for a feed and a message: `worse: digits of sklearn on everyday: 13.3 → 0.0`."""
    return [
        f"{WORDS.get(one.verdict, one.verdict)}: {one.quantity} of {one.record.label} on {one.record.problem}: "
        f"{change_words(one)}"
        for one in (*report.changes, *report.other_data)
    ]
