"""Section 6: cases over commits and over library versions, each step with the commit or the version that made it."""

from collections.abc import Sequence
from dataclasses import replace

from harness.errors import counted
from harness.judge.history.changes import LevelChange, level_changes, rank, worst_first
from harness.judge.history.series import COMMIT, DATE, History, Point, Step
from harness.report.figures.history import figures
from harness.report.figures.history_rows import named, over_versions, title
from harness.report.html.evidence import Evidence
from harness.report.html.section import Note, Part, Section, table_of
from harness.report.html.watch import parts as watch_parts
from harness.report.tables.column import Column, Kind
from harness.report.tables.history import value_text
from harness.report.tables.watch import summary
from harness.report.words.history import size_words, span_words
from harness.report.words.sentences import listed

ID, TITLE = "history", "History"


def _end(change: LevelChange, value: float | None) -> float | None:
    """An end of the interval; None where the change is no estimate."""
    return None if change.found.low == change.found.high else value


CHANGES: tuple[Column[LevelChange], ...] = (
    Column("title", "case", value=lambda change: title(change.history)),
    Column("quantity", "of", value="history.quantity.words"),
    Column("verdict", "verdict", Kind.STATUS, value="found.verdict"),
    Column("change", "change", Kind.NUMBER,
        "In the unit beside it, with its 95 % interval where it is an estimate.", "found.change"),
    Column("low", "from", Kind.NUMBER, value=lambda change: _end(change, change.found.low)),
    Column("high", "to", Kind.NUMBER, value=lambda change: _end(change, change.found.high)),
    Column("unit", "unit",
        value=lambda change: "%" if change.history.quantity.relative else change.history.quantity.unit),
    Column("where", "where",
        help="Last commit of the old level and first of the new one, or what was upgraded.",
        value=lambda one: _where(one) if one.found.change is not None else f"{_where(one)}; {_size_in_words(one)}"),
)  # fmt: skip
CASES: tuple[Column[History], ...] = (
    Column("title", "case", value=title),
    Column("quantity", "of", value="quantity.words"),
    Column("commits", "commits", Kind.WHOLE, value=lambda one: len({point.commit for point in _points(one)})),
    Column("environments", "environments", Kind.WHOLE, value=lambda one: len(one.series)),
    Column("first", "first", value=lambda one: _value(one, 0)),
    Column("last", "last", value=lambda one: _value(one, -1)),
    Column("notes", "left out", value=lambda one: "" if over_versions(one) else "; ".join(one.notes)),
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
    watched = [] if evidence.watched is None else watch_parts(evidence.watched)
    if not histories and evidence.watched is not None:
        return Section(ID, TITLE, f"{summary(evidence.watched.watch)}.", tuple(watched))
    if not histories:
        return Section(ID, TITLE, "No history can be told yet.", (), MISSING)
    records = {record.case: record for record in evidence.records}
    changes = worst_first(change for history in histories for change in level_changes(history))
    parts: list[Part] = list(watched)
    if changes:
        caption = "Every step of at least the smallest size that counts, the worst first"
        parts.append(table_of("history-steps", caption, CHANGES, changes, lambda one: named(one.history, records)))
    said = conclusion(histories, changes)
    parts += [replace(one, conclusion=said) for one in figures(histories, records)]
    if all(over_versions(history) for history in histories):
        parts.append(Note(NO_COMMITS))
    parts += [
        Note(HOW),
        table_of("history-cases", "The histories that are shown", CASES, histories, lambda one: named(one, records)),
    ]
    return Section(ID, TITLE, said, tuple(parts))


def conclusion(histories: Sequence[History], changes: Sequence[LevelChange]) -> str:
    """How much of what was looked at has changed, and the worst of it with whose doing it is."""
    span = f"{counted(len({history.case for history in histories}), 'case')} over {_span(histories)}"
    apart = sum(one.of_data for history in histories for one in history.changes)
    other = f" Where the data changed ({counted(apart, 'time')}) nothing is compared." if apart else ""
    if not any(history.compared for history in histories):
        return f"Too few commits have a number in one environment: nothing is compared in {span}.{other}"
    if not changes:
        return f"Nothing has changed in {span}: no step was found.{other}"
    worse = sum(change.worse for change in changes)
    kinds = ((worse, "regression"), (len(changes) - worse, "improvement"))
    found = " and ".join(counted(count, name) for count, name in kinds if count)
    first, which = changes[0], "worst" if worse else "largest"
    return f"{found} in {span}. The {which}: {title(first.history)}, {_size_in_words(first)}, {_where(first)}.{other}"


def _span(histories: Sequence[History]) -> str:
    """`30 commits, 7 runs and 4 versions`, of what there is."""
    found: dict[str, set[str]] = {COMMIT: set(), DATE: set()}
    for history in histories:
        if not over_versions(history):
            found[history.by].update(point.run or point.commit for point in _points(history))
    versions = max((len(history.series) for history in histories if over_versions(history)), default=0)
    counts = ((len(found[COMMIT]), "commit"), (len(found[DATE]), "run"), (versions, "version"))
    return listed([counted(count, name) for count, name in counts if count])


def _points(history: History) -> list[Point]:
    return sorted((point for series in history.series for point in series.points), key=lambda point: point.place)


def _value(history: History, at: int) -> str:
    """The first or the last number that there is."""
    return value_text([one.value for one in _points(history) if one.value is not None][at], history.quantity)


def _size_in_words(change: LevelChange) -> str:
    """The size in words: `13.3 digits fewer`, `24.5 % slower`."""
    size, quantity = change.found.change, change.history.quantity
    if size is None:
        return size_words(change.found, quantity)
    more, less, unit = {
        "time": ("slower", "faster", "%"),
        "digits": ("digits more", "digits fewer", ""),
        "excess_loss": ("decades more excess loss", "decades less excess loss", ""),
        "epochs_to": ("more epochs", "fewer epochs", "%"),
    }[quantity.name]
    return " ".join(filter(None, (f"{abs(size):.1f}", unit, more if size > 0 else less)))


def _where(change: LevelChange) -> str:
    """The commits of a step, or what another environment has that the one before had not."""
    found = change.found
    return span_words(found) if isinstance(found, Step) else "; ".join(found.differs)
