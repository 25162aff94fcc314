"""What a method must have: moved data move the solution by no more, solvers of each method keep it, others do not."""

from dataclasses import replace
from math import sqrt

import numpy as np
import pytest

from harness.measure.one_case import measure
from harness.measure.plan import single
from harness.problems import catalog as problems
from harness.problems.problem import Problem
from harness.solvers import catalog as solvers
from harness.solvers.options import Options
from harness.verify.backward_error import STABLE_FACTOR
from harness.verify.expected_digits import Method, expected_digits
from harness.verify.reference import reference

PROBLEMS = (
    "noiseless_line",
    "everyday:n=200",
    "synthetic:n=5,p=4",
    "synthetic:n=6,p=4",
    "conditioned:n=50,p=5,condition=1e6",
    "collinear:n=50,p=4",
    "scaled:n=50,p=4",
    "outlier:n=50,p=3",
    "nist_norris",
    "nist_longley",
    "nist_pontius",
    "nist_wampler1",
    "nist_wampler5",
)
SOLVERS = {
    Method.QR: ("scipy_gelsy", "statsmodels_qr", "torch_gels"),
    Method.SVD: ("numpy_lstsq", "scipy_gelsd", "sklearn_tol0"),
    Method.NORMAL_EQUATIONS: ("normal_equations", "scipy_gelsy"),
}


def by_term(problem: Problem, solver: str, **options: object) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    record = measure(single(problem, solvers.get(solver), Options(**options))).record  # type: ignore[arg-type]
    return np.array(record.accuracy.digits_by_term)


@pytest.mark.parametrize("spec", PROBLEMS)
@pytest.mark.parametrize("method", list(Method))
def test_solvers_of_a_method_have_what_it_must_have(method: Method, spec: str, one_thread: None) -> None:
    problem = problems.load(spec)
    expected = expected_digits(reference(problem), method)
    for solver in SOLVERS[method]:
        assert (by_term(problem, solver) >= expected).all(), solver


@pytest.mark.parametrize("spec", ["conditioned:n=50,p=5,condition=1e6", "nist_wampler1", "collinear:n=50,p=4,gap=1e-6"])
def test_normal_equations_do_not_pass_for_another_method(spec: str, one_thread: None) -> None:
    problem = problems.load(spec)
    assert (by_term(problem, "normal_equations") < expected_digits(reference(problem), Method.QR)).any()


def test_single_precision_promises_fewer_and_keeps_them(one_thread: None) -> None:
    drawn = problems.load("synthetic:n=100,p=3")
    rounded = [array.astype(np.float32).astype(np.float64) for array in (drawn.X, drawn.y)]
    problem = replace(drawn, X=rounded[0], y=rounded[1])
    expected = expected_digits(reference(problem), Method.SVD, "float32")
    assert (expected < 6).all()
    assert (expected > 2).all()
    assert (by_term(problem, "numpy_lstsq", dtype="float32") >= expected).all()


@pytest.mark.parametrize("spec", ["everyday:n=50", "collinear:n=20,p=2", "synthetic:n=20,p=3", "nist_norris"])
@pytest.mark.parametrize("method", [Method.QR, Method.SVD])
def test_data_moved_within_rounding_move_the_solution_by_no_more(method: Method, spec: str) -> None:
    problem = problems.load(spec)
    known = reference(problem)
    rng = np.random.default_rng(0)
    X, y = problem.rows("train")
    A = np.column_stack([np.ones(len(X)), X])
    eta = STABLE_FACTOR * sqrt(A.size) * 2.0**-52 * 2**20  # larger, so that rounding does not show; first order still
    allowed = 10.0 ** (6.0206 - expected_digits(known, method)) * np.abs(known.solution)  # log10(2^20) = 6.0206
    for _ in range(20):
        size = (
            np.linalg.norm(A, axis=0) * sqrt(A.shape[1])
            if method is Method.QR
            else np.full(A.shape[1], np.linalg.norm(A))
        )
        direction = rng.standard_normal(A.shape)
        direction *= size / np.linalg.norm(direction) * eta / (sqrt(A.shape[1]) if method is Method.QR else 1.0)
        target = rng.standard_normal(len(y))
        target *= eta * np.linalg.norm(y) / np.linalg.norm(target)
        moved = np.linalg.lstsq(A + direction, y + target, rcond=0)[0] - np.linalg.lstsq(A, y, rcond=0)[0]
        assert (np.abs(moved) <= allowed).all()


def test_the_scale_of_a_column_costs_the_svd_alone() -> None:
    drawn = problems.load("synthetic:n=50,p=3")
    problem = replace(drawn, X=drawn.X * np.array([1.0, 2.0**-20, 1.0]))
    scaled, plain = reference(problem), reference(drawn)
    for method in (Method.QR, Method.NORMAL_EQUATIONS):
        assert expected_digits(scaled, method) == pytest.approx(expected_digits(plain, method), abs=0.01)
    assert expected_digits(scaled, Method.SVD)[2] < expected_digits(plain, Method.SVD)[2] - 2


@pytest.mark.parametrize("spec", ["deficient:n=50,p=4,rank=3", "wide:n=5,p=8"])
def test_nothing_is_promised_of_coefficients_that_are_not_determined(spec: str) -> None:
    assert not expected_digits(reference(problems.load(spec)), Method.QR).any()


def test_nothing_is_promised_where_rounding_changes_everything() -> None:
    known = reference(problems.load("shifted:n=50,p=2,ratio=1e9"))
    assert not expected_digits(known, Method.SVD).any()
    assert (expected_digits(known, Method.QR) > 1).all()
