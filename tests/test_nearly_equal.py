"""A training far above the least loss: two nearly equal columns are blamed where they are why, and only there."""

import numpy as np
import pandas as pd
import pytest

from harness.problems.in_memory import from_arrays
from harness.problems.problem import Floats, Problem
from harness.verify.nearly_equal import blamed, nearest_pair
from harness.verify.objective import Objective, least_squares
from harness.verify.reference import reference

N = 60


def problem(sign: float = 1.0, apart: float = 1e-3, weight: float = 300.0) -> Problem:
    """`weight`: of the difference of the first two of three columns, which lie `apart` of each other."""
    rng = np.random.default_rng(0)
    first, third, noise = rng.normal(size=(3, N))
    second = sign * (first + apart * rng.normal(size=N))
    y = 2 * first + weight * (sign * second - first) + third + 0.1 * noise
    X = pd.DataFrame({"list_price": 1e3 * first + 5.0, "unit_price": second, "size": third})
    return from_arrays(X, y)


def with_gradient_descent(found: Problem, epochs: int, rate: float = 0.1) -> tuple[float, Objective]:
    """The excess loss after so many steps on standardised columns from 0, and the objective."""
    X, y = found.rows("train")
    objective = least_squares(reference(found))
    assert objective.excess
    scaled = (X - X.mean(axis=0)) / X.std(axis=0)
    slopes: Floats = np.zeros(found.p)
    for _ in range(epochs):
        slopes -= rate * 2 / N * scaled.T @ (scaled @ slopes - (y - y.mean()))
    coef = slopes / X.std(axis=0)
    intercept = y.mean() - X.mean(axis=0) @ coef
    return float(objective.excess(coef[None], np.array([intercept]))[0]), objective


@pytest.mark.parametrize(("sign", "words"), [(1.0, "in their difference"), (-1.0, "in their sum")])
def test_two_nearly_equal_columns_are_blamed_for_a_plateau(sign: float, words: str) -> None:
    found = problem(sign)
    excess, objective = with_gradient_descent(found, 500)
    said = blamed(found, excess, objective)
    assert "'list_price' and 'unit_price' are nearly equal" in said
    assert words in said
    pair = nearest_pair(found.rows("train")[0])
    assert pair is not None
    assert (pair.first, pair.second, np.sign(pair.correlation)) == (0, 1, sign)


@pytest.mark.parametrize(
    ("found", "epochs"),
    [
        (problem(apart=1.0), 2),  # far apart, and not trained yet
        (problem(weight=0.0), 1),  # nearly equal, but nothing is in their difference
        (problem(), 1),  # most of what is left is in the other columns
    ],
)
def test_nothing_is_blamed_where_the_rest_is_elsewhere(found: Problem, epochs: int) -> None:
    excess, objective = with_gradient_descent(found, epochs, 0.01)
    assert excess > 0.01
    assert blamed(found, excess, objective) == ""


def test_nothing_is_blamed_for_a_small_excess_or_none() -> None:
    found = problem()
    objective = least_squares(reference(found))
    for excess in (None, 0.0, 1e-3, np.nan, np.inf):
        assert blamed(found, excess, objective) == ""


def test_a_constant_column_has_no_pair() -> None:
    assert nearest_pair(np.ones((5, 2))) is None
    assert nearest_pair(np.arange(5.0)[:, None]) is None
