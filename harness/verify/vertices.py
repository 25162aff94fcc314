"""Rows that a fit of least absolute deviations is likely to pass through, by linear programming in float64.

Nothing here is certain: harness.verify.least_absolute proves what it takes.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from harness.problems.problem import Floats, Indices
from harness.verify.exact_flint import Rationals

INTERIOR_POINT_ROWS = 10_000
"""From so many rows on HiGHS solves by its interior-point method (measured, p = 5: 1e4 rows 0.14 s, 1e5 rows 1.5 s)."""
ZERO_RESIDUAL = 1e-7
"""Of HiGHS: its primal and dual feasibility tolerance, relative to a target of unit size."""
ROUNDING = 1e-12
"""Of a residual, relative to the largest |y|, and of a dual, in what only proposes rows: the proof is exact."""
MOST_STEPS = 100
"""Of a descent from the linear program's rows; where they do not suffice, nothing is certified."""


def vertices(design: Floats, y: Floats) -> Iterator[tuple[Indices, Floats]]:
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
        rows = [integers(row)[0] for row in design[order[:count]].tolist()]
        found = Rationals().independent([list(column) for column in zip(*rows, strict=True)], k)
        if len(found) == k:
            return order[list(found)]
        if count == n:
            return None
        count = min(n, 8 * count)


def integers(values: Sequence[float]) -> tuple[list[int], int]:
    """Float64 numbers times the least power of two that makes integers of them, and that power."""
    ratios = [value.as_integer_ratio() for value in values]
    power = max(ratio[1] for ratio in ratios)
    return [top * (power // bottom) for top, bottom in ratios], power


def descended(design: Floats, y: Floats, rows: Indices, dual: Floats) -> Indices:
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


def widest_dual(design: Floats, right: Floats) -> Floats | None:
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
