"""One launch: a fresh process of each version, every open cell prepared, then timed in turns, cell by cell."""

import random
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

import psutil

from harness.ab.cells import Benchmark
from harness.ab.layout import Layout, drawn
from harness.ab.process import Answer, Process, Worker
from harness.ab.progress import HEAD, SIDES, Progress, rounds
from harness.ab.version import Version
from harness.measure.isolation.ending import WorkerLostError
from harness.measure.isolation.transport import START_S
from harness.records.ab import Measured
from harness.solvers.status import Status, of_error

PREPARE_S = 120.0
"""Seconds that a worker has to prepare one cell, libraries imported: 4 s with torch on a busy machine."""
TURN_S = 120.0
"""Seconds that a worker has for one turn of single calls."""
PROBE_S = 0.15
"""Fifteen ticks of the kernel's idle counters, which count hundredths of a second."""
ACCURACY_S = 600.0
"""Seconds that a worker has to fit and verify one cell in full: the default ten thousand epochs of the MLP take 5 s."""
Start = Callable[[Version, Layout | None], Worker]
Quietest = Callable[[Sequence[int]], int]
Enough = Callable[[], bool]
Until = Callable[[], Enough | None]
FEWEST_ROUNDS = 3
"""Of a benchmark in a launch, however little time there is: one disturbed round leaves the median of three alone."""
EACH = [[side] for side in SIDES]
"""One side after the other."""


def quietest_core(cores: Sequence[int]) -> int:
    """The one of `cores` that idles most for 0.15 s; nothing of ours must run meanwhile."""
    if len(cores) == 1:
        return cores[0]
    before = psutil.cpu_times(percpu=True)
    time.sleep(PROBE_S)
    after = psutil.cpu_times(percpu=True)
    return max(cores, key=lambda core: after[core].idle - before[core].idle)


class WorkerGoneError(Exception):
    """A worker of the launch has ended, or cannot measure at all: its cells know, and the launch is over."""


@dataclass(frozen=True)
class Manner:
    """How a launch measures: `duet`, both versions at once on a core each; `cores` to choose from, none for anywhere.

    `fastest`: of a turn's calls the fastest counts, else their median. `slow`: the factor of a slowdown that is
    planted in the head's cells, by their keys.

    Measured (12 cells, quiet, up to 80 rounds a launch, 22 launches): by the median a launch's log ratio has a standard
    deviation of 1.0 % in the middle one of the cells and 3.9 % in the worst, by the fastest call 0.8 and 1.2 %. The
    median is what a person waits for, and is what the error rates of results/calibration are of.
    """

    duet: bool = False
    fastest: bool = False
    cores: tuple[int, ...] = ()
    slow: Mapping[str, float] = field(default_factory=dict)


class Pair:
    """The two workers of one launch."""

    def __init__(
        self, versions: Mapping[str, Version], manner: Manner, order: random.Random, start: Start = Process
    ) -> None:
        """Start both, in an order by chance, since the second finds another machine; neither is waited for."""
        self.manner = manner
        self._order = order
        self._ends = ExitStack()
        self.workers: dict[str, Worker] = {}
        layout = drawn(order)
        for side in order.sample(SIDES, len(SIDES)):
            self.workers[side] = start(versions[side], layout)
            self._ends.callback(self.workers[side].stop)

    def stop(self) -> None:
        """End both."""
        self._ends.close()

    def prepare(self, open_cells: Sequence[Progress]) -> None:
        """Greet both and let them prepare every cell, at the same time. Raises WorkerGoneError, as all below do."""
        cases = [one for one in open_cells if one.spec.benchmark is None]
        for side, worker in self.workers.items():
            for one in cases:
                slow = self.manner.slow.get(one.spec.case, 1.0) if side == HEAD else 1.0
                worker.order({"do": "prepare", **one.spec.order, "slow": slow})
        there = [self._greeted(side, cases) for side in SIDES]
        if not all(there):
            raise WorkerGoneError

    def settle(self, open_cells: Sequence[Progress], quietest: Quietest) -> None:
        """Both onto the quietest core, or in a duet onto one each, by chance.

        Only now: libraries are imported on all cores. Left to the scheduler, the versions of a launch may run on
        different cores, one of which is shared with somebody else.
        """
        cores = self.manner.cores
        if cores:
            chosen = self._order.sample(cores, len(SIDES)) if self.manner.duet else [quietest(cores)] * len(SIDES)
            for side, core in zip(SIDES, chosen, strict=True):
                self._onto(side, (core,), open_cells)

    def visit(self, open_cells: Sequence[Progress], until: Until, turn: Callable[[], Enough]) -> None:
        """Every cell, in shuffled order, all of its rounds at once.

        `until`: asked before each benchmark, which says when it has had its share of the time; None: no more of them.
        `turn`: the same of a case, which always has a turn.
        """
        for one in self._order.sample(open_cells, len(open_cells)):
            if one.lost:
                continue
            if one.spec.benchmark is None:
                self._rounds(one, TURN_S, turn())
            elif (enough := until()) is not None:
                self._benchmark(one, one.spec.benchmark, enough)
            else:
                return

    def _benchmark(self, one: Progress, what: Benchmark, enough: Enough) -> None:
        """Set one benchmark up in both versions, time it or ask for its value, tear it down.

        Only one at a time: what thousands of setups hold fits into no memory.
        """
        if what.is_suites:
            self._ask(one, {"do": "load", **one.spec.order}, [SIDES], PREPARE_S)
        if not one.lost:
            self._ask(one, {"do": "prepare", **one.spec.order}, [SIDES], what.timeout_s + what.cache_timeout_s)
        if not one.lost and what.is_time:
            self._rounds(one, what.timeout_s, enough)
        elif not one.lost:
            answers = self._ask(one, {"do": "value", "cell": one.spec.case}, EACH, what.timeout_s)
            for side in SIDES if not one.lost else ():
                one.found(side, float(answers[side]["value"]))
        self._ask(one, {"do": "release", "cell": one.spec.case}, [SIDES], what.timeout_s)

    def _rounds(self, one: Progress, turn_s: float, enough: Enough) -> None:
        """Turns of both versions, the order reversed from round to round: what drifts steadily cancels.

        The first round does not count: both fill the caches anew, which the cell before has emptied. Measured (12
        cells, quiet, ten rounds that each went through all cells): a launch's log ratio had a standard deviation of 2.5
        % in the middle one of the cells, of which launches by themselves were 1 %. The same time spent on a cell at
        once, the versions alternating every one to three milliseconds, leaves 0.3 to 1.4 %.
        """
        sides = self._order.sample(SIDES, len(SIDES))
        for number in range(rounds(one.launches[:-1], one.spec.device) + 1):
            turn = {"do": "time", "cell": one.spec.case, "calls": one.calls}
            answers = self._ask(one, turn, [sides] if self.manner.duet else [[side] for side in sides], turn_s)
            if one.lost:
                break
            one.took(max(answers[side]["wall_s"][-1] for side in SIDES))
            if number:
                one.append(answers, min if self.manner.fastest else statistics.median)
            sides.reverse()
            if number >= FEWEST_ROUNDS and enough():
                break

    def accuracy(self, open_cells: Sequence[Progress]) -> None:
        """Both versions fit and verify each cell in full, at the same time."""
        for side in SIDES if self.manner.cores else ():
            self._onto(side, self.manner.cores, open_cells)
        for one in open_cells:
            if one.lost or one.spec.benchmark is not None:
                continue
            answers = self._ask(one, {"do": "accuracy", "cell": one.spec.case}, [SIDES], ACCURACY_S, results=True)
            for side, answer in answers.items():
                known = {name: answer[name] for name in Measured.model_fields if name in answer}
                one.measured[side] = Measured(
                    **known | {"status": _status(answer["status"], answer.get("message", ""))}
                )

    def _onto(self, side: str, cores: Sequence[int], open_cells: Sequence[Progress]) -> None:
        """Keep a side's worker to cores."""
        self.workers[side].order({"do": "cores", "cores": list(cores)})
        if self._answer(side, TURN_S, open_cells) is None:
            raise WorkerGoneError

    def _greeted(self, side: str, cases: Sequence[Progress]) -> bool:
        """Read the greeting and an answer a case; a worker that ends loses the case that it was at."""
        greeting = self._answer(side, START_S, cases)
        if greeting is None or greeting["status"] != "ok":
            return False
        return all(self._answer(side, PREPARE_S, [one]) is not None for one in cases)

    def _ask(
        self,
        one: Progress,
        order: Mapping[str, object],
        groups: Sequence[Sequence[str]],
        deadline_s: float,
        *,
        results: bool = False,
    ) -> dict[str, Answer]:
        """The answers by side, the sides of a group asked at the same time.

        All are asked, though one has ended meanwhile: what ends both versions is no difference between them.
        """
        answers: dict[str, Answer] = {}
        for group in groups:
            for side in group:
                self.workers[side].order(order)
            found = {side: self._answer(side, deadline_s, [one], results=results) for side in group}
            answers |= {side: answer for side, answer in found.items() if answer is not None}
        if len(answers) < len(SIDES):
            raise WorkerGoneError
        return answers

    def _answer(
        self, side: str, deadline_s: float, cells: Sequence[Progress], *, results: bool = False
    ) -> Answer | None:
        """A side's next answer; None of a worker that has ended, which loses the cells.

        Unless the status is itself a result, one that is not `ok` loses them, too.
        """
        try:
            answer = self.workers[side].answer(deadline_s)
        except WorkerLostError as error:
            _lose(side, {"status": error.status, "message": str(error)}, cells)
            return None
        if not (results or answer["status"] == "ok"):
            _lose(side, answer, cells)
        return answer


def _lose(side: str, answer: Answer, cells: Sequence[Progress]) -> None:
    """What a version answered is the result of the cells, which are not tried again."""
    for one in cells:
        one.lose(side, _status(answer["status"], answer["message"]), answer["message"])


def _status(name: str, message: str) -> Status:
    """A version may have statuses that this one does not know: they are errors here, and some are exhausted memory."""
    known = Status(name) if name in {str(status) for status in Status} else Status.ERROR
    return of_error(message) if known is Status.ERROR else known
