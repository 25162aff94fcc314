"""The picture of one optimizer on one task: excess loss by epoch, a colour a learning rate."""

import math
from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness.judge.medians import Floats
from harness.judge.training.censored import median
from harness.judge.training.tuning import DIVERGED, GOOD_FACTOR, CellSummary, Tuning
from harness.report.drawing import Labels
from harness.report.figures import BLACK, finished, panels
from harness.report.sweep_bands import BAND, HEADROOM, quantiles, span
from harness.report.words import sweep as words

COLORS, DARKEST, LIGHTEST = "viridis", 0.0, 0.88
"""Dark to light by ascending learning rate, without its yellow, which nobody can read on white."""
BEST_WIDTH, WIDTH = 3.2, 1.7
MOST_LABELS = 12
"""Learning rates in a legend; of more, every second or third is named, and the best."""


def curves(task: str, tuning: Tuning) -> Figure:
    """Median and band over seeds of the relative excess loss; the title says what is best."""
    axes = panels()[1][0]
    drawn = [cell for cell in tuning.cells if cell.reaches and cell.cell.at]
    colors = mpl.colormaps[COLORS](np.linspace(DARKEST, LIGHTEST, max(len(drawn), 2)))
    named = _named(drawn, tuning.best)
    for cell, color in zip(drawn, colors, strict=False):
        label = f"lr {words.rate(cell.lr)}: {_ending(cell, tuning)}" if cell in named else None
        _draw(axes, cell, color, label, best=cell is tuning.best)
    _axes(axes, drawn)
    _tolerances(axes, drawn)
    if any(reach.predicted is not None for cell in drawn for reach in cell.reaches):
        axes.plot([], [], "D", color=BLACK, markerfacecolor="none", linewidth=0, label="closed form")
    if any(cell.status == DIVERGED for cell in drawn):
        axes.plot([], [], "x", color=BLACK, linewidth=0, label="diverged")
    vertical = f"relative excess loss ({100 * BAND[0]:.0f}-50-{100 * BAND[1]:.0f} % of seeds)"
    return finished(axes, Labels(_title(task, tuning), "epochs done", vertical))


def _named(cells: Sequence[CellSummary], best: CellSummary | None) -> list[CellSummary]:
    every = math.ceil(len(cells) / MOST_LABELS)
    return [cell for i, cell in enumerate(cells) if i % every == 0 or cell is best]


def _ending(cell: CellSummary, tuning: Tuning) -> str:
    """Epochs to the tolerance that the best is chosen by, or how it ended."""
    found = cell.epochs_to(tuning.tolerance)
    return f"{found:.0f}" if math.isfinite(found) else DIVERGED if cell.status == DIVERGED else "censored"


def _title(task: str, tuning: Tuning) -> str:
    if tuning.best is None or tuning.reach is None:
        return f"{task}, {tuning.optimizer}: no learning rate reaches any tolerance"
    edge = ", at the grid's edge" if tuning.best_at_edge else ""
    good = f"within {GOOD_FACTOR:g}x: lr {words.ends(tuning.good)}"
    best = f"best lr {words.rate(tuning.best.lr)}{edge}"
    return f"{task}, {tuning.optimizer}: {best}\n{words.reached(tuning.reach)}; {good}"


def _draw(axes: Axes, cell: CellSummary, color: Floats, label: str | None, *, best: bool) -> None:
    at = np.array(cell.cell.at, dtype=np.float64)
    low, middle, high = quantiles(cell.cell, (BAND[0], 0.5, BAND[1]))
    seen = np.isfinite(middle) & (middle > 0)
    line = np.where(seen, middle, np.nan)
    order = 3 if best else 2
    axes.plot(at, line, color=color, linewidth=BEST_WIDTH if best else WIDTH, label=label, zorder=order)
    ceiling = np.nanmax(line, initial=1.0) * HEADROOM**2
    floor = np.finfo(np.float64).tiny
    band = seen & (high > 0)
    axes.fill_between(
        at,
        np.maximum(low, floor),
        np.minimum(high, ceiling),
        where=band,
        color=color,
        alpha=0.25 if best else 0.1,
        linewidth=0,
    )
    if cell.status == DIVERGED:
        end = median(np.array(cell.cell.epochs_run, dtype=np.float64))
        top = axes.get_xaxis_transform()  # its loss is far above what is drawn
        axes.plot(end, 1, "x", color=color, markersize=8, markeredgewidth=2, transform=top, clip_on=False, zorder=5)
    for reach in cell.reaches:
        if reach.predicted is not None and math.isfinite(reach.predicted):
            place = max(reach.predicted, 0.0), reach.tolerance
            axes.plot(*place, "D", color=color, markerfacecolor="none", markersize=5, zorder=4)


def _axes(axes: Axes, cells: Sequence[CellSummary]) -> None:
    """Logarithmic both ways, with epoch 0 beside epoch 1; as far as anything is told by it."""
    axes.set_xscale("symlog", linthresh=1, linscale=0.4)
    axes.set_yscale("log")
    axes.set_ylim(*span(cells))
    axes.set_xlim(0, max((cell.cell.epochs for cell in cells), default=1) * 1.05)


def _tolerances(axes: Axes, cells: Sequence[CellSummary]) -> None:
    for tolerance in sorted({reach.tolerance for cell in cells for reach in cell.reaches}):
        axes.axhline(tolerance, color="0.45", linewidth=0.8, zorder=1)
        axes.annotate(
            words.level(tolerance),
            (0.003, tolerance),
            xycoords=axes.get_yaxis_transform(),
            xytext=(2, 2),
            textcoords="offset points",
            fontsize=8,
            color="0.35",
        )
