"""Relative excess loss (L - L*) / L* of linear parameters, in float64 and without cancellation."""

import numpy as np

from harness.problems.problem import Floats, Problem
from harness.verify.reference import Reference

TOLERANCES = (1e-2, 1e-4, 1e-6)
"""The convergence targets (DESIGN sec. 3)."""


def excess_loss(coef: Floats, intercept: Floats, reference: Reference) -> Floats:
    """The relative excess squared loss of each row of parameters: coef (E, p), intercept (E,) -> (E,).

    With e the error of the parameters and A the design, L - L* = |A e|² / n = |R e|² / n for the
    triangular factor R of A: a sum of squares, so that it keeps its digits where subtracting two losses
    would lose them. Any solution of a rank-deficient problem will do, since A maps their differences
    to 0. R's first row splits the intercept off exactly. Parameters that are not finite give infinity.
    """
    with np.errstate(all="ignore"):
        error = np.atleast_2d(coef) - reference.coef
        if reference.columns > error.shape[1]:
            error = np.column_stack([np.atleast_1d(intercept) - reference.intercept, error])
        return relative_excess(np.sum((error @ reference.factor.T) ** 2, axis=1) / reference.n, reference.loss_scale)


def relative_excess(excess: Floats, scale: float) -> Floats:
    """An excess (E,) over what it is relative to: 0 where there is none, infinite where it is not finite."""
    with np.errstate(all="ignore"):
        relative = np.where(excess == 0, 0.0, excess / scale)
    return np.where(np.isfinite(relative), relative, np.inf)


def excess_of_predictions(problem: Problem, predicted: Floats, reference: Reference) -> float:
    """The relative excess squared loss of the training rows' predictions (n,); infinite where one is not finite.

    With d their distance from the exact fit and r its residuals, the loss is mean w (r - d)², and the excess
    mean w (d² - 2 d r): no difference of two losses. Of a linear function of the columns it is mean w d² >= 0, as r is
    orthogonal to them; below 0 by more than half of the digits (sqrt eps) it is of none, and given as it is.
    """
    X, y = problem.rows("train")
    weights = problem.mean_one_weights("train")
    with np.errstate(all="ignore"):
        best = X @ reference.coef + reference.intercept
        distance = predicted - best
        each = distance * distance - 2 * distance * (y - best)
        excess = float(np.mean(each if weights is None else weights * each))
        relative = 0.0 if excess == 0 else excess / reference.loss_scale
    if not np.isfinite(relative):
        return float("inf")
    return relative if relative > 0 or relative < -float(np.sqrt(np.finfo(np.float64).eps)) else 0.0


def epochs_to(excess: Floats, tolerance: float) -> int | None:
    """Steps until the excess (E + 1,) is first at or below the tolerance; None if it never is (censored)."""
    reached = np.flatnonzero(excess <= tolerance)
    return int(reached[0]) if len(reached) else None


def relative_to(name: str | None) -> str:
    """What an excess is relative to, after its number: " of the optimum's", ", relative to: a, b"."""
    return f" of the {name}'s" if name and "," not in name else f", relative to: {name}"
