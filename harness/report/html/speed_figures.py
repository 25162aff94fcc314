"""The figures of section 3: time against n over its floors, and what digits cost.

The fronts are found in the drawing, so that a filter's front is that of what is left; the tables' fronts are the run's
(harness.judge.speed.pareto).
"""

from collections.abc import Sequence
from typing import Any

from harness.report.html import axes
from harness.report.html.section import Figure, Row
from harness.report.html.speed_rows import FLOORS
from harness.report.words.sentences import counted

HEIGHT = 380
SECONDS = {"field": "seconds", "type": "quantitative", "scale": {"type": "log", "nice": False, "padding": 24}}

Spec = dict[str, Any]


def time_figure(rows: Sequence[Row]) -> Figure:
    """Seconds of a whole fit against n: a line a solver and device, intervals as bars, floors in grey."""
    names = {row["series"] for row in rows if not row["floor"]}
    panels = axes.panels_of(rows)
    description = (
        f"Seconds of a whole fit against the number of rows n, both logarithmic, of {counted(len(names), 'solver')}"
        f" on {counted(len(panels), 'kind')} of problem; bars are 95 % intervals of the medians, grey lines the floors,"
        " measured when the page was made."
    )
    x = {"field": "n", "type": "quantitative", "scale": {"type": "log", "nice": False, "padding": 24}}
    y = SECONDS | {"axis": axes.seconds_axis("y", "a whole fit (median of single calls)")}
    encoding = {"x": x | {"axis": axes.rows_axis("x", "n (training rows)")}, "y": y}
    below = [_floor_lines()] if any(row["floor"] for row in rows) else []
    layers = [*below, _interval_bars(), *_series()]
    spec = axes.layered(layers, encoding, panels, HEIGHT)
    return Figure("speed-by-n", "Time against n", description, spec, rows)


def _floor_lines() -> Spec:
    """Dashed and grey, in a legend of their own."""
    dashes = {"domain": list(FLOORS.values()), "range": [[7, 3], [2, 2]]}
    legend = axes.legend() | {
        "orient": "top",
        "offset": 30,  # the panel's name stands between it and the plot
        "labelLimit": 220,
        "columns": {"expr": f"{axes.ACROSS} < 420 ? 1 : 2"},
        "symbolType": "stroke",
        "symbolStrokeColor": axes.GREY,
    }
    return {
        "transform": [{"filter": "datum.floor"}],
        "mark": {"type": "line", "color": axes.GREY, "strokeWidth": 1.5},
        "encoding": {"strokeDash": {"field": "series", "type": "nominal", "scale": dashes, "legend": legend}},
    }


def _interval_bars() -> Spec:
    return {
        "transform": [{"filter": "!datum.floor && isValid(datum.seconds_low)"}],
        "mark": {"type": "rule", "strokeWidth": 2, "opacity": 0.6},
        "encoding": {
            "y": SECONDS | {"field": "seconds_low"},
            "y2": {"field": "seconds_high"},
            "color": axes.coloured(),
        },
    }


def _series() -> list[Spec]:
    """Lines and their points; a click in the legend leaves one of them bright."""
    colour = axes.coloured()
    bright: Spec = {"condition": {"param": "picked", "value": 1}, "value": 0.12}
    keep = [{"filter": "!datum.floor"}]
    lines: Spec = {
        "transform": keep,
        "mark": {"type": "line", "strokeWidth": 2},
        "encoding": {"color": colour, "opacity": bright},
    }
    points: Spec = {
        "transform": [*keep, *axes.said_seconds()],
        "params": [{"name": "picked", "select": {"type": "point", "fields": ["series"]}, "bind": "legend"}],
        "mark": {"type": "point", "filled": True, "size": 70},
        "encoding": {
            "color": colour,
            "shape": axes.shaped(),
            "opacity": bright,
            "tooltip": _tips(
                ("series", "solver"), ("n", "n"), ("said", "a whole fit"), ("calls", "calls"), ("state", "answer")
            ),
        },
    }
    return [lines, points]


def _tips(*named: tuple[str, str]) -> list[Spec]:
    kinds = {"n": "quantitative", "calls": "quantitative"}
    return [{"field": field, "title": title, "type": kinds.get(field, "nominal")} for field, title in named]


def digits_figure(rows: Sequence[Row]) -> Figure:
    """Digits against seconds, a panel a problem: the front as a step line, labelled, the others paler."""
    y = {
        "field": "digits",
        "type": "quantitative",
        "scale": {"zero": False, "nice": False, "padding": 24},
        "axis": {"title": "correct digits of the worst coefficient", "tickMinStep": 1, **axes.QUIET},
    }
    tip = {"field": "digits", "title": "digits", "type": "quantitative", "format": ".1f"}
    description = (
        "Correct digits against the seconds of a whole fit; no solver is both as fast and more accurate than those on"
        " the step line."
    )
    title = "a whole fit (median of single calls)"
    return Figure("speed-digits", "Speed against digits", description, _front_spec(rows, y, tip, title), rows)


def excess_figure(rows: Sequence[Row]) -> Figure:
    """Excess loss, the less the higher, against the seconds that it takes to get there, with the front."""
    y = {
        "field": "excess",
        "type": "quantitative",
        "scale": {"type": "log", "reverse": True, "nice": False, "padding": 24},
        "axis": {"title": "relative excess loss reached", "labelExpr": axes.powers("y"), **axes.QUIET},
    }
    tip = {"field": "excess", "title": "excess loss", "type": "quantitative", "format": ".1e"}
    description = (
        "Relative excess loss that trainings reached, the less the higher, against the seconds to it; none is both as"
        " fast and nearer to the optimum than those on the step line."
    )
    title = "time to it (median epoch times epochs)"
    return Figure(
        "speed-excess", "Speed against excess loss of trainings", description, _front_spec(rows, y, tip, title), rows
    )


def _front_spec(rows: Sequence[Row], y: Spec, worth: Spec, title: str) -> Spec:
    panels = axes.panels_of(rows)
    x = SECONDS | {"axis": axes.seconds_axis("x", title)}
    x["scale"] = {"type": "log", "nice": False, "padding": 40}
    late = "scale('x', datum.seconds) > 0.6 * width"
    # Above and left of a point of the front there is nothing, nor, but for paler points, below and right of it.
    front: Spec = {"transform": [{"filter": "datum.on_front"}]}
    layers: list[Spec] = [
        front | {"mark": {"type": "line", "interpolate": "step-after", "color": axes.FRONT, "strokeWidth": 2}},
        {
            "transform": axes.said_seconds(),
            "mark": {"type": "point", "filled": True, "size": 80},
            "encoding": _points(worth),
        },
        front
        | {
            "mark": {
                "type": "text",
                "align": {"expr": f"{late} ? 'right' : 'left'"},
                "baseline": "middle",
                "dx": {"expr": f"{late} ? -7 : 7"},
                "dy": {"expr": f"{late} ? -11 : 11"},
                "color": axes.FRONT,
                "limit": 220,
            },
            "encoding": {"text": {"field": "label", "type": "nominal"}},
        },
    ]
    spec = axes.layered(layers, {"x": x, "y": y}, panels, HEIGHT)
    return spec | {"transform": [*spec["transform"], *_front()]}


def _front() -> list[Spec]:
    """`on_front`: worth more than all that cost less; as judge.speed.ranking.pareto, but for exact duplicates."""
    order = [{"field": "seconds"}, {"field": "worth", "order": "descending"}]
    best = {"op": "max", "field": "worth", "as": "best"}
    before = {"op": "lag", "field": "best", "param": 1, "as": "best_before"}
    return [
        {"window": [best], "sort": order, "frame": [None, 0], "ignorePeers": True},
        {"window": [before], "sort": order},
        {
            "calculate": "isValid(datum.worth) && (!isValid(datum.best_before) || datum.worth > datum.best_before)",
            "as": "on_front",
        },
    ]


def _points(worth: Spec) -> Spec:
    """Blue on the front, grey and paler off it; a shape a status, so that a wrong answer is seen without colour."""
    shapes = {"ok": "circle", "not_converged": "triangle-up"}
    domain = [*shapes, "wrong", "diverged", "rank_deficient"]
    ranges = [shapes.get(status, "cross") for status in domain]
    return {
        "shape": {
            "field": "status",
            "type": "nominal",
            "scale": {"domain": domain, "range": ranges},
            "legend": axes.legend() | {"title": "status", "values": domain[:3]},
        },
        "color": {"condition": {"test": "datum.on_front", "value": axes.FRONT}, "value": axes.GREY},
        "opacity": {"condition": {"test": "datum.on_front", "value": 1}, "value": 0.65},
        "tooltip": [
            *_tips(("label", "solver"), ("device", "device"), ("said", "time")),
            worth,
            *_tips(("status", "status")),
        ],
    }
