"""A case and its fit as a Record: how it ended, and what is kept of the solution, the trace and the predictions."""

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from harness.errors import one_line, said_by
from harness.measure.again import Again
from harness.measure.isolation.ending import WorkerLostError
from harness.measure.plan import Case
from harness.problems.problem import Floats, Problem
from harness.records.record import HeadRow, Record, Samples, Solution, TraceRecord
from harness.solvers.brought.origin import source_of
from harness.solvers.fit import Fit, NotAnAnswerError
from harness.solvers.options import Options
from harness.solvers.solver import Prepared, Solver
from harness.solvers.status import Status, of_error
from harness.solvers.training.torch_trained import TorchTrained
from harness.timing.clock import SystemClock
from harness.timing.device import synchronizer
from harness.timing.sampling import Work, sample_interleaved
from harness.timing.transfer import COPIES, Transfer, measure_transfer
from harness.verify.accuracy import Accuracy, assess
from harness.verify.answer import check_excess, contradiction
from harness.verify.objective import NotJudgedError, Objective
from harness.verify.reference import Reference
from harness.verify.settle import settle

TRACE_POINTS = 200
"""At most so many points of a trace are kept, so that a store of thousands of trainings stays small."""
HEAD_ROWS = 5
MOST_WARNINGS = 100
"""Of a case: nobody reads more, and a solver may have another text for each of a million."""


def source_sha256(solver: Solver, options: Options) -> str:
    """The hash of the source of what somebody brought to a case: the solver, a scheduler, a network; empty of ours."""
    if isinstance(solver, TorchTrained) and (options.scheduler or options.network):
        return solver.source_with(options).origin.sha256
    source = source_of(solver)
    return "" if source is None else source.origin.sha256


def identity_of(problem: Problem, solver: Solver) -> dict[str, Any]:
    """The fields of a Record that say what was fitted by what."""
    return {
        "problem": problem.label,
        "problem_name": problem.name,
        "family": problem.family,
        "relation": problem.relation,
        "problem_sha256": problem.sha256,
        "data_sha256": problem.content_sha256,
        "n": len(problem.split.train),
        "p": problem.p,
        "left_out": problem.left_out,
        "notes": problem.notes,
        "table": dict(problem.table),
        "solver": solver.name,
        "kind": solver.kind,
        "optimizer": solver.optimizer,
    }


def record_of(case: Case, status: Status, message: str, **measured: object) -> Record:
    """The Record of a case that ended so, with whatever was `measured`: fields of Record by name."""
    return Record(
        case=case.key,
        **identity_of(case.problem, case.solver),
        source_sha256=source_sha256(case.solver, case.options),
        device=case.options.device,
        threads=case.options.threads,
        options=case.options.given(),
        status=status,
        message=message,
        **measured,
    )


def timed_record(record: Record, samples: Samples, clocks_hz: Mapping[str, float]) -> Record:
    """The record with its samples and, on a device, the clock that it was timed at; a failure if a call raised."""
    if samples.error:
        return failed_record(record, of_error(samples.error), f"while it was timed: {samples.error}")
    return record.model_copy(update={"samples": samples, "device_clock_hz": clocks_hz.get(record.device)})


def failed_record(record: Record, status: Status, message: str) -> Record:
    """The record of a case that went wrong after it was fitted: without samples, which nobody could rely on."""
    return record.model_copy(update={"status": status, "message": one_line(message), "samples": Samples()})


def again_record(record: Record, again: Again) -> Record:
    """The record of a case that was asked again; what it says already is not said twice."""
    if again.status.failed and record.status.measured:
        return failed_record(record, again.status, again.message)
    return record.model_copy(update={"warnings": tuple(dict.fromkeys((*record.warnings, *again.warnings)))})


def judged(case: Case, fit: Fit, aim: tuple[Reference, Objective]) -> tuple[Accuracy, Status, str]:
    """How right a checked fit is, and the status that follows."""
    truth, objective = aim
    dtype = case.options.dtype or "float64"
    accuracy = assess(case.problem, fit, truth, dtype, objective)
    if fit.coef is not None:  # of predictions alone it may be below 0: no linear function makes them then
        check_excess(accuracy.excess_loss, truth.n)
    status, message = settle(fit, accuracy, truth, case.solver.kind, dtype, objective)
    if status.measured and (why := contradiction(case.problem, fit, truth, dtype)):
        status, message = Status.WRONG, why
    return accuracy, status, message


def failure(error: BaseException) -> tuple[Status, str]:
    """Status and line of whatever was raised."""
    if isinstance(error, NotJudgedError):
        return Status.UNSUPPORTED, one_line(str(error))
    if isinstance(error, WorkerLostError):
        return error.status, str(error)
    if isinstance(error, NotAnAnswerError):
        return Status.ERROR, one_line(str(error))
    line = said_by(error)
    if isinstance(error, MemoryError):
        return Status.OUT_OF_MEMORY, line.partition(": ")[2] or "the host's memory is exhausted"
    return of_error(said_by(error, whole=True)), line


@contextmanager
def warnings_caught() -> Iterator[list[str]]:
    """Each different warning of what is inside once, first line only; of very many so many, and that there are more."""
    lines: list[str] = []

    def show(message: Warning | str, category: type[Warning], *_: object, **__: object) -> None:
        if len(lines) > MOST_WARNINGS:
            return
        line = said_by(message if isinstance(message, Warning) else category(message))
        if not line.endswith(":") and line not in lines:
            lines.append(line if len(lines) < MOST_WARNINGS else "and more warnings, which are not kept")

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = show
        yield lines


def solution_of(problem: Problem, fit: Fit, objective: Objective) -> Solution:
    """Coefficients beside the exact optimum's, where there is one, and the solver's own statistics."""
    statistics = dict(fit.inference.statistics) if fit.inference else {}
    summary = fit.inference.summary if fit.inference else ""
    if fit.coef is None or fit.intercept is None:
        return Solution(statistics=statistics, summary=summary)
    exact = None
    if objective.optima:
        coef, intercept = objective.optima[0]
        exact = (intercept, *coef) if problem.intercept else tuple(coef)
    return Solution(
        terms=("intercept", *problem.features) if problem.intercept else problem.features,
        computed=(fit.intercept, *fit.coef) if problem.intercept else tuple(fit.coef),
        exact=exact,
        standard_errors=fit.inference.standard_errors if fit.inference else (),
        statistics=statistics,
        summary=summary,
    )


def trace_of(fit: Fit, objective: Objective) -> TraceRecord | None:
    """The trace at every k-th epoch, k a round number that leaves at most TRACE_POINTS, and at the last."""
    trace = fit.trace
    if trace is None:
        return None
    steps = (k * 10**e for e in range(9) for k in (1, 2, 5))
    stride = next(step for step in steps if trace.epochs <= TRACE_POINTS * step)
    kept = np.unique(np.append(np.arange(0, trace.epochs, stride), trace.epochs - 1))
    excess = None
    if objective.excess is not None and trace.coef is not None and trace.intercept is not None:
        excess = objective.excess(trace.coef[kept], trace.intercept[kept])
    return TraceRecord(
        epochs=trace.epochs,
        epoch=tuple(map(int, kept)),
        train_loss=tuple(trace.train_loss[kept]),
        val_loss=None if trace.val_loss is None else tuple(trace.val_loss[kept[kept < len(trace.val_loss)]]),
        val_split=trace.val_split,
        excess_loss=None if excess is None else tuple(excess),
    )


def transferred(case: Case, fit: Fit) -> tuple[tuple[Floats, Floats], Floats]:
    """What a solver on a device needs from the host, X (n, p) and y (n,), and what it gives back, in the case's dtype.

    It gives back the p coefficients and the intercept (p + 1,); a curve has nothing so short, and gives its
    predictions (n,) of the training rows. Copies: pageable, contiguous, writeable.
    """
    dtype = case.options.dtype or "float64"
    X, y = case.problem.rows("train")
    size = len(y) if fit.coef is None else case.problem.p + 1
    return (X.astype(dtype, order="C"), y.astype(dtype)), np.zeros(size, dtype=dtype)


def transfer_of(case: Case, fit: Fit) -> Transfer:
    """Copies of the case's data to its device and of its result back; nothing on the CPU."""
    if case.options.device == "cpu":
        return Transfer()
    try:
        copied = measure_transfer(*transferred(case, fit), case.options.device, SystemClock())
        error = copied.error
    except MemoryError:  # the fit is there, and stands
        copied, error = Transfer(), "the host has no room for copies of the rows"
    if error:
        warnings.warn(f"the transfer was not measured: {error}", stacklevel=2)
    return copied


def draw_of(case: Case, prepared: Prepared) -> float | None:
    """Median seconds of what an epoch needs from chance, the order of its rows, drawn and copied to the device.

    None where it needs nothing. It is done before each call that is timed (solver.Prepared), so that it is apart.
    """
    draw = getattr(prepared, "draw", None)
    if draw is None:
        return None
    return sample_interleaved([Work(draw, synchronizer(case.options.device))], SystemClock(), COPIES)[0].median_wall_s


def head_of(problem: Problem, fit: Fit) -> tuple[HeadRow, ...]:
    """The first training rows with their predictions."""
    X, y = problem.rows("train")
    X, y = X[:HEAD_ROWS], y[:HEAD_ROWS]
    return tuple(
        HeadRow(x=tuple(row), y=float(target), predicted=float(value))
        for row, target, value in zip(X, y, fit.predict(X), strict=True)
    )
