"""What a sweep measures, in the process that it is called in: what to aim at, and chunks of cells."""

import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Protocol

from harness.measure import place, run
from harness.measure.isolation import apart
from harness.measure.plan import Case
from harness.measure.prepared import import_libraries
from harness.measure.recording import failure
from harness.measure.truth import Truths
from harness.records.observer import Observer
from harness.records.record import Record
from harness.records.sweep import Cell
from harness.solvers.status import Status
from harness.solvers.training import engines
from harness.solvers.training.engine import Engine
from harness.solvers.training.training import Aim, Training
from harness.store.store import Store
from harness.sweep import held_out, targets
from harness.sweep.candidate import Candidate, JudgedBy
from harness.sweep.cells import Goal, cells_of, learn, without_result
from harness.sweep.theory import DOUBLE, explained
from harness.timing.device import synchronizer
from harness.timing.sampling import Effort
from harness.timing.threads import limited, pools_of
from harness.verify.objective import NotJudgedError

ABOVE_TARGET = "null model, above the stored target"
"""What a network's excess is relative to: (L - L_best) / L_null, the target's best loss and the mean predictor's."""


class Place(Protocol):
    """Where a sweep is measured. Whatever happens is a value."""

    def watched(self, store: Store, run_id: str, *, timed: bool = True) -> AbstractContextManager[None]:
        """While it measures a sweep: the conditions that its times depend on are kept with the sweep."""

    def aim(self, candidate: Candidate, observer: Observer) -> tuple[Status, str] | None:
        """Find what the trainings of a candidate are judged by; how and why it could not be found."""

    def timed(self, cases: Sequence[Case], observer: Observer) -> list[Record]:
        """Time the cases in turn, unverified: a record each, which says no more than that, or why it could not be."""

    def learned(self, chunks: Sequence[Candidate], observer: Observer) -> Iterator[tuple[Candidate, list[Cell]]]:
        """Train the grid of each chunk, in the order in which they end: a cell for each learning rate, untimed."""

    def close(self) -> None:
        """Let go of it."""


class InTurn(place.InTurn, Place, Protocol):
    """A Place that trains one chunk after the other."""

    def learn(self, candidate: Candidate, observer: Observer) -> list[Cell]:
        """Train a candidate's grid; a cell for each learning rate, without the timing of an epoch."""

    def timed(self, cases: Sequence[Case], observer: Observer) -> list[Record]:
        """Time the cases in turn."""
        del observer
        for case in cases:
            self.prepare(case)
        return self.time(Effort())

    def learned(self, chunks: Sequence[Candidate], observer: Observer) -> Iterator[tuple[Candidate, list[Cell]]]:
        """Each chunk in its turn."""
        for chunk in chunks:
            observer.working(chunk.doing)
            yield chunk, self.learn(chunk, observer)


class Goals:
    """What the trainings of a problem are judged by: found once for each objective, kept for one problem."""

    def __init__(self, truths: Truths) -> None:
        """`truths`: where exact answers come from."""
        self._truths = truths
        self._known: dict[JudgedBy, Goal] = {}

    def of(self, candidate: Candidate, observer: Observer) -> Goal:
        """The goal of a candidate. Raises what `goal_of` raises."""
        key = candidate.judged_by
        if key not in self._known:
            self._known = {other: goal for other, goal in self._known.items() if other.sha256 == key.sha256}
            self._known[key] = goal_of(candidate, observer, self._truths)
            if note := self._truths.note(candidate.problem):
                observer.noted(note)
        return self._known[key]


class InProcess(run.InProcess, InTurn):
    """Here, in this process: what an engine does to it, it does to the sweep."""

    def __init__(self) -> None:
        super().__init__()
        self._goals = Goals(apart.shared())

    def aim(self, candidate: Candidate, observer: Observer) -> tuple[Status, str] | None:
        """Find it here."""
        try:
            self._goals.of(candidate, observer)
        except Exception as error:  # noqa: BLE001  # whatever the data do to the reference ends this problem only
            return failure(error)
        return None

    def learn(self, candidate: Candidate, observer: Observer) -> list[Cell]:
        """Train it here."""
        return trained(candidate, self._goals.of(candidate, observer), observer)


def goal_of(candidate: Candidate, observer: Observer, truths: Truths) -> Goal:
    """What the trainings of a candidate are judged by: their objective's exact optimum, or a network's target.

    A linear model's excess is the one that `harness run` records, in the units trained in. Raises NotJudgedError where
    neither is known, and whatever the data make it raise.
    """
    import_libraries(candidate)
    with pools_of(candidate.options.threads), limited(candidate.options.threads):
        training = candidate.training
        return _of_network(training, observer) if not training.is_linear else _of_linear(training, truths)


def _of_network(training: Training, observer: Observer) -> Goal:
    trained = training.trained
    if trained.weight_decay and not trained.decoupled:
        raise NotJudgedError("a network's target is of the loss alone: drop the weight decay, which trains another one")
    label, total = training.problem.label, targets.ON_THE_SPOT.total_epochs
    target = targets.find_or_make(
        training, observer.noted, lambda epochs: observer.working(f"{label}: its target, {epochs / total:.0%}")
    )
    there, why_not = held_out.of_network(training, target.held_out)
    note = "; ".join(filter(None, (f"target: best of {target.how}", why_not)))
    return Goal(Aim(target.best_loss, target.null_loss, held_out=there), ABOVE_TARGET, note)


def _of_linear(training: Training, truths: Truths) -> Goal:
    problem, unit = training.problem, training.scaling.y_sd
    truth, objective = truths.of(problem, training.trained)
    excess = objective.excess
    if excess is None:
        raise NotJudgedError(objective.note)
    if not objective.quadratic:
        aim = Aim(
            objective.best_loss / unit,
            objective.loss_scale / unit,
            excess=lambda parameters: excess(*training.in_units(parameters)),
        )
        return Goal(aim, objective.name or "", objective.note)
    quadratic = training.quadratic(objective.loss_scale / unit**2, objective.weight_decay)
    note = objective.note
    if objective.least_squares and not truth.full_rank:
        note = f"rank {truth.rank} of {truth.columns}: many coefficients have the least loss"
    there = held_out.of_linear(training, quadratic.optimum) if objective.least_squares else None
    aim = Aim(quadratic.best_loss, quadratic.loss_scale, quadratic, held_out=there)
    return Goal(aim, objective.name or "", note, objective)


def _in_double(engine: Engine, candidate: Candidate, goal: Goal, aim: Aim, lr: Sequence[float]) -> list[Cell]:
    """Some learning rates of a candidate, trained again in float64; empty where the engine cannot."""
    double = replace(candidate, grid=candidate.grid.at(lr), options=replace(candidate.options, dtype=DOUBLE))
    try:
        if engine.unsupported(double.training) is not None:
            return []
        learned = learn(engine, double.training, double.grid, aim, double.most_together, lambda _: None)
        return cells_of(double, goal, aim, learned, engine_s=0.0)
    except Exception:  # noqa: BLE001  # whatever an engine raises: what was measured stands, and why is not known
        return []


def trained(candidate: Candidate, goal: Goal, observer: Observer) -> list[Cell]:
    """The cells of a candidate's learning rates; whatever an engine raises, there is one for each."""
    options = candidate.options
    try:
        import_libraries(candidate)
        with pools_of(options.threads), limited(options.threads), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a training that overflows is a result
            before = time.perf_counter()
            engine, most = engines.get(str(options.engine)), candidate.most_together
            aim = goal.aim if candidate.target is None else goal.aim.down_to(candidate.target)
            learned = learn(engine, candidate.training, candidate.grid, aim, most, observer.trained)
            synchronizer(options.device)()
            found = cells_of(candidate, goal, aim, learned, engine_s=time.perf_counter() - before)

            def again(lr: Sequence[float]) -> list[Cell]:
                return _in_double(engine, candidate, goal, aim, lr)

            return explained(found, str(options.dtype), again)
    except (Exception, SystemExit) as error:  # noqa: BLE001  # an engine may raise anything: it is the cells' status
        return without_result(candidate, *failure(error))
