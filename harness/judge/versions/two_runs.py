"""One run beside an earlier one: what has changed for certain, from what both kept, and what remains undecided.

Two runs are two processes, one after the other. Fresh processes of the same code differ by 2 to 4 % on a quiet machine
and by far more on a busy one, the same way for all of a process's calls, so that no number of calls tells it from a
slower program. Times are therefore called different only where all of this holds:

- the ratio's interval from the kept samples lies beyond the margin, by the wall clock and by the CPU's: of each median
  the distribution-free interval of its order statistics (David and Nagaraja, Order Statistics, 2003, 7.1) at 97.5 %,
  so that both together hold at 95 % (Bonferroni);
- the margin is how far all cases of the two runs have shifted together, and SCATTERS standard deviations of how they
  scatter around that, told by the median absolute deviation; LEAST at least.

A change that all cases share is thus undecided, as it must be: the machine may have been slower. On the launches of
unchanged code that results/change_points recorded on a busy machine (pairs of 12 cases, 3000 drawn), the intervals
and a margin of 4 % alone call 14 to 39 % of cases changed; this rule 0.3 %, and any case of 1.8 % of pairs of runs.
`harness ab` alternates the two versions, and decides.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from scipy import stats

from harness.judge.history.series import QUANTITIES, Quantity
from harness.judge.medians import measurable, median_interval
from harness.judge.verdict import Verdict
from harness.records.content import case_of_content, contents
from harness.records.record import Record

LEAST = 0.04
"""Of a change, as a fraction: what launches of one commit differ by on a quiet machine."""
SCATTERS = 3.5
"""Standard deviations: Iglewicz and Hoaglin, How to Detect and Handle Outliers (1993), for scores by the MAD."""
FEWEST = 8
"""Cases that both runs timed; fewer say too little of how they scatter."""
CONFIDENCE = 0.975
"""Of each median's interval."""
ADVICE = "harness ab alternates both versions, and decides"


@dataclass(frozen=True)
class TimeChange:
    """One case's time in both runs: the ratio now / before of the median wall times with its interval."""

    record: Record
    before: Record
    ratio: float
    low: float
    high: float
    verdict: Verdict


@dataclass(frozen=True)
class AnswerChange:
    """One case's answer: `quantity` is status, digits or excess loss, as texts."""

    record: Record
    quantity: str
    before: str
    now: str
    verdict: Verdict


@dataclass(frozen=True)
class RunsCompared:
    """Times and answers of the cases that both runs have.

    shift: the median ratio of all cases; margin: the ratio beyond which one is called changed, None where too few
    cases were timed in both; absent: cases of the earlier run that this one lacks; compared: how many cases both have;
    other_data: those whose data changed in between, of which nothing is compared.
    """

    times: tuple[TimeChange, ...]
    answers: tuple[AnswerChange, ...]
    shift: float | None
    margin: float | None
    absent: tuple[str, ...]
    compared: int
    other_data: tuple[str, ...] = ()


def compare_runs(records: Sequence[Record], earlier: Sequence[Record]) -> RunsCompared:
    """What has changed between two runs' records, case by case."""
    content = contents([*records, *earlier])
    before = {record.case: record for record in earlier}
    alike = {case_of_content(record, content): record for record in earlier}
    found = ((one, before.get(one.case) or alike.get(case_of_content(one, content))) for one in records)
    shared = [(one, then) for one, then in found if then is not None]
    both = [(now, then) for now, then in shared if content(now) == content(then)]
    timed = [(now, then, ratio) for now, then in both if (ratio := _ratio(now, then)) is not None]
    logs = [math.log(ratio) for _, _, ratio in timed]
    shift = median(logs) if logs else None
    margin = None
    if shift is not None and len(logs) >= FEWEST:
        scatter = float(stats.median_abs_deviation(logs, scale="normal"))
        margin = math.exp(max(math.log1p(LEAST), abs(shift) + SCATTERS * scatter))
    here = {record.case for record in records} | {then.case for _, then in shared}
    return RunsCompared(
        times=tuple(_time_change(now, then, ratio, margin) for now, then, ratio in timed),
        answers=tuple(change for now, then in both for change in _answers(now, then)),
        shift=None if shift is None else math.exp(shift),
        margin=margin,
        absent=tuple(case for case in before if case not in here),
        compared=len(both),
        other_data=tuple(now.case for now, then in shared if content(now) != content(then)),
    )


def _ratio(now: Record, then: Record) -> float | None:
    """Of the median times; None where either has none, or ended wrong: then it is no time of the same work.

    Nor of two machines of a cluster: which one is faster is no change of the work.
    """
    if now.failed or then.failed or now.call_s is None or then.call_s is None or now.machine != then.machine:
        return None
    usable = all(measurable(record.samples.wall_s or record.samples.cpu_s) for record in (now, then))
    return now.call_s / then.call_s if usable else None


def _time_change(now: Record, then: Record, ratio: float, margin: float | None) -> TimeChange:
    per = then.epochs_per_call / now.epochs_per_call
    low, high = (per * one for one in _interval(now.samples.wall_s, then.samples.wall_s))
    cpu_low, cpu_high = (per * one for one in _interval(now.samples.cpu_s, then.samples.cpu_s))
    verdict = Verdict.UNDECIDED
    if margin is not None and min(low, cpu_low) > margin:
        verdict = Verdict.REGRESSION
    elif margin is not None and max(high, cpu_high) < 1 / margin:
        verdict = Verdict.IMPROVEMENT
    return TimeChange(now, then, ratio, low, high, verdict)


def _interval(now: Sequence[float], then: Sequence[float]) -> tuple[float, float]:
    """Of the ratio of medians; from 0 to infinity where there are too few samples, or one that is no time."""
    mine, theirs = median_interval(now, CONFIDENCE), median_interval(then, CONFIDENCE)
    if mine is None or theirs is None or not measurable((*now, *then)):
        return 0.0, math.inf
    return mine[0] / theirs[1], mine[1] / theirs[0]


def _answers(now: Record, then: Record) -> Iterator[AnswerChange]:
    """The status if it is another; else digits and excess loss that moved by what `harness history` calls a step.

    A number that the one run has and the other has not, or has as NaN, is such a step too.
    """
    if now.status is not then.status:
        worse = (now.failed and not then.failed) or (then.measured and not now.measured)
        better = now.measured and not then.measured
        verdict = Verdict.REGRESSION if worse else Verdict.IMPROVEMENT if better else Verdict.UNDECIDED
        yield AnswerChange(now, "status", then.status.value, now.status.value, verdict)
        return
    yield from _moved(now, QUANTITIES["digits"], (then.accuracy.digits, now.accuracy.digits), ".1f")
    if now.optimizer:
        both = then.accuracy.excess_loss, now.accuracy.excess_loss
        yield from _moved(now, QUANTITIES["excess_loss"], both, ".1e")


def _moved(
    record: Record, quantity: Quantity, values: tuple[float | None, float | None], form: str
) -> Iterator[AnswerChange]:
    """A number that moved by a step or more, was lost or came back; nothing where neither run has one."""
    then, now = (value if value is not None and math.isfinite(value) else None for value in values)
    if then is not None and now is not None:
        change = quantity.scaled(now) - quantity.scaled(then)
        moved, worse = abs(change) >= quantity.effect, (change > 0) == quantity.lower_is_better
    else:
        moved, worse = (then is None) is not (now is None), now is None
    if moved:
        before, after = ("none" if value is None else format(value, form) for value in values)
        verdict = Verdict.REGRESSION if worse else Verdict.IMPROVEMENT
        yield AnswerChange(record, quantity.name.replace("_", " "), before, after, verdict)
