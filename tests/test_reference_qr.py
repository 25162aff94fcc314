"""QR in double-double arithmetic: the arithmetic against fractions, the factorisation, rank, digits, extremes."""

from collections.abc import Callable
from fractions import Fraction
from math import ceil, log2
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.measure.plan import single
from harness.measure.run import measure
from harness.problems.catalog import load, sidecars
from harness.problems.problem import Floats, Problem, Split, design_matrix
from harness.solvers.catalog import get
from harness.solvers.options import Options
from harness.solvers.reference_qr import QRSolution, factor, least_squares
from harness.solvers.reference_qr.double_double import DD, UNIT_ROUNDOFF, fast_two_sum, two_product, two_sum
from harness.solvers.reference_qr.factorisation import back_substitute, forward_substitute, identity, project
from harness.solvers.status import Status
from harness.verify.digits import digits
from harness.verify.reference import Reference, reference

U2 = Fraction(1, 2**106)
"""The square of float64's unit roundoff: the docstrings' bounds are multiples of it."""
ROUNDING = 2.0**-94
"""As small as what `factor` takes for rounding of a column (RANK_FACTOR)."""
DIGITS = 14.5
"""Of 15 (digits.MAX_DIGITS): a last rounding may cost half a unit of the sixteenth digit."""


pytestmark = pytest.mark.usefixtures("one_thread")


# --- the arithmetic ---------------------------------------------------------------------------------------------

mantissas = st.one_of(
    st.floats(1.0, 2.0, exclude_max=True),
    st.sampled_from([1.0, float(np.nextafter(1, 2)), float(np.nextafter(2, 1)), 1.5, 1 + 2.0**-26, 1 + 2.0**-27]),
)
numbers = st.builds(
    lambda m, e, s: float(np.ldexp(s * m, e)), mantissas, st.integers(-440, 440), st.sampled_from([-1, 1])
)
close = st.builds(lambda m, e, s: float(np.ldexp(s * m, e)), mantissas, st.integers(-3, 3), st.sampled_from([-1, 1]))
"""440 each way: products and quotients stay between the 2^-900 and 2^900 that the module asks for."""


def pairs_of(parts: st.SearchStrategy[float]) -> st.SearchStrategy[tuple[float, float]]:
    """A normalised hi + lo, lo from nothing at all to half an ulp of hi."""

    def normalised(hi: float, share: float) -> tuple[float, float]:
        s, e = two_sum(np.array([hi]), np.array([hi * share * 2.0**-53]))
        return float(s[0]), float(e[0])

    shares = st.one_of(st.just(0.0), st.floats(-1, 1), st.sampled_from([1.0, -1.0, 2.0**-50, 1 - 2.0**-53]))
    return st.builds(normalised, parts, shares)


doubles = st.one_of(pairs_of(numbers), pairs_of(close))
cancelling = st.builds(lambda a, b: (a, (-a[0], min(abs(b), 2.0**-54) * a[0])), pairs_of(numbers), st.floats(-1, 1))
"""High parts that cancel, and low ones that do not."""


def dd(values: list[tuple[float, float]]) -> DD:
    return DD(np.array([v[0] for v in values]), np.array([v[1] for v in values]))


def exact(value: DD) -> list[Fraction]:
    return [
        Fraction(a) + Fraction(b) for a, b in zip(value.hi.ravel().tolist(), value.lo.ravel().tolist(), strict=True)
    ]


OPERATIONS: dict[str, tuple[Callable[[DD, DD], DD], Callable[[Fraction, Fraction], Fraction], Fraction]] = {
    "+": (lambda a, b: a + b, lambda a, b: a + b, 3 * U2 / (1 - Fraction(4, 2**53))),
    "-": (lambda a, b: a - b, lambda a, b: a - b, 3 * U2 / (1 - Fraction(4, 2**53))),
    "*": (lambda a, b: a * b, lambda a, b: a * b, 5 * U2),
    "/": (lambda a, b: a / b, lambda a, b: a / b, 10 * U2),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", OPERATIONS)
@settings(max_examples=80, deadline=None)
@given(values=st.lists(st.one_of(st.tuples(doubles, doubles), cancelling), min_size=1, max_size=12))
def test_an_operation_is_within_the_bound_that_its_docstring_gives(
    name: str, values: list[tuple[tuple[float, float], tuple[float, float]]]
) -> None:
    operation, truth, bound = OPERATIONS[name]
    a, b = dd([v[0] for v in values]), dd([v[1] for v in values])
    found = operation(a, b)
    for value, one, two in zip(exact(found), exact(a), exact(b), strict=True):
        known = truth(one, two)
        assert abs(value - known) <= bound * abs(known)
    assert (found.hi + found.lo == found.hi).all()  # normalised


@pytest.mark.slow
@settings(max_examples=80, deadline=None)
@given(st.lists(doubles, min_size=1, max_size=12))
def test_a_root_is_within_four_units(values: list[tuple[float, float]]) -> None:
    squares = dd([v if v[0] > 0 else (-v[0], -v[1]) for v in values])
    for root, square in zip(exact(squares.sqrt()), exact(squares), strict=True):
        # (r (1 + d))^2 = r^2 (1 + 2 d + d^2): twice the bound
        assert abs(root * root - square) <= Fraction(81, 10) * U2 * square
    assert DD.of(np.zeros(1)).sqrt().hi.tolist() == [0.0]


@pytest.mark.slow
@settings(max_examples=80, deadline=None)
@given(st.lists(doubles, min_size=1, max_size=40))
def test_a_sum_is_within_three_units_a_level_of_the_sum_of_magnitudes(values: list[tuple[float, float]]) -> None:
    terms = dd(values)
    found, known = exact(terms.sum()), exact(terms)
    levels = ceil(log2(len(values))) if len(values) > 1 else 0
    bound = 3 * levels * U2 * (1 + Fraction(1, 2**40)) * sum(map(abs, known), Fraction(0))
    assert abs(found[0] - sum(known, Fraction(0))) <= bound


def test_an_empty_sum_is_zero_and_other_axes_are_kept() -> None:
    assert DD.of(np.zeros((0, 3))).sum().hi.tolist() == [0.0, 0.0, 0.0]
    assert DD.of(np.arange(6.0).reshape(3, 2)).sum().hi.tolist() == [6.0, 9.0]


@pytest.mark.slow
@settings(max_examples=120, deadline=None)
@given(st.lists(st.tuples(st.one_of(numbers, close), st.one_of(numbers, close)), min_size=1, max_size=10))
def test_two_sum_and_two_product_are_exact(values: list[tuple[float, float]]) -> None:
    a, b = (np.array(part) for part in zip(*values, strict=True))
    large, small = np.where(np.abs(a) >= np.abs(b), a, b), np.where(np.abs(a) >= np.abs(b), b, a)
    sums = [Fraction(x) + Fraction(y) for x, y in values]
    assert exact(DD(*two_sum(a, b))) == sums
    assert exact(DD(*fast_two_sum(large, small))) == sums
    assert exact(DD(*two_product(a, b))) == [Fraction(x) * Fraction(y) for x, y in values]


# --- the factorisation ------------------------------------------------------------------------------------------


def largest(values: DD) -> float:
    return float(np.abs(values.hi).max(initial=0.0))


def product(A: DD, B: DD) -> DD:
    """A (n, k) B (k, m)."""
    parts = DD(A.hi.T[:, :, None], A.lo.T[:, :, None]) * DD(B.hi[:, None, :], B.lo[:, None, :])
    return parts.sum()


rng = np.random.default_rng(11)
FACTORED = {
    "well-conditioned": rng.standard_normal((40, 5)),
    "condition number 1e12": load("conditioned:condition=1e12,n=40,p=6").X,
    "dependent to rounding": np.column_stack([(z := rng.standard_normal((40, 2))), z.sum(axis=1)]),
    "dependent": np.column_stack([(k := rng.integers(-9, 9, (40, 3)).astype(float)), k[:, 0] - k[:, 1]]) / 16,
    "wide": rng.standard_normal((4, 9)),
    "one row": rng.standard_normal((1, 3)),
    "one column": rng.standard_normal((9, 1)),
    "a column of zeros": np.column_stack([rng.standard_normal((9, 2)), np.zeros(9)]),
}
RANKS = {"dependent": 3, "wide": 4, "one row": 1, "one column": 1, "a column of zeros": 2}


@pytest.mark.parametrize("name", FACTORED)
def test_q_has_orthonormal_columns_and_q_times_r_is_the_design(name: str) -> None:
    """To a few roundings each of n products, by modified Gram-Schmidt twice (Giraud, Langou & Rozloznik 2005)."""
    A = FACTORED[name]
    f = factor(DD.of(A))
    room = 10 * UNIT_ROUNDOFF * max(A.shape) * np.linalg.norm(A)
    assert f.rank == RANKS.get(name, A.shape[1])
    assert sorted(f.pivots.tolist()) == list(range(A.shape[1]))
    transposed = DD(f.Q.hi.T, f.Q.lo.T)
    assert largest(product(transposed, f.Q) - identity(f.rank)) <= room
    assert largest(product(f.Q, f.R) - DD.of(A[:, f.pivots])) <= room + (0 if f.rank == A.shape[1] else 2.0**-94)
    assert not np.tril(f.R.hi[:, : f.rank], -1).any()


def test_triangular_systems_are_solved_both_ways() -> None:
    f = factor(DD.of(FACTORED["well-conditioned"]))
    R, right = f.R, DD.of(rng.standard_normal((5, 2)))
    flipped = DD(R.hi.T, R.lo.T)
    # backward stable: 10 roundings of each of 5 terms of entries near 10
    assert largest(product(R, back_substitute(R, right)) - right) <= 500 * UNIT_ROUNDOFF
    assert largest(product(flipped, forward_substitute(R, right)) - right) <= 500 * UNIT_ROUNDOFF


def test_a_projection_leaves_what_is_orthogonal() -> None:
    A, y = FACTORED["condition number 1e12"], rng.standard_normal(40)
    f = factor(DD.of(A))
    z, rest = project(f.Q, DD.of(y))
    back = product(f.Q, DD(z.hi[:, None], z.lo[:, None]))[:, 0]
    assert largest(back + rest - DD.of(y)) <= 1000 * UNIT_ROUNDOFF
    assert largest(product(DD(f.Q.hi.T, f.Q.lo.T), DD(rest.hi[:, None], rest.lo[:, None]))) <= 1000 * UNIT_ROUNDOFF


# --- solutions --------------------------------------------------------------------------------------------------


def problem_of(X: Any, y: Any, *, intercept: bool = True) -> Problem:
    X, y = np.asarray(X, dtype=np.float64), np.asarray(y, dtype=np.float64)
    names = tuple(f"x{j}" for j in range(X.shape[1]))
    return Problem("drawn", X, y, names, "y", Split.all_train(len(y)), intercept=intercept)


def solved(problem: Problem) -> tuple[QRSolution, Reference]:
    with np.errstate(over="raise", divide="raise", invalid="raise"):  # what underflows is rounding of rounding
        answer = least_squares(design_matrix(problem), problem.y, intercept=problem.intercept)
    return answer, reference(problem)


def agree(beta: Floats, problem: Problem) -> bool:
    """Every digit, but for rounding beside |y| / |column|: of a 0 its own column, of least norm any column."""
    known = reference(problem)
    scales = np.abs(design_matrix(problem)).max(axis=0)
    moving = np.divide(np.abs(problem.y).max(), scales, out=np.zeros(len(scales)), where=scales > 0)
    room = np.where(known.solution == 0, moving, 0.0 if known.full_rank else moving.max())
    enough = digits(beta, known.solution) > DIGITS
    return bool((enough | (np.abs(beta - known.solution) <= ROUNDING * room)).all())


def check(problem: Problem) -> QRSolution:
    """Rank, coefficients and, where the exact ones exist, the inference."""
    answer, known = solved(problem)
    assert answer.rank == known.rank
    assert agree(answer.beta, problem)
    if known.standard_errors is None:
        assert np.isnan(answer.standard_errors).all()
    elif known.residual_sd == 0:
        assert answer.residual_sd <= ROUNDING * np.abs(problem.y).max()
    else:
        assert digits(answer.standard_errors, known.standard_errors).min() > DIGITS
        assert digits(np.array([answer.residual_sd]), np.array([known.residual_sd]))[0] > DIGITS
    if 0 < known.mse < np.inf:
        assert answer.rss == pytest.approx(known.mse * known.n, rel=1e-15)
    if known.r_squared is not None:
        assert answer.r_squared == pytest.approx(known.r_squared, rel=1e-15, abs=1e-15)
    return answer


@pytest.mark.parametrize("name", [name for name in sidecars() if name.startswith("nist_")])
def test_nist_s_sets_keep_at_least_14_digits_of_everything(name: str) -> None:
    record = measure(single(load(name), get("reference_qr"), Options())).record
    assert record.status is Status.OK, record.message
    assert record.accuracy.rank == record.accuracy.exact_rank
    found = (record.accuracy.digits, record.accuracy.standard_error_digits, record.accuracy.residual_sd_digits)
    assert all(value is not None and value >= 14 for value in found), found


normal = rng.standard_normal((40, 3))
noisy = normal.sum(axis=1) + 3 + rng.standard_normal(40)
WHOLE = rng.integers(-9, 10, (40, 3)).astype(np.float64)
twice = np.column_stack([WHOLE, WHOLE[:, 0] + WHOLE[:, 1]])
SOLVED: dict[str, Problem] = {
    "condition number 1e8": load("conditioned:condition=1e8,n=60,p=5"),
    "condition number 1e15, all noise": load("conditioned:condition=1e15,n=60,p=5,noise=10"),
    "a far mean": problem_of(normal + 1e8, noisy),
    "a nearly constant column": problem_of(np.column_stack([normal, 1e6 + 1e-9 * normal[::-1, 0]]), noisy),
    "dependent to rounding": problem_of(np.column_stack([normal, normal[:, 0] + normal[:, 1]]), noisy),
    "dependent to rounding, thirds": problem_of(np.column_stack([normal, normal[:, 0] / 3]), noisy, intercept=False),
    "two ulps apart": problem_of(np.column_stack([normal[:, 0], normal[:, 0] * (1 + 2.0**-51)]), noisy),
    "dependent": problem_of(twice, noisy),
    "dependent, no intercept": problem_of(twice, noisy, intercept=False),
    "a constant column": problem_of(np.column_stack([normal, np.full(40, 0.1)]), noisy),
    "a column of zeros": problem_of(np.column_stack([normal, np.zeros(40)]), noisy),
    "nothing but zeros": problem_of(np.zeros((40, 2)), noisy, intercept=False),
    "nothing but zeros and an intercept": problem_of(np.zeros((40, 2)), noisy),
    "wide": load("wide:n=6,p=15"),
    "wide, of mixed scales": problem_of(rng.standard_normal((4, 9)) * 10.0 ** np.arange(-40, 50, 10), noisy[:4]),
    "short of rank by much": load("deficient:n=30,p=12,rank=3"),
    "integers": problem_of(WHOLE, WHOLE @ [1.0, 2.0, 0.0] + np.arange(40) % 3),
    "a coefficient of 0": problem_of([[1.0, 1], [1, -1], [-1, 1], [-1, -1]], [2.0, 2, -2, -2]),
    "perfect": problem_of(WHOLE, WHOLE @ [1.0, 2.0, 3.0] + 4),
    "as many rows as columns": problem_of(normal[:4], noisy[:4]),
    "one row": problem_of(normal[:1], noisy[:1]),
    "one row, one column": problem_of([[3.0]], [2.0], intercept=False),
    "two rows": problem_of([[3.0], [4.0]], [2.0, 7.0]),
    "constant y": problem_of(normal, np.full(40, 0.1)),
    "y of zeros": problem_of(normal, np.zeros(40), intercept=False),
    "bits far apart": problem_of(normal * np.exp(20 * normal[:, ::-1]), noisy),
    "mixed scales": problem_of(normal * [1e200, 1.0, 1e-200], noisy),
    "dependent, mixed scales": problem_of(np.column_stack([WHOLE * [2.0**40, 1.0, 2.0**-40], 3 * WHOLE[:, 0]]), noisy),
} | {
    f"{what}{'' if design is normal else ', dependent,'} at {scale:g}": problem_of(
        design * (scale if "X" in what else 1), noisy * (scale if "y" in what else 1)
    )
    for design, scales in ((normal, (1e-300, 1e-200, 1e200, 1e300)), (twice, (2.0**-660, 2.0**660)))
    for scale in scales
    for what in ("X", "y", "X and y")
}


@pytest.mark.parametrize("name", SOLVED)
def test_rank_coefficients_and_inference_are_the_exact_ones(name: str) -> None:
    answer = check(SOLVED[name])
    full = answer.rank == SOLVED[name].p + SOLVED[name].intercept
    assert np.isfinite(answer.condition_number) == full
    if name in {"constant y", "y of zeros"}:
        assert np.isnan(answer.r_squared)


def test_the_scales_do_not_blow_up_the_rounding_of_a_zero() -> None:
    """What cancels while columns are exchanged is 0, not 2^-104 times a ratio of scales of 2^60."""
    rows = """-9 -6 12 -13 -42; 15 15 -3 7 26; 6 6 15 -8 -22; -21 -9 12 -23 -76; -18 -12 27 -28 -90;
    -18 27 21 -50 -156; -21 3 -9 -17 -58; 0 6 24 -20 -60"""
    table = np.array([line.split() for line in rows.split(";")], dtype=np.float64)
    X = np.ldexp(table, [30, -30, -30, 30, -30])
    answer, known = solved(problem_of(X, [2, 8, -3, -6, -4, 0, 1, -9], intercept=False))
    assert answer.rank == known.rank == 3
    assert digits(answer.beta, known.solution).min() > DIGITS


small = st.integers(2, 5).flatmap(
    lambda width: st.lists(st.lists(st.integers(-9, 9), min_size=width, max_size=width), min_size=1, max_size=9)
)


@pytest.mark.slow
@settings(max_examples=80, deadline=None)
@given(small, st.booleans(), st.lists(st.integers(-20, 20), min_size=4, max_size=4))
def test_small_integers_at_any_scale_have_their_exact_rank_and_solution(
    rows: list[list[int]], intercept: bool, exponents: list[int]
) -> None:
    """Deficient ones are solved with least norm, in which the columns' scales matter."""
    table = np.array(rows, dtype=np.float64)
    X = np.ldexp(table[:, :-1], np.array(exponents[: table.shape[1] - 1]))
    problem = problem_of(X, table[:, -1], intercept=intercept)
    answer, known = solved(problem)
    assert answer.rank == known.rank
    assert agree(answer.beta, problem)


@pytest.mark.parametrize("constant", [0.1, 1 / 3, 1e8 + 0.3, 7e222, 1e-250])
@pytest.mark.parametrize("n", [3, 7, 40])
def test_a_constant_y_has_no_r_squared(constant: float, n: int) -> None:
    assert np.isnan(check(problem_of(normal[:n, :1], np.full(n, constant))).r_squared)


def test_a_rank_below_2_to_the_minus_94_is_not_seen() -> None:
    """The limit that `factor` states: what is left of a column below it counts as rounding."""
    ranks = [
        least_squares(np.array([[1.0, 1.0], [gap, 0.0]]), np.ones(2), intercept=False).rank for gap in (1e-27, 1e-30)
    ]
    assert ranks == [2, 1]


@pytest.mark.parametrize("dtype", [np.int64, np.int8, np.float32])
def test_other_types_are_the_numbers_that_they_hold(dtype: type) -> None:
    A: Floats = np.column_stack([np.ones(40), WHOLE])
    known = least_squares(A, np.round(noisy), intercept=True)
    answer = least_squares(A.astype(dtype), np.round(noisy).astype(dtype), intercept=True)
    assert answer.beta.tolist() == known.beta.tolist()


def test_the_condition_number_is_the_scaled_design_s() -> None:
    for condition in (1e2, 1e8):
        A = load(f"conditioned:condition={condition},n=60,p=5").X
        scaled = A / 2.0 ** np.frexp(np.abs(A).max(axis=0))[1]
        found = least_squares(A, noisy[:40].repeat(2)[:60], intercept=False).condition_number
        assert found == pytest.approx(np.linalg.cond(scaled), rel=1e-6)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("where", ["A", "y"])
def test_data_that_are_not_finite_are_refused(where: str, bad: float) -> None:
    A, y = normal.copy(), noisy.copy()
    (A[:, 1] if where == "A" else y)[7] = bad
    with pytest.raises(ValueError, match="NaN or infinite"):
        least_squares(A, y, intercept=False)


def test_the_input_is_left_alone() -> None:
    A, y = normal.copy(), noisy.copy()
    least_squares(A, y, intercept=False)
    assert (A.tobytes(), y.tobytes()) == (normal.tobytes(), noisy.tobytes())
