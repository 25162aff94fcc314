"""Weighted least squares: the exact reference, every solver that takes weights, and what is refused."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import harness
from harness.errors import UsageError
from harness.measure.isolation.data import read_problem
from harness.measure.isolation.data_file import DataFile
from harness.measure.plan import Request, plan, single
from harness.measure.resume import request_of
from harness.measure.run import measure, new_run
from harness.problems.catalog import load
from harness.problems.problem import Floats, Problem, Split
from harness.problems.weights import weighted, weighted_by
from harness.report.html.cases import call, command
from harness.solvers import catalog
from harness.solvers.fit import Fit
from harness.solvers.options import Options
from harness.solvers.solver import Kind, Solver
from harness.solvers.status import Status
from harness.store.store import Store
from harness.store.sweep_store import SweepStore
from harness.verify.reference import Reference, compute
from harness.verify.weighted_gram import two_products, weighted_gram
from tests.conftest import RunCli
from tests.test_solvers import CLOSED_RTOL, LINEAR, here

WEIGHTED = [solver for solver in LINEAR if getattr(solver, "weighted", False)]
WITHOUT = [solver for solver in catalog.ALL if not getattr(solver, "weighted", False)]
EXTREME = (1e-12, 1e12)

pytestmark = pytest.mark.usefixtures("one_thread")


def problem_of(X: Floats, y: Floats, weights: Floats | None = None, *, intercept: bool = True) -> Problem:
    features = tuple(f"x{j}" for j in range(X.shape[1]))
    plain = Problem("own", X, y, features, "y", Split.all_train(len(y)), intercept=intercept)
    return plain if weights is None else weighted(plain, weights)


def drawn(seed: int = 0, n: int = 40, p: int = 3) -> tuple[Floats, Floats, np.random.Generator]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    return X, X @ np.arange(1.0, p + 1) + 2 + rng.normal(size=n), rng


def summed(products: Iterable[Fraction]) -> Fraction:
    return sum(products, Fraction(0))


def fractions(values: Iterable[float]) -> list[Fraction]:
    return [Fraction(value) for value in values]


def in_fractions(X: Floats, y: Floats, w: Floats, *, intercept: bool) -> list[Fraction]:
    """The weighted normal equations solved by Gauss and Jordan in fractions: nothing of the harness is in it."""
    rows = [fractions([*[1.0] * intercept, *row, target]) for row, target in zip(X.tolist(), y.tolist(), strict=True)]
    v, k = fractions(w.tolist()), len(rows[0]) - 1
    system = [
        [summed(a * row[i] * row[j] for a, row in zip(v, rows, strict=True)) for j in range(k + 1)] for i in range(k)
    ]
    for i in range(k):
        pivot = next(r for r in range(i, k) if system[r][i])
        system[i], system[pivot] = system[pivot], system[i]
        system[i] = [value / system[i][i] for value in system[i]]
        for r in range(k):
            if r != i:
                system[r] = [a - system[r][i] * b for a, b in zip(system[r], system[i], strict=True)]
    return [row[-1] for row in system]


NUMBERS = st.floats(-1e6, 1e6, allow_subnormal=False).map(lambda x: x if abs(x) > 1e-6 else 0.0)
WEIGHTS = st.floats(*EXTREME)


@pytest.mark.slow
@given(
    st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS, WEIGHTS), min_size=4, max_size=7),
    st.booleans(),
)
def test_the_weighted_gram_matrix_is_exact(rows: list[tuple[float, ...]], intercept: bool) -> None:
    table = np.array(rows)
    X, y, w = table[:, :2], table[:, 2], table[:, 3]
    gram = weighted_gram(X, y, w, intercept=intercept)
    columns = [*[[1.0] * len(rows)] * intercept, *table[:, :3].T.tolist()]
    for i, left in enumerate(columns):
        for j, right in enumerate(columns):
            exact = sum(Fraction(v) * Fraction(a) * Fraction(b) for v, a, b in zip(w, left, right, strict=True))
            assert gram.values[i][j] * gram.units[i] * gram.units[j] == exact
    assert gram.total == sum(map(Fraction, w))


def test_a_product_is_two_numbers_or_refused() -> None:
    a, b = np.array([0.1, 1e150, 3.0, 0.0]), np.array([0.3, 1e-140, 1 / 3, 1e200])
    high, low = two_products(a, b)
    assert [Fraction(h) + Fraction(v) for h, v in zip(high, low, strict=True)] == [
        Fraction(x) * Fraction(z) for x, z in zip(a, b, strict=True)
    ]
    for bad in (1e-200, 1e200, np.nan):
        with pytest.raises(ValueError, match=r"finite|beyond"):
            two_products(np.array([1e-100 if bad < 1 else 1e100]), np.array([bad]))


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("spread", [1.0, 24.0])
def test_the_reference_is_the_exact_solution_rounded_once(spread: float, intercept: bool) -> None:
    X, y, rng = drawn(n=12)
    w = 10.0 ** rng.uniform(-spread / 2, spread / 2, size=12)
    known = compute(problem_of(X, y, w, intercept=intercept))
    exact = in_fractions(X, y, w, intercept=intercept)
    assert known.solution.tolist() == [float(value) for value in exact]
    rows, targets, v = [fractions([*[1.0] * intercept, *row]) for row in X.tolist()], fractions(y), fractions(w)
    residuals = [
        t - summed(b * a for b, a in zip(exact, row, strict=True)) for t, row in zip(targets, rows, strict=True)
    ]
    rss, total = summed(a * r**2 for a, r in zip(v, residuals, strict=True)), summed(v)
    assert known.mse == float(rss / total)
    mean = summed(a * t for a, t in zip(v, targets, strict=True)) / total if intercept else Fraction(0)
    spread_of_y = summed(a * (t - mean) ** 2 for a, t in zip(v, targets, strict=True))
    assert known.r_squared == float(1 - rss / spread_of_y)
    assert known.residual_sd == pytest.approx(float(rss / (12 - known.columns)) ** 0.5, rel=1e-15)


def of(known: Reference) -> tuple[list[float], float | None, float, float]:
    return known.solution.tolist(), known.r_squared, known.mse, known.null_mse


def test_whole_weights_repeat_rows_and_a_factor_changes_nothing() -> None:
    X, y, rng = drawn()
    w = rng.integers(1, 5, size=40).astype(float)
    repeated = compute(problem_of(X.repeat(w.astype(int), axis=0), y.repeat(w.astype(int))))
    known = compute(problem_of(X, y, w))
    assert of(known) == of(repeated)
    assert known.condition_number == pytest.approx(repeated.condition_number, rel=1e-12)
    scaled = compute(problem_of(X, y, 2.0**-300 * w))
    assert of(scaled) == of(known)
    assert scaled.standard_errors is not None
    assert known.standard_errors is not None
    assert scaled.standard_errors.tolist() == known.standard_errors.tolist()


@pytest.mark.slow
@pytest.mark.parametrize("solver", here(WEIGHTED))
def test_whole_weights_repeat_rows_in_every_solver(solver: Solver) -> None:
    X, y, rng = drawn(seed=1)
    w = rng.integers(1, 5, size=40).astype(float)
    ours, repeated, scaled = (
        measure(single(problem, solver, _options(solver)))
        for problem in (
            problem_of(X, y, w),
            problem_of(X.repeat(w.astype(int), axis=0), y.repeat(w.astype(int))),
            problem_of(X, y, 1e9 * w),
        )
    )
    for other in (repeated, scaled):
        assert ours.record.status is other.record.status
        assert ours.record.status is Status.OK or solver.kind is Kind.ITERATIVE, ours.record.message
        for scores in ("r2", "mse"):
            mine, theirs = getattr(ours.record.accuracy, scores), getattr(other.record.accuracy, scores)
            assert mine["train"] == pytest.approx(theirs["train"], rel=CLOSED_RTOL)
        np.testing.assert_allclose(_parameters(ours.fit), _parameters(other.fit), rtol=CLOSED_RTOL)


def _options(solver: Solver) -> Options:
    """Full batches in float64; of a training the first epochs, where no optimizer enlarges what rounding differs by."""
    epochs = 5 if solver.optimizer == "lbfgs" else 50  # each of L-BFGS is twenty iterations
    return Options(lr=0.01, epochs=epochs, dtype="float64") if "epochs" in solver.takes else Options()


def _parameters(fit: Fit | None) -> list[float]:
    assert fit is not None
    assert fit.coef is not None
    assert fit.intercept is not None
    return [fit.intercept, *fit.coef]


@pytest.mark.parametrize("solver", here([one for one in WEIGHTED if one.kind is Kind.CLOSED_FORM]))
def test_weights_over_24_decades_are_solved(solver: Solver) -> None:
    """Half of the digits that float64 has: normal equations square the condition number, here below 1e2."""
    X, y, rng = drawn(seed=2, n=200)
    w = 10.0 ** rng.uniform(-12, 12, size=200)
    record = measure(single(problem_of(X, y, w), solver, _options(solver))).record
    assert record.status is Status.OK, record.message
    assert record.accuracy.digits is not None
    assert record.accuracy.digits > 8


SAYING = ("statsmodels_pinv", "statsmodels_qr", "linearmodels", "streaming", "reference_qr")


@pytest.mark.parametrize("solver", here([catalog.get(name) for name in SAYING]))
def test_inference_with_weights_is_the_exact_one(solver: Solver) -> None:
    X, y, rng = drawn(seed=3)
    problem = problem_of(X, y, rng.uniform(0.1, 10, size=40))
    accuracy = measure(single(problem, solver, Options())).record.accuracy
    found = (accuracy.standard_error_digits, accuracy.residual_sd_digits, accuracy.r_squared_digits)
    assert all(digits is not None and digits > 12 for digits in found), found


@pytest.mark.parametrize("solver", WITHOUT, ids=[one.name for one in WITHOUT])
def test_a_solver_that_takes_no_weights_says_so(solver: Solver) -> None:
    X, y, rng = drawn()
    record = measure(single(problem_of(X, y, rng.uniform(size=40) + 0.5), solver, Options())).record
    assert record.status is Status.UNSUPPORTED
    assert "takes no weights" in record.message or "is not installed" in record.message


def test_rows_of_weight_zero_do_not_count() -> None:
    X, y, rng = drawn()
    w = rng.uniform(1, 2, size=40)
    w[::4] = 0.0
    kept = w > 0
    whole, part = problem_of(X, y, w), problem_of(X[kept], y[kept], w[kept])
    assert of(compute(whole)) == of(compute(part))
    records = [measure(single(one, catalog.get("statsmodels_pinv"), Options())).record for one in (whole, part)]
    assert records[0].accuracy == records[1].accuracy
    assert records[0].n == 30
    assert "10 rows of weight 0 left out" in whole.title
    # A dependence in the rows that count is the data's, whatever the others hold.
    X = X.copy()
    X[kept, 2] = X[kept, 0] + X[kept, 1]
    known = compute(problem_of(X, y, w))
    assert (known.rank, known.columns) == (3, 4)
    assert [one.text for one in known.dependences] == ["x2 = x0 + x1"]


@pytest.mark.parametrize(
    ("weights", "what"),
    [
        ([1, 1, -1, 1], "weight of row 3 is negative"),
        ([1, np.nan, 1, 1], "weight of row 2 is missing"),
        ([1, np.inf, 1, 1], "weight of row 2 is missing or infinite"),
        ([0, 0, 0, 0], "0 training row"),
        ([0, 0, 0, 3], "1 training row"),
        ([1, 1, 1], "not \\(3,\\)"),
        (["a", "b", "c", "d"], "one column of numbers"),
        ([1j, 1, 1, 1], "complex"),
        (np.ma.masked_equal([1.0, 2, 3, 4], 3.0), "weight of row 3 is missing"),
        (pd.array([1, None, 2, 3]), "weight of row 2 is missing"),
        (np.ones((4, 2)), "one column of numbers"),
    ],
)
def test_what_are_no_weights_is_refused_in_one_line(weights: Any, what: str) -> None:
    X, y, _ = drawn(n=4, p=1)
    with pytest.raises(UsageError, match=what) as raised:
        harness.run((X, y), "numpy_lstsq", weights=weights, store="sqlite://", in_process=True)
    assert "\n" not in str(raised.value)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Five rows with weights in a column."""
    frame = pd.DataFrame({"x": [1.0, 2, 3, 4, 6], "w": [1.0, 1e6, 2, 0, 3], "y": [1.0, 2, 4, 9, 5]})
    frame.to_csv(tmp_path / "five.csv", index=False)
    return tmp_path / "five.csv"


@pytest.mark.slow
def test_files_frames_and_arrays_are_weighted_alike(path: Path) -> None:
    frame = pd.read_csv(path)
    kept = frame[frame.w > 0]
    exact = in_fractions(kept[["x"]].to_numpy(), kept.y.to_numpy(), kept.w.to_numpy(), intercept=True)
    x_y = (frame[["x"]], frame.y)
    for data, target, weights in ((str(path), "y", "w"), (frame, "y", "w"), (x_y, None, frame.w.to_numpy())):
        found = harness.run(data, "sklearn", target=target, weights=weights, store="sqlite://", in_process=True)
        (record,) = found.records
        assert record.solution is not None
        assert record.solution.exact == tuple(map(float, exact))
        assert record.status is Status.OK
        assert "(weights=" in record.problem
        assert "(weights=" in record.problem_name


@pytest.mark.slow
@pytest.mark.parametrize("weights", [pd.Series([1.0, 2, 3, 4]), np.array([[1.0], [2], [3], [4]])])
def test_weights_come_in_any_container(weights: Any) -> None:
    X, y, _ = drawn(n=4, p=1)
    found = harness.run((X, y), "numpy_lstsq", weights=weights, store="sqlite://", in_process=True)
    assert found.records[0].problem.endswith(weighted(problem_of(X, y), [1.0, 2, 3, 4]).name.removeprefix("own"))


def test_weights_of_another_index_are_refused() -> None:
    frame = pd.DataFrame({"x": [1.0, 2, 3, 4], "y": [1.0, 3, 2, 5]}, index=[1, 2, 3, 4])
    with pytest.raises(UsageError, match="X and weights have other indexes"):
        harness.run(frame, "numpy_lstsq", target="y", weights=pd.Series([1.0, 1, 2, 2]), store="sqlite://")


@pytest.mark.parametrize("ones", [[1.0, 1, 1, 1, 1], [1.0, 2, 3, 4, 6]])
def test_a_constant_column_or_one_like_a_feature_can_hold_weights(path: Path, ones: list[float]) -> None:
    pd.read_csv(path).assign(w=ones).to_csv(path, index=False)
    (case,) = plan(Request(problems=(str(path),), target="y", weights="w", solvers=("numpy_lstsq",)))
    problem = case.problem
    assert problem.features == ("x",)
    assert problem.weights is not None
    assert problem.weights.tolist() == ones


@pytest.mark.parametrize(
    ("cells", "what"), [("abcde", "no column of numbers"), ("00000", "0 training row"), ([1, 1, -1, 1, 1], "negative")]
)
def test_a_column_without_weights_is_refused(path: Path, cells: Any, what: str) -> None:
    pd.read_csv(path).assign(w=list(cells)).to_csv(path, index=False)
    with pytest.raises(UsageError, match=what):
        load(str(path), target="y", weights="w")


def test_it_is_another_case_and_goes_on_as_it_was_asked_for(path: Path) -> None:
    request = Request(problems=(str(path),), target="y", weights="w", solvers=("numpy_lstsq",), intercept=False)
    cases = plan(request)
    assert request_of(new_run(request, cases).selection) == request
    plain = load(str(path), target="y")
    for name in ("label", "name", "sha256"):
        assert getattr(cases[0].problem, name) != getattr(plain, name)
    record = measure(cases[0]).record
    words = command(record)
    assert "--weights w" in words
    assert "--no-intercept" in words
    assert eval(call(record).rpartition(", catalog")[0], {"load": load}).sha256 == record.problem_sha256  # noqa: S307  # what the page says
    with pytest.raises(UsageError, match="column of weights"):
        weighted_by(plain, "v")


@pytest.mark.slow
def test_the_command_takes_a_column(run_cli: RunCli, path: Path) -> None:
    ended = run_cli("fit", str(path), "numpy_lstsq", "--target", "y", "--weights", "w", "--in-process")
    assert ended.code == 0, ended.stderr
    assert "weighted by w" in ended.stdout


def test_a_worker_gets_the_weights() -> None:
    X, y, rng = drawn()
    problem = problem_of(X, y, rng.uniform(1, 2, size=40))
    file = DataFile()
    try:
        file.write(problem)
        assert read_problem(file.descriptor).sha256 == problem.sha256
    finally:
        file.close()


def test_heavy_rows_are_weighed_and_a_reference_knows_their_light_neighbours() -> None:
    last, first = load("heavy:weight=1e24,rows=2,last=1"), load("heavy:weight=1e24,rows=2")
    assert last.weights is not None
    assert first.weights is not None
    assert last.weights.tolist() == [1.0] * 18 + [1e24] * 2
    assert first.weights.tolist() == [1e24] * 2 + [1.0] * 18
    exact = in_fractions(last.X, last.y, last.weights, intercept=True)
    assert compute(last).solution.tolist() == [float(value) for value in exact]
    assert compute(last).rank == 3
    assert not load("heavy:intercept=0").intercept
    with pytest.raises(UsageError, match="rows <= n"):
        load("heavy:rows=30")


@pytest.mark.parametrize("solver", ["reference_qr", "streaming"])
@pytest.mark.parametrize(
    "spec", ["heavy:weight=1e24,rows=2,last=1", "heavy:weight=1e-24,rows=18", "heavy:weight=1e16,intercept=0"]
)
def test_our_own_solvers_keep_their_digits_at_extreme_ratios(solver: str, spec: str) -> None:
    accuracy = measure(single(load(spec), catalog.get(solver), Options())).record.accuracy
    found = (accuracy.digits, accuracy.standard_error_digits, accuracy.residual_sd_digits, accuracy.r_squared_digits)
    assert all(digits is not None and digits > 13 for digits in found), found


@pytest.mark.parametrize("solver", ["reference_qr", "streaming"])
@pytest.mark.parametrize("minimum_norm", [None, True])
def test_our_own_solvers_see_the_rank_of_weighted_data(solver: str, minimum_norm: bool | None) -> None:
    X, y, rng = drawn(seed=4)
    X = np.column_stack([X, X[:, 0] + X[:, 1] / 3])
    problem = problem_of(X, y, 10.0 ** rng.uniform(-4, 4, size=40))
    record = measure(single(problem, catalog.get(solver), Options(minimum_norm=minimum_norm))).record
    assert record.accuracy.data_rank == 4
    assert record.status is (Status.OK if minimum_norm else Status.RANK_DEFICIENT), record.message


@pytest.mark.parametrize("engine", ["batched", "jax"])
def test_an_engine_without_a_weighted_loss_says_so(engine: str) -> None:
    solver, problem = catalog.get("torch_sgd"), load("heavy:weight=2,rows=10")
    said = solver.unsupported(problem, single(problem, solver, Options(engine=engine)).options)
    assert said is not None
    assert "weighted loss" in said or "is not installed" in said


def test_the_oracle_descends_on_the_weighted_loss_as_the_loop_does() -> None:
    problem, solver = load("heavy:weight=9,rows=5"), catalog.get("torch_sgd")
    traces = [
        measure(single(problem, solver, Options(engine=engine, lr=0.1, epochs=200, dtype="float64", seed=1))).fit
        for engine in ("oracle", "loop")
    ]
    (ours, loop) = (_trace(fit) for fit in traces)
    np.testing.assert_allclose(ours, loop, atol=1e-12)


def _trace(fit: Fit | None) -> Floats:
    assert fit is not None
    assert fit.trace is not None
    assert fit.trace.coef is not None
    return fit.trace.coef


@pytest.mark.slow
@pytest.mark.parametrize("asked", [{"loss": "l1"}, {"weight_decay": 0.1}, {"batch": 8}])
def test_a_weighted_training_is_judged_by_its_own_objective(asked: dict[str, Any]) -> None:
    """Whole weights train as the repeated rows do, whatever the loss; of batches the objective is the same."""
    X, y, rng = drawn(seed=5)
    w = rng.integers(1, 4, size=40).astype(float)
    options = Options(lr=0.02, epochs=20 if "batch" in asked else 300, dtype="float64", **asked)
    ours, repeated = (
        measure(single(problem, catalog.get("torch_sgd"), options)).record
        for problem in (problem_of(X, y, w), problem_of(X.repeat(w.astype(int), axis=0), y.repeat(w.astype(int))))
    )
    assert ours.accuracy.excess_relative_to == repeated.accuracy.excess_relative_to
    if "batch" not in asked:
        assert ours.accuracy.excess_loss == pytest.approx(repeated.accuracy.excess_loss, rel=1e-6, abs=1e-12)


@pytest.mark.slow
def test_a_sweep_reaches_the_weighted_optimum(run_cli: RunCli, path: Path, store_path: Path) -> None:
    words = ("--problem", str(path), "--target", "y", "--weights", "w", "--engine", "loop", "--store", str(store_path))
    ended = run_cli(
        "sweep",
        *words,
        "--optimizer",
        "sgd",
        "--lr",
        "0.3",
        "--seeds",
        "2",
        "--epochs",
        "400",
        "--in-process",
        "--no-widen",
    )
    assert ended.code == 0, ended.stderr + ended.stdout
    kept = SweepStore(Store(str(store_path)))
    (cell,) = kept.cells(kept.sweep(None).id)
    assert cell.status is Status.OK
    assert "(weights=w)" in cell.problem
