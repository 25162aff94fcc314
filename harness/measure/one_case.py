"""One case fitted and verified: where solvers and verification meet.

Nothing here is stored, and everything happens in this process; `harness.measure.isolation` does it in another one.
"""

import warnings
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace

from harness.measure.isolation import apart
from harness.measure.plan import Case
from harness.measure.prepared import Outcome, Watch, import_libraries, precision, prepare
from harness.measure.recording import (
    again_record,
    draw_of,
    failure,
    head_of,
    judged,
    record_of,
    solution_of,
    timed_record,
    trace_of,
    transfer_of,
    warnings_caught,
)
from harness.measure.truth import KeptAnswerWarning, Truths
from harness.measure.turns import ask_again, clocks_of, time_together
from harness.solvers.fit import Fit
from harness.solvers.solver import Prepared, why_unsupported
from harness.solvers.status import Status
from harness.timing.clock import SystemClock
from harness.timing.device import synchronizer
from harness.timing.device_start import STARTS
from harness.timing.memory import device_requests, peak_memory
from harness.timing.precision import tf32_in_force
from harness.timing.sampling import Effort
from harness.timing.threads import limited
from harness.verify.answer import checked
from harness.verify.nearly_equal import blamed


def measure(
    case: Case,
    watch: Watch = nullcontext,
    fit: Callable[[], Fit] | None = None,
    truths: Truths | None = None,
) -> Outcome:
    """Prepare, fit and verify one case, untimed; whatever happens is an Outcome.

    `fit`: where the case's Fit comes from instead of its own `Prepared`, such as one batch of many trainings. `truths`:
    where the exact answer comes from, a process of its own unless it is given.
    """
    reason = why_unsupported(case.solver, case.problem, case.options)
    if reason:
        return Outcome(case, record_of(case, Status.UNSUPPORTED, reason))
    with warnings_caught() as caught:
        try:
            return _measure(case, caught, watch, fit, truths or apart.shared())
        except (Exception, SystemExit) as error:  # noqa: BLE001  # a solver may raise anything: it is the case's status
            return Outcome(case, record_of(case, *failure(error), warnings=caught))


def _measure(case: Case, caught: list[str], watch: Watch, fit_of: Callable[[], Fit] | None, truths: Truths) -> Outcome:
    problem = case.problem
    aim = truth, objective = truths.of(problem, case.trained)
    if note := truths.note(problem):
        warnings.warn(note, KeptAnswerWarning, stacklevel=2)
    import_libraries(case)
    prepared, fit, made = _fitted(case, watch, fit_of)
    accuracy, status, message = judged(case, fit, aim)
    record = record_of(
        case,
        status,
        message,
        warnings=caught,
        **made,
        accuracy=accuracy,
        dependences=truth.dependences,
        plateau=blamed(problem, accuracy.excess_loss, objective) if status is Status.NOT_CONVERGED else "",
        solution=solution_of(problem, fit, objective),
        trace=trace_of(fit, objective),
        head=head_of(problem, fit),
    )
    refused = fit.status is Status.RANK_DEFICIENT
    timed = (status.measured or status is Status.WRONG) and not refused
    return Outcome(case, record, fit, prepared if timed else None, aim)


def _fitted(case: Case, watch: Watch, fit_of: Callable[[], Fit] | None) -> tuple[Prepared, Fit, dict[str, object]]:
    """What was prepared, its checked fit, and what a Record has of both: times apart from the samples, and memory."""
    options = case.options
    asked = device_requests(options.device)
    prepared, prepare_s = prepare(case, watch)
    if waited := STARTS.news(options.device):
        warnings.warn(waited, stacklevel=1)
    with limited(options.threads), precision(options):
        tf32 = tf32_in_force(options.device)
        with watch(), peak_memory(options.device) as peak:
            fit = checked(fit_of() if fit_of else prepared.fit(), case.problem)
            synchronizer(options.device)()
        of_torch = device_requests(options.device) != asked
        copied, draw_s = transfer_of(case, fit), draw_of(case, prepared)
    started = STARTS.of(options.device)
    return (
        prepared,
        fit,
        {
            "unit": prepared.unit,
            "epochs_per_call": prepared.epochs_per_call,
            "prepare_s": prepare_s,
            "device_start_s": None if started is None else started.seconds,
            "draw_s": draw_s,
            "capture_s": prepared.capture_s,
            "tf32": tf32,
            "transfer_in_s": copied.to_device.median_wall_s,
            "transfer_out_s": copied.to_host.median_wall_s,
            "peak_bytes": peak.host_bytes,
            "device_peak_bytes": peak.device_bytes if of_torch else None,
            "device_held_bytes": peak.device_held_bytes,
        },
    )


def measure_alone(case: Case, effort: Effort | None = None) -> Outcome:
    """One case fitted, verified and timed by itself, not stored."""
    outcome = measure(case)
    samples = time_together([outcome], SystemClock(), effort or Effort())[0]
    record = timed_record(outcome.record, samples, clocks_of([outcome]))
    return replace(outcome, record=again_record(record, ask_again([outcome], [samples])[0]))
