"""Epochs to a tolerance over seeds, where a seed that never gets there counts as infinite: median, interval, ratio."""

import math
from typing import NamedTuple

import numpy as np

from harness.judge.medians import Floats, order_statistic

CONFIDENCE = 0.95
"""Of every interval here; a comparison is one interval, not corrected for how many are made."""
TAILS = (1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2
"""The shares of draws below either end of an interval."""
FEWEST_SEEDS = 3
"""Two values have no interval worth the name: a resample's median is the lower of them three times in four."""
RESAMPLES = 9_999
"""scipy.stats.bootstrap's default; the ends of an interval then lie 250 resamples from the nearest extreme."""
RANDOM_STATE = 20020101
"""Any fixed number: the same seeds give the same interval."""


class Interval(NamedTuple):
    """Ends of a percentile bootstrap interval; infinite is censored."""

    low: float
    high: float

    def times(self, factor: float) -> "Interval":
        """In another unit."""
        return Interval(self.low * factor, self.high * factor)

    def __contains__(self, value: object) -> bool:
        """Whether a number lies between the ends or on one of them."""
        return isinstance(value, float | int) and self.low <= value <= self.high


def median(values: Floats) -> float:
    """The least of `values` (m,), m > 0 and none NaN, that half of them do not exceed; infinite where most are."""
    return float(order_statistic(values))


def median_odds(count: int) -> Floats:
    """(count,): how likely the median of `count` draws with replacement is the j-th smallest of what is drawn from.

    Exact, where resampling would estimate it: it is at most the j-th if at least half of the draws are,
    and how many are is binomial with j / count (Efron 1979, Annals of Statistics 7, sec. 3).
    """
    from scipy.stats import binom

    half = (count + 1) // 2
    at_most = binom.sf(half - 1, count, np.arange(count + 1) / count)
    return np.asarray(np.diff(at_most))


def median_interval(values: Floats) -> Interval | None:
    """The percentile bootstrap interval of the median of (m,), exact; None of fewer than FEWEST_SEEDS values.

    Its upper end is infinite where too many values are. It always contains the median.
    """
    if len(values) < FEWEST_SEEDS:
        return None
    at_most = np.cumsum(median_odds(len(values)))
    low, high = (int(np.argmax(at_most >= share)) for share in TAILS)
    ordered = np.sort(values)
    return Interval(float(ordered[low]), float(ordered[high]))


def ratio_draws(above: Floats, below: Floats) -> Floats | None:
    """Bootstrap draws (RESAMPLES,) of median(above) / median(below); None of fewer than FEWEST_SEEDS pairs.

    `above` and `below` (m,) are paired: the same seed is the same initial weights, easy or hard for both,
    so a seed is drawn with both of its values. Where both medians are infinite neither is better: 1.
    """
    from scipy.stats import bootstrap

    if len(above) < FEWEST_SEEDS:
        return None
    order = np.lexsort((below, above))  # the order in which seeds were given changes nothing
    # scipy's own interval and error interpolate between draws, which infinities do not allow: the draws are taken.
    with np.errstate(all="ignore"):
        found = bootstrap(
            (above[order], below[order]),
            _ratio,
            n_resamples=RESAMPLES,
            batch=1000,
            vectorized=True,
            paired=True,
            method="percentile",
            random_state=np.random.default_rng(RANDOM_STATE),
        )
    return np.asarray(found.bootstrap_distribution)


def median_draws(values: Floats, salt: int) -> Floats:
    """Bootstrap draws (RESAMPLES,) of the median of `values` (m,); draws of another `salt` are independent."""
    rng = np.random.default_rng((RANDOM_STATE, salt))
    return np.asarray(rng.choice(np.sort(values), size=RESAMPLES, p=median_odds(len(values))))


def interval_of(draws: Floats) -> Interval:
    """The percentile interval of bootstrap draws, infinite ones among them."""
    return Interval(*(float(order_statistic(draws, share)) for share in TAILS))


def ratio(above: float, below: float) -> float:
    """One median over another; 1 where both are infinite, and neither is better."""
    return 1.0 if math.isinf(above) and math.isinf(below) else above / below


def _ratio(above: Floats, below: Floats, axis: int = -1) -> Floats:
    top, bottom = (order_statistic(values, axis=axis) for values in (above, below))
    return np.asarray(np.where(np.isinf(top) & np.isinf(bottom), 1.0, top / bottom))
