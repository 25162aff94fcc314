"""Time against n over its floors, what digits cost, and CUDA against the CPU.

The fronts are found in the drawing, so that a filter's front is that of what is left; the tables' fronts are the run's
(harness.judge.speed.ranking).
"""

from collections.abc import Mapping, Sequence

from harness.errors import counted
from harness.report.figures import axes
from harness.report.figures.axes import Spec
from harness.report.figures.figure import Figure
from harness.report.figures.panels import layered, panels_of
from harness.report.figures.rows import Row

HEIGHT = 380
TIME = "a whole fit (median of single calls)"
ROWS = axes.number("n", "n (training rows)", axes.log_labels("x", axes.COUNT), **axes.LOG, padding=24)
STATUSES = {
    "ok": "circle",
    "not_converged": "triangle-up",
    "wrong": "cross",
    "diverged": "cross",
    "rank_deficient": "cross",
}


def _seconds(title: str = "", scale: str = "y", padding: int = 24) -> Spec:
    return axes.number("seconds", title, axes.seconds(scale), **axes.LOG, padding=padding)


def time_figure(rows: Sequence[Row], floors: Mapping[str, str]) -> Figure:
    """Seconds of a whole fit against n: a line a solver and device, intervals as bars, `floors` in grey."""
    names = {row["series"] for row in rows if not row["floor"]}
    panels = panels_of(rows)
    description = (
        f"Seconds of a whole fit against the number of rows n, both logarithmic, of {counted(len(names), 'solver')}"
        f" on {counted(len(panels), 'kind')} of problem; bars are 95 % intervals of the medians, grey lines the floors,"
        f" measured when the page was made. Of more than {axes.MOST_CURVES} the fastest at the largest n are drawn; a"
        " filter has the others."
    )
    below = [_floor_lines(list(floors.values()))] if any(row["floor"] for row in rows) else []
    fastest = {"window": [{"op": "dense_rank", "as": "nth"}], "sort": [{"field": "rank", "order": "descending"}]}
    solvers = (axes.keep("!datum.floor"), fastest, axes.keep(f"datum.nth <= {axes.MOST_CURVES}"))
    lit = {"color": axes.coloured(), "opacity": axes.bright()}
    ends = {"y": _seconds() | {"field": "seconds_low"}, "y2": {"field": "seconds_high"}, "color": axes.coloured()}
    shown = (("n", "n", ",~r"), ("time", "a whole fit"), ("calls", "calls", "~r"), ("state", "answer"))
    marks = lit | {"shape": axes.shaped(axes.legend_of(names)), "tooltip": axes.tips(("series", "solver"), *shown)}
    layers = [
        *below,
        axes.layer("rule", ends, *solvers, axes.keep("isValid(datum.seconds_low)"), strokeWidth=2, opacity=0.6),
        axes.layer("line", lit, *solvers, strokeWidth=2),
        axes.layer("point", marks, *solvers, axes.seconds_text(), filled=True, size=70) | axes.picked("series"),
    ]
    spec = layered(layers, {"x": ROWS, "y": _seconds(TIME)}, panels, HEIGHT)
    return Figure("speed-by-n", "Time against n", description, spec, rows)


def _floor_lines(floors: Sequence[str]) -> Spec:
    """Dashed and grey, in a legend of their own."""
    legend = axes.legend() | {
        "orient": "top",
        "offset": 30,  # the panel's name stands between it and the plot
        "labelLimit": 220,
        "columns": {"expr": f"{axes.ACROSS} < 420 ? 1 : 2"},
        "symbolType": "stroke",
        "symbolStrokeColor": axes.GREY,
    }
    dashes = axes.category("series", scale={"domain": floors, "range": [[7, 3], [2, 2]]}, legend=legend)
    return axes.layer("line", {"strokeDash": dashes}, axes.keep("datum.floor"), color=axes.GREY, strokeWidth=1.5)


def digits_figure(rows: Sequence[Row]) -> Figure:
    """Digits against seconds, a panel a problem: the front as a step line, labelled, the others paler."""
    y = axes.number("digits", "correct digits of the worst coefficient", zero=False, nice=False, padding=24)
    y["axis"]["tickMinStep"] = 1
    description = (
        "Correct digits against the seconds of a whole fit; no solver is both as fast and more accurate than those on"
        " the step line."
    )
    spec = _front_spec(rows, y, ("digits", "digits", ".1f"), TIME)
    return Figure("speed-digits", "Speed against digits", description, spec, rows)


def excess_figure(rows: Sequence[Row]) -> Figure:
    """Excess loss, the less the higher, against the seconds that it takes to get there, with the front."""
    y = axes.number("excess", "relative excess loss reached", axes.powers("y"), **axes.LOG, reverse=True, padding=24)
    description = (
        "Relative excess loss that trainings reached, the less the higher, against the seconds to it; none is both as"
        " fast and nearer to the optimum than those on the step line."
    )
    spec = _front_spec(rows, y, ("excess", "excess loss", ".1e"), "time to it (median epoch times epochs)")
    return Figure("speed-excess", "Speed against excess loss of trainings", description, spec, rows)


def _front_spec(rows: Sequence[Row], y: Spec, worth: tuple[str, ...], title: str) -> Spec:
    # Above and left of a point of the front there is nothing, nor, but for paler points, below and right of it.
    text = axes.inside("seconds", 7, 11) | {"baseline": "middle", "color": axes.FRONT, "limit": 220}
    on_front = axes.keep("datum.on_front")
    layers = [
        axes.layer("line", {}, on_front, interpolate="step-after", color=axes.FRONT, strokeWidth=2),
        axes.layer("point", _points(worth), axes.seconds_text(), filled=True, size=80),
        axes.layer("text", {"text": axes.category("label")}, on_front, **text),
    ]
    spec = layered(layers, {"x": _seconds(title, "x", 40), "y": y}, panels_of(rows), HEIGHT)
    return spec | axes.HALF | {"transform": [*spec["transform"], *_front()]}


def _front() -> list[Spec]:
    """`on_front`: worth more than all that cost less; as judge.speed.ranking.pareto, but for exact duplicates."""
    order = [{"field": "seconds"}, {"field": "worth", "order": "descending"}]
    best = {"op": "max", "field": "worth", "as": "best"}
    before = {"op": "lag", "field": "best", "param": 1, "as": "best_before"}
    more = "isValid(datum.worth) && (!isValid(datum.best_before) || datum.worth > datum.best_before)"
    return [
        {"window": [best], "sort": order, "frame": [None, 0], "ignorePeers": True},
        {"window": [before], "sort": order},
        {"calculate": more, "as": "on_front"},
    ]


def _points(worth: tuple[str, ...]) -> Spec:
    """Blue on the front, grey and paler off it; a shape a status, so that a wrong answer is seen without colour."""
    scale = {"domain": list(STATUSES), "range": list(STATUSES.values())}
    legend = axes.legend() | {"title": "status", "values": list(STATUSES)[:3]}
    shown = (("label", "solver"), ("device", "device"), ("time", "time"), worth, ("status", "status"))
    return {
        "shape": axes.category("status", scale=scale, legend=legend),
        "color": {"condition": {"test": "datum.on_front", "value": axes.FRONT}, "value": axes.GREY},
        "opacity": {"condition": {"test": "datum.on_front", "value": 1}, "value": 0.65},
        "tooltip": axes.tips(*shown),
    }


def devices_figure(every: Sequence[Row]) -> Figure:
    """The device's time over the CPU's against n, with a line at 1; of the first MOST_CURVES series."""
    names = list(dict.fromkeys(row["series"] for row in every))[: axes.MOST_CURVES]
    rows = [row for row in every if row["series"] in names]
    y = axes.number("time_ratio", "the device's time over the CPU's", axes.multiples("y"), **axes.LOG, padding=16)
    colour, shape = axes.coloured(), axes.shaped({"columns": 1, "labelLimit": {"expr": "width"}})
    equal = {**axes.ACROSS_PLOT, "y": {"datum": 1}}
    ends = {"y": y | {"field": "time_ratio_low"}, "y2": {"field": "time_ratio_high"}, "color": colour}
    layers = [
        axes.layer("rule", equal, color=axes.GREY, strokeWidth=1.5),
        axes.layer("rule", ends, opacity=0.6, strokeWidth=2),
        axes.layer("line", {"color": colour}),
        axes.layer("point", {"color": colour, "shape": shape}, filled=True, size=70),
    ]
    description = "The device's time of a whole fit over the CPU's against n; below the line at 1 it is faster."
    spec = layered(layers, {"x": ROWS, "y": y}, [], 320)
    return Figure("speed-devices", "CUDA against the CPU", description, spec, rows)
