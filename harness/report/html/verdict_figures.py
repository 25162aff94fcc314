"""The figure of section 1: each case's time in this run over that in the baseline, solver by solver."""

from typing import Any

from harness.judge.verdict import Verdict
from harness.judge.versions.two_runs import RunsCompared
from harness.report.html.rows import row_of
from harness.report.html.section import Figure, Row
from harness.report.words.sentences import counted

SHAPES = {Verdict.REGRESSION: "triangle-right", Verdict.UNDECIDED: "circle", Verdict.IMPROVEMENT: "triangle-left"}
COLOURS = {Verdict.REGRESSION: "#D55E00", Verdict.UNDECIDED: "#808080", Verdict.IMPROVEMENT: "#1F86CC"}


def ratios_figure(compared: RunsCompared) -> Figure:
    """A mark a case on a logarithmic axis, with the margin; its verdict is told by shape and colour."""
    changed = sum(one.verdict is not Verdict.UNDECIDED for one in compared.times)
    rows: list[Row] = [
        row_of(
            one.record,
            ratio=one.ratio,
            low=one.low if one.low > 0 else None,
            high=one.high,
            verdict=one.verdict.value,
        )
        for one in compared.times
    ]
    return Figure(
        "verdict-times",
        "Time in this run over time in the baseline",
        f"{counted(len(rows), 'case')} on a logarithmic axis, a line a solver: right of 1 is slower; "
        f"{changed} of them are certain, which triangles show, and grey circles are undecided.",
        _spec(compared.margin),
        rows,
    )


def _spec(margin: float | None) -> dict[str, Any]:
    import altair as alt

    known = [verdict.value for verdict in SHAPES]
    marks = (
        alt.Chart(alt.NamedData("rows"))
        .mark_point(size=45, opacity=0.75, filled=True, cursor="pointer")
        .encode(
            x=alt.X("ratio:Q", title="this run / baseline (one call)").scale(type="log", nice=False, padding=12),
            y=alt.Y("solver:N", title=None, sort=alt.EncodingSortField("ratio", op="max", order="descending")),
            color=alt.Color("verdict:N", title=None)
            .scale(domain=known, range=list(COLOURS.values()))
            .legend(orient="top", columns=2),
            shape=alt.Shape("verdict:N", title=None).scale(domain=known, range=list(SHAPES.values())),
            tooltip=[
                alt.Tooltip("solver:N", title="solver"),
                alt.Tooltip("problem:N", title="problem"),
                alt.Tooltip("lr:Q", title="learning rate"),
                alt.Tooltip("ratio:Q", title="ratio", format=".3f"),
                alt.Tooltip("low:Q", title="from", format=".3f"),
                alt.Tooltip("high:Q", title="to", format=".3f"),
                alt.Tooltip("verdict:N", title="verdict"),
            ],
        )
    )
    layers: list[alt.Chart] = [_rule(alt, 1.0, [1, 0])]
    if margin is not None:
        layers += [_rule(alt, margin, [4, 3]), _rule(alt, 1 / margin, [4, 3])]
    spec: dict[str, Any] = alt.layer(*layers, marks).properties(width="container", height=alt.Step(20)).to_dict()
    return spec


def _rule(alt: Any, at: float, dash: list[int]) -> Any:
    """Where the times are equal, or a margin; on the same rows, so that it goes with them."""
    return alt.Chart(alt.NamedData("rows")).mark_rule(strokeDash=dash, color="#808080").encode(x=alt.datum(at))
