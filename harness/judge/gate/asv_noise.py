"""How far the numbers of a store of asv's differ where nothing happened, and which differences are beyond that.

The pairs in which nothing happened: neighbouring commits of the store's own history between which no step is found
(harness.judge.history.scan). Both what is judged and such a pair are given the same two scores, nothing where the
difference is within its limit or the two intervals overlap, else

    its size in units of the series' scatter (the median difference of its neighbours), and its size

because noise goes with the series and outliers with the machine. The share of unchanged pairs with a score as large is
the p-value; by each score half of FALSE_SHARE at most of the numbers that are called worse are expected to be unchanged
(Benjamini and Hochberg, as in the scan), and one that is further than every unchanged pair is worse in any case.

A series whose neighbours do not differ at all is no noisy one: it is worse beyond its limit, and further than it ever
was without a step.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.errors import counted
from harness.judge.gate.rules import Limit
from harness.judge.history.scan import level_of, scan
from harness.judge.medians import Floats, median_interval
from harness.records.asv_cells import AsvCell
from harness.records.asv_history import AsvTable

Bools = NDArray[np.bool_]

MOST_COMMITS = 100
"""Of the history, the newest: it is that of the machine as it now is."""
FEWEST = 5
"""Differences of a series without which its scatter is not known: then that of the median series is taken."""
INTERVAL = 0.99
"""Of samples, as of the interval that asv keeps."""
FALSE_SHARE = 0.01
FEWEST_PAIRS = 40
"""Unchanged pairs for each number that is judged: with fewer, more than one commit in twenty would have a number that
is by either score further than all of them."""
SHORT_FACTOR = 2.0
"""Of a time in a store with fewer. Of 273,374 pairs of neighbouring commits of scipy's published results between which
no step is found, 0.007 % differ so far in the bad direction with intervals apart, of pandera's 3,137 it is 0.2 %."""
BARE_FACTOR = 5.0
"""Of a number with no interval, no samples and no history. Of 524 pairs of launches in a row of unchanged code, on a
machine that others use as well (results/change_points/noise_two_cores.json), 3 % differ so far in the bad direction."""


@dataclass(frozen=True)
class Pair:
    """A number and its base's with how it is judged."""

    now: AsvCell
    then: AsvCell
    limit: Limit


@dataclass(frozen=True)
class Noise:
    """Which pairs are `worse`, which only `beyond` their limits, and how often such a verdict errs, in words.

    `is_short`: the store has too little history to say how far chance goes.
    """

    worse: tuple[bool, ...]
    beyond: tuple[bool, ...]
    rates: str
    is_short: bool = False


def judge_noise(pairs: Sequence[Pair], history: AsvTable) -> Noise:
    """`history`: the store's series of the same machine and environment, with intervals."""
    if not pairs:
        return Noise((), (), "")
    unchanged = _unchanged(pairs, history)
    compared = [_compare(np.array(_ends(one.then)), np.array(_ends(one.now)), one.limit) for one in pairs]
    beyond = np.array([bool(one) for one, _ in compared])
    sizes = np.array([float(size) for _, size in compared])
    scatter = np.array([one.scatter for one in unchanged])
    steady = scatter == 0
    scatter[np.isnan(scatter)] = np.nanmedian(scatter[~steady]) if np.isfinite(scatter[~steady]).any() else 1.0
    worse, rates, is_short = np.zeros(len(pairs), dtype=bool), "", False
    for unit in (np.where(steady, 1.0, scatter), np.ones(len(pairs))):
        scored = [np.where(one.beyond, one.sizes / by, 0.0) for one, by in zip(unchanged, unit, strict=True)]
        noisy = [one for one, still in zip(scored, steady, strict=True) if not still]
        null = np.sort(np.concatenate(noisy or [np.empty(0)]))
        worse |= _beyond_chance(pairs, np.where(beyond & ~steady, sizes / unit, 0.0), null)
        rates, is_short = _rates(null, len(pairs)), len(null) < FEWEST_PAIRS * len(pairs)
    own_worst = np.array([one.sizes[one.beyond].max(initial=0.0) for one in unchanged])
    worse |= steady & beyond & (sizes > own_worst)
    return Noise(tuple(worse.tolist()), tuple(beyond.tolist()), rates, is_short)


def _beyond_chance(pairs: Sequence[Pair], scores: Floats, null: Floats) -> Bools:
    """Which scores are larger than chance makes them; `null`: the sorted scores of unchanged pairs."""
    worse = np.asarray(scores > (null[-1] if len(null) else 0.0))
    if len(null) < FEWEST_PAIRS * len(pairs):
        return np.asarray(worse & np.array([_is_far(one, bare=not len(null)) for one in pairs]))
    p_values = (1 + len(null) - np.searchsorted(null, scores, side="left")) / (1 + len(null))
    level = level_of(np.where(scores > 0, p_values, 1.0), len(pairs), FALSE_SHARE / 2)
    return np.asarray(worse | ((scores > 0) & (p_values <= level)))


def _rates(null: Floats, count: int) -> str:
    """How often a number of an unchanged commit is beyond its limit, and called worse."""
    pairs = f"{counted(len(null), 'pair')} of neighbouring commits without a step between them"
    if len(null) < (wanted := FEWEST_PAIRS * count):
        return f"how often such a verdict errs is not known: the store has {pairs}, and that takes {wanted}"
    limit = int((null > 0).sum())
    return (
        f"of {pairs} {100 * limit / len(null):.2g} % ({limit}) are beyond their limit; called worse is only what is"
        f" further than chance goes there: of such verdicts {100 * FALSE_SHARE:g} % are expected to err"
    )


def _is_far(pair: Pair, *, bare: bool) -> bool:
    """Whether a time of a store without much history is so much longer that hardly any machine does that alone."""
    old, low, high = _ends(pair.then)
    factor = BARE_FACTOR if bare and low == high else SHORT_FACTOR
    return not pair.limit.is_time or (pair.now.number or 0.0) >= factor * old


def _ends(cell: AsvCell) -> tuple[float, float, float]:
    """The number and both ends of its interval: asv's, or that of its samples' median; else the number itself."""
    value = cell.number if cell.number is not None else np.nan
    low, high = cell.interval or median_interval(cell.samples, INTERVAL) or (value, value)
    return value, min(low, value), max(high, value)


def _compare(then: Floats, now: Floats, limit: Limit) -> tuple[Bools, Floats]:
    """Of (3, c) numbers with their ends: which are worse beyond limit and intervals, and how far they are apart.

    The distance is of logarithms where both are positive, else of the numbers themselves.
    """
    old, new = limit.ends(*then), limit.ends(*now)
    beyond = (new[0] > limit.allowed(then[0])) & (new[1] > old[2])
    with np.errstate(divide="ignore", invalid="ignore"):
        sizes = np.abs(np.where((then[0] > 0) & (now[0] > 0), np.log(now[0] / then[0]), now[0] - then[0]))
    return beyond, sizes


@dataclass(frozen=True)
class _Unchanged:
    """Neighbours of one series without a step between them, compared as what is judged is."""

    beyond: Bools
    sizes: Floats

    @property
    def scatter(self) -> float:
        """The median difference; NaN where there are too few."""
        return float(np.median(self.sizes)) if len(self.sizes) >= FEWEST else math.nan


def _unchanged(pairs: Sequence[Pair], history: AsvTable) -> list[_Unchanged]:
    """Of each pair's series; empty of one that the history has not."""
    rows = {(one.name, one.version, one.texts): row for row, one in enumerate(history.series)}
    mine = [rows.get((pair.then.name, pair.then.version, pair.then.identity[1])) for pair in pairs]
    newest = [side[:, -MOST_COMMITS:] for side in (history.values, history.lows, history.highs)]
    ends = np.array([np.where(np.isfinite(side), side, newest[0]) for side in newest])
    known = sorted({row for row in mine if row is not None})
    stepped: dict[int, list[int]] = {}
    for step in scan(newest[0][known], 0.0).steps if known else ():
        stepped.setdefault(known[step.row], []).append(step.new)
    found = []
    nothing = _Unchanged(np.zeros(0, dtype=bool), np.empty(0))
    for pair, row in zip(pairs, mine, strict=True):
        if row is None:
            found.append(nothing)
            continue
        at = np.flatnonzero(np.isfinite(newest[0][row]))
        quiet = ~np.isin(at[1:], stepped.get(row, []))
        found.append(_Unchanged(*_compare(ends[:, row, at[:-1][quiet]], ends[:, row, at[1:][quiet]], pair.limit)))
    return found
