"""Backward error of a computed least-squares solution: tells an unstable solver from an ill-conditioned problem."""

from math import sqrt

import numpy as np

from harness.problems.problem import Floats
from harness.verify.reference import Reference

STABLE_FACTOR = 3.0
"""Of sqrt(n k) eps, see `explained`. Measured on NIST's eleven sets, `synthetic` and `everyday` (n = 2000, 1e5):
Householder QR (gels, gelsy, statsmodels) 0.01 to 1.2, the SVD (gelsd) the same where the columns' scales are
alike, normal equations 6 to 70 on Longley and Wampler 1 to 3."""


def backward_error(solution: Floats, reference: Reference) -> float:
    """How far the design must move for `solution` (k,) to be a least-squares solution of it, relatively.

    The optimal distance in the Frobenius norm is Walden, Karlson and Sun 1995 (Numer. Linear Algebra
    Appl. 2; Higham 2002, thm 20.5). This is the estimate of Karlson and Walden 1997 (BIT 37) that
    Grcar, Saunders and Su 2007 validate, |(|x|² A'A + |r|² I)^(-1/2) A'r| / |A|_F, proven to be within a
    factor of sqrt(2) (Hallman, "Estimating the backward error for the least-squares problem with
    multiple right-hand sides", Zbl 1453.65079).

    A has its columns scaled to unit length, and x to match. Householder QR is stable in each column
    (Higham 2002, thm 20.3), so that this asks no more of it; without the scaling one long column would
    hide what happens to the others, normal equations on Longley among it.

    A'r = -A'A e for the error e, since A'r is 0 at the solution; with A = U S V' and w = V'e the
    estimate is the norm of s² w / sqrt(|x|² s² + |r|²), and |r|² is the least one plus |S w|²: nothing
    cancels. The exact solution is rounded to float64, so that less than about eps / 2 is not resolved.
    A solution that is not finite is infinitely far.
    """
    lengths, values, vectors = reference.scaled_singular
    with np.errstate(all="ignore"):
        moved = values * (vectors @ (lengths * (np.asarray(solution) - reference.solution)))
        residual = np.hypot(sqrt(reference.n * reference.mse), np.linalg.norm(moved))
        size = np.hypot(np.linalg.norm(lengths * solution) * values, residual)
        # where moved is 0 the term is 0, whatever it is divided by: also for x = 0 and r = 0
        terms = np.where(moved == 0, 0.0, values * (moved / size))
        error = float(np.linalg.norm(terms) / np.linalg.norm(values)) if values.any() else 0.0
    return error if np.isfinite(error) else float("inf")


def is_stable(error: float, reference: Reference, dtype: str) -> bool:
    """Whether rounding in float32 or float64 explains a backward error: up to `explained`."""
    return error <= explained(reference, dtype)


def explained(reference: Reference, dtype: str) -> float:
    """The largest backward error that rounding in float32 or float64 explains: 3 sqrt(n k) eps.

    The bound of Householder QR grows with n k eps (Higham 2002, thm 20.3); rounding errors add up like
    a random walk, to its square root (Higham and Mary 2019, SIAM J. Sci. Comput. 41).
    """
    return STABLE_FACTOR * sqrt(reference.n * reference.columns) * float(np.finfo(dtype).eps)
