"""A problem of the catalog, changed in one way; its exact answer is computed for what it is then."""

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from harness.problems.problem import Problem
from harness.problems.weights import weighted

SEED = 0
HEAVIEST = 9


def changed(problem: Problem, how: str, X: ArrayLike, y: ArrayLike, features: tuple[str, ...] = ()) -> Problem:
    """The problem with other numbers, all of them training rows, and a label that says `how`."""
    label = f"{problem.label} ({how})"
    return replace(
        problem,
        name=label,
        spec=label,
        parameters={},
        X=np.array(X, dtype=np.float64),
        y=np.array(y, dtype=np.float64),
        features=features or problem.features,
        truth=None,
    )


def with_rows_moved(problem: Problem) -> Problem:
    """The rows in an order by chance, the same each time."""
    order = np.random.default_rng(SEED).permutation(problem.n)
    return changed(problem, "rows moved", problem.X[order], problem.y[order])


def with_columns_moved(problem: Problem) -> Problem:
    """The columns in an order by chance, the same each time."""
    order = np.random.default_rng(SEED).permutation(problem.p)
    names = tuple(problem.features[j] for j in order)
    return changed(problem, "columns moved", problem.X[:, order], problem.y, names)


def with_weights(problem: Problem) -> Problem:
    """Whole weights from 1 to 9, by chance."""
    return weighted(problem, np.random.default_rng(SEED).integers(1, HEAVIEST + 1, problem.n), "w")


def in_single_precision(problem: Problem) -> Problem:
    """Numbers that float32 holds."""
    return changed(problem, "as float32", problem.X.astype(np.float32), problem.y.astype(np.float32))


def with_other_target(problem: Problem) -> Problem:
    """The rows with another y: its values in the reverse order, and doubled."""
    return changed(problem, "another y", problem.X, 2 * problem.y[::-1])


def with_value(problem: Problem, value: float, *, in_y: bool) -> Problem:
    """One value in the second row of the first column, or of y, is another."""
    X, y = problem.X.copy(), problem.y.copy()
    if in_y:
        y[1] = value
    else:
        X[1, 0] = value
    return changed(problem, f"{value} in {'y' if in_y else 'X'}", X, y)
