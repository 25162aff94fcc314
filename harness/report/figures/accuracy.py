"""Heat maps, solver against problem: of digits, and of powers of ten of the excess loss."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from harness.errors import counted
from harness.records.record import MAX_DIGITS, Record
from harness.report.figures import axes
from harness.report.figures.figure import Figure
from harness.report.figures.panels import layered
from harness.report.figures.rows import Row, names_of, row_of, short_problems
from harness.solvers.status import Status

SIGNS = {Status.WRONG: " ✗", Status.DIVERGED: " ↗", Status.NOT_CONVERGED: " …", Status.OK: ""}
"""After the number of a cell, as the page's tables have it; anything else that failed is an exclamation mark."""
NUMBERED = "the number in each cell, a sign after it where the case did not end ok; "
MOST_NUMBERS = 2500
"""Cells with a number in each: of more a reader sees the colours, and asks a cell for its number by pointing at it."""
CELL_PX, LABELS_PX = 34, 200
FLOOR = 1e-16
"""An excess loss below half a unit in the last place of 1 (IEEE 754) is drawn as that."""
LEAST, MOST = -16, 2
LIGHT_FROM = 0.43
"""Of viridis' range: there both inks have a contrast of 4.5 (WCAG 2.2), and above it black, below it white has more."""
GROUND = "#5c5c5c"
"""Of a cell without a number: white text has a contrast of 6.7 to it."""


@dataclass(frozen=True)
class _Map:
    """A heat map of one value of the records: `field` of its rows, `title` of the value, its range, which end is good.

    `rows`: what its rows are called, where one of them is.
    """

    field: str
    title: str
    rows: str
    domain: tuple[float, float]
    rising: bool


DIGITS = _Map("digits", "correct digits (at most 15)", "solver", (0, MAX_DIGITS), rising=False)
EXCESS = _Map("decades", "log10 of the excess loss", "training", (LEAST, MOST), rising=True)


def digits_map(records: Sequence[Record]) -> Figure:
    """Digits of the worst coefficient; the hardest problem at the left, the best solver at the top."""
    title, what = "Correct digits, solver by problem", "correct digits"
    return _figure("accuracy-digits", title, what, records, DIGITS, {r.case: r.accuracy.digits for r in records})


def excess_map(records: Sequence[Record]) -> Figure:
    """The power of ten of the excess loss at the end of each training."""
    title, what = "Excess loss of trainings at their last epoch", "power of ten of the relative excess loss"
    return _figure("accuracy-excess", title, what, records, EXCESS, {r.case: _decades(r) for r in records})


def _decades(record: Record) -> float | None:
    excess = record.accuracy.excess_loss
    return None if excess is None or not math.isfinite(excess) else math.log10(max(excess, FLOOR))


def _figure(  # what is said of a map, and what it is of
    name: str, title: str, what: str, records: Sequence[Record], of: _Map, values: Mapping[str, float | None]
) -> Figure:
    names = names_of(records)
    rows = _placed([_row(one, names[one.case], values[one.case], of) for one in records], of)
    numbered = len(rows) <= MOST_NUMBERS
    problems, called = ({row[key] for row in rows} for key in ("problem", "who"))
    description = (
        f"Heat map of the {what} of {counted(len(called), of.rows)} on {counted(len(problems), 'problem')}, "
        f"{NUMBERED if numbered else ''}grey: there is none."
    )
    return Figure(name, title, description, _heat_map(len(problems), of, numbered=numbered), rows)


def _row(record: Record, who: str, value: float | None, of: _Map) -> dict[str, Any]:
    accuracy = record.accuracy
    low, high = of.domain
    share = None if value is None else (value - low) / (high - low)
    light = share is not None and (1 - share if of.rising else share) > LIGHT_FROM
    return row_of(
        record,
        who=who,
        text=f"{'' if value is None else round(value)}{_sign(record)}",
        ink="#000000" if light else "#ffffff",
        status=record.status.value,
        rank=None if accuracy.rank is None else f"{accuracy.rank} of {accuracy.exact_rank}",
        excess=accuracy.excess_loss,
        **{of.field: value},
    )


def _sign(record: Record) -> str:
    return SIGNS.get(record.status, " !")


def _placed(rows: Sequence[dict[str, Any]], of: _Map) -> list[Row]:
    """Rows with the places of their problem and solver: by the median of the value, what is missing worst."""

    def places(key: str, *, best_first: bool) -> Mapping[str, int]:
        worst = math.inf if of.rising else -math.inf
        groups: dict[str, list[float]] = {}
        for row in rows:
            groups.setdefault(row[key], []).append(worst if row[of.field] is None else row[of.field])
        ordered = sorted(groups, key=lambda name: (median(groups[name]), min(groups[name])))
        return {name: i for i, name in enumerate(ordered if best_first == of.rising else reversed(ordered))}

    across, down = places("problem", best_first=False), places("who", best_first=True)
    short = short_problems(across)
    return [
        row | {"where": short[row["problem"]], "across": across[row["problem"]], "down": down[row["who"]]}
        for row in rows
    ]


def _heat_map(problems: int, of: _Map, *, numbered: bool) -> axes.Spec:
    """Rectangles with their text; viridis is read by every kind of colour vision and in grey (Smith, van der Walt)."""
    across = {"field": "across", "op": "min", "order": "ascending"}
    where = {"labelAngle": -40, "labelLimit": 220, "grid": False}
    who = {"grid": False, "labelLimit": 260}
    numbers = (("excess", "excess loss", ".1e"), ("rank", "rank"), ("status", "status"))
    encoding = {
        "x": axes.category("where", title=None, sort=across, axis=where),
        "y": axes.category("who", title=None, sort=across | {"field": "down"}, axis=who),
        "tooltip": axes.tips(("who", "solver"), ("problem", "problem"), (of.field, of.title, ".1f"), *numbers),
    }
    scale = {"scheme": "viridis", "domain": list(of.domain), "clamp": True, "reverse": of.rising}
    colour = axes.number(of.field, "", "", **scale) | {
        "title": of.title,
        "legend": {"orient": "top", "gradientLength": 200},
    }
    ink = {"text": axes.category("text"), "color": axes.category("ink", scale=None, legend=None)}
    layers = [
        axes.layer("rect", {}, axes.keep(f"!isValid(datum.{of.field})"), fill=GROUND),
        axes.layer("rect", {"color": colour}, stroke="#808080", strokeWidth=0.5, cursor="pointer"),
        *([axes.layer("text", ink, fontSize=11, cursor="pointer")] if numbered else []),
    ]
    wide = {"resolve": {"scale": {"color": "independent"}}, "usermeta": {"minWidth": LABELS_PX + CELL_PX * problems}}
    return layered(layers, encoding, (), {"step": 24}) | wide
