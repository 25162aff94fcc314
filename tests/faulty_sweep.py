"""A sweep whose trainings go wrong: the worker process has engines with planted faults, chosen by an optimizer's name.

The worker imports this module by its name; only its bench puts the engines in their places.
"""

from collections.abc import Mapping

from harness.measure.isolation.limits import Limits
from harness.measure.isolation.note import Note
from harness.measure.isolation.serving import Say
from harness.measure.plan import Case
from harness.solvers import catalog
from harness.solvers.solver import Solver
from harness.solvers.status import Status
from harness.solvers.training import engines
from harness.solvers.training.batched.engine import BatchedEngine
from harness.solvers.training.engine import Progress
from harness.solvers.training.learning_map import Learned
from harness.solvers.training.loop_engine import LoopEngine, LoopTraining
from harness.solvers.training.training import Aim, Grid, Training
from harness.sweep.isolated import SweepBench
from tests import faults

MODULE = "tests.faulty_sweep"
SOLVERS = catalog.SOLVERS

PLANTED: tuple[tuple[str, Status, str], ...] = (
    ("hangs", Status.TIMEOUT, "it took longer than 0.3 s"),
    ("segfaults", Status.CRASHED, "SIGSEGV"),
    ("asks_for_all", Status.OUT_OF_MEMORY, "allocate"),
    ("writes_x", Status.ERROR, "wrote to the problem's X"),
    ("sys_exit", Status.ERROR, "SystemExit: 3"),
    ("sets_errors", Status.OK, "StateChanged: the solver changed numpy's error state"),
    ("leaves_a_thread", Status.OK, "StateChanged: the solver changed threads left running"),
)
"""A fault of `tests.faults`, the status of the cells that have it, and a part of their message.

What ends a worker costs a new one, which imports torch, so that each way to end one is here once; a run, of the same
client, has them all. That a worker takes too much memory is in a test of its own: before it trains.

SGD whose weight decay is the fault's number, from 1, has it as it learns, and Adam with that weight decay is well.
"""
UNTIMED = 100.0
"""The weight decay of SGD whose epoch cannot be timed: it ends the process."""


class SweepLimits(Limits):
    """Short for what hangs, long for all that only takes its time."""

    def allowed_s(self, case: Case, trainings: int = 1, turns: int = 1) -> float:
        """Seconds that trainings may take."""
        return faults.SHORT_S if _fault(case.solver.name, case.options.weight_decay) in faults.HANGS else 120.0


LIMITS = SweepLimits(memory_bytes=2**30)
"""A worker that trains holds 0.4 GiB."""


def _fault(solver: str, weight_decay: float | None) -> str:
    """The name of a fault; empty for none."""
    planted = solver == "torch_sgd" and weight_decay is not None and weight_decay < UNTIMED
    return PLANTED[int(weight_decay or 0) - 1][0] if planted else ""


class FaultyBatched(BatchedEngine):
    """The fault comes as a grid is learned."""

    def learn(self, training: Training, grid: Grid, aim: Aim, progress: Progress) -> Learned:
        """Go wrong; who has not, learns."""
        name = _fault(f"torch_{training.optimizer}", training.options.weight_decay)
        if name:
            faults.fault_named(name)(training.problem)
        return super().learn(training, grid, aim, progress)


class FaultyLoop(LoopEngine):
    """The fault comes as an epoch is prepared that is to be timed."""

    def prepare(self, training: Training) -> LoopTraining:
        """Go wrong, or not."""
        if training.options.weight_decay == UNTIMED:
            faults.fault_named("segfaults")(training.problem)
        return super().prepare(training)


class FaultyBench(SweepBench):
    """The sweep's, with these engines."""

    def __init__(self, solvers: Mapping[str, Solver], note: Note, data: int, say: Say) -> None:
        """As a SweepBench."""
        engines.ENGINES |= {"batched": FaultyBatched(), "loop": FaultyLoop()}
        super().__init__(solvers, note, data, say)


BENCH = FaultyBench
