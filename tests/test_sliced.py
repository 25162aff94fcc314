"""The Gram matrix without rounding, and the solutions that it proves."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.problems.problem import Floats
from harness.solvers.streaming import Chunks, least_squares, sliced
from harness.solvers.streaming.sliced import FLUSH_ROWS, SlicedGram
from harness.solvers.streaming.slices import BITS
from harness.verify.reference import reference
from tests.streaming_data import (
    problem_of,
)

pytestmark = pytest.mark.usefixtures("one_thread")


def summed(table: Floats, cuts: Sequence[int], slices: int, xp: Any = np) -> SlicedGram:
    """The rows in chunks that end at `cuts`, in the library's arrays."""
    sums = SlicedGram(table.shape[1], slices, xp)
    for part in np.split(table, sorted(cuts)):
        for start in range(0, len(part), sums.rows):
            sums.add(xp.asarray(part[start : start + sums.rows]))
    return sums


def actual(sums: SlicedGram) -> list[list[Fraction]]:
    whole, lowest = sums.gram()
    units = [Fraction(2) ** int(e) for e in lowest]
    return [[int(v) * a * b for v, b in zip(row, units, strict=True)] for row, a in zip(whole, units, strict=True)]


def exact(table: Floats) -> list[list[Fraction]]:
    columns = [[Fraction(value) for value in column] for column in table.T.tolist()]
    return [[sum((a * b for a, b in zip(one, two, strict=True)), Fraction(0)) for two in columns] for one in columns]


any_float = st.floats(allow_nan=False, allow_infinity=False)
near = st.builds(lambda m, e: float(np.ldexp(float(m), e)), st.integers(-(2**53), 2**53), st.integers(-60, 0))


@st.composite
def tables(draw: st.DrawFn) -> Floats:
    """Columns over float64's whole range, within a window of exponents, growing, or zero for a while."""
    n = draw(st.integers(1, 9))
    columns = []
    for _ in range(draw(st.integers(1, 4))):
        column = np.array(draw(st.lists(draw(st.sampled_from([any_float, near])), min_size=n, max_size=n)))
        if draw(st.booleans()) and np.abs(column).max() < 1e20:
            column = np.ldexp(column, draw(st.integers(-1074, 900)) + draw(st.integers(0, 6)) * np.arange(n))
        column[: draw(st.sampled_from([0, 0, n // 2, n]))] = 0
        columns.append(column)
    return np.column_stack(columns)


cuts_of = st.lists(st.integers(0, 9), max_size=4)
slice_counts = st.sampled_from([1, 2, 4, 6, 24])


@pytest.mark.slow
@settings(max_examples=400, deadline=None)
@given(tables(), cuts_of, slice_counts)
def test_the_gram_matrix_is_exact_or_says_that_it_was_cut(table: Floats, cuts: list[int], slices: int) -> None:
    sums, known = summed(table, cuts, slices), exact(table)
    found = actual(sums)
    assert sums.n == len(table)
    if sums.exact:
        assert found == known
    # What the docstring promises of a cut: 2^(2 - 18 slices) of the columns' largest, in each factor of each product.
    largest, cut = [Fraction(v) for v in np.abs(table).max(axis=0).tolist()], Fraction(4, 2 ** (BITS * slices))
    for i, row in enumerate(found):
        for j, value in enumerate(row):
            room = len(table) * largest[i] * largest[j] * (2 * cut + cut * cut)
            assert abs(value - known[i][j]) <= room


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(st.integers(-(2**53), 2**53), min_size=3, max_size=3), min_size=1, max_size=9), cuts_of)
def test_nothing_is_called_cut_that_was_not(rows: list[list[int]], cuts: list[int]) -> None:
    """Integers to 2^53 need 54 bits, 2 of headroom and the sign's: 72 hold them, wherever their exponent is."""
    table = np.ldexp(np.array(rows, dtype=np.float64), np.array([-1074, 0, 970]))
    sums = summed(table, cuts, 4)
    assert actual(sums) == exact(table)
    assert sums.exact


def grown(n: int) -> Floats:
    """One row that fixes the point with two bits of headroom, and then an odd number of 2^18 - 1 that use them up."""
    assert n % 2 == 0
    return np.append(1.0, np.full(n - 1, 8 * (1 - 2.0**-18)))[:, None]


TABLES: dict[str, tuple[Floats, int, bool]] = {
    "more rows than float64 can sum": (grown(FLUSH_ROWS + 5000), 2, True),
    "larger entries in each add": (10.0 ** np.arange(-30, 30)[:, None] * [1.0, -3.0], 24, True),
    "a column of zeros": (np.column_stack([np.zeros(5), np.arange(5.0)]), 4, True),
    "zeros that end late": (np.column_stack([np.append(np.zeros(200), 0.1), np.ones(201)]), 4, True),
    "the largest floats": (np.full((3, 2), np.finfo(np.float64).max), 4, True),
    "the smallest floats": (np.full((3, 2), 5e-324), 4, True),
    "1e300 beside 1e-300": (np.array([[1e300, 1.0], [1e-300, 1.0]]), 24, False),
    "what underflows to 0": (np.array([[2.0**900, 1.0], [2.0**-1000, 1.0]]), 24, False),
    "subnormal beside 1": (np.array([[1.0], [5e-324]]), 24, False),
    "a bit too many": (np.array([[1.0], [2.0**-70 * 0.75]]), 4, False),
}


@pytest.mark.parametrize("cuts", [[], [1], [60, 100]])
@pytest.mark.parametrize("name", TABLES)
def test_a_table_s_gram_matrix(name: str, cuts: list[int]) -> None:
    table, slices, whole = TABLES[name]
    sums = summed(table, cuts, slices)
    assert sums.exact is whole
    if len(table) > 1000:  # two kinds of rows: the sum is known without adding them up
        assert actual(sums) == [[Fraction(1) + (len(table) - 1) * Fraction(table[1, 0]) ** 2]]
    else:
        assert (actual(sums) == exact(table)) is whole


@pytest.mark.slow
@pytest.mark.parametrize("columns", [64, 65, 70])
def test_wide_tables_are_multiplied_pair_by_pair_to_the_same_integers(
    columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = np.random.default_rng(0).standard_normal((150, columns))
    found = [summed(table, [40, 41], 4)]
    monkeypatch.setattr(sliced, "TOGETHER_COLUMNS", 64 if columns <= 64 else 10**6)
    monkeypatch.setattr(sliced, "FLUSH_ROWS", 64)
    found.append(summed(table, [3], 4))
    assert [len(sums._jobs) for sums in found] == ([4, 4] if columns == 64 else [10, 4])  # noqa: SLF001
    assert actual(found[0]) == actual(found[1])
    sample = [0, 1, columns - 1]
    assert [[actual(found[0])[i][j] for j in sample] for i in sample] == exact(table[:, sample])


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(tables(), cuts_of, slice_counts)
def test_torch_gives_the_integers_that_numpy_gives(table: Floats, cuts: list[int], slices: int) -> None:
    one, two = (summed(table, cuts, slices, xp) for xp in (np, torch))
    assert one.gram()[0].tolist() == two.gram()[0].tolist()
    assert one.gram()[1].tolist() == two.gram()[1].tolist()
    assert one.exact is two.exact


@pytest.mark.parametrize("xp", [np, torch])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_gram_matrix_refuses_what_is_not_finite(bad: float, xp: Any) -> None:
    with pytest.raises(ValueError, match="NaN or infinite"):
        summed(np.array([[1.0, 2.0], [bad, 3.0]]), [], 4, xp)


integers = st.integers(2, 5).flatmap(
    lambda width: st.lists(st.lists(st.integers(-9, 9), min_size=width, max_size=width), min_size=1, max_size=9)
)


def is_neighbour(found: Any, known: Any) -> bool:
    """Whether each float is the known one or next to it: 60 bits that are right round so (whole.WANTED_BITS)."""
    found, known = np.asarray(found, dtype=np.float64), np.asarray(known, dtype=np.float64)
    return bool((np.abs(found - known) <= np.spacing(np.abs(known))).all())


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(integers, st.booleans())
def test_read_once_the_answer_is_the_exact_one(rows: list[list[int]], intercept: bool) -> None:
    """Of rational systems of any rank, with perfect fits and coefficients of 0 among them; minimum norm where short."""
    table = np.array(rows, dtype=np.float64)
    problem = problem_of(table[:, :-1], table[:, -1], intercept=intercept)
    known = reference(problem)
    answer = least_squares(Chunks(iter([(problem.X, problem.y)])), intercept=intercept, minimum_norm=True)
    assert (answer.rank, answer.columns, answer.passes) == (known.rank, known.columns, 1)
    assert is_neighbour(known.vector(answer.coef, answer.intercept), known.solution)
    assert is_neighbour(answer.rss / known.n, known.mse)
    if known.standard_errors is None:
        assert np.isnan(answer.standard_errors).all()
    else:
        assert is_neighbour(answer.standard_errors, known.standard_errors)
        assert is_neighbour(answer.residual_sd, known.residual_sd)
    if known.r_squared is not None:
        assert is_neighbour(answer.r_squared, known.r_squared)


@pytest.mark.parametrize("power", [-1000, -500, 0, 500, 900])
def test_coefficients_that_are_zero_are_zero_exactly(power: int) -> None:
    X = np.ldexp(np.array([[1.0, 1], [1, -1], [-1, 1], [-1, -1]]), [power, 0])
    answer = least_squares(Chunks([(X, X[:, 0])][:1].__iter__()), intercept=True)
    assert answer.coef.tolist() == [1.0, 0.0]
    assert (answer.intercept, answer.rss, answer.residual_sd, answer.r_squared) == (0.0, 0.0, 0.0, 1.0)


@pytest.mark.parametrize(("X", "rank"), [([[1.0], [2.0**61], [1.0]], 2), ([[1, 1], [1, 2.0**61]], 2), ([[0.0]], 0)])
def test_powers_of_two_do_not_hide_a_rank(X: list[list[float]], rank: int) -> None:
    """Modulo the Mersenne prime 2^61 - 1, the number 2^61 is 1."""
    intercept = len(X) == 3
    answer = least_squares(Chunks(iter([(np.array(X), np.arange(float(len(X))))])), intercept=intercept)
    assert answer.rank == rank
