"""Other people's solvers, the extra `peers`: what they claim, what they leave alone, what happens without them."""

import os
import re
import subprocess
import sys
import tomllib
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.measure.plan import Request, plan, single
from harness.measure.run import measure
from harness.problems.catalog import load
from harness.problems.problem import Problem, Split
from harness.solvers.catalog import CORE, PEERS, get
from harness.solvers.fit import Fit
from harness.solvers.options import Options
from harness.solvers.solver import Solver, missing_library
from harness.solvers.status import Status
from tests.conftest import RunCli

ROOT = Path(__file__).resolve().parents[1]
ABSENT = {solver.name: missing_library(solver.requires) for solver in PEERS}

DIGITS_OF_INFERENCE = 1e-8
"""Relative: the set has a condition number under 10, where statsmodels itself is right to 14 digits."""


def needs(name: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(bool(ABSENT[name]), reason=str(ABSENT[name]))


def peers(*names: str) -> pytest.MarkDecorator:
    chosen = names or tuple(ABSENT)
    return pytest.mark.parametrize("name", [pytest.param(name, id=name, marks=needs(name)) for name in chosen])


def well_conditioned(intercept: bool = True) -> Problem:
    drawn = load("synthetic:n=300,p=4,noise=0.5,seed=3")
    return Problem("drawn", drawn.X, drawn.y, drawn.features, "y", drawn.split, intercept=intercept)


def fit_of(name: str, problem: Problem, **asked: Any) -> Fit:
    outcome = measure(single(problem, get(name), Options(**asked)))
    assert outcome.fit is not None, outcome.record.message
    return outcome.fit


@pytest.mark.parametrize("intercept", [True, False], ids=["intercept", "origin"])
@peers("polars_ols", "pyfixest", "linearmodels")
def test_inference_is_statsmodels_(name: str, intercept: bool) -> None:
    problem = well_conditioned(intercept)
    theirs, expected = (fit_of(solver, problem).inference for solver in (name, "statsmodels_qr"))
    assert theirs is not None
    assert expected is not None
    assert theirs.terms == expected.terms
    assert len(theirs.terms) == problem.p + intercept
    for field in ("standard_errors", "t"):
        np.testing.assert_allclose(getattr(theirs, field), getattr(expected, field), rtol=DIGITS_OF_INFERENCE)
    np.testing.assert_allclose(theirs.p_values, expected.p_values, rtol=1e-6, atol=1e-14)
    if theirs.intervals_95:
        np.testing.assert_allclose(theirs.intervals_95, expected.intervals_95, rtol=DIGITS_OF_INFERENCE)


@peers("glum")
def test_glum_s_standard_errors_carry_the_correction_twice(name: str) -> None:
    """When this fails, glum has mended them: move it to the test above, and drop the note in its file."""
    problem = well_conditioned()
    theirs, expected = (fit_of(solver, problem).inference for solver in (name, "statsmodels_qr"))
    assert theirs is not None
    assert expected is not None
    assert theirs.terms == expected.terms
    ratio = np.divide(theirs.standard_errors, expected.standard_errors)
    np.testing.assert_allclose(ratio, np.sqrt(problem.n / (problem.n - problem.p - 1)), rtol=DIGITS_OF_INFERENCE)


@peers("linearmodels")
def test_linearmodels_statistics_are_statsmodels_(name: str) -> None:
    for intercept in (True, False):
        theirs, expected = (
            fit_of(solver, well_conditioned(intercept)).inference for solver in (name, "statsmodels_qr")
        )
        assert theirs is not None
        assert expected is not None
        assert set(theirs.statistics) == {"r_squared", "residual_sd"}
        for key, value in theirs.statistics.items():
            assert value == pytest.approx(expected.statistics[key], rel=DIGITS_OF_INFERENCE)


@peers("polars_ols", "pyfixest")
def test_r_squared_is_about_the_mean_even_without_an_intercept(name: str) -> None:
    """What both libraries report there differs from statsmodels' and NIST's uncentred one."""
    for intercept in (True, False):
        problem = well_conditioned(intercept)
        fit = fit_of(name, problem)
        assert fit.inference is not None
        residual = problem.y - fit.predict(problem.X)
        centred = 1 - (residual @ residual) / np.sum((problem.y - problem.y.mean()) ** 2)
        assert fit.inference.statistics == {"r_squared": pytest.approx(centred, rel=DIGITS_OF_INFERENCE)}


def without_a_degree_of_freedom() -> Problem:
    X = np.array([[1.0, 2.0], [3.0, 1.0], [2.0, 5.0]])
    return Problem("exact", X, np.array([1.0, 2.0, 4.0]), ("a", "b"), "y", Split.all_train(3))


@pytest.mark.slow
@peers("onedal", "polars_ols", "glum", "jax_lstsq")
def test_no_inference_is_made_up_without_a_degree_of_freedom(name: str) -> None:
    problem = without_a_degree_of_freedom()
    fit = fit_of(name, problem)
    assert fit.inference is None
    np.testing.assert_allclose(fit.predict(problem.X), problem.y, rtol=1e-10)


@peers("pyfixest", "linearmodels")
def test_what_divides_by_the_degrees_of_freedom_refuses_to_have_none(name: str) -> None:
    record = measure(single(without_a_degree_of_freedom(), get(name), Options())).record
    assert record.status is Status.UNSUPPORTED
    assert "more rows than columns" in record.message


@needs("polars_ols")
def test_polars_coefficients_outlive_its_panic_over_standard_errors() -> None:
    fit = fit_of("polars_ols", load("nist_filip"))
    assert fit.status is Status.OK
    assert fit.inference is None
    assert "no standard errors" in fit.message
    assert fit.coef is not None
    assert fit.intercept == pytest.approx(-1467.48961422980, rel=1e-4)


@pytest.mark.slow
@needs("pyfixest")
def test_pyfixest_drops_a_collinear_column_and_says_so_by_its_rank() -> None:
    X = np.random.default_rng(0).normal(size=(50, 2))
    twins = Problem(
        "t", np.column_stack([X, X[:, 0]]), X[:, 0] + X[:, 1] ** 2, ("a", "b", "c"), "y", Split.all_train(50)
    )
    fit = fit_of("pyfixest", twins)
    assert fit.rank == 3
    assert fit.inference is None
    assert fit.coef is not None
    assert list(fit.coef).count(0.0) == 1


@needs("onedal")
def test_onedal_runs_onedal_and_no_fallback(monkeypatch: pytest.MonkeyPatch) -> None:
    from onedal.linear_model import LinearRegression

    called = []
    original = LinearRegression.fit

    def counted(self: Any, *arguments: Any, **named: Any) -> Any:
        called.append(named)
        return original(self, *arguments, **named)

    monkeypatch.setattr(LinearRegression, "fit", counted)
    assert fit_of("onedal", well_conditioned()).status is Status.OK
    assert len(called) == 1


@needs("onedal")
def test_a_fallback_to_scikit_learn_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    from sklearnex.linear_model import LinearRegression

    class Refusing:
        def get_status(self) -> bool:
            return False

        def write_log(self, **_: Any) -> None:
            pass

    monkeypatch.setattr(LinearRegression, "_onedal_cpu_supported", lambda *_: Refusing())
    record = measure(single(well_conditioned(), get("onedal"), Options())).record
    assert record.status is Status.ERROR
    assert "fell back to scikit-learn" in record.message


@pytest.mark.parametrize("solver", PEERS, ids=lambda solver: solver.name)
def test_an_absent_library_is_a_row_with_its_reason(solver: Solver, monkeypatch: pytest.MonkeyPatch) -> None:
    package = solver.requires[0].partition(".")[0]
    monkeypatch.setattr("harness.solvers.solver.find_spec", lambda name: None if name == package else name)
    record = measure(single(well_conditioned(), solver, Options())).record
    assert record.status is Status.UNSUPPORTED
    assert record.message == f"{package} is not installed"


def test_the_list_shows_every_peer_and_why_it_is_unavailable(run_cli: RunCli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.setattr("harness.solvers.solver.find_spec", lambda name: None if name == "glum" else name)
    lines = run_cli("list", "solvers").stdout.splitlines()
    rows = {line.split()[0]: line for line in lines if line.strip()}
    assert {solver.name for solver in PEERS} <= set(rows)
    assert "glum is not installed" in rows["glum"]
    assert "not installed" not in rows["onedal"]


@peers()
def test_a_library_that_cannot_be_imported_is_an_error_of_one_line(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: str) -> None:
        raise ImportError("built for another polars\nand more")

    monkeypatch.setattr("harness.measure.prepared.import_module", refuse)
    record = measure(single(well_conditioned(), get(name), Options())).record
    assert record.status is Status.ERROR
    assert record.message == "ImportError: built for another polars"


def test_the_default_grid_has_no_peer_and_a_named_one_runs() -> None:
    default = {case.solver.name for case in plan(Request(problems=("four_points",), device="cpu"))}
    assert default <= {solver.name for solver in CORE}
    assert len(default) > 5
    named = plan(Request(problems=("four_points",), solvers=("onedal", "glum"), device="cpu"))
    assert [case.solver.name for case in named] == ["onedal", "glum"]


@pytest.mark.slow
def test_the_extra_and_the_constraints_name_every_peer() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    lines = set(project["peers"]) - {"ls-harness[jax]"} | set(project["jax"])
    extra = {re.split(r"[><=; ]", line)[0] for line in lines}
    pinned = {line.partition("==")[0] for line in (ROOT / "constraints.txt").read_text().splitlines()}
    assert extra <= pinned
    assert len(extra) == len(PEERS)
    installed = packages_distributions()
    for solver in PEERS:
        package = solver.requires[0].partition(".")[0]
        assert not ABSENT[solver.name] or package not in installed
        if not ABSENT[solver.name]:
            assert set(installed[package]) & extra, solver.name


CHECKED = """
import logging, os, sys, warnings
import numpy, sklearn, sklearn.linear_model, torch
from threadpoolctl import threadpool_info

def state():
    return {
        "torch": (str(torch.get_default_dtype()), torch.get_num_threads(), torch.random.initial_seed()),
        "numpy": (numpy.geterr(), str(numpy.asarray(1.0).dtype)),
        "sklearn": (sklearn.linear_model.LinearRegression, sklearn.linear_model.LinearRegression.fit.__module__),
        "sklearn config": sklearn.get_config(),
        "logging": (logging.getLogger().level, list(logging.getLogger().handlers)),
        "environment": {k: v for k, v in os.environ.items() if k.endswith(("_THREADS", "NPROC")) or "JAX" in k},
        "threads": {pool["filepath"]: pool["num_threads"] for pool in threadpool_info()},
    }
"""

ALONE = (
    CHECKED
    + """
import time, traceback
import scipy.linalg
from harness.measure.plan import single
from harness.problems.catalog import load
from harness.measure.run import measure
from harness.solvers.catalog import get
from harness.solvers.options import Options
from harness.timing.threads import limited, pools_of

def check_left_alone(name):
    before = state()
    record = measure(single(load("diabetes"), get(name), Options())).record
    assert record.status == "ok", (record.status, record.message)
    after = state()
    for key in before:
        if key == "threads":
            changed = {path: (n, after[key][path]) for path, n in before[key].items() if after[key][path] != n}
            assert not changed, changed
        elif key == "sklearn config":  # keys of its own are sklearnex's; scikit-learn's keep their values
            assert {k: after[key][k] for k in before[key]} == before[key], after[key]
        else:
            assert before[key] == after[key], (key, before[key], after[key])
    if "jax" in sys.modules:
        import jax
        assert not jax.config.jax_enable_x64
        assert jax.numpy.ones(1).dtype == "float32"

def cpu_per_wall(name):
    case = single(load("synthetic:n=100000,p=20"), get(name), Options())
    with pools_of(1), limited(1):
        prepared = case.solver.prepare(case.problem, case.options)
        for seconds in (0.3, 0.4):  # the first part lets threads that wait by spinning come to rest
            cpu, wall = time.process_time(), time.perf_counter()
            while time.process_time() - cpu < seconds:
                prepared.run()
        return (time.process_time() - cpu) / (time.perf_counter() - wall)

for name in sys.argv[1:]:
    pid = os.fork()
    if not pid:
        try:
            check_left_alone(name)
            print(name, cpu_per_wall(name), flush=True)
        except BaseException:
            print(name, "fails", flush=True)
            traceback.print_exc()
        os._exit(0)
    os.waitpid(pid, 0)
"""
)


@cache
def alone() -> dict[str, str]:
    """By peer its CPU seconds per wall second, each in a process of its own that it left as it was, or "fails".

    They are forks of one process that has imported what is looked at, and none of the peers.
    """
    here = [name for name, absent in ABSENT.items() if not absent]
    found = dict(line.split() for line in in_a_process_of_its_own(ALONE, *here).splitlines())
    assert list(found) == here
    return found


def in_a_process_of_its_own(code: str, *words: str) -> str:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code, *words], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    sys.stderr.write(done.stderr)  # pytest shows it where a test fails
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.mark.slow
@peers()
def test_a_peer_leaves_the_process_as_it_was(name: str) -> None:
    assert alone()[name] != "fails"


@pytest.mark.slow
@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="on one core every solver has one thread")
@peers()
def test_one_thread_is_one_thread(name: str) -> None:
    """CPU seconds per wall second: 2 on two free cores with two threads; a busy machine only lowers it."""
    assert float(alone()[name]) < 1.25


OTHER_THREADS = """
import sys
from harness.problems.catalog import load
from harness.measure.plan import single
from harness.measure.run import measure
from harness.solvers.catalog import get
from harness.solvers.options import Options
for threads in (1, 1, 2):
    record = measure(single(load("diabetes"), get(sys.argv[1]), Options(threads=threads))).record
    print(record.status, record.message)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        pytest.param("polars_ols", "polars was imported with 1 thread", marks=needs("polars_ols")),
        pytest.param("jax_lstsq", "jax was started with 1 thread", marks=needs("jax_lstsq")),
    ],
)
def test_a_pool_that_cannot_change_its_size_is_a_row_with_its_reason(name: str, reason: str) -> None:
    first, second, third = in_a_process_of_its_own(OTHER_THREADS, name).splitlines()
    assert (first.split()[0], second.split()[0]) == ("ok", "ok")
    assert third.startswith("unsupported")
    assert reason in third
