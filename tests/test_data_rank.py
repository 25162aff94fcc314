"""The rank of the data, and the dependences in words, on tables whose answer is known because it was planted."""

from fractions import Fraction

import numpy as np
import pytest

from harness.problems import catalog
from harness.problems.problem import Floats
from harness.verify.data_rank import DataRank, data_rank
from harness.verify.dependence_text import in_words
from harness.verify.dependences import dependences
from harness.verify.exact_flint import Rationals
from harness.verify.factor import triangular_factor
from harness.verify.gram import exact_gram
from harness.verify.half_units import half_units, holds_float32
from harness.verify.relations import simplest

NAMES = tuple("abcdefgh")


def rank_of(X: Floats, *, intercept: bool = True) -> tuple[int, DataRank]:
    """The exact rank of the float64 design, and the rank of the data."""
    gram = exact_gram(X, np.arange(len(X), dtype=np.float64) ** 0.5, intercept=intercept)
    exact = sum(j < gram.columns for j in Rationals().independent(gram.values, gram.n))
    return exact, data_rank(X, gram, triangular_factor(X, intercept=intercept), exact)


def texts(X: Floats, names: tuple[str, ...] = NAMES, *, intercept: bool = True) -> list[str]:
    _, rank = rank_of(X, intercept=intercept)
    return [one.text for one in dependences(X, names[: X.shape[1]], rank, intercept=intercept)]


def decimals(rng: np.random.Generator, n: int, p: int) -> Floats:
    """Columns of unlike size, offset and number of decimals, as tables have them."""
    columns = []
    for _ in range(p):
        places = int(rng.integers(0, 4))
        columns.append(np.round(rng.normal(10.0 ** rng.uniform(-1, 4), 10.0 ** rng.uniform(0, 3), n), places))
    return np.column_stack(columns)


@pytest.mark.parametrize("seed", range(40))
def test_a_sum_in_decimals_does_not_count_and_is_named(seed: int) -> None:
    rng = np.random.default_rng(seed)
    X = decimals(rng, int(rng.integers(8, 300)), int(rng.integers(2, 6)))
    total = np.round(X[:, 0] + X[:, 1], 3)  # the decimals of a + b, each read as the nearest double
    table = np.column_stack([X, total])
    exact, rank = rank_of(table)
    assert exact in (table.shape[1], table.shape[1] + 1)  # by chance nothing was rounded, or the full rank of rounding
    assert (rank.rank, len(rank.pivots)) == (table.shape[1], 1)
    assert rank.margin <= 1
    (found,) = dependences(table, [*NAMES[: X.shape[1]], "total"], rank, intercept=True)
    assert found.text == "total = a + b"
    assert found.exact


@pytest.mark.parametrize("seed", range(20))
def test_two_dependences_computed_in_float64_are_found_and_named_apart(seed: int) -> None:
    rng = np.random.default_rng(1000 + seed)
    X = rng.normal(3, 1, (60, 4))
    table = np.column_stack([X, X[:, 0] + X[:, 1], 2 * X[:, 2] - X[:, 3]])
    _, rank = rank_of(table)
    assert rank.rank == 5
    assert {one.columns for one in dependences(table, NAMES[:6], rank, intercept=True)} == {tuple("abe"), tuple("cdf")}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_columns_that_do_not_depend_count_all(seed: int) -> None:
    rng = np.random.default_rng(2000 + seed)
    X = decimals(rng, int(rng.integers(12, 300)), 4)
    table = np.column_stack([X, X[:, 0] + X[:, 1] + rng.normal(0, 1e-10 * np.abs(X[:, 0]).max(), len(X))])
    exact, rank = rank_of(table)
    assert (exact, rank.rank) == (6, 6)
    assert rank.margin > 1
    assert dependences(table, NAMES[:5], rank, intercept=True) == ()


def test_the_rank_grows_once_as_noise_grows() -> None:
    rng = np.random.default_rng(7)
    X, noise = decimals(rng, 200, 3), rng.normal(size=200)
    sizes = 10.0 ** np.arange(-20, -5.5, 0.5)
    z = X[:, 0] + X[:, 1]
    found = [rank_of(np.column_stack([X, z + size * np.abs(z) * noise]))[1] for size in sizes]
    assert [one.rank for one in found] == sorted(one.rank for one in found)
    assert [one.rank for size, one in zip(sizes, found, strict=True) if size <= 1e-17] == [4] * 7
    assert all(one.rank == 5 for size, one in zip(sizes, found, strict=True) if size > 1e-15)
    assert all((one.margin > 1) == (one.rank == 5) for one in found)


@pytest.mark.parametrize("name", [name for name in catalog.sidecars() if name.startswith("nist")])
def test_nist_sets_have_full_rank(name: str) -> None:
    problem = catalog.load(name)
    exact, rank = rank_of(problem.rows("train")[0], intercept=problem.intercept)
    assert (exact, rank.rank) == (problem.p + problem.intercept,) * 2
    assert rank.margin > 1e4  # Filip, the least: singular value 7.8e6, sqrt(10)


def test_seconds_since_1970_are_determined_and_their_square_over_ten_seconds_is_not() -> None:
    t = 1.7e9 + np.linspace(0, 10, 50)
    assert rank_of(t[:, None])[1].rank == 2
    assert rank_of(np.column_stack([t, t * t]))[1].rank == 2  # of 3
    t = 1.7e9 + np.linspace(0, 1000, 50)
    assert rank_of(np.column_stack([t, t * t]))[1].rank == 3


def test_an_outlier_hides_neither_a_rank_nor_a_dependence() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 2)) * 1e-4
    X[5] = 1e12
    assert rank_of(X)[1].rank == 3
    table = np.column_stack([X, X[:, 0] + X[:, 1]])
    assert rank_of(table)[1].rank == 3
    assert texts(table) == ["c = a + b"]


def test_float32_columns_are_known_to_their_own_rounding() -> None:
    X = np.random.default_rng(0).normal(size=(100, 2)).astype(np.float32)
    table = np.column_stack([X, X[:, 0] + X[:, 1]]).astype(np.float64)
    assert rank_of(table)[1].rank == 3
    assert texts(table) == ["c = a + b"]
    assert not holds_float32(np.arange(5.0) * 100_001)
    assert not holds_float32(np.array([0.25, 0.5, 1e6 + 0.75]))
    assert half_units(np.array([0.0, 1.0, 0.1])).tolist() == [0.0, 2.0**-53, 2.0**-57]
    assert half_units(np.array([1 + 2.0**-23, 2.5])).tolist() == [2.0**-24, 2.0**-23]


def test_equations_are_written_as_people_write_them() -> None:
    rng = np.random.default_rng(3)
    tc = np.round(rng.normal(20, 8, 200), 1)
    assert texts(np.column_stack([tc, np.round(1.8 * tc + 32, 2)]), ("tc", "tf")) == ["tf = 1.8 tc + 32"]
    parts = np.round(100 * rng.dirichlet([1, 2, 3], 300)[:, :2], 1)
    soil = np.column_stack([parts, np.round(100 - parts.sum(axis=1), 1)])
    assert texts(soil, ("clay", "silt", "sand")) == ["sand = 100 - clay - silt"]
    days = np.eye(7)[rng.integers(0, 7, 400)]
    week = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
    assert texts(days, week) == ["Monday + ... + Sunday = 1 (the intercept)"]
    assert texts(days, week, intercept=False) == []
    X = rng.normal(size=(100, 3))
    assert texts(np.column_stack([X, X.sum(axis=1) / 3])) == ["d = (a + b + c) / 3"]
    assert texts(np.column_stack([X, X[:, 2] + 2])) == ["d = c + 2"]
    assert texts(np.column_stack([X, X @ [1, 2, 3]]), intercept=False) == ["d = a + 2 b + 3 c"]


def test_a_dependence_without_short_numbers_names_its_columns() -> None:
    X = np.random.default_rng(3).normal(size=(100, 3))
    found = texts(np.column_stack([X, X[:, :2] @ [0.123456789, np.pi]]))
    assert found == ["a, b and d and a constant are dependent"]


def test_words_take_the_column_alone_that_is_easiest_to_read() -> None:
    one, half = Fraction(1), Fraction(1, 2)
    assert in_words([half, -one], ["a", "b"], Fraction(0)) == ("a = 2 b", True)
    assert in_words([Fraction(1, 3), -one], ["a", "b"], Fraction(0)) == ("a = 3 b", True)
    assert in_words([one, one], ["a", "b"], Fraction(-5)) == ("b = -a - 5", True)
    many = [f"x{i}" for i in range(12)]
    assert in_words([one] * 11 + [-one], many, Fraction(0)) == ("x11 depends on x0, x1, x2, x3 and 7 more", False)
    assert simplest(Fraction(17, 10), Fraction(19, 10)) == Fraction(7, 4)
    assert simplest(Fraction(-19, 10), Fraction(-1, 10)) == -1


def test_a_wide_design_and_a_column_of_zeros_have_their_exact_rank() -> None:
    rng = np.random.default_rng(0)
    exact, rank = rank_of(rng.normal(size=(10, 30)))
    assert (exact, rank.rank, len(rank.pivots), rank.margin) == (10, 10, 21, 0.0)
    exact, rank = rank_of(np.column_stack([rng.normal(size=20), np.zeros(20)]))
    assert (exact, rank.rank, rank.pivots) == (2, 2, (1,))
