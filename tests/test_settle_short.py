"""The boundary between a direction that is only rounding and one that the data determine, for every kind of solver."""

import numpy as np
import pandas as pd
import pytest

from harness.measure.one_case import measure
from harness.measure.plan import single
from harness.problems.in_memory import from_arrays
from harness.problems.problem import Floats, Problem
from harness.records.record import Record
from harness.solvers import catalog
from harness.solvers.options import Options
from harness.solvers.status import Status
from harness.verify.reference import compute

TRUNCATING = ("numpy_lstsq", "sklearn", "statsmodels_pinv", "scipy_gelsd", "torch_gelsd")
NOISES = [0.0, *10.0 ** np.arange(-20, -5.5, 1.0)]


def table(noise: float, seed: int = 5, n: int = 200) -> tuple[Floats, Floats]:
    """Columns a, b with two and three decimals, total = a + b but for noise, and a target that needs all of them."""
    rng = np.random.default_rng(seed)
    a, b = np.round(rng.normal(50, 10, n), 2), np.round(rng.normal(5, 1, n), 3)
    total = a + b
    if noise:
        total = total * (1 + noise * rng.normal(size=n))
    return np.column_stack([a, b, total]), a - 2 * b + rng.normal(0, 3, n)


def problem_of(noise: float, seed: int = 5) -> Problem:
    X, y = table(noise, seed)
    return from_arrays(pd.DataFrame(X, columns=["a", "b", "total"]), y, name="planted")


def settled(problem: Problem, solver: str, **options: object) -> Record:
    return measure(single(problem, catalog.get(solver), Options(**options))).record  # type: ignore[arg-type]


@pytest.mark.parametrize("solver", TRUNCATING)
def test_a_solver_that_leaves_out_what_is_only_rounding_is_right(solver: str) -> None:
    record = settled(problem_of(0.0), solver)
    assert record.status is Status.RANK_DEFICIENT
    assert not record.status.failed
    assert "total = a + b" in record.message
    assert record.accuracy.data_rank == 3
    assert record.accuracy.exact_rank in (3, 4)
    assert record.accuracy.excess_loss is not None
    assert record.accuracy.excess_loss < 1e-12


@pytest.mark.parametrize("solver", ["streaming", "reference_qr"])
@pytest.mark.parametrize("noise", NOISES)
def test_the_solvers_of_our_own_see_the_rank_of_the_data(solver: str, noise: float) -> None:
    problem = problem_of(noise)
    full = compute(problem).rank == 4
    refused, shortest = settled(problem, solver), settled(problem, solver, minimum_norm=True)
    assert refused.status is (Status.OK if full else Status.RANK_DEFICIENT)
    assert shortest.status is Status.OK
    if not full:
        assert refused.accuracy.digits is None
        assert "total = a + b" in refused.message
        assert (shortest.accuracy.digits or 0) > 8


def test_noise_as_coefficients_is_wrong() -> None:
    record = settled(problem_of(0.0), "torch_gels")
    assert record.status is Status.WRONG
    assert "total = a + b" in record.message


def test_a_direction_that_the_data_determine_must_not_be_dropped() -> None:
    rng = np.random.default_rng(0)
    income, rate = rng.normal(6e4, 2.5e4, 500), rng.normal(0.05, 0.01, 500)
    total = np.round(income, 2) + 0.0
    X = np.column_stack([np.round(income, 2), rate, 2 * total])
    y = 1e-4 * income + 500 * rate + rng.normal(size=500)
    problem = from_arrays(pd.DataFrame(X, columns=["income", "rate", "twice"]), y, name="planted")
    assert settled(problem, "numpy_lstsq").status is Status.RANK_DEFICIENT
    dropped = settled(problem, "sklearn")  # its tol of 1e-6 drops the rate as well
    assert dropped.status is Status.WRONG
    assert "fitted 2 of the 3 directions that the data determine" in dropped.message


@pytest.mark.slow
@pytest.mark.parametrize("solver", [*TRUNCATING, "torch_gels", "torch_gelsy", "normal_equations", "statsmodels_qr"])
@pytest.mark.parametrize("seed", [5, 6])
def test_no_verdict_contradicts_its_neighbours(solver: str, seed: int) -> None:
    """As noise grows the data's rank grows once, and within each rank a solver's verdict changes in one way."""
    order = {Status.RANK_DEFICIENT: 0, Status.WRONG: 1, Status.OK: 2, Status.ERROR: 1}
    found = [settled(problem_of(noise, seed), solver) for noise in NOISES]
    full = [compute(problem_of(noise, seed)).rank == 4 for noise in NOISES]
    assert full == sorted(full)
    for short in (True, False):
        part = [order[record.status] for record, whole in zip(found, full, strict=True) if whole is not short]
        assert part == sorted(part), (short, [record.status.value for record in found])
    assert found[-1].status is Status.OK or solver in ("sklearn", "normal_equations")


def test_the_truncated_fit_is_the_fit_without_the_dependent_column() -> None:
    X, y = table(0.0)
    known = compute(problem_of(0.0))
    A = np.column_stack([np.ones(len(X)), X[:, :2]])
    without = np.linalg.lstsq(A, y)[0]
    assert known.rank == 3
    assert [one.in_full for one in known.dependences] == ["total = a + b (to within rounding)"]
    assert known.mse == pytest.approx(float(np.mean((y - A @ without) ** 2)), rel=1e-12)
    shortest = np.linalg.pinv(np.column_stack([np.ones(len(X)), X]), rcond=1e-12) @ y
    assert known.solution == pytest.approx(shortest, rel=1e-8)
