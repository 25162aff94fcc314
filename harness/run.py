"""Cases -> records: the only place where problems, solvers, timing, verification and the store meet."""

import shlex
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from itertools import groupby
from typing import Protocol

from harness.errors import COULD_NOT_MEASURE
from harness.plan import Case, Request
from harness.recording import head_of, record_of, solution_of, texts, trace_of, transfer_of
from harness.records.environment import environment
from harness.records.record import Record
from harness.records.run import Run, Selection, new_run_id, now
from harness.records.store import Store
from harness.solvers.fit import Fit
from harness.solvers.options import Options
from harness.solvers.solver import Prepared, why_unsupported
from harness.solvers.status import Status
from harness.solvers.training import engines
from harness.timing.clock import Clock, SystemClock
from harness.timing.device import synchronizer
from harness.timing.memory import peak_memory
from harness.timing.precision import matmul_precision, tf32_in_force
from harness.timing.sampling import Effort, Samples, Work, sample_interleaved
from harness.timing.threads import limited, pools_of
from harness.verify.accuracy import assess
from harness.verify.reference import reference
from harness.verify.settle import settle

INTERLEAVED_BYTES = 2**30
"""Cases are prepared together, to be timed in turn, as long as their data fit in this."""


class Observer(Protocol):
    """Someone who watches a run: the progress bar, or nobody."""

    def started(self, case: Case) -> None:
        """A case is being fitted and verified."""

    def sampling(self, cases: int) -> None:
        """So many cases are being timed in turn."""

    def ended(self, record: Record) -> None:
        """A case has ended, samples included."""


class Nobody:
    """The observer that does nothing."""

    def started(self, case: Case) -> None:
        """Nothing."""

    def sampling(self, cases: int) -> None:
        """Nothing."""

    def ended(self, record: Record) -> None:
        """Nothing."""


@dataclass
class Outcome:
    """A case that has been fitted and verified, not yet timed; `prepared` is None if there is nothing to time."""

    case: Case
    record: Record
    fit: Fit | None = None
    prepared: Prepared | None = None


def new_run(request: Request, cases: Sequence[Case]) -> Run:
    """The run that these cases make, in the environment of this process."""
    return Run(
        id=new_run_id(),
        started_at=now(),
        command=shlex.join(["harness", *sys.argv[1:]]),
        selection=Selection(
            problems=request.problems or None,
            solvers=request.solvers or None,
            asked=request.asked,
        ),
        planned=tuple(case.key for case in cases),
        environment=environment(),
    )


def execute(
    run: Run,
    cases: Sequence[Case],
    store: Store,
    observer: Observer | None = None,
    *,
    clock: Clock | None = None,
    effort: Effort | None = None,
) -> list[Record]:
    """Fit, verify, store and time every case of a run.

    Each record is committed as soon as its fit is verified, its samples as soon as its group has been
    timed. Never raises for what a solver does: that is the record's status.
    """
    observer, clock, effort = observer or Nobody(), clock or SystemClock(), effort or Effort()
    store.start(run)
    records = []
    for group in _groups(cases):
        outcomes = []
        for case in group:
            observer.started(case)
            outcome = measure(case)
            outcomes.append((store.add(run.id, outcome.record), outcome))
        observer.sampling(sum(outcome.prepared is not None for _, outcome in outcomes))
        sampled = time_together([outcome for _, outcome in outcomes], clock, effort)
        for (key, outcome), samples in zip(outcomes, sampled, strict=True):
            store.add_samples(key, samples)
            records.append(outcome.record.model_copy(update={"samples": samples}))
            observer.ended(records[-1])
    store.finish(run.id)
    return records


def exit_code(records: Sequence[Record]) -> int:
    """0 if every case ended well, 1 if one ended wrong, 3 if none was measured."""
    if any(record.failed for record in records):
        return 1
    return 0 if any(record.status.measured for record in records) else COULD_NOT_MEASURE


def _groups(cases: Sequence[Case]) -> Iterator[list[Case]]:
    """Cases of one problem, which are timed in turn, split where their data would not fit in memory together."""
    for _, members in groupby(cases, key=lambda case: case.problem.label):
        group: list[Case] = []
        held = 0
        for case in members:
            size = 2 * case.problem.X.nbytes
            if group and held + size > INTERLEAVED_BYTES:
                yield group
                group, held = [], 0
            group.append(case)
            held += size
        yield group


def measure(case: Case) -> Outcome:
    """Prepare, fit and verify one case, untimed; whatever happens is an Outcome."""
    reason = why_unsupported(case.solver, case.problem, case.options)
    if reason:
        return Outcome(case, record_of(case, Status.UNSUPPORTED, reason))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            return _measure(case, caught)
        except MemoryError as error:
            status, message = Status.OUT_OF_MEMORY, str(error) or "the host's memory is exhausted"
        except Exception as error:  # noqa: BLE001  # a solver may raise anything: it is the case's status
            exhausted = type(error).__name__ == "OutOfMemoryError"  # torch's, for device memory
            status = Status.OUT_OF_MEMORY if exhausted else Status.ERROR
            message = f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else ''}"
        return Outcome(case, record_of(case, status, message, warnings=texts(caught)))


def _measure(case: Case, caught: list[warnings.WarningMessage]) -> Outcome:
    problem, solver, options = case.problem, case.solver, case.options
    truth = reference(problem)
    prepared, prepare_s = _prepare(case)
    with limited(options.threads), _precision(options):
        tf32 = tf32_in_force(options.device)
        with peak_memory(options.device) as peak:
            fit = prepared.fit()
            synchronizer(options.device)()
        copied = transfer_of(case, fit)
    accuracy = assess(problem, fit, truth, options.dtype or "float64")
    status, message = settle(fit, accuracy, truth, solver.kind, options.dtype or "float64")
    record = record_of(
        case,
        status,
        message,
        warnings=texts(caught),
        unit=prepared.unit,
        epochs_per_call=prepared.epochs_per_call,
        prepare_s=prepare_s,
        capture_s=prepared.capture_s,
        tf32=tf32,
        transfer_in_s=copied.to_device.median_wall_s,
        transfer_out_s=copied.to_host.median_wall_s,
        peak_bytes=peak.host_bytes,
        device_peak_bytes=peak.device_bytes,
        accuracy=accuracy,
        solution=solution_of(problem, fit, truth),
        trace=trace_of(fit, truth),
        head=head_of(problem, fit),
    )
    timed = status.measured or status is Status.WRONG
    return Outcome(case, record, fit, prepared if timed else None)


def _prepare(case: Case) -> tuple[Prepared, float]:
    """The prepared case and the wall seconds of its preparation, imports before them."""
    with pools_of(case.options.threads):
        for module in (*case.solver.requires, *engines.requires_of(case.options.engine)):
            import_module(module)
        with _precision(case.options):
            before = time.perf_counter()
            prepared = case.solver.prepare(case.problem, case.options)
            synchronizer(case.options.device)()
            return prepared, time.perf_counter() - before


def _precision(options: Options) -> AbstractContextManager[None]:
    """TF32 where it was asked for on a device that has it, float32 everywhere else."""
    return matmul_precision(tf32=bool(options.tf32) and options.device != "cpu")


def measure_alone(case: Case, effort: Effort | None = None) -> Outcome:
    """One case fitted, verified and timed by itself, not stored."""
    outcome = measure(case)
    samples = time_together([outcome], SystemClock(), effort or Effort())[0]
    return replace(outcome, record=outcome.record.model_copy(update={"samples": samples}))


def time_together(outcomes: Sequence[Outcome], clock: Clock, effort: Effort) -> list[Samples]:
    """Samples of each outcome's timed work, interleaved; empty ones where there is nothing to time."""
    works = {
        i: Work(
            outcome.prepared.run,
            synchronizer(outcome.case.options.device),
            partial(_precision, outcome.case.options),  # cases of one group may differ in it
        )
        for i, outcome in enumerate(outcomes)
        if outcome.prepared is not None
    }
    if not works:
        return [Samples()] * len(outcomes)
    with limited(outcomes[0].case.options.threads), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # each was recorded when the case was fitted
        sampled = dict(zip(works, sample_interleaved(list(works.values()), clock, effort), strict=True))
    return [sampled.get(i, Samples()) for i in range(len(outcomes))]
