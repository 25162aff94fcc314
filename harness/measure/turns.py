"""Cases that were fitted, timed in turn, and asked afterwards whether what was timed is the work that was verified."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from functools import partial

from harness.measure.again import Again, of_epochs, of_last_call, of_other_right_hand_side
from harness.measure.isolation import apart
from harness.measure.prepared import Outcome, Watch, precision, prepare
from harness.measure.recording import failure, judged, warnings_caught
from harness.measure.truth import Truths
from harness.problems.problem import Problem
from harness.solvers.fit import Fit
from harness.solvers.options import Options
from harness.solvers.solver import Kind, Prepared
from harness.solvers.status import Status
from harness.timing.clock import Clock
from harness.timing.device import synchronizer
from harness.timing.device_start import STARTS
from harness.timing.device_state import clock_hz
from harness.timing.sampling import Effort, Samples, Work, sample_interleaved
from harness.timing.threads import limited
from harness.verify.answer import checked

Turn = Callable[[int], AbstractContextManager[object]]
"""Entered around each turn of the outcome of that index."""


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
            with turn(i), precision(outcome.case.options):
                found.append(_ask_again(outcome, samples, truths))
        return found


def _ask_again(outcome: Outcome, samples: Samples, truths: Truths | None) -> Again:
    prepared = outcome.prepared
    if prepared is None or not samples.wall_s or samples.error:
        return Again()
    try:
        if prepared.unit == "fit":
            return _fit_again(outcome, prepared, min(samples.wall_s), truths)
        return _epochs_again(outcome, prepared, min(samples.wall_s))
    except (Exception, SystemExit) as error:  # noqa: BLE001  # as in `measure`
        status, message = failure(error)
        return Again(status=status, message=f"asked again: {message}")


def _fit_again(outcome: Outcome, prepared: Prepared, fastest_s: float, truths: Truths | None) -> Again:
    case, closed_form = outcome.case, outcome.case.solver.kind is Kind.CLOSED_FORM
    if outcome.aim is None and not closed_form:
        return Again()
    aim = outcome.aim or (truths or apart.shared()).of(case.problem, None)

    def judge(fit: Fit) -> tuple[Status, str]:
        return judged(case, checked(fit, case.problem), aim)[1:]

    found = of_last_call(prepared, outcome.fit, judge)
    if found.status.failed or not closed_form:
        return found

    def anew(problem: Problem) -> Prepared:
        return prepare(replace(case, problem=problem))[0]

    return of_other_right_hand_side(case.problem, anew, prepared, fastest_s, judge)


def _epochs_again(outcome: Outcome, prepared: Prepared, fastest_s: float) -> Again:
    """Of a device's epochs nothing is asked: its time and numpy's have no common measure."""
    case = outcome.case
    if case.options.device != "cpu":
        return Again()
    trace = None if outcome.fit is None else outcome.fit.trace
    return of_epochs(case.problem, prepared, trace, fastest_s, case.options.dtype or "float64")


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
    with STARTS.busy(options.device), precision(options), turn():
        yield
