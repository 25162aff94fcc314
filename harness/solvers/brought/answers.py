"""What somebody's solver hands out, read as a Fit: coefficients, a results object, a fitted estimator."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from harness.problems.problem import Floats, Problem, design_matrix
from harness.solvers.closed_forms.inference import reported
from harness.solvers.fit import Fit, Inference, NotAnAnswerError, fit_from_design, linear_fit, real

LSTSQ = 4
"""numpy.linalg.lstsq and scipy.linalg.lstsq return (coefficients, residuals, rank, singular values)."""

ONES = "X has a column of ones in front: a function that adds its own has adds_intercept = True"


def read_answer(answer: Any, problem: Problem, name: str, *, ones: bool) -> Fit:
    """The Fit of what `name` returned. `ones`: its design had the column of ones of the intercept in front.

    Coefficients, one a column of its design; also first in a tuple (as of lstsq, nnls, lsqr), as `x` of scipy's
    OptimizeResult, as `params` with `bse` of statsmodels, or as `coef_` and `intercept_` of scikit-learn. Without
    `ones` a problem's intercept comes first, or in a pair with the coefficients, in either order. Raises TypeError or
    ValueError, one line, for anything else.
    """
    if answer is None:
        raise TypeError(f"{name} returned None, where the coefficients are expected")
    if hasattr(answer, "params") and not hasattr(answer, "coef_"):
        return _results(answer, problem, name)
    if hasattr(answer, "predict"):
        return read_estimator(answer, problem, name, ones=ones)
    rank = None
    if not isinstance(answer, np.ndarray) and hasattr(answer, "x"):
        answer = answer.x
    elif _is_pair(answer) and not ones and problem.intercept:
        return linear_fit(_counted(answer[1], problem.p, name), float(_counted(answer[0], 1, name)[0]))
    elif isinstance(answer, tuple) and answer and len(_numbers(answer[0], name).shape):
        if len(answer) == LSTSQ and isinstance(answer[2], int | np.integer):
            rank = int(answer[2])
        pair = len(answer) == 2 and not ones and problem.intercept  # noqa: PLR2004  # coefficients, intercept
        if pair and _numbers(answer[0], name).size == problem.p:
            return linear_fit(_counted(answer[0], problem.p, name), float(_counted(answer[1], 1, name)[0]))
        answer = answer[0]
    hint = ""
    values = _numbers(answer, name)
    if ones and values.size in (problem.p, problem.p + 2):
        hint = f": {ONES}"
    beta = _counted(values, problem.p + problem.intercept, name, hint)
    return fit_from_design(beta, problem.intercept, rank=rank)


def _is_pair(answer: Any) -> bool:
    """Whether it is a number and an array of them, as an intercept and coefficients are."""
    if not (isinstance(answer, tuple) and len(answer) == 2):  # noqa: PLR2004  # a pair
        return False
    one, several = answer
    number = isinstance(one, int | float | np.number) or getattr(one, "ndim", None) == 0
    return number and (isinstance(several, list | tuple) or getattr(several, "ndim", 0) > 0)


def read_estimator(fitted: Any, problem: Problem, name: str, *, ones: bool) -> Fit:
    """The Fit of a fitted estimator: its coefficients and, where it has `predict`, its predictions, which must agree.

    One without `coef_` is a predictor, and judged by what it predicts.
    """
    coef = getattr(fitted, "coef_", None)
    if coef is None:
        return Fit(lambda X: _predicted(fitted, _design_of(X, ones=ones), name), by_predictions=True)
    if ones:
        fit = fit_from_design(_counted(coef, problem.p + 1, name), True)
    else:
        rank = getattr(fitted, "rank_", None)
        own = int(problem.intercept)
        fit = linear_fit(
            _counted(coef, problem.p, name),
            float(_counted(getattr(fitted, "intercept_", 0.0), 1, name)[0]),
            rank=int(rank) + own if isinstance(rank, int | np.integer) else None,
        )
    if not callable(getattr(fitted, "predict", None)):
        return fit
    return replace(fit, predict=lambda X: _predicted(fitted, _design_of(X, ones=ones), name))


def _predicted(fitted: Any, X: Floats, name: str) -> Floats:
    if not len(X):  # scikit-learn's refuse it; a part of a split may have no rows
        return np.empty(0)
    return _counted(fitted.predict(X), len(X), f"{name}.predict", what="values", of="rows")


def _design_of(X: Floats, *, ones: bool) -> Floats:
    return np.column_stack([np.ones(len(X)), X]) if ones else X


def _results(results: Any, problem: Problem, name: str) -> Fit:
    """The Fit of a results object with its standard errors, where it has them."""
    columns = problem.p + problem.intercept
    beta = _counted(results.params, columns, name)
    errors = next((getattr(results, key) for key in ("bse", "std_errors") if hasattr(results, key)), None)
    inference: Inference | None = None
    if errors is not None:
        statistics = {"residual_sd": _root(getattr(results, "scale", None)), "r_squared": _r_squared(results)}
        inference = reported(
            problem,
            _counted(errors, columns, name, what="standard errors"),
            (),
            (),
            statistics={key: value for key, value in statistics.items() if value is not None},
        )
    rank = getattr(getattr(results, "model", None), "rank", None)
    return fit_from_design(
        beta, problem.intercept, rank=int(rank) if isinstance(rank, int | np.integer) else None, inference=inference
    )


def _root(value: Any) -> float | None:
    return float(value) ** 0.5 if isinstance(value, float | np.floating) and value >= 0 else None


def _r_squared(results: Any) -> float | None:
    value = getattr(results, "rsquared", None)
    return float(value) if isinstance(value, float | np.floating) else None


def _counted(
    values: Any, count: int, name: str, hint: str = "", *, what: str = "coefficients", of: str = "columns"
) -> Floats:
    """The numbers (count,). Raises ValueError for another number of them."""
    found = _numbers(values, name).reshape(-1)
    if len(found) != count:
        raise ValueError(f"{name} returned {len(found)} {what} for {count} {of}{hint}")
    return found


def _numbers(values: Any, name: str) -> Floats:
    """An array of float64, of a tensor too. Raises TypeError for what is none, or has an imaginary part."""
    if hasattr(values, "detach"):
        values = values.detach().cpu().numpy()
    try:
        return real(values, "numbers")
    except NotAnAnswerError as error:
        kind = type(values).__name__
        raise TypeError(f"{name} returned {kind}, where coefficients are expected: {error}") from None


def design_for(problem: Problem, dtype: str, *, ones: bool) -> Sequence[Floats]:
    """The training rows X (n, p), or the design with ones (n, p + 1), and y (n,), in a dtype; copies."""
    X, y = problem.rows("train")
    A = design_matrix(problem) if ones else X
    return np.array(A, dtype=dtype), np.array(y, dtype=dtype)
