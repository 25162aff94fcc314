"""Whether a case that was timed did its work: the last answer, another right-hand side, and what a later call does."""

import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from harness.errors import counted
from harness.problems.problem import Floats, Problem
from harness.records.record import Kept
from harness.solvers.fit import Fit, Trace, linear_fit
from harness.solvers.solver import Prepared
from harness.solvers.status import Status
from harness.timing.clock import SystemClock
from harness.timing.sampling import Work

LARGEST_BYTES = 2**28
"""Of X: a larger problem is not prepared a second time for another right-hand side."""
LARGEST_Y = 1e300
"""Above it the right-hand side is halved, that it does not overflow, and not doubled."""
LOOKS_A_LOOK = 16
"""How much faster than numpy's float64 a sound engine could look at the data: 2 by float32, 5 by passes that are not
made (p = 1), and some room."""
EMPTY_AND_SOME = 1.5
"""Of an empty call's time: it took 1.34 us, and an epoch of numpy's over the three rows of `four_points` 4.4 us."""
EMPTY_CALLS = 30
"""As many as most cases have samples (harness.timing.sampling.Effort)."""
PASSES = 5
"""The fastest of so many looks at the data is taken, so that a busy machine makes none too slow."""


class Again(Kept):
    """What came of it: `status` is `ok` where nothing did; else `message` says what."""

    status: Status = Status.OK
    message: str = ""
    warnings: tuple[str, ...] = ()


Judge = Callable[[Fit], tuple[Status, str]]
"""The status and the message of a fit of the case's problem."""


def of_last_call(prepared: Prepared, first: Fit | None, judge: Judge) -> Again:
    """Judge the answer of the last timed call, unless it is to the bit that of the first."""
    last = prepared.fit()
    if first is not None and _same(first, last):
        return Again()
    status, message = judge(last)
    return Again(status=status, message=f"its last timed call: {message}") if status.failed else Again()


def of_other_right_hand_side(
    problem: Problem, prepare: Callable[[Problem], Prepared], later: Prepared, fastest_s: float, judge: Judge
) -> Again:
    """Ask for 2 y, whose solution is twice the other, exactly; and see whether a later call does what a first one does.

    A solver that keeps its answer for everybody gives the wrong one for 2 y. One that keeps it in what it has prepared
    does not enter half of the functions of the first call, or more, at a later one: an `error` where it is also faster
    than one look at the data, X'(y - X b - a), and a warning where it is not, since a first call may compile something.
    """
    X, y = problem.rows("train")
    if X.nbytes > LARGEST_BYTES or not y.any():
        return Again()
    factor = 2.0 if np.abs(y).max() <= LARGEST_Y else 0.5
    asked = prepare(replace(problem, y=problem.y * factor, truth=None))
    first_calls = _entered(asked.run)
    fit = asked.fit()
    if fit.coef is not None and fit.intercept is not None:
        halved = linear_fit(np.asarray(fit.coef) / factor, fit.intercept / factor, rank=fit.rank)
        status, message = judge(replace(halved, status=fit.status, minimum_norm=fit.minimum_norm))
        if status.failed:
            return Again(status=status, message=f"asked for another right-hand side, {factor:g} y: {message}")
    missing = first_calls - _entered(later.run)
    if 2 * len(missing) < len(first_calls):
        return Again()
    less = f"a later call does not enter {len(missing)} of the {len(first_calls)} functions that the first one entered"
    if fastest_s < _look_s(X, y):
        return Again(
            status=Status.ERROR, message=f"it keeps its answer between calls: {less}, and never reads the data"
        )
    return Again(warnings=(f"WorkChanged: {less}; what is kept or compiled belongs in `prepare`",))


def of_epochs(problem: Problem, prepared: Prepared, trace: Trace | None, fastest_s: float, dtype: str) -> Again:
    """Whether timed epochs train: they take the time of a look at the data, and the loss moves as it was verified to.

    `fastest_s`: of one call, on the CPU; `trace`: of the verified training. Each epoch computes at least what a look at
    the data does, X'(y - X b - a), but some engine may do it faster than numpy: LOOKS_A_LOOK times. On few data an
    empty call takes longer than that, by the clock's own time: what takes less than EMPTY_AND_SOME of it is one.

    The losses of the timed epochs, where `prepared` keeps them, are those of the verified training's first epochs. A
    brought optimizer or network may draw at random, so that they need not be the same; but where they move by less
    than sqrt(eps) of what the verified ones do, nothing trained.
    """
    X, y = problem.rows("train")
    epochs = prepared.epochs_per_call
    if fastest_s < max(EMPTY_AND_SOME * _empty_s(), epochs * _look_s(X, y) / LOOKS_A_LOOK):
        told = f"a timed call of {counted(epochs, 'epoch')} takes {fastest_s:.1e} s: it never reads the data"
        return Again(status=Status.ERROR, message=told)
    losses = [float(loss) for loss in getattr(prepared, "losses", ())]
    together = min(len(losses), 0 if trace is None else trace.epochs)
    if trace is None or together < 2:  # noqa: PLR2004  # of one loss nobody sees whether it moves
        return Again()
    timed, verified = (float(np.ptp(each[:together])) for each in (losses, trace.train_loss))
    if timed < verified * float(np.sqrt(np.finfo(dtype).eps)):
        lost = f"in {together} timed epochs the loss changes by {timed:.1e}, and by {verified:.1e} where it is verified"
        return Again(status=Status.ERROR, message=f"what is timed does not train: {lost}")
    return Again()


def _same(first: Fit, last: Fit) -> bool:
    return (
        first.coef is not None
        and last.coef is not None
        and (first.intercept, first.rank, first.status) == (last.intercept, last.rank, last.status)
        and np.array_equal(np.asarray(first.coef).reshape(-1), np.asarray(last.coef).reshape(-1))
    )


def _entered(call: Callable[[], object]) -> set[int]:
    """Identities of the functions of Python and of C that a call enters in this thread."""
    entered: dict[int, Any] = {}  # what is kept here is not freed, so that no identity is used twice

    def note(frame: Any, event: str, called: object) -> None:
        if event == "call":
            entered[id(frame.f_code)] = frame.f_code
        elif event == "c_call" and called is not sys.setprofile:
            entered[id(called)] = called

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        call()
    finally:
        sys.setprofile(before)
    return set(entered)


def _look_s(X: Floats, y: Floats) -> float:
    """Seconds of X'(y - X b - a), the fastest of some: so much it takes to see whether an answer is one."""
    clock, b, found = SystemClock(), np.ones(X.shape[1]), []
    for _ in range(PASSES):
        before = clock.wall_s()
        X.T @ (y - X @ b - 1.0)
        found.append(clock.wall_s() - before)
    return min(found)


def _empty_s() -> float:
    """Seconds of a call that does nothing, timed as any other: the fastest of some."""
    clock, empty = SystemClock(), Work(lambda: None)
    for _ in range(EMPTY_CALLS):
        empty.sample(clock)
    return min(empty.wall_s)
