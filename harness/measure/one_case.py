"""One case fitted, verified and timed: where solvers, timing and verification meet.

Nothing here is stored, and everything happens in this process; `harness.measure.isolation` does it in another one.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module

from harness.errors import one_line
from harness.measure.again import Again, of_epochs, of_last_call, of_other_right_hand_side
from harness.measure.failure import failure
from harness.measure.isolation import apart
from harness.measure.plan import Case
from harness.measure.recording import (
    again_record,
    draw_of,
    head_of,
    record_of,
    solution_of,
    timed_record,
    trace_of,
    transfer_of,
    warnings_caught,
)
from harness.measure.truth import KeptAnswerWarning, Truths
from harness.records.record import Record
from harness.solvers.fit import Fit, NotAnAnswerError
from harness.solvers.options import Options
from harness.solvers.solver import Kind, Prepared, why_unsupported
from harness.solvers.status import Status
from harness.timing.clock import Clock, SystemClock
from harness.timing.device import synchronizer
from harness.timing.device_start import STARTS
from harness.timing.device_state import clock_hz
from harness.timing.memory import device_requests, peak_memory
from harness.timing.precision import matmul_precision, tf32_in_force
from harness.timing.sampling import Effort, Samples, Work, sample_interleaved
from harness.timing.threads import limited, pools_of
from harness.verify.accuracy import Accuracy, assess
from harness.verify.answer import check_excess, checked, contradiction
from harness.verify.nearly_equal import blamed
from harness.verify.objective import Objective
from harness.verify.reference import Reference
from harness.verify.settle import settle

Watch = Callable[[], AbstractContextManager[object]]
"""Entered around each of a solver's own calls, inside all that is set for it."""
Turn = Callable[[int], AbstractContextManager[object]]
"""Entered around each turn of the outcome of that index."""


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
    problem, options = case.problem, case.options
    aim = truth, objective = truths.of(problem, case.trained)
    if note := truths.note(problem):
        warnings.warn(note, KeptAnswerWarning, stacklevel=2)
    import_libraries(case)
    asked = device_requests(options.device)
    prepared, prepare_s = prepare(case, watch)
    if waited := STARTS.news(options.device):
        warnings.warn(waited, stacklevel=1)
    with limited(options.threads), _precision(options):
        tf32 = tf32_in_force(options.device)
        with watch(), peak_memory(options.device) as peak:
            fit = checked(fit_of() if fit_of else prepared.fit(), problem)
            synchronizer(options.device)()
        of_torch = device_requests(options.device) != asked
        copied, draw_s = transfer_of(case, fit), draw_of(case, prepared)
    started = STARTS.of(options.device)
    accuracy, status, message = judged(case, fit, aim)
    record = record_of(
        case,
        status,
        message,
        warnings=caught,
        unit=prepared.unit,
        epochs_per_call=prepared.epochs_per_call,
        prepare_s=prepare_s,
        device_start_s=None if started is None else started.seconds,
        draw_s=draw_s,
        capture_s=prepared.capture_s,
        tf32=tf32,
        transfer_in_s=copied.to_device.median_wall_s,
        transfer_out_s=copied.to_host.median_wall_s,
        peak_bytes=peak.host_bytes,
        device_peak_bytes=peak.device_bytes if of_torch else None,
        device_held_bytes=peak.device_held_bytes,
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


def judged(case: Case, fit: Fit, aim: Aim) -> tuple[Accuracy, Status, str]:
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


def import_libraries(case: Case) -> None:
    """Import what the solver and its engine need, with pools of the case's threads, and start the case's device.

    Raises whatever the imports raise.
    """
    with pools_of(case.options.threads):
        for module in case.requires:
            import_module(module)
        STARTS.start(case.options.device)


def prepare(case: Case, watch: Watch = nullcontext) -> tuple[Prepared, float]:
    """The prepared case and the wall seconds of its preparation, imports before them. Raises whatever it raises."""
    import_libraries(case)
    clock = SystemClock()
    with pools_of(case.options.threads), _precision(case.options), watch():
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


def _precision(options: Options) -> AbstractContextManager[None]:
    """TF32 where it was asked for on a device that has it, float32 everywhere else."""
    return matmul_precision(tf32=bool(options.tf32) and options.device != "cpu")


def measure_alone(case: Case, effort: Effort | None = None) -> Outcome:
    """One case fitted, verified and timed by itself, not stored."""
    outcome = measure(case)
    samples = time_together([outcome], SystemClock(), effort or Effort())[0]
    record = timed_record(outcome.record, samples, clocks_of([outcome]))
    return replace(outcome, record=again_record(record, ask_again([outcome], [samples])[0]))


def time_together(
    outcomes: Sequence[Outcome], clock: Clock, effort: Effort, turn: Turn = lambda _: nullcontext()
) -> list[Samples]:
    """Samples of each outcome's timed work; empty ones where there is nothing to time.

    Those of one device are interleaved, and those of another come after them: a device that waits while the CPU has
    its turns lowers its clock.
    """
    works = {i: _work(outcome, partial(turn, i)) for i, outcome in enumerate(outcomes) if outcome.prepared is not None}
    if not works:
        return [Samples()] * len(outcomes)
    sampled: dict[int, Samples] = {}
    with limited(outcomes[0].case.options.threads), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # each was recorded when the case was fitted
        for device in dict.fromkeys(outcomes[i].case.options.device for i in works):
            own = {i: work for i, work in works.items() if outcomes[i].case.options.device == device}
            sampled |= zip(own, sample_interleaved(list(own.values()), clock, effort), strict=True)
    return [sampled.get(i, Samples()) for i in range(len(outcomes))]


def ask_again(
    outcomes: Sequence[Outcome],
    sampled: Sequence[Samples],
    turn: Turn = lambda _: nullcontext(),
    truths: Truths | None = None,
) -> list[Again]:
    """Whether what was timed is the work that was verified, by calls that are not timed."""
    with limited(outcomes[0].case.options.threads), warnings_caught():
        found = []
        for i, (outcome, samples) in enumerate(zip(outcomes, sampled, strict=True)):
            with turn(i), _precision(outcome.case.options):
                found.append(_ask_again(outcome, samples, truths))
        return found


def _ask_again(outcome: Outcome, samples: Samples, truths: Truths | None) -> Again:
    case, prepared = outcome.case, outcome.prepared
    if prepared is None or not samples.wall_s or samples.error:
        return Again()
    if prepared.unit != "fit":
        return _epochs_again(outcome, prepared, min(samples.wall_s))
    closed_form = case.solver.kind is Kind.CLOSED_FORM
    if outcome.aim is None and not closed_form:
        return Again()
    try:
        aim = outcome.aim or (truths or apart.shared()).of(case.problem, None)

        def judge(fit: Fit) -> tuple[Status, str]:
            return judged(case, checked(fit, case.problem), aim)[1:]

        found = of_last_call(prepared, outcome.fit, judge)
        if found.status.failed or not closed_form:
            return found
        return of_other_right_hand_side(
            case.problem,
            lambda problem: prepare(replace(case, problem=problem))[0],
            prepared,
            min(samples.wall_s),
            judge,
        )
    except (Exception, SystemExit) as error:  # noqa: BLE001  # as in `measure`
        status, message = failure(error)
        return Again(status=status, message=f"asked again: {message}")


def _epochs_again(outcome: Outcome, prepared: Prepared, fastest_s: float) -> Again:
    """Of a device's epochs nothing is asked: its time and numpy's have no common measure."""
    case = outcome.case
    if case.options.device != "cpu":
        return Again()
    trace = None if outcome.fit is None else outcome.fit.trace
    try:
        return of_epochs(case.problem, prepared, trace, fastest_s, case.options.dtype or "float64")
    except (Exception, SystemExit) as error:  # noqa: BLE001  # as in `measure`
        status, message = failure(error)
        return Again(status=status, message=f"asked again: {message}")


def clocks_of(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """The clock (Hz) of each device that the outcomes' cases were timed on, while it works; none where nobody says."""
    timed = {outcome.case.options.device for outcome in outcomes if outcome.prepared is not None}
    found = {device: clock_hz(device, STARTS.keep_busy) for device in timed}
    return {device: hertz for device, hertz in found.items() if hertz is not None}


def _work(outcome: Outcome, turn: Watch) -> Work:
    """An outcome's timed work. What an epoch needs from chance is drawn before each call, and is not in its time."""
    options = outcome.case.options
    assert outcome.prepared is not None  # noqa: S101  # the caller has looked
    draw = getattr(outcome.prepared, "draw", None)
    return Work(
        outcome.prepared.run,
        synchronizer(options.device),
        partial(_around, options, turn),
        before=draw or (lambda: None),
    )


@contextmanager
def _around(options: Options, turn: Watch) -> Iterator[None]:
    """One turn of a case, its device at work before it: cases of one group may differ in precision."""
    with STARTS.busy(options.device), _precision(options), turn():
        yield
