"""What every picture of a sweep's curves draws of a cell: quantiles over seeds, and how far up and down."""

import math
from collections.abc import Sequence

import numpy as np

from harness.judge.medians import Floats, order_statistic
from harness.judge.training.cell import CellSummary
from harness.records.sweep import Cell

BAND = (0.1, 0.9)
"""Quantiles over seeds between which the band is drawn: a training in ten lies above it, one in ten below."""
HEADROOM, FOOTROOM = 30.0, 30.0
"""Factors above the first excess losses and below the tightest tolerance that are drawn: what lies beyond is over."""


def quantiles(cell: Cell, shares: Sequence[float]) -> Floats:
    """(len(shares), M): quantiles over seeds of the excess loss at `at`, NaN where there is none to draw.

    A training that diverged is infinite from its end on, and one that was let go at the tightest tolerance
    is below every other: those that go on are not alone in what is drawn.
    """
    excess = np.array(cell.excess, dtype=np.float64)
    gone = np.where(cell.diverged, np.inf, 0.0)
    after = np.array(cell.at)[:, None] > np.array(cell.epochs_run)
    excess = np.where(after, gone, excess)
    excess = np.where(np.isnan(excess), gone, excess)
    return np.array([order_statistic(excess, share, axis=1) for share in shares])


def span(cells: Sequence[CellSummary]) -> tuple[float, float]:
    """The least and the largest excess loss that a picture of these curves has room for."""
    firsts = [quantiles(cell.cell, (BAND[1],))[0, 0] for cell in cells]
    start = max((first for first in firsts if math.isfinite(first) and first > 0), default=1.0)
    tightest = min((reach.tolerance for cell in cells for reach in cell.reaches), default=1e-6)
    return tightest / FOOTROOM, float(start) * HEADROOM
