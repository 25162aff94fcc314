"""Axes and marks that the figures of speed and history share: logarithmic ticks that people read, series told apart.

Colours are the theme's (harness.report.html.theme), light or dark; every series has a shape besides.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from harness.report.html.section import Row

Spec = dict[str, Any]

SHAPES = ("circle", "triangle-up", "square", "diamond", "triangle-down", "cross")
"""Six beside the theme's seven colours: 42 series differ in one or the other."""
FRONT, GREY = "#2E86C8", "#7A7A7A"
"""Marks that are no series: at least 3.9 : 1 and 4.2 : 1 against white and against the dark page."""
QUIET = {"gridOpacity": 0.35, "labelOverlap": "greedy", "labelSeparation": 8}
"""Grid lines paler than the theme's, since a logarithmic axis has nine a decade, and room between labels."""
ACROSS = "(isFinite(containerSize()[0]) ? containerSize()[0] : width)"
"""An expression: the pixels that a legend has. By `width` alone it would have other rows once the plot has made room
for its axis, after the picture's height has been decided, and the last of them would be cut off."""
LEGEND_PIXELS = 190
"""Of a legend's column: two of them on a phone; longer names are cut off there, and whole in tooltips and tables."""

_MANTISSA = "datum.value / pow(10, floor(log(datum.value) / LN10 + 1e-9))"
_DECADES = "abs(log(domain('{scale}')[1] / domain('{scale}')[0]) / LN10)"
_WHOLE = "format(datum.value, ',.3~r')"


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
    return log_labels(scale, "format(datum.value, ',.3~r') + 'x'")


def seconds_axis(scale: str, title: str) -> Spec:
    """A logarithmic axis of seconds, labelled in s, ms, µs or ns."""
    return {"title": title, "labelExpr": log_labels(scale, _seconds("datum.value")), **QUIET}


def rows_axis(scale: str, title: str) -> Spec:
    """A logarithmic axis of counts."""
    return {"title": title, "labelExpr": log_labels(scale, _WHOLE), **QUIET}


def said_seconds() -> list[Spec]:
    """A transform: `said`, the seconds with their interval where there is one, for a tooltip."""
    value, low, high = (f"({_seconds(f'datum.seconds{end}')})" for end in ("", "_low", "_high"))
    return [
        {"calculate": f"{value} + (isValid(datum.seconds_low) ? ' [' + {low} + ', ' + {high} + ']' : '')", "as": "said"}
    ]


def coloured() -> Spec:
    """The colour of `series`: the theme's, by the `rank` of what is drawn; the legend is that of the shapes."""
    by_rank = {"field": "rank", "op": "min", "order": "ascending"}
    return {"field": "series", "type": "nominal", "sort": by_rank, "legend": None}


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


def panels_of(rows: Sequence[Row]) -> list[str]:
    """The panels' names in the order of their places."""
    found = {str(row["panel"]): row["place"] for row in rows}
    return sorted(found, key=lambda name: found[name])


def layered(
    layers: Sequence[Spec], encoding: Mapping[str, Any], panels: Sequence[str], height: int, label: str = "problem"
) -> Spec:
    """Layers over the rows of one panel, which is named, and chosen from a list where there are several.

    Without `panels` the layers are over all rows. Altair checks the whole by Vega-Lite's schema; it raises its
    SchemaValidationError where that is broken, which is a mistake of ours.
    """
    import altair as alt

    several = len(panels) > 1
    spec = {
        "$schema": alt.SCHEMA_URL,
        "data": {"name": "rows"},
        "width": "container",
        "autosize": {
            "type": "fit-x",
            "contains": "padding",
            "resize": True,
        },  # another panel's legend is of another height
        "height": height,
        "params": [_chooser(panels, label)] if several else [],
        "transform": _chosen_panel() if several else [],
        "encoding": dict(encoding),
        "layer": [*layers, *([_panel_name()] if panels else [])],
    }
    alt.LayerChart.from_dict(spec)  # raises where it breaks the schema; its to_dict would move a layer's selection
    return spec


def _chooser(names: Sequence[str], label: str) -> Spec:
    return {
        "name": "panel",
        "value": names[0],
        "bind": {"input": "select", "options": list(names), "name": f"{label} "},
    }


def _chosen_panel() -> list[Spec]:
    """The chosen panel's rows, or, where the reader's filters took them all, those of the first that is left.

    Rows have `panel`, its name, and `place`, its number.
    """
    found = [{"op": "max", "field": "is_chosen", "as": "any_chosen"}, {"op": "min", "field": "place", "as": "first"}]
    return [
        {"calculate": "datum.panel === panel ? 1 : 0", "as": "is_chosen"},
        {"joinaggregate": found},
        {"filter": "datum.any_chosen ? datum.is_chosen : datum.place === datum.first"},
    ]


def _panel_name() -> Spec:
    """The panel that is drawn, above the plot: a picture has no drop-down list."""
    return {
        "transform": [{"window": [{"op": "row_number", "as": "row"}]}, {"filter": "datum.row === 1"}],
        "mark": {"type": "text", "align": "left", "baseline": "bottom", "fontWeight": "bold", "color": GREY},
        "encoding": {
            "x": {"value": 0},
            "y": {"value": -6},
            "text": {"field": "panel", "type": "nominal"},
        },
    }
