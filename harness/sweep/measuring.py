"""What a sweep measures, in the process that it is called in: what to aim at, an epoch of the loop, chunks of cells."""

import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from harness.measure.one_case import Turn, failure, import_libraries, one_line
from harness.records.sweep import Cell, Timing
from harness.solvers.status import Status
from harness.solvers.training import engines
from harness.solvers.training.oracle.quadratic import Quadratic
from harness.solvers.training.training import Aim, Grid, Training
from harness.sweep import targets
from harness.sweep.cells import Goal, cells_of, learn, without_result
from harness.sweep.plan import Candidate
from harness.timing.clock import SystemClock
from harness.timing.device import synchronizer
from harness.timing.sampling import Effort, Work, sample_interleaved
from harness.timing.threads import limited, pools_of
from harness.verify.reference import reference

ABOVE_TARGET = "null model, above the stored target"
"""What a network's excess is relative to: (L - L_best) / L_null, the target's best loss and the mean predictor's."""
TEXTBOOK = "loop"
EFFORT = Effort()
"""Of an epoch of the loop."""


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


class Place(Protocol):
    """Where a sweep is measured: this process, or one that can be killed. Whatever happens is a value."""

    def aim(self, candidate: Candidate, observer: Observer) -> tuple[Status, str] | None:
        """Find what the trainings of a candidate's problem are judged by; how and why it could not be found."""

    def time(self, candidates: Sequence[Candidate]) -> list[Timing]:
        """One epoch of the textbook loop of each candidate, in turns."""

    def learn(self, candidate: Candidate, grid: Grid, observer: Observer) -> list[Cell]:
        """Train a grid; a cell for each learning rate, without the timing of an epoch."""

    def close(self) -> None:
        """Let go of it."""


class Here:
    """Here, in this process: what an engine does to it, it does to the sweep."""

    def __init__(self) -> None:
        self._goal: Goal | None = None

    def aim(self, candidate: Candidate, observer: Observer) -> tuple[Status, str] | None:
        """Here."""
        try:
            self._goal = goal_of(candidate, observer)
        except Exception as error:  # noqa: BLE001  # whatever the data do to the reference ends this problem only
            return failure(error)
        return None

    def time(self, candidates: Sequence[Candidate]) -> list[Timing]:
        """Here."""
        return loop_epochs(candidates)

    def learn(self, candidate: Candidate, grid: Grid, observer: Observer) -> list[Cell]:
        """Here."""
        assert self._goal is not None  # noqa: S101  # the sweep aims first
        return trained(candidate, grid, self._goal, observer.told)

    def close(self) -> None:
        """Nothing to end."""


def goal_of(candidate: Candidate, observer: Observer) -> Goal:
    """What the trainings of a problem are judged by: the exact optimum, or a network's target.

    A linear model's excess is the one that `harness run` records: relative to the exact reference's scale,
    in the units trained in. Raises whatever the data make it raise.
    """
    import_libraries(candidate.case)
    with pools_of(candidate.options.threads), limited(candidate.options.threads):
        training = candidate.training
        return _of_network(training, observer) if training.linear is None else _of_linear(training)


def _of_network(training: Training, observer: Observer) -> Goal:
    label, total = training.problem.label, targets.ON_THE_SPOT.total_epochs
    target = targets.find_or_make(
        training, observer.said, lambda epochs: observer.working(f"{label}: its target, {epochs / total:.0%}")
    )
    return Goal(Aim(target.best_loss, target.null_loss), ABOVE_TARGET, f"target: best of {target.how}")


def _of_linear(training: Training) -> Goal:
    truth = reference(training.problem)
    quadratic = Quadratic.of(*training.arrays("train"), truth.loss_scale / training.scaling.y_sd**2)
    short = f"rank {truth.rank} of {truth.columns}: many coefficients have the least loss"
    aim = Aim(quadratic.best_loss, quadratic.loss_scale, quadratic)
    return Goal(aim, truth.scale_name, "" if truth.full_rank else short)


def loop_epochs(candidates: Sequence[Candidate], turn: Turn = lambda _: nullcontext()) -> list[Timing]:
    """One epoch of the textbook loop of each, in turns; `turn` is entered around all that is done with one."""
    works: dict[int, Work] = {}
    found: dict[int, Timing] = {}
    for candidate in candidates:
        import_libraries(candidate.case)
    threads = candidates[0].options.threads
    with pools_of(threads), limited(threads), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for i, candidate in enumerate(candidates):
            try:
                with turn(i):
                    prepared = engines.get(TEXTBOOK).prepare(candidate.training)
            except Exception as error:  # noqa: BLE001  # an engine may do what the loop cannot
                found[i] = Timing(error=one_line(error))
            else:
                works[i] = Work(prepared.run, synchronizer(candidate.options.device), _around(turn, i))
        sampled = sample_interleaved(list(works.values()), SystemClock(), EFFORT)
    for i, samples in zip(works, sampled, strict=True):
        found[i] = Timing(wall_s=samples.wall_s, cpu_s=samples.cpu_s, error=samples.error)
    return [found[i] for i in range(len(candidates))]


def _around(turn: Turn, i: int) -> Callable[[], AbstractContextManager[object]]:
    return lambda: turn(i)


def trained(candidate: Candidate, grid: Grid, goal: Goal, told: Callable[[int], None]) -> list[Cell]:
    """The cells of some learning rates; whatever an engine raises, there is one for each."""
    options = candidate.options
    try:
        import_libraries(candidate.case)
        with pools_of(options.threads), limited(options.threads), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a training that overflows is a result
            before = time.perf_counter()
            engine = engines.get(str(options.engine))
            learned = learn(engine, candidate.training, grid, goal.aim, candidate.most_together, told)
            synchronizer(options.device)()
            return cells_of(candidate, grid, goal, learned, engine_s=time.perf_counter() - before)
    except (Exception, SystemExit) as error:  # noqa: BLE001  # an engine may raise anything: it is the cells' status
        return without_result(candidate, grid, *failure(error))
