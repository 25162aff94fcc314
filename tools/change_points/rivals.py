"""The change-point detectors that are compared, each with one threshold that says how much is enough.

Every `find` takes positive values (m,), the commits so far, and a threshold, and gives the entries before which it
sees a step. A higher threshold finds fewer. Libraries that are not installed are left out, with the reason.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

import numpy as np
from scipy import stats

from harness.judge.history.change_points import PENALTY, SHORTEST, segments
from harness.judge.medians import Floats

Find = Callable[[Floats, float], list[int]]


@dataclass(frozen=True)
class Rival:
    """One detector. `low`, `high`: between which its threshold is sought; `shipped`: its own default, None without."""

    name: str
    what: str
    find: Find
    low: float
    high: float
    shipped: float | None = None
    package: str = ""

    @property
    def version(self) -> str | None:
        """Of its package, `harness` for what is here; None where it is not installed."""
        if not self.package:
            return "harness"
        try:
            return version(self.package)
        except PackageNotFoundError:
            return None


def _kernel(values: Floats, threshold: float) -> list[int]:
    return segments(np.log(values), threshold)


def _ruptures(kernel: str) -> Find:
    def find(values: Floats, threshold: float) -> list[int]:
        from ruptures import KernelCPD

        if len(values) < 2 * SHORTEST:
            return []
        scaled = _scaled(values) if kernel == "linear" else np.log(values)
        return [
            int(cut) for cut in KernelCPD(kernel, min_size=SHORTEST).fit(scaled[:, None]).predict(pen=threshold)[:-1]
        ]

    return find


def _scaled(values: Floats) -> Floats:
    """Logarithms over their noise: the median absolute difference of neighbours, as a standard deviation."""
    logs = np.log(values)
    noise = float(stats.median_abs_deviation(np.diff(logs), scale="normal")) / math.sqrt(2)
    return np.asarray((logs - np.median(logs)) / (noise or 1.0))


def _otava(values: Floats, threshold: float) -> list[int]:
    """Its own window of 50; the largest p-value is 10 to minus the threshold."""
    from otava.analysis import compute_change_points

    return [int(point.index) for point in compute_change_points(values.tolist(), max_pvalue=10.0**-threshold)[0]]


def _asv(shortest: int) -> Find:
    """The detect_steps of asv with its penalty, 4 ln(m) / m, times the threshold, which it does not let one choose."""

    def find(values: Floats, threshold: float) -> list[int]:
        from asv.step_detect import solve_potts_autogamma

        m = len(values)
        beta = threshold * 4 * math.log(m) / m
        ends, *_ = solve_potts_autogamma(values.tolist(), w=[1] * m, beta=beta, min_size=shortest)
        return [int(end) for end in ends[:-1]]

    return find


def _rank_scan(values: Floats, threshold: float) -> list[int]:
    """Mann and Whitney's statistic at the place where it is largest, standardised; then on either side of it.

    The change-point model of Hawkins and Deng (Journal of Quality Technology 42, 2010), here in binary segmentation.
    """
    m = len(values)
    if m < 2 * SHORTEST:
        return []
    left = np.arange(SHORTEST, m - SHORTEST + 1)
    above = np.cumsum(stats.rankdata(values))[left - 1] - left * (m + 1) / 2
    scores = np.abs(above) / np.sqrt(left * (m - left) * (m + 1) / 12)
    if scores.max() < threshold:
        return []
    cut = int(left[int(np.argmax(scores))])
    right = [cut + one for one in _rank_scan(values[cut:], threshold)]
    return [*_rank_scan(values[:cut], threshold), cut, *right]


RIVALS: Sequence[Rival] = (
    Rival("kernel", "of harness history: kernel segmentation", _kernel, 0.5, 15.0, PENALTY),
    Rival("ruptures rbf", "KernelCPD, Gaussian kernel", _ruptures("rbf"), 0.5, 15.0, package="ruptures"),
    Rival(
        "ruptures l2", "KernelCPD, least squares over the noise", _ruptures("linear"), 3.0, 3000.0, package="ruptures"
    ),
    Rival("rank scan", "Mann-Whitney by scipy, largest over all splits", _rank_scan, 1.5, 8.0),
    Rival("Otava", "E-divisive, Student's t", _otava, 0.5, 20.0, 3.0, package="apache-otava"),
    Rival("asv", "detect_steps, its penalty scaled", _asv(1), 0.1, 20.0, 1.0, package="asv"),
    Rival("asv, two", "the same, no segment of one commit", _asv(2), 0.1, 20.0, None, package="asv"),
)
