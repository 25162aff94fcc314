"""How trainings over learning rates and seeds end: epochs to each tolerance, the last gap, the status."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.problems.problem import Floats

Counts = NDArray[np.int64]
Flags = NDArray[np.bool_]

TOLERANCES = (1e-2, 1e-4, 1e-6)
"""Relative excess losses that an epoch is looked for (DESIGN sec. 3); they descend."""
HELD_OUT = 1e-2
"""Relatively, of the held-out loss: below what two samples of a hundred rows differ by (sd of a mean square of normal
residuals: sqrt(2 / 100) = 14 %), and far above rounding."""
CURVE_POINTS = 60
"""Points of a stored curve: a pixel or ten apart in a picture."""
CENSORED = -1
"""In place of an epoch: the tolerance was not reached."""


@dataclass(frozen=True)
class LearningMap:
    """L learning rates by S seeds.

    `epochs_to` (tolerances, L, S): steps until the relative excess loss is first at or below the
    tolerance, CENSORED where it never is; `epochs_run` (L, S): fewer than asked for if the training
    diverged or was let go; `final` (L, S): the relative excess loss after the last of them; `diverged`
    (L, S): the loss that an epoch stepped from was not finite or above DIVERGED_FACTOR times the first.
    """

    tolerances: tuple[float, ...]
    epochs_to: Counts
    epochs_run: Counts
    final: Floats
    diverged: Flags


@dataclass(frozen=True)
class Learned:
    """A learning map and the way there at some epochs `at` (M,), ascending.

    `excess` (M, L, S): the relative excess loss after so many epochs; `loss` (M, L, S): the training loss
    there, in the units trained in. Both are NaN after a training's last epoch. `held_out_to` (L, S): epochs until the
    loss of the held-out rows is at most HELD_OUT above its target (of a linear model, what the optimum leaves there),
    CENSORED where it never is.
    """

    map: LearningMap
    at: Counts
    excess: Floats
    loss: Floats
    held_out_to: Counts | None = None


def curve_epochs(epochs: int, points: int = CURVE_POINTS) -> Counts:
    """Numbers of epochs from 0 to `epochs`, dense where a training is young: evenly spaced logarithms, rounded."""
    later = np.geomspace(1, max(epochs, 1), points)
    return np.unique(np.append(0, np.rint(later).astype(np.int64)))
