"""Whether one commit is good or bad, compared with one that is known to be good."""

import math

from harness.errors import unknown
from harness.judge.verdict import Verdict
from harness.judge.versions.ab_accuracy import judge_accuracy
from harness.judge.versions.ab_cell import judged_clock, ran, speed
from harness.judge.versions.ab_speed import judge_speeds
from harness.records.ab import AbCell
from harness.records.bisection import Mark, Marked

TIME = "time"
QUANTITIES = {TIME: "", "digits": "digits", "excess_loss": "excess loss", "status": "status"}
"""What can be bisected, and what `judge_accuracy` calls it."""


def known(quantity: str) -> str:
    """The quantity. Raises UsageError for one that cannot be bisected."""
    if quantity not in QUANTITIES:
        raise unknown("quantity", quantity, QUANTITIES)
    return quantity


def marked(cell: AbCell, quantity: str, effect: float) -> Marked:
    """Bad if the head is a regression of that quantity, good if it is unchanged or better, skipped if nobody knows.

    `effect`: of time, the smallest change of interest. A commit whose case does not run is bad of `status`, and
    skipped of everything else.
    """
    if cell.data_changed:
        return Marked(Mark.SKIPPED, "the data changed since the good commit: nothing is compared")
    if quantity == TIME:
        return _by_time(cell, effect)
    found = {one.quantity: one for one in judge_accuracy(cell)}
    one = found.get(QUANTITIES[quantity])
    if one is None:
        return Marked(Mark.SKIPPED, _broken(cell) or f"it has no {QUANTITIES[quantity]}")
    seen = f"{one.quantity} {one.measured}" + (f", {one.detail}" if one.detail else "")
    return Marked(_MARKS[one.verdict], seen)


def halfway(cell: AbCell, effect: float) -> float:
    """The effect that tells a slow commit from a quick one: the geometric middle of the whole change.

    At the smallest effect of interest itself every second commit on the near side of it would be called wrongly.
    """
    ratio = speed(cell, judged_clock(cell), effect).ratio
    return effect if ratio is None or ratio <= 1 else max(math.sqrt(ratio) - 1, effect / 2)


_MARKS = {
    Verdict.REGRESSION: Mark.BAD,
    Verdict.UNDECIDED: Mark.SKIPPED,
    Verdict.IMPROVEMENT: Mark.GOOD,
    Verdict.UNCHANGED: Mark.GOOD,
}


def _by_time(cell: AbCell, effect: float) -> Marked:
    broken = _broken(cell)
    if broken:
        return Marked(Mark.SKIPPED, broken)
    (found,) = judge_speeds([cell], effect)
    one = found.speed
    if one.ratio is None or one.low is None or one.high is None:
        return Marked(Mark.SKIPPED, one.why_not)
    seen = f"{one.clock} time x {one.ratio:.3f} [{one.low:.3f}, {one.high:.3f}]"
    return Marked(_MARKS[found.verdict], seen)


def _broken(cell: AbCell) -> str:
    """Which side could not run the case, and why; empty where both could."""
    lost = [
        f"{name}{one.status}: {one.message}"
        for name, one in (("the good commit is ", cell.base), ("", cell.head))
        if not ran(one.status)
    ]
    return "; ".join(lost)
