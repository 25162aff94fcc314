"""Pictures of fits: points, the lines over them and losses by epoch; from arrays to a figure, one form each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.report.figures import axes
from harness.report.figures.axes import Spec
from harness.report.figures.figure import Figure
from harness.report.figures.panels import layered
from harness.report.figures.rows import Row, envelope, short

Floats = NDArray[np.float64]
Points = tuple[Floats, Floats]
"""Horizontal and vertical values, both (m,)."""

LOG_SPAN = 30.0
"""Losses that span more than this factor are drawn on a logarithmic axis."""
HEIGHT = 290
MOST_POINTS = 600
"""Of a curve: a point to every other pixel."""
MANY, CROWD = 300, 1_000
"""Points above MANY are drawn smaller and fainter; above CROWD those that fall together are drawn once."""
CELLS = (120, 80)
"""Places that a crowd falls into, across and up: 5 pixels of a file's picture each."""
FAINT = 0.3
"""Opacity of a place of a crowd with one point; the densest has 1."""
POINTS, OVER = "points", "over"
EXACT = "predicted = observed"
SHAPES = ("circle", "square", "triangle-up", "diamond")


@dataclass(frozen=True)
class Labels:
    """The texts of one picture. `title` may have two lines."""

    title: str
    x: str
    y: str


class Form(Enum):
    """What is drawn of the points, and of what lies over them."""

    FITTED = "points under lines"
    LOSSES = "lines by epoch"
    OBSERVED = "predictions against observations, with the diagonal"
    SPLITS = "points of each split under predictions"


@dataclass(frozen=True)
class Drawing:
    """`points` and what lies `over` them, each by label and in the order in which it is drawn.

    `fit_of`: by label, what a fit is of (solver, problem, lr), where something is a fit's.
    """

    form: Form
    labels: Labels
    points: Mapping[str, Points] = field(default_factory=dict)
    over: Mapping[str, Points] = field(default_factory=dict)
    fit_of: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def figure(name: str, drawing: Drawing, problem: str) -> Figure:
    """The drawing under the page's name for it; rows of data belong to `problem`, those of a fit to what it is of."""
    groups = ((POINTS, drawing.points), (OVER, drawing.over))
    rows = [row for kind, group in groups for label, points in group.items() for row in _rows(kind, label, points)]
    about = [{"problem": problem, **drawing.fit_of.get(row["series"], {}), **row} for row in rows]
    layers, encoding = _FORMS[drawing.form](drawing)
    shown = " under ".join(", ".join(group) for _, group in groups if group)
    description = f"{drawing.labels.y} against {drawing.labels.x}: {shown}."
    return Figure(name, drawing.labels.title, description, layered(layers, encoding, (), HEIGHT) | axes.HALF, about)


def on_logarithms(curves: Mapping[str, Points]) -> bool:
    """Whether losses are drawn on a logarithmic axis: the positive ones span more than LOG_SPAN."""
    values = np.concatenate([loss for _, loss in curves.values()])
    positive = values[np.isfinite(values) & (values > 0)]
    return bool(len(positive) and positive.max() > LOG_SPAN * positive.min())


def _diagonal(pairs: Mapping[str, Points]) -> list[float | None]:
    """Where the line `predicted = observed` begins and ends, and both axes with it."""
    low = min(float(values.min()) for pair in pairs.values() for values in pair)
    high = max(float(values.max()) for pair in pairs.values() for values in pair)
    margin = 0.04 * (high - low) or 1.0
    return [short(low - margin), short(high + margin)]


def _rows(kind: str, label: str, points: Points) -> list[Row]:
    """Lines of thousands of epochs as their envelope, crowds by the places that they fall into, others as they are."""
    x, y = points
    base = {"what": kind, "series": label}
    if kind == OVER and len(x) > MOST_POINTS:
        kept = envelope(y, MOST_POINTS)
        x, y = x[kept], y[kept]
    if kind == POINTS and len(x) > CROWD:
        return [base | row for row in _crowd(x, y)]
    return [base | {"x": short(a), "y": short(b)} for a, b in zip(x.tolist(), y.tolist(), strict=True)]


def _crowd(x: Floats, y: Floats) -> list[dict[str, Any]]:
    """A row a place that any of the points fall into, the darker, by the logarithm, the more of them do."""
    counts, across, up = np.histogram2d(x, y, CELLS)
    i, j = np.nonzero(counts)
    ink = FAINT + (1 - FAINT) * np.log(counts[i, j]) / max(1.0, float(np.log(counts.max())))
    x, y = (across[i] + across[i + 1]) / 2, (up[j] + up[j + 1]) / 2
    places = zip(x.tolist(), y.tolist(), ink.tolist(), strict=True)
    return [{"x": short(a), "y": short(b), "ink": short(c, 2)} for a, b, c in places]


def _quantity(field: str, title: str, label: str = "", **scale: object) -> Spec:
    kept = {"nice": True, **({} if "type" in scale else {"zero": False}), **scale}
    made = axes.number(field, title, label, **kept)
    made["axis"] |= {"labelFlush": False, "tickCount": {"expr": "max(3, floor(width / 90))"} if field == "x" else 6}
    return made


def _axes(drawing: Drawing) -> Spec:
    return {name: _quantity(name, getattr(drawing.labels, name)) for name in ("x", "y")}


def _fitted(drawing: Drawing) -> tuple[list[Spec], Spec]:
    """Grey points under a line for each fit."""
    data = axes.category(
        "series", legend=axes.legend_of(drawing.points), scale={"domain": list(drawing.points), "range": ["circle"]}
    )
    cloud = _cloud(drawing, {"shape": data}, color=axes.GREY)
    return [cloud, _lines(drawing)], _axes(drawing)


def _losses(drawing: Drawing) -> tuple[list[Spec], Spec]:
    """A line for each loss, logarithmic where it spans much."""
    scale = (axes.powers("y"), axes.LOG) if on_logarithms(drawing.over) else ("", {})
    y = _quantity("y", drawing.labels.y, scale[0], **scale[1])
    return [_lines(drawing)], {"x": _quantity("x", drawing.labels.x, nice=False), "y": y}


def _observed(drawing: Drawing) -> tuple[list[Spec], Spec]:
    """Predictions against observations, with the diagonal that they should lie on: one range on both axes."""
    ends = _diagonal(drawing.points)
    same = axes.category("series", legend=axes.legend_of([EXACT]) | axes.LINES, scale={"range": [[6, 3]]})
    straight = axes.layer("line", {"strokeDash": same}, color=axes.GREY)
    straight["data"] = {"values": [{"x": end, "y": end, "series": EXACT} for end in ends]}
    encoding = {name: _quantity(name, getattr(drawing.labels, name), domain=ends, nice=False) for name in ("x", "y")}
    return [straight, _cloud(drawing, _marks(list(drawing.points)))], encoding


def _splits(drawing: Drawing) -> tuple[list[Spec], Spec]:
    """Points of each split, and crosses for what was predicted for the held-out one."""
    channels = _marks([*drawing.points, *drawing.over], crosses=len(drawing.over))
    tips = {"tooltip": _tips(drawing)}
    crosses = axes.layer("point", channels | tips, axes.only(OVER), filled=True, size=45)
    return [_cloud(drawing, channels), crosses], _axes(drawing)


_FORMS: dict[Form, Callable[[Drawing], tuple[list[Spec], Spec]]] = {
    Form.FITTED: _fitted,
    Form.LOSSES: _losses,
    Form.OBSERVED: _observed,
    Form.SPLITS: _splits,
}


def _cloud(drawing: Drawing, channels: Spec, **style: object) -> Spec:
    """The points: the more there are, the smaller and fainter, so that a cloud keeps its shades."""
    most = max((len(x) for x, _ in drawing.points.values()), default=0)
    if most > CROWD:
        ink = axes.number("ink") | {"scale": None, "legend": None}
        channels, size = channels | {"opacity": {"condition": {"test": "isValid(datum.ink)", **ink}, "value": 0.6}}, 12
    else:
        style, size = style | {"opacity": 0.45 if most > MANY else 0.6}, 24 if most > MANY else 45
    encoding = channels | {"tooltip": _tips(drawing)}
    return axes.layer("point", encoding, axes.only(POINTS), filled=True, size=size, **style)


def _marks(names: list[str], crosses: int = 0) -> Spec:
    """Colour and shape by series; the last `crosses` of them are crosses."""
    shapes = [SHAPES[i % len(SHAPES)] for i in range(len(names) - crosses)] + [axes.SALTIRE] * crosses
    shared = axes.category("series", legend=axes.legend_of(names))
    return {
        "color": {**shared, "scale": {"domain": names}},
        "shape": {**shared, "scale": {"domain": names, "range": shapes}},
    }


def _lines(drawing: Drawing) -> Spec:
    channels = axes.dashed("series", list(drawing.over), **axes.legend_of(drawing.over) | axes.LINES)
    return axes.layer("line", channels | {"order": axes.number("x")}, axes.only(OVER), strokeWidth=2.5)


def _tips(drawing: Drawing) -> list[Spec]:
    return axes.tips(("series", "of"), ("x", drawing.labels.x, ".5~g"), ("y", drawing.labels.y, ".5~g"))
