"""What is measured by the exact reference: digits, excess loss, backward error, and the status that follows."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from harness.problems.catalog import load
from harness.problems.problem import Floats, Problem, Split, design_matrix
from harness.solvers.catalog import get
from harness.solvers.fit import Fit, Inference, Trace, fit_from_design, linear_fit
from harness.solvers.options import Options, resolve
from harness.solvers.solver import Kind
from harness.solvers.status import Status
from harness.verify.accuracy import Accuracy, assess
from harness.verify.backward_error import STABLE_FACTOR, backward_error, is_stable
from harness.verify.digits import digits
from harness.verify.excess_loss import epochs_to, excess_loss
from harness.verify.reference import Reference, compute, reference
from harness.verify.settle import settle

finite = st.floats(allow_nan=False, allow_infinity=False, width=64)


def problem_of(X: Floats, y: Floats, *, intercept: bool = True) -> Problem:
    names = tuple(f"x{j}" for j in range(X.shape[1]))
    return Problem("drawn", X, y, names, "y", Split.all_train(len(y)), intercept=intercept)


def solved(problem: Problem, solver: str, dtype: str = "float64") -> Fit:
    contract = get(solver)
    asked = Options(dtype=dtype) if "dtype" in contract.takes else Options()
    return contract.prepare(problem, resolve(solver, contract.takes, asked, {})).fit()


@pytest.mark.parametrize(
    ("name", "scale"), [("auto_mpg", "optimum"), ("noiseless_line", "null model"), ("four_points", "null model")]
)
def test_noise_free_data_are_measured_by_the_null_model(name: str, scale: str) -> None:
    assert reference(load(name)).scale_name == scale


@pytest.mark.parametrize(
    ("computed", "exact", "expected"),
    [
        (1.0, 1.0, 15.0),
        (1.001, 1.0, 3.0),
        (0.0, 0.0, 15.0),
        (1e-4, 0.0, 4.0),
        (2.0, 1.0, 0.0),
        (-5.0, 1.0, 0.0),
        (np.nan, 1.0, 0.0),
        (np.inf, 1.0, 0.0),
        (1 + 1e-18, 1.0, 15.0),
    ],
)
def test_digits_are_the_log_relative_error(computed: float, exact: float, expected: float) -> None:
    assert digits(np.array([computed]), np.array([exact]))[0] == pytest.approx(expected, abs=1e-9)


@given(finite, st.floats(1e-300, 1e300))
def test_digits_are_between_0_and_15(computed: float, exact: float) -> None:
    assert 0 <= digits(np.array([computed]), np.array([exact]))[0] <= 15


@pytest.mark.parametrize("name", ["auto_mpg", "diabetes", "everyday", "synthetic:n=200,p=4"])
def test_excess_loss_is_the_difference_of_the_losses(name: str) -> None:
    """Against the definition, for errors so large that subtracting two losses keeps its digits."""
    problem = load(name)
    known = reference(problem)
    X, y = problem.rows("train")
    coef, intercept = known.coef * 1.3, known.intercept - 0.7
    loss = np.mean((y - X @ coef - intercept) ** 2)
    measured = excess_loss(coef, np.array([intercept]), known)[0]
    assert measured == pytest.approx((loss - known.mse) / known.mse, rel=1e-9)


def test_excess_loss_keeps_its_digits_where_losses_lose_them() -> None:
    problem = load("auto_mpg")
    known = reference(problem)
    measured = excess_loss(known.coef, np.array([known.intercept + 1e-10]), known)[0]
    assert measured == pytest.approx(1e-20 / known.loss_scale, rel=1e-3)  # the sum is rounded to 35.17's last bit


def test_parameters_that_are_not_finite_are_infinitely_far() -> None:
    known = reference(load("auto_mpg"))
    assert np.isinf(excess_loss(np.array([[np.nan], [np.inf]]), np.zeros(2), known)).all()


def test_an_epoch_that_is_never_reached_is_censored() -> None:
    excess = np.array([1.0, 0.5, 0.009, 0.02, 0.001])
    assert epochs_to(excess, 1e-2) == 2
    assert epochs_to(excess, 1e-4) is None


RNG = np.random.default_rng(7)
GAUSS = RNG.standard_normal((20, 4))
NOISY = RNG.standard_normal(20)
TWINS = problem_of(np.column_stack([GAUSS, 2 * GAUSS[:, 0]]), NOISY)
CONSTANT = problem_of(np.column_stack([GAUSS, np.full(20, 3.0)]), NOISY)
WIDE = problem_of(GAUSS[:4], NOISY[:4])
FULL = problem_of(GAUSS, NOISY)


def test_the_excess_of_a_deficient_problem_does_not_depend_on_the_solution_that_is_measured() -> None:
    known = compute(TWINS)
    shifted = known.coef + 3.0 * np.array([2.0, 0, 0, 0, -1.0])  # the design maps this to 0
    assert excess_loss(shifted, np.array([known.intercept]), known)[0] < 1e-28
    off = known.coef + 0.1
    loss = np.mean((TWINS.y - TWINS.X @ off - known.intercept) ** 2)
    assert excess_loss(off, np.array([known.intercept]), known)[0] == pytest.approx((loss - known.mse) / known.mse)


def optimal_backward_error(A: Floats, y: Floats, x: Floats) -> float:
    """Walden, Karlson and Sun's, for perturbations of A alone, columns scaled to unit length: no estimate."""
    lengths = np.linalg.norm(A, axis=0)
    A, x = A / lengths, x * lengths
    r = y - A @ x
    eta = np.linalg.norm(r) / np.linalg.norm(x)
    C = np.eye(len(y)) - np.outer(r, r) / (r @ r)
    least = np.linalg.svd(np.hstack([A, eta * C]), compute_uv=False)[len(y) - 1]
    return float(min(eta, least) / np.linalg.norm(A))


@pytest.mark.parametrize("size", [1.0, 1e-2, 1e-4])
@pytest.mark.parametrize("problem", [FULL, TWINS, problem_of(GAUSS * [1, 1e4, 1e-5, 1], NOISY, intercept=False)])
def test_the_backward_error_is_within_sqrt_2_of_the_optimal_one(problem: Problem, size: float) -> None:
    known = compute(problem)
    rng = np.random.default_rng(0)
    for _ in range(5):
        x = known.solution * (1 + size * rng.standard_normal(known.columns))
        ratio = backward_error(x, known) / optimal_backward_error(design_matrix(problem), problem.y, x)
        assert 0.7 < ratio < 1.42


@pytest.mark.parametrize(
    ("problem", "solution", "expected"),
    [
        (FULL, compute(FULL).solution, 0.0),
        (TWINS, compute(TWINS).solution, 0.0),
        (WIDE, compute(WIDE).solution, 0.0),
        (FULL, np.full(5, np.nan), np.inf),
        (FULL, np.array([0, 0, np.inf, 0, 0]), np.inf),
        (problem_of(np.arange(3.0)[:, None], np.zeros(3)), np.zeros(2), 0.0),  # x = 0 and r = 0
        (problem_of(np.zeros((3, 1)), np.ones(3), intercept=False), np.ones(1), 0.0),  # A = 0: anything solves it
    ],
)
def test_the_backward_error_at_the_ends(problem: Problem, solution: Floats, expected: float) -> None:
    assert backward_error(solution, compute(problem)) == expected


def test_the_backward_error_of_nothing_at_all_is_the_gradient_s() -> None:
    """x = 0 is the solution once A has lost its component along y: |A'y| / |y|."""
    A = GAUSS / np.linalg.norm(GAUSS, axis=0)
    expected = np.linalg.norm(A.T @ NOISY) / np.linalg.norm(NOISY) / 2
    known = compute(problem_of(GAUSS, NOISY, intercept=False))
    assert backward_error(np.zeros(4), known) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("name", "solver", "diagnosis"),
    [
        ("nist_longley", "normal_equations", "unstable"),
        ("nist_wampler1", "normal_equations", "unstable"),
        ("nist_wampler2", "normal_equations", "unstable"),
        ("nist_wampler3", "normal_equations", "unstable"),
        ("nist_longley", "statsmodels_qr", "ill-conditioned problem"),
        ("nist_longley", "numpy_lstsq", "ill-conditioned problem"),
        ("nist_wampler1", "statsmodels_qr", "ill-conditioned problem"),
        ("nist_wampler3", "numpy_lstsq", "ill-conditioned problem"),
        ("nist_wampler4", "numpy_lstsq", "ill-conditioned problem"),
        ("nist_wampler5", "normal_equations", "ill-conditioned problem"),  # as good as QR there: 6.5 digits, QR 5.9
        ("nist_pontius", "numpy_lstsq", "unstable"),  # 6.2 digits by scale alone; QR has 12.2
        ("nist_filip", "statsmodels_qr", "ill-conditioned problem"),
        ("synthetic", "normal_equations", ""),
        ("auto_mpg", "numpy_lstsq", ""),
    ],
)
def test_few_digits_are_diagnosed(name: str, solver: str, diagnosis: str) -> None:
    problem = load(name)
    accuracy = assess(problem, solved(problem, solver), reference(problem))
    assert accuracy.diagnosis == diagnosis
    assert accuracy.backward_error is not None


@pytest.mark.parametrize(
    ("accuracy", "diagnosis"),
    [
        (Accuracy(), ""),
        (Accuracy(digits=11.9, digits_by_term=(11.9,), exact_rank=1, stable=False), "unstable"),
        (Accuracy(digits=12.0, digits_by_term=(12.0,), exact_rank=1, stable=False), ""),
        (Accuracy(digits=4.9, digits_by_term=(4.9,), exact_rank=1, stable=False, dtype="float32"), ""),
        (
            Accuracy(digits=4.7, digits_by_term=(4.7,), exact_rank=1, stable=True, dtype="float32"),
            "ill-conditioned problem",
        ),
        (Accuracy(digits=1.0, digits_by_term=(1.0,), exact_rank=1), ""),  # a training
        (Accuracy(digits=0.0, digits_by_term=(0.0, 0.0), exact_rank=1, stable=True), ""),  # not unique
    ],
)
def test_a_diagnosis_needs_few_digits_of_a_unique_solution(accuracy: Accuracy, diagnosis: str) -> None:
    assert accuracy.diagnosis == diagnosis


def test_float32_is_judged_by_its_own_rounding() -> None:
    problem = load("diabetes")
    fit = solved(problem, "sklearn_tol0", "float32")
    judged = {dtype: assess(problem, fit, reference(problem), dtype) for dtype in ("float32", "float64")}
    assert {dtype: accuracy.stable for dtype, accuracy in judged.items()} == {"float32": True, "float64": False}
    assert assess(problem, fit, reference(problem)) == judged["float64"]


def test_a_training_is_neither_stable_nor_unstable() -> None:
    known = reference(load("auto_mpg"))
    trace = Trace(np.array([1.0]), coef=np.zeros((2, 1)), intercept=np.zeros(2))
    accuracy = assess(load("auto_mpg"), linear_fit([0.0], 0.0, trace=trace), known)
    assert (accuracy.stable, accuracy.diagnosis) == (None, "")
    assert accuracy.backward_error is not None
    assert accuracy.backward_error > 1e-3


def test_what_is_stable_grows_with_the_square_root_of_the_size() -> None:
    known = compute(FULL)
    limit = STABLE_FACTOR * 10 * np.finfo(np.float64).eps  # 20 rows, 5 columns
    assert [is_stable(limit * f, known, "float64") for f in (0.99, 1.01)] == [True, False]


def inference(errors: list[float], **statistics: float) -> Inference:
    none = tuple(0.0 for _ in errors)
    return Inference(tuple("abcde"[: len(errors)]), tuple(errors), none, none, (), statistics)


def test_what_a_solver_says_beyond_coefficients_has_digits_too() -> None:
    problem = load("nist_longley")
    accuracy = assess(problem, solved(problem, "statsmodels_qr"), reference(problem))
    assert accuracy.standard_error_digits == pytest.approx(8.0, abs=1.0)
    assert accuracy.residual_sd_digits == pytest.approx(12.4, abs=1.5)
    assert accuracy.r_squared_digits == pytest.approx(14.4, abs=1.0)


def test_digits_of_statistics_are_the_least_of_their_terms() -> None:
    known = compute(FULL)
    assert known.standard_errors is not None
    assert known.residual_sd is not None
    errors = known.standard_errors * [1, 1, 1.001, 1, 1]
    said = inference(list(errors), residual_sd=known.residual_sd * 1.01)
    accuracy = assess(FULL, replace(linear_fit(known.coef, known.intercept), inference=said), known)
    assert accuracy.standard_error_digits == pytest.approx(3.0, abs=1e-9)
    assert accuracy.residual_sd_digits == pytest.approx(2.0, abs=1e-9)
    assert accuracy.r_squared_digits is None


@pytest.mark.parametrize("problem", [TWINS, WIDE])
def test_statistics_that_do_not_exist_have_no_digits(problem: Problem) -> None:
    known = compute(problem)
    said = inference([1.0] * known.columns, residual_sd=1.0, r_squared=1.0)
    accuracy = assess(problem, replace(linear_fit(known.coef, known.intercept), inference=said), known)
    found = (accuracy.standard_error_digits, accuracy.residual_sd_digits, accuracy.r_squared_digits)
    assert found == (None, None, None)


def test_another_number_of_standard_errors_has_no_digits() -> None:
    known = compute(FULL)
    fit = replace(linear_fit(known.coef, known.intercept), inference=inference([1.0]))
    assert assess(FULL, fit, known).standard_error_digits is None


def test_statistics_of_noise_free_data_are_measured_absolutely() -> None:
    """Where nothing but rounding is left, a relative error would be one of rounding's."""
    problem = load("noiseless_line")
    known = reference(problem)
    assert known.noise_free
    assert known.standard_errors is not None
    assert known.residual_sd is not None
    said = inference(list(known.standard_errors + 1e-9), residual_sd=known.residual_sd + 1e-6)
    accuracy = assess(problem, replace(linear_fit(known.coef, known.intercept), inference=said), known)
    assert accuracy.standard_error_digits == pytest.approx(9.0, abs=0.1)
    assert accuracy.residual_sd_digits == pytest.approx(6.0, abs=0.1)


def test_an_accuracy_that_was_stored_before_these_fields_can_be_read() -> None:
    old = {"digits": 13.5, "digits_by_term": [13.5, 14.0], "excess_loss": 1e-28, "rank": 2, "exact_rank": 2}
    read = TypeAdapter(Accuracy).validate_python(old)
    assert (read.backward_error, read.stable, read.diagnosis, read.digits) == (None, None, "", 13.5)


@pytest.mark.parametrize("problem", [CONSTANT, WIDE], ids=["constant", "wide"])
def test_digits_of_a_deficient_problem_are_against_the_nearer_minimum_norm(problem: Problem) -> None:
    known = compute(problem)
    assert known.minimum_norm_alternative is not None
    other = linear_fit(*known.minimum_norm_alternative)
    for fit in (linear_fit(known.coef, known.intercept), other):
        assert assess(problem, fit, known).digits == 15.0
    assert assess(problem, other, replace(known, minimum_norm_alternative=None)).digits != 15.0


def judged(fit: Fit, known: Reference, problem: Problem, kind: Kind = Kind.CLOSED_FORM) -> tuple[Status, str]:
    return settle(fit, assess(problem, fit, known), known, kind, "float64")


def basic(problem: Problem) -> Floats:
    """A solution with zeros in place of the columns that the others determine."""
    A, rank = design_matrix(problem), compute(problem).rank
    return np.append(np.linalg.lstsq(A[:, :rank], problem.y)[0], np.zeros(A.shape[1] - rank))


@pytest.mark.parametrize("problem", [TWINS, WIDE], ids=["twins", "wide"])
@pytest.mark.parametrize("asked", [True, False], ids=["asked for", "not asked for"])
@pytest.mark.parametrize("answer", ["least", "slopes", "basic", "wrong", "nan", "raised", "other rank"])
def test_a_closed_form_on_a_deficient_design_is_settled(problem: Problem, asked: bool, answer: str) -> None:
    known = compute(problem)
    assert known.minimum_norm_alternative is not None
    slopes, intercept = known.minimum_norm_alternative
    solutions = {
        "least": known.solution * (1 + 1e-12),
        "slopes": np.append(intercept, slopes),
        "basic": basic(problem),
        "wrong": known.solution * 1.1,
        "nan": known.solution * np.nan,
        "raised": known.solution,
        "other rank": basic(problem),
    }
    rank = known.rank - 1 if answer == "other rank" else known.rank
    fit = replace(fit_from_design(solutions[answer], True, rank=rank), minimum_norm=asked)
    if answer == "raised":
        fit = replace(fit, status=Status.ERROR, message="the solver's own")
    status, message = judged(fit, known, problem)
    expected = {
        "least": (Status.OK, "") if asked else (Status.RANK_DEFICIENT, "it returned the minimum-norm solution"),
        "slopes": (Status.OK, "") if asked else (Status.RANK_DEFICIENT, "it returned the minimum-norm solution"),
        "basic": (Status.WRONG, "not the minimum-norm") if asked else (Status.RANK_DEFICIENT, "one solution of many"),
        "wrong": (Status.WRONG, "excess loss is"),
        "nan": (Status.WRONG, "not finite"),
        "raised": (Status.ERROR, "the solver's own"),
        "other rank": (Status.WRONG, "exact rank") if asked else (Status.RANK_DEFICIENT, "where the data determine"),
    }[answer]
    assert status is expected[0]
    assert expected[1] in message
    if status is Status.RANK_DEFICIENT:
        assert f"fitted {rank} of {known.columns} directions" in message
        assert ("x4 = 2 x0" if problem is TWINS else "4 rows cannot determine 5 coefficients") in message


def test_a_solver_that_reports_no_rank_is_said_not_to() -> None:
    known = compute(TWINS)
    _, message = judged(linear_fit(known.coef, known.intercept), known, TWINS)
    assert "the solver reports no rank" in message


def test_a_huge_multiple_of_what_the_design_maps_to_nothing_is_nonsense() -> None:
    """Its predictions are rounding errors of 1e17."""
    known = compute(TWINS)
    fit = linear_fit(known.coef + 1e17 * np.array([2.0, 0, 0, 0, -1.0]) * 1.1, known.intercept)
    status, message = judged(fit, known, TWINS)
    assert status is Status.WRONG
    assert "excess loss" in message
    assert "x4 = 2 x0" in message


@pytest.mark.parametrize(("off", "status"), [(0.0, Status.OK), (0.3, Status.NOT_CONVERGED)])
def test_a_training_on_a_deficient_design_converges_to_its_one_least_loss(off: float, status: Status) -> None:
    known = compute(TWINS)
    fit = fit_from_design(basic(TWINS) + off, True)
    assert judged(fit, known, TWINS, Kind.ITERATIVE)[0] is status


@pytest.mark.parametrize("solver", ["numpy_lstsq", "sklearn", "torch_gelsd"])
@pytest.mark.parametrize("problem", [TWINS, CONSTANT, WIDE], ids=["twins", "constant", "wide"])
def test_solvers_return_one_of_the_two_minimum_norm_solutions(problem: Problem, solver: str) -> None:
    """numpy and torch over all columns, scikit-learn over the slopes: both conventions are in use."""
    known = compute(problem)
    accuracy = assess(problem, solved(problem, solver), known)
    assert accuracy.digits is not None
    assert accuracy.digits > 12
    assert accuracy.excess_loss is not None
    assert accuracy.excess_loss < 1e-20


def excess_of(problem: Problem, known: Reference, excess: float) -> Fit:
    """The exact solution moved along the design's largest singular vector until it has that relative excess loss."""
    _, values, right = np.linalg.svd(design_matrix(problem), full_matrices=False)
    moved = np.sqrt(excess * known.n * known.loss_scale) / values[0]
    return fit_from_design(known.solution + moved * right[0], True, rank=known.rank)


@pytest.mark.parametrize(("share", "status"), [(0.25, Status.OK), (4.0, Status.WRONG)])
def test_a_closed_form_may_leave_a_hundred_times_what_rounding_of_the_data_explains(
    share: float, status: Status
) -> None:
    """Wedin's bound, eps (|A| |x| / |r| + cond(A)) squared, with 100 for the constants of a backward-error bound.

    The columns are so alike that this is more than sqrt(eps), and the excess is a quarter or four times of it.
    """
    base = GAUSS[:, :1]
    problem = problem_of(np.column_stack([base, base + 1e-11 * GAUSS[:, 1:2]]), NOISY)
    known, A = compute(problem), design_matrix(problem)
    values = np.linalg.svd(A, compute_uv=False)
    residual = np.linalg.norm(problem.y - A @ known.solution)
    explained = np.finfo(float).eps * (values[0] * np.linalg.norm(known.solution) / residual + values[0] / values[-1])
    limit = (100 * explained) ** 2
    assert limit > 10 * np.sqrt(np.finfo(float).eps)
    fit = excess_of(problem, known, share * limit)
    assert assess(problem, fit, known).excess_loss == pytest.approx(share * limit, rel=0.2)
    assert judged(fit, known, problem)[0] is status


@pytest.mark.parametrize("noise", [1e-5, 10.0], ids=["the condition decides", "its square decides"])
@pytest.mark.parametrize("share", [0.25, 4.0])
def test_the_minimum_norm_solution_may_be_as_far_off_as_rounding_of_the_design_moves_it(
    noise: float, share: float
) -> None:
    """100 eps cond (1 + cond |r| / (|A| |x|)) of its length (Wedin 1973, thm 5.1), cond over the exact rank."""
    near = np.round(GAUSS[:, 0] * 2**30) / 2**30
    pair = near + 2.0**-24 * np.round(GAUSS[:, 1] * 2**10) / 2**10
    X = np.column_stack([near, pair, near])
    basis = np.linalg.qr(X[:, :2])[0]
    noise_beside = NOISY - basis @ (basis.T @ NOISY)  # what is along the columns would be in the solution
    problem = problem_of(X, X @ [1.0, -2.0, 1.0] * 2**14 + noise * noise_beside, intercept=False)
    known = compute(problem)
    assert known.rank == 2
    values, length = np.linalg.svd(X, compute_uv=False), np.linalg.norm(known.solution)
    condition, residual = values[0] / values[1], np.linalg.norm(problem.y - X @ known.solution)
    relative = condition * residual / (values[0] * length)
    assert relative > 30 if noise > 1 else relative < 0.05, relative
    allowed = 100 * np.finfo(float).eps * condition * (1 + relative)
    assert allowed > 8 * np.sqrt(np.finfo(float).eps)
    none = np.array([1.0, 0.0, -1.0]) / np.sqrt(2)  # what the design maps to nothing
    fit = fit_from_design(known.solution + share * allowed * length * none, False, rank=2)
    assert (known.minimum_norm_alternative is None, judged(fit, known, problem)[0]) == (True, Status.RANK_DEFICIENT)
    _, message = judged(fit, known, problem)
    assert ("it returned the minimum-norm solution" in message) == (share < 1)


@pytest.mark.parametrize(("slopes", "words"), [((0.0, 0.0), "it returned the minimum"), ((1e-3, -1e-3), "not the")])
def test_of_a_solution_that_is_zero_the_distance_itself_may_be_half_of_the_digits(
    slopes: tuple[float, float], words: str
) -> None:
    """Nothing is relative to a length of 0: y is orthogonal to both columns, which are one."""
    column = np.array([1.0, -1.0, 1.0, -1.0])
    problem = problem_of(np.column_stack([column, column]), np.ones(4), intercept=False)
    known = compute(problem)
    assert not known.solution.any()
    status, message = judged(fit_from_design(np.array(slopes), False, rank=1), known, problem)
    assert status is Status.RANK_DEFICIENT
    assert words in message
