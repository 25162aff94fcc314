"""Where the level of a noisy series changed, and by how much.

The series is cut into the segments that cost least, where a segment's cost is its scatter in the space of a Gaussian
kernel and every further segment costs the penalty:

    cost(a, b) = trace of K[a:b, a:b] - sum of K[a:b, a:b] / (b - a),  K[i, j] = exp(-(z_i - z_j)² / m)

m: the median of the squared differences (Arlot, Celisse and Harchaoui, JMLR 20 (2019); Garreau and Arlot, Electronic
Journal of Statistics 12 (2018)). The exponent is clipped to KERNEL_CLIP, on the diagonal too: the penalties are
calibrated with that. The cut is exact (optimal partitioning: Jackson et al., IEEE Signal Processing Letters 12 (2005)),
O(m²). The kernel is bounded: one launch that took three times as long costs no more than one that took
half as long again, which is what fresh processes on a shared machine look like.

Of the detectors compared in results/change_points this one finds steps soonest at equal false alarms; with one launch
a commit a scan of ranks is level with it. It is the KernelCPD(kernel="rbf") of ruptures, which tests compare it with;
ruptures admits no Python from 3.14 on, which it has been asked for since October 2025 (its issue 360), and these are
thirty lines.
"""

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

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
    found = large_enough(values, segments(values, penalty), effect)
    return tuple(Shift(at, *shift(before, after)) for at, before, after in _sides(values, found))


def large_enough(values: Floats, cuts: Sequence[int], effect: float) -> list[int]:
    """The cuts whose levels differ by at least `effect`: by the median of all differences."""
    left = list(cuts)
    while left:
        sizes = [abs(difference(before, after)) for _, before, after in _sides(values, left)]
        if min(sizes) >= effect:
            break
        del left[int(np.argmin(sizes))]
    return left


def penalty_of(launches: float) -> float:
    """The penalty for commits of so many launches: of the most in PENALTIES that are no more than these."""
    return next((penalty for least, penalty in reversed(PENALTIES) if launches >= least), PENALTY)


def segments(values: Floats, penalty: float = PENALTY) -> list[int]:
    """Where segments of the cheapest cut of (m,) begin, the first left out; every one has SHORTEST entries or more."""
    m = len(values)
    if m < 2 * SHORTEST:
        return []
    cost = costs(values[None])[0]
    best, came_from = np.full(m + 1, math.inf), np.zeros(m + 1, dtype=np.int64)
    best[0] = -penalty
    for end in range(SHORTEST, m + 1):
        total = best[: end - SHORTEST + 1] + cost[: end - SHORTEST + 1, end] + penalty
        came_from[end] = int(np.argmin(total))
        best[end] = total[came_from[end]]
    cuts, end = [], m
    while came_from[end] > 0:
        end = int(came_from[end])
        cuts.append(end)
    return cuts[::-1]


def costs(values: Floats) -> Floats:
    """What each segment of series (s, m) costs, (s, m + 1, m + 1): [:, a, b] of the entries a to b - 1.

    Infinite for segments shorter than SHORTEST.
    """
    count, m = values.shape
    kernel = _kernels(values)
    sums = np.zeros((count, m + 1, m + 1))
    np.cumsum(kernel, axis=1, out=sums[:, 1:, 1:])
    np.cumsum(sums[:, 1:, 1:], axis=2, out=sums[:, 1:, 1:])
    diagonal = np.einsum("sii->si", sums).copy()
    own = np.zeros((count, m + 1))
    np.cumsum(np.einsum("sii->si", kernel), axis=1, out=own[:, 1:])
    lengths = np.subtract.outer(np.arange(m + 1.0), np.arange(m + 1.0)).T
    lengths[lengths < SHORTEST] = np.nan
    sums *= 2
    sums -= diagonal[:, :, None]
    sums -= diagonal[:, None, :]
    sums /= lengths
    sums += own[:, None, :]
    sums -= own[:, :, None]
    sums[:, np.isnan(lengths)] = math.inf
    return sums


def _kernels(values: Floats) -> Floats:
    """K above, (s, m, m), with exponents clipped; where most pairs are equal, m is of those that are not."""
    squares = np.square(values[:, :, None] - values[:, None, :])
    above = squares[:, *np.triu_indices(values.shape[1], 1)]
    scale = np.median(above, axis=1)
    for one in np.flatnonzero(scale == 0):
        unequal = above[one][above[one] > 0]
        scale[one] = np.median(unequal) if len(unequal) else 1.0
    squares /= scale[:, None, None]
    np.clip(squares, *KERNEL_CLIP, out=squares)
    return np.exp(np.negative(squares, out=squares), out=squares)


def _sides(values: Floats, cuts: Sequence[int]) -> Iterator[tuple[int, Floats, Floats]]:
    """Each cut with the levels before and after it."""
    ends = [0, *cuts, len(values)]
    for before, at, after in zip(ends, cuts, ends[2:], strict=False):
        yield at, values[before:at], values[at:after]


def difference(before: Floats, after: Floats) -> float:
    """The median of all differences of `after` and `before`: Hodges and Lehmann's estimate of the shift."""
    return float(np.median(np.subtract.outer(after, before)))


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
