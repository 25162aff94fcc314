"""Rows of figures of histories: one case over commits with its levels and steps, cases over a library's versions."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence

from harness.judge.history.history import differences_of, labels, neighbours
from harness.judge.history.series import COMMIT, DATE, SHORT, History, Point, Step
from harness.records.record import Record
from harness.report.figures.rows import CASE, Row, row_of
from harness.report.tables.history import change_words, value_text

KEY = re.compile(r"(?P<problem>.+) (?P<solver>\S+) (?P<device>cpu|cuda(:\d+)?)( .*)?")
"""A case's key (harness.measure.plan.Case.key): problem, solver, device, options."""
VERSION = "version"
FLOORS = {"time": 1e-12, "excess_loss": 1e-16}
"""Of the quantities that are drawn on a logarithmic axis: seconds, and half a unit in the last place of 1."""


def over_versions(history: History) -> bool:
    """Whether it is of one commit in several environments: the versions of a library."""
    commits = {point.commit for series in history.series for point in series.points}
    return history.by == COMMIT and len(commits) == 1


def axis_of(history: History) -> str:
    """commit, date or version."""
    return VERSION if over_versions(history) else history.by


def named(history: History, records: Mapping[str, Record]) -> dict[str, object]:
    """What the reader filters by: the record's, where the run has the case, else what the key says."""
    record = records.get(history.case)
    if record is not None:
        return row_of(record)
    found = KEY.fullmatch(history.case)
    parts = {name: found[name] for name in ("solver", "problem", "device")} if found else {}
    return {**parts, CASE: history.case}


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
    environments = labels(history.series)
    by_version = over_versions(history)
    places = sorted({point.place for series in history.series for point in series.points})
    order = {place: at for at, place in enumerate(places)}
    ticks = _ticks(history)
    for number, series in enumerate(history.series):
        environment = environments[number] or "median; line: level"
        own = {"series": title(history) if by_version else environment, "rank": place if by_version else number}
        at = {
            point.place: {"at": number, "tick": environment}
            if by_version
            else {"at": order[point.place], "tick": ticks[point.place]}
            for point in series.points
        }
        yield from ({"kind": "point", **own, **at[p.place], **_point(p, history)} for p in series.points)
        for i, (first, last, level) in enumerate(series.levels):
            for end in (first, last):
                yield {"kind": "level", **own, **at[end.place], "level": i, "value": _usable(level, history)}
        for step in series.steps:
            yield {"kind": "step", **own, **at[step.new.place], **_step(step, history)}
    if history.by == DATE:
        for old, new in neighbours(history.series):
            begun, number = new.points[0], history.series.index(new)
            here = {"at": order[begun.place], "tick": ticks[begun.place]}
            own = {"series": environments[number], "rank": number}
            yield {"kind": "upgrade", **here, **own, "words": "; ".join(differences_of(old, new))}


def _ticks(history: History) -> dict[int, str]:
    """What the axis calls each place: the name, and of several runs of one minute which of them it is."""
    names = {point.place: point.name for series in history.series for point in series.points}
    seen: dict[str, int] = {}
    found = {}
    for place in sorted(names):
        seen[names[place]] = nth = seen.get(names[place], 0) + 1
        found[place] = names[place] if nth == 1 else f"{names[place]} ({nth})"
    return found


def _point(point: Point, history: History) -> dict[str, object]:
    return {
        "value": _usable(point.value, history),
        "text": value_text(point.value, history.quantity) if point.value is not None else point.why,
        "launches": len(point.values),
        "commit": point.commit[:SHORT],
    }


def _usable(value: float | None, history: History) -> float | None:
    """Finite, and above 0 where the axis is logarithmic."""
    if value is None or not math.isfinite(value):
        return None
    return max(value, FLOORS.get(history.quantity.name, value))


def _step(step: Step, history: History) -> dict[str, object]:
    size = change_words(history.quantity, step.change, step.change, step.change) or (
        "a number again" if step.new.values else "no number"
    )
    words = f"{step.new.name} {size}"
    return {"verdict": step.verdict.value, "words": words, "value": _usable(step.new.value, history)}
