"""A place where a sweep is measured in a worker process: the worker's side, and that of its parent.

What is killed is what is trained together: a chunk, of which each learning rate is a cell.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from harness.measure.isolation.ending import WorkerLostError
from harness.measure.isolation.keeper import Keeper
from harness.measure.isolation.limits import Limits, default_timeout_s
from harness.measure.isolation.messages import Answer, News, changes_said, options_said
from harness.measure.isolation.note import Note
from harness.measure.isolation.process import TRUTH_S, WorkerProcess
from harness.measure.isolation.serving import Bench, Order, Say
from harness.measure.isolation.state import Changes, watched
from harness.measure.one_case import import_libraries, one_line
from harness.problems.problem import Problem
from harness.records.sweep import Cell, Timing
from harness.solvers import catalog
from harness.solvers.solver import Solver
from harness.solvers.status import Status
from harness.solvers.training.training import Grid
from harness.sweep import targets
from harness.sweep.cells import Goal, without_result
from harness.sweep.measuring import EFFORT, Observer, goal_of, loop_epochs, trained
from harness.sweep.plan import Candidate

SWEEP = "harness.sweep.isolated"
TOLD_EVERY_S = 0.1
"""How often the parent is told of epochs: a progress bar shows no more."""
GROUP = 0
CASE = 0
"""The key of what is trained together: it is alone in its order."""


class Teller:
    """The observer in the worker: the parent's hears what it hears."""

    def __init__(self, say: Say) -> None:
        self._say, self._quiet_until_s = say, 0.0

    def said(self, line: str) -> None:
        """Passed on."""
        self._say(Answer(news=("said", line)))

    def working(self, what: str) -> None:
        """Passed on."""
        self._say(Answer(news=("working", what)))

    def told(self, epochs: int) -> None:
        """Passed on, now and then."""
        if time.monotonic() >= self._quiet_until_s:
            self._quiet_until_s = time.monotonic() + TOLD_EVERY_S
            self._say(Answer(news=("told", epochs)))

    def ended(self, epochs: int) -> None:
        """The parent stores, and knows."""


class SweepBench(Bench):
    """A Bench that trains grids, too."""

    def __init__(self, solvers: Mapping[str, Solver], note: Note, data: int, say: Say = lambda _: None) -> None:
        """As a Bench."""
        super().__init__(solvers, note, data, say)
        self.works |= {"aim": self.aim, "loop": self.loop, "learn": self.learn}
        self._teller = Teller(self._say)
        self._goal: Goal | None = None

    def aim(self, order: Order) -> Answer:
        """Find what the trainings of the problem are judged by, and keep it."""
        with self._note.during(CASE):
            self._goal = goal_of(self._candidate(order), self._teller)
        return Answer()

    def loop(self, order: Order) -> Answer:
        """Time an epoch of the loop of each candidate."""
        candidates = [self._candidate(said) for said in order["candidates"]]
        _import(candidates)
        changes = Changes()
        with watched(changes):
            timings = loop_epochs(candidates, self._note.during)
        written = self._wrote()
        if written:
            timings = [Timing(error=written)] * len(candidates)
        failed = any(timing.error for timing in timings)
        retire = written or ", ".join(changes.lasting) or self._device_lost(candidates[0].case, failed=failed)
        return Answer(timings=tuple(timings), retire=retire)

    def learn(self, order: Order) -> Answer:
        """Train a grid."""
        candidate, grid = self._candidate(order), Grid(tuple(order["lr"]), tuple(order["seeds"]))
        assert self._goal is not None  # noqa: S101  # the parent aims first
        _import([candidate])
        changes = Changes()
        self._note.begin(CASE)
        try:
            with watched(changes):
                cells = trained(candidate, grid, self._goal, self._teller.told)
        except BaseException as error:  # noqa: BLE001  # KeyboardInterrupt too: nobody presses a key here
            cells = without_result(candidate, grid, Status.ERROR, one_line(error))
        self._note.end()
        written = self._wrote()
        if written:
            cells = without_result(candidate, grid, Status.ERROR, written)
        said = changes_said(changes.all)
        messages = ["; ".join(filter(None, (cell.message, said))) for cell in cells]
        failed = any(cell.status.failed for cell in cells)
        return Answer(
            cells=tuple(
                cell.model_copy(update={"message": message}) for cell, message in zip(cells, messages, strict=True)
            ),
            retire=written or ", ".join(changes.lasting) or self._device_lost(candidate.case, failed=failed),
        )

    def _candidate(self, said: Order) -> Candidate:
        case = self._case({"group": GROUP, **said})
        return Candidate(case.problem, case.solver, case.options, said["optimizer"])  # type: ignore[arg-type]  # as sent

    def _wrote(self) -> str:
        """What is wrong with the problem's data now; empty for nothing."""
        written = self._written_to()
        return f"the engine wrote to the problem's {written}, which every training is given" if written else ""


SOLVERS, BENCH = catalog.SOLVERS, SweepBench


class Isolated:
    """One worker, reused while it behaves and replaced when it does not; a Place of a sweep.

    Whatever would take the process along becomes the status of the cells that were trained together.
    """

    def __init__(self, limits: Limits | None = None, *, solvers: str = SWEEP) -> None:
        """Start a worker, without waiting for it. `solvers`: the module of its SOLVERS and its BENCH.

        Raises CannotMeasureError where no process can be started.
        """
        self._limits = limits or Limits()
        self._keeper = Keeper(solvers)
        self._aimed: tuple[WorkerProcess, Problem] | None = None

    def aim(self, candidate: Candidate, observer: Observer) -> tuple[Status, str] | None:
        """In the worker, which keeps it."""
        self._aimed = None
        try:
            self._asked(candidate, lambda worker: self._aim(worker, candidate, observer))
        except WorkerLostError as lost:
            return lost.status, str(lost)
        return None

    def time(self, candidates: Sequence[Candidate]) -> list[Timing]:
        """In the worker; who goes wrong has that as its error, and the others are timed again."""
        found: dict[str, Timing] = {}
        while left := [candidate for candidate in candidates if candidate.optimizer not in found]:
            calls = 1 + EFFORT.calls_per_turn
            allowed_s = {i: calls * self._limits.allowed_s(candidate.case) for i, candidate in enumerate(left)}
            order = {"do": "loop", "candidates": list(map(_said, left))}
            try:
                answer = self._asked(left[0], self._asking(order, allowed_s))
                timings = answer.timings or (Timing(error=answer.failed),) * len(left)
                found |= {candidate.optimizer: timing for candidate, timing in zip(left, timings, strict=True)}
            except WorkerLostError as lost:
                guilty = left if lost.case is None else [left[lost.case]]
                found |= {candidate.optimizer: Timing(error=str(lost)) for candidate in guilty}
        return [found[candidate.optimizer] for candidate in candidates]

    def learn(self, candidate: Candidate, grid: Grid, observer: Observer) -> list[Cell]:
        """In the worker, which is aimed again if it is a new one."""
        trainings = len(grid.cases)
        allowed_s = {CASE: self._limits.allowed_s(candidate.case, trainings, candidate.turns(trainings))}
        order = {"do": "learn", "lr": grid.lr, "seeds": grid.seeds, **_said(candidate)}
        learn = self._asking(order, allowed_s, observer)

        def aim_and_learn(worker: WorkerProcess) -> Answer:
            self._aim(worker, candidate, observer)
            return learn(worker)

        try:
            answer = self._asked(candidate, aim_and_learn)
        except WorkerLostError as lost:
            return without_result(candidate, grid, lost.status, str(lost))
        return list(answer.cells) or without_result(candidate, grid, answer.status, answer.failed)

    def close(self) -> None:
        """End the worker at once."""
        self._keeper.close()

    def _asked(self, candidate: Candidate, ask: Callable[[WorkerProcess], Answer]) -> Answer:
        """What a worker that knows the problem answers; one that was lost before it began is nobody's fault."""
        for last in (False, True):
            try:
                return ask(self._keeper.at(candidate.problem, GROUP))
            except WorkerLostError as lost:
                if last or lost.case is not None:
                    raise
        raise AssertionError  # the second time it is returned or raised

    def _asking(
        self, order: Mapping[str, object], allowed_s: Mapping[int, float], observer: Observer | None = None
    ) -> Callable[[WorkerProcess], Answer]:
        def hear(news: News) -> None:
            getattr(observer, news[0])(news[1])

        def ask(worker: WorkerProcess) -> Answer:
            return self._keeper.ask(worker, order, allowed_s, memory_bytes=self._limits.memory_bytes, hear=hear)

        return ask

    def _aim(self, worker: WorkerProcess, candidate: Candidate, observer: Observer) -> Answer:
        """Aim a worker that is not; making a target takes its time, as an exact answer does, whatever a case may."""
        if self._aimed is not None and self._aimed[0] is worker and self._aimed[1] is candidate.problem:
            return Answer()
        effort = targets.ON_THE_SPOT
        options = replace(candidate.options, epochs=effort.epochs, batch=None)
        case = replace(candidate.case, options=options)
        allowed_s = default_timeout_s(case, effort.seeds * len(effort.lr), len(effort.lr))
        order = {"do": "aim", **_said(candidate)}
        answer = self._asking(order, {CASE: max(TRUTH_S, allowed_s)}, observer)(worker)
        if answer.failed:
            raise WorkerLostError(answer.status, answer.failed, CASE)
        self._aimed = worker, candidate.problem
        return answer


def _said(candidate: Candidate) -> dict[str, object]:
    """A candidate as an order names it."""
    options = options_said(candidate.options)
    return {"solver": candidate.solver.name, "options": options, "optimizer": candidate.optimizer}


def _import(candidates: Sequence[Candidate]) -> None:
    """Libraries are imported on nobody's time."""
    for candidate in candidates:
        with suppress(Exception):  # who needs them meets it again
            import_libraries(candidate.case)
