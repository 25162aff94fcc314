"""Relative excess loss (L - L*) / L* of linear parameters, in float64 and without cancellation."""

import numpy as np

from harness.problems.problem import Floats
from harness.verify.reference import Reference

TOLERANCES = (1e-2, 1e-4, 1e-6)
"""The convergence targets (DESIGN sec. 3)."""


def excess_loss(coef: Floats, intercept: Floats, reference: Reference) -> Floats:
    """The relative excess squared loss of each row of parameters: coef (E, p), intercept (E,) -> (E,).

    With e the error of the parameters, L - L* = e'Ge for the Gram matrix G of the design: a sum of
    squares, so that it keeps its digits where subtracting two losses would lose them. Centred columns
    split the intercept off exactly. Parameters that are not finite give infinity.
    Raises ValueError if the reference has no unique solution.
    """
    if reference.coef is None or reference.intercept is None:
        raise ValueError("no unique least-squares solution to measure the excess from")
    with np.errstate(all="ignore"):
        error = np.atleast_2d(coef) - reference.coef
        shift = np.atleast_1d(intercept) - reference.intercept + error @ reference.x_mean
        excess = np.einsum("ei,ij,ej->e", error, reference.gram, error) + shift**2
        relative = np.maximum(excess, 0.0) / reference.loss_scale
    return np.where(np.isfinite(relative), relative, np.inf)


def epochs_to(excess: Floats, tolerance: float) -> int | None:
    """Steps until the excess (E + 1,) is first at or below the tolerance; None if it never is (censored)."""
    reached = np.flatnonzero(excess <= tolerance)
    return int(reached[0]) if len(reached) else None
