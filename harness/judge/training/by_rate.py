"""What the rate of the end alone would predict for a training by gradient descent, and why it takes other epochs.

The recurrences predict each seed's epochs (`predicted`). The constants of a quadratic, its optimal ones too, tell only
what an epoch leaves in the end: that is no number of epochs unless a start is generic and the end is reached.
"""

import cmath
import math
from dataclasses import dataclass

import numpy as np

from harness.judge.training.cell import CellSummary
from harness.judge.training.censored import median
from harness.judge.training.partings import part

NOT_YET = "the rate of the end is not reached yet"
NOT_GENERIC = "the start is not generic"
SLOW_START = "the first epochs take less than those of the end"
DIP = "the loss oscillates, and is at the target in a dip"
UNKNOWN = "why is not known"


@dataclass(frozen=True)
class ByRate:
    """A cell to a tolerance: median epochs `measured`, and those that `in_the_end` would take from the median start.

    What an epoch leaves of the excess loss: `in_the_end`, and `so_far` over the second half of the way. `lead`: the
    excess at the end of the way over what the rate of the end leaves of the first: below 1 the start has little
    of what is slow. `oscillates`: whether the recurrence does, along what is slowest.
    """

    tolerance: float
    measured: float
    epochs: float
    in_the_end: float
    so_far: float
    lead: float
    oscillates: bool

    @property
    def why(self) -> str:
        """Why measured and predicted epochs part; empty where they differ by a tenth or an epoch at most."""
        if not part(self.measured, self.epochs) or abs(self.measured - self.epochs) <= 1:
            return ""
        if part(-math.log(self.so_far), -math.log(self.in_the_end)):
            return NOT_YET
        if not part(self.measured, self.epochs + math.log(self.lead) / -math.log(self.in_the_end)):
            return NOT_GENERIC if self.lead < 1 else SLOW_START
        return DIP if self.oscillates else UNKNOWN


def roots(curvature: float, lr: float, momentum: float, *, nesterov: bool) -> tuple[complex, complex]:
    """Those of the recurrence along a direction: the larger magnitude is what an epoch leaves of the distance at last.

    Of torch's SGD without dampening, with a = lr times the curvature: the roots of z² - (1 + m - a) z + m, with
    Nesterov's momentum of z² - (1 + m) (1 - a) z + m (1 - a) (Lessard, Recht and Packard 2016, sec. 4).
    """
    left = 1 - lr * curvature
    middle, last = ((1 + momentum) * left, momentum * left) if nesterov else (left + momentum, momentum)
    root = cmath.sqrt(middle**2 - 4 * last)
    return (middle + root) / 2, (middle - root) / 2


def by_rate(summary: CellSummary, tolerance: float | None) -> ByRate | None:
    """None where no rate is known, the tolerance was not reached, or the rate of the end is no decline."""
    cell, measured, start = summary.cell, summary.epochs_to(tolerance), summary.start_gap
    if not cell.curvature or not cell.predicted or tolerance is None or start is None or math.isinf(measured):
        return None
    momentum, nesterov = float(str(cell.options.get("momentum") or 0.0)), bool(cell.options.get("nesterov"))
    # Between the ends of the spectrum the radius is never above both.
    each = [root for one in cell.curvature for root in roots(one, cell.lr, momentum, nesterov=nesterov)]
    slowest = max(each, key=abs)
    left = abs(slowest) ** 2
    way = [(at, _middle(row)) for at, row in zip(cell.at, cell.excess, strict=True) if at <= measured]
    half = [(at, gap) for at, gap in way if at >= measured / 2]
    (first, above), (last, below) = half[0] if half else way[0], way[-1]
    if not 0 < left < 1 or not start > tolerance or last <= first or not 0 < below < above:
        return None
    epochs = math.log(tolerance / start) / math.log(left)
    so_far = (below / above) ** (1 / (last - first))
    oscillates = slowest.imag != 0 or slowest.real < 0
    return ByRate(tolerance, measured, epochs, left, so_far, below / (start * left**last), oscillates)


def _middle(row: tuple[float, ...]) -> float:
    """The median over seeds that are still in training."""
    known = [gap for gap in row if not math.isnan(gap)]
    return median(np.array(known)) if known else math.nan
