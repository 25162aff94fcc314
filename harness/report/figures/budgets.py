"""How the scores of the optimizers change with the number of tries that each has."""

from collections.abc import Sequence

from harness.judge.training.budgets import BAND, Budget
from harness.report.figures import axes
from harness.report.figures.figure import Figure
from harness.report.figures.loss_by_epoch import HEIGHT
from harness.report.figures.panels import layered
from harness.report.figures.rows import Row, short


def budget_rows(budgets: Sequence[Budget]) -> list[Row]:
    """A row an optimizer and number of tries."""
    return [
        {
            "optimizer": name,
            "tries": one.tries,
            "score": short(score),
            "low": short(one.bands[name].low),
            "high": short(one.bands[name].high),
            "first": short(one.first[name]),
        }
        for one in budgets
        for name, score in one.scores.items()
    ]


def budgets_figure(budgets: Sequence[Budget], workloads: int, title: str = "Scores by the number of tries") -> Figure:
    """Median score over studies by tries, with its band."""
    names = list(budgets[0].scores)
    series = axes.dashed("optimizer", names)
    x = axes.number("tries", "tries of each optimizer", axes.PLAIN, type="log")
    x["axis"]["values"] = [one.tries for one in budgets]
    y = axes.number("score", "score (1: the best on every workload)", domain=[0, 1])
    lit = {"opacity": axes.bright(0.05)}
    band = {"color": series["color"], "y": axes.number("low"), "y2": {"field": "high"}}
    tips = axes.tips(
        ("optimizer", "optimizer"), ("tries", "tries"), ("score", "score", ".2f"), ("first", "first in", ".0%")
    )
    layers = [
        axes.layer("area", band, opacity=0.12),
        axes.layer("line", series | lit, strokeWidth=2.5),
        axes.layer("point", {"color": series["color"], "tooltip": tips} | lit, size=30) | axes.picked("optimizer"),
    ]
    what = (
        f"Median score over studies of so many tries each, band {BAND[0]:.0%} to {BAND[1]:.0%} of the studies, over "
        f"{workloads} workload{'s' * (workloads != 1)}: chosen on half of the seeds, scored on the other half."
    )
    spec = layered(layers, {"x": x, "y": y}, (), HEIGHT)
    return Figure("training_budgets", title, what, spec, budget_rows(budgets))
