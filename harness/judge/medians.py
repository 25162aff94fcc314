"""Times that a clock can have measured; medians of samples with distribution-free intervals, and ratios of two."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

CONFIDENCE = 0.95
TICK_S = 1e-9
"""Python's clocks count whole nanoseconds (PEP 564; `time.get_clock_info` says 1e-9 of both on Linux, more elsewhere):
no call takes less time than that and more than none."""
LONGEST_S = 2**63 * TICK_S
"""292 years: the count is a signed 64-bit integer (PEP 564). Two measurable times thus have a ratio below 1e19."""


def measurable(times_s: ArrayLike) -> bool:
    """Whether all of `times_s`, seconds of calls in any shape, lie between TICK_S and LONGEST_S. NaN does not.

    Only such are divided by, and only of such a logarithm is taken.
    """
    times = np.asarray(times_s, dtype=np.float64)
    return bool(np.all((times >= TICK_S) & (times <= LONGEST_S)))


def order_statistic(values: Floats, share: float = 0.5, axis: int = -1) -> Floats:
    """Along an axis the least of `values` that at least this share of them, 0 < share <= 1, does not exceed.

    This is the inverse of the empirical distribution (Hyndman and Fan 1996, type 1). Of an even number the median is
    the lower one of the middle two, so that nothing finite is averaged with an infinity. None may be NaN.
    """
    return np.asarray(np.sort(values, axis=axis).take(math.ceil(share * values.shape[axis]) - 1, axis=axis))


@dataclass(frozen=True)
class Estimate:
    """A median, or a ratio of two, with its 95 % interval; the ends are None with too few calls."""

    value: float
    low: float | None
    high: float | None
    calls: int

    @property
    def interval(self) -> tuple[float, float] | None:
        """Both ends; None with too few calls."""
        return None if self.low is None or self.high is None else (self.low, self.high)

    def holds(self, value: float) -> bool:
        """Whether the interval does not exclude `value`; without an interval nothing is excluded."""
        return self.interval is None or self.interval[0] <= value <= self.interval[1]


def median_interval(samples: Sequence[float] | Floats, confidence: float = CONFIDENCE) -> tuple[float, float] | None:
    """The order statistics that hold the median with this confidence at least; None where there are too few samples.

    David and Nagaraja, Order Statistics (2003), sec. 7.1: all that is supposed is that the samples are independent. At
    95 % six are needed, at 97.5 % seven. Of calls it is the interval of this run: what differs from process to process
    is not in it.
    """
    ordered, outside = np.sort(np.asarray(samples, dtype=np.float64)), _outside(len(samples), confidence)
    return None if outside < 0 else (float(ordered[outside]), float(ordered[-1 - outside]))


@cache
def _outside(samples: int, confidence: float) -> int:
    """How many of so many samples are left out on either side; -1 where even all of them do not cover it.

    The k-th is above the median with the probability that fewer than k of n fair coins show heads.
    """
    from scipy.stats import binom

    return int(binom.ppf((1 - confidence) / 2, samples, 0.5)) - 1 if samples else -1


def estimate(samples: Sequence[float] | Floats) -> Estimate:
    """The median of at least one finite sample, and its interval."""
    low, high = median_interval(samples) or (None, None)
    return Estimate(float(np.median(samples)), low, high, len(samples))


def ratio(above: Floats, below: Floats) -> Estimate:
    """The ratio of medians of positive samples, and its 95 % interval out of both medians' own.

    The square-and-add rule on logarithms (MOVER: Zou and Donner 2008, Statistics in Medicine 27, 1693); it needs six
    calls of each, and is a thousand times as quick as a bootstrap: a page has thousands of ratios.
    """
    top, bottom = estimate(above), estimate(below)
    value, calls = top.value / bottom.value, min(top.calls, bottom.calls)
    if top.low is None or top.high is None or bottom.low is None or bottom.high is None:
        return Estimate(value, None, None, calls)
    down = math.hypot(math.log(top.value / top.low), math.log(bottom.high / bottom.value))
    up = math.hypot(math.log(top.high / top.value), math.log(bottom.value / bottom.low))
    return Estimate(value, value * math.exp(-down), value * math.exp(up), calls)
