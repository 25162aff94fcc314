"""The heat maps of section 2: solver against problem, in digits, and in powers of ten of the excess loss."""

import math
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from harness.records.record import MAX_DIGITS, Record
from harness.report.html.rows import names_of, row_of, short_problems
from harness.report.html.section import Figure, Row
from harness.report.words.sentences import counted
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
LIGHT_DIGITS, LIGHT_DECADES = LIGHT_FROM * MAX_DIGITS, MOST - LIGHT_FROM * (MOST - LEAST)
GROUND = "#5c5c5c"
"""Of a cell without a number: white text has a contrast of 6.7 to it."""


def digits_map(records: Sequence[Record]) -> Figure:
    """Digits of the worst coefficient; the hardest problem at the left, the best solver at the top."""
    names = names_of(records)
    rows = _placed([_digits_row(record, names[record.case]) for record in records], "digits", rising=False)
    numbered = len(rows) <= MOST_NUMBERS
    problems, solvers = ({row[key] for row in rows} for key in ("problem", "who"))
    return Figure(
        "accuracy-digits",
        "Correct digits, solver by problem",
        f"Heat map of the correct digits of {counted(len(solvers), 'solver')} on {counted(len(problems), 'problem')}, "
        f"{NUMBERED if numbered else ''}grey: there are no digits.",
        _heat_map(len(problems), "digits", "correct digits (at most 15)", [0, MAX_DIGITS], numbered=numbered),
        rows,
    )


def excess_map(records: Sequence[Record]) -> Figure:
    """The power of ten of the excess loss at the end of each training."""
    names = names_of(records)
    rows = _placed([_excess_row(record, names[record.case]) for record in records], "decades", rising=True)
    numbered = len(rows) <= MOST_NUMBERS
    problems, trainings = ({row[key] for row in rows} for key in ("problem", "who"))
    return Figure(
        "accuracy-excess",
        "Excess loss of trainings at their last epoch",
        f"Heat map of the power of ten of the relative excess loss of {counted(len(trainings), 'training')} on "
        f"{counted(len(problems), 'problem')}, {NUMBERED if numbered else ''}grey: it has none.",
        _heat_map(len(problems), "decades", "log10 of the excess loss", [LEAST, MOST], numbered=numbered, reverse=True),
        rows,
    )


def _digits_row(record: Record, who: str) -> dict[str, Any]:
    accuracy = record.accuracy
    shown = "" if accuracy.digits is None else f"{accuracy.digits:.0f}"
    light = accuracy.digits is not None and accuracy.digits > LIGHT_DIGITS
    return _row(record, who, f"{shown}{_sign(record)}", light=light, digits=accuracy.digits)


def _excess_row(record: Record, who: str) -> dict[str, Any]:
    excess = record.accuracy.excess_loss
    usable = excess is not None and math.isfinite(excess)
    decades = math.log10(max(excess or 0.0, FLOOR)) if usable else None
    shown = "" if decades is None else str(round(decades))
    light = decades is not None and decades < LIGHT_DECADES
    return _row(record, who, f"{shown}{_sign(record)}", light=light, decades=decades)


def _row(record: Record, who: str, text: str, *, light: bool, **value: float | None) -> dict[str, Any]:
    accuracy = record.accuracy
    return row_of(
        record,
        who=who,
        text=text,
        ink="#000000" if light else "#ffffff",
        status=record.status.value,
        rank=None if accuracy.rank is None else f"{accuracy.rank} of {accuracy.exact_rank}",
        excess=accuracy.excess_loss,
        **value,
    )


def _sign(record: Record) -> str:
    return SIGNS.get(record.status, " !")


def _placed(rows: Sequence[dict[str, Any]], value: str, *, rising: bool) -> list[Row]:
    """Rows with the places of their problem and solver: by the median of the value, what is missing worst."""

    def places(key: str, *, best_first: bool) -> Mapping[str, int]:
        worst = math.inf if rising else -math.inf
        groups: dict[str, list[float]] = {}
        for row in rows:
            groups.setdefault(row[key], []).append(worst if row[value] is None else row[value])
        ordered = sorted(groups, key=lambda name: (median(groups[name]), min(groups[name])))
        return {name: i for i, name in enumerate(ordered if best_first == rising else reversed(ordered))}

    across, down = places("problem", best_first=False), places("who", best_first=True)
    short = short_problems(across)
    return [
        row | {"where": short[row["problem"]], "across": across[row["problem"]], "down": down[row["who"]]}
        for row in rows
    ]


def _heat_map(
    problems: int, field: str, title: str, domain: Sequence[float], *, numbered: bool, reverse: bool = False
) -> dict[str, Any]:
    """Rectangles with their text; viridis is read by every kind of colour vision and in grey (Smith, van der Walt)."""
    import altair as alt

    base = alt.Chart(alt.NamedData("rows")).encode(
        x=alt.X("where:N", title=None, sort=alt.EncodingSortField("across", op="min", order="ascending")).axis(
            labelAngle=-40, labelLimit=220, grid=False
        ),
        y=alt.Y("who:N", title=None, sort=alt.EncodingSortField("down", op="min", order="ascending")).axis(
            grid=False, labelLimit=260
        ),
        tooltip=[
            alt.Tooltip("who:N", title="solver"),
            alt.Tooltip("problem:N", title="problem"),
            alt.Tooltip(f"{field}:Q", title=title, format=".1f"),
            alt.Tooltip("excess:Q", title="excess loss", format=".1e"),
            alt.Tooltip("rank:N", title="rank"),
            alt.Tooltip("status:N", title="status"),
        ],
    )
    scale = alt.Scale(scheme="viridis", domain=list(domain), clamp=True, reverse=reverse)
    ground = base.transform_filter(f"!isValid(datum.{field})").mark_rect(fill=GROUND)
    cells = base.mark_rect(stroke="#808080", strokeWidth=0.5, cursor="pointer").encode(
        color=alt.Color(f"{field}:Q", title=title, scale=scale).legend(orient="top", gradientLength=200)
    )
    labels = base.mark_text(fontSize=11, cursor="pointer").encode(
        text="text:N", color=alt.Color("ink:N", scale=None, legend=None)
    )
    chart = (
        alt.layer(ground, cells, *([labels] if numbered else []))
        .resolve_scale(color="independent")
        .properties(width="container", height=alt.Step(24), usermeta={"minWidth": LABELS_PX + CELL_PX * problems})
    )
    spec: dict[str, Any] = chart.to_dict()
    return spec
