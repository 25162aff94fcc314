"""The exact trajectories of the linear model against torch's loop, and their crossings against plain stepping."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch

from harness.measure.plan import single
from harness.problems.catalog import load
from harness.problems.problem import Floats, Problem, Split
from harness.solvers.catalog import get
from harness.solvers.options import Options
from harness.solvers.training.learning_map import CENSORED, TOLERANCES
from harness.solvers.training.loop import DIVERGED_FACTOR, Loop, train
from harness.solvers.training.oracle.adaptive import Adaptive
from harness.solvers.training.oracle.crossings import learning_map
from harness.solvers.training.oracle.descent import Descent
from harness.solvers.training.oracle.optimal import optimal
from harness.solvers.training.oracle.quadratic import Quadratic
from harness.solvers.training.oracle.scan import CHUNK
from harness.solvers.training.scaling import Scaling
from harness.solvers.training.torch_trained import TorchTrained
from harness.verify.excess_loss import excess_loss
from harness.verify.reference import reference
from tests.sweep_data import adapted

EPOCHS = 1000
DOUBLE = 1e-12
"""A thousand contracting steps of float64 add at most 1000 roundings of 1.1e-16 each, ten times over for the sums."""
PROBLEMS = ("auto_mpg", "synthetic:n=200,p=5,noise=0.5")
SGD = ({"lr": 0.01}, {"lr": 0.1}, {"lr": 0.05, "momentum": 0.9}, {"lr": 0.03, "momentum": 0.8, "nesterov": True})
ADAM = (
    {"lr": 0.001},
    {"lr": 0.01},
    {"lr": 0.1},
    {"lr": 0.01, "weight_decay": 0.1},
    {"lr": 0.05, "betas": (0.8, 0.9999)},
)
ADAMW = ({"lr": 0.01, "weight_decay": 0.1},)


def in_turn(several: Sequence[dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    """A problem for each; test_engines.py has the default rates and settings with the other one too."""
    return [(PROBLEMS[place % 2], one) for place, one in enumerate(several)]


pytestmark = pytest.mark.usefixtures("one_thread")


def rows(problem: Problem) -> tuple[Floats, Floats]:
    scaling = Scaling.of(problem, "standardized")
    X, y = problem.rows("train")
    return scaling.x(X), scaling.y(y)


def quadratic(name: str) -> Quadratic:
    return Quadratic.of(*rows(load(name)))


def looped(
    problem: Problem, optimizer: type[torch.optim.Optimizer], dtype: str, **settings: Any
) -> tuple[Floats, Floats]:
    """The repository's own loop with any optimizer: parameters (E + 1, k) and losses (E,)."""
    solver = get("torch_sgd")
    asked = single(problem, solver, Options(dtype=dtype, seed=3, scale="standardized")).options
    loop: Loop = solver.prepare(problem, asked).timed  # type: ignore[attr-defined]
    loop.optimizer = optimizer(loop.model.parameters(), **settings)

    def parameters() -> Floats:
        return np.concatenate([value.detach().double().numpy().ravel() for value in loop.model.parameters()])

    path, losses = [parameters()], []

    def observe(_epoch: int, loss: float) -> None:
        losses.append(loss)
        path.append(parameters())

    assert train(loop, EPOCHS, observe)
    return np.array(path), np.array(losses)


def descent(q: Quadratic, start: Floats, lr: float, momentum: float = 0.0, nesterov: bool = False) -> Descent:
    return Descent.of(q, start, [lr], momentum, nesterov)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "settings"), in_turn(SGD), ids=str)
def test_sgd_is_the_float64_loop(name: str, settings: dict[str, Any]) -> None:
    path, losses = looped(load(name), torch.optim.SGD, "float64", **settings)
    exact = descent(quadratic(name), path[:1], **settings)
    np.testing.assert_allclose(exact.parameters(range(EPOCHS + 1))[:, 0, 0], path, rtol=0, atol=DOUBLE)
    np.testing.assert_allclose(exact.loss(range(EPOCHS))[:, 0, 0], losses, rtol=DOUBLE)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "optimizer", "settings"),
    [(name, torch.optim.Adam, s) for name, s in in_turn(ADAM)] + [(PROBLEMS[1], torch.optim.AdamW, s) for s in ADAMW],
    ids=str,
)
def test_adam_is_the_float64_loop(name: str, optimizer: type[torch.optim.Optimizer], settings: dict[str, Any]) -> None:
    path, losses = looped(load(name), optimizer, "float64", **settings)
    rule = {key: value for key, value in settings.items() if key != "lr"}
    exact = Adaptive(quadratic(name), decoupled=optimizer is torch.optim.AdamW, **rule)
    _, kept = adapted(exact, path[:1], np.array([settings["lr"]]), EPOCHS)
    np.testing.assert_allclose(kept[:, 0, 0], path, rtol=0, atol=DOUBLE)
    np.testing.assert_allclose(quadratic(name).loss(kept[:-1, 0, 0]), losses, rtol=DOUBLE)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "settings"), in_turn(SGD[:3]), ids=str)
def test_the_float32_loop_stays_within_its_rounding_of_sgd(name: str, settings: dict[str, Any]) -> None:
    """A step rounds theta by u |theta|, which then shrinks by 1 - lr lambda a step: u |theta| / (lr lambda) in all.

    With lr = 0.01 that is 2e-6: steps below half an ulp of theta vanish, and the float32 loop stalls there.
    """
    path, _ = looped(load(name), torch.optim.SGD, "float32", **settings)
    q = quadratic(name)
    exact = descent(q, path[:1], **settings).parameters(range(EPOCHS + 1))[:, 0, 0]
    rounding = 2.0**-24 * np.abs(path).max() / (settings["lr"] * q.curvature[-1])
    np.testing.assert_allclose(exact, path, rtol=0, atol=max(1e-6, rounding))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "lr"), [(PROBLEMS[0], 0.1), (PROBLEMS[1], 0.01)])
def test_the_float32_loop_stays_near_adam(name: str, lr: float) -> None:
    path, _ = looped(load(name), torch.optim.Adam, "float32", lr=lr)
    _, kept = adapted(Adaptive(quadratic(name)), path[:1], np.array([lr]), EPOCHS)
    np.testing.assert_allclose(kept[:, 0, 0], path, rtol=0, atol=1e-6)  # 16 float32 roundings of 1: measured 8e-7


def stepped(q: Quadratic, start: Floats, lr: float, momentum: float, nesterov: bool, epochs: int) -> Floats:
    """Relative excess losses (E + 1, S) by stepping the Gram quadratic as torch writes SGD."""
    hessian = 2 * q.root.T @ q.root
    theta, buffer, path = start.copy(), np.zeros_like(start), [start]
    for _ in range(epochs):
        gradient = (theta - q.optimum) @ hessian
        buffer = momentum * buffer + gradient
        theta = theta - lr * (gradient + momentum * buffer if nesterov else buffer)
        path.append(theta)
    return q.excess(np.array(path))


def plain_map(q: Quadratic, excess: Floats, tolerances: tuple[float, ...]) -> tuple[Floats, Floats]:
    """By looking at every epoch: first epochs (tolerances, S) and epochs run (S,)."""
    loss = q.best_loss + q.loss_scale * excess[:-1]
    bad = loss > DIVERGED_FACTOR * loss[0]
    run = np.where(bad.any(axis=0), bad.argmax(axis=0) + 1, len(loss))
    seen = np.where(np.arange(len(excess))[:, None] <= run, excess, np.inf)
    reached = [np.where((seen <= t).any(axis=0), (seen <= t).argmax(axis=0), CENSORED) for t in tolerances]
    return np.array(reached), run


SHARES = (1e-3, 0.03, 0.3, 0.9, 0.999, 1.001, 1.05)
"""Of the stability limit."""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "momentum", "nesterov"),
    [
        *((PROBLEMS[0], 0.0, False), (PROBLEMS[1], 0.0, True)),  # without momentum Nesterov's is the same step
        *((PROBLEMS[1], 0.5, False), (PROBLEMS[0], 0.5, True)),
        *((PROBLEMS[0], 0.9, False), (PROBLEMS[1], 0.9, True)),
        *((PROBLEMS[1], 0.99, False), (PROBLEMS[0], 0.99, True)),
    ],
)
def test_crossings_are_those_that_stepping_finds(name: str, momentum: float, nesterov: bool) -> None:
    q = quadratic(name)
    start = np.random.default_rng(1).uniform(-1, 1, (5, len(q.optimum)))
    rates = descent(q, start, 1.0, momentum, nesterov and momentum > 0).stability_limit * np.array(SHARES)
    epochs = 3 * CHUNK + 7
    found = learning_map(Descent.of(q, start, rates, momentum, nesterov), epochs)
    for place, lr in enumerate(rates):
        with np.errstate(over="ignore", invalid="ignore"):
            excess = stepped(q, start, lr, momentum, nesterov, epochs)
        reached, run = plain_map(q, excess, TOLERANCES)
        np.testing.assert_array_equal(found.epochs_to[:, place], reached)
        np.testing.assert_array_equal(found.epochs_run[place], run)
        final = excess[run, np.arange(len(start))]
        np.testing.assert_allclose(found.final[place], final, rtol=1e-8, atol=1e-24)  # 1543 roundings, squared; eps²
    assert (found.epochs_to[-1] != CENSORED).any()
    assert found.diverged[-1].all()


def diagonal(*curvature: float, best_loss: float = 1.0) -> Quadratic:
    """A quadratic whose directions are its parameters, and whose excess loss is absolute."""
    values = np.array(curvature)
    return Quadratic(np.zeros(len(values)), best_loss, np.diag(np.sqrt(values / 2)), values, np.eye(len(values)), 1.0)


@pytest.mark.parametrize(("momentum", "lr"), [(0.0, 1.02), (0.5, 1.504)])
def test_a_loss_that_falls_before_it_rises_is_found_on_its_way(momentum: float, lr: float) -> None:
    """One direction starts at its optimum but for 1e-9 and diverges; the other converges long before."""
    q, start, epochs = diagonal(2.0, 0.5), np.array([[1e-9, 1.0]]), 3 * CHUNK
    found = learning_map(descent(q, start, lr, momentum), epochs)
    reached, run = plain_map(q, stepped(q, start, lr, momentum, False, 3 * CHUNK), TOLERANCES)
    np.testing.assert_array_equal(found.epochs_to[:, 0], reached)
    assert (reached != CENSORED).all()
    assert found.epochs_run[0, 0] == run[0] < epochs
    assert run[0] > CHUNK > reached.max() or momentum == 0
    assert found.diverged[0, 0]


def test_what_comes_after_the_end_of_a_training_is_not_reached() -> None:
    """Just below its limit a heavy ball of momentum near 1 swings far out before it settles: its loop ends there.

    The second training starts so near that its swing is no divergence, and settles.
    """
    q, start = diagonal(2.0), np.array([[1.0], [0.2]])
    momentum = 0.99
    lr = (1 + momentum) * (1 - 1e-5)
    excess = stepped(q, start, lr, momentum, False, 4 * CHUNK)
    reached, run = plain_map(q, excess, TOLERANCES)
    assert (excess[run[0] :, 0] <= TOLERANCES[-1]).any()
    found = learning_map(descent(q, start, lr, momentum), 4 * CHUNK)
    assert (reached == CENSORED).all(axis=0).tolist() == [True, False]
    np.testing.assert_array_equal(found.epochs_to[:, 0], reached)
    np.testing.assert_array_equal(found.epochs_run[0], run)


@pytest.mark.parametrize(("momentum", "nesterov"), [(0.0, False), (0.9, False), (0.9, True), (0.3, True)])
def test_beyond_the_stability_limit_a_direction_grows(momentum: float, nesterov: bool) -> None:
    q = quadratic(PROBLEMS[1])
    limit = descent(q, q.optimum, 1.0, momentum, nesterov).stability_limit[0]
    radii = []
    for share in (0.999, 1.001):
        step = descent(q, q.optimum, share * limit, momentum, nesterov).step
        radii.append(np.abs(np.linalg.eigvals(np.moveaxis(step[:, :, 0], -1, 0))).max())
    assert radii[0] < 1 < radii[1]


def test_the_best_rate_contracts_both_ends_alike() -> None:
    q = quadratic(PROBLEMS[1])
    factors = descent(q, q.optimum, optimal(q.curvature[-1], q.curvature[0]).lr).factors([1])[0, 0]
    assert factors[0] == pytest.approx(-factors[-1])


def test_excess_loss_is_the_one_that_trainings_are_judged_by() -> None:
    problem = load(PROBLEMS[1])
    solver = get("torch_sgd")
    assert isinstance(solver, TorchTrained)
    asked = single(problem, solver, Options(dtype="float64", epochs=50, lr=0.1)).options
    trace = solver.prepare(problem, asked).fit().trace
    assert trace is not None
    assert trace.coef is not None
    assert trace.intercept is not None
    judged = excess_loss(trace.coef, trace.intercept, reference(problem))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        parameters = [
            value.detach().double().numpy().ravel() for value in solver.training(problem, asked).build().parameters()
        ]
    exact = descent(quadratic(PROBLEMS[1]), np.concatenate(parameters)[None], 0.1).excess(range(51))[:, 0, 0]
    np.testing.assert_allclose(exact, judged, rtol=1e-9)  # both from sums of squares; the units are changed in between


def test_arbitrary_epochs_are_the_powers_of_one_step() -> None:
    q = quadratic(PROBLEMS[1])
    start = np.random.default_rng(2).uniform(-1, 1, (2, len(q.optimum)))
    exact = Descent.of(q, start, [0.001, 0.1], 0.9)
    together = exact.parameters([977, 0, 5])
    hessian = 2 * q.root.T @ q.root
    for place, lr in enumerate(exact.lr):
        theta, buffer = start.copy(), np.zeros_like(start)
        for t in range(978):
            if t in {0, 5, 977}:
                np.testing.assert_allclose(together[[977, 0, 5].index(t), place], theta, rtol=0, atol=DOUBLE)
            buffer = 0.9 * buffer + (theta - q.optimum) @ hessian
            theta = theta - lr * buffer


def test_twin_columns_keep_what_the_loss_does_not_see() -> None:
    x = np.linspace(-1, 1, 20)
    X, y = np.column_stack([x, x]), np.sin(x)
    q = Quadratic.of(X, y)
    assert list(q.curvature > 0) == [True, True, False]
    start = np.array([[1.0, -0.5, 0.2]])
    end = descent(q, start, 0.3).parameters([2000])[0, 0, 0]
    assert end[0] - end[1] == pytest.approx(1.5)
    assert q.loss(end) == pytest.approx(np.mean((X @ end[:2] + end[2] - y) ** 2))
    assert q.excess(end) < 1e-12


def test_noise_free_data_are_judged_by_the_scale_that_is_said() -> None:
    X, y = rows(load("synthetic:n=50,p=2,noise=0.0"))
    q = Quadratic.of(X, y, loss_scale=1.0)
    found = learning_map(descent(q, np.zeros((1, 3)), 0.2), 500)
    assert (found.epochs_to[:, 0, 0] > 0).all()
    assert q.excess(np.zeros(3)) == pytest.approx(np.mean(y**2))


def rates_and_starts(q: Quadratic) -> tuple[Floats, Floats]:
    return np.array([0.003, 0.1, 1e6]), np.random.default_rng(3).uniform(-1, 1, (4, len(q.optimum)))


def test_adam_trainings_together_are_what_each_is_alone() -> None:
    q = quadratic(PROBLEMS[1])
    rates, starts = rates_and_starts(q)
    together, kept = adapted(Adaptive(q), starts, rates, 300)
    for row, lr in enumerate(rates):
        for column, start in enumerate(starts):
            alone, path = adapted(Adaptive(q), start[None], np.array([lr]), 300)
            for name in ("epochs_to", "epochs_run", "diverged"):
                assert (getattr(alone, name)[..., 0, 0] == getattr(together, name)[..., row, column]).all()
            np.testing.assert_allclose(path[:, 0, 0], kept[:, row, column], rtol=DOUBLE, atol=DOUBLE)
            assert alone.final[0, 0] == pytest.approx(together.final[row, column], rel=1e-9, abs=1e-24)


def test_an_adam_training_that_diverges_leaves_and_the_others_go_on() -> None:
    q = quadratic(PROBLEMS[1])
    rates, starts = rates_and_starts(q)
    found, kept = adapted(Adaptive(q), starts, rates, 300)
    assert found.diverged.all(axis=1).tolist() == [False, False, True]
    assert found.diverged.any(axis=1).tolist() == [False, False, True]
    assert (found.epochs_run == np.array([300, 300, 2])[:, None]).all()
    assert not np.array_equal(kept[1, 2], kept[2, 2])
    assert (found.epochs_to[-1, 1] != CENSORED).all()
    np.testing.assert_allclose(found.final, q.excess(kept[-1]), rtol=1e-8)  # kept adds the optimum: eps / 1e-7


def test_an_adam_training_that_swings_back_after_its_end_reached_nothing() -> None:
    """The optimal loss changes no step, but what counts as divergence: 1e6 lets a training go on that 1 ends."""
    start, lr, level = np.array([[1.0], [0.9], [0.8]]), np.array([100.0, 80.0, 60.0, 55.0]), (0.5,)
    on, _ = adapted(Adaptive(diagonal(2.0, best_loss=1e6)), start, lr, 64, level)
    ended, _ = adapted(Adaptive(diagonal(2.0)), start, lr, 64, level)
    assert (on.epochs_to != CENSORED).any()
    assert not on.diverged.any()
    assert ended.diverged.all()
    assert (ended.epochs_to == CENSORED).all()


def test_a_split_is_no_part_of_the_quadratic() -> None:
    """[X 1 y] with fewer rows than columns: the loss reaches 0, and the root keeps its shape."""
    X = np.array([[1.0, 2.0, 3.0], [0.0, 1.0, 1.0]])
    problem = Problem("short", X, np.array([1.0, 2.0]), ("a", "b", "c"), "y", Split.all_train(2))
    q = Quadratic.of(*problem.rows("train"))
    assert q.root.shape == (4, 4)
    assert q.loss(q.optimum) == pytest.approx(0, abs=1e-28)
