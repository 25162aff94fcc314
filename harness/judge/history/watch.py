"""What happened in a whole store of asv's: its steps by the commit at which they are, the worst commits first."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from harness.judge.gate.rules import Rule, limit_of
from harness.judge.grouped import grouped
from harness.judge.history.scan import Found, Scan, scan
from harness.judge.verdict import Verdict
from harness.records.asv_history import AsvSeries, AsvTable

SMALLEST = math.log1p(0.03)
"""The step of a positive number that counts, as of one case's times (harness.judge.history.series)."""
MACHINE_SHARE = 0.5
"""Of an environment's searched series: where more have a step at one commit, it is hardly the commit's doing."""


@dataclass(frozen=True)
class SeriesStep:
    """A step of one series. `verdict` UNDECIDED: nobody knows which side is better."""

    series: AsvSeries
    found: Found
    verdict: Verdict
    is_time: bool = False

    @property
    def times(self) -> float | None:
        """By how many times the level went up or down, 1 or more; None where levels are not positive."""
        return math.exp(abs(self.found.change)) if self.found.relative else None

    @property
    def weight(self) -> float:
        """For an order: the logarithm of `times`; without one, that of 2."""
        return abs(self.found.change) if self.found.relative else math.log(2.0)


@dataclass(frozen=True)
class CommitSteps:
    """All steps whose new level begins at one commit: `old` is the last commit that was measured before it.

    `searched`: series of their environments that were searched and have numbers at both. `steps`: the largest first.
    """

    old: str
    commit: str
    date_ms: int
    steps: tuple[SeriesStep, ...]
    searched: int

    def of(self, verdict: Verdict) -> tuple[SeriesStep, ...]:
        """Those with a verdict."""
        return tuple(step for step in self.steps if step.verdict is verdict)

    @property
    def machine_wide(self) -> bool:
        """Whether so many series have a step that the machine or its environment is more likely than the commit."""
        return len(self.steps) > MACHINE_SHARE * self.searched

    @property
    def date(self) -> str:
        """Of the commit, as people write it."""
        return date_of(self.date_ms)


@dataclass(frozen=True)
class Watch:
    """A store's steps. `commits`: those that have results; `problems`: a line for what could not be read."""

    table: AsvTable
    scan: Scan
    groups: tuple[CommitSteps, ...]
    problems: tuple[str, ...] = ()


def date_of(date_ms: int) -> str:
    """Of Unix milliseconds, as people write it."""
    return f"{datetime.fromtimestamp(date_ms / 1000, UTC):%Y-%m-%d}"


def watch(table: AsvTable, rules: Sequence[Rule], effect: float | None = None, problems: Sequence[str] = ()) -> Watch:
    """Search every series of a store; `effect`, 0.03 by default, is the smallest step of a positive number."""
    found = scan(table.values, SMALLEST if effect is None else math.log1p(effect))
    steps = [_judged(table.series[one.row], one, rules) for one in found.steps]
    groups = [_group(table, own) for own in grouped(steps, lambda step: step.found.new).values()]
    return Watch(table, found, tuple(sorted(groups, key=_rank)), tuple(problems))


def _judged(series: AsvSeries, found: Found, rules: Sequence[Rule]) -> SeriesStep:
    limit = limit_of(series.full_name, series.name, series.unit, series.direction, rules)
    if limit is None or not limit.direction:
        return SeriesStep(series, found, Verdict.UNDECIDED)
    worse = bool(limit.badness(found.after) > limit.badness(found.before))
    return SeriesStep(series, found, Verdict.REGRESSION if worse else Verdict.IMPROVEMENT, limit.is_time)


def _group(table: AsvTable, steps: Sequence[SeriesStep]) -> CommitSteps:
    new, old = steps[0].found.new, max(step.found.old for step in steps)
    where = {(step.series.machine, step.series.environment) for step in steps}
    numbers = table.values[:, [old, new]]
    both = numbers[:, 0] * numbers[:, 1]
    searched = sum(
        math.isfinite(one) and (series.machine, series.environment) in where
        for one, series in zip(both, table.series, strict=True)
    )
    ordered = tuple(sorted(steps, key=lambda step: -step.weight))
    return CommitSteps(table.commits[old], table.commits[new], table.dates_ms[new], ordered, searched)


def _rank(group: CommitSteps) -> tuple[float, ...]:
    weights = [-sum(step.weight for step in group.of(verdict)) for verdict in (Verdict.REGRESSION, Verdict.IMPROVEMENT)]
    return (*weights, -sum(step.weight for step in group.steps))
