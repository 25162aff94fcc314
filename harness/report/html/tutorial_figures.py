"""Drawings of fits as the page's figures: points, lines and losses, by one specification a form."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from harness.report.drawing import Drawing, Floats, Form, Points, diagonal, on_logarithms
from harness.report.html import axes
from harness.report.html.section import Figure, Row
from harness.report.html.thinning import envelope, short
from harness.report.html.training_figures import DASHES, LINES

Spec = dict[str, Any]

HEIGHT = 290
MOST_POINTS = 600
"""Of a curve: a point to every other pixel."""
POINTS, OVER = "points", "over"
MANY = 300
"""Above this, points are drawn smaller and fainter."""
SHAPES = ("circle", "square", "triangle-up", "diamond")


def figure(name: str, drawing: Drawing, problem: str) -> Figure:
    """The drawing under the page's name for it; rows of data belong to `problem`, those of a fit to what it says."""
    rows = [row for kind, group in ((POINTS, drawing.points), (OVER, drawing.over)) for row in _rows(kind, group)]
    told = [{"problem": problem, **drawing.said.get(row["series"], {}), **row} for row in rows]
    labels = drawing.labels
    layers, encoding = _FORMS[drawing.form](drawing)
    spec = axes.layered(layers, encoding, (), HEIGHT) | {"usermeta": {"half": True}}
    return Figure(name, labels.title.replace("\n", ": "), _description(drawing), spec, told)


def _rows(kind: str, group: Mapping[str, Points]) -> list[Row]:
    return [
        {"what": kind, "series": label, "x": short(float(x)), "y": short(float(y))}
        for label, (horizontal, vertical) in group.items()
        for x, y in zip(*_thinned(kind, horizontal, vertical), strict=True)
    ]


def _thinned(kind: str, x: Floats, y: Floats) -> Points:
    """Lines of thousands of epochs as their envelope; points as they are."""
    if kind == POINTS or len(x) <= MOST_POINTS:
        return x, y
    kept = envelope(y, MOST_POINTS)
    return x[kept], y[kept]


def _description(drawing: Drawing) -> str:
    labels = drawing.labels
    shown = " under ".join(", ".join(group) for group in (drawing.points, drawing.over) if group)
    return f"{labels.y} against {labels.x}: {shown}."


def _quantity(field: str, title: str, **scale: object) -> Spec:
    kept = {"nice": True, **({} if "type" in scale else {"zero": False}), **scale}
    ticks = {"expr": "max(3, floor(width / 90))"} if field == "x" else 6
    axis = {"title": title, "gridOpacity": 0.35, "labelFlush": False, "tickCount": ticks}
    return {"field": field, "type": "quantitative", "scale": kept, "axis": axis}


def _axes(drawing: Drawing) -> Spec:
    return {"x": _quantity("x", drawing.labels.x), "y": _quantity("y", drawing.labels.y)}


def _fitted(drawing: Drawing) -> tuple[list[Spec], Spec]:
    """Grey points under a line for each fit."""
    cloud = {"mark": _cloud(drawing.points, color=axes.GREY), "encoding": {"tooltip": _tips(drawing)}}
    return [cloud | _only(POINTS), _lines(drawing)], _axes(drawing)


def _losses(drawing: Drawing) -> tuple[list[Spec], Spec]:
    """A line for each loss, logarithmic where it spans much."""
    y = _quantity("y", drawing.labels.y)
    if on_logarithms(drawing.over):
        y = _quantity("y", drawing.labels.y, type="log", nice=False)
        y["axis"]["labelExpr"] = axes.powers("y")
    return [_lines(drawing)], {"x": _quantity("x", drawing.labels.x, nice=False), "y": y}


def _observed(drawing: Drawing) -> tuple[list[Spec], Spec]:
    """Predictions against observations, with the diagonal that they should lie on."""
    ends = [short(float(end)) for end in diagonal(drawing.points)]
    straight: Spec = {
        "data": {"values": [{"x": end, "y": end} for end in ends]},
        "mark": {"type": "line", "color": axes.GREY, "strokeDash": [6, 3]},
    }
    cloud = {"mark": _cloud(drawing.points), "encoding": {**_marks(drawing.points), "tooltip": _tips(drawing)}}
    encoding = {name: _quantity(name, getattr(drawing.labels, name), domain=ends, nice=False) for name in ("x", "y")}
    return [straight, cloud | _only(POINTS)], encoding


def _splits(drawing: Drawing) -> tuple[list[Spec], Spec]:
    """Points of each split, and crosses for what was predicted for the held-out one."""
    names = [*drawing.points, *drawing.over]
    channels = _marks(names, cross=len(drawing.over))
    cloud = {"mark": _cloud(drawing.points), "encoding": {**channels, "tooltip": _tips(drawing)}}
    mark = {"type": "point", "filled": True, "size": 40, "angle": 45}
    crosses = {"mark": mark, "encoding": {**channels, "tooltip": _tips(drawing)}}
    return [cloud | _only(POINTS), crosses | _only(OVER)], _axes(drawing)


_FORMS: dict[Form, Callable[[Drawing], tuple[list[Spec], Spec]]] = {
    Form.FITTED: _fitted,
    Form.LOSSES: _losses,
    Form.OBSERVED: _observed,
    Form.SPLITS: _splits,
}


def _only(what: str) -> Spec:
    return {"transform": [{"filter": {"field": "what", "equal": what}}]}


def _cloud(points: Mapping[str, Points], **mark: object) -> Spec:
    many = max((len(x) for x, _ in points.values()), default=0) > MANY
    return {"type": "point", "filled": True, "size": 16 if many else 55, "opacity": 0.35 if many else 0.6, **mark}


def _marks(names: Iterable[str], cross: int = 0) -> Spec:
    """Colour and shape by series; the last `cross` of them are crosses."""
    known = list(names)
    shapes = [SHAPES[i % len(SHAPES)] for i in range(len(known) - cross)] + ["cross"] * cross
    legend = axes.legend() | {"symbolOpacity": 1, "labelLimit": 320, "columns": 1}
    shared = {"field": "series", "type": "nominal", "legend": legend}
    return {
        "color": {**shared, "scale": {"domain": known}},
        "shape": {**shared, "scale": {"domain": known, "range": shapes}},
    }


def _lines(drawing: Drawing) -> Spec:
    names = list(drawing.over)
    legend = axes.legend() | LINES | {"labelLimit": 320, "columns": 1}
    shared = {"field": "series", "type": "nominal", "legend": legend}
    dashes = [list(DASHES[i % len(DASHES)]) for i in range(len(names))]
    channels = {
        "color": {**shared, "scale": {"domain": names}},
        "strokeDash": {**shared, "scale": {"domain": names, "range": dashes}},
        "order": {"field": "x", "type": "quantitative"},
    }
    return {"mark": {"type": "line", "strokeWidth": 2.5}, "encoding": channels} | _only(OVER)


def _tips(drawing: Drawing) -> list[Spec]:
    numbers = (("x", drawing.labels.x), ("y", drawing.labels.y))
    return [
        {"field": "series", "type": "nominal", "title": "of"},
        *({"field": f, "type": "quantitative", "title": title, "format": ".5~g"} for f, title in numbers),
    ]
