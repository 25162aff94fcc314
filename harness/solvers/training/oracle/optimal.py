"""The constants that are best for the worst start, of gradient descent and its momentum on a quadratic."""

import math
from typing import NamedTuple

ALIKE = 1e-12
"""Eigenvalues nearer than this, relatively, are one: they are found to some hundred roundings of float64."""


class Constants(NamedTuple):
    """A learning rate and a momentum; `gap`: the part of the distance that an epoch takes, in the end."""

    lr: float
    momentum: float
    gap: float

    @property
    def rate(self) -> float:
        """What an epoch leaves of the distance, in the end."""
        return 1 - self.gap

    @property
    def epochs_per_decade(self) -> float:
        """Epochs in which the excess loss, a squared distance, falls to a tenth; 0 where one epoch is enough."""
        return math.log(10) / (-2 * math.log1p(-self.gap)) if self.gap < 1 else 0.0


def optimal(least: float, largest: float, *, momentum: bool = False, nesterov: bool = False) -> Constants:
    """The best constants for a Hessian with eigenvalues 0 < least = m to largest = L; kappa = L / m.

    Gradient descent: lr 2 / (L + m), rate (kappa - 1) / (kappa + 1) (Polyak 1987, sec. 1.4). With `momentum`, the heavy
    ball: lr 4 / (sqrt L + sqrt m)², momentum rate², rate (sqrt kappa - 1) / (sqrt kappa + 1) (Polyak 1964). With
    `nesterov`: lr 4 / (3 L + m), momentum (sqrt(3 kappa + 1) - 2) / (sqrt(3 kappa + 1) + 2), rate
    1 - 2 / sqrt(3 kappa + 1) (Lessard, Recht and Packard 2016, prop. 1).
    torch's SGD without dampening is these methods.
    """
    kappa = largest / least if largest - least > ALIKE * largest else 1.0
    if nesterov:
        root = math.sqrt(3 * kappa + 1)
        return Constants(4 / (3 * largest + least), (root - 2) / (root + 2), 2 / root)
    if momentum:
        gap = 2 / (math.sqrt(kappa) + 1)
        return Constants(4 / (math.sqrt(largest) + math.sqrt(least)) ** 2, (1 - gap) ** 2, gap)
    return Constants(2 / (largest + least), 0.0, 2 / (kappa + 1))
