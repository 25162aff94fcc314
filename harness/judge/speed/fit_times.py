"""Seconds of whole fits out of raw samples: medians with their intervals, and ratios of medians."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from harness.records.record import Record

Floats = NDArray[np.float64]

CONFIDENCE = 0.95
_SIZE = re.compile(r"(?<=[:,])n=[^,]*,?")


@dataclass(frozen=True)
class Estimate:
    """A median, or a ratio of two, with its 95 % interval; the ends are None with too few calls."""

    value: float
    low: float | None
    high: float | None
    calls: int

    def holds(self, value: float) -> bool:
        """Whether the interval does not exclude `value`; without an interval nothing is excluded."""
        return self.low is None or self.high is None or self.low <= value <= self.high


def fit_samples_s(record: Record) -> Floats:
    """Raw samples (k,) as seconds of a whole fit: of a training, its epochs times an epoch.

    Wall seconds; CPU seconds where only they were measured. Empty where `Record.fit_s` is None.
    """
    if record.fit_s is None:
        return np.zeros(0)
    samples = record.samples
    calls = np.array(samples.wall_s or samples.cpu_s, dtype=np.float64)
    epochs = record.options.get("epochs")
    return calls if record.unit == "fit" else calls * (int(str(epochs)) / record.epochs_per_call)


def without_n(record: Record) -> str:
    """The problem but for its number of rows, with p: what the sizes of one series share."""
    problem = _SIZE.sub("", record.problem).rstrip(",:")
    said = f"p={record.p}" in re.split("[:,]", problem)
    return problem if said else f"{problem} p={record.p}"


def estimate(samples: Sequence[float] | Floats) -> Estimate:
    """The median of at least one finite sample and its distribution-free interval, between two order statistics.

    The interval (David and Nagaraja 2003, Order Statistics, sec. 7.1) supposes only that calls are independent, and
    covers at least CONFIDENCE; it needs six calls. It is of the calls of this run: what differs from process
    to process is not in it.
    """
    ordered = np.sort(np.asarray(samples, dtype=np.float64))
    calls = len(ordered)
    median, below = float(np.median(ordered)), _outside(calls)
    if below is None:
        return Estimate(median, None, None, calls)
    return Estimate(median, float(ordered[below]), float(ordered[calls - 1 - below]), calls)


@cache
def _outside(calls: int) -> int | None:
    """How many samples may be left out on either side; None where even all of them do not cover it."""
    from scipy.stats import binom

    tail = (1 - CONFIDENCE) / 2
    below = int(binom.ppf(tail, calls, 0.5)) - 1 if calls else -1
    while below + 1 < calls / 2 and binom.cdf(below + 1, calls, 0.5) <= tail:
        below += 1
    return below if below >= 0 else None


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
