"""How many digits a least-squares method must have on a problem, from the data alone and from what it claims to be.

A backward-stable method solves exactly a problem whose data were moved within rounding. With A = U S V', the solution x
and the residual r, a design moved by dA and a target moved by db move the solution, to first order, by

    dx = A+ (db - dA x) + (A'A)^-1 dA' r

(Higham 2002, Accuracy and Stability of Numerical Algorithms, sec. 20.1; Björck 1996, Numerical Methods for Least
Squares Problems, sec. 1.4), so that coefficient i moves by at most

    |row i of A+| (|db| + |dA| |x|) + |row i of (A'A)^-1| |dA| |r|,

the second term with the square of the condition number. What dA is depends on the method:

- `qr`: Householder QR is stable in each column (Higham 2002, thm 20.3). The columns are scaled to unit length here, for
  which QR is the same.
- `svd`: stable in the norm of the whole design (Golub and Van Loan 2013, Matrix Computations, sec. 5.5), and so not in
  a column that is short beside others.
- `normal_equations`: A'A and A'y are formed, each within rounding of its size, and solved by Cholesky, which is stable
  (Higham 2002, sec. 20.4 and thm 10.3). dx = (A'A)^-1 (d(A'y) - d(A'A) x): always with the square of the condition
  number, whatever the residual. The scale of columns does no harm (van der Sluis 1969).

The size of "within rounding" is the one by which a backward error is called stable (harness.verify.backward_error).
"""

from enum import StrEnum
from math import sqrt

import numpy as np

from harness.problems.problem import Floats
from harness.verify.backward_error import explained
from harness.verify.digits import MAX_DIGITS
from harness.verify.reference import Reference

FIRST_ORDER = 0.5
"""Up to this eps cond(A) first order is taken: Wedin's bound divides by 1 - eps cond(A) (Higham 2002, thm 20.1)."""


class Method(StrEnum):
    """What a solver claims to be."""

    QR = "qr"
    SVD = "svd"
    NORMAL_EQUATIONS = "normal_equations"


def expected_digits(reference: Reference, method: Method, dtype: str = "float64") -> Floats:
    """Digits (k,) that a solver of that method must have, intercept first: the least that rounding in `dtype` leaves.

    0 where nothing is promised: a short rank, or a move of the data within rounding that changes everything.
    """
    if not reference.full_rank:
        return np.zeros(reference.columns)
    if method is Method.SVD:
        lengths, (values, vectors) = np.ones(reference.columns), reference.singular
    else:
        lengths, values, vectors = reference.scaled_singular
    eta = explained(reference, dtype)
    with np.errstate(all="ignore"):
        squared = method is Method.NORMAL_EQUATIONS
        moved = _moved(lengths * reference.solution, values, vectors, reference, eta, squared=squared)
        size = np.where(reference.solution == 0, 1.0, np.abs(reference.solution))  # absolute where the truth is 0
        found = -np.log10(moved / lengths / size)
    return np.asarray(np.clip(np.nan_to_num(found, nan=0.0), 0.0, MAX_DIGITS))


def _moved(
    solution: Floats, values: Floats, vectors: Floats, reference: Reference, eta: float, *, squared: bool
) -> Floats:
    """By how much each coefficient (k,) may move; infinite beyond first order. `vectors` holds V' by row."""
    size = float(np.linalg.norm(values))
    residual = sqrt(reference.n * reference.mse)
    target = float(np.hypot(np.linalg.norm(values * (vectors @ solution)), residual))
    rows = np.sqrt(np.square(vectors / values[:, None]).sum(axis=0))
    gram_rows = np.sqrt(np.square(vectors / np.square(values)[:, None]).sum(axis=0))
    length = float(np.linalg.norm(solution))
    strain = eta * (size / values[-1]) ** (2 if squared else 1)
    if not strain < FIRST_ORDER:
        return np.full(len(solution), np.inf)
    if squared:
        moved = gram_rows * (size**2 * length + size * target)
    else:
        moved = rows * (target + size * length) + gram_rows * size * residual
    return np.asarray(eta * moved / (1 - strain))
