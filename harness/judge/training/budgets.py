"""How the best optimizer changes with the number of tries, in studies that are drawn from what was run."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.judge.training.censored import CONFIDENCE, Interval
from harness.judge.training.scores import integrated
from harness.judge.training.trials import RESAMPLES, Trials

TRIES = (1, 2, 5, 10, 20)
BAND = (0.1, 0.9)
"""Quantiles over studies between which the band is drawn."""


@dataclass(frozen=True)
class Budget:
    """Studies of so many `tries`, by optimizer.

    The median score over studies, its band, and the share of studies that it is the first in, ties shared. `open`: as
    Trials has it.
    """

    tries: int
    scores: dict[str, float]
    bands: dict[str, Interval]
    first: dict[str, float]
    open: dict[str, tuple[str, ...]]

    @property
    def winner(self) -> str | None:
        """Who is first in all but a twentieth of the studies; None where luck decides, or one is open."""
        name = max(self.first, key=lambda one: self.first[one])
        return name if self.first[name] >= CONFIDENCE and not self.open else None

    @property
    def best(self) -> str:
        """Whose median score is the highest."""
        return max(self.scores, key=lambda one: (self.scores[one], self.first[one]))


def budgets(trials: Trials, tries: Sequence[int] = TRIES) -> tuple[Budget, ...]:
    """Of each number of tries that there are enough trainings for."""
    return tuple(_budget(trials, one) for one in tries if one <= trials.tries)


def _budget(trials: Trials, tries: int) -> Budget:
    found = integrated(trials.studies(tries, RESAMPLES, resample=False))  # (studies, O)
    low, middle, high = np.quantile(found, [BAND[0], 0.5, BAND[1]], axis=0)
    top = found == found.max(axis=1, keepdims=True)
    first = (top / top.sum(axis=1, keepdims=True)).mean(axis=0)
    names = trials.optimizers
    return Budget(
        tries,
        dict(zip(names, middle.tolist(), strict=True)),
        {name: Interval(float(a), float(b)) for name, a, b in zip(names, low, high, strict=True)},
        dict(zip(names, first.tolist(), strict=True)),
        trials.open,
    )
