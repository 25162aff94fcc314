"""Section 6: cases over commits and over library versions, each step with the commit or the version that made it."""

from collections.abc import Sequence

from harness.judge.history.changes import LevelChange, level_changes, rank, worst_first
from harness.judge.history.series import History
from harness.report.html.evidence import Evidence
from harness.report.html.history_figures import figures
from harness.report.html.history_rows import case_rows, change_rows, over_versions, size_in_words, title, where
from harness.report.html.section import Column, Kind, Note, Part, Section, Table
from harness.report.words.sentences import counted

ID, TITLE = "history", "History"
CHANGES = (
    Column("title", "case"),
    Column("quantity", "of"),
    Column("verdict", "verdict", Kind.STATUS),
    Column("change", "change", Kind.NUMBER, "In the unit beside it, with its 95 % interval where it is an estimate."),
    Column("low", "from", Kind.NUMBER),
    Column("high", "to", Kind.NUMBER),
    Column("unit", "unit"),
    Column("where", "where", Kind.TEXT, "Last commit of the old level and first of the new one, or what was upgraded."),
)
CASES = (
    Column("title", "case"),
    Column("quantity", "of"),
    Column("commits", "commits", Kind.WHOLE),
    Column("environments", "environments", Kind.WHOLE),
    Column("first", "first"),
    Column("last", "last"),
    Column("notes", "left out"),
)
MISSING = (
    "No case was measured on two commits or in two environments: run 'harness run' on another commit into the same"
    " store, or 'make asv' over commits and 'make asv-versions' over a library's versions."
)
NO_COMMITS = (
    "No case was measured on two commits of this checkout yet: 'harness run' on a clean checkout of each into one"
    " store, or 'asv run main~5..main', makes such a history."
)
HOW = (
    "A level is the median of its commits; a step is a change point of at least 3 % of time, half a digit, a decade of"
    " excess loss or a tenth of the epochs. Digits and epochs do not flicker, so that one commit is enough; times do,"
    " and a step of theirs needs two commits on either side. Another processor or library is never a commit's doing."
)


def section(evidence: Evidence) -> Section:
    """The section; without a history it says how to get one."""
    histories = sorted(evidence.histories, key=rank)
    if not histories:
        return Section(ID, TITLE, "No history can be told yet.", (), MISSING)
    records = {record.case: record for record in evidence.records}
    changes = worst_first(change for history in histories for change in level_changes(history))
    parts: list[Part] = []
    if changes:
        caption = "Every step of at least the smallest size that counts, the worst first"
        parts.append(Table("history-steps", caption, CHANGES, change_rows(changes, records)))
    parts += figures(histories, records)
    if all(over_versions(history) for history in histories):
        parts.append(Note(NO_COMMITS))
    parts += [Note(HOW), Table("history-cases", "The histories that are shown", CASES, case_rows(histories, records))]
    return Section(ID, TITLE, conclusion(histories, changes), tuple(parts))


def conclusion(histories: Sequence[History], changes: Sequence[LevelChange]) -> str:
    """How much of what was looked at has changed, and the worst of it with whose doing it is."""
    span = f"{counted(len({history.case for history in histories}), 'case')} over {_span(histories)}"
    if not changes:
        return f"Nothing has changed in {span}: no step was found."
    worse = sum(change.worse for change in changes)
    kinds = ((worse, "regression"), (len(changes) - worse, "improvement"))
    found = " and ".join(counted(count, name) for count, name in kinds if count)
    first, which = changes[0], "worst" if worse else "largest"
    return f"{found} in {span}. The {which}: {title(first.history)}, {size_in_words(first)}, {where(first)}."


def _span(histories: Sequence[History]) -> str:
    """`30 commits and 4 versions`, of what there is."""
    commits = {
        point.commit
        for history in histories
        if not over_versions(history)
        for series in history.series
        for point in series.points
    }
    versions = max((len(history.series) for history in histories if over_versions(history)), default=0)
    return " and ".join(counted(n, name) for n, name in ((len(commits), "commit"), (versions, "version")) if n)
