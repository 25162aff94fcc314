"""Where the level of a noisy series changed, and by how much.

The series is cut into the segments that cost least, where a segment's cost is its scatter in the space of a Gaussian
kernel and every further segment costs the penalty:

    cost(a, b) = (b - a) - sum of K[a:b, a:b] / (b - a),  K[i, j] = exp(-(z_i - z_j)² / m)

m: the median of the squared differences (Arlot, Celisse and Harchaoui, JMLR 20 (2019); Garreau and Arlot, Electronic
Journal of Statistics 12 (2018)). The cut is exact (optimal partitioning: Jackson et al., IEEE Signal Processing Letters
12 (2005)), O(m²). The kernel is bounded: one launch that took three times as long costs no more than one that took
half as long again, which is what fresh processes on a shared machine look like.

Of the detectors compared in results/change_points this one finds steps soonest at equal false alarms; with one launch
a commit a scan of ranks is level with it. It is the KernelCPD(kernel="rbf") of ruptures, which tests compare it with;
ruptures admits no Python from 3.14 on, which it has been asked for since October 2025 (its issue 360), and these are
thirty lines.
"""

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats
from scipy.spatial.distance import pdist, squareform

from harness.judge.medians import Floats

PENALTY = 3.5
PENALTIES = ((1, PENALTY), (5, 2.6), (15, 2.4))
"""Launches of a commit, and the penalty with which one false alarm is raised in 100 commits without a step, on noise
recorded here (results/change_points): the median of more launches has fewer outliers."""
SHORTEST = 2
"""Commits of a segment: one alone may be an outlier."""
CONFIDENCE = 0.95
KERNEL_CLIP = (1e-2, 1e2)
"""Of the exponent, as ruptures has it: equal values are not infinitely alike."""


@dataclass(frozen=True)
class Shift:
    """A step before entry `at`. `change`: of the level, in units of the series; `low`, `high`: 95 %, may be infinite.

    The place was chosen by the same values, so that the interval is of a step there, not of whether there is one.
    """

    at: int
    change: float
    low: float
    high: float


def change_points(values: Floats, effect: float, penalty: float = PENALTY) -> tuple[Shift, ...]:
    """Steps of at least `effect` in a series (m,) of finite numbers, in order; none in fewer than four.

    Steps that are smaller are taken out one by one, the smallest first, each time with the levels beside it joined.
    Raises ValueError for NaN and infinities.
    """
    if not np.isfinite(values).all():
        raise ValueError("a series with a gap: leave out what is no number")
    cuts = segments(values, penalty)
    while cuts:
        shifts = _shifts(values, cuts)
        sizes = [abs(shift.change) for shift in shifts]
        if min(sizes) >= effect:
            return shifts
        del cuts[int(np.argmin(sizes))]
    return ()


def penalty_of(launches: float) -> float:
    """The penalty for commits of so many launches: of the most in PENALTIES that are no more than these."""
    return next((penalty for least, penalty in reversed(PENALTIES) if launches >= least), PENALTY)


def segments(values: Floats, penalty: float = PENALTY) -> list[int]:
    """Where segments of the cheapest cut of (m,) begin, the first left out; every one has SHORTEST entries or more."""
    m = len(values)
    if m < 2 * SHORTEST:
        return []
    kernel = _kernel(values)
    sums = np.zeros((m + 1, m + 1))
    sums[1:, 1:] = kernel.cumsum(axis=0).cumsum(axis=1)
    diagonal, own = np.diag(sums), np.concatenate([[0.0], np.diag(kernel).cumsum()])
    best, came_from = np.full(m + 1, math.inf), np.zeros(m + 1, dtype=np.int64)
    best[0] = -penalty
    for end in range(SHORTEST, m + 1):
        start = np.arange(end - SHORTEST + 1)
        inside = diagonal[end] - 2 * sums[start, end] + diagonal[start]
        costs = best[start] + own[end] - own[start] - inside / (end - start) + penalty
        came_from[end] = int(np.argmin(costs))
        best[end] = costs[came_from[end]]
    cuts, end = [], m
    while came_from[end] > 0:
        end = int(came_from[end])
        cuts.append(end)
    return cuts[::-1]


def _kernel(values: Floats) -> Floats:
    """K above, (m, m), with exponents clipped; where most pairs are equal, m is of those that are not."""
    squares = pdist(values[:, None], metric="sqeuclidean")
    unequal = squares[squares > 0]
    scale = float(np.median(squares)) or (float(np.median(unequal)) if len(unequal) else 1.0)
    return np.asarray(np.exp(-squareform(np.clip(squares / scale, *KERNEL_CLIP))))


def _shifts(values: Floats, cuts: Sequence[int]) -> tuple[Shift, ...]:
    ends = [0, *cuts, len(values)]
    return tuple(
        Shift(at, *shift(values[before:at], values[at:after]))
        for before, at, after in zip(ends, cuts, ends[2:], strict=False)
    )


def shift(before: Floats, after: Floats) -> tuple[float, float, float]:
    """How far `after` is above `before`: the median of all differences, and its 95 % interval.

    Hodges and Lehmann (Annals of Mathematical Statistics 34, 1963): the interval is of the shifts that the test of
    Mann and Whitney does not reject; an end is infinite where there are too few values to reject any.
    """
    every = np.subtract.outer(after, before).ravel()
    differences = np.unique(every)
    count = len(differences)

    def kept(place: int) -> bool:
        """Whether a shift between the differences `place` - 1 and `place` is not rejected."""
        low = differences[place - 1] if place > 0 else differences[0] - 1.0
        high = differences[place] if place < count else differences[-1] + 1.0
        return bool(stats.mannwhitneyu(after - (low + high) / 2, before).pvalue > 1 - CONFIDENCE)

    # From the estimate towards either side the p-value falls.
    middle = int(np.searchsorted(differences, np.median(every)))
    first = bisect_left(range(middle + 1), True, key=kept)
    last = middle + 1 + bisect_left(range(middle + 1, count + 1), True, key=lambda place: not kept(place))
    low = -math.inf if first == 0 else float(differences[first - 1])
    high = math.inf if last > count else float(differences[last - 1])
    return float(np.median(every)), low, high
