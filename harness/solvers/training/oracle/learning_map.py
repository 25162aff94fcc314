"""How trainings over learning rates and seeds end: epochs to each tolerance, the last gap, the status."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.problems.problem import Floats
from harness.solvers.status import Status

Counts = NDArray[np.int64]
Flags = NDArray[np.bool_]

TOLERANCES = (1e-2, 1e-4, 1e-6)
"""Relative excess losses that an epoch is looked for (DESIGN sec. 3); they descend."""
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

    @property
    def status(self) -> NDArray[np.object_]:
        """(L, S): converged is having reached the tightest tolerance, as for a single training."""
        found = np.full(self.diverged.shape, Status.NOT_CONVERGED, dtype=object)
        found[self.epochs_to[-1] != CENSORED] = Status.OK
        found[self.diverged] = Status.DIVERGED
        return found

    @property
    def median_epochs(self) -> Floats:
        """(tolerances, L): the median over seeds, infinite where at least half of them are censored."""
        epochs = np.where(self.epochs_to == CENSORED, np.inf, self.epochs_to)
        with np.errstate(invalid="ignore"):  # the midpoint of two infinities
            middle = np.median(epochs, axis=2)
        return np.asarray(np.where(np.isnan(middle), np.inf, middle))

    @property
    def success_rate(self) -> Floats:
        """(tolerances, L): the share of seeds that reached it."""
        return np.asarray(np.mean(self.epochs_to != CENSORED, axis=2))
