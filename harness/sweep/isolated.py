"""A place where a sweep is measured in a worker process: the worker's side, and that of its parent.

What is killed is what is trained together: a chunk, of which each learning rate is a cell.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from harness.measure.isolation import isolated
from harness.measure.isolation.apart import TRUTH_S
from harness.measure.isolation.ending import WorkerLostError
from harness.measure.isolation.limits import Limits, default_timeout_s
from harness.measure.isolation.messages import Answer, case_order, changes_said
from harness.measure.isolation.note import Note
from harness.measure.isolation.process import WorkerProcess
from harness.measure.isolation.relay import Relay
from harness.measure.isolation.serving import Bench, Order, Say
from harness.measure.isolation.state.item import Changes
from harness.records.observer import Observer
from harness.records.sweep import Cell
from harness.solvers import catalog
from harness.solvers.solver import Solver
from harness.solvers.status import Status
from harness.solvers.training.training import Grid
from harness.sweep import targets
from harness.sweep.candidate import Candidate, JudgedBy
from harness.sweep.cells import without_result
from harness.sweep.measuring import Goals, InTurn, trained

SWEEP = "harness.sweep.isolated"
OWN = ("suite", "target", "max_s")
"""What a candidate has besides its case and its grid."""
CHUNK = -2
"""The key of what is trained together, which is alone in its order; those of cases begin at 0."""


class SweepBench(Bench):
    """A Bench that trains grids, too."""

    def __init__(self, solvers: Mapping[str, Solver], note: Note, data: int, say: Say = lambda _: None) -> None:
        """As a Bench."""
        super().__init__(solvers, note, data, say)
        self.works |= {"aim": self.aim, "learn": self.learn}
        self._relay = Relay(lambda news: self._say(Answer(news=news)))
        self._goals = Goals(self.truths)

    def aim(self, order: Order) -> Answer:
        """Find what the trainings of a candidate are judged by, and keep it."""
        self.truths.give_solved(order["solved"])
        with self._note.during(CHUNK):
            self._goals.of(self._candidate(order), self._relay)
        return Answer()

    def learn(self, order: Order) -> Answer:
        """Train a candidate's grid."""
        candidate = self._candidate(order)
        goal = self._goals.of(candidate, self._relay)  # found before: the parent aims first

        def work(changes: Changes) -> list[Cell]:
            with self._guard.watched(changes):
                return trained(candidate, goal, self._relay)

        cells, changes = self._guarded(CHUNK, candidate, work)
        if isinstance(cells, str):
            cells = without_result(candidate, Status.ERROR, cells)
        changed = changes_said(changes.all)
        messages = ["; ".join(filter(None, (cell.message, changed))) for cell in cells]
        return Answer(
            cells=tuple(
                cell.model_copy(update={"message": message}) for cell, message in zip(cells, messages, strict=True)
            ),
            retire=changes.retire or self.lost_device(),
        )

    def _candidate(self, order: Order) -> Candidate:
        case, settings = self._case(order), tuple(tuple((k, _tuple(v)) for k, v in one) for one in order["settings"])
        grid = Grid(tuple(order["lr"]), tuple(order["seeds"]), settings)
        made = Candidate(case.problem, case.solver, case.options, order["optimizer"], grid)  # type: ignore[arg-type]  # as sent
        return replace(made, trials=dict(order["trials"]), **{name: order[name] for name in OWN})


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


SOLVERS, BENCH = catalog.SOLVERS, SweepBench


class Isolated(isolated.Isolated, InTurn):
    """The place of a run, where grids are trained, too.

    Whatever would take the process along becomes the status of the cells that were trained together.
    """

    def __init__(self, limits: Limits | None = None, *, solvers: str = SWEEP) -> None:
        """As that of a run; `solvers`: the module of its SOLVERS and its BENCH."""
        super().__init__(limits, solvers=solvers)
        self._aimed: tuple[WorkerProcess, JudgedBy] | None = None

    def aim(self, candidate: Candidate, observer: Observer) -> tuple[Status, str] | None:
        """Find it in the worker, which keeps it; a network's target is made where no engine has trained anything."""
        self._aimed = None
        if not candidate.training.is_linear and targets.find(candidate.training, lambda _: None) is None:
            self._keeper.renew()
        try:
            self._asked(candidate.problem, lambda worker: self._aim(worker, candidate, observer))
        except WorkerLostError as lost:
            return lost.status, str(lost)
        if note := self._keeper.truths.note(candidate.problem):
            observer.noted(note)
        return None

    def learn(self, candidate: Candidate, observer: Observer) -> list[Cell]:
        """Train it in the worker, which is aimed again if it is a new one."""
        allowed_s = self._limits.allowed_s(candidate, len(candidate.grid.cases), candidate.batches)

        def ask(worker: WorkerProcess) -> Answer:
            self._aim(worker, candidate, observer)
            return self._order(worker, "learn", _order_of(candidate), {CHUNK: allowed_s}, observer)

        try:
            answer = self._asked(candidate.problem, ask)
        except WorkerLostError as lost:
            return without_result(candidate, lost.status, str(lost))
        return list(answer.cells) or without_result(candidate, answer.status, answer.failed)

    def _aim(self, worker: WorkerProcess, candidate: Candidate, observer: Observer) -> Answer:
        """Aim a worker that is not; making a target takes its time, as an exact answer does, whatever a case may."""
        self._bring(worker, candidate, CHUNK)
        if self._aimed is not None and self._aimed[0] is worker and self._aimed[1] == candidate.judged_by:
            return Answer()
        effort = targets.ON_THE_SPOT
        case = replace(candidate, options=replace(candidate.options, epochs=effort.epochs, batch=None))
        allowed_s = max(TRUTH_S, default_timeout_s(case, effort.seeds * len(effort.lr), len(effort.lr)))
        training = candidate.training
        solved = self._keeper.truths.solved_wire(candidate.problem, training.trained if training.is_linear else None)
        order = {**_order_of(candidate), "solved": solved}
        answer = self._order(worker, "aim", order, {CHUNK: allowed_s}, observer)
        if answer.failed:
            raise WorkerLostError(answer.status, answer.failed, CHUNK)
        self._aimed = worker, candidate.judged_by
        return answer


def _order_of(candidate: Candidate) -> dict[str, object]:
    """A candidate as an order names it."""
    grid = candidate.grid
    return {
        **case_order(candidate),
        "optimizer": candidate.optimizer,
        "lr": grid.lr,
        "seeds": grid.seeds,
        "settings": grid.settings,
        "trials": list(candidate.trials.items()),
        **{name: getattr(candidate, name) for name in OWN},
    }
