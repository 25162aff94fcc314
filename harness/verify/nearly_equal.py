"""Two columns that are nearly equal, and whether what a training leaves above the least loss is in their difference."""

from dataclasses import dataclass

import numpy as np

from harness.problems.problem import Floats, Problem
from harness.verify.excess_loss import TOLERANCES
from harness.verify.objective import Objective

NEAR = 0.99
"""A correlation from which on a pair is looked at: gradient descent then learns the difference 200 times more slowly
than the sum, by the eigenvalues 1 - r and 1 + r of two standardised columns."""
FAR = TOLERANCES[0]
"""An excess loss above it is far from 0: the loosest tolerance."""
SHARE = (0.1, 2.0)
"""Of the excess that a model without the pair's difference has: an excess within is in that difference, half learnt or
overshot. A training from other weights than 0 begins near it, not at it."""
MOST_COLUMNS = 2000
"""Of a table whose correlations are looked at: 32 MB of them."""


@dataclass(frozen=True)
class Pair:
    """The two columns, by place, whose correlation over the training rows is nearest to 1 or -1."""

    first: int
    second: int
    correlation: float

    @property
    def times(self) -> float:
        """How many times more slowly gradient descent learns one of difference and sum than the other."""
        r = min(abs(self.correlation), 1 - float(np.finfo(np.float64).eps))
        return (1 + r) / (1 - r)


def nearest_pair(X: Floats) -> Pair | None:
    """Of the columns of X (n, p); None where fewer than two vary, and of more than MOST_COLUMNS."""
    varying = np.flatnonzero(X.std(axis=0) > 0)
    if not 1 < len(varying) <= MOST_COLUMNS:
        return None
    with np.errstate(all="ignore"):
        correlations = np.atleast_2d(np.corrcoef(X[:, varying], rowvar=False))
    apart = np.triu(np.nan_to_num(np.abs(correlations)), 1)
    first, second = np.unravel_index(int(np.argmax(apart)), apart.shape)
    return Pair(int(varying[first]), int(varying[second]), float(correlations[first, second]))


def blamed(problem: Problem, excess: float | None, objective: Objective) -> str:
    """Why a training stays far above the least loss, where two nearly equal columns are why; else empty.

    `excess`: what it ended with. It is compared with that of the optimum from which the pair's difference is taken.
    """
    if excess is None or not FAR < excess < np.inf or objective.excess is None or not objective.optima:
        return ""
    X = problem.rows("train")[0]
    pair = nearest_pair(X)
    if pair is None or abs(pair.correlation) < NEAR:
        return ""
    without = _without_difference(X, objective, pair, intercept=problem.intercept)
    if not SHARE[0] * without <= excess <= SHARE[1] * without:
        return ""
    apart, shared = ("difference", "sum") if pair.correlation > 0 else ("sum", "difference")
    names = " and ".join(f"'{problem.features[place]}'" for place in (pair.first, pair.second))
    return (
        f"{names} are nearly equal ({_correlation(pair)}) and to blame: what is left is in their {apart}, which"
        f" gradient descent learns {pair.times:.0e} times more slowly than their {shared}: drop one of them, or take a"
        " closed form"
    )


def _correlation(pair: Pair) -> str:
    """How far it is from 1 or -1: nobody reads 0.9999996."""
    distance = f"{1 - abs(pair.correlation):.1e}"
    return f"correlation 1 - {distance}" if pair.correlation > 0 else f"correlation -1 + {distance}"


def _without_difference(X: Floats, objective: Objective, pair: Pair, *, intercept: bool) -> float:
    """The excess of the optimum where both columns, standardised, get the same coefficient, or its negative."""
    assert objective.excess is not None  # noqa: S101  # the caller has looked
    optimum = objective.optima[0]
    places, sign = [pair.first, pair.second], np.sign(pair.correlation)
    sd = X[:, places].std(axis=0)
    scaled = optimum.coef[places] * sd
    shared = (scaled[0] + sign * scaled[1]) / 2
    coef = optimum.coef.copy()
    coef[places] = np.array([shared, sign * shared]) / sd
    moved = float(X.mean(axis=0) @ (optimum.coef - coef)) if intercept else 0.0
    return float(objective.excess(coef[None], np.array([optimum.intercept + moved]))[0])
