"""The ratio head / base of one cell's times, and what Student's t says of it.

A launch, a fresh process of each version, is one observation: the median over its rounds of log(head / base), both of
the same round. Measured (normal noise of 2 % a call, a tenth of the calls delayed by 30 % on average, a common drift of
5 % a round, ten rounds): the median of paired ratios has a standard deviation of 1.4 %, the ratio of medians 2.0 %, of
minima 2.4 %; without drift and delays the first two are equal.

The interval and the p-values are Student's t over launches, with the variance that `moderation` makes of all
cells'; of a few cells it is their own, as here. A hierarchical percentile bootstrap (launch, then round) was tried
beside it, and BCa, a studentised bootstrap, and Wilcoxon's signed ranks. How often a 99 % interval misses the
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
with fewer than eight. `python -m tools.ab_methods` makes these figures, and more settings.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from harness.errors import counted
from harness.judge.medians import Floats, measurable
from harness.judge.versions.moderation import moderated
from harness.records.ab import AbCell, Launch
from harness.solvers.status import Status

CPU, WALL = "CPU", "wall"
CONFIDENCE = 0.95
MIN_LAUNCHES = 4
"""Fewer have no verdict: at the level of one look (0.0029) three launches need a t of 19, four 9.0, five 6.5."""
SAME = 1e-12
"""Launches whose log ratios agree to this are no sample but a constant: far below what a clock resolves, and above
where scipy's t-test loses its digits (1e-14 for ratios that are not far from 1)."""

NORMAL_DEVIATION = float(stats.norm.ppf(0.75))
"""The median absolute deviation of a standard normal; scipy's function takes forty times as long for a few numbers."""

_NEVER_RAN = frozenset({Status.ERROR, Status.TIMEOUT, Status.OUT_OF_MEMORY, Status.CRASHED, Status.UNSUPPORTED})


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
    """CPU seconds on one thread, which other processes disturb less; wall with several, and on a device."""
    return CPU if cell.device == "cpu" and cell.threads == 1 else WALL


def speed(cell: AbCell, clock: str, effect: float) -> Speed:
    """Of all launches of a cell that have rounds of both versions. `effect`: the half width of the band, as 0.03."""
    return speeds([cell], [clock], effect)[0]


def speeds(cells: Sequence[AbCell], clocks: Sequence[str], effect: float) -> list[Speed]:
    """The same of several cells, each by its clock, which tell together how far launches scatter."""
    seen = [_log_ratios(cell, clock) for cell, clock in zip(cells, clocks, strict=True)]
    tested = [one for one in seen if isinstance(one, LogRatios)]
    variances, dof = moderated(
        np.array([one.logs.var(ddof=1) for one in tested]),
        np.array([one.within for one in tested]),
        np.array([len(one.logs) - 1.0 for one in tested]),
    )
    scatter = zip(variances.tolist(), dof.tolist(), strict=True)
    return [one.speed(*next(scatter), effect) if isinstance(one, LogRatios) else one for one in seen]


@dataclass(frozen=True)
class LogRatios:
    """A cell by one clock. `logs` (launches,): log ratios; `within`: a launch's variance by its rounds alone."""

    clock: str
    logs: Floats
    within: float
    base_s: float
    head_s: float

    def speed(self, variance: float, dof: float, effect: float) -> Speed:
        """With the variance that launches have, and its degrees of freedom."""
        low, high, test = student(self.logs, effect, variance, dof)
        ratio = math.exp(self.logs.mean())
        return Speed(self.clock, len(self.logs), self.base_s, self.head_s, ratio, math.exp(low), math.exp(high), test)


def _log_ratios(cell: AbCell, clock: str) -> LogRatios | Speed:
    """What there is of a cell; a Speed without a test where it is too little."""
    launches = [pairs for launch in cell.launches if len(pairs := _pairs(launch, clock))]
    if not launches:
        return Speed(clock, why_not="no launch has times of both versions")
    if not all(measurable(pairs) for pairs in launches):
        why = f"{clock} times that are zero or not finite, or that no clock can have measured"
        return Speed(clock, len(launches), why_not=why)
    rounds = [np.log(pairs[:, 1] / pairs[:, 0]) for pairs in launches]
    logs = np.array([np.median(one) for one in rounds])
    base, head = (statistics.median(float(np.median(pairs[:, side])) for pairs in launches) for side in (0, 1))
    if len(logs) < MIN_LAUNCHES:
        why = f"{counted(len(logs), 'launch', 'launches')}: a verdict needs {MIN_LAUNCHES}"
        return Speed(clock, len(logs), base, head, math.exp(logs.mean()), why_not=why)
    within = float(np.mean([_variance_of_median(one) for one in rounds]))
    return LogRatios(clock, logs, within, base, head)


def _variance_of_median(rounds: Floats) -> float:
    """Of normal observations (Kendall and Stuart, volume 1, 10.11), their spread by the median absolute deviation."""
    spread = float(np.median(np.abs(rounds - np.median(rounds)))) / NORMAL_DEVIATION
    return math.pi / 2 * spread**2 / len(rounds)


def student(
    logs: Floats, effect: float, variance: float | None = None, dof: float | None = None
) -> tuple[float, float, PValues]:
    """The 95 % interval of the mean log ratio (low, high), and both tests; `logs` (launches,) float64.

    `variance` of a launch with `dof` degrees of freedom: the logs' own unless given.
    `same`: two one-sided tests (Schuirmann, J. Pharmacokinet. Biopharm. 15, 1987) against ± log(1 + effect).
    """
    band, mean = math.log1p(effect), float(logs.mean())
    if np.ptp(logs) < SAME:
        return mean, mean, PValues(float(abs(mean) < SAME), float(abs(mean) >= band))
    own = float(logs.var(ddof=1)) if variance is None else variance
    # Making a frozen distribution takes longer than asking it.
    of = (dof or len(logs) - 1, mean, math.sqrt(own / len(logs)))
    low, high = stats.t.interval(CONFIDENCE, *of)
    change = 2 * min(float(stats.t.cdf(0.0, *of)), float(stats.t.sf(0.0, *of)))
    same = max(float(stats.t.cdf(-band, *of)), float(stats.t.sf(band, *of)))
    return float(low), float(high), PValues(change, same)


def _pairs(launch: Launch, clock: str) -> Floats:
    """(rounds, 2): seconds of base and head in the rounds that have both."""
    which = "cpu" if clock == CPU else "wall"
    paired = zip(launch.base.by(which), launch.head.by(which), strict=False)
    return np.array(list(paired), dtype=np.float64).reshape(-1, 2)
