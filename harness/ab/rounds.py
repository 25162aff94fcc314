"""How long a launch stays with a cell: in rounds, by how noisy the cell has been."""

import math
from collections.abc import Sequence

import numpy as np
from scipy import stats

from harness.judge.medians import measurable
from harness.records.ab import Launch

FIRST_ROUNDS = 16
MIN_ROUNDS, MAX_ROUNDS = 12, 80
WITHIN = 0.01
"""The standard error that the rounds of one launch shall leave its log ratio: with five launches, the fewest that are
judged, that of their mean is 0.45 %, and 5 % is eleven of those. Stopping at 30 rounds and 1.5 % was tried: there are
more launches in the same time, and in noisy hours 5 % was seen in 11 of 24 cells instead of 19 (by t of each alone)."""
MEDIAN_PER_MEAN = math.sqrt(math.pi / 2)
"""The standard error of a median over that of a mean, of normal observations (Kendall and Stuart, volume 1, 10.11)."""


def rounds(launches: Sequence[Launch], device: str) -> int:
    """Rounds of the next launch: those after which the median of the log ratios has a standard error of 1 %.

    The spread is that of the rounds within their launches, by the median absolute deviation, which a few disturbed
    rounds do not move; between 12 and 80, and 16 where nothing has been measured.
    """
    logs = [one for launch in launches if len(one := _logs(launch, device)) > 1]
    if not logs:
        return FIRST_ROUNDS
    around = np.concatenate([one - np.median(one) for one in logs])
    spread = MEDIAN_PER_MEAN * float(stats.median_abs_deviation(around, scale="normal"))
    return min(MAX_ROUNDS, max(MIN_ROUNDS, math.ceil((spread / WITHIN) ** 2)))


def _logs(launch: Launch, device: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """(rounds,) log(head / base) by the clock that is judged; empty where one of them is no measurable time."""
    clock = "cpu" if device == "cpu" else "wall"
    times = np.array([launch.base.by(clock), launch.head.by(clock)], dtype=np.float64)
    if times.size == 0 or not measurable(times):
        return np.empty(0)
    return np.asarray(np.log(times[1] / times[0]))
