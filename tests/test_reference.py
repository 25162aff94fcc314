"""The exact reference: inner products, solution, statistics, rank-deficient designs."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.problems.catalog import load, sidecars
from harness.problems.problem import Floats, Problem, Split, design_matrix
from harness.verify import exact_flint, gram
from harness.verify.balls import Balls, Undecided, precision
from harness.verify.certified import decimal_solution
from harness.verify.digits import digits
from harness.verify.gram import IntegerGram, exact_gram
from harness.verify.least_squares import Quantities, least_squares, quantities, rounded
from harness.verify.reference import compute, problem_gram, reference
from harness.verify.rounding import nearest, nearest_root
from tests import exact_fractions

finite = st.floats(allow_nan=False, allow_infinity=False, width=64)
small = st.integers(-50, 50)
tables = st.integers(2, 5).flatmap(
    lambda width: st.lists(st.lists(small, min_size=width, max_size=width), min_size=1, max_size=8)
)
LARGEST = float(np.finfo(np.float64).max)


def problem_of(X: Floats, y: Floats, *, intercept: bool = True) -> Problem:
    names = tuple(f"x{j}" for j in range(X.shape[1]))
    return Problem("drawn", X, y, names, "y", Split.all_train(len(y)), intercept=intercept)


def drawn(n: int, p: int, twins: int = 0, *, intercept: bool = True) -> Problem:
    """Gaussian columns, of which the last `twins` repeat the first ones, twice as long."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, p))
    for j in range(twins):
        X[:, p - 1 - j] = 2 * X[:, j]
    return problem_of(X, rng.standard_normal(n), intercept=intercept)


def actual(found: IntegerGram) -> list[list[Fraction]]:
    return [
        [v * a * b for v, b in zip(row, found.units, strict=True)]
        for row, a in zip(found.values, found.units, strict=True)
    ]


def by_fractions(table: Floats) -> list[list[Fraction]]:
    columns = [[Fraction(value) for value in column] for column in table.T.tolist()]
    return [[sum((a * b for a, b in zip(one, two, strict=True)), Fraction(0)) for two in columns] for one in columns]


@pytest.mark.slow
@settings(max_examples=50, deadline=None)
@given(st.integers(2, 4).flatmap(lambda k: st.lists(st.tuples(*[finite] * k), min_size=1, max_size=8)), st.booleans())
def test_the_gram_matrix_of_any_floats_is_exact(rows: list[tuple[float, ...]], intercept: bool) -> None:
    table = np.array(rows)
    found = actual(exact_gram(table[:, :-1], table[:, -1], intercept=intercept))
    assert found == by_fractions(np.column_stack([np.ones(len(table)), table]) if intercept else table)


@pytest.mark.slow
@pytest.mark.parametrize(
    "values",
    [
        [1e300, 1e-300, 1.0],
        [LARGEST, -LARGEST, 5e-324],
        [5e-324, -5e-324, 1e-310],
        [0.0, 0.0, -0.0],
        [float(np.nextafter(2.0, 0.0))],
        [1e308, 1e-308, np.pi],
        [1.0, 2.0, 3.0],
    ],
)
def test_the_gram_matrix_is_exact_over_several_chunks(values: list[float]) -> None:
    """4999 rows in three chunks; every bit of nextafter(2, 0) is set, so that its slices' sums are the largest."""
    column = np.resize(np.array(values), 4999)
    y = np.resize(np.array([0.1, -7.0, 1e-5, 3.0]), 4999)
    assert actual(exact_gram(column[:, None], y, intercept=True)) == by_fractions(
        np.column_stack([np.ones(4999), column, y])
    )


def test_sums_are_moved_to_python_integers_before_they_overflow(monkeypatch: pytest.MonkeyPatch) -> None:
    """The most that may be pending fits an int64, and moving them at any time changes nothing."""
    assert gram.PENDING_PRODUCTS * 2**53 < 2**63
    assert (2**gram.SLICE_BITS - 1) ** 2 * gram.CHUNK_ROWS < 2**53
    table = np.random.default_rng(0).standard_normal((300, 3))
    whole = exact_gram(table[:, :2], table[:, 2], intercept=True)
    monkeypatch.setattr(gram, "CHUNK_ROWS", 7)
    monkeypatch.setattr(gram, "PENDING_PRODUCTS", 11)
    assert exact_gram(table[:, :2], table[:, 2], intercept=True) == whole


def test_the_largest_sums_over_many_chunks_are_exact() -> None:
    """In 400 chunks of the largest slices the sums by weight pass 2^63 if they are left to pend."""
    column = np.full(400 * gram.CHUNK_ROWS, np.nextafter(2.0, 0.0))
    found = actual(exact_gram(column[:, None], column, intercept=False))
    assert found[0][1] == len(column) * Fraction(column[0]) ** 2


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("where", ["X", "y"])
def test_an_exact_reference_refuses_what_is_not_finite(where: str, bad: float) -> None:
    X, y = np.ones((3, 1)), np.ones(3)
    (X if where == "X" else y)[1] = bad
    with pytest.raises(ValueError, match="finite"):
        reference(problem_of(X, y))


def small_gram(rows: list[list[int]], intercept: bool) -> IntegerGram:
    table = np.array(rows, dtype=np.float64)
    return exact_gram(table[:, :-1], table[:, -1], intercept=intercept)


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(tables, st.booleans())
def test_flint_and_fractions_agree(rows: list[list[int]], intercept: bool) -> None:
    """Also where the rank is short and where there are fewer rows than columns."""
    found = small_gram(rows, intercept)
    assert quantities(found, exact_flint.Rationals()) == quantities(found, exact_fractions.Rationals())


@pytest.mark.parametrize("corner", [5 * 7, 5 * 7 * 11, 5 * 7 * 11 * 13])
def test_a_prime_that_hides_a_rank_is_seen_through(corner: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exact_flint, "PRIMES", (7, 11, 13))
    matrix = [[corner, 0, 0], [0, 2, 4], [0, 4, 8]]
    assert exact_flint.Rationals().independent(matrix, 9) == (0, 1)
    assert exact_fractions.Rationals().independent(matrix, 9) == (0, 1)


@settings(max_examples=100, deadline=None)
@given(tables, st.booleans())
def test_balls_round_to_what_fractions_round_to(rows: list[list[int]], intercept: bool) -> None:
    found = small_gram(rows, intercept)
    arithmetic = exact_flint.Rationals()
    exact = rounded(quantities(found, arithmetic), found.n, arithmetic)
    with precision(2400):  # enough to prove that what is 0 is below 2^-1075, and so rounds to 0
        assert rounded(quantities(found, Balls()), found.n, Balls()) == exact


@pytest.mark.parametrize("spec", ["nist_longley", "nist_filip", "auto_mpg", "diabetes", "everyday:n=50"])
def test_balls_and_fractions_agree_on_real_data(spec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = load(spec)
    found = exact_gram(*problem.rows("train"), intercept=problem.intercept)
    by_fractions = least_squares(found)
    monkeypatch.setattr("harness.verify.least_squares.RATIONAL_COLUMNS", 0)
    assert least_squares(found) == by_fractions


def test_the_solution_is_that_of_the_standard_library_s_fractions() -> None:
    found, arithmetic = problem_gram(load("diabetes")), exact_fractions.Rationals()
    assert least_squares(found) == rounded(quantities(found, arithmetic), found.n, arithmetic)


def test_a_ball_that_leaves_a_choice_is_undecided() -> None:
    tie = Fraction(2**53 + 1)  # halfway between two floats
    with precision(192):
        arithmetic = Balls()
        ball = arithmetic.number(tie / 7) * arithmetic.number(7)
        with pytest.raises(Undecided):
            rounded(Quantities(1, [ball], arithmetic.number(0)), 1, arithmetic)
        assert rounded(Quantities(1, [arithmetic.number(tie)], arithmetic.number(0)), 1, arithmetic).coef == (2.0**53,)


def test_where_no_precision_decides_fractions_do(monkeypatch: pytest.MonkeyPatch) -> None:
    found = small_gram([[1, 2], [3, 4], [5, 7]], intercept=True)
    exact = least_squares(found)
    monkeypatch.setattr("harness.verify.least_squares.RATIONAL_COLUMNS", 0)
    monkeypatch.setattr("harness.verify.least_squares.PRECISIONS", (8, 16))
    assert least_squares(found) == exact


@pytest.mark.slow
@settings(max_examples=100)
@given(st.fractions(min_value=0), st.integers(-1100, 1000))
def test_a_root_is_rounded_to_the_nearest_float(value: Fraction, exponent: int) -> None:
    square = value * Fraction(2) ** exponent
    found = nearest_root(square)
    below, above = (Fraction(float(np.nextafter(found, end))) for end in (-1.0, np.inf))
    assert max((Fraction(found) + below) / 2, Fraction(0)) ** 2 <= square <= ((Fraction(found) + above) / 2) ** 2


@pytest.mark.parametrize(("beside", "expected"), [(-1, 1.0), (0, 1.0), (1, 1 + 2.0**-52)])
def test_a_root_beside_a_tie_goes_to_its_side(beside: int, expected: float) -> None:
    """However little beside; the tie itself goes to the even neighbour."""
    assert nearest_root((1 + Fraction(1, 2**53)) ** 2 + Fraction(beside, 2**400)) == expected


@given(st.floats(0, 1e150))
def test_the_root_of_a_square_is_exact(root: float) -> None:
    assert nearest_root(Fraction(root) ** 2) == root


def test_rounding_goes_to_infinity_beyond_the_largest_float() -> None:
    assert [nearest(Fraction(sign * 10**400)) for sign in (1, -1)] == [np.inf, -np.inf]
    assert nearest(Fraction(1, 10**400)) == 0.0


def test_the_solution_makes_the_residual_orthogonal_exactly() -> None:
    problem = load("synthetic:n=40,p=3")
    X, y = problem.rows("train")
    found = quantities(exact_gram(X, y, intercept=True), exact_flint.Rationals())
    rows = [[Fraction(1), *map(Fraction, row)] for row in X.tolist()]
    residual = [
        Fraction(t) - sum(b * x for b, x in zip(found.coef, row, strict=True))
        for row, t in zip(rows, y.tolist(), strict=True)
    ]
    assert all(sum(r * row[j] for r, row in zip(residual, rows, strict=True)) == 0 for j in range(4))
    assert sum(r * r for r in residual) == found.rss


@pytest.mark.parametrize("name", ["nist_longley", "nist_noint1", "nist_noint2", "nist_wampler4", "nist_norris"])
def test_statistics_are_those_of_the_decimal_data_where_forming_the_design_costs_little(name: str) -> None:
    """The path over float64 columns and the one over decimals share the formulas, not the data."""
    known, decimal = reference(load(name)), decimal_solution(sidecars()[name])
    assert known.standard_errors is not None
    assert digits(known.standard_errors, np.array(decimal.standard_errors)).min() > 12
    assert digits(
        np.array([known.residual_sd, known.r_squared]), np.array([decimal.residual_sd, decimal.r_squared])
    ).min() > (12)


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("p", [3, 30])
def test_statistics_are_the_textbook_s(p: int, intercept: bool) -> None:
    """Against numpy, by fractions (few columns) and by balls (many)."""
    problem = drawn(90, p, intercept=intercept)
    known, A, y = reference(problem), design_matrix(problem), problem.y
    rss = float(np.sum((y - A @ known.solution) ** 2))
    tss = float(np.sum((y - y.mean()) ** 2)) if intercept else float(y @ y)
    variance = rss / (90 - p - intercept)
    assert known.mse == pytest.approx(rss / 90, rel=1e-12)
    assert known.residual_sd == pytest.approx(variance**0.5, rel=1e-12)
    assert known.r_squared == pytest.approx(1 - rss / tss, rel=1e-12)
    assert known.standard_errors == pytest.approx(np.sqrt(variance * np.diag(np.linalg.inv(A.T @ A))), rel=1e-10)


@pytest.mark.parametrize(
    ("problem", "there"),
    [
        (drawn(6, 3), True),
        (drawn(4, 3), False),  # n = k
        (drawn(3, 3), False),
        (drawn(9, 3, twins=1), False),
        (problem_of(np.arange(5.0)[:, None], np.zeros(5)), True),
    ],
)
def test_statistics_exist_where_rows_are_left_over(problem: Problem, there: bool) -> None:
    known = compute(problem)
    assert ((known.standard_errors is not None), (known.residual_sd is not None)) == (there, there)
    assert (known.r_squared is not None) == (there and bool(problem.y.any()))


def test_an_exact_fit_has_standard_errors_of_exactly_zero() -> None:
    known = reference(load("nist_wampler1"))
    assert known.standard_errors is not None
    assert not known.standard_errors.any()
    assert (known.mse, known.residual_sd, known.r_squared, known.noise_free) == (0.0, 0.0, 1.0, True)


def test_the_reference_sees_the_exact_rank() -> None:
    x = np.arange(6.0)

    def rank(second: Floats) -> int:
        return reference(problem_of(np.column_stack([x, second]), x**2)).rank

    assert rank(3 * x) == 2
    assert rank(3 * x + 1e-16 * (x == 5)) == 2  # 15 + 1e-16 is 15 in float64
    assert rank(3 * x + 1e-14 * (x == 5)) == 3


DEFICIENT = {
    "twins": drawn(12, 4, twins=1),
    "twins without intercept": drawn(12, 4, twins=1, intercept=False),
    "more columns than rows": drawn(5, 9),
    "as many": drawn(5, 5),
    "a column of zeros": problem_of(np.column_stack([np.arange(6.0), np.zeros(6)]), np.arange(6.0) ** 2),
    "a constant beside the intercept": problem_of(np.column_stack([np.arange(6.0), np.full(6, 3.0)]), np.arange(6.0)),
    "thirty columns": drawn(20, 30),
    "thirty columns, two repeated": drawn(60, 30, twins=2),
    "nothing but zeros": problem_of(np.zeros((4, 2)), np.arange(4.0), intercept=False),
}


@pytest.mark.parametrize("problem", DEFICIENT.values(), ids=DEFICIENT)
def test_a_deficient_design_has_its_minimum_norm_solutions(problem: Problem) -> None:
    """numpy's over all columns; scikit-learn's over the slopes, after centring."""
    known, A = compute(problem), design_matrix(problem)
    assert not known.full_rank
    assert known.rank == np.linalg.matrix_rank(A)
    assert known.solution == pytest.approx(np.linalg.pinv(A) @ problem.y, rel=1e-9, abs=1e-12)
    assert known.mse == pytest.approx(np.mean((problem.y - A @ known.solution) ** 2), rel=1e-9, abs=1e-25)
    assert (known.minimum_norm_alternative is None) == (not problem.intercept)
    if known.minimum_norm_alternative is not None:
        coef, intercept = known.minimum_norm_alternative
        centred = problem.X - problem.X.mean(axis=0)
        slopes = np.linalg.pinv(centred, rcond=1e-12) @ (problem.y - problem.y.mean())
        assert coef == pytest.approx(slopes, rel=1e-9, abs=1e-12)
        assert intercept == pytest.approx(problem.y.mean() - problem.X.mean(axis=0) @ slopes, rel=1e-9, abs=1e-12)


@settings(max_examples=100, deadline=None)
@given(tables, st.booleans())
def test_the_minimum_norm_solution_is_in_the_row_space_exactly(rows: list[list[int]], intercept: bool) -> None:
    """It solves the normal equations and is orthogonal to everything that the design maps to 0."""
    table = np.array(rows, dtype=np.float64)
    found = quantities(exact_gram(table[:, :-1], table[:, -1], intercept=intercept), exact_flint.Rationals())
    A = [[Fraction(1), *map(Fraction, row[:-1])] if intercept else list(map(Fraction, row[:-1])) for row in rows]
    residual = [
        Fraction(row[-1]) - sum(a * b for a, b in zip(line, found.coef, strict=True))
        for line, row in zip(A, rows, strict=True)
    ]
    k = len(A[0])
    assert all(sum(r * line[j] for r, line in zip(residual, A, strict=True)) == 0 for j in range(k))
    assert sum((r * r for r in residual), Fraction(0)) == found.rss
    scale = np.lcm.reduce(np.array([b.denominator for b in found.coef], dtype=object))
    whole = [[int(a) for a in line] for line in A]
    with_solution = [*whole, [int(b * scale) for b in found.coef]]
    arithmetic = exact_fractions.Rationals()
    assert len(arithmetic.independent(with_solution, k)) == len(arithmetic.independent(whole, k)) == found.rank


def test_a_design_that_float64_cannot_tell_from_a_deficient_one_has_full_rank() -> None:
    """What is numerically deficient stays a matter of digits."""
    known = reference(load("nist_filip"))
    assert known.full_rank
    assert known.condition_number > 1e15


@pytest.mark.parametrize("intercept", [True, False])
def test_the_factor_is_the_design_s_over_several_chunks(intercept: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.verify.factor.CHUNK_ROWS", 7)
    problem = drawn(50, 4, intercept=intercept)
    A, R = design_matrix(problem), compute(problem).factor
    assert pytest.approx(A.T @ A, rel=1e-12, abs=1e-12) == R.T @ R
    assert compute(problem).condition_number == pytest.approx(np.linalg.cond(A), rel=1e-12)


def test_columns_that_overflow_leave_an_infinite_condition_number() -> None:
    X = np.column_stack([np.array([1e308, -1e308, 1.7e308]), np.arange(3.0)])
    known = compute(problem_of(X, np.arange(3.0), intercept=False))
    assert known.full_rank
    assert np.isfinite(known.coef).all()
