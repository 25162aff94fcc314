"""The exact optimum of the mean absolute deviation: a linear program's vertex, solved and certified in fractions."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from math import fsum, lcm
from typing import Any

import numpy as np

from harness.problems.problem import Floats, Indices
from harness.verify.gram import exact_gram
from harness.verify.least_squares import rationals
from harness.verify.rounding import nearest

INTERIOR_POINT_ROWS = 10_000
"""From so many rows on HiGHS solves by its interior-point method (measured, p = 5: 1e4 rows 0.14 s, 1e5 rows 1.5 s)."""
ZERO_RESIDUAL = 1e-7
"""Of HiGHS: its primal and dual feasibility tolerance, relative to a target of unit size."""
ROUNDING = 1e-12
"""Of a residual, relative to the largest |y|, and of a dual, in what only proposes rows: the proof is exact."""
MOST_STEPS = 100
"""Of a descent from the linear program's rows; where they do not suffice, nothing is certified."""
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
    for rows, dual in _vertices(*weighted):
        with suppress(np.linalg.LinAlgError):  # rows that are independent, but not for float64
            rows[:] = _descended(*weighted, rows, dual)
        found = _certified(design, y, w, rows, dual, intercept=intercept)
        if found is not None:
            return found
    return None


def _vertices(design: Floats, y: Floats) -> Iterator[tuple[Indices, Floats]]:
    """Likely choices of k independent rows, with the linear program's dual (n,).

    First among rows of residual 0 those whose dual is furthest inside [-1, 1], then by the residual alone.
    """
    scaled, target = _unit_columns(design), _unit_columns(y[:, None])[:, 0]
    for program in (_dual_program, _primal_program):
        found = program(scaled, target)
        if found is None:
            continue
        residual, dual = np.abs(found[0]), np.clip(found[1], -1, 1)
        for order in (np.where(residual <= ZERO_RESIDUAL, np.abs(dual) - 2, residual), residual):
            rows = _independent(design, np.argsort(order, kind="stable"))
            if rows is not None:
                yield rows, dual


def _dual_program(design: Floats, y: Floats) -> tuple[Floats, Floats] | None:
    """Residuals and dual (n,) from max y'd, A'd = 0, |d| <= 1; of a flat minimum the residuals may be of none."""
    found = _solved(-y, A_eq=design.T, b_eq=np.zeros(design.shape[1]), bounds=(-1, 1))
    return None if found.x is None else (y + design @ found.eqlin.marginals, found.x)


def _primal_program(design: Floats, y: Floats) -> tuple[Floats, Floats] | None:
    """The same from min sum(u + v), A b + u - v = y, u and v >= 0: slower, and always at a vertex."""
    from scipy.sparse import csr_array, eye_array, hstack

    n, k = design.shape
    rows = hstack([csr_array(design), eye_array(n), -eye_array(n)], format="csr")
    bounds = [(None, None)] * k + [(0, None)] * (2 * n)
    found = _solved(np.repeat([0.0, 1.0], [k, 2 * n]), A_eq=rows, b_eq=y, bounds=bounds)
    return None if found.x is None else (y - design @ found.x[:k], found.eqlin.marginals)


def _solved(cost: Floats, **constraints: Any) -> Any:
    """What HiGHS finds, as scipy's `linprog` hands it out; its `x` is None where it finds nothing."""
    from scipy.optimize import linprog

    return linprog(cost, method="highs-ds" if len(cost) < INTERIOR_POINT_ROWS else "highs-ipm", **constraints)


def _unit_columns(table: Floats) -> Floats:
    """Each column over its root mean square."""
    size = np.sqrt(np.mean(table**2, axis=0))
    return np.asarray(table / np.where(size > 0, size, 1.0))


def _independent(design: Floats, order: Indices) -> Indices | None:
    """The first k rows in this order that are linearly independent, exactly; None where there are fewer."""
    n, k = design.shape
    count = min(n, 8 * k)
    while True:
        rows = [_integers(row)[0] for row in design[order[:count]].tolist()]
        found = rationals().independent([list(column) for column in zip(*rows, strict=True)], k)
        if len(found) == k:
            return order[list(found)]
        if count == n:
            return None
        count = min(n, 8 * count)


def _integers(values: Sequence[float]) -> tuple[list[int], int]:
    """Float64 numbers times the least power of two that makes integers of them, and that power."""
    ratios = [value.as_integer_ratio() for value in values]
    power = max(ratio[1] for ratio in ratios)
    return [top * (power // bottom) for top, bottom in ratios], power


def _descended(design: Floats, y: Floats, rows: Indices, dual: Floats) -> Indices:
    """The k rows of a vertex from which no edge descends, in float64, by Barrodale and Roberts' steps.

    The linear program has a tolerance; where many residuals are within it, its rows are near the minimum's.
    Leaving the row of the largest dual, the step goes on past residuals that change sign while the loss still falls.
    """
    rows, lengths = rows.copy(), np.abs(design).max(axis=0)
    scaled = design / np.where(lengths > 0, lengths, 1.0)
    for _ in range(MOST_STEPS):
        vertex = scaled[rows]
        residual = y - scaled @ np.linalg.solve(vertex, y[rows])
        sign = np.where(np.abs(residual) <= ROUNDING * np.abs(y).max(), dual, np.sign(residual))
        residual[rows] = sign[rows] = 0.0
        inside = np.linalg.solve(vertex.T, -sign @ scaled)
        leaving = int(np.argmax(np.abs(inside)))
        if abs(inside[leaving]) <= 1 + ROUNDING:
            break
        edge = np.zeros(len(rows))
        edge[leaving] = -np.sign(inside[leaving])
        moved = scaled @ np.linalg.solve(vertex, edge)
        ahead = np.flatnonzero(moved * residual > 0)
        at = residual[ahead] / moved[ahead]
        order = np.argsort(at, kind="stable")
        slope = 1 - abs(inside[leaving]) + 2 * np.cumsum(np.abs(moved[ahead][order]))
        entering = np.flatnonzero(slope >= 0)
        if not len(entering):
            break
        rows[leaving] = ahead[order[entering[0]]]
    return rows


def _certified(
    design: Floats, y: Floats, weights: Floats, rows: Indices, dual: Floats, *, intercept: bool
) -> LeastAbsolute | None:
    """The fit through k rows if it is a minimum; `dual` (n,) is what a linear program had at rows of weight 1."""
    solved = [_integers([*row, target])[0] for row, target in zip(design[rows].tolist(), y[rows].tolist(), strict=True)]
    exact = rationals().solve([row[:-1] for row in solved], [row[-1] for row in solved])
    parameters = np.array([nearest(value) for value in exact])
    residual, sign = _residuals(design, y, exact, parameters)
    zero, others = sign == 0, weights * sign
    widest = None
    if zero.sum() > len(rows):
        relative = weights / weights.max()
        widest = _widest(design[zero] * relative[zero, None], -(sign * relative) @ design)
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


def _widest(design: Floats, right: Floats) -> Floats | None:
    """The dual (m,) of rows with residual 0 that stays furthest inside [-1, 1], for design' dual = right.

    None where none is inside: it is exactly where the minimum is the only one, `right` then being inside the
    zonotope of the rows.
    """
    m, k = design.shape
    size = np.abs(design).max(axis=0)
    above, below = np.column_stack([np.eye(m), np.ones(m)]), np.column_stack([-np.eye(m), np.ones(m)])
    found = _solved(
        np.append(np.zeros(m), -1.0),
        A_ub=np.vstack([above, below]),
        b_ub=np.ones(2 * m),
        A_eq=np.column_stack([(design / size).T, np.zeros(k)]),
        b_eq=right / size,
        bounds=(None, None),
    )
    if found.x is None or found.x[-1] <= ZERO_RESIDUAL:
        return None
    return np.asarray(found.x[:-1])


def _solve(matrix: list[list[Fraction]], right: list[Fraction]) -> list[Fraction]:
    """The solution of a nonsingular system of binary fractions."""
    whole = []
    for row, value in zip(matrix, right, strict=True):
        power = max(entry.denominator for entry in (*row, value))
        whole.append([int(entry * power) for entry in (*row, value)])
    found: list[Fraction] = rationals().solve([row[:-1] for row in whole], [row[-1] for row in whole])
    return found


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
        whole, unit = _integers([*design[i].tolist(), float(y[i])])
        left = whole[-1] * common - sum(a * b for a, b in zip(whole, tops, strict=False))
        sign[i] = (left > 0) - (left < 0)
        residual[i] = nearest(Fraction(left, unit * common))
    return residual, sign
