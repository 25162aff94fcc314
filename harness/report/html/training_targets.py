"""The figures of section 4 by learning rate and over all instances: cost to the target, performance profiles."""

from collections.abc import Sequence
from typing import Any

from harness.judge.training.contest import EPOCHS
from harness.report.html import axes
from harness.report.html.section import Figure, Row
from harness.report.html.training_figures import HEIGHT, only, optimizers
from harness.report.html.training_rows import ROOM

Spec = dict[str, Any]

ENDINGS = ("reached", "censored", "diverged")
SHAPES = ("circle", "triangle-up", "cross")
THERE: Spec = {"calculate": "datum.what === 'reached' ? datum.cost : null", "as": "there"}
"""A line is broken where a learning rate does not get there."""

NUMBER = {"type": "quantitative"}
LIT = {"condition": {"param": "picked", "empty": True, "value": 1}, "value": 0.15}
"""What a click in the legend has picked stands out."""


def targets_figure(rows: Sequence[Row], measure: str, names: Sequence[str]) -> Figure:
    """Epochs or seconds to the target by learning rate; what did not get there stands apart, above all that did."""
    panels = axes.panels_of(rows)
    lrs = [row["lr"] for row in rows if "lr" in row]
    wide = max(lrs) > min(lrs)
    x: Spec = {
        "field": "lr",
        "type": "quantitative",
        "scale": {"type": "log", "nice": False, "padding": 14} if wide else {"type": "log"},
        "axis": {"title": "learning rate", "labelExpr": axes.log_labels("x", "format(datum.value, '~g')")},
    }
    x["axis"]["gridOpacity"] = 0.35
    spec = axes.layered(_layers(optimizers(names)), {"x": x, "y": _cost(measure)}, panels, HEIGHT) | {
        "usermeta": {"half": True}
    }
    what = (
        f"{measure.capitalize()} to the tightest tolerance that any optimizer reaches: median over seeds with its 95 %"
        " interval, rings at the best learning rates. In the grey: learning rates that did not get there (triangles) or"
        " diverged (crosses); they are in no median. Upright lines: stability limits. Grey dashes: the closed form of"
        " gradient descent."
    )
    if measure != EPOCHS:
        what = "The same in seconds: epochs times the median epoch of the textbook loop."
    return Figure(f"training_{measure}", f"{measure.capitalize()} to the target by learning rate", what, spec, rows)


def _cost(measure: str) -> Spec:
    """Labelled up to the longest training: what stands above has no cost."""
    title = "epochs to the target" if measure == EPOCHS else "time to the target (textbook loop)"
    axis = axes.rows_axis("y", title) if measure == EPOCHS else axes.seconds_axis("y", title)
    low, high = "log(domain('y')[0])", "log(domain('y')[1])"
    most = f"exp(({high} + {ROOM} * {low}) / {1 + ROOM})"
    axis["labelExpr"] = f"datum.value > 1.01 * {most} ? '' : {axis['labelExpr']}"
    return {"field": "cost", "type": "quantitative", "scale": {"type": "log", "nice": False}, "axis": axis}


def _layers(series: dict[str, Spec]) -> list[Spec]:
    return [*_room(), *_limits(series), *_marks(series), _theory()]


def _room() -> list[Spec]:
    """The grey room above, for what did not get there."""
    across = {"x": {"value": 0}, "x2": {"value": "width"}}
    return [
        {
            "transform": only("room"),
            "mark": {"type": "rect", "color": axes.GREY, "opacity": 0.12},
            "encoding": {**across, "y2": {"field": "high"}},
        },
        {
            "transform": only("room"),
            "mark": {"type": "rule", "opacity": 0},
            "encoding": {"x": {"value": 0}, "y": {"field": "low", **NUMBER}},
        },
        {
            "transform": only("room"),
            "mark": {"type": "text", "align": "left", "baseline": "top", "dx": 6, "dy": 5, "color": axes.GREY},
            "encoding": {
                "x": {"value": 0},
                "y": {"field": "high", **NUMBER},
                "text": {"value": "not reached; x: diverged"},
            },
        },
    ]


def _limits(series: dict[str, Spec]) -> list[Spec]:
    """The learning rates above which gradient descent must diverge."""
    upright = {"x": {"field": "limit", **NUMBER}, "y": {"field": "low", **NUMBER}, "y2": {"field": "high"}}
    limit_name = {"type": "text", "angle": 270, "align": "left", "baseline": "bottom", "dx": 4, "dy": -2}
    return [
        {"transform": only("limit"), "mark": {"type": "rule", "strokeWidth": 1.5}, "encoding": {**upright, **series}},
        {
            "transform": only("limit"),
            "mark": limit_name,
            "encoding": {
                **{name: channel for name, channel in upright.items() if name != "y2"},
                "text": {"value": "stability limit"},
                "color": series["color"],
            },
        },
    ]


def _marks(series: dict[str, Spec]) -> list[Spec]:
    """What was measured: intervals, lines, a ring around the best, a mark for how it ended."""
    color = series["color"]
    shape = {"field": "what", "type": "nominal", "scale": {"domain": list(ENDINGS), "range": list(SHAPES)}}
    return [
        {
            "transform": only("reached"),
            "mark": {"type": "rule", "strokeWidth": 1.5},
            "encoding": {"y": {"field": "low", **NUMBER}, "y2": {"field": "high"}, "color": color, "opacity": LIT},
        },
        {
            "transform": [*only(*ENDINGS), THERE],
            "mark": {"type": "line", "invalid": "break-paths-show-domains"},
            "encoding": {"y": {"field": "there", **NUMBER}, **series, "opacity": LIT},
        },
        {
            "transform": [*only("reached"), {"filter": "datum.best"}],
            "mark": {"type": "point", "filled": False, "size": 260, "strokeWidth": 2},
            "encoding": {"color": color, "opacity": LIT},
        },
        {
            "transform": only(*ENDINGS),
            "params": [{"name": "picked", "select": {"type": "point", "fields": ["optimizer"]}, "bind": "legend"}],
            "mark": {
                "type": "point",
                "filled": True,
                "size": 55,
                "angle": {"expr": "datum.what === 'diverged' ? 45 : 0"},
            },
            "encoding": {"color": color, "opacity": LIT, "shape": shape | {"legend": None}, "tooltip": _tips()},
        },
    ]


def _theory() -> Spec:
    """What the closed form of gradient descent says."""
    return {
        "transform": only("theory"),
        "mark": {
            "type": "point",
            "shape": "stroke",
            "filled": False,
            "size": 260,
            "strokeWidth": 1.5,
            "color": axes.GREY,
        },
        "encoding": {"opacity": LIT},
    }


def _tips() -> list[Spec]:
    return [
        {"field": "optimizer", "title": "optimizer", "type": "nominal"},
        {"field": "lr", "title": "learning rate", "type": "quantitative", "format": ".4~g"},
        {"field": "ending", "title": "gets there in", "type": "nominal"},
        {"field": "solved", "title": "seeds that get there", "type": "quantitative", "format": ".0%"},
    ]


def profile_figure(rows: Sequence[Row], names: Sequence[str]) -> Figure:
    """Performance profiles as steps, by epochs or by seconds."""
    title = "tau, times the least cost"
    x = {
        "field": "tau",
        "type": "quantitative",
        "scale": {"type": "log", "base": 2, "nice": False},
        "axis": {"title": title, "labelExpr": "format(datum.value, '~g')", "gridOpacity": 0.35},
    }
    y = {
        "field": "share",
        "type": "quantitative",
        "scale": {"domain": [0, 1]},
        "axis": {"title": "share of instances solved", "format": ".0%", "gridOpacity": 0.35},
    }
    tips = [
        {"field": "optimizer", "title": "optimizer", "type": "nominal"},
        {"field": "tau", "title": "within so many times the best", "type": "quantitative", "format": ".3~g"},
        {"field": "share", "title": "instances solved", "type": "quantitative", "format": ".0%"},
    ]
    series = optimizers(names)
    layers: list[Spec] = [
        {"mark": {"type": "line", "interpolate": "step-after", "strokeWidth": 2.5}, "encoding": series},
        {"mark": {"type": "point", "size": 18}, "encoding": {"color": series["color"], "tooltip": tips}},
    ]
    what = (
        "Performance profiles (Dolan and Moré 2002): the share of instances, a problem and a seed each, that an"
        " optimizer at its best learning rate solves within tau times the cost of the best one; higher and further left"
        " is better."
    )
    spec = axes.layered(layers, {"x": x, "y": y}, axes.panels_of(rows), HEIGHT, "measured")
    return Figure("training_profile", "Performance profile of the optimizers", what, spec, rows)
