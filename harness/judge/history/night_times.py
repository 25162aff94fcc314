"""A case's nights as they are kept for a judgement, and which times of the newest one have changed.

A time of tonight alone is called changed where all of this holds of `level`, the nights since anything but the commit
changed, FEWEST_NIGHTS at least:

- the interval of tonight's median is, as a ratio to the level's median, beyond LEAST, beyond SCATTERS standard
  deviations of how the nights of all cases scatter, and beyond what any night of the level was;
- it is beyond the first two of the last night too, whose change has been told;
- all this by more than the other cases have shifted tonight in the median: where all become slower at once, the machine
  may have. Where that lasts for a second night it is told (`lasting`).

With fewer nights it is the rule of two runs. Wall times count: a sleep and a lock are part of a call.

Measured (`python -m tools.change_points NOISE --nights`) on the launches of unchanged code of results/change_points,
recorded on a machine that other people used, a launch for a night:

=====  ======  ==========================  ======================================
cases  nights  unchanged, called changed   doubled, called slower
=====  ======  ==========================  ======================================
1      8, 20   4.3, 1.6 %                  90, 82 %
2      4, 20   2.0, 0.5 %                  48, 21 %
4      4, 20   0.1, 0.0 %                  45, 12 %
=====  ======  ==========================  ======================================

(of medians that scatter by 5 to 22 % from launch to launch; what is missed the history finds some nights later).
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import NamedTuple

from harness.judge.history.changes import DECIDED
from harness.judge.history.history import Moved, moved
from harness.judge.history.series import History, Point
from harness.judge.medians import measurable, median_interval
from harness.judge.verdict import Verdict
from harness.judge.versions.two_runs import CONFIDENCE, FEWEST, LEAST, SCATTERS, TimeChange, compare_runs
from harness.records.record import Record

MAD_AS_SD = 1 / 0.6744897501960817
"""A median absolute deviation as a standard deviation of the normal distribution: 1 over its upper quartile."""
FEWEST_NIGHTS = 4
"""Of a level; of fewer the largest of their own deviations says little."""


@dataclass(frozen=True)
class CaseNights:
    """One case: tonight's record and point, those of the last night before that has it, and its histories.

    `level`: the medians, in seconds of a call, of the nights since anything but the commit changed, the last night's
    among them, oldest first; `now`, `then`: the histories with and without tonight, by quantity; `untested`: commits
    between both nights that were not measured, None where git cannot say.
    """

    record: Record
    point: Point
    before: Record | None = None
    before_point: Point | None = None
    level: tuple[float, ...] = ()
    now: Mapping[str, History] = field(default_factory=dict)
    then: Mapping[str, History] = field(default_factory=dict)
    untested: int | None = None

    @property
    def of_other_machine(self) -> bool:
        """Whether the hardware is another one than on the last night."""
        return self.before_point is not None and moved(self.before_point, self.point).machine


@dataclass(frozen=True)
class Change:
    """One thing of one case that is not as it was on the night `since`.

    before, now: as people read them, of a time its seconds. ratio, low, high: of a time, now over before; None of all
    else. `untested`: as in CaseNights.
    """

    record: Record
    quantity: str
    verdict: Verdict
    since: Point
    at: Point
    before: str | float = ""
    now: str | float = ""
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    untested: int | None = None

    @property
    def moved(self) -> Moved:
        """What else changed between both nights, as far as it has to do with the case."""
        return moved(self.since, self.at)


def change_of(
    one: CaseNights, quantity: str, verdict: Verdict, before: str | float, now: str | float, **more: float | None
) -> Change:
    """Of a case that both nights have."""
    assert one.before_point is not None  # noqa: S101  # as it says
    return Change(
        one.record, quantity, verdict, one.before_point, one.point, before, now, untested=one.untested, **more
    )


def times_of(cases: Sequence[CaseNights]) -> Iterator[Change]:
    """Times that are beyond what the nights before differ by, or, of few nights, beyond what two runs differ by."""
    timed = [one for one in cases if _comparable(one)]
    compared = compare_runs([one.record for one in timed], [one.before for one in timed if one.before])
    of_two: Mapping[str, TimeChange] = {found.record.case: found for found in compared.times}
    beyond = beyond_level([one for one in timed if len(one.level) >= FEWEST_NIGHTS])
    for one in timed:
        if len(one.level) >= FEWEST_NIGHTS:
            found = beyond.get(one.record.case)
        else:
            pair = of_two.get(one.record.case)
            found = None if pair is None else Ratio(pair.verdict, pair.before.call_s, pair.ratio, pair.low, pair.high)
        if found is not None and found.verdict in DECIDED:
            yield _time_change(one, found)


def _comparable(one: CaseNights) -> bool:
    """Whether it has a time, and the same hardware as on the last night."""
    record, samples = one.record, one.record.samples
    timed = not record.failed and record.call_s is not None and measurable(samples.wall_s or samples.cpu_s)
    return timed and not one.of_other_machine


def _time_change(one: CaseNights, found: "Ratio") -> Change:
    ends = (found.before_s or math.nan, one.record.call_s or math.nan)
    return change_of(one, "time", found.verdict, *ends, ratio=found.ratio, low=found.low, high=found.high)


class Ratio(NamedTuple):
    """A time over what it was, with its interval."""

    verdict: Verdict
    before_s: float | None
    ratio: float
    low: float
    high: float


@dataclass(frozen=True)
class _Levels:
    """Of each case the level's median, in seconds, and the largest of its own nights' distances from that.

    Distances are logarithms of ratios. `usual`: what distances are without a change, of all cases together.
    """

    medians: Mapping[str, float]
    farthest: Mapping[str, float]
    usual: float


def _levels(nights: Mapping[str, Sequence[float]]) -> _Levels | None:
    """The levels of these nights, by case; None where they are too few to say how nights scatter."""
    medians = {case: median(values) for case, values in nights.items()}
    away = {case: [abs(math.log(value / medians[case])) for value in values] for case, values in nights.items()}
    every = [value for found in away.values() for value in found]
    if len(every) < FEWEST:
        return None
    usual = max(math.log1p(LEAST), SCATTERS * median(every) * MAD_AS_SD)
    return _Levels(medians, {case: max(found) for case, found in away.items()}, usual)


def beyond_level(cases: Sequence[CaseNights]) -> dict[str, Ratio]:
    """The cases whose time is tonight beyond all that their levels were, by case."""
    levels = _levels({one.record.case: one.level for one in cases})
    if levels is None:
        return {}
    over = {one.record.case: _over(one, levels.medians[one.record.case]) for one in cases}
    found = {}
    for one in cases:
        case = one.record.case
        others = [ratio for name, (ratio, _, _) in over.items() if name != case]
        shift = abs(median(others)) if others else 0.0
        ratio, low, high = over[case]
        last = math.log(one.level[-1] / levels.medians[case])
        margin = shift + max(levels.usual, levels.farthest[case])
        if low > max(margin, last + shift + levels.usual):
            found[case] = _found(Verdict.REGRESSION, levels.medians[case], ratio, low, high)
        elif high < min(-margin, last - shift - levels.usual):
            found[case] = _found(Verdict.IMPROVEMENT, levels.medians[case], ratio, low, high)
    return found


def lasting(cases: Sequence[CaseNights]) -> Iterator[Change]:
    """Times that were on the last night already further off than any before, by what is usual, and are tonight too."""
    known = [one for one in cases if len(one.level) > FEWEST_NIGHTS and _comparable(one)]
    levels = _levels({one.record.case: one.level[:-1] for one in known})
    for one in known if levels else ():
        assert levels is not None  # noqa: S101  # as it says
        level = levels.medians[one.record.case]
        margin = levels.usual + levels.farthest[one.record.case]
        (ratio, low, high), last = _over(one, level), math.log(one.level[-1] / level)
        for verdict, sign, near in ((Verdict.REGRESSION, 1, low), (Verdict.IMPROVEMENT, -1, high)):
            if sign * last > margin and sign * near > margin:
                yield _time_change(one, _found(verdict, level, ratio, low, high))


def _over(one: CaseNights, level_s: float) -> tuple[float, float, float]:
    """Tonight's median over a level and the ends of its interval, as logarithms; infinite ends of too few samples."""
    per = one.record.epochs_per_call * level_s
    interval = median_interval(one.record.samples.wall_s, CONFIDENCE)
    low, high = (-math.inf, math.inf) if interval is None else (math.log(end / per) for end in interval)
    return math.log((one.record.call_s or math.nan) / level_s), low, high


def _found(verdict: Verdict, level_s: float, *logs: float) -> Ratio:
    return Ratio(verdict, level_s, *map(math.exp, logs))
