"""Launch after launch of two versions, until every cell is decided or the budget is spent.

Launches are the unit of replication: where libraries are mapped alone makes fresh processes differ by 3 %
(harness.ab.layout). Within a launch the versions take turns, cell by cell, every few milliseconds, so that drift of the
machine hits both.
"""

import math
import random
import statistics
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from harness.ab.building import Notify
from harness.ab.cells import CellSpec
from harness.ab.environments import Sides
from harness.ab.launch import Enough, Manner, Pair, Quietest, Start, WorkerGoneError, quietest_core
from harness.ab.process import Process
from harness.ab.progress import SIDES, Progress
from harness.ab.version import Version
from harness.errors import counted
from harness.records.ab import AbCell, Comparison, Condition, Launch, Side
from harness.timing.clock import Clock, SystemClock

MIN_LAUNCHES = 5
"""Before that many nobody is asked whether a cell is decided: harness.judge.versions.ab looks at five first."""

PLAINLY = 0.015
"""Half of the smallest effect of interest: where a launch's noise is 1 % (harness.ab.launch), one of 5 % is dropped in
about one of 3 000."""

UNTOUCHED = Condition(planted=1.0)

Decide = Callable[[Sequence[AbCell]], set[str]]


def nobody_decided(_cells: Sequence[AbCell]) -> set[str]:
    """Every cell goes on until the budget is spent."""
    return set()


@dataclass(frozen=True)
class Allowance:
    """`budget_s` of wall seconds for everything once the versions are built; `seed` of the orders of turns.

    `asked_from`: after so many launches it is asked which cells are decided. `turn_s`: seconds of a launch that a cell
    has, FEWEST_ROUNDS of rounds at least; None: as many as its noise wants.
    """

    budget_s: float = 60.0
    seed: int = 0
    asked_from: int = MIN_LAUNCHES
    turn_s: float | None = None


@dataclass
class Spent:
    """Seconds of the newest launch: `started_s` until both workers are prepared, `visited_s` with their cells."""

    launches: int = 0
    total_s: float = 0.0
    started_s: float = 0.0
    visited_s: float = 0.0
    longest_s: float = 0.0


class Measurement:
    """Two versions, the cells, and what has been measured of them."""

    def __init__(
        self,
        versions: tuple[Version, Version],
        specs: Sequence[CellSpec],
        *,
        manner: Manner | None = None,
        clock: Clock | None = None,
        start: Start = Process,
        notify: Notify = lambda _: None,
        quietest: Quietest = quietest_core,
    ) -> None:
        """`versions`: base and head. `start` starts a worker, `notify` hears of progress, `quietest` picks a core."""
        self._versions: Mapping[str, Version] = dict(zip(SIDES, versions, strict=True))
        self._progress = {spec.case: Progress(spec) for spec in specs}
        self._manner = manner or Manner()
        self._clock = clock or SystemClock()
        self._start = start
        self._notify = notify
        self._quietest = quietest
        self.spent = Spent()
        self._ends_s = self._share_s = math.inf
        self._turn_s: float | None = None

    @property
    def cells(self) -> list[AbCell]:
        """Every cell as it is now, in the order asked for."""
        return [one.cell for one in self._progress.values()]

    def run(self, allowance: Allowance, decide: Decide = nobody_decided) -> list[AbCell]:
        """Launch until nobody is undecided or the next launch would not end within the budget.

        The first launch is begun wherever there is a budget at all, and ends with the accuracy of every cell, so that
        a verdict on that is never missing. Never raises for what a version does: that is its cells' status.
        """
        begun = self._clock.wall_s()
        order = random.Random(allowance.seed)  # noqa: S311  # an order of turns, not a secret
        decided: set[str] = set()
        self._ends_s = begun + allowance.budget_s
        self._share_s = allowance.budget_s / (MIN_LAUNCHES * max(1, len(self._progress)))
        self._turn_s = allowance.turn_s
        while self._another(allowance.budget_s, begun):
            going = [one for key, one in self._progress.items() if not (one.lost or one.left or key in decided)]
            if not going:
                break
            self._notify(
                f"launch {self.spent.launches + 1}: {len(going)} of {counted(len(self._progress), 'cell')} undecided"
            )
            self._launch(going, order)
            self.spent.total_s = self._clock.wall_s() - begun
            if self.spent.launches == 1:
                self._early_look(allowance.budget_s)
            if self.spent.launches >= allowance.asked_from:
                decided |= decide(self.cells)
        for one in self._progress.values():
            if one.spec.benchmark is not None and not (one.launches or one.measured or one.left):
                one.leave(f"not looked at: the budget of {allowance.budget_s:g} s was spent")
        return self.cells

    def _early_look(self, budget_s: float) -> None:
        """Where launches of all benchmarks do not fit into the budget, drop those that are plainly unchanged.

        What this look chose by is not counted for those that go on: else chance would have chosen them and be counted.
        """
        if self.spent.longest_s * MIN_LAUNCHES <= budget_s:
            return
        for one in self._progress.values():
            if one.spec.benchmark is None or not one.spec.benchmark.is_time or not one.launches:
                continue
            ratio = first_ratio(one.launches[0])
            if abs(math.log(ratio)) < math.log1p(PLAINLY):
                one.leave(f"dropped at the early look: x {ratio:.3f} in one launch; a larger --budget judges it")
            else:
                one.launches.clear()
        self.spent.longest_s *= sum(not one.left for one in self._progress.values()) / max(1, len(self._progress))

    def _until(self) -> Enough | None:
        """When the next benchmark has had its share; None once the budget is spent, but for the first of all."""
        now = self._clock.wall_s()
        if now > self._ends_s and any(one.seen for one in self._progress.values()):
            return None
        return lambda: self._clock.wall_s() - now > self._share_s

    def _turn(self) -> Enough:
        """When a case has had its turn in a launch."""
        begun = self._clock.wall_s()
        return lambda: self._turn_s is not None and self._clock.wall_s() - begun > self._turn_s

    def _another(self, budget_s: float, begun: float) -> bool:
        """Whether the longest launch so far, the first with its accuracy apart, still fits into the budget."""
        return budget_s - (self._clock.wall_s() - begun) > self.spent.longest_s

    def _launch(self, going: Sequence[Progress], order: random.Random) -> None:
        """One fresh process a version for all, and one more for each whose memory is its own."""
        begun = self._clock.wall_s()
        alone = [one for one in going if one.spec.benchmark is not None and one.spec.benchmark.is_fresh]
        shared = [one for one in going if one not in alone]
        for group in [shared, *([one] for one in alone)]:
            if group and (group is shared or self._clock.wall_s() <= self._ends_s):
                self._pair(group, order)
        self.spent.launches += 1
        self.spent.longest_s = max(self.spent.longest_s, self._clock.wall_s() - begun if alone else 0.0)

    def _pair(self, going: Sequence[Progress], order: random.Random) -> None:
        begun = self._clock.wall_s()
        for one in going:
            one.launches.append(Launch())
        pair = Pair(self._versions, self._manner, order, self._start)
        try:
            with suppress(WorkerGoneError):
                self._visit(pair, going, begun)
                if self.spent.launches == 0 and any(one.spec.benchmark is None for one in going):
                    self._notify("accuracy of both versions")
                    pair.accuracy(going)
        finally:
            pair.stop()
            for one in going:
                if not one.launches[-1].base.wall_s:
                    one.launches.pop()

    def _visit(self, pair: Pair, going: Sequence[Progress], begun: float) -> None:
        """Prepare and time the cells; what that takes is noted, however it ends."""
        prepared = None
        try:
            pair.prepare(going)
            prepared = self._clock.wall_s()
            pair.settle(going, self._quietest)
            pair.visit(going, self._until, self._turn)
        finally:
            ended = self._clock.wall_s()
            self.spent.started_s = (prepared or ended) - begun
            self.spent.visited_s = ended - (prepared or ended)
            self.spent.longest_s = max(self.spent.longest_s, ended - begun)


def first_ratio(launch: Launch) -> float:
    """The median over rounds of head / base by the wall; infinite where a time is zero."""
    pairs = zip(launch.base.wall_s, launch.head.wall_s, strict=True)
    return statistics.median(head / base if base > 0 and head > 0 else math.inf for base, head in pairs)


@dataclass(frozen=True)
class Task:
    """What is to be measured: both sides and what they run on, which cells, for how long and how."""

    sides: Sides
    described: tuple[Side, Side]
    specs: Sequence[CellSpec]
    allowance: Allowance
    manner: Manner


def measured(
    task: Task, decide: Decide, notify: Notify, *, condition: Condition = UNTOUCHED, repeat: int = 0
) -> Comparison:
    """Both sides measured, as it is kept. `condition`: of a calibration, whose slowdown is planted in every cell."""
    manner = task.manner
    if condition.planted != 1.0:
        manner = replace(manner, slow={spec.case: condition.planted for spec in task.specs})
    measurement = Measurement((task.sides.base, task.sides.head), task.specs, manner=manner, notify=notify)
    cells = measurement.run(task.allowance, decide)
    spent = measurement.spent
    return Comparison(
        base=task.described[0],
        head=task.described[1],
        cells=tuple(cells),
        budget_s=task.allowance.budget_s,
        spent_s=spent.total_s,
        seed=task.allowance.seed,
        duet=manner.duet,
        fastest=manner.fastest,
        launches=spent.launches,
        started_s=spent.started_s,
        visited_s=spent.visited_s,
        planted=condition.planted,
        busy=condition.busy,
        repeat=repeat,
    )
