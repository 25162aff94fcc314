"""Each case's time in this run over that in the baseline, solver by solver."""

from harness.errors import counted
from harness.judge.verdict import Verdict
from harness.judge.versions.two_runs import RunsCompared
from harness.report.figures import axes
from harness.report.figures.figure import Figure
from harness.report.figures.panels import layered
from harness.report.figures.rows import Row, row_of

MARKS = {
    Verdict.REGRESSION: ("triangle-right", "#D55E00"),
    Verdict.UNDECIDED: ("circle", axes.GREY),
    Verdict.IMPROVEMENT: ("triangle-left", "#1F86CC"),
}
"""By verdict its shape and its colour."""


def ratios_figure(compared: RunsCompared) -> Figure:
    """A mark a case on a logarithmic axis, with the margin; its verdict is told by shape and colour."""
    changed = sum(one.verdict is not Verdict.UNDECIDED for one in compared.times)
    rows: list[Row] = []
    for one in compared.times:
        ends = {"low": one.low if one.low > 0 else None, "high": one.high}
        rows.append(row_of(one.record, ratio=one.ratio, **ends, verdict=one.verdict.value))
    return Figure(
        "verdict-times",
        "Time in this run over time in the baseline",
        f"{counted(len(rows), 'case')} on a logarithmic axis, a line a solver: right of 1 is slower; "
        f"{changed} of them are certain, which triangles show, and grey circles are undecided.",
        _spec(compared.margin),
        rows,
    )


def _spec(margin: float | None) -> axes.Spec:
    known = [verdict.value for verdict in MARKS]
    shapes, colours = (list(values) for values in zip(*MARKS.values(), strict=True))
    verdict = axes.category("verdict", title=None)
    numbers = (("lr", "learning rate", "~g"), ("ratio", "ratio", ".3f"), ("low", "from", ".3f"), ("high", "to", ".3f"))
    marks = {
        "color": verdict | {"scale": {"domain": known, "range": colours}, "legend": {"orient": "top", "columns": 2}},
        "shape": verdict | {"scale": {"domain": known, "range": shapes}},
        "tooltip": axes.tips(("solver", "solver"), ("problem", "problem"), *numbers, ("verdict", "verdict")),
    }
    lines = {1.0: [1, 0]} if margin is None else {1.0: [1, 0], margin: [4, 3], 1 / margin: [4, 3]}
    at = [
        axes.layer("rule", {"x": {"datum": x}, **axes.UPRIGHT}, strokeDash=d, color=axes.GREY) for x, d in lines.items()
    ]
    layers = [*at, axes.layer("point", marks, size=45, opacity=0.75, filled=True, cursor="pointer")]
    by_ratio = {"field": "ratio", "op": "max", "order": "descending"}
    x = axes.number("ratio", "this run / baseline (one call)", "", **axes.LOG, padding=12)
    return layered(layers, {"x": x, "y": axes.category("solver", title=None, sort=by_ratio)}, (), {"step": 20})
