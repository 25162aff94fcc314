"""A training is judged by the objective that it descends on: ridge with weight decay, least absolute deviations."""

from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from harness.measure.one_case import measure
from harness.measure.plan import single
from harness.problems.problem import Floats, Problem, Split, design_matrix
from harness.problems.weights import weighted
from harness.records.record import Record, Status
from harness.report.tables.document import Line
from harness.report.words.run import run
from harness.solvers.catalog import get
from harness.solvers.options import Options
from harness.solvers.training.optimizers import OPTIMIZERS
from harness.solvers.training.scaling import Scaling
from harness.solvers.training.trained import Trained
from harness.verify.least_absolute import LeastAbsolute, least_absolute
from harness.verify.objective import objective_of
from harness.verify.reference import reference
from harness.verify.ridge import ridge

DECAY = 0.25
ROUNDED = 1e-12
"""Relative, between an exact solution and numpy's of a well-conditioned system of a few columns: 1e4 roundings."""

pytestmark = pytest.mark.usefixtures("one_thread")


def problem_of(X: Floats, y: Floats, *, intercept: bool = True) -> Problem:
    features = tuple(f"x{j}" for j in range(X.shape[1]))
    return Problem("mine", X, y, features, "y", Split.all_train(len(y)), intercept=intercept)


def drawn(n: int = 60, seed: int = 5, *, intercept: bool = True) -> Problem:
    generator = np.random.default_rng(seed)
    X = generator.normal(size=(n, 3)) * [1.0, 20.0, 0.1] + [0.0, 50.0, -2.0]
    return problem_of(X, X @ [2.0, -0.3, 8.0] + 7 + generator.laplace(size=n), intercept=intercept)


def recorded(problem: Problem, solver: str, **said: Any) -> Record:
    return measure(single(problem, get(solver), Options(dtype="float64", **said))).record


# Ridge


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("scale", ["raw", "standardized"])
def test_the_ridge_optimum_is_that_of_the_units_trained_in(scale: str, intercept: bool) -> None:
    problem = drawn(intercept=intercept)
    scaling, (X, y) = Scaling.of(problem, scale), problem.rows("train")
    A = np.column_stack([scaling.x(X), np.ones((len(y), int(intercept)))])
    theta = np.append(np.linalg.solve(A.T @ A + len(y) * DECAY / 2 * np.eye(A.shape[1]), A.T @ scaling.y(y)), 0.0)
    coef, bias = scaling.back(theta[:3].astype(np.float64), theta[3:4].astype(np.float64))
    known = ridge(problem, reference(problem), DECAY, scaling)
    np.testing.assert_allclose(known.coef, coef, rtol=ROUNDED)
    assert known.intercept == pytest.approx(float(bias[0]), rel=ROUNDED)
    theta = theta[: A.shape[1]]
    penalised = np.mean((A @ theta - scaling.y(y)) ** 2) + DECAY / 2 * theta @ theta
    assert known.loss_scale == pytest.approx(scaling.y_sd**2 * penalised, rel=ROUNDED)


@pytest.mark.parametrize("scale", ["raw", "standardized"])
def test_the_excess_is_that_of_the_penalised_loss(scale: str) -> None:
    problem = drawn()
    scaling, (X, y) = Scaling.of(problem, scale), problem.rows("train")
    objective = objective_of(problem, Trained("mse", scale, None, DECAY))
    assert objective.excess is not None
    w, b = np.array([[0.3, -0.2, 0.5], [1.0, 1.0, 1.0]]), np.array([0.1, 2.0])
    loss = np.mean((w @ scaling.x(X).T + b[:, None] - scaling.y(y)) ** 2, axis=1) + DECAY / 2 * (
        np.sum(w**2, axis=1) + b**2
    )
    best = objective.best_loss / scaling.y_sd**2
    np.testing.assert_allclose(objective.excess(*scaling.back(w, b)), loss / best - 1, rtol=1e-9)


def test_fewer_rows_than_columns_have_one_ridge_optimum() -> None:
    X = np.array([[1.0, 2.0, 0.5], [0.0, -1.0, 3.0]])
    y, A = np.array([1.0, 4.0]), np.column_stack([np.ones(2), X])
    known = ridge(problem_of(X, y), reference(problem_of(X, y)), DECAY, Scaling.of(problem_of(X, y), "raw"))
    theta = np.linalg.solve(A.T @ A + 2 * DECAY / 2 * np.eye(4), A.T @ y)
    np.testing.assert_allclose(known.solution, theta, rtol=ROUNDED)
    assert known.full_rank


@pytest.mark.slow
@pytest.mark.parametrize(
    ("solver", "said"),
    [
        ("torch_sgd", {"lr": 0.1, "epochs": 400}),
        ("torch_sgd", {"lr": 0.05, "epochs": 400, "momentum": 0.8, "nesterov": True}),
        ("torch_adam", {"lr": 0.02, "epochs": 1500}),
        ("torch_adam", {"lr": 0.02, "epochs": 1500, "engine": "oracle"}),
    ],
    ids=str,
)
def test_a_long_training_with_weight_decay_ends_at_its_ridge_optimum(solver: str, said: dict[str, Any]) -> None:
    record = recorded(drawn(), solver, weight_decay=DECAY, **said)
    assert record.accuracy.excess_relative_to == f"ridge optimum, weight decay {DECAY}"
    assert record.status is Status.OK
    assert record.message == f"relative to: ridge optimum, weight decay {DECAY}"
    assert record.advice == ""
    assert record.accuracy.epochs_to["1e-6"] is not None
    assert record.accuracy.backward_error is None
    assert record.trace is not None
    assert record.trace.excess_loss is not None
    assert min(record.trace.excess_loss) < 1e-12


def test_a_short_one_has_not_and_says_of_what() -> None:
    record = recorded(drawn(), "torch_sgd", weight_decay=DECAY, lr=0.1, epochs=3)
    assert record.status is Status.NOT_CONVERGED
    assert record.message.endswith(f", relative to: ridge optimum, weight decay {DECAY}")


@pytest.mark.slow
def test_mini_batches_are_judged_by_the_optimum_of_all_rows_and_it_is_said() -> None:
    record = recorded(drawn(), "torch_sgd", weight_decay=DECAY, lr=0.1, epochs=200, batch=16)
    assert record.accuracy.excess_relative_to == f"ridge optimum, weight decay {DECAY}"
    assert "batches of 16" in record.message


def test_a_weight_decay_of_zero_is_least_squares() -> None:
    record = recorded(drawn(), "torch_sgd", weight_decay=0.0, lr=0.1, epochs=400)
    assert (record.status, record.message) == (Status.OK, "")
    assert record.accuracy.excess_relative_to == "optimum"


DECAYING = [name for name, one in OPTIMIZERS.items() if "weight_decay" in one.settings and not one.since]


@pytest.mark.parametrize("name", DECAYING)
def test_every_optimizer_but_adamw_adds_weight_decay_to_the_gradient(name: str) -> None:
    """The fixed point of those is where the gradient is -lambda theta; a decoupled decay moves on from there."""
    import torch

    theta = torch.nn.Parameter(torch.tensor([2.0], dtype=torch.float64))
    decay = 1.0 - OPTIMIZERS[name].decays  # ASGD has one of its own
    optimizer = OPTIMIZERS[name].build([theta], Options(lr=1e-3, weight_decay=decay))
    theta.grad = -theta.detach().clone()
    optimizer.step()
    assert OPTIMIZERS[name].decoupled == (float(theta.detach()) != 2.0) == (name == "adamw")


def test_adamw_is_judged_inside_its_box_and_not_held_to_it() -> None:
    inside = recorded(drawn(), "torch_adamw", weight_decay=0.1, lr=0.01, epochs=50)
    assert inside.status is Status.OK
    assert inside.accuracy.excess_relative_to == "optimum"
    assert "whether it has converged is not judged" in inside.message
    outside = recorded(drawn(), "torch_adamw", weight_decay=10.0, lr=0.01, epochs=50)
    assert outside.status is Status.OK
    assert outside.accuracy.excess_loss is None
    assert outside.accuracy.digits is None
    assert outside.accuracy.epochs_to == {}
    assert outside.solution is not None
    assert outside.solution.exact is None
    assert outside.message.startswith("not judged: AdamW with weight decay 10 holds all parameters below 0.1")


def test_l1_with_weight_decay_and_an_unknown_optimizer_are_not_judged() -> None:
    record = recorded(drawn(), "torch_sgd", loss="l1", weight_decay=DECAY, epochs=20)
    assert record.status is Status.OK
    assert record.accuracy.excess_loss is None
    assert record.message == f"not judged: the optimum of l1 loss with weight decay {DECAY} is unknown"
    unknown = objective_of(drawn(), Trained.by("somebody's", Options(weight_decay=DECAY)))
    assert unknown.excess is None
    assert unknown.note == f"not judged: how this optimizer applies weight decay {DECAY} is unknown"


# Least absolute deviations


def best_vertices(design: Floats, y: Floats) -> tuple[float, list[Floats]]:
    """The least mean absolute deviation over all choices of k rows, and the different parameters that reach it."""
    k, found = design.shape[1], []
    for rows in map(list, combinations(range(len(y)), k)):
        if abs(np.linalg.det(design[rows])) > 1e-9:
            parameters = np.asarray(np.linalg.solve(design[rows], y[rows]), dtype=np.float64)
            found.append((float(np.mean(np.abs(y - design @ parameters))), parameters))
    least = min(value for value, _ in found)
    best: list[Floats] = []
    for value, parameters in found:
        if value < least + 1e-10 and not any(np.allclose(parameters, other, atol=1e-8) for other in best):
            best.append(parameters)
    return least, best


def certified(X: Floats, y: Floats, *, intercept: bool = True) -> LeastAbsolute:
    found = least_absolute(X, y, intercept=intercept)
    assert found is not None
    return found


@pytest.mark.slow
@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("whole", [False, True], ids=["reals", "integers"])
def test_least_absolute_deviations_are_those_of_all_choices_of_rows(whole: bool, intercept: bool) -> None:
    """Small integers are degenerate: many rows lie on the optimum, and it is often flat."""
    generator, seen = np.random.default_rng(11), set[bool]()
    for _ in range(60):
        n, p = int(generator.integers(5, 10)), int(generator.integers(1, 3))
        X, y = generator.normal(size=(n, p)), generator.normal(size=n)
        if whole:
            X, y = np.rint(3 * X), np.rint(3 * y)
        design = np.column_stack([np.ones((n, int(intercept))), X])
        if np.linalg.matrix_rank(design) < design.shape[1]:
            continue
        least, best = best_vertices(design, y)
        found = certified(X, y, intercept=intercept)
        assert found.mean == pytest.approx(least, abs=1e-12)
        assert found.unique == (len(best) == 1)
        assert min(np.abs(found.parameters - one).max() for one in best) < 1e-8
        assert np.abs(found.dual).max() <= 1
        seen.add(found.unique)
    assert seen == ({False, True} if whole else {True})


def test_the_excess_does_not_cancel() -> None:
    problem = drawn()
    (X, y), design = problem.rows("train"), design_matrix(problem)
    found = certified(X, y)
    far = found.parameters + np.random.default_rng(2).normal(size=(6, 4))
    losses = np.mean(np.abs(y - far @ design.T), axis=1)
    np.testing.assert_allclose(found.excess(design, far), losses - found.mean, rtol=1e-12)
    near = found.parameters + 1e-11 * np.eye(4)
    # Only the rows on the optimum count so near to it: what is left is linear in the distance.
    doubled = found.parameters + 2e-11 * np.eye(4)
    np.testing.assert_allclose(found.excess(design, doubled), 2 * found.excess(design, near), rtol=1e-3)
    assert np.all(found.excess(design, near) > 0)


def test_many_residuals_within_the_linear_programs_tolerance() -> None:
    generator = np.random.default_rng(3)
    group = np.repeat(np.arange(3), 201)
    X = np.column_stack([group == 1, group == 2]).astype(float)
    y = np.round(generator.normal(size=603), 1) + 1e-9 * generator.normal(size=603)
    medians = [float(np.median(y[group == g])) for g in range(3)]
    found = certified(X, y)
    assert found.unique
    expected = [medians[0], medians[1] - medians[0], medians[2] - medians[0]]
    np.testing.assert_allclose(found.parameters, expected, atol=1e-15)


@pytest.mark.slow
def test_a_flat_optimum_is_said_and_has_no_digits() -> None:
    """Two groups of two: every value between the two of a group is a median."""
    X = np.array([[0.0], [0.0], [1.0], [1.0]])
    record = recorded(problem_of(X, np.array([1.0, 2.0, 4.0, 8.0])), "torch_sgd", loss="l1", scale="raw", lr=0.01)
    assert record.accuracy.digits is None
    assert record.accuracy.digits_by_term == ()
    assert record.accuracy.excess_relative_to == "least absolute deviations optimum"
    assert "the least absolute deviations optimum is flat" in record.message
    assert record.accuracy.excess_loss is not None
    assert record.accuracy.excess_loss < 1e-6
    assert record.status is Status.OK


def test_dependent_columns_have_a_flat_optimum_with_the_same_least_loss() -> None:
    problem = drawn()
    X, y = problem.rows("train")
    twice = problem_of(np.column_stack([X, X[:, 0] + X[:, 1]]), y)
    one, both = (objective_of(each, Trained("l1")) for each in (problem, twice))
    assert both.best_loss == pytest.approx(one.best_loss, rel=1e-12)
    assert (len(one.optima), both.optima) == (1, ())


def test_an_exact_line_is_judged_relative_to_the_null_model() -> None:
    x = np.arange(8.0)
    objective = objective_of(problem_of(x[:, None], 3 * x + 1), Trained("l1"))
    assert objective.name == "null model, least absolute deviations"
    assert objective.excess is not None
    off = objective.excess(np.array([[3.0], [3.0]]), np.array([1.0, 2.0]))
    assert off.tolist() == [0.0, 1 / np.mean(np.abs(3 * x - 3 * x.mean()))]


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["mse", "l1"])
def test_a_run_is_judged_against_the_optimum_of_its_loss(loss: str) -> None:
    problem = drawn()
    objective = objective_of(problem, Trained(loss))
    record = recorded(problem, "torch_adam", loss=loss, lr=0.01, epochs=2000)
    assert record.solution is not None
    coef, intercept = objective.optima[0]
    assert record.solution.exact == (intercept, *coef)
    assert record.accuracy.digits is not None
    assert record.accuracy.digits > 1
    other = objective_of(problem, replace(Trained(), loss="mse" if loss == "l1" else "l1"))
    assert record.accuracy.excess_relative_to != other.name
    assert record.accuracy.epochs_to["1e-2"] is not None


def weights_of(n: int) -> Floats:
    return np.random.default_rng(8).integers(1, 8, n).astype(np.float64) / 8


def test_weights_of_rows_count_as_rows_that_are_there_so_often() -> None:
    """Weights of 1/8 to 7/8 are the same as 1 to 7 copies of a row, for both objectives."""
    X, y = drawn(n=20).rows("train")
    weights = weights_of(20)
    copies = np.repeat(np.arange(20), (weights * 8).astype(int))
    one, other = weighted(problem_of(X, y), weights), problem_of(X[copies], y[copies])
    for trained in (Trained("l1"), Trained(weight_decay=DECAY)):
        mine, theirs = objective_of(one, trained), objective_of(other, trained)
        assert mine.best_loss == pytest.approx(theirs.best_loss, rel=1e-12)
        np.testing.assert_allclose(mine.optima[0].coef, theirs.optima[0].coef, rtol=1e-10)
        assert mine.excess is not None
        assert theirs.excess is not None
        far = np.array([[1.0, 0.5, 3.0]]), np.array([2.0])
        np.testing.assert_allclose(mine.excess(*far), theirs.excess(*far), rtol=1e-9)


@pytest.mark.parametrize(
    ("solver", "said"),
    [
        ("torch_sgd", {"lr": 0.1, "epochs": 500, "weight_decay": DECAY}),
        ("torch_adam", {"lr": 0.02, "epochs": 1500, "weight_decay": DECAY, "engine": "oracle"}),
        ("torch_sgd", {"lr": 0.1, "epochs": 500, "weight_decay": DECAY, "scale": "standardized"}),
    ],
    ids=str,
)
def test_a_weighted_training_with_weight_decay_ends_at_the_weighted_ridge_optimum(
    solver: str, said: dict[str, Any]
) -> None:
    X, y = drawn(n=40).rows("train")
    record = recorded(weighted(problem_of(X, y), weights_of(40)), solver, **said)
    assert record.status is Status.OK
    assert record.accuracy.excess_loss is not None
    assert record.accuracy.excess_loss < 1e-10


@pytest.mark.slow
def test_a_weighted_l1_training_nears_the_weighted_least_absolute_deviations() -> None:
    X, y = drawn(n=40).rows("train")
    plain, heavy = problem_of(X, y), weighted(problem_of(X, y), weights_of(40))
    record = recorded(heavy, "torch_adam", loss="l1", lr=0.005, epochs=900)
    assert record.accuracy.epochs_to["1e-2"] is not None
    assert record.accuracy.excess_loss is not None
    assert record.accuracy.excess_loss < 1e-3
    assert record.solution is not None
    optima = [objective_of(problem, Trained("l1")).optima[0] for problem in (plain, heavy)]
    assert record.solution.exact == (optima[1].intercept, *optima[1].coef)
    assert optima[0].intercept != optima[1].intercept


def test_a_run_names_each_objective_once_and_says_what_is_flat_or_not_judged() -> None:
    flat = problem_of(np.array([[0.0], [0.0], [1.0], [1.0]]), np.array([1.0, 2.0, 4.0, 8.0]))
    records = [recorded(flat, "torch_sgd", loss="l1", scale="raw", epochs=2, lr=lr) for lr in (0.01, 0.02)]
    records += [recorded(drawn(), "torch_adamw", weight_decay=10.0, epochs=2, lr=lr) for lr in (0.01, 0.02)]
    said = [part.text for part in run(records).parts if isinstance(part, Line)]
    assert said[:2] == [
        f"mine torch_adamw: {records[-1].message}",
        "excess loss of mine torch_sgd relative to: least absolute deviations optimum (flat: no digits)",
    ]
