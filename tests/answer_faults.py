"""Answers that are none, that change from call to call or contradict each other, and what a solver says at length."""

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from harness.problems.problem import Floats, Problem
from harness.solvers.closed_forms.closed_form import ClosedForm, ClosedFormPrepared
from harness.solvers.fit import Fit, Inference, fit_from_design
from harness.solvers.options import Options
from harness.solvers.solver import Solver
from harness.solvers.status import Status
from tests.planted import exact_line

MANY = 10**5
LONG = 5 * 10**7
"""Characters of an exception's text: stored whole, it takes minutes."""


@dataclass
class Answering(ClosedForm):
    """A right answer, whose Fit is changed by `change`."""

    name: str
    change: Callable[[Fit], Any]
    title: str = "planted"
    requires: tuple[str, ...] = ()

    def prepare(self, problem: Problem, options: Options) -> ClosedFormPrepared[Floats]:
        return ClosedFormPrepared(
            lambda: exact_line(problem), lambda beta: self.change(fit_from_design(beta, problem.intercept))
        )


def changed(**fields: Any) -> Callable[[Fit], Fit]:
    """The same Fit with other fields."""
    return lambda fit: replace(fit, **fields)


def complex_coefficients(fit: Fit) -> Fit:
    assert fit.coef is not None
    return replace(fit, coef=fit.coef + 5j)  # type: ignore[arg-type]  # the fault


def one_more(fit: Fit) -> Fit:
    assert fit.coef is not None
    return replace(fit, coef=np.append(fit.coef, 0.0))


def other_predictions(fit: Fit) -> Fit:
    return replace(fit, predict=lambda X: 100.0 * np.ones(len(X)))


def hide_a_nan(fit: Fit) -> Fit:
    return replace(fit, coef=np.array([np.nan, 1.0]), predict=fit.predict)


def predictions_of_a_square(fit: Fit) -> Fit:
    """(n, n) numbers, as broadcasting a column against a row makes them."""
    return replace(fit, predict=lambda X: fit.predict(X)[:, None] + np.zeros(len(X)))


def standard_errors(*errors: float) -> Callable[[Fit], Fit]:
    """A Fit that says so."""
    return changed(inference=Inference(("a", "b", "c"), errors, (), (), ()))


@dataclass
class Repeating(ClosedForm):
    """What `answer` gives for the problem and the number of the call, from 1; `kept` is the solver's own."""

    name: str
    answer: Callable[[Problem, int, dict[str, Floats]], Floats]
    everywhere: bool = False
    title: str = "planted"
    requires: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.kept: dict[str, Floats] = {}

    def prepare(self, problem: Problem, options: Options) -> ClosedFormPrepared[Floats]:
        kept: dict[str, Floats] = self.kept if self.everywhere else {}
        calls = 0

        def solve() -> Floats:
            nonlocal calls
            calls += 1
            return self.answer(problem, calls, kept)

        return ClosedFormPrepared(solve, lambda beta: fit_from_design(beta, problem.intercept))


def wrong_from_the_fifth(problem: Problem, call: int, _: dict[str, Floats]) -> Floats:
    return exact_line(problem) * (1.0 if call < 5 else 2.0)


def keep(problem: Problem, _: int, kept: dict[str, Floats]) -> Floats:
    if "beta" not in kept:
        kept["beta"] = exact_line(problem)
    return kept["beta"]


@dataclass
class Claiming(Answering):
    """It says something else of its timed work."""

    unit: Any = "fit"
    epochs_per_call: Any = 1

    def prepare(self, problem: Problem, options: Options) -> ClosedFormPrepared[Floats]:
        prepared = super().prepare(problem, options)
        prepared.unit, prepared.epochs_per_call = self.unit, self.epochs_per_call
        return prepared


@dataclass
class Idle(Answering):
    """Its fit is right, and its epochs do nothing."""

    def prepare(self, problem: Problem, options: Options) -> ClosedFormPrepared[Floats]:
        beta = exact_line(problem)
        prepared = ClosedFormPrepared(lambda: beta, lambda beta: fit_from_design(beta, problem.intercept))
        prepared.unit = "epoch"
        return prepared


class LengthyError(Exception):
    """Its text is 50 MB."""

    def __str__(self) -> str:
        return "x" * LONG


def lengthy(_: object) -> None:
    error = LengthyError()
    error.add_note("y" * LONG)
    raise error


def surrogate(_: object) -> None:
    raise ValueError("\ud800 is half a character")


def colours(_: object) -> None:
    raise ValueError("\x1b[31mred\x1b]0;title\x07 and \u202eback")


class SilentError(Exception):
    """What its text raises has no text either."""

    def __str__(self) -> str:
        raise SilentError


def silent(_: object) -> None:
    raise SilentError


class EndlessError(Exception):
    """Its text never comes."""

    def __str__(self) -> str:
        time.sleep(10**6)
        return ""


def endless(_: object) -> None:
    raise EndlessError


def warn_very_often(_: object) -> None:
    for number in range(MANY):
        warnings.warn(f"number {number}", stacklevel=1)


def warn_half_a_character(_: object) -> None:
    warnings.warn("\udfff" * 10**6, stacklevel=1)


def itself(fit: Fit) -> Fit:
    """As it is."""
    return fit


KEEPING = Repeating("keeps", keep)
WELL = exact_line.__code__


def _ill(_problem: Problem) -> Floats:
    raise RuntimeError("somebody else's fault")


def poison(problem: Problem, _: int, __: dict[str, Floats]) -> Floats:
    """Right itself, and every other solver of these raises after it: no assignment shows it."""
    exact_line.__code__ = WELL
    found = exact_line(problem)
    exact_line.__code__ = _ill.__code__
    return found


POISONING = Repeating("poisons", poison)

ANSWERS: tuple[tuple[str, Solver, Status, str, str], ...] = (
    ("complex coefficients", Answering("complex", complex_coefficients), Status.ERROR, "an imaginary part", ""),
    ("one coefficient more", Answering("one_more", one_more), Status.ERROR, "3 coefficients; there are 2", ""),
    ("no intercept", Answering("half", changed(intercept=None)), Status.ERROR, "without an intercept", ""),
    ("texts as coefficients", Answering("texts", changed(coef=["a", "b"])), Status.ERROR, "are no numbers", ""),
    ("texts of numbers", Answering("numerals", changed(coef=["1", "2"])), Status.ERROR, "are no numbers", ""),
    ("None for a number", Answering("nones", changed(coef=[None, 1.0])), Status.ERROR, "are no numbers", ""),
    ("times", Answering("times", changed(coef=np.array([1, 2], "M8[s]"))), Status.ERROR, "are no numbers", ""),
    ("masked", Answering("masked", changed(coef=np.ma.masked_less([1, 2], 2))), Status.ERROR, "some are masked", ""),
    ("epochs that do nothing", Idle("idle", itself), Status.ERROR, "it never reads the data", ""),
    ("no Fit at all", Answering("no_fit", lambda _: None), Status.ERROR, "no Fit but a NoneType", ""),
    ("a rank of 2.5", Answering("rank_part", changed(rank=2.5)), Status.ERROR, "no whole number: 2.5", ""),
    ("a rank of 4 of 3", Answering("rank_4", changed(rank=4)), Status.ERROR, "rank 4 of 3 columns", ""),
    ("a rank below 0", Answering("rank_below", changed(rank=-1)), Status.ERROR, "rank -1 of 3 columns", ""),
    ("other predictions", Answering("other", other_predictions), Status.WRONG, "not X coef + intercept", ""),
    ("n times n predictions", Answering("square", predictions_of_a_square), Status.ERROR, "shape (50, 50)", ""),
    ("a negative standard error", Answering("negative", standard_errors(1, -1, 1)), Status.WRONG, "is negative", ""),
    ("an endless standard error", Answering("nan", standard_errors(1, np.nan, 1)), Status.WRONG, "not finite", ""),
    ("a coefficient of nan", Answering("nan_coef", hide_a_nan), Status.WRONG, "the excess loss is inf", ""),
    ("two standard errors", Answering("two", standard_errors(1, 1)), Status.WRONG, "2 standard errors", ""),
    ("wrong from the 5th call", Repeating("fifth", wrong_from_the_fifth), Status.WRONG, "its last timed call", ""),
    ("kept for everybody", Repeating("kept", keep, everywhere=True), Status.WRONG, "another right-hand side", ""),
    ("no epochs in a call", Claiming("none", itself, unit="epoch", epochs_per_call=0), Status.ERROR, "not 0", ""),
    ("half an epoch", Claiming("part", itself, unit="epoch", epochs_per_call=0.5), Status.ERROR, "not 0.5", ""),
    ("an unknown unit", Claiming("unit", itself, unit="week"), Status.ERROR, "not 'week'", ""),
)
"""What it is, the solver, its status, a part of its message and of its warnings."""
