"""The exact reference and what is measured by it."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.problems.catalog import load
from harness.problems.problem import Problem, Split
from harness.verify import exact_flint, exact_fractions
from harness.verify.digits import digits
from harness.verify.excess_loss import epochs_to, excess_loss
from harness.verify.integers import integer_column
from harness.verify.reference import exact_solution, reference

finite = st.floats(allow_nan=False, allow_infinity=False, width=64)
small = st.integers(-50, 50)


@given(st.lists(finite, min_size=1, max_size=20))
def test_integer_columns_are_the_floats_exactly(values: list[float]) -> None:
    column = integer_column(np.array(values))
    assert [value * column.unit for value in column.values] == [Fraction(value) for value in values]


def test_an_exact_reference_refuses_nan() -> None:
    with pytest.raises(ValueError, match="finite"):
        integer_column(np.array([1.0, np.nan]))


@settings(max_examples=200)
@given(
    st.integers(1, 4).flatmap(
        lambda p: st.lists(st.lists(small, min_size=p + 1, max_size=p + 1), min_size=1, max_size=8)
    )
)
def test_flint_and_fractions_agree(rows: list[list[int]]) -> None:
    columns = [list(column) for column in zip(*rows, strict=True)]
    assert exact_flint.least_squares(columns[:-1], columns[-1]) == exact_fractions.least_squares(
        columns[:-1], columns[-1]
    )


@pytest.mark.parametrize("name", ["auto_mpg", "noiseless_line", "make_regression", "diabetes", "everyday:n=50"])
def test_flint_and_fractions_agree_on_real_data(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = load(name)
    by_flint = exact_solution(problem)
    monkeypatch.setattr("harness.verify.reference.find_spec", lambda _name: None)
    assert exact_solution(problem) == by_flint


def test_the_reference_solves_the_normal_equations_exactly() -> None:
    problem = load("synthetic:n=40,p=3")
    _, beta, rss = exact_solution(problem)
    assert beta is not None
    X, y = problem.rows("train")
    rows = [[Fraction(1), *map(Fraction, row)] for row in X.tolist()]
    residual = [
        Fraction(t) - sum(b * x for b, x in zip(beta, row, strict=True))
        for row, t in zip(rows, y.tolist(), strict=True)
    ]
    assert all(sum(r * row[j] for r, row in zip(residual, rows, strict=True)) == 0 for j in range(4))
    assert sum(r * r for r in residual) == rss


def test_the_reference_sees_the_exact_rank() -> None:
    x = np.arange(6.0)
    twins = Problem("twins", np.column_stack([x, 3 * x]), x**2, ("a", "b"), "y", Split.all_train(6))
    known = reference(twins)
    assert (known.rank, known.columns, known.coef) == (2, 3, None)
    nearly = Problem(
        "nearly", np.column_stack([x, 3 * x + 1e-16 * (x == 5)]), x**2, ("a", "b"), "y", Split.all_train(6)
    )
    assert reference(nearly).rank == 2  # 15 + 1e-16 is 15 in float64
    close = Problem("close", np.column_stack([x, 3 * x + 1e-14 * (x == 5)]), x**2, ("a", "b"), "y", Split.all_train(6))
    assert reference(close).rank == 3


@pytest.mark.parametrize(
    ("name", "scale"), [("auto_mpg", "optimum"), ("noiseless_line", "null model"), ("four_points", "null model")]
)
def test_noise_free_data_are_measured_by_the_null_model(name: str, scale: str) -> None:
    assert reference(load(name)).scale_name == scale


@pytest.mark.parametrize(
    ("computed", "exact", "expected"),
    [
        (1.0, 1.0, 15.0),
        (1.001, 1.0, 3.0),
        (0.0, 0.0, 15.0),
        (1e-4, 0.0, 4.0),
        (2.0, 1.0, 0.0),
        (-5.0, 1.0, 0.0),
        (np.nan, 1.0, 0.0),
        (np.inf, 1.0, 0.0),
        (1 + 1e-18, 1.0, 15.0),
    ],
)
def test_digits_are_the_log_relative_error(computed: float, exact: float, expected: float) -> None:
    assert digits(np.array([computed]), np.array([exact]))[0] == pytest.approx(expected, abs=1e-9)


@given(finite, st.floats(1e-300, 1e300))
def test_digits_are_between_0_and_15(computed: float, exact: float) -> None:
    assert 0 <= digits(np.array([computed]), np.array([exact]))[0] <= 15


@pytest.mark.parametrize("name", ["auto_mpg", "diabetes", "everyday", "synthetic:n=200,p=4"])
def test_excess_loss_is_the_difference_of_the_losses(name: str) -> None:
    """Against the definition, for errors so large that subtracting two losses keeps its digits."""
    problem = load(name)
    known = reference(problem)
    assert known.coef is not None
    assert known.intercept is not None
    assert known.mse is not None
    X, y = problem.rows("train")
    coef, intercept = known.coef * 1.3, known.intercept - 0.7
    loss = np.mean((y - X @ coef - intercept) ** 2)
    measured = excess_loss(coef, np.array([intercept]), known)[0]
    assert measured == pytest.approx((loss - known.mse) / known.mse, rel=1e-9)


def test_excess_loss_keeps_its_digits_where_losses_lose_them() -> None:
    problem = load("auto_mpg")
    known = reference(problem)
    assert known.coef is not None
    assert known.intercept is not None
    measured = excess_loss(known.coef, np.array([known.intercept + 1e-10]), known)[0]
    assert measured == pytest.approx(1e-20 / known.loss_scale, rel=1e-3)  # the sum is rounded to 35.17's last bit


def test_parameters_that_are_not_finite_are_infinitely_far() -> None:
    known = reference(load("auto_mpg"))
    assert np.isinf(excess_loss(np.array([[np.nan], [np.inf]]), np.zeros(2), known)).all()


def test_an_epoch_that_is_never_reached_is_censored() -> None:
    excess = np.array([1.0, 0.5, 0.009, 0.02, 0.001])
    assert epochs_to(excess, 1e-2) == 2
    assert epochs_to(excess, 1e-4) is None
