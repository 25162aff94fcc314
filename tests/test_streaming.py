"""Streaming least squares: the paths, data that are hard, the digits, the memory, the refusals."""

import tracemalloc
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.cores.tree import Tree
from harness.errors import UsageError
from harness.measure.plan import single
from harness.measure.run import Outcome, measure
from harness.problems.catalog import load, sidecars
from harness.problems.problem import Floats, Problem, design_matrix
from harness.solvers.catalog import get
from harness.solvers.options import Options
from harness.solvers.status import Status
from harness.solvers.streaming import Answer, Arrays, Chunks, Source, least_squares, moments
from harness.solvers.streaming.middles import Middles
from harness.solvers.streaming.moments import host_gram
from harness.solvers.streaming.residuals import ResidualSums, rounder
from harness.solvers.streaming.slices import BITS
from harness.solvers.streaming.sources import BLOCK_BYTES
from harness.verify.digits import digits
from harness.verify.reference import reference
from tests.streaming_data import (
    GRAM_DIGITS,
    LUCK,
    LUCKY_SHARE,
    PATHS,
    RESPONSE,
    WHOLE,
    arrays,
    error_digits,
    least_digits,
    mapped,
    problem_of,
)

pytestmark = pytest.mark.usefixtures("one_thread")


rng = np.random.default_rng(8)
normal = rng.standard_normal((300, 3))
noisy = normal.sum(axis=1) + 3 + rng.standard_normal(300)
HARD: dict[str, Problem] = {
    "a far mean": problem_of(normal + 1e8, noisy + 1e8),
    "a far mean without intercept": problem_of(normal + 1e8, noisy, intercept=False),
    "an outlier": load("outlier:n=300,size=1e9"),
    "1e200": problem_of(1e200 * normal, noisy),
    "1e-200": problem_of(1e-200 * normal, noisy),
    "1e-158, where squares are subnormal": problem_of(1e-158 * normal, noisy),
    "1e-158 without intercept": problem_of(1e-158 * normal, noisy, intercept=False),
    "y 1e200": problem_of(normal, 1e200 * noisy),
    "y 1e-200": problem_of(normal, 1e-200 * noisy),
    "y 1e-158": problem_of(normal, 1e-158 * noisy),
    "both 1e200": problem_of(1e200 * normal, 1e200 * noisy),
    "both 1e-200": problem_of(1e-200 * normal, 1e-200 * noisy, intercept=False),
    "X 1e150, y 1e-140": problem_of(1e150 * normal, 1e-140 * noisy),
    "mixed scales": problem_of(normal * [1e200, 1.0, 1e-200], noisy),
    "a nearly constant column": problem_of(np.column_stack([normal, 1e6 + 1e-6 * normal[::-1, 0]]), noisy),
    "one column": problem_of(normal[:, :1], noisy),
    "one column without intercept": problem_of(normal[:, :1], noisy, intercept=False),
    "a residual of one degree of freedom": problem_of(normal[:5], noisy[:5]),
    "bits far apart": problem_of(normal * np.exp(40 * normal[:, ::-1]), noisy),
    "constant y": problem_of(normal, np.full(300, 0.1)),
    "y of zeros": problem_of(normal, np.zeros(300), intercept=False),
    "constant y without intercept": problem_of(normal, np.full(300, 0.1), intercept=False),
}


@pytest.mark.parametrize("name", HARD)
def test_hard_data_are_fitted_to_the_last_digits(name: str) -> None:
    problem = HARD[name]
    known = reference(problem)
    answer = least_squares(arrays(problem), intercept=problem.intercept)
    assert (answer.rank, answer.n) == (known.rank, known.n)
    # a far mean costs the intercept what mean / sd makes of an ulp of the slope (Higham 2002, sec. 1.7)
    far = 8 if name == "a far mean" else 0
    assert least_digits(answer, known) > (14.5 if "free" in answer.path else GRAM_DIGITS - far)
    assert error_digits(answer, known) > (14.5 if "free" in answer.path else GRAM_DIGITS)
    if known.r_squared is None:
        assert np.isnan(answer.r_squared)
        assert answer.rss == 0
    else:
        assert answer.r_squared == pytest.approx(known.r_squared, rel=1e-12)


EXACT_FITS = {
    "perfect": problem_of(WHOLE, WHOLE @ [1.0, 2.0, 3.0] + 4),
    "perfect without intercept": problem_of(WHOLE, WHOLE @ [1.0, 2.0, 3.0], intercept=False),
    "n = columns": problem_of(WHOLE[:4], RESPONSE[:4]),
    "n = columns without intercept": problem_of(WHOLE[:3], RESPONSE[:3], intercept=False),
    "one row": problem_of([[3.0]], [2.0], intercept=False),
    "two rows": problem_of([[3.0], [4.0]], [2.0, 7.0]),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", EXACT_FITS)
def test_an_exact_fit_leaves_only_rounding(name: str) -> None:
    problem = EXACT_FITS[name]
    known, answer = reference(problem), least_squares(arrays(problem), intercept=problem.intercept)
    assert least_digits(answer, known) > GRAM_DIGITS
    # each residual is rounded by a few ulps of what it is the difference of: GRAM_DIGITS of y at the worst
    assert answer.rss <= float(problem.y @ problem.y) * 10 ** (-2 * GRAM_DIGITS)
    assert answer.r_squared == pytest.approx(1.0, abs=1e-15)
    assert np.isnan(answer.residual_sd) == np.isnan(answer.standard_errors).all() == (answer.n == answer.rank)


DEFICIENT = {
    "a constant column": problem_of(np.column_stack([WHOLE, np.full(700, 0.1)]), RESPONSE),
    "a constant column that is large": problem_of(np.column_stack([WHOLE, np.full(700, 1e9 + 0.1)]), RESPONSE),
    "a column of zeros": problem_of(np.column_stack([WHOLE, np.zeros(700)]), RESPONSE, intercept=False),
    "nothing but zeros": problem_of(0 * WHOLE, RESPONSE, intercept=False),
    "nothing but zeros and an intercept": problem_of(0 * WHOLE, RESPONSE),
    "a column twice": problem_of(np.column_stack([normal, normal[:, 1]]), noisy),
    "a sum of two": load("deficient:n=60,p=7,rank=4"),
    "more columns than rows": load("wide:n=8,p=20"),
    "more columns than rows, no intercept": problem_of(normal[:3].T[:2], noisy[:2], intercept=False),
    "one row": problem_of(normal[:1], noisy[:1]),
    "other scales": problem_of(np.column_stack([WHOLE * [1.0, 2.0**30, 2.0**-30], 3 * WHOLE[:, 0]]), RESPONSE),
    "a sum at 1e200": problem_of(np.column_stack([WHOLE, WHOLE[:, :1] + WHOLE[:, 1:2]]) * 2.0**660, RESPONSE),
}


@pytest.mark.parametrize("once", [False, True])
@pytest.mark.parametrize("name", DEFICIENT)
def test_a_deficient_design_is_refused_or_solved_with_least_norm(name: str, once: bool) -> None:
    problem = DEFICIENT[name]
    known = reference(problem)

    def answer(*, minimum_norm: bool) -> Answer:
        source = Chunks(iter([(problem.X, problem.y)])) if once else arrays(problem)
        return least_squares(source, intercept=problem.intercept, minimum_norm=minimum_norm)

    refused, found = answer(minimum_norm=False), answer(minimum_norm=True)
    assert refused.rank == found.rank == known.rank < known.columns
    assert np.isnan(refused.coef).all()
    assert np.isnan(refused.intercept) == problem.intercept
    assert np.isnan(found.standard_errors).all()
    assert least_digits(found, known) > 14.5
    if "1e200" not in name and "scales" not in name:
        beta = np.linalg.lstsq(design_matrix(problem), problem.y, rcond=1e-10)[0]
        np.testing.assert_allclose(known.vector(found.coef, found.intercept), beta, rtol=1e-9, atol=1e-10)


def test_a_rank_that_exists_only_by_rounding_is_none() -> None:
    problem = problem_of(np.column_stack([normal, normal[:, 0] + normal[:, 1]]), noisy)
    answer, known = least_squares(arrays(problem)), reference(problem)
    assert (answer.rank, known.rank, known.exact_rank) == (4, 4, 5)
    assert np.isnan(answer.coef).all()
    shortest = least_squares(arrays(problem), minimum_norm=True)
    assert shortest.rank == 4
    assert least_digits(shortest, known) > 12
    once = least_squares(Chunks(iter([(problem.X, problem.y)])), minimum_norm=True)
    assert once.passes == 1
    assert once.coef == pytest.approx(shortest.coef, rel=1e-12)


def test_a_dependence_across_scales_needs_more_slices_and_gets_them() -> None:
    """Columns that differ only where they are 1e-40: cut to 108 bits, of which 1e-40 has none, they are the same."""
    small = np.where(np.arange(300) < 150, 1e-40, 1.0)
    X = np.column_stack([normal[:, 0] * small, normal[:, 0] * small + np.where(small < 1, normal[:, 1] * small, 0)])
    problem = problem_of(X, noisy)
    answer, known = least_squares(arrays(problem)), reference(problem)
    assert answer.passes > 2
    assert least_digits(answer, known) > 14.5


def test_too_few_bits_withhold_the_answer() -> None:
    """Equal columns over more exponents than 24 slices hold: nobody knows whether they are equal below."""
    column = np.array([1e300, 1e-300, 1.0, 2.0])
    answer = least_squares(Arrays(np.column_stack([column, column]), np.arange(4.0)), minimum_norm=True)
    assert f"{24 * BITS} bits are too few" in answer.path
    assert np.isnan(answer.coef).all()
    assert np.isnan(answer.standard_errors).all()


DRIFTS: dict[str, Callable[[Floats], Floats]] = {
    "sorted": lambda x: x[np.argsort(x[:, 0])],
    "a step after the first rows": lambda x: x + 1e4 * (np.arange(len(x)) < 1024)[:, None],
    "one wild row first": lambda x: x + 1e3 * (np.arange(len(x)) < 1)[:, None],
}


@pytest.mark.parametrize("where", ["X", "y", "both"])
@pytest.mark.parametrize("name", DRIFTS)
def test_a_first_chunk_far_from_the_mean_costs_no_digits(name: str, where: str, tmp_path: Path) -> None:
    """The shift comes from the first rows of a memory map and of chunks: it may be a bad guess, of y too."""
    X = np.random.default_rng(3).standard_normal((40_000, 3))
    y = X.sum(axis=1) + np.random.default_rng(4).standard_normal(len(X))
    X, y = DRIFTS[name](X) if where != "y" else X, DRIFTS[name](y[:, None])[:, 0] if where != "X" else y
    known = reference(problem_of(X, y))
    for source in (Arrays(mapped(tmp_path, X), y), Chunks([(X[:1], y[:1]), (X[1:], y[1:])])):
        answer = least_squares(source)
        assert least_digits(answer, known) > GRAM_DIGITS
        assert error_digits(answer, known) > GRAM_DIGITS
        assert answer.r_squared == pytest.approx(known.r_squared, rel=0, abs=10**-GRAM_DIGITS)


def test_an_array_is_shifted_by_rows_from_all_over_it() -> None:
    """A trend over an array in memory costs no second pass; with the first rows' mean as the shift it would."""
    X = np.random.default_rng(3).standard_normal((40_000, 3)) + np.linspace(0, 100, 40_000)[:, None] * [1, 0, 0]
    y = X.sum(axis=1) + np.random.default_rng(4).standard_normal(len(X))
    paths = [
        least_squares(source).path for source in (Arrays(X, y + 30 * X[::-1, 1]), Chunks([(X, y + 30 * X[::-1, 1])]))
    ]
    assert paths[0].startswith("gram")
    assert paths[1].startswith("corrected")


def test_every_path_gives_the_condition_number_of_the_centred_and_scaled_columns() -> None:
    X = normal * [1.0, 1e6, 1e-6] + [100.0, 0.0, 1.0]
    sources = (Arrays(X, noisy), Chunks(iter([(X, noisy)])), Arrays(X, X @ [1.0, 1e-6, 1e6]))
    answers = [least_squares(source) for source in sources]
    assert [answer.path.partition(":")[0] for answer in answers] == ["gram", "error-free", "corrected"]
    unit = (X - X.mean(axis=0)) / np.linalg.norm(X - X.mean(axis=0), axis=0)
    for answer in answers:  # LAPACK's estimate in the 1-norm is a lower bound, and nearly always the number itself
        assert answer.condition_number == pytest.approx(np.linalg.cond(unit.T @ unit, 1) ** 0.5, rel=1e-6)


def qr_digits(problem: Problem) -> float | None:
    """statsmodels' OLS by QR; None where it finds R singular."""
    from statsmodels.api import OLS

    try:
        beta = OLS(problem.y, design_matrix(problem)).fit(method="qr").params
    except np.linalg.LinAlgError:
        return None
    return float(digits(beta, reference(problem).solution).min())


def margin(problem: Problem) -> float:
    """Digits of streaming less those of statsmodels' QR; infinite where that has none."""
    answer = least_squares(arrays(problem), intercept=problem.intercept)
    by_qr = qr_digits(problem)
    return float("inf") if by_qr is None else least_digits(answer, reference(problem)) - by_qr


@pytest.mark.parametrize("name", [name for name in sidecars() if name.startswith("nist_")])
def test_nist_s_sets_keep_the_digits_of_a_qr(name: str) -> None:
    assert margin(load(name)) >= -LUCK


DESIGNS = {
    "gram, 2 columns": [f"conditioned:condition=1.2,n=3000,p=2,noise=0.01,seed={s}" for s in range(20)],
    "gram, 10 columns": [f"conditioned:condition=2,n={n},noise=0.01,seed={s}" for n in (300, 20000) for s in range(10)],
    "corrected, 5": [f"conditioned:condition=5,n=1000,p=3,seed={s}" for s in range(20)],
    "corrected, 100": [f"conditioned:condition=100,n=3000,noise=0.1,seed={s}" for s in range(20)],
    "corrected, 700": [f"conditioned:condition=700,n={n},noise=0.01,seed={s}" for n in (300, 20000) for s in range(15)],
    "collinear": [f"collinear:gap={gap},n=1000,p=4,seed={s}" for gap in (0.3, 0.03, 0.01) for s in range(7)],
    "synthetic": [f"synthetic:n={n},p=5,noise={z},seed={s}" for n in (30, 3000) for z in (0.01, 1) for s in range(5)],
}


@pytest.mark.slow
@pytest.mark.parametrize("name", DESIGNS)
def test_drawn_designs_keep_the_digits_of_a_qr_but_for_luck(name: str) -> None:
    """Near the thresholds, where the cheap paths are at their worst."""
    found = [margin(load(spec)) for spec in DESIGNS[name]]
    assert np.mean(np.array(found) < -LUCK) <= LUCKY_SHARE, sorted(found)[:5]


@pytest.mark.slow
@pytest.mark.parametrize("condition", [2000, 1e4, 1e6, 1e8, 1e10, 1e12, 1e14])
def test_ill_conditioned_designs_keep_every_digit(condition: float) -> None:
    for n, noise in ((30, 1.0), (1000, 1e-3), (20000, 10.0)):
        problem = load(f"conditioned:condition={condition},n={n},noise={noise},seed=2")
        answer, known = least_squares(arrays(problem), intercept=False), reference(problem)
        assert answer.path.startswith("error-free")
        assert least_digits(answer, known) > 14.5
        assert error_digits(answer, known) > 14.5


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([-300, 0, 300]), st.sampled_from([1, 7, 60, 1000]))
def test_the_gradient_is_summed_to_more_than_float64(seed: int, exponent: int, block: int) -> None:
    """Its leading part is exact, and the rest is 2^-26 as large: 2^-70 leaves room for sums of 1000 terms."""
    draws = np.random.default_rng(seed)
    B, r = draws.standard_normal((1000, 2)) * np.ldexp(1.0, exponent), draws.standard_normal(1000)
    tree: Tree[ResidualSums] = Tree()
    top = rounder(np.linalg.norm(B, axis=0))
    for number, start in enumerate(range(0, 1000, block)):
        part, rest = B[start : start + block], r[start : start + block]
        tree.add(number, ResidualSums.of(part, rest, np.column_stack([rest, np.ones(len(rest))]), top))
    found = tree.total()
    assert found is not None
    for j in range(2):
        terms = [Fraction(a) * Fraction(b) for a, b in zip(B[:, j].tolist(), r.tolist(), strict=True)]
        size, value = sum(map(abs, terms), Fraction(0)), sum(terms, Fraction(0))
        rounded_once = abs(value) / 2**52
        assert abs(Fraction(found.gradient[j]) - value) <= rounded_once + size / 2**70
    assert found.n == 1000


def peak(source: Source, *, intercept: bool) -> tuple[int, Answer]:
    """Bytes that numpy and Python had allocated at once, beside what was there."""
    tracemalloc.start()
    try:
        answer = least_squares(source, intercept=intercept)
        return tracemalloc.get_traced_memory()[1], answer
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("form", ["C", "Fortran", "float32"])
def test_one_pass_over_20_mb_takes_less_than_a_tenth_of_them(form: str, intercept: bool) -> None:
    X = np.random.default_rng(0).standard_normal((250_000, 10))
    y = X.sum(axis=1) + np.random.default_rng(1).standard_normal(len(X))
    table: Any = {"C": X, "Fortran": np.asfortranarray(X), "float32": X.astype(np.float32)}[form]
    extra, answer = peak(Arrays(table, y), intercept=intercept)
    assert answer.path.startswith("gram")
    assert extra < table.nbytes / 10


@pytest.mark.slow
@pytest.mark.parametrize("noise", [1.0, 1e-6])
def test_a_memory_map_of_100_mb_is_read_in_less_than_64(noise: float, tmp_path: Path) -> None:
    n = 1_250_000
    X = np.memmap(tmp_path / "x.dat", dtype=np.float64, mode="w+", shape=(n, 10))
    draws = np.random.default_rng(0)
    for start in range(0, n, 125_000):
        X[start : start + 125_000] = draws.standard_normal((125_000, 10))
    y = np.asarray(X).sum(axis=1) + noise * draws.standard_normal(n)
    source = Arrays(X, y)
    assert max(part.nbytes for part, _ in source.chunks()) <= BLOCK_BYTES < X.nbytes
    extra, answer = peak(source, intercept=True)
    assert answer.passes == (1 if noise == 1.0 else 2)
    assert extra < 64 * 2**20


def fitted(problem: Problem, name: str = "streaming", **asked: Any) -> Outcome:
    return measure(single(problem, get(name), Options(**asked)))


@pytest.mark.parametrize("solver", ["streaming", "reference_qr"])
@pytest.mark.parametrize("name", ["a sum of two", "more columns than rows", "a constant column"])
def test_the_harness_refuses_a_deficient_design_unless_least_norm_was_asked_for(name: str, solver: str) -> None:
    problem = DEFICIENT[name]
    refused, found = fitted(problem, solver).record, fitted(problem, solver, minimum_norm=True).record
    assert refused.status is Status.RANK_DEFICIENT
    assert "--minimum-norm gives" in refused.message
    assert refused.advice
    assert found.status is Status.OK, found.message
    assert found.accuracy.rank == found.accuracy.exact_rank == reference(problem).rank < problem.p + problem.intercept
    assert found.accuracy.digits is not None
    assert found.accuracy.digits > 14.5


@pytest.mark.parametrize("solver", ["streaming", "reference_qr"])
@pytest.mark.parametrize("name", ["well-conditioned", "condition number 1e5", "y's squares underflow"])
def test_the_harness_gets_the_whole_inference(name: str, solver: str) -> None:
    problem = PATHS[name][0]
    outcome = fitted(problem, solver)
    accuracy = outcome.record.accuracy
    assert outcome.record.status is Status.OK, outcome.record.message
    assert outcome.fit is not None
    assert outcome.fit.inference is not None
    for found in (
        accuracy.digits,
        accuracy.standard_error_digits,
        accuracy.residual_sd_digits,
        accuracy.r_squared_digits,
    ):
        assert found is not None
        assert found > GRAM_DIGITS
    said = outcome.fit.inference
    assert said.terms == (("const",) if problem.intercept else ()) + problem.features
    assert (said.statistics["n"], said.statistics["df_resid"]) == (problem.n, problem.n - len(said.terms))
    if solver == "streaming":
        assert outcome.record.message.startswith(PATHS[name][1])


@pytest.mark.parametrize("name", ["statsmodels_qr", "numpy_lstsq", "torch_gels"])
def test_minimum_norm_is_refused_by_solvers_that_do_not_take_it(name: str) -> None:
    with pytest.raises(UsageError, match=f"{name} takes no minimum_norm"):
        single(HARD["one column"], get(name), Options(minimum_norm=True))


@pytest.mark.parametrize("small", [True, False])
def test_the_gram_matrix_rounds_no_more_than_a_product_does(small: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever kernels BLAS has: |error| <= n u / (1 - n u) |B|'|B| (Higham 2002, sec. 3.1)."""
    monkeypatch.setattr(moments, "has_small_products", lambda: small)
    B = np.random.default_rng(5).standard_normal((1000, 10)) * 10.0 ** np.arange(-4, 6)
    exact = [[sum(Fraction(a) * Fraction(b) for a, b in zip(x, y, strict=True)) for x in B.T] for y in B.T]
    found = host_gram(B)
    error = np.array([[abs(float(Fraction(found[i, j]) - exact[i][j])) for j in range(10)] for i in range(10)])
    bound = len(B) * np.finfo(np.float64).eps / 2
    assert (error <= bound / (1 - bound) * (np.abs(B).T @ np.abs(B))).all()


@pytest.mark.parametrize("rows", [1, 2, 5, 127, 128, 300])
def test_the_middles_of_a_sample_are_its_medians(rows: int) -> None:
    """Bit for bit numpy's, of at most 128 rows; near 0 where each is within half of its spread."""
    draws = np.random.default_rng(rows)
    X, y = draws.standard_normal((rows, 4)) * 10.0 ** draws.integers(-200, 200, 4), draws.standard_normal(rows)
    found = Middles.of((X, y))
    assert (found.x == np.median(X[:128], axis=0)).all()
    assert found.y == np.median(y[:128])
    assert found.shifts[0] is (None if found.near else found.x)
    assert Middles.of((np.ones((rows, 1)), y)).near is False
    assert Middles.of((np.tile([-1.0, 1.0], rows)[:, None], np.zeros(2 * rows))).near
