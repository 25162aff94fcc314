"""What the figures' specifications are put together from: channels, layers, axes that people read, legends.

Colours are the theme's (harness.report.figures.theme), light or dark; every series has a shape or dashes besides.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Spec = dict[str, Any]

SHAPES = ("circle", "triangle-up", "square", "diamond", "triangle-down", "cross")
"""Six beside the theme's seven colours: 42 series differ in one or the other."""
DASHES = ([1, 0], [8, 3], [2, 2], [8, 3, 2, 3], [14, 4])
"""Five beside the theme's seven colours: 35 lines differ in one or the other."""
MOST_CURVES = 8
"""In one plot, each of them named: more are not told apart by colour and dashes on paper."""
SALTIRE = "M-.8,-.5L-.5,-.8L0,-.3L.5,-.8L.8,-.5L.3,0L.8,.5L.5,.8L0,.3L-.5,.8L-.8,.5L-.3,0Z"
"""The path of a cross that lies on its side, as a mark's shape."""
FRONT, GREY = "#2E86C8", "#7A7A7A"
"""Marks that are no series: at least 3.9 : 1 and 4.2 : 1 against white and against the dark page."""
QUIET = {"gridOpacity": 0.35, "labelOverlap": "greedy", "labelSeparation": 8}
"""Grid lines paler than the theme's, since a logarithmic axis has nine a decade, and room between labels."""
ACROSS = "(isFinite(containerSize()[0]) ? containerSize()[0] : width)"
"""An expression: the pixels that a legend has. By `width` alone it would have other rows once the plot has made room
for its axis, after the picture's height has been decided, and the last of them would be cut off."""
LEGEND_PIXELS, CHARACTER_PIXELS = 190, 6.5
"""Of a legend's column: two of them on a phone; longer names are cut off there, and whole in tooltips and tables. And
of one of its characters, at 12 pixels a line."""
LINES = {"symbolType": "stroke", "symbolOpacity": 1, "symbolStrokeWidth": 2.5, "symbolSize": 250}
"""Of a legend: its symbols are lines, as strong as any."""
LOG = {"type": "log", "nice": False}
"""Of a scale."""
UPRIGHT = {"y": {"value": 0}, "y2": {"value": "height"}}
"""Of a rule: from the top of the plot to its foot."""
ACROSS_PLOT = {"x": {"value": 0}, "x2": {"value": "width"}}
"""Of a rule: from the left of the plot to its right."""
HALF = {"usermeta": {"half": True}}
"""Of a specification: two beside each other where the page is wide."""

NOMINAL, QUANTITATIVE = {"type": "nominal"}, {"type": "quantitative"}

_MANTISSA = "datum.value / pow(10, floor(log(datum.value) / LN10 + 1e-9))"
_DECADES = "abs(log(domain('{scale}')[1] / domain('{scale}')[0]) / LN10)"
PLAIN = "format(datum.value, '~g')"
COUNT = "format(datum.value, ',.3~r')"


def number(field: str, title: str = "", label: str = "", **scale: object) -> Spec:
    """A quantitative channel. `title`: of its axis; `label`: an expression for its ticks; `scale`: its settings."""
    axis = {"title": title, **QUIET, **({"labelExpr": label} if label else {})}
    return {
        "field": field,
        "type": "quantitative",
        **({"scale": scale} if scale else {}),
        **({"axis": axis} if title else {}),
    }


def category(field: str, **more: object) -> Spec:
    """A nominal channel."""
    return {"field": field, "type": "nominal", **more}


def layer(mark: str, encoding: Spec, *transform: Spec, **style: object) -> Spec:
    """One layer: a mark with its style, over the rows that the transforms leave."""
    return {
        "mark": {"type": mark, **style},
        "encoding": encoding,
        **({"transform": list(transform)} if transform else {}),
    }


def keep(expression: str) -> Spec:
    """A transform: the rows for which the expression holds."""
    return {"filter": expression}


def only(*kinds: str) -> Spec:
    """A transform: the rows whose `what` is one of these."""
    return {"filter": {"field": "what", "oneOf": list(kinds)}}


def tips(*shown: tuple[str, ...]) -> list[Spec]:
    """A tooltip of fields with their titles; with a third text, a number in that format."""
    return [
        {"field": one[0], "title": one[1], **(QUANTITATIVE | {"format": one[2]} if one[2:] else NOMINAL)}
        for one in shown
    ]


def inside(field: str, across: int, down: int = 0) -> Spec:
    """Style of a text: so many pixels right of its point and below; left and above near the plot's right end."""
    late = f"scale('x', datum.{field}) > 0.6 * width"
    moved = {"dx": {"expr": f"{late} ? -{across} : {across}"}, "dy": {"expr": f"{late} ? -{down} : {down}"}}
    return {"align": {"expr": f"{late} ? 'right' : 'left'"}, **moved}


def picked(field: str) -> Spec:
    """Of a layer: a click on the legend's entry picks the series of that `field`."""
    return {"params": [{"name": "picked", "select": {"type": "point", "fields": [field]}, "bind": "legend"}]}


def bright(rest: float = 0.12) -> Spec:
    """An opacity: what is picked in the legend stands out; everything does where nothing is."""
    return {"condition": {"param": "picked", "empty": True, "value": 1}, "value": rest}


def dashed(field: str, names: Sequence[object], **legend_too: object) -> dict[str, Spec]:
    """Colour and dashes of lines by `field`, in the order of `names`; `legend_too`: over legend()."""
    shared = {"field": field, "type": "nominal", "legend": legend() | LINES | legend_too}
    dashes = [list(DASHES[i % len(DASHES)]) for i in range(len(names))]
    return {
        "color": {**shared, "scale": {"domain": list(names)}},
        "strokeDash": {**shared, "scale": {"domain": list(names), "range": dashes}},
    }


def labelled(texts: Mapping[Any, str]) -> str:
    """An expression: the text of a legend's or an axis's value; a value that has none as it is."""
    cases = (f"datum.value === {json.dumps(value)} ? {json.dumps(text)} : " for value, text in texts.items())
    return "".join(cases) + "datum.value"


def _seconds(value: str) -> str:
    """An expression: seconds as people read them, three digits."""
    return (
        f"{value} >= 0.9995 ? format({value}, ',.3~r') + ' s'"
        f" : {value} >= 0.0009995 ? format({value} * 1e3, '.3~r') + ' ms'"
        f" : {value} >= 9.995e-7 ? format({value} * 1e6, '.3~r') + ' µs' : format({value} * 1e9, '.3~r') + ' ns'"
    )


def log_labels(scale: str, text: str) -> str:
    """An expression that labels powers of ten, with 2 and 5 where the axis spans less than three decades.

    Every tick where it spans less than one decade. `scale`: x or y; `text`: the expression of a label.
    """
    span, least = _DECADES.format(scale=scale), "1e-6"
    powers = f"abs({_MANTISSA} - 1) < {least}"
    few = f"{span} < 3 && (abs({_MANTISSA} - 2) < {least} || abs({_MANTISSA} - 5) < {least})"
    return f"{span} < 1 || {powers} || ({few}) ? {text} : ''"


def powers(scale: str) -> str:
    """Labels of a logarithmic axis of small numbers: 1e-4."""
    return log_labels(scale, "format(datum.value, '.0e')")


def multiples(scale: str) -> str:
    """Labels of a logarithmic axis of ratios: 0.5x, 10x."""
    return log_labels(scale, f"{COUNT} + 'x'")


def seconds(scale: str) -> str:
    """Labels of a logarithmic axis of seconds, in s, ms, µs or ns."""
    return log_labels(scale, _seconds("datum.value"))


def seconds_text() -> Spec:
    """A transform: `time`, the seconds with their interval where there is one, for a tooltip."""
    value, low, high = (f"({_seconds(f'datum.seconds{end}')})" for end in ("", "_low", "_high"))
    interval = f"(isValid(datum.seconds_low) ? ' [' + {low} + ', ' + {high} + ']' : '')"
    return {"calculate": f"{value} + {interval}", "as": "time"}


def coloured() -> Spec:
    """The colour of `series`: the theme's, by the `rank` of what is drawn; the legend is that of the shapes."""
    by_rank = {"field": "rank", "op": "min", "order": "ascending"}
    return category("series", sort=by_rank, legend=None)


def shaped(legend_too: Mapping[str, Any] | None = None) -> Spec:
    """The shape of `series`, with a legend in its colours; `legend_too`: over legend().

    Vega-Lite makes two legends of two scales whose domains are of different layers, and one with fixed domains, which
    would list what other panels draw.
    """
    colour = {"expr": "scale('color', datum.value)"}
    inked = legend() | {"symbolFillColor": colour, "symbolStrokeColor": colour, **(legend_too or {})}
    return coloured() | {"scale": {"range": list(SHAPES)}, "legend": inked}


def legend() -> Spec:
    """Below the plot, without a title, in as many columns as its width has room for."""
    return {
        "orient": "bottom",
        "title": None,
        "columns": {"expr": f"max(2, floor({ACROSS} / {LEGEND_PIXELS}))"},
        "labelLimit": {"expr": f"min({ACROSS} / 2 - 55, {LEGEND_PIXELS - 32})"},
        "symbolSize": 90,
        "symbolOpacity": 1,
    }


def legend_of(names: Iterable[str]) -> Spec:
    """A legend that cuts none of its names off: in as many columns as the longest leaves room for."""
    known = list(names)
    widest = int(CHARACTER_PIXELS * max(map(len, known), default=0)) + 45
    columns = {"expr": f"max(1, min({len(known)}, floor({ACROSS} / {widest})))"}
    return legend() | {"columns": columns, "labelLimit": {"expr": f"{ACROSS} - 60"}}
