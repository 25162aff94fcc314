"""One launch: a fresh process of each version, every open cell prepared, then timed in turns, cell by cell."""

import random
import statistics
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from harness.ab.cells import Benchmark
from harness.ab.layout import Layout, drawn
from harness.ab.process import Answer, Process, Worker
from harness.ab.progress import HEAD, SIDES, Progress
from harness.ab.rounds import rounds
from harness.ab.version import Version
from harness.measure.isolation.ending import WorkerLostError
from harness.measure.isolation.transport import START_S
from harness.records.ab import Measured
from harness.solvers.status import Status, of_error

PREPARE_S = 120.0
"""Seconds that a worker has to prepare one cell, libraries imported: 4 s with torch on a busy machine."""
TURN_S = 120.0
"""Seconds that a worker has for one turn of single calls."""
ACCURACY_S = 600.0
"""Seconds that a worker has to fit and verify one cell in full: the default ten thousand epochs of the MLP take 5 s."""
ENDED = "ended"
"""In what stands for the answer of a worker that has ended."""
Start = Callable[[Version, Layout | None], Worker]
Quietest = Callable[[Sequence[int]], int]
Enough = Callable[[], bool]
Until = Callable[[], Enough | None]
FEWEST_ROUNDS = 3
"""Of a benchmark in a launch, however little time there is: one disturbed round leaves the median of three alone."""


def _never() -> bool:
    return False


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

    def prepare(self, open_cells: Sequence[Progress]) -> bool:
        """Greet both and let them prepare every cell, at the same time; whether both are still there."""
        open_cells = [one for one in open_cells if one.spec.benchmark is None]
        for side, worker in self.workers.items():
            for one in open_cells:
                slow = self.manner.slow.get(one.spec.case, 1.0) if side == HEAD else 1.0
                worker.order({"do": "prepare", **one.spec.order, "slow": slow})
        there = [self._greeted(side, open_cells) for side in SIDES]
        return all(there)

    def settle(self, open_cells: Sequence[Progress], quietest: Quietest) -> bool:
        """Both onto the quietest core, or in a duet onto one each, by chance; whether both are still there.

        Only now: libraries are imported on all cores. Left to the scheduler, the versions of a launch may run on
        different cores, one of which is shared with somebody else.
        """
        cores = self.manner.cores
        if not cores:
            return True
        chosen = self._order.sample(cores, len(SIDES)) if self.manner.duet else [quietest(cores)] * len(SIDES)
        return all(self._onto(side, (core,), open_cells) for side, core in zip(SIDES, chosen, strict=True))

    def visit(
        self, open_cells: Sequence[Progress], until: Until | None = None, turn: Callable[[], Enough] | None = None
    ) -> bool:
        """Every cell, in shuffled order, all of its rounds at once; whether both workers are still there.

        `until`: asked before each benchmark, which says when it has had its share of the time; None: no more of them.
        `turn`: the same of a case, which always has a turn.
        """
        for one in self._order.sample(open_cells, len(open_cells)):
            if one.lost:
                continue
            if one.spec.benchmark is None:
                there = self._rounds(one, enough=turn() if turn else _never)
            else:
                enough = until() if until else _never
                if enough is None:
                    return True
                there = self._benchmark(one, one.spec.benchmark, enough)
            if not there:
                return False
        return True

    def _benchmark(self, one: Progress, what: Benchmark, enough: Enough) -> bool:
        """Set one benchmark up in both versions, time it or ask for its value, tear it down.

        Only one at a time: what thousands of setups hold fits into no memory.
        """
        setup_s = what.timeout_s + what.cache_timeout_s
        if self._ask(one, {"do": "prepare", **one.spec.order}, [SIDES], setup_s) is None:
            return False
        if not one.lost and what.is_time and not self._rounds(one, what.timeout_s, enough):
            return False
        if not one.lost and not what.is_time:
            answers = self._ask(one, {"do": "value", "cell": one.spec.case}, [[side] for side in SIDES], what.timeout_s)
            if answers is None:
                return False
            if not one.lost:
                for side in SIDES:
                    one.found(side, float(answers[side]["value"]))
        return self._ask(one, {"do": "release", "cell": one.spec.case}, [SIDES], what.timeout_s) is not None

    def _rounds(self, one: Progress, turn_s: float = TURN_S, enough: Enough = _never) -> bool:
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
            if answers is None:
                return False
            if one.lost:
                break
            one.took(max(answers[side]["wall_s"][-1] for side in SIDES))
            if number:
                one.append(answers, min if self.manner.fastest else statistics.median)
            sides.reverse()
            if number >= FEWEST_ROUNDS and enough():
                break
        return True

    def accuracy(self, open_cells: Sequence[Progress]) -> bool:
        """Both versions fit and verify each cell in full, at the same time; whether both are still there."""
        cores = self.manner.cores
        if cores and not all(self._onto(side, cores, open_cells) for side in SIDES):
            return False
        for one in open_cells:
            if one.lost or one.spec.benchmark is not None:
                continue
            answers = self._ask(one, {"do": "accuracy", "cell": one.spec.case}, [SIDES], ACCURACY_S, results=True)
            if answers is None:
                return False
            for side, answer in answers.items():
                one.measured[side] = Measured(
                    status=_status(answer["status"], answer.get("message", "")),
                    message=answer.get("message", ""),
                    digits=answer.get("digits"),
                    excess_loss=answer.get("excess_loss"),
                    problem_sha256=answer.get("problem_sha256", ""),
                    rank=answer.get("rank"),
                    rank_of_data=answer.get("rank_of_data"),
                    r2=answer.get("r2", {}),
                    solution=answer.get("solution"),
                )
        return True

    def _onto(self, side: str, cores: Sequence[int], open_cells: Sequence[Progress]) -> bool:
        """Keep a side's worker to cores; whether it is still there."""
        self.workers[side].order({"do": "cores", "cores": list(cores)})
        answer = self._answer(side, TURN_S)
        if ENDED in answer:
            _lose(side, answer, open_cells)
        return ENDED not in answer

    def _greeted(self, side: str, open_cells: Sequence[Progress]) -> bool:
        """Read the greeting and an answer a cell; a worker that ends loses the cell that it was at."""
        greeting = self._answer(side, START_S)
        if greeting["status"] != "ok":
            _lose(side, greeting, open_cells)
            return False
        for one in open_cells:
            answer = self._answer(side, PREPARE_S)
            if answer["status"] != "ok":
                _lose(side, answer, [one])
            if ENDED in answer:
                return False
        return True

    def _ask(
        self,
        one: Progress,
        order: Mapping[str, object],
        groups: Sequence[Sequence[str]],
        deadline_s: float,
        *,
        results: bool = False,
    ) -> dict[str, Answer] | None:
        """The answers by side, the sides of a group asked at the same time; None where a worker ended.

        Unless the status is itself a result, one that is not `ok` loses the cell.
        """
        answers = {}
        for group in groups:
            for side in group:
                self.workers[side].order(order)
            for side in group:
                answer = answers[side] = self._answer(side, deadline_s)
                if ENDED in answer or not (results or answer["status"] == "ok"):
                    _lose(side, answer, [one])
            if any(ENDED in answers[side] for side in group):
                return None
        return answers

    def _answer(self, side: str, deadline_s: float) -> Answer:
        """A side's next answer; of a worker that has ended, how."""
        try:
            return self.workers[side].answer(deadline_s)
        except WorkerLostError as error:
            return {"status": error.status, "message": str(error), ENDED: True}


def _lose(side: str, answer: Answer, cells: Sequence[Progress]) -> None:
    """What a version answered is the result of the cells, which are not tried again."""
    for one in cells:
        one.lose(side, _status(answer["status"], answer["message"]), answer["message"])


def _status(name: str, message: str) -> Status:
    """A version may have statuses that this one does not know: they are errors here, and some are exhausted memory."""
    known = Status(name) if name in {str(status) for status in Status} else Status.ERROR
    return of_error(message) if known is Status.ERROR else known
