"""Coefficients, residual, standard errors and rank from the double-double factorisation."""

from dataclasses import dataclass

import numpy as np

from harness.problems.problem import Floats
from harness.solvers.reference_qr.double_double import DD
from harness.solvers.reference_qr.factorisation import (
    back_substitute,
    factor,
    forward_substitute,
    identity,
    project,
)


@dataclass(frozen=True)
class QRSolution:
    """Float64: beta (c,), shares (c,) of the residual variance, rss and r_squared, rank, condition number.

    The condition number is the 2-norm one of the design with its columns scaled to a largest entry of about 1.
    Of a rank-deficient design beta is the minimum-norm solution, shares are NaN, the condition number infinite.
    """

    beta: Floats
    shares: Floats
    rss: float
    r_squared: float
    rank: int
    condition_number: float


def least_squares(A: Floats, y: Floats, *, intercept: bool) -> QRSolution:
    """Min |A b - y| for A (n, c), y (n,), both float64; `intercept`: R² is about the mean of y.

    Raises ValueError for NaN or infinity.
    """
    if not (np.isfinite(A).all() and np.isfinite(y).all()):
        raise ValueError("the data hold NaN or infinite values")
    c = A.shape[1]
    scale = _powers(A)
    unit = float(_powers(y[:, None])[0])
    f = factor(DD.of(A * scale))
    target = DD.of(y * unit)
    z, rest = project(f.Q, target)
    rss = (rest * rest).sum()
    beta, shares, condition = np.zeros(c), np.full(c, np.nan), np.inf
    R = f.R[:, : f.rank]
    if f.rank == c:
        solved = back_substitute(R, z[:, None])
        inverse = back_substitute(R, identity(c))
        rows = DD((inverse * inverse).hi.T, (inverse * inverse).lo.T).sum()
        beta[f.pivots] = solved.hi[:, 0]
        shares[f.pivots] = rows.hi
        beta, shares = beta * scale / unit, shares * scale**2
        condition = _condition(R.hi, inverse.hi)
    elif f.rank:
        beta = _minimum_norm(f.R, z, f.pivots, scale) / unit
    r_squared = _r_squared(rss, target, intercept=intercept)
    return QRSolution(beta, shares, float(rss.hi) / unit**2, r_squared, f.rank, condition)


def _r_squared(rss: DD, y: DD, *, intercept: bool) -> float:
    """1 - rss / tss in double-double, about the mean with an intercept; NaN where y does not vary."""
    if intercept:
        y = y - y.sum() / DD.of(float(len(y.hi)))
    tss = (y * y).sum()
    return float((DD.of(1.0) - rss / tss).hi) if tss.hi > 0 else float("nan")


def _powers(A: Floats) -> Floats:
    """The powers of two that bring each column's norm near 1: scaling by them is exact."""
    largest = np.abs(A).max(axis=0, initial=0.0)
    return np.ldexp(1.0, np.where(largest > 0, -np.frexp(largest)[1], 0))


def _minimum_norm(R: DD, z: DD, pivots: "np.ndarray[tuple[int], np.dtype[np.int64]]", scale: Floats) -> Floats:
    """The minimum-norm b with R D^-1 P' b = z: a second factorisation, of the transpose (complete orthogonal)."""
    back = (1 / scale)[pivots]  # the norm is the coefficients' own: the scaling is undone
    T = DD((R.hi * back).T, (R.lo * back).T)
    f = factor(T)
    right = DD(z.hi[f.pivots][:, None], z.lo[f.pivots][:, None])
    w = forward_substitute(f.R, right)
    parts = f.Q * DD(w.hi[:, 0], w.lo[:, 0])
    b = np.zeros(len(pivots))
    b[pivots] = DD(parts.hi.T, parts.lo.T).sum().hi
    return b


def _condition(R: Floats, inverse: Floats) -> float:
    """|R|_2 |R^-1|_2: the small singular values from the inverse, where they are the large ones."""
    return float(np.linalg.norm(R, 2) * np.linalg.norm(inverse, 2))
