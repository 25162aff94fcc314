"""A model through the origin: the same by every solver and engine, and never taken for the one with intercept."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import harness
from harness.config import expectations_file
from harness.judge.gate.expectations import read_expectations
from harness.judge.gate.gate import gate
from harness.measure.plan import Request, plan, single
from harness.measure.resume import request_of
from harness.measure.run import measure, new_run
from harness.problems.catalog import load
from harness.problems.problem import without_intercept
from harness.records.sweep import Cell
from harness.report.html.cases import call, command
from harness.solvers import catalog
from harness.solvers.options import Options, resolve
from harness.solvers.solver import Kind, Solver, missing_library
from harness.solvers.status import Status
from harness.solvers.torch_linear import TorchLinear
from harness.solvers.training.engines import ENGINES
from harness.store.store import Store
from harness.store.sweep_store import SweepStore
from tests.conftest import RunCli
from tests.test_solvers import CLOSED, LINEAR, here, options_of, tolerance

FAR = "synthetic:n=60,p=2,noise=0.5,seed=1"
"""Its intercept is 3: a model that had one would fit otherwise."""
ROUNDING = 1e-12
"""Of 400 float64 steps whose arithmetic is the loop's in another order (tests/test_engines.py: DOUBLE)."""

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.slow
@pytest.mark.parametrize("solver", here(LINEAR))
def test_every_linear_solver_fits_through_the_origin(solver: Solver) -> None:
    problem = load(FAR, intercept=False)
    outcome = measure(single(problem, solver, options_of(solver)))
    assert outcome.record.status is Status.OK, outcome.record.message
    assert outcome.fit is not None
    assert outcome.fit.coef is not None
    assert outcome.fit.intercept == 0
    exact, (rss,), *_ = np.linalg.lstsq(problem.X, problem.y, rcond=None)
    np.testing.assert_allclose(outcome.fit.coef, exact, rtol=tolerance(solver))
    assert outcome.record.accuracy.r2["train"] == pytest.approx(1 - rss / (problem.y @ problem.y), rel=1e-5)
    solution = outcome.record.solution
    assert solution is not None
    assert solution.terms == problem.features


@pytest.mark.parametrize(
    "solver", here([one for one in CLOSED if one.name.startswith(("statsmodels", "linearmodels"))])
)
def test_a_library_s_own_r_squared_is_about_zero_too(solver: Solver) -> None:
    accuracy = measure(single(load(FAR, intercept=False), solver, Options())).record.accuracy
    assert accuracy.r_squared_digits is not None
    assert accuracy.r_squared_digits > 12
    assert accuracy.standard_error_digits is not None
    assert accuracy.standard_error_digits > 12


def test_a_network_has_an_intercept_in_its_biases() -> None:
    record = measure(single(load(FAR, intercept=False), catalog.get("mlp_sgd"), Options())).record
    assert record.status is Status.UNSUPPORTED
    assert "biases" in record.message


@pytest.mark.slow
@pytest.mark.parametrize(("engine", "form"), [("batched", "module"), ("oracle", "parameters"), ("jax", "parameters")])
def test_every_engine_trains_without_a_bias_as_the_loop_does(engine: str, form: str) -> None:
    missing = missing_library(ENGINES[engine].requires)
    if missing:
        pytest.skip(missing)
    solver, problem = catalog.get("torch_sgd"), load(FAR, intercept=False)
    assert isinstance(solver, TorchLinear)
    asked = Options(dtype="float64", lr=0.1, epochs=400, form=form, seed=3)
    options = resolve(solver.name, solver.takes, asked, problem.recipe)
    training = solver.training(problem, options)
    ours, loop = (ENGINES[name].prepare(training).fit().trace for name in (engine, "loop"))
    assert ours is not None
    assert loop is not None
    assert ours.coef is not None
    assert loop.coef is not None
    np.testing.assert_allclose(ours.coef, loop.coef, atol=ROUNDING)
    assert ours.intercept is not None
    assert not ours.intercept.any()


def test_initial_weights_have_no_bias() -> None:
    problem, solver = load(FAR, intercept=False), catalog.get("torch_sgd")
    assert solver.unsupported(problem, Options(engine="loop", init=(1.0, 2.0))) is None
    assert "weights alone" in str(solver.unsupported(problem, Options(engine="loop", init=(1.0, 2.0, 3.0))))


@pytest.mark.slow
def test_arrays_frames_files_and_names_go_through_the_origin(tmp_path: Path) -> None:
    x, y = np.array([60.0, 61, 62, 64]), np.array([130.0, 131, 133, 135])
    frame, path = pd.DataFrame({"x": x, "y": y}), tmp_path / "four.csv"
    frame.to_csv(path, index=False)
    exact = float(x @ y / (x @ x))
    for data, target in (((x[:, None], y), None), (frame, "y"), (str(path), "y")):
        found = harness.run(data, "numpy_lstsq", target=target, intercept=False, store="sqlite://", in_process=True)
        (record,) = found.records
        assert record.solution is not None
        assert record.solution.computed == pytest.approx((exact,), rel=1e-14)
        assert record.problem_name.endswith("(no-intercept)")
        assert record.accuracy.r2["train"] == pytest.approx(1 - np.sum((y - exact * x) ** 2) / (y @ y), rel=1e-12)


def test_it_is_another_case_than_the_one_with_intercept() -> None:
    with_one, without = load(FAR), load(FAR, intercept=False)
    assert {with_one.label, with_one.name, with_one.sha256}.isdisjoint({without.label, without.name, without.sha256})
    own = load("condition_1e02")
    assert not own.intercept
    assert without_intercept(own) is own  # nothing was taken from it


def test_no_expectation_of_the_problem_with_intercept_is_about_it() -> None:
    expectations = read_expectations(expectations_file())
    request = Request(problems=("auto_mpg",), solvers=("numpy_lstsq",), intercept=False)
    cases = plan(request)
    records = [measure(case).record for case in cases]
    judged = gate(new_run(request, cases), records, expectations)
    assert judged.judgements == ()
    assert judged.unjudged == 1
    # With intercept the same records are missed: there is something to be confused with.
    both = Request(problems=("auto_mpg",), solvers=("numpy_lstsq",))
    assert gate(new_run(both, plan(both)), records, expectations).breaches


def test_a_run_goes_on_without_intercept_and_its_case_is_reproduced_without() -> None:
    request = Request(problems=(FAR,), solvers=("numpy_lstsq",), intercept=False)
    cases = plan(request)
    assert request_of(new_run(request, cases).selection) == request
    record = measure(cases[0]).record
    assert "--no-intercept" in command(record)
    scope = {"load": load}
    assert eval(call(record).rpartition(", catalog")[0], scope).label == record.problem  # noqa: S307  # it is what the page says


@pytest.mark.slow
def test_commands_take_it(run_cli: RunCli, store_path: Path) -> None:
    ended = run_cli("fit", "four_points", "numpy_lstsq", "--no-intercept", "--in-process")
    assert ended.code == 0, ended.stderr
    assert "without intercept" in ended.stdout
    words = ("--problem", "four_points", "--no-intercept", "--store", str(store_path), "--in-process")
    ended = run_cli(
        "sweep", *words, "--optimizer", "sgd", "--lr", "0.1", "--seeds", "2", "--epochs", "50", "--no-widen"
    )
    assert ended.code == 0, ended.stderr
    kept = SweepStore(Store(str(store_path)))
    cells: list[Cell] = kept.cells(kept.sweep(None).id)
    assert [(cell.problem, cell.status) for cell in cells] == [("four_points(no-intercept)", Status.OK)]


def test_every_solver_that_is_linear_is_in_these_tests() -> None:
    assert {one.kind for one in catalog.ALL} - {one.kind for one in LINEAR} == {Kind.CURVE, Kind.BASELINE}
