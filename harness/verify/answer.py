"""Whether what a solver hands out is an answer: real numbers, as many as there are, that agree with each other."""

from dataclasses import replace
from typing import Any

import numpy as np

from harness.errors import counted, one_line
from harness.problems.problem import SPLITS, Floats, Problem
from harness.solvers.fit import Fit, Inference, NotAnAnswerError, real
from harness.verify.reference import Reference

MOST_STATISTICS, MOST_CHARACTERS = 100, 100_000
"""Of what a solver says beside its coefficients: statsmodels' summary has 25 statistics and 5000 characters."""


def checked(fit: Fit, problem: Problem) -> Fit:
    """The fit with its numbers as float64; raises NotAnAnswerError, in a line, where they are none.

    coef: p real numbers, finite or not; intercept: one; rank: a whole number from 0 to the columns; predict: as many
    real numbers as rows. Texts are cut off.
    """
    if not isinstance(fit, Fit):
        raise NotAnAnswerError(f"the solver handed out no Fit but a {type(fit).__name__}")
    if (fit.coef is None) is not (fit.intercept is None):
        raise NotAnAnswerError("the solver handed out coefficients without an intercept, or the other way round")

    def predict(X: Floats) -> Floats:
        predicted = real(fit.predict(X), "predictions")
        if predicted.shape not in ((len(X),), (len(X), 1)):
            raise NotAnAnswerError(f"the solver predicted an array of shape {predicted.shape} for {len(X)} rows")
        return predicted.reshape(-1)

    coef, intercept = fit.coef, fit.intercept
    if coef is not None:
        coef, intercept = real(coef, "coefficients").reshape(-1), float(real(intercept, "intercept").reshape(-1)[0])
        if len(coef) != problem.p:
            raise NotAnAnswerError(
                f"the solver handed out {counted(len(coef), 'coefficient')}; there are {counted(problem.p, 'feature')}"
            )
    return replace(
        fit,
        predict=predict,
        coef=coef,
        intercept=intercept,
        message=one_line(str(fit.message)),
        rank=_whole(fit.rank, problem.p + problem.intercept),
        inference=fit.inference and _inference(fit.inference),
    )


def check_excess(excess: float | None, rows: int) -> None:
    """Raise NotAnAnswerError for an excess loss below 0 by more than rounding: below the least loss there is none.

    The sum of so many terms is off by at most n eps of itself (Higham 2002, sec. 4.2).
    """
    if excess is not None and excess < -rows * float(np.finfo(np.float64).eps):
        raise NotAnAnswerError(f"the excess loss is {excess:.1e}: no parameters have a loss below the least one")


def contradiction(problem: Problem, fit: Fit, truth: Reference, dtype: str) -> str:
    """What in a checked fit cannot be true of its coefficients, in a line; empty where nothing is.

    Predictions are X coef + intercept, but for half of the digits of `dtype`, as an excess loss is judged
    (harness.verify.settle), relative to the largest sum |X| |coef| + |intercept| of a row. Standard errors are as many
    as terms and not negative, and finite where the exact ones exist and inv(R'R) has a digit: its diagonal may come out
    negative once the condition number's square exceeds 1 / eps (Higham 2002, sec. 14.3), which costs digits alone.
    """
    if fit.coef is None or fit.intercept is None:
        return ""
    if not (np.isfinite(fit.coef).all() and np.isfinite(fit.intercept)):
        return "a coefficient is not finite, and the predictions are"
    intercept, most = fit.intercept if problem.intercept else 0.0, float(np.sqrt(np.finfo(dtype).eps))
    for part in SPLITS:
        X = problem.rows(part)[0]
        with np.errstate(all="ignore"):
            apart = np.abs(fit.predict(X) - (X @ fit.coef + intercept)).max(initial=0.0)
            size = (np.abs(X) @ np.abs(fit.coef) + abs(intercept)).max(initial=0.0)
        if np.isfinite(size) and not apart <= most * size:
            return f"the predictions of the {part} rows are not X coef + intercept: they differ by up to {apart:.1e}"
    return _of_standard_errors(fit.inference, truth)


def _of_standard_errors(inference: Inference | None, truth: Reference) -> str:
    if inference is None or not len(inference.standard_errors):
        return ""
    errors = np.asarray(inference.standard_errors)
    if len(errors) != truth.columns:
        return f"there are {counted(len(errors), 'standard error')} for {counted(truth.columns, 'coefficient')}"
    if (errors < 0).any():
        return f"a standard error is negative: {errors.min():.3g}"
    has_digits = truth.condition_number**2 * np.finfo(np.float64).eps < 1
    if truth.standard_errors is not None and has_digits and not np.isfinite(errors).all():
        return "a standard error is not finite"
    return ""


def _whole(rank: Any, columns: int) -> int | None:
    if rank is None:
        return None
    try:
        whole = -1 if isinstance(rank, bool | str) else int(rank)
    except (TypeError, ValueError, OverflowError):
        whole = -1
    if whole != rank:
        raise NotAnAnswerError(f"the solver's rank is no whole number: {one_line(repr(rank))}")
    if not 0 <= whole <= columns:
        raise NotAnAnswerError(f"the solver found rank {whole} of {counted(columns, 'column')}")
    return whole


def _inference(given: Inference) -> Inference:
    """With numbers that are real and texts that can be kept."""
    statistics = list(given.statistics.items())[:MOST_STATISTICS]
    summary = str(given.summary)[:MOST_CHARACTERS].encode(errors="backslashreplace").decode()
    return replace(
        given,
        standard_errors=tuple(real(given.standard_errors, "standard errors").reshape(-1).tolist()),
        statistics={one_line(str(name)): float(real(value, "statistics").reshape(-1)[0]) for name, value in statistics},
        summary=summary,
    )
