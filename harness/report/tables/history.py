"""One case over commits or nights: a point each, what changed at it, and the steps between levels."""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from harness.judge.history.history import moved
from harness.judge.history.series import COMMIT, SHORT, History, Point, Quantity, Series, Step
from harness.report.render.objects import objects
from harness.report.render.text import STYLES
from harness.report.tables import numbers as show
from harness.report.tables.column import Column, Kind, attributes


def value_text(value: float | None, quantity: Quantity) -> str:
    """A value of the quantity with its unit."""
    if quantity.name == "time":
        return show.seconds(value)
    return show.power(value) if quantity.name == "excess_loss" else show.fixed(value, 0 if quantity.relative else 1)


def change_words(
    quantity: Quantity, change: float | None, low: float | None, high: float | None, separator: str = " "
) -> str:
    """For example `+5.1 % [3.9, 6.4]`; an open end is a dash, an interval of no width is left out."""
    if change is None or low is None or high is None:
        return ""
    shown = f"{change:+.1f}{separator}{'%' if quantity.relative else quantity.unit}"
    if low == high:
        return shown
    ends = ", ".join(
        f"{end:.1f}" if math.isfinite(end) and end > _least(quantity) else show.NONE for end in (low, high)
    )
    return f"{shown} [{ends}]"


def _least(quantity: Quantity) -> float:
    """What an unbounded slowdown's other end is in the unit: no time is less than nothing."""
    return -100.0 if quantity.relative else -math.inf


class Marked(NamedTuple):
    """A point, the step that begins at it, and what changed since the point before, as far as it is to be said."""

    point: Point
    step: Step | None
    edited: str = ""


def marked(series: Series) -> list[Marked]:
    """Every point of a series, with the edits of the solver's source."""
    return _marked([series], lambda old, new: [one for one in moved(old, new).code if one.startswith("source ")])


def nights(series: Sequence[Series]) -> list[Marked]:
    """Every point of all series of one machine in their order, with all that changed: versions, data, commit."""
    return _marked(series, lambda old, new: moved(old, new).all if old is not new else ())


def _marked(series: Sequence[Series], changed: Callable[[Point, Point], Sequence[str]]) -> list[Marked]:
    """Where a number comes back at another level, the level is what is shown."""
    every = [step for one in series for step in one.steps]
    steps = {id(step.new): step for step in sorted(every, key=lambda step: step.change is not None)}
    found = sorted((point for one in series for point in one.points), key=lambda point: point.place)
    pairs = zip((found[0], *found), found, strict=False)
    return [Marked(point, steps.get(id(point)), "; ".join(changed(old, point))) for old, point in pairs]


def points(quantity: Quantity, by: str = COMMIT) -> tuple[Column[Marked], ...]:
    """Of a quantity: a row a commit, or a row a run."""

    def value(row: Marked) -> str:
        return value_text(row.point.value, quantity)

    def change(row: Marked) -> str:
        return "; ".join(filter(None, (stepped(row), row.edited)))

    def stepped(row: Marked) -> str:
        if row.step is None or row.step.change is None:
            return row.point.why
        return change_words(quantity, row.step.change, row.step.low, row.step.high)

    def style(row: Marked) -> str:
        return STYLES.get(row.step.verdict, "red") if row.step else "dim"

    commit = Column[Marked]("commit", text=lambda row: row.point.commit[:SHORT], spare=3 * (by != COMMIT))
    date = Column[Marked]("date", text=lambda row: row.point.date, spare=by == COMMIT)
    launches = Column[Marked]("launches", kind=Kind.WHOLE, value=lambda row: len(row.point.values), spare=2)
    return (
        *((commit, date, launches) if by == COMMIT else (date, commit)),
        Column("value", quantity.words, Kind.NUMBER, text=value, head=quantity.words, least=8),
        Column("change", text=change, style=style, head="", least=12),
    )


_SPAN = "change low high"
"""The change and the ends of its interval; one that is open is null."""
_STEP: tuple[Column[Step], ...] = (
    Column("last_old", value=lambda step: step.old.run or step.old.commit),
    Column("first_new", value=lambda step: step.new.run or step.new.commit),
    *attributes(f"untested verdict {_SPAN}"),
)
_POINT = attributes("commit run date value launches=values why source")
_SERIES: tuple[Column[Series], ...] = (
    Column("environment", value=lambda one: one.environment.model_dump(mode="json", exclude={"commit", "dirty"})),
    *attributes("data machine"),
    Column("points", value=lambda one: objects(_POINT, one.points)),
    Column("change_points", value=lambda one: objects(_STEP, one.steps)),
)


def history_object(history: History) -> dict[str, Any]:
    """Everything with every launch's value; an open end of an interval is infinite, which JSON has as null."""
    return {
        "case": history.case,
        "by": history.by,
        "quantity": history.quantity.name,
        "effect": history.quantity.in_units(history.effect),
        "unit": "%" if history.quantity.relative else history.quantity.unit,
        "series": objects(_SERIES, history.series),
        "environment_changes": objects(attributes(f"differs commits of_data verdict {_SPAN}"), history.changes),
        "notes": history.notes,
    }
