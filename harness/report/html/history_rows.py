"""The rows of section 6: points, levels and steps by case, over commits or over versions."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence

from harness.judge.history.changes import LevelChange
from harness.judge.history.history import labels
from harness.judge.history.series import EnvironmentChange, History, Point, Step
from harness.records.record import Record
from harness.report.html.rows import row_of
from harness.report.html.section import CASE, Row
from harness.report.tables.history import SHORT, change_words, value_text
from harness.report.words.history import span_words

KEY = re.compile(r"(?P<problem>.+) (?P<solver>\S+) (?P<device>cpu|cuda(:\d+)?)( .*)?")
"""A case's key (harness.measure.plan.Case.key): problem, solver, device, options."""
LEAST_SECONDS = 1e-12


def over_versions(history: History) -> bool:
    """Whether it is of one commit in several environments: the versions of a library."""
    return len({point.commit for series in history.series for point in series.points}) == 1


def named(history: History, records: Mapping[str, Record]) -> dict[str, object]:
    """What the reader filters by: the record's, where the run has the case, else what the key says."""
    record = records.get(history.case)
    if record is not None:
        return row_of(record)
    found = KEY.fullmatch(history.case)
    said = {name: found[name] for name in ("solver", "problem", "device")} if found else {}
    return {**said, CASE: history.case}


def title(history: History) -> str:
    """The problem and the solver, with the options that a key says; not the device and thread count of most."""
    return re.sub(r" (cpu|threads=1|dtype=float64)(?= |$)", "", history.case)


def point_rows(histories: Sequence[History], records: Mapping[str, Record]) -> list[Row]:
    """Rows of `kind` point, level and step: a panel a case, by its place among the worst."""
    rows: list[Row] = []
    for place, history in enumerate(histories):
        head = {**named(history, records), "panel": title(history), "place": place}
        rows += [head | row for row in _rows(history, place)]
    return rows


def _rows(history: History, place: int) -> Iterable[dict[str, object]]:
    environments = labels([series.environment for series in history.series])
    by_version = over_versions(history)
    order = {commit: at for at, commit in enumerate(_commits(history))}
    for number, series in enumerate(history.series):
        at = {point.commit: number if by_version else order[point.commit] for point in series.points}
        said = environments[number] or "one environment"
        own = {"series": title(history) if by_version else said, "rank": place if by_version else number}
        ticks = {point.commit: said if by_version else point.commit[:SHORT] for point in series.points}
        where = {commit: {"at": at[commit], "tick": ticks[commit]} for commit in at}
        yield from ({"kind": "point", **own, **where[p.commit], **_point(p, history)} for p in series.points)
        for i, (first, last, level) in enumerate(series.levels):
            for end in (first, last):
                yield {"kind": "level", **own, **where[end.commit], "level": i, "value": _usable(level, history)}
        for step in series.steps:
            yield {"kind": "step", **own, **where[step.new.commit], **_step(step, history)}


def _commits(history: History) -> list[str]:
    found = {(point.place, point.commit) for series in history.series for point in series.points}
    return [commit for _, commit in sorted(found)]


def _point(point: Point, history: History) -> dict[str, object]:
    return {
        "value": _usable(point.value, history),
        "said": value_text(point.value, history.quantity) if point.value is not None else point.why,
        "launches": len(point.values),
        "commit": point.commit[:SHORT],
    }


def _usable(value: float | None, history: History) -> float | None:
    """Finite, and above 0 where the axis is logarithmic."""
    if value is None or not math.isfinite(value):
        return None
    floor = {"time": LEAST_SECONDS, "excess_loss": 1e-16}.get(history.quantity.name)
    return value if floor is None else max(value, floor)


def _step(step: Step, history: History) -> dict[str, object]:
    size = change_words(history.quantity, step.change, step.change, step.change) or (
        "a number again" if step.new.values else "no number"
    )
    return {
        "verdict": step.verdict.value,
        "words": f"{step.new.commit[:SHORT]} {size}",
        "value": _usable(step.new.value, history),
    }


def change_rows(changes: Sequence[LevelChange], records: Mapping[str, Record]) -> list[Row]:
    """A row a step of a commit or a version, as given."""
    return [
        {
            **named(change.history, records),
            "title": title(change.history),
            "quantity": change.history.quantity.words,
            "verdict": change.found.verdict.value,
            "low": None if change.found.low == change.found.high else _finite(change.found.low),
            "high": None if change.found.low == change.found.high else _finite(change.found.high),
            "unit": "%" if change.history.quantity.relative else change.history.quantity.unit,
            "change": _finite(change.found.change),
            "where": where(change) if change.found.change is not None else f"{where(change)}; {words(change)}",
        }
        for change in changes
    ]


def words(change: LevelChange) -> str:
    """The size with its interval: `+5.1 % [3.9, 6.4]`."""
    found, quantity = change.found, change.history.quantity
    said = change_words(quantity, found.change, found.low, found.high)
    if said or isinstance(found, EnvironmentChange):
        return said
    return "has a number again" if found.new.values else f"no number any more: {found.new.why}"


def size_in_words(change: LevelChange) -> str:
    """The size in words: `13.3 digits fewer`, `24.5 % slower`."""
    size, quantity = change.found.change, change.history.quantity
    if size is None:
        return words(change)
    more, less, unit = {
        "time": ("slower", "faster", "%"),
        "digits": ("digits more", "digits fewer", ""),
        "excess_loss": ("decades more excess loss", "decades less excess loss", ""),
        "epochs_to": ("more epochs", "fewer epochs", "%"),
    }[quantity.name]
    return " ".join(filter(None, (f"{abs(size):.1f}", unit, more if size > 0 else less)))


def where(change: LevelChange) -> str:
    """The commits of a step, or what another environment has that the one before had not."""
    found = change.found
    return span_words(found) if isinstance(found, Step) else "; ".join(found.differs)


def _finite(value: float | None) -> float | None:
    """To four digits: no step is known better."""
    return float(f"{value:.4g}") if value is not None and math.isfinite(value) else None


def case_rows(histories: Sequence[History], records: Mapping[str, Record]) -> list[Row]:
    """A row a history: its first and last number, and how much there is of it."""
    rows: list[Row] = []
    for history in histories:
        points = sorted((p for series in history.series for p in series.points), key=lambda p: p.place)
        values = [point.value for point in points if point.value is not None]
        rows.append(
            {
                **named(history, records),
                "title": title(history),
                "quantity": history.quantity.words,
                "commits": len({point.commit for point in points}),
                "environments": len(history.series),
                "first": value_text(values[0], history.quantity),
                "last": value_text(values[-1], history.quantity),
                "notes": "" if over_versions(history) else "; ".join(history.notes),
            }
        )
    return rows
