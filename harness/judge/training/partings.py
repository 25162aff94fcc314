"""Where measured epochs part from those that a recurrence predicts."""

import math
from typing import NamedTuple

from harness.judge.training.cell import median_of, seed_epochs
from harness.judge.training.censored import median
from harness.records.sweep import Cell

PARTED = 0.1
"""Measured and predicted epochs that differ by more than this share of those predicted need a reason."""


class Parting(NamedTuple):
    """Epochs to a tolerance, medians over seeds, infinite if censored, that differ by more than a tenth.

    `crossed`: those measured, of the trainings that diverged later too.
    """

    tolerance: float
    measured: float
    predicted: float
    crossed: float


def part(measured: float, predicted: float) -> bool:
    """Whether epochs differ by more than PARTED of those predicted."""
    if math.isinf(measured) or math.isinf(predicted):
        return measured != predicted
    return abs(measured - predicted) > PARTED * predicted


def partings(cell: Cell) -> list[Parting]:
    """To which tolerances measured and predicted epochs part; none where nothing is predicted."""
    found = [
        Parting(tolerance, median(seed_epochs(cell, tolerance)), median_of(predicted), median_of(crossed))
        for tolerance, predicted, crossed in zip(cell.tolerances, cell.predicted or (), cell.epochs_to, strict=False)
    ]
    return [one for one in found if part(one.measured, one.predicted)]
