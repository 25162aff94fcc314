"""One table of solvers drives every property: the catalog's own."""

from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from _pytest.mark import ParameterSet

from harness.errors import UsageError
from harness.measure.plan import Case, single
from harness.measure.run import Outcome, measure
from harness.problems.catalog import load
from harness.problems.problem import Floats, Problem, Split
from harness.solvers.catalog import ALL, CORE, NAMED, PEERS, SOLVERS, get
from harness.solvers.closed_forms.inference import inference_of
from harness.solvers.options import Options
from harness.solvers.solver import Kind, Solver, missing_library
from harness.solvers.status import Status

LINEAR = [solver for solver in ALL if solver.kind in (Kind.CLOSED_FORM, Kind.ITERATIVE)]
TRAINED = [solver for solver in ALL if "epochs" in solver.takes]
CLOSED = [solver for solver in ALL if solver.kind is Kind.CLOSED_FORM]
ITERATIVE = [solver for solver in ALL if solver.kind is Kind.ITERATIVE]

UNPIVOTED = ("statsmodels_qr", "torch_gels", "polars_ols")
CLOSED_RTOL = 1e-9
"""Well-conditioned problems (condition number under 1e3): eps cond² is 2e-10 for normal equations."""
TRAINED_RTOL = 2e-3
"""A float32 training to a relative excess loss of 1e-6 has its coefficients right to about its square root."""

ENOUGH = {
    "lbfgs": {"lr": 1.0, "epochs": 10},
    "rmsprop": {"lr": 0.003, "epochs": 800},
    "adagrad": {"lr": 1.0, "epochs": 200},
    "adadelta": {"lr": 0.3, "epochs": 1200},
    "muon": {"lr": 0.003, "epochs": 1500},
}
"""Steps of RMSprop and Muon do not shrink: they end up about as long as the rate. Adagrad's shrink from the first, and
Adadelta's begin at a thousandth of the rate. An epoch of L-BFGS is twenty iterations."""


pytestmark = pytest.mark.usefixtures("one_thread")


def here(solvers: Sequence[Solver]) -> list[ParameterSet]:
    """Each solver as a parameter; one whose library is missing (the extra `peers`) is skipped with that reason."""
    reasons = {solver.name: missing_library(solver.requires) for solver in solvers}
    return [
        pytest.param(s, id=s.name, marks=pytest.mark.skipif(bool(reasons[s.name]), reason=str(reasons[s.name])))
        for s in solvers
    ]


def line(n: int = 60, p: int = 2, noise: float = 0.0, seed: int = 1) -> Problem:
    return load(f"synthetic:n={n},p={p},noise={noise},seed={seed}")


def changed(problem: Problem, X: Floats, y: Floats) -> Problem:
    return Problem("changed", X, y, problem.features, "y", Split.all_train(len(y)))


def options_of(solver: Solver, **asked: object) -> Options:
    fast = ENOUGH.get(str(solver.optimizer), {"lr": 0.1, "epochs": 250}) if "epochs" in solver.takes else {}
    return Options(**(fast | asked))  # type: ignore[arg-type]


def fitted(problem: Problem, solver: Solver, **asked: object) -> Outcome:
    outcome = measure(single(problem, solver, options_of(solver, **asked)))
    assert outcome.fit is not None, outcome.record.message
    return outcome


def parameters(outcome: Outcome) -> Floats:
    assert outcome.fit is not None
    assert outcome.fit.coef is not None
    return np.array([outcome.fit.intercept, *outcome.fit.coef])


def tolerance(solver: Solver) -> float:
    return CLOSED_RTOL if solver.kind is Kind.CLOSED_FORM else TRAINED_RTOL


@pytest.mark.parametrize("solver", here(LINEAR))
def test_recovers_an_exact_line_with_its_intercept(solver: Solver) -> None:
    problem = line()
    assert problem.truth is not None
    outcome = fitted(problem, solver)
    assert outcome.record.status is Status.OK, outcome.record.message
    expected = [problem.truth.intercept, *problem.truth.coef]
    np.testing.assert_allclose(parameters(outcome), expected, rtol=tolerance(solver), atol=tolerance(solver))


ORDER = np.random.default_rng(0).permutation(60)
Rows = tuple[Floats, Floats]


def scaled(X: Floats, y: Floats) -> Rows:
    return X, 1000 * y


def permuted(X: Floats, y: Floats) -> Rows:
    return X[ORDER], y[ORDER]


def moved(X: Floats, y: Floats) -> Rows:
    """Inches to millimetres and another origin."""
    return 25.4 * X + 10, y


CHANGES = {"scaled": (scaled,), "permuted": (permuted,), "moved": (moved,), "all": (scaled, permuted, moved)}


@pytest.mark.parametrize(
    ("solver", "name"),
    [
        pytest.param(*one.values, name, id=f"{one.id}-{name}", marks=one.marks)
        for solvers, names in ((CLOSED, CHANGES), (ITERATIVE, ["all"]))
        for one in here(solvers)
        for name in names
    ],
)
def test_coefficients_follow_other_units_and_rows_in_another_order(solver: Solver, name: str) -> None:
    """Each change by itself where a fit takes a moment; of a training all three at once."""
    problem, changes = line(noise=0.5), CHANGES[name]
    X, y = problem.X, problem.y
    for change in changes:
        X, y = change(X, y)
    expected = np.linalg.lstsq(np.column_stack([np.ones(problem.n), problem.X]), problem.y, rcond=None)[0]
    if moved in changes:
        slopes = expected[1:] / 25.4
        expected = np.array([expected[0] - 10 * slopes.sum(), *slopes])
    if scaled in changes:
        expected = 1000 * expected
    np.testing.assert_allclose(parameters(fitted(changed(problem, X, y), solver)), expected, rtol=tolerance(solver))


@pytest.mark.parametrize("solver", here(ALL))
def test_predictions_are_float64_of_one_column(solver: Solver) -> None:
    problem = line()
    outcome = fitted(problem, solver, **({"epochs": 3} if solver in TRAINED else {}))
    assert outcome.fit is not None
    predicted = outcome.fit.predict(problem.X)
    assert predicted.shape == (problem.n,)
    assert predicted.dtype == np.float64


@pytest.mark.parametrize("solver", here(ALL))
def test_refuses_every_option_that_it_does_not_take(solver: Solver) -> None:
    asked = {
        "lr": 0.1,
        "epochs": 2,
        "loss": "l1",
        "batch": 3,
        "seed": 1,
        "momentum": 0.5,
        "hidden": (4,),
        "dtype": "float64",
    }
    for name, value in asked.items():
        options = Options(**{name: value})  # type: ignore[arg-type]
        if name in solver.takes:
            assert getattr(single(line(), solver, options).options, name) == value
        else:
            with pytest.raises(UsageError, match=f"{solver.name} takes no {name}"):
                single(line(), solver, options)


@pytest.mark.parametrize("solver", here(ALL))
def test_the_timed_work_can_be_repeated_and_leaves_the_fit_alone(solver: Solver) -> None:
    case = single(line(), solver, options_of(solver, **({"epochs": 3} if solver in TRAINED else {})))
    prepared = solver.prepare(case.problem, case.options)
    assert prepared.unit == ("epoch" if solver in TRAINED else "fit")
    prepared.run()
    first = prepared.fit().predict(case.problem.X)
    prepared.run()
    again = prepared.fit().predict(case.problem.X)
    if solver in TRAINED:
        np.testing.assert_array_equal(again, first)
    else:  # MKL's kernels depend on how its work arrays are aligned: torch's gelsy differs in the last bit
        np.testing.assert_allclose(again, first, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("solver", here([s for s in ALL if "cuda" not in s.devices]))
def test_a_device_that_a_solver_lacks_is_a_row_with_its_reason(solver: Solver) -> None:
    record = measure(single(line(), solver, Options(device="cuda"))).record
    assert record.status is Status.UNSUPPORTED
    assert "cpu only" in record.message


@pytest.mark.parametrize("solver", here(CLOSED))
def test_two_columns_that_repeat_are_rank_deficient(solver: Solver) -> None:
    X = np.arange(8.0).reshape(8, 1)
    problem = Problem("twins", np.hstack([X, 2 * X]), X[:, 0] ** 2, ("a", "b"), "y", Split.all_train(8))
    record = measure(single(problem, solver, Options())).record
    # Cholesky may refuse the singular Gram matrix before anything can be verified.
    # QR without pivoting divides by a pivot that is rounding: what comes out may not even minimise the loss.
    nonsense = (Status.WRONG,) if solver.name in UNPIVOTED else ()
    assert record.status in (Status.RANK_DEFICIENT, Status.ERROR, *nonsense)
    assert "b = 2 a" in record.message or record.status is Status.ERROR
    assert record.advice


@pytest.mark.parametrize("solver", here(TRAINED))
def test_the_same_seed_trains_the_same_and_another_does_not(solver: Solver) -> None:
    losses = []
    for seed in (3, 3, 4):
        fit = fitted(line(noise=0.5), solver, epochs=2, seed=seed, batch=16).fit
        assert fit is not None
        assert fit.trace is not None
        losses.append(fit.trace.train_loss)
    np.testing.assert_array_equal(losses[0], losses[1])
    assert not np.array_equal(losses[0], losses[2])


@pytest.mark.parametrize("solver", here(TRAINED))
def test_too_large_a_learning_rate_diverges_and_ends_the_training(solver: Solver) -> None:
    lr = 50.0 if solver.optimizer == "sgd" else 1e6
    record = fitted(line(noise=0.5), solver, lr=lr, epochs=2000).record
    assert record.status is Status.DIVERGED
    assert "Lower the learning rate" in record.advice
    assert record.trace is not None
    assert record.trace.epochs < 2000


@pytest.mark.parametrize("solver", here(TRAINED))
def test_a_batch_larger_than_n_is_the_full_batch(solver: Solver) -> None:
    full, larger = (fitted(line(noise=0.5), solver, epochs=5, batch=batch).fit for batch in (None, 1000))
    assert full is not None
    assert larger is not None
    assert full.trace is not None
    assert larger.trace is not None
    np.testing.assert_array_equal(full.trace.train_loss, larger.trace.train_loss)


@pytest.mark.parametrize(
    ("name", "form", "loss", "scale"),
    [
        chosen  # each three of the four in all their combinations: half of the sixteen
        for chosen in product(
            ("torch_sgd", "torch_adam"), ("module", "parameters"), ("mse", "l1"), ("standardized", "raw")
        )
        if sum(one in ("torch_adam", "parameters", "l1", "raw") for one in chosen) % 2 == 0
    ],
)
def test_every_form_loss_and_scale_reaches_the_line(name: str, form: str, loss: str, scale: str) -> None:
    # L1 with a constant rate ends in a cycle of the step's width, which in raw units is near the line's.
    lr, epochs = (0.01, 1500) if (loss, scale) == ("l1", "raw") else (0.05, 300)
    outcome = fitted(line(p=1), get(name), form=form, loss=loss, scale=scale, lr=lr, epochs=epochs)
    assert outcome.record.accuracy.r2["train"] > 0.98


@pytest.mark.parametrize("p", [1, 3])
@pytest.mark.parametrize("form", ["module", "parameters"])
def test_initial_weights_are_those_asked_for(form: str, p: int) -> None:
    init = (*np.linspace(-1, 1, p), 0.5)
    fit = fitted(line(p=p), get("torch_sgd"), form=form, scale="raw", init=init, epochs=1, dtype="float64").fit
    assert fit is not None
    assert fit.trace is not None
    assert fit.trace.coef is not None
    assert fit.trace.intercept is not None
    np.testing.assert_allclose([*fit.trace.coef[0], fit.trace.intercept[0]], init, rtol=1e-7)  # set in float32


def test_too_few_initial_weights_are_a_row_with_its_reason() -> None:
    record = measure(single(line(p=2), get("torch_sgd"), Options(init=(1.0, 2.0)))).record
    assert record.status is Status.UNSUPPORTED
    assert "needs 3" in record.message


def test_sgd_follows_the_exact_trajectory_of_its_quadratic() -> None:
    """theta_t - theta* = (I - 2 lr G)^t (theta_0 - theta*) for the Gram matrix G of the design."""
    problem = line(noise=0.5)
    outcome = fitted(problem, get("torch_sgd"), scale="raw", dtype="float64", lr=0.05, epochs=50)
    assert outcome.fit is not None
    trace = outcome.fit.trace
    assert trace is not None
    assert trace.coef is not None
    assert trace.intercept is not None
    path = np.column_stack([trace.intercept, trace.coef])
    A = np.column_stack([np.ones(problem.n), problem.X])
    best = np.linalg.lstsq(A, problem.y, rcond=None)[0]
    step = np.eye(3) - 2 * 0.05 * A.T @ A / problem.n
    expected = best + np.array([np.linalg.matrix_power(step, t) @ (path[0] - best) for t in range(51)])
    np.testing.assert_allclose(path, expected, rtol=1e-10, atol=1e-12)


def test_training_leaves_torch_s_global_generator_alone() -> None:
    import torch

    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    fitted(line(), get("torch_sgd"), epochs=2, batch=8)
    assert torch.equal(torch.rand(3), expected)


def test_hidden_layers_are_an_option() -> None:
    case = single(load("sine"), get("mlp_adam"), Options(hidden=(16,), epochs=2))
    training = case.solver.prepare(case.problem, case.options)
    shapes = [tuple(w.shape) for w in training.timed.model.parameters()]  # type: ignore[attr-defined]
    assert shapes == [(16, 1), (16,), (1, 16), (1,)]


FINDS_RANK = ("numpy_lstsq", "scipy_gelsd", "scipy_gelsy", "torch_gelsy", "torch_gelsd", "pyfixest", "jax_lstsq")
FINDS_NONE = ("torch_gels", "onedal", "polars_ols", "linearmodels", "glum", "normal_equations")
FLOAT32 = ("scipy_gelsd", "scipy_gelsy", "torch_gels", "torch_gelsy", "torch_gelsd", "onedal", "glum", "jax_lstsq")


@pytest.mark.parametrize("solver", here([get(name) for name in FINDS_RANK]))
def test_the_rank_is_what_the_library_says(solver: Solver) -> None:
    X = np.arange(8.0).reshape(8, 1)
    twins = Problem("twins", np.hstack([X, 2 * X]), X[:, 0] ** 2, ("a", "b"), "y", Split.all_train(8))
    ranks = [fitted(problem, solver).record.accuracy.rank for problem in (line(p=3), twins)]
    assert ranks == [4, 2]


@pytest.mark.parametrize("solver", here([get(name) for name in FINDS_NONE]))
def test_no_rank_is_claimed_where_the_library_says_none(solver: Solver) -> None:
    assert fitted(line(p=3), solver).record.accuracy.rank is None


@pytest.mark.parametrize("solver", here([get(name) for name in FLOAT32]))
def test_float32_is_float32_arithmetic(solver: Solver) -> None:
    """Eight digits of the coefficients at the most, and half of that at the least: the problem is well-conditioned."""
    problem = line(noise=0.5)
    double, single_ = (fitted(problem, solver, dtype=dtype).record.accuracy.digits for dtype in ("float64", "float32"))
    assert double is not None
    assert single_ is not None
    assert 4 < single_ < 9
    assert double > 12


@pytest.mark.parametrize("library", ["scipy", "torch"])
def test_a_driver_is_the_one_that_it_is_named_after(library: str) -> None:
    """NIST's Pontius: the columns' scales cost an SVD 6 of the digits that a pivoted QR keeps."""
    digits = {
        driver: fitted(load("nist_pontius"), get(f"{library}_{driver}")).record.accuracy.digits
        for driver in ("gelsy", "gelsd")
    }
    assert digits["gelsy"] is not None
    assert digits["gelsd"] is not None
    assert digits["gelsy"] > digits["gelsd"] + 3


def test_torch_has_only_gels_on_cuda() -> None:
    assert [name for name in SOLVERS if name.startswith("torch_gels") and "cuda" in get(name).devices] == ["torch_gels"]


def test_torch_lstsq_is_named_after_its_driver_everywhere() -> None:
    with pytest.raises(UsageError, match="unknown solver 'torch_lstsq'"):
        get("torch_lstsq")
    root = Path(__file__).resolve().parents[1]
    kept = [*(root / "results").rglob("*.json"), *(root / "results").rglob("*.toml"), *(root / "suites").glob("*.py")]
    texts = {path: path.read_text() for path in kept}
    assert [path for path, text in texts.items() if "torch_lstsq" in text] == []
    assert sum("'torch_gels'" in text for text in texts.values()) >= 3


def test_the_catalog_s_names_are_unique() -> None:
    assert len(SOLVERS) == len(ALL)
    assert ALL == CORE + PEERS + NAMED


def test_an_unknown_solver_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean 'sklearn'"):
        get("sklern")


def test_the_null_solver_explains_nothing() -> None:
    case = Case(line(noise=0.5), get("mean"), Options())
    assert measure(case).record.accuracy.r2["train"] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("name", ["statsmodels_pinv", "statsmodels_qr"])
def test_statsmodels_summary_is_there_for_few_rows_too(name: str) -> None:
    record = measure(single(load("four_points"), get(name), Options())).record
    assert record.solution is not None
    assert "OLS Regression Results" in record.solution.summary
    assert np.isnan(record.solution.statistics["omnibus"])  # statsmodels needs 8 rows for it


@pytest.mark.parametrize(("freedom", "quantile"), [(1, 12.7062), (10, 2.2281), (120, 1.9799)])
def test_a_coefficient_at_the_end_of_its_interval_has_a_p_value_of_five_per_cent(freedom: int, quantile: float) -> None:
    """Student's t at 0.975, as every table has it."""
    errors = np.array([1.0, 0.5])
    found = inference_of(load("noiseless_line"), quantile * errors, errors, freedom, {})
    assert found.t == pytest.approx((quantile, quantile))
    assert found.p_values == pytest.approx((0.05, 0.05), rel=1e-4)
    assert [low for low, _ in found.intervals_95] == pytest.approx([0.0, 0.0], abs=1e-3)
    assert [high for _, high in found.intervals_95] == pytest.approx(list(2 * quantile * errors), rel=1e-4)


@pytest.mark.parametrize(("installed", "has_tol"), [("1.6.1", False), ("1.7.0", True), ("1.10.0", True), ("2.0", True)])
def test_scikit_learn_has_a_tol_from_1_7_on(installed: str, has_tol: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.solvers.closed_forms.sklearn_ols.version", lambda _: installed)
    reason = get("sklearn_tol0").unsupported(line(), Options())
    assert reason == (None if has_tol else f"scikit-learn {installed} has no tol; it came with 1.7")
    assert get("sklearn").unsupported(line(), Options()) is None
