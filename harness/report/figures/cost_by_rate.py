"""Cost to the target by learning rate, and performance profiles over all instances of a sweep."""

from collections.abc import Mapping, Sequence

from harness.judge.training.contest import EPOCHS
from harness.report.figures import axes
from harness.report.figures.axes import Spec
from harness.report.figures.figure import Figure
from harness.report.figures.loss_by_epoch import HEIGHT
from harness.report.figures.panels import layered, panels_of
from harness.report.figures.rows import Row
from harness.report.figures.training_rows import ROOM

ENDINGS = {"reached": "circle", "censored": "triangle-up", "diverged": axes.SALTIRE}
LEGEND = {"reached": "reached", "censored": "not reached", "diverged": "diverged", "best": "best learning rate"}
"""What the marks are called; `best` is a ring."""
THERE: Spec = {"calculate": "datum.what === 'reached' ? datum.cost : null", "as": "there"}
"""A line is broken where a learning rate does not get there."""


def targets_figure(rows: Sequence[Row], measure: str, names: Sequence[str], target: str = "the target") -> Figure:
    """Epochs or seconds to the target by learning rate; what did not get there stands apart, above all that did.

    One task's rows without `panel` are drawn without a list of panels.
    """
    lrs = [row["lr"] for row in rows if "lr" in row]
    scale = axes.LOG | {"padding": 14} if max(lrs) > min(lrs) else {"type": "log"}
    x = axes.number("lr", "learning rate", axes.log_labels("x", axes.PLAIN), **scale)
    encoding = {"x": x, "y": _cost(measure, target)}
    panels = panels_of(rows) if all("panel" in row for row in rows) else ()
    spec = layered(_layers(axes.dashed("optimizer", names), rows), encoding, panels, HEIGHT) | axes.HALF
    what = (
        f"{measure.capitalize()} to the tightest tolerance that any optimizer reaches: median over seeds with its 95 %"
        " interval, rings at the best learning rates. In the grey: learning rates that did not get there (triangles) or"
        " diverged (crosses); they are in no median. Upright lines: stability limits. Grey dashes: the recurrences of"
        " gradient descent and Adam."
    )
    if measure != EPOCHS:
        what = "The same in seconds: epochs times the median epoch of the textbook loop."
    return Figure(f"training_{measure}", f"{measure.capitalize()} to the target by learning rate", what, spec, rows)


def _cost(measure: str, target: str) -> Spec:
    """Labelled up to the longest training: what stands above has no cost."""
    title = f"epochs to {target}" if measure == EPOCHS else f"time to {target} (textbook loop)"
    label = axes.log_labels("y", axes.COUNT) if measure == EPOCHS else axes.seconds("y")
    low, high = "log(domain('y')[0])", "log(domain('y')[1])"
    most = f"exp(({high} + {ROOM} * {low}) / {1 + ROOM})"
    return axes.number(
        "cost", f"{title}, median and 95 % interval", f"datum.value > 1.01 * {most} ? '' : {label}", **axes.LOG
    )


def _layers(series: dict[str, Spec], rows: Sequence[Row]) -> list[Spec]:
    return [*_room(), *_limits(series), *_marks(series, rows), _theory()]


def _room() -> list[Spec]:
    """The grey room above, for what did not get there."""
    left, room = {"x": {"value": 0}}, axes.only("room")
    across = left | {"x2": {"value": "width"}, "y2": {"field": "high"}}
    words = left | {"y": axes.number("high"), "text": axes.category("ending")}
    text = {"align": "left", "baseline": "top", "dx": 6, "dy": 5, "color": axes.GREY}
    return [
        axes.layer("rect", across, room, color=axes.GREY, opacity=0.12),
        axes.layer("rule", left | {"y": axes.number("low")}, room, opacity=0),
        axes.layer("text", words, room, **text),
    ]


def _limits(series: dict[str, Spec]) -> list[Spec]:
    """The learning rates above which gradient descent must diverge."""
    foot = {"x": axes.number("limit"), "y": axes.number("low")}
    words = foot | {"text": {"value": "stability limit"}, "color": series["color"]}
    text = {"angle": 270, "align": "left", "baseline": "bottom", "dx": 4, "dy": -2}
    return [
        axes.layer("rule", {**foot, "y2": {"field": "high"}, **series}, axes.only("limit"), strokeWidth=1.5),
        axes.layer("text", words, axes.only("limit"), **text),
    ]


def _marks(series: dict[str, Spec], rows: Sequence[Row]) -> list[Spec]:
    """What was measured: intervals, lines, a ring around the best, a mark for how it ended."""
    lit = {"opacity": axes.bright(0.15)}
    shown = lit | {"color": series["color"]}
    ends, there = axes.only(*ENDINGS), {"y": axes.number("there")}
    bars = shown | {"y": axes.number("low"), "y2": {"field": "high"}}
    used = [what for what in ENDINGS if any(row["what"] == what for row in rows)] + ["best"]
    known = {"domain": used, "range": [ENDINGS.get(what, "circle") for what in used]}
    named = axes.legend() | {"labelExpr": axes.labelled(LEGEND), "symbolStrokeColor": axes.GREY}
    shape = axes.category("what", scale=known, legend=named)
    ring = shown | {"shape": {"datum": "best"}}
    marks = shown | {"shape": shape, "tooltip": _tips()}
    return [
        axes.layer("rule", bars, axes.only("reached"), strokeWidth=1.5),
        axes.layer("line", there | series | lit, ends, THERE, invalid="break-paths-show-domains"),
        axes.layer("point", ring, axes.only("reached"), axes.keep("datum.best"), filled=False, size=260, strokeWidth=2),
        axes.layer("point", marks, ends, filled=True, size=55, strokeWidth=2) | axes.picked("optimizer"),
    ]


def _theory() -> Spec:
    """What the recurrences of gradient descent and Adam say."""
    stroke = {"shape": "stroke", "filled": False, "size": 260, "strokeWidth": 1.5, "color": axes.GREY}
    return axes.layer("point", {"opacity": axes.bright(0.15)}, axes.only("theory"), **stroke)


def _tips() -> list[Spec]:
    numbers = (("lr", "learning rate", ".4~g"), ("ending", "gets there in"), ("solved", "seeds that get there", ".0%"))
    return axes.tips(("optimizer", "optimizer"), *numbers)


def profile_figure(
    rows: Sequence[Row], names: Sequence[str], measure: str = "", labels: Mapping[str, str] | None = None
) -> Figure:
    """Performance profiles as steps, by epochs or by seconds.

    `measure`: of one alone, whose rows have no panel; `labels`: what the legend says of each optimizer.
    """
    x = axes.number("tau", f"tau, times the least {measure or 'cost'} of any optimizer", axes.PLAIN, **axes.LOG, base=2)
    y = axes.number("share", "share of instances solved", domain=[0, 1])
    y["axis"]["format"] = ".0%"
    tips = (("tau", "within so many times the best", ".3~g"), ("share", "instances solved", ".0%"))
    legend = {"labelExpr": axes.labelled(labels)} if labels else {}
    series = axes.dashed("optimizer", names, **legend)
    points = {"color": series["color"], "tooltip": axes.tips(("optimizer", "optimizer"), *tips)}
    layers = [
        axes.layer("line", series, interpolate="step-after", strokeWidth=2.5),
        axes.layer("point", points, size=18),
    ]
    what = (
        "Performance profiles (Dolan and Moré 2002): the share of instances, a problem and a seed each, that an"
        " optimizer at its best learning rate solves within tau times the cost of the best one; higher and further left"
        " is better."
    )
    spec = layered(layers, {"x": x, "y": y}, () if measure else panels_of(rows), HEIGHT, "measured")
    return Figure("training_profile", "Performance profile of the optimizers", what, spec, rows)
