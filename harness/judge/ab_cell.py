"""The ratio head / base of one cell's times, and what Student's t says of it.

A launch, a fresh process of each version, is one observation: the median over its rounds of log(head / base), both of
the same round. Measured (normal noise of 2 % a call, a tenth of the calls delayed by 30 % on average, a common drift of
5 % a round, ten rounds): the median of paired ratios has a standard deviation of 1.4 %, the ratio of medians 2.0 %, of
minima 2.4 %; without drift and delays the first two are equal.

The interval and the p-values are Student's t over launches. A hierarchical percentile bootstrap (launch, then round)
was tried beside it, and BCa, a studentised bootstrap, and Wilcoxon's signed ranks. How often a 99 % interval misses the
truth, of 1000 cells with no effect (standard deviation of launches 2 %, of calls 1 %, twenty rounds):

========  ===========  ============  ======  ===========  ==========
launches  Student's t  hierarchical  BCa     studentised  Wilcoxon
========  ===========  ============  ======  ===========  ==========
4         1.6 %        11.3 %        15.3 %  1.0 %        0.0 %
6         0.9 %        6.6 %         9.0 %   1.2 %        0.0 %
8         0.9 %        4.4 %         5.8 %   0.9 %        0.6 %
12        1.0 %        4.0 %         4.8 %   1.8 %        1.2 %
========  ===========  ============  ======  ===========  ==========

Where most of the noise is within a launch (launches 0.5 %, calls 5 % and a tenth of them delayed, five rounds) the
hierarchical one errs the other way, since it counts the rounds' noise twice: it misses in 0.0 %, and with 12 launches
sees a slowdown of 5 % in 12 % of cells where t sees it in 66 %. The studentised one keeps its level and is blind with
few launches (4 in the table's noise: 10 % is seen in 17 % of cells, by t in 93 %), and Wilcoxon's test cannot reject
with fewer than eight. `python -m tests.ab_methods` makes these figures, and more settings.
"""

import math
import statistics
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from harness.records.ab import AbCell, Launch
from harness.solvers.status import Status

CPU, WALL = "CPU", "wall"
CONFIDENCE = 0.95
MIN_LAUNCHES = 4
"""Fewer have no verdict: at the level of one look (0.0029) three launches need a t of 19, four 9.0, five 6.5."""
SAME = 1e-12
"""Launches whose log ratios agree to this are no sample but a constant: far below what a clock resolves, and above
where scipy's t-test loses its digits (1e-14 for ratios that are not far from 1)."""

_NEVER_RAN = frozenset({Status.ERROR, Status.TIMEOUT, Status.OUT_OF_MEMORY, Status.CRASHED, Status.UNSUPPORTED})

Floats = NDArray[np.float64]


def ran(status: Status) -> bool:
    """Whether a version could run the cell at all; a wrong answer has a time too."""
    return status not in _NEVER_RAN


@dataclass(frozen=True)
class PValues:
    """Of log ratios over launches: `change` of no change, two-sided; `same` of a change of the effect or more."""

    change: float
    same: float


@dataclass(frozen=True)
class Speed:
    """head / base by one clock. Times are seconds of one call, the median of launches' medians.

    ratio: the geometric mean over launches; low, high: Student's 95 % interval of it. None without launches, or
    (low, high, test) with fewer than MIN_LAUNCHES. `why_not` says why there is no number.
    """

    clock: str
    launches: int = 0
    base_s: float | None = None
    head_s: float | None = None
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    test: PValues | None = None
    why_not: str = ""


def judged_clock(cell: AbCell) -> str:
    """CPU seconds on the CPU, which other processes disturb less; wall on a device, which the CPU waits for."""
    return CPU if cell.device == "cpu" else WALL


def speed(cell: AbCell, clock: str, effect: float) -> Speed:
    """Of all launches of a cell that have rounds of both versions. `effect`: the half width of the band, as 0.03."""
    launches = [pairs for launch in cell.launches if len(pairs := _pairs(launch, clock))]
    if not launches:
        return Speed(clock, why_not="no launch has times of both versions")
    if not all(np.all(np.isfinite(pairs) & (pairs > 0)) for pairs in launches):
        return Speed(clock, len(launches), why_not=f"{clock} times that are zero or not finite")
    logs = np.array([np.median(np.log(pairs[:, 1] / pairs[:, 0])) for pairs in launches])
    base, head = (statistics.median(float(np.median(pairs[:, side])) for pairs in launches) for side in (0, 1))
    if len(logs) < MIN_LAUNCHES:
        why = f"{len(logs)} launches: a verdict needs {MIN_LAUNCHES}"
        return Speed(clock, len(logs), base, head, math.exp(logs.mean()), why_not=why)
    low, high, test = student(logs, effect)
    return Speed(clock, len(logs), base, head, math.exp(logs.mean()), math.exp(low), math.exp(high), test)


def student(logs: Floats, effect: float) -> tuple[float, float, PValues]:
    """The 95 % interval of the mean log ratio (low, high), and both tests; `logs` (launches,) float64.

    `same`: two one-sided tests (Schuirmann, J. Pharmacokinet. Biopharm. 15, 1987) against ± log(1 + effect).
    """
    band = math.log1p(effect)
    if np.ptp(logs) < SAME:
        mean = float(logs.mean())
        return mean, mean, PValues(float(abs(mean) < SAME), float(abs(mean) >= band))
    found = stats.ttest_1samp(logs, 0.0)
    interval = found.confidence_interval(CONFIDENCE)
    above = stats.ttest_1samp(logs, -band, alternative="greater").pvalue
    below = stats.ttest_1samp(logs, band, alternative="less").pvalue
    return float(interval.low), float(interval.high), PValues(float(found.pvalue), float(max(above, below)))


def _pairs(launch: Launch, clock: str) -> Floats:
    """(rounds, 2): seconds of base and head in the rounds that have both."""
    base, head = (launch.base_cpu_s, launch.head_cpu_s) if clock == CPU else (launch.base_wall_s, launch.head_wall_s)
    return np.array(list(zip(base, head, strict=False)), dtype=np.float64).reshape(-1, 2)
