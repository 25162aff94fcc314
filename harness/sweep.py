"""A sweep: each optimizer of each problem over learning rates and seeds, in chunks that are stored as they end."""

import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import groupby
from typing import Protocol

from harness import targets
from harness.errors import COULD_NOT_MEASURE
from harness.records.sweep import Cell, Sweep, Timing
from harness.records.sweep_store import SweepStore
from harness.solvers.solver import why_unsupported
from harness.solvers.status import Status
from harness.solvers.training import engines
from harness.solvers.training.oracle.quadratic import Quadratic
from harness.solvers.training.training import Aim, Grid, Training
from harness.sweep_cells import Goal, cells_of, learn, without_result
from harness.sweep_plan import Candidate, SweepRequest
from harness.timing.clock import SystemClock
from harness.timing.device import synchronizer
from harness.timing.sampling import Effort, Work, sample_interleaved
from harness.timing.threads import limited, pools_of
from harness.verify.reference import reference

ABOVE_TARGET = "null model, above the stored target"
"""What a network's excess is relative to: (L - L_best) / L_null, the target's best loss and the mean predictor's."""
TEXTBOOK = "loop"
Done = Mapping[tuple[str, str, float], Cell]


class Observer(Protocol):
    """Someone who watches a sweep: the progress bar, or nobody."""

    def said(self, line: str) -> None:
        """Something that a person should know."""

    def working(self, what: str) -> None:
        """What the sweep is at."""

    def told(self, epochs: int) -> None:
        """So many epochs of what the sweep is at are done, all its trainings together."""

    def ended(self, epochs: int) -> None:
        """A chunk of so many epochs, all its trainings together, is stored."""


class Nobody:
    """The observer that does nothing."""

    def said(self, line: str) -> None:
        """Nothing."""

    def working(self, what: str) -> None:
        """Nothing."""

    def told(self, epochs: int) -> None:
        """Nothing."""

    def ended(self, epochs: int) -> None:
        """Nothing."""


@dataclass(frozen=True)
class _Work:
    """What the chunks of a sweep share."""

    sweep: Sweep
    request: SweepRequest
    store: SweepStore
    observer: Observer

    @property
    def seeds(self) -> tuple[int, ...]:
        return tuple(range(self.request.seeds))

    def keep(self, cells: Sequence[Cell]) -> None:
        """Store cells, and say so."""
        self.store.add(self.sweep.id, cells)
        self.observer.ended(len(cells) * self.request.seeds * self.request.epochs)


def execute(
    sweep: Sweep,
    request: SweepRequest,
    planned: Sequence[Candidate],
    store: SweepStore,
    observer: Observer | None = None,
) -> list[Cell]:
    """Do what the store does not have of a sweep that it knows; all cells.

    A chunk's cells are committed as it ends. Never raises for what an engine does: that is the cells' status.
    """
    work = _Work(sweep, request, store, observer or Nobody())
    done: Done = {(cell.problem, cell.optimizer, cell.lr): cell for cell in store.cells(sweep.id)}
    with pools_of(request.threads):
        for _, members in groupby(planned, key=lambda candidate: candidate.problem.label):
            _problem(work, list(members), done)
    store.finish(sweep.id)
    return store.cells(sweep.id)


def exit_code(cells: Sequence[Cell]) -> int:
    """1 if a cell ended in error, 3 if none was measured, else 0: a training that diverged is a result."""
    if any(cell.status.failed for cell in cells):
        return 1
    return 0 if any(cell.status is Status.OK for cell in cells) else COULD_NOT_MEASURE


def _problem(work: _Work, members: Sequence[Candidate], done: Done) -> None:
    """All that is missing of one problem."""
    able: list[tuple[Candidate, list[float]]] = []
    for candidate in members:
        missing = [lr for lr in work.request.lr if (*candidate.name, lr) not in done]
        reason = _why_not(candidate) if missing else None
        if reason:
            work.keep(without_result(candidate, missing, work.seeds, Status.UNSUPPORTED, reason))
        elif missing:
            able.append((candidate, missing))
    if not able:
        return
    try:
        with limited(work.request.threads):
            goal = _goal(able[0][0].training, work.observer)
    except Exception as error:  # noqa: BLE001  # whatever the data do to the reference ends this problem only
        for candidate, missing in able:
            work.keep(without_result(candidate, missing, work.seeds, Status.ERROR, _text(error)))
        return
    timings = _timings(work, [candidate for candidate, _ in able], done)
    for candidate, missing in able:
        for rates in candidate.chunks(missing, len(work.seeds)):
            work.keep(_chunk(work, candidate, rates, goal, timings[candidate.optimizer]))


def _why_not(candidate: Candidate) -> str | None:
    """Every reason not to train a candidate, or None; what it needs is imported if it can be trained."""
    problem, solver = candidate.problem, candidate.solver
    y = problem.rows("train")[1]
    if y.min() == y.max():
        return "the target is constant: there is no loss to be relative to"
    reason = why_unsupported(solver, problem, candidate.options)
    if reason is None:
        for module in (*solver.requires, *engines.get(str(candidate.options.engine)).requires):
            import_module(module)
    return reason


def _goal(training: Training, observer: Observer) -> Goal:
    """What the trainings of a problem are judged by: the exact optimum, or a network's target.

    A linear model's excess is the one that `harness run` records: relative to the exact reference's scale,
    in the units trained in.
    """
    label = training.problem.label
    if training.linear is None:
        total = targets.ON_THE_SPOT.total_epochs
        target = targets.find_or_make(
            training, observer.said, lambda epochs: observer.working(f"{label}: its target, {epochs / total:.0%}")
        )
        return Goal(Aim(target.best_loss, target.null_loss), ABOVE_TARGET, f"target: best of {target.how}")
    truth = reference(training.problem)
    quadratic = Quadratic.of(*training.arrays("train"), truth.loss_scale / training.scaling.y_sd**2)
    short = f"rank {truth.rank} of {truth.columns}: many coefficients have the least loss"
    aim = Aim(quadratic.best_loss, quadratic.loss_scale, quadratic)
    return Goal(aim, truth.scale_name, "" if truth.full_rank else short)


def _timings(work: _Work, able: Sequence[Candidate], done: Done) -> dict[str, Timing]:
    """One epoch of the textbook loop by optimizer, in turns; what the sweep has already is not sampled again."""
    label, threads = able[0].problem.label, work.request.threads
    known = {cell.optimizer: cell.loop_epoch for cell in done.values() if cell.problem == label}
    timings = {name: timing for name, timing in known.items() if timing.wall_s}
    works: dict[str, Work] = {}
    work.observer.working(f"{label}: timing the loop")
    with limited(threads), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for candidate in able:
            if candidate.optimizer in timings:
                continue
            try:
                prepared = engines.get(TEXTBOOK).prepare(candidate.training.of(work.request.lr[0], 0))
                works[candidate.optimizer] = Work(prepared.run, synchronizer(work.request.device))
            except Exception as error:  # noqa: BLE001  # an engine may do what the loop cannot
                timings[candidate.optimizer] = Timing(error=_text(error))
        sampled = sample_interleaved(list(works.values()), SystemClock(), Effort())
    return timings | {
        name: Timing(wall_s=samples.wall_s, cpu_s=samples.cpu_s, error=samples.error)
        for name, samples in zip(works, sampled, strict=True)
    }


def _chunk(work: _Work, candidate: Candidate, rates: Sequence[float], goal: Goal, timing: Timing) -> list[Cell]:
    """The cells of some learning rates; whatever happens, there is one for each."""
    grid, engine = Grid(tuple(rates), work.seeds), engines.get(str(candidate.options.engine))
    between = f"{rates[0]:g}" if len(rates) == 1 else f"{rates[0]:g} to {rates[-1]:g}"
    work.observer.working(f"{candidate.problem.label} {candidate.optimizer} lr {between}")
    try:
        with limited(work.request.threads), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a training that overflows is a result
            before = time.perf_counter()
            learned = learn(engine, candidate.training, grid, goal.aim, candidate.most_together, work.observer.told)
            synchronizer(work.request.device)()
            engine_s = time.perf_counter() - before
            return cells_of(candidate, grid, goal, learned, engine_s=engine_s, timing=timing)
    except Exception as error:  # noqa: BLE001  # an engine may raise anything: it is the cells' status
        return without_result(candidate, rates, work.seeds, Status.ERROR, _text(error))


def _text(error: Exception) -> str:
    words = str(error).strip()
    return f"{type(error).__name__}: {words.splitlines()[0] if words else ''}"
