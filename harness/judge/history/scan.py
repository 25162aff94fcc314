"""Thousands of series searched for steps at once, with so many searched taken into account.

A series' statistic is its critical penalty: the least with which the cheapest cut (harness.judge.history.change_points)
has no step,

    max over k of (cost of the whole - cost of the best k + 1 segments) / k

Where no step is, the order of a series says nothing: shuffled series of the same store, in which no step can be, say
how large it is by chance (a permutation test: Good, Permutation, Parametric, and Bootstrap Tests of Hypotheses (2005),
ch. 1 and 3). So nothing is assumed of the noise but that its order is that of chance; a machine that drifts has steps.

Of all series at most FALSE_SERIES may have a false step, and of those that are reported at most FALSE_SHARE (Benjamini
and Hochberg, Journal of the Royal Statistical Society B 57 (1995)).
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.judge.history.change_points import SHORTEST, costs, difference, large_enough, segments
from harness.judge.medians import Floats

FALSE_SERIES = 0.01
FALSE_SHARE = 0.05
FEWEST_NULL = 2000
"""Shuffled series of about the same length: twenty of them are above the hundredth's threshold, where the tail begins.
"""
TAIL = 0.01
"""Of the shuffled series: beyond them their tail is taken as exponential, with their mean excess (Davison and Smith,
Journal of the Royal Statistical Society B 52 (1990)); of a bounded kernel's it is no heavier."""
MOST_STEPS = 4
"""Of a cut in the statistic; the cut itself may have any number."""
WINDOW = 128
"""Commits that are looked at together; longer series are looked at in windows that overlap by half."""
BATCH = 1_000_000
"""Entries of the kernels that are held at once: 8 MB each time, which caches hold."""

Whole = NDArray[np.int64]


@dataclass(frozen=True)
class Found:
    """A step of the series in row `row`: `old` and `new` are the columns of the last and the first commit beside it.

    `before`, `after`: medians of the levels; `change`: of the logarithm where `relative`, else of the value itself.
    """

    row: int
    old: int
    new: int
    before: float
    after: float
    change: float
    relative: bool


@dataclass(frozen=True)
class Scan:
    """`tested`: series with enough commits and more than one value; `level`: the p-value up to which one has a step."""

    steps: tuple[Found, ...]
    rows: int
    tested: int
    level: float

    @property
    def stepped(self) -> int:
        """Series with a step."""
        return len({step.row for step in self.steps})


def scan(values: Floats, effect: float, seed: int = 0) -> Scan:
    """Steps of at least `effect` (of logarithms) in every row of (s, m), NaN where a commit has no number.

    Rows with a value that is not positive are taken as they are: a step of theirs has any size.
    """
    groups = list(_groups(values))
    rng = np.random.default_rng(seed)
    statistics = [critical(series) for _, series in groups]
    p_values = np.ones(len(values))
    tails: dict[int, _Tail] = {}
    for (rows, series), found in zip(groups, statistics, strict=True):
        size = _bin(series.shape[1])
        if size not in tails:
            tails[size] = _Tail(_null([one for _, one in groups if _bin(one.shape[1]) == size], rng))
        p_values[rows] = tails[size].p_values(found)
    tested = sum(len(rows) for rows, _ in groups)
    level = level_of(p_values, tested)
    steps: list[Found] = []
    for rows, series in groups:
        penalty = tails[_bin(series.shape[1])].statistic(level) if level else np.inf
        for place in np.flatnonzero(p_values[rows] <= level):
            steps += _steps(int(rows[place]), values[rows[place]], series[place], penalty, effect)
    return Scan(tuple(steps), len(values), tested, level)


def critical(series: Floats) -> Floats:
    """The critical penalty of each of (s, m) series without gaps: of its worst window."""
    count, m = series.shape
    worst = np.zeros(count)
    width = min(m, WINDOW)
    for begin in _windows(m):
        window = series[:, begin : begin + width]
        for first in range(0, count, size := max(1, BATCH // (width + 1) ** 2)):
            part = slice(first, first + size)
            worst[part] = np.maximum(worst[part], _gain(window[part]))
    return worst


def _gain(series: Floats) -> Floats:
    cost = costs(series)
    best = whole = cost[:, 0, :]
    found = np.zeros(len(series))
    for steps in range(1, min(MOST_STEPS, series.shape[1] // SHORTEST - 1) + 1):
        best = (best[:, :, None] + cost).min(axis=1)
        found = np.maximum(found, (whole[:, -1] - best[:, -1]) / steps)
    return found


def _windows(m: int) -> list[int]:
    """Where they begin: the last one ends with the series."""
    return [*range(0, m - WINDOW, WINDOW // 2), m - WINDOW] if m > WINDOW else [0]


def _groups(values: Floats) -> Iterator[tuple[Whole, Floats]]:
    """Rows of as many numbers, and their series without gaps; those that are too short or constant are left out."""
    finite = np.isfinite(values)
    lengths = finite.sum(axis=1)
    for length in np.unique(lengths[lengths >= 2 * SHORTEST]):
        rows = np.flatnonzero(lengths == length)
        series = values[rows][finite[rows]].reshape(len(rows), length)
        varies = series.max(axis=1) > series.min(axis=1)
        if varies.any():
            rows, series = rows[varies], series[varies]
            positive = series.min(axis=1) > 0
            yield rows, np.log(series, out=series.copy(), where=positive[:, None])


def _bin(length: int) -> int:
    """Series of lengths between two powers of two share what chance does."""
    return int(length).bit_length()


def _null(groups: Sequence[Floats], rng: np.random.Generator) -> Floats:
    """The statistic of shuffled series, drawn from all of about the same length: FEWEST_NULL at least."""
    share = FEWEST_NULL / sum(map(len, groups))
    drawn = [series[rng.integers(len(series), size=math.ceil(share * len(series)))] for series in groups]
    return np.concatenate([critical(rng.permuted(series, axis=1)) for series in drawn])


class _Tail:
    """What chance does: the share of shuffled series above a statistic, and which statistic so many are above."""

    def __init__(self, null: Floats) -> None:
        self.null = np.sort(null)
        self.start = float(np.quantile(null, 1 - TAIL))
        self.excess = float(np.mean(null[null >= self.start] - self.start)) or 1e-12

    def p_values(self, statistics: Floats) -> Floats:
        """(s,) p-values."""
        above = len(self.null) - np.searchsorted(self.null, statistics, side="left")
        inside = (1 + above) / (1 + len(self.null))
        beyond = TAIL * np.exp(-np.maximum(statistics - self.start, 0) / self.excess)
        return np.asarray(np.where(statistics > self.start, beyond, inside))

    def statistic(self, p_value: float) -> float:
        """The statistic that a share of `p_value` at most is above; `p_value` is not above TAIL."""
        return self.start + self.excess * float(np.log(TAIL / min(p_value, TAIL)))


def level_of(p_values: Floats, tested: int, share: float = FALSE_SHARE) -> float:
    """Up to which p-value is reported: `share` of all that are reported are false, FALSE_SERIES at most; 0 for none.

    `p_values` (s,): of those that are tested, and 1 of others.
    """
    ordered = np.sort(p_values)[:tested]
    allowed = np.minimum(share * np.arange(1, tested + 1) / max(tested, 1), FALSE_SERIES)
    held = np.flatnonzero(ordered <= allowed)
    return float(allowed[held[-1]]) if len(held) else 0.0


def _steps(row: int, values: Floats, series: Floats, penalty: float, effect: float) -> Iterator[Found]:
    columns = np.flatnonzero(np.isfinite(values))
    relative = bool(np.nanmin(values) > 0)
    cuts = large_enough(series, _cuts(series, penalty), effect if relative else 0.0)
    ends = [0, *cuts, len(series)]
    for before, at, after in zip(ends, cuts, ends[2:], strict=False):
        yield Found(
            row,
            old=int(columns[at - 1]),
            new=int(columns[at]),
            before=float(np.median(values[columns[before:at]])),
            after=float(np.median(values[columns[at:after]])),
            change=difference(series[before:at], series[at:after]),
            relative=relative,
        )


def _cuts(series: Floats, penalty: float) -> list[int]:
    """Of each window those in its middle half, where both sides are longest; of the first and last to their ends."""
    m = len(series)
    found: list[int] = []
    for begin in (windows := _windows(m)):
        low = 0 if begin == 0 else begin + WINDOW // 4
        high = m if begin == windows[-1] else begin + WINDOW * 3 // 4
        cuts = (begin + cut for cut in segments(series[begin : begin + WINDOW], penalty))
        found += [cut for cut in cuts if low <= cut < high and (not found or cut >= found[-1] + SHORTEST)]
    return found
