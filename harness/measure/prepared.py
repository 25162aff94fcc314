"""A case prepared: its libraries imported, its device started, and what is timed of it."""

import gc
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from importlib import import_module

from harness.errors import one_line
from harness.measure.plan import Case
from harness.measure.recording import failure, record_of
from harness.records.record import Record
from harness.solvers.fit import Fit, NotAnAnswerError
from harness.solvers.options import Options
from harness.solvers.solver import Prepared
from harness.solvers.status import Status
from harness.timing.clock import SystemClock
from harness.timing.device import synchronizer
from harness.timing.device_start import STARTS
from harness.timing.precision import matmul_precision
from harness.timing.threads import pools_of
from harness.verify.objective import Objective
from harness.verify.reference import Reference

Watch = Callable[[], AbstractContextManager[object]]
"""Entered around each of a solver's own calls, inside all that is set for it."""
Aim = tuple[Reference, Objective]
"""The exact answer to a problem, and what a case is judged by."""


@dataclass
class Outcome:
    """A case that has been fitted and verified, not yet timed; `prepared` is None if there is nothing to time.

    `aim`: what it was judged by; None of a case that was only prepared.
    """

    case: Case
    record: Record
    fit: Fit | None = None
    prepared: Prepared | None = None
    aim: Aim | None = None


def import_libraries(case: Case) -> None:
    """Import what the solver and its engine need, with pools of the case's threads, and start the case's device.

    Raises whatever the imports raise.
    """
    with pools_of(case.options.threads):
        with _without_collections():
            for module in case.requires:
                import_module(module)
        STARTS.start(case.options.device)


@contextmanager
def _without_collections() -> Iterator[None]:
    """For imports, which make next to nothing that could be collected: looking for it is a fifth of torch's time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def prepare(case: Case, watch: Watch = nullcontext) -> tuple[Prepared, float]:
    """The prepared case and the wall seconds of its preparation, imports before them. Raises whatever it raises."""
    import_libraries(case)
    clock = SystemClock()
    with pools_of(case.options.threads), precision(case.options), watch():
        before = clock.wall_s()
        prepared = case.solver.prepare(case.problem, case.options)
        synchronizer(case.options.device)()
        prepare_s = clock.wall_s() - before
        check_prepared(prepared)
        return prepared, prepare_s


def check_prepared(prepared: Prepared) -> None:
    """Raise NotAnAnswerError where what is said of the timed work cannot be."""
    unit, epochs = prepared.unit, prepared.epochs_per_call
    if unit not in ("fit", "epoch"):
        raise NotAnAnswerError(f"the unit of what is timed is 'fit' or 'epoch', not {one_line(repr(unit))}")
    if type(epochs) is not int or epochs < 1 or (unit == "fit" and epochs != 1):
        raise NotAnAnswerError(
            f"epochs_per_call is a whole number above 0, and 1 of a fit, not {one_line(repr(epochs))}"
        )


def only_prepared(case: Case, watch: Watch = nullcontext) -> Outcome:
    """A case to be timed and nothing else; whatever happens is an Outcome."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            prepared, _ = prepare(case, watch)
        except (Exception, SystemExit) as error:  # noqa: BLE001  # as in `measure`
            return Outcome(case, record_of(case, *failure(error)))
    return Outcome(case, record_of(case, Status.OK, ""), prepared=prepared)


def precision(options: Options) -> AbstractContextManager[None]:
    """TF32 where it was asked for on a device that has it, float32 everywhere else."""
    return matmul_precision(tf32=bool(options.tf32) and options.device != "cpu")
