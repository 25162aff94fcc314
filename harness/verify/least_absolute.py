"""The exact optimum of the mean absolute deviation: a linear program's vertex, solved and certified in fractions."""

from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from math import fsum, lcm

import numpy as np

from harness.problems.problem import Floats, Indices
from harness.verify.exact_flint import Rationals
from harness.verify.gram import exact_gram
from harness.verify.rounding import nearest
from harness.verify.vertices import descended, integers, vertices, widest_dual

CHUNK_NUMBERS = 2**21
"""Residuals that are held at once: 16 MiB."""


@dataclass(frozen=True)
class LeastAbsolute:
    """A minimum of the mean absolute deviation, certified.

    `parameters` (k,): intercept first, nearest to the exact ones; `mean`: the least mean absolute deviation, in the
    unit of y; `residual` (n,): 0 where it is exactly 0; `weights` (n,); `dual` (n,): the weight with the residual's
    sign, or, where that is 0, a number no larger, so that A'dual = 0: the certificate. `unique`: whether no other
    parameters reach the minimum.
    """

    parameters: Floats
    mean: float
    residual: Floats
    dual: Floats
    weights: Floats
    unique: bool

    def excess(self, design: Floats, parameters: Floats) -> Floats:
        """Mean absolute deviation of each row of parameters (E, k), less the least: (E,), not cancelling.

        With residuals r it is the sum of w |r| - dual r over that of w, since A'dual = 0: no term is negative, and a
        row whose residual keeps its sign adds exactly 0.
        """
        found = np.empty(len(parameters))
        size = max(1, CHUNK_NUMBERS // len(design))
        with np.errstate(all="ignore"):
            for start in range(0, len(parameters), size):
                moved = (parameters[start : start + size] - self.parameters) @ design.T
                residual = self.residual - moved
                found[start : start + size] = (self.weights * np.abs(residual) - self.dual * residual).sum(axis=1)
        return np.asarray(found / self.weights.sum())


def least_absolute(X: Floats, y: Floats, *, intercept: bool, weights: Floats | None = None) -> LeastAbsolute | None:
    """The minimum of mean |y - A b| over X (n, p) of full column rank and y (n,); None where none was certified.

    With `weights` (n,) above 0 it is sum w |y - A b| over sum w.

    Linear programming finds k rows that the optimum passes through (Barrodale and Roberts 1973, SIAM J. Numer. Anal.
    10): b is solved from them in fractions, the signs of all residuals follow, and from A'dual = 0 the dual of the k
    rows. |dual| <= 1 proves the minimum; < 1 at rows of full rank proves that it is the only one (Bloomfield and
    Steiger 1983, Least Absolute Deviations, ch. 1).
    """
    design, w = (
        np.column_stack([np.ones(len(y)), X]) if intercept else X,
        np.ones(len(y)) if weights is None else weights,
    )
    relative = w / w.max()
    weighted = design * relative[:, None], y * relative
    for rows, dual in vertices(*weighted):
        with suppress(np.linalg.LinAlgError):  # rows that are independent, but not for float64
            rows[:] = descended(*weighted, rows, dual)
        found = _certified(design, y, w, rows, dual, intercept=intercept)
        if found is not None:
            return found
    return None


def _certified(
    design: Floats, y: Floats, weights: Floats, rows: Indices, dual: Floats, *, intercept: bool
) -> LeastAbsolute | None:
    """The fit through k rows if it is a minimum; `dual` (n,) is what a linear program had at rows of weight 1."""
    solved = [integers([*row, target])[0] for row, target in zip(design[rows].tolist(), y[rows].tolist(), strict=True)]
    exact = Rationals().solve([row[:-1] for row in solved], [row[-1] for row in solved])
    parameters = np.array([nearest(value) for value in exact])
    residual, sign = _residuals(design, y, exact, parameters)
    zero, others = sign == 0, weights * sign
    widest = None
    if zero.sum() > len(rows):
        relative = weights / weights.max()
        widest = widest_dual(design[zero] * relative[zero, None], -(sign * relative) @ design)
    others[zero] = weights[zero] * (dual[zero] if widest is None else widest)
    others[rows] = 0.0
    gram = exact_gram(np.column_stack([design[:, int(intercept) :], y]), others, intercept=intercept)
    sums = [value * unit * gram.y_unit for value, unit in zip(gram.right, gram.units, strict=False)]
    transposed = [[Fraction(value) for value in column] for column in design[rows].T.tolist()]
    inside = _solve(transposed, [-value for value in sums[:-1]])
    largest = max(abs(d) / Fraction(weight) for d, weight in zip(inside, weights[rows].tolist(), strict=True))
    if largest > 1:
        return None
    through = sum((d * Fraction(target) for d, target in zip(inside, y[rows].tolist(), strict=True)), Fraction())
    unique = largest < 1 and bool(np.all(np.abs(others[zero]) < weights[zero]))
    others[rows] = list(map(float, inside))
    mean = nearest((sums[-1] + through) / Fraction(fsum(weights)))
    return LeastAbsolute(parameters, mean, residual, others, weights, unique)


def _solve(matrix: list[list[Fraction]], right: list[Fraction]) -> list[Fraction]:
    """The solution of a nonsingular system of binary fractions."""
    whole = []
    for row, value in zip(matrix, right, strict=True):
        power = max(entry.denominator for entry in (*row, value))
        whole.append([int(entry * power) for entry in (*row, value)])
    return Rationals().solve([row[:-1] for row in whole], [row[-1] for row in whole])


def _residuals(design: Floats, y: Floats, exact: list[Fraction], parameters: Floats) -> tuple[Floats, Floats]:
    """Residuals (n,), 0 where that is exact, and their exact signs (n,).

    A sign is certain where the computed residual is above its rounding, (k + 2) eps (|y| + |A| |b|) (Higham 2002,
    sec. 3.1, with the rounding of b); the others are computed in integers.
    """
    residual = y - design @ parameters
    bound = (design.shape[1] + 2) * np.finfo(np.float64).eps * (np.abs(y) + np.abs(design) @ np.abs(parameters))
    sign = np.sign(residual)
    common = lcm(*(value.denominator for value in exact))
    tops = [int(value * common) for value in exact]
    for i in np.flatnonzero(~(np.abs(residual) > bound)):
        whole, unit = integers([*design[i].tolist(), float(y[i])])
        left = whole[-1] * common - sum(a * b for a, b in zip(whole, tops, strict=False))
        sign[i] = (left > 0) - (left < 0)
        residual[i] = nearest(Fraction(left, unit * common))
    return residual, sign
