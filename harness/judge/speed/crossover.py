"""Where CUDA becomes faster: both devices' times over n as a line each, and where the lines cross.

t(n) = a + b n: what a fit costs however few the rows (on CUDA the launches), and what each row costs. The
crossover is n* = (a_cuda - a_cpu) / (b_cpu - b_cuda). Both lines are fitted by non-negative least squares on
relative errors, so that the small sizes, which decide about a, count as much as the large ones. The interval is
of the calls' noise: what differs from run to run, or that a law is no line, is not in it.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial

import numpy as np
from numpy.typing import NDArray

from harness.judge.medians import CONFIDENCE, Floats, order_statistic

POOREST_FIT = 0.3
"""A line that misses a median by more than 30 % is not the law of these times. Where a + b n is the law it misses by
the medians' noise (8 % from process to process: timing.sampling). Where launches are hidden wholly behind the work,
t = max(a, b n), the nearest line over all n is 2/3 (a + b n): it misses by a third, at the knee and far from it."""
FEWEST_SIZES = 3
"""Two points have a line that fits exactly, and so nothing that says whether a line is right."""
RESAMPLES = 999
FEWEST_CALLS = 2
"""scipy.stats.bootstrap wants two observations of everything."""


class Order(StrEnum):
    """Which device is faster at the measured sizes."""

    ALWAYS = "always"  # CUDA, at every one
    NEVER = "never"  # CUDA, at none
    FROM = "from"  # CUDA, from some size on
    UP_TO = "up_to"  # CUDA, up to some size
    MIXED = "mixed"  # changes more than once


@dataclass(frozen=True)
class Point:
    """Raw samples, seconds of a whole fit, at one n: `cpu_s` (k,) and `cuda_s` (m,), finite and positive."""

    n: int
    cpu_s: Floats
    cuda_s: Floats


@dataclass(frozen=True)
class Line:
    """t(n) = `fixed_s` + `row_s` n; `worst`: the largest relative residual of a size."""

    fixed_s: float
    row_s: float
    worst: float


@dataclass(frozen=True)
class Crossover:
    """What is known of n*.

    `order`: as measured. `n`: the crossover, in rows, or None; `low` and `high`: its 95 % interval, None where
    that side has no end (or there is no n). `method`: `fit`, `interpolation` or empty; `extrapolated`: n lies
    outside the measured sizes. `reason`: why there is no fit or no n, empty if there is nothing to say.
    """

    sizes: tuple[int, ...]
    order: Order
    n: float | None = None
    low: float | None = None
    high: float | None = None
    method: str = ""
    extrapolated: bool = False
    cpu: Line | None = None
    cuda: Line | None = None
    reason: str = ""

    @property
    def rising(self) -> bool:
        """Whether CUDA is the faster device above n*, not below it."""
        if self.order in (Order.FROM, Order.UP_TO) or self.cpu is None or self.cuda is None:
            return self.order is Order.FROM
        return self.cuda.row_s < self.cpu.row_s


EstimatedSize = Callable[[Floats, Floats], float]
"""From medians (k,) of the CPU and of CUDA to n*; 0: all sizes are above it, infinite: none, NaN: the roles changed."""


def crossover(points: Sequence[Point]) -> Crossover:
    """The crossover of at least one point, sizes all different: by fit, else by interpolation, else not at all."""
    points = sorted(points, key=lambda point: point.n)
    n = np.array([point.n for point in points], dtype=np.float64)
    cpu_s = np.array([np.median(point.cpu_s) for point in points])
    cuda_s = np.array([np.median(point.cuda_s) for point in points])
    sizes, order = tuple(point.n for point in points), _order(cuda_s < cpu_s)
    if len(points) < FEWEST_SIZES:
        return Crossover(sizes, order, reason=f"no fit: it needs {FEWEST_SIZES} sizes, {len(sizes)} measured")
    cpu, cuda = fit_line(n, cpu_s), fit_line(n, cuda_s)
    found = Crossover(sizes, order, cpu=cpu, cuda=cuda)
    reason = _unfit(n, found)
    if reason:
        return _interpolated(points, replace(found, reason=reason), n, cpu_s, cuda_s)
    rising = cuda.row_s < cpu.row_s
    at = _fitted(cpu_s, cuda_s, n=n, rising=rising)
    if not 0 < at < math.inf:
        return replace(found, reason="the fitted lines do not cross")
    outside = not n[0] <= at <= n[-1]
    return _with_interval(
        points, replace(found, n=at, method="fit", extrapolated=outside), partial(_fitted, n=n, rising=rising)
    )


def fit_line(n: Floats, times_s: Floats) -> Line:
    """The non-negative a and b that make the relative residuals of a + b n to `times_s` (k,) least in squares."""
    from scipy.optimize import nnls

    scale = n.max()  # columns of one size
    A = np.column_stack([1 / times_s, n / scale / times_s])
    (fixed, row), _ = nnls(A, np.ones(len(n)))
    return Line(float(fixed), float(row / scale), float(np.abs(A @ [fixed, row] - 1).max()))


def _order(faster: NDArray[np.bool_]) -> Order:
    """Of flags by ascending n: where CUDA is faster."""
    changes = np.count_nonzero(np.diff(faster))
    if changes > 1:
        return Order.MIXED
    if changes == 0:
        return Order.ALWAYS if faster[0] else Order.NEVER
    return Order.UP_TO if faster[0] else Order.FROM


def _unfit(n: Floats, found: Crossover) -> str:
    """Why the fitted lines say nothing about n*; empty if they do."""
    cpu, cuda = found.cpu, found.cuda
    assert cpu is not None  # noqa: S101  # fitted just before
    assert cuda is not None  # noqa: S101  # same
    worst, device = max((cpu.worst, "the CPU"), (cuda.worst, "the device"))
    if worst > POOREST_FIT:
        return f"poor fit: a + b n misses a time on {device} by {worst:.0%}, over {POOREST_FIT:.0%}"
    fitted = _order(cuda.fixed_s + cuda.row_s * n < cpu.fixed_s + cpu.row_s * n)
    agrees = fitted in (Order.FROM, Order.UP_TO) if found.order is Order.MIXED else fitted is found.order
    return "" if agrees else "no fit: the fitted lines order the devices otherwise than the medians do"


def _crossing(before: Line, after: Line) -> float:
    """From which n on `after` is the faster one: 0 for everywhere, infinite for nowhere, NaN for only up to some n."""
    fixed, row = after.fixed_s - before.fixed_s, before.row_s - after.row_s
    if row > 0:
        return max(fixed / row, 0.0)
    if row == 0:
        return math.inf if fixed >= 0 else 0.0
    return math.inf if fixed >= 0 else math.nan


def _fitted(cpu_s: Floats, cuda_s: Floats, *, n: Floats, rising: bool) -> float:
    """n* of the lines through medians (k,); `rising`: CUDA is the faster one above it."""
    cpu, cuda = fit_line(n, cpu_s), fit_line(n, cuda_s)
    return _crossing(cpu, cuda) if rising else _crossing(cuda, cpu)


def _between(cpu_s: Floats, cuda_s: Floats, *, n: Floats, first: int, rising: bool) -> float:
    """n* between the sizes `first` and the next: the ratio of medians is a power of n between them."""
    pair = slice(first, first + 2)
    lead = np.log(cuda_s[pair] / cpu_s[pair]) * (1 if rising else -1)  # falls through 0 at n*
    if lead[0] > 0 >= lead[1]:
        low, high = np.log(n[pair])
        return float(np.exp(low + (high - low) * lead[0] / (lead[0] - lead[1])))
    if (lead > 0).all():
        return math.inf
    return 0.0 if (lead <= 0).all() else math.nan


def _interpolated(points: Sequence[Point], found: Crossover, n: Floats, cpu_s: Floats, cuda_s: Floats) -> Crossover:
    """Without a fit: between the two sizes where the faster device changes, if it changes once."""
    if found.order not in (Order.FROM, Order.UP_TO):
        return found
    rising = found.order is Order.FROM
    first = int(np.flatnonzero(np.diff(cuda_s < cpu_s))[0])
    estimate = partial(_between, n=n, first=first, rising=rising)
    return _with_interval(points, replace(found, n=estimate(cpu_s, cuda_s), method="interpolation"), estimate)


def _with_interval(points: Sequence[Point], found: Crossover, estimate: EstimatedSize) -> Crossover:
    """The percentile interval of n* over resampled calls, each size and device by itself.

    A draw without a crossover is 0 or infinite, and a draw in which the devices' roles are exchanged counts
    against both ends; an end that is 0 or infinite is None.
    """
    samples = [*(point.cpu_s for point in points), *(point.cuda_s for point in points)]
    if min(map(len, samples)) < FEWEST_CALLS:
        return replace(found, reason=found.reason or f"no interval: fewer than {FEWEST_CALLS} calls at a size")
    half = len(points)

    def statistic(*drawn: Floats, axis: int) -> Floats:
        medians = np.stack([np.median(values, axis=axis) for values in drawn], axis=-1)
        return np.array([estimate(row[:half], row[half:]) for row in medians])

    draws = bootstrap_draws(samples, statistic)
    tail = (1 - CONFIDENCE) / 2
    # Order statistics: infinite draws cannot be interpolated.
    low = float(order_statistic(np.where(np.isnan(draws), 0.0, draws), tail))
    high = float(order_statistic(np.where(np.isnan(draws), math.inf, draws), 1 - tail))
    return replace(found, low=low or None, high=None if math.isinf(high) else high)


def bootstrap_draws(samples: Sequence[Floats], statistic: Callable[..., Floats]) -> Floats:
    """RESAMPLES values of `statistic(*samples, axis=)` over independently resampled samples; seeded.

    For percentile intervals: BCa's acceleration is a jackknife's, which fails for medians (Efron and Tibshirani
    1993, An Introduction to the Bootstrap, sec. 11.6).
    """
    from scipy.stats import bootstrap

    with np.errstate(invalid="ignore"):  # scipy's own interval interpolates between infinite draws
        found = bootstrap(
            tuple(samples),
            statistic,
            n_resamples=RESAMPLES,
            vectorized=True,
            method="percentile",
            random_state=np.random.default_rng(0),
        )
    return np.asarray(found.bootstrap_distribution)
