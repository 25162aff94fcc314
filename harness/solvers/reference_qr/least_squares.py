"""Coefficients, residual, standard errors and rank from the double-double factorisation."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.cores.crew import Crew
from harness.problems.problem import Floats
from harness.solvers.column_rounding import ColumnRounding, row_scales
from harness.solvers.reference_qr.double_double import DD
from harness.solvers.reference_qr.factorisation import QR, back_substitute, factor, identity, project
from harness.solvers.reference_qr.minimum_norm import minimum_norm

LEAST_ROWS = 2**16
"""Below, one thread is as quick: measured with 10 columns on two busy cores, 2e4 rows take two of them a tenth longer,
1e5 rows a twentieth less. Numbers wait for memory, of which double-double arithmetic needs much."""


@dataclass(frozen=True)
class QRSolution:
    """Float64: beta (c,), standard_errors (c,), residual_sd, rss and r_squared, rank, condition number.

    The condition number is the 2-norm one of the design with its columns scaled to a largest entry of about 1.
    The rank is the data's: a direction that moving entries by half a unit in their last place removes is none. Of a
    rank-deficient design beta is the minimum-norm solution, standard errors are NaN, the condition number
    infinite. Without a degree of freedom the standard errors and residual_sd are NaN.
    """

    beta: Floats
    standard_errors: Floats
    residual_sd: float
    rss: float
    r_squared: float
    rank: int
    condition_number: float


def least_squares(
    A: Floats, y: Floats, *, intercept: bool, weights: Floats | None = None, threads: int | None = None
) -> QRSolution:
    """Min |A b - y| for A (n, c), y (n,), both float64; `intercept`: R² is about the mean of y.

    With `weights` (n,) above 0 of sum w r²: rows are scaled by their roots in double-double, once the rank is known,
    which weights do not change. `threads`: by default one for each core that this process may use, and one alone where
    n is below LEAST_ROWS; the answer is the same to the last bit with any number of them. Raises ValueError for NaN or
    infinity, UsageError for threads below 1 and above the cores.
    """
    crew = Crew(threads, None if len(A) >= LEAST_ROWS else 1)
    if not (np.isfinite(A).all() and np.isfinite(y).all()):
        raise ValueError("the data hold NaN or infinite values")
    n = len(A)
    exponents = _exponents(A)
    unit = int(_exponents(y[:, None])[0])
    scaled, target = DD.of(np.ldexp(A, -exponents)), DD.of(np.ldexp(y, -unit))
    f = factor(scaled, crew=crew)
    determined = _determined_rank(A, f, exponents, crew, intercept=intercept)
    roots = DD.of(np.ones(n)) if weights is None else DD.of(weights).sqrt()
    if weights is not None:
        scaled, target = scaled * roots[:, None], target * roots
    if determined < f.rank or weights is not None:
        f = factor(scaled, determined, crew)
    z, rest = project(f.Q, target)
    rss = (rest * rest).sum()
    sd = float(np.sqrt(rss.hi / (n - f.rank))) if n > f.rank else float("nan")
    with np.errstate(over="ignore", under="ignore"):  # scaling by powers of two: what float64 cannot hold
        beta, errors, condition = _solved(f, z, sd, exponents, unit)
        residual_sd, square = float(np.ldexp(sd, unit)), float(np.ldexp(rss.hi, 2 * unit))
        r_squared = _r_squared(rss, target, roots, intercept=intercept)
    return QRSolution(beta, errors, residual_sd, square, r_squared, f.rank, condition)


def _solved(f: QR, z: DD, sd: float, exponents: NDArray[np.int64], unit: int) -> tuple[Floats, Floats, float]:
    """Coefficients and standard errors (c,) in the data's units, and the condition number; `z` is Q'y, `sd` of it."""
    c = len(exponents)
    beta, errors, condition = np.zeros(c), np.full(c, np.nan), float("inf")
    back = unit - exponents[f.pivots]
    if f.rank == c:
        beta[f.pivots] = np.ldexp(back_substitute(f.R, z[:, None]).hi[:, 0], back)
        inverse = back_substitute(f.R, identity(c))
        errors[f.pivots] = np.ldexp(np.sqrt((inverse * inverse).T.sum().hi) * sd, back)
        # The small singular values come from the inverse, where they are the large ones.
        condition = float(np.linalg.norm(f.R.hi, 2) * np.linalg.norm(inverse.hi, 2))
    elif f.rank:
        shortest, power = minimum_norm(f.R, z, exponents[f.pivots])
        beta[f.pivots] = np.ldexp(shortest, power + unit)
    return beta, errors, condition


def _determined_rank(A: Floats, f: QR, exponents: NDArray[np.int64], crew: Crew, *, intercept: bool) -> int:
    """How many of the directions of A = `f` remain when its entries move within their rounding; ones cannot.

    If some do not, the rows are scaled to alike sizes and looked at again: a wild row must not decide for the others.
    """
    rounding = ColumnRounding.of(A)
    known = rounding.norms()
    known[: int(intercept)] = 0.0
    found = _above_rounding(f, np.ldexp(known, -exponents))
    if found == f.rank:
        return found
    rows = row_scales(A, known)[:, None]
    lifted = A * rows
    again = ColumnRounding.of(lifted).norms(rounding.single)
    again[: int(intercept)] = 0.0
    units = _exponents(lifted)
    return max(found, _above_rounding(factor(DD.of(np.ldexp(lifted, -units)), crew=crew), np.ldexp(again, -units)))


def _above_rounding(f: QR, rounding: Floats) -> int:
    """The singular values above sqrt(p) of the factored columns over `rounding` (c,); those that are exact count.

    Any perturbation within the rounding has then a Frobenius norm of at most sqrt(p) (harness.verify.data_rank says
    more). The small singular values are the large ones of the inverse, of which float64 has enough digits.
    """
    known = rounding[f.pivots[: f.rank]]
    if not known.any():
        return f.rank
    inverse = back_substitute(f.R[:, : f.rank], identity(f.rank))
    large = np.linalg.svd(known[:, None] * inverse.hi, compute_uv=False)
    return f.rank - int((large * np.sqrt(np.count_nonzero(rounding)) >= 1).sum())


def _r_squared(rss: DD, y: DD, ones: DD, *, intercept: bool) -> float:
    """1 - rss / tss in double-double, about the mean with an intercept; NaN where y does not vary.

    `ones` (n,): what a column of ones became when the rows were scaled.
    """
    if intercept:
        mean = (y * ones).sum() / (ones * ones).sum()
        y = y - ones * mean
    tss = (y * y).sum()
    return float((DD.of(1.0) - rss / tss).hi) if tss.hi > 0 else float("nan")


def _exponents(A: Floats) -> NDArray[np.int64]:
    """Of the powers of two above each column's largest entry: scaling by them is exact."""
    largest = np.abs(A).max(axis=0, initial=0.0)
    return np.where(largest > 0, np.frexp(largest)[1], 0).astype(np.int64)
