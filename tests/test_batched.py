"""K models at once against the loop, model by model: parameters, losses, divergence, order of the rows."""

import pickle
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch

from harness.cores import usable
from harness.errors import UsageError
from harness.measure.plan import single
from harness.problems.catalog import load
from harness.problems.problem import Floats
from harness.solvers.catalog import get
from harness.solvers.options import Options
from harness.solvers.training.batched import engine as batched
from harness.solvers.training.batched.batch import BLOCK, Batch, MiniBatches, blocks
from harness.solvers.training.batched.linear import LinearModels
from harness.solvers.training.batched.mlp import MlpModels
from harness.solvers.training.batched.settings import Settings
from harness.solvers.training.engine import TOGETHER
from harness.solvers.training.loop import train
from harness.solvers.training.loop_engine import loop_of
from harness.solvers.training.oracle.quadratic import Quadratic
from harness.solvers.training.torch_trained import TorchTrained
from harness.solvers.training.training import Aim, Grid, Training

SINGLE, DOUBLE = 1e-6, 1e-12
"""Sixteen roundings of float32 at 1, and a thousand steps of ten roundings of float64: the arithmetic is the loop's,
summed in another order."""
MLP_DOUBLE = 1e-10
"""A network's steps are no contraction, and Adam's division by sqrt(v) enlarges what small gradients lose."""
RATES, SMALL, SEEDS = (0.01, 0.1, 0.3), (0.003, 0.01, 0.03), (0, 1, 2)
OPTIMIZERS: dict[str, type[torch.optim.Optimizer]] = {
    "sgd": torch.optim.SGD,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
}


pytestmark = pytest.mark.usefixtures("one_thread")


@dataclass
class Setup:
    """A problem, a model and what all trainings of a test share."""

    problem: str = "auto_mpg"
    model: str = "torch"
    optimizer: str = "sgd"
    dtype: str = "float64"
    loss: str = "mse"
    hidden: tuple[int, ...] | None = None
    batch: int | None = None
    device: str = "cpu"

    def training(self, seed: int) -> Training:
        """What the solver hands to an engine."""
        solver = get(f"{self.model}_{'sgd' if self.optimizer == 'sgd' else 'adam'}")
        said = {"dtype": self.dtype, "loss": self.loss, "batch": self.batch, "hidden": self.hidden, "seed": seed}
        asked = Options(scale="standardized", device=self.device, **said)  # type: ignore[arg-type]
        assert isinstance(solver, TorchTrained)
        return solver.training(load(self.problem), single(load(self.problem), solver, asked).options)

    def looped(self, seed: int, epochs: int, **settings: Any) -> tuple[Floats, Floats]:
        """Parameters (E + 1, P) and losses (E,) of one training by the loop."""
        loop = loop_of(self.training(seed))
        loop.optimizer = OPTIMIZERS[self.optimizer](loop.model.parameters(), **settings)

        def parameters() -> Floats:
            return np.concatenate([value.detach().double().cpu().numpy().ravel() for value in loop.model.parameters()])

        path, losses = [parameters()], []

        def observe(_epoch: int, loss: float) -> None:
            losses.append(loss)
            path.append(parameters())

        train(loop, epochs, observe)
        return np.array(path), np.array(losses)

    def batched(self, seeds: list[int], settings: Settings, room: int | None = None) -> Batch:
        """The same models in one batch."""
        training = self.training(0)
        (X, y), K = training.tensors("train"), len(seeds)
        models: LinearModels | MlpModels
        if self.model == "torch":
            models = LinearModels(X, y, K, loss=self.loss, room=room)
        else:
            models = MlpModels(X, y, K, hidden=self.hidden or (8, 8, 8), loss=self.loss, room=room)
        order = MiniBatches(self.batch, seeds) if self.batch else None
        return Batch(models, training.initial_parameters(seeds), settings, order)


@dataclass
class Trained:
    """Of K trainings the losses (E, K) and parameters (E + 1, K, P) up to their ends, NaN after; epochs_run (K,)."""

    loss: Floats
    kept: Floats
    epochs_run: np.typing.NDArray[np.int64]
    diverged: np.typing.NDArray[np.bool_]


def train_batch(batch: Batch, epochs: int) -> Trained:
    """All blocks together; who has diverged must be in no later one."""
    K, P = batch.total, batch.models.per_model
    loss, kept = np.full((epochs, K), np.nan), np.full((epochs + 1, K, P), np.nan)
    found = Trained(loss, kept, np.zeros(K, dtype=np.int64), np.zeros(K, dtype=np.bool_))
    for block in blocks(batch, epochs, parameters=True):
        assert not found.diverged[block.numbers].any()
        assert block.parameters is not None
        for column, (number, run) in enumerate(zip(block.numbers, block.epochs_run, strict=True)):
            end = block.before + run
            loss[block.before : end, number] = block.loss[:run, column]
            kept[block.before : end + 1, number] = block.parameters[: run + 1, column]
            found.epochs_run[number] = end
        found.diverged[block.numbers] = block.diverged
    return found


def both(
    setup: Setup, epochs: int, cases: Iterable[tuple[float, int]], **settings: Any
) -> tuple[Trained, list[tuple[Floats, Floats]]]:
    """Trainings of these learning rates and seeds, in one batch and by the loop."""
    rates, seeds = zip(*cases, strict=True)
    asked = Settings(optimizer=setup.optimizer, lr=np.array(rates), **settings)
    together = train_batch(setup.batched(list(seeds), asked), epochs)
    return together, [setup.looped(seed, epochs, lr=lr, **settings) for lr, seed in zip(rates, seeds, strict=True)]


def check(setup: Setup, epochs: int, atol: float, rates: tuple[float, ...] = RATES, **settings: Any) -> None:
    """Each rate with a seed of its own; every rate with every seed is test_engines' grid."""
    together, alone = both(setup, epochs, zip(rates, SEEDS, strict=True), **settings)
    assert not together.diverged.any()
    assert (together.epochs_run == epochs).all()
    for place, (path, losses) in enumerate(alone):
        np.testing.assert_allclose(together.kept[:, place], path, rtol=0, atol=atol)
        np.testing.assert_allclose(together.loss[:, place], losses, rtol=atol, atol=atol)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("problem", "optimizer", "dtype", "atol"),
    [("auto_mpg", "sgd", "float64", DOUBLE), ("synthetic:n=200,p=5,noise=0.5", "adam", "float32", SINGLE)],
)
def test_linear_models_are_the_loop_s_over_1000_epochs(problem: str, optimizer: str, dtype: str, atol: float) -> None:
    """Adam at lr = 0.1 leaves the optimum again by epoch 1000, on rounding alone, in the loop as here.

    A model alone, with each optimizer, is in test_engines.py.
    """
    rates = RATES if optimizer == "sgd" else (0.001, 0.01, 0.03)
    check(Setup(problem, optimizer=optimizer, dtype=dtype), 1000, atol, rates)


@pytest.mark.slow
@pytest.mark.parametrize(
    "setup",
    [
        Setup("sine", "mlp", "adam", hidden=(8, 8, 8)),
        Setup("sine", "mlp", "sgd", hidden=(5,)),
        Setup("synthetic:n=60,p=3,noise=0.5", "mlp", "adamw", hidden=(7, 3)),
    ],
    ids=["three layers", "one layer", "several features"],
)
def test_networks_are_the_loop_s_in_float64(setup: Setup) -> None:
    check(setup, 100, MLP_DOUBLE, SMALL)


@pytest.mark.slow
def test_networks_are_the_loop_s_in_float32_with_sgd() -> None:
    check(Setup("sine", "mlp", dtype="float32"), 100, SINGLE, rates=(0.01, 0.03, 0.1))


@pytest.mark.slow
@pytest.mark.parametrize(("model", "problem", "optimizer"), [("torch", "auto_mpg", "adam"), ("mlp", "sine", "sgd")])
def test_absolute_errors_are_the_loop_s(model: str, problem: str, optimizer: str) -> None:
    check(Setup(problem, model, optimizer, loss="l1"), 100, MLP_DOUBLE, SMALL)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "problem", "optimizer", "loss"),
    [
        ("torch", "synthetic:n=100,p=3,noise=0.5", "sgd", "mse"),
        ("torch", "synthetic:n=100,p=3,noise=0.5", "adam", "l1"),
        ("mlp", "sine", "sgd", "l1"),
        ("mlp", "sine", "adam", "mse"),
    ],
)
def test_mini_batches_come_in_the_loop_s_order(model: str, problem: str, optimizer: str, loss: str) -> None:
    """32 does not divide the rows: the last step of an epoch is over fewer, and weighs less in its loss.

    Of one model alone the other four are in test_engines.py.
    """
    check(Setup(problem, model, optimizer, loss=loss, batch=32), 6, MLP_DOUBLE, SMALL)


@pytest.mark.slow
def test_a_mini_batch_of_all_rows_is_the_full_batch() -> None:
    check(Setup(batch=1000), 5, DOUBLE)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("problem", "optimizer", "settings"),
    [
        ("auto_mpg", "sgd", {"momentum": 0.9}),
        ("synthetic:n=200,p=5,noise=0.5", "sgd", {"momentum": 0.9, "nesterov": True}),
        ("auto_mpg", "sgd", {"momentum": 0.5, "weight_decay": 0.1}),
        ("synthetic:n=200,p=5,noise=0.5", "sgd", {"weight_decay": 0.1}),
        ("auto_mpg", "adam", {"weight_decay": 0.1}),
        ("synthetic:n=200,p=5,noise=0.5", "adamw", {"weight_decay": 0.1}),
        ("auto_mpg", "adamw", {"weight_decay": 0.0}),
    ],
    ids=str,
)
def test_every_setting_is_torch_s(problem: str, optimizer: str, settings: dict[str, Any]) -> None:
    """Over 150 epochs; all settings of every optimizer, over 15, are in test_optimizers.py."""
    check(Setup(problem, optimizer=optimizer), 150, DOUBLE, rates=(0.01, 0.02, 0.05), **settings)


@pytest.mark.slow
def test_each_model_may_have_sgd_settings_of_its_own() -> None:
    setup, lr = Setup(PROBLEM), 0.02
    own = [(0.0, False, 0.0), (0.9, False, 0.0), (0.9, True, 0.1), (0.5, True, 0.0)]
    momentum, nesterov, decay = (np.array(values, dtype=float) for values in zip(*own, strict=True))
    asked = Settings(optimizer="sgd", lr=lr, momentum=momentum, nesterov=nesterov, weight_decay=decay)
    together = train_batch(setup.batched([0, 1, 2, 3], asked), 200)
    for seed, (mu, ahead, wd) in enumerate(own):
        path, _ = setup.looped(seed, 200, lr=lr, momentum=mu, nesterov=ahead, weight_decay=wd)
        np.testing.assert_allclose(together.kept[-1, seed], path[-1], rtol=0, atol=DOUBLE)


MADE = batched.batch_of
PROBLEM = "synthetic:n=200,p=5,noise=0.5"


@pytest.mark.slow
@pytest.mark.parametrize("model", ["torch", "mlp"])
def test_each_model_may_have_adam_settings_of_its_own(model: str) -> None:
    setup, lr = Setup(PROBLEM, model, "adam"), 0.01
    own = [(0.9, 0.999, 1e-8), (0.5, 0.99, 1e-3), (0.0, 0.9999, 1e-8)]
    beta1, beta2, eps = (np.array(values) for values in zip(*own, strict=True))
    asked = Settings(optimizer="adam", lr=lr, beta1=beta1, beta2=beta2, eps=eps)
    together = train_batch(setup.batched([0, 1, 2], asked), 150)
    for seed, (b1, b2, small) in enumerate(own):
        path, _ = setup.looped(seed, 150, lr=lr, betas=(b1, b2), eps=small)
        np.testing.assert_allclose(together.kept[-1, seed], path[-1], rtol=0, atol=MLP_DOUBLE)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("setup", "rates", "settings"),
    [
        (Setup(PROBLEM), (1.2, 0.1, 50.0), {}),
        (Setup(PROBLEM), (50.0, 0.01), {"momentum": 0.9}),
        (Setup(PROBLEM, optimizer="adam"), (1e6, 0.05), {}),
        (Setup("sine", "mlp"), (30.0, 0.05), {}),
        (Setup(PROBLEM, batch=32), (20.0, 0.05), {}),
    ],
    ids=["sgd", "momentum", "adam", "mlp", "mini-batches"],
)
def test_a_model_that_diverges_is_frozen_and_the_others_go_on(
    setup: Setup, rates: tuple[float, ...], settings: dict[str, Any]
) -> None:
    """As in the loop, the epoch whose loss shows it is still run; nothing of the model changes after it."""
    epochs = BLOCK + 20
    together, alone = both(setup, epochs, product(rates, SEEDS), **settings)
    for place, (path, losses) in enumerate(alone):
        run = len(losses)
        assert together.epochs_run[place] == run
        assert together.diverged[place] == (run < epochs)
        np.testing.assert_allclose(together.kept[: run + 1, place], path, rtol=1e-9, atol=1e-9)  # as errors grow
        np.testing.assert_allclose(together.loss[:run, place], losses, rtol=1e-9)
        assert np.isnan(together.loss[run:, place]).all()
    first, second = together.diverged[: len(SEEDS)], together.diverged[len(SEEDS) : 2 * len(SEEDS)]
    assert first.all()
    assert not second.any()


def test_a_batch_of_nothing_but_divergence_ends() -> None:
    together = train_batch(Setup().batched([0, 1], Settings(optimizer="sgd", lr=1e9)), 1000)
    assert together.diverged.all()
    assert (together.epochs_run < 20).all()
    assert together.loss.shape == (1000, 2)


@pytest.mark.parametrize("loss", ["mse", "l1"])
@pytest.mark.parametrize(("model", "room"), [("torch", 40), ("mlp", 300)])
def test_rows_taken_in_parts_give_what_all_at_once_give(model: str, room: int, loss: str) -> None:
    """A batch too large for the room is summed over parts of its rows; the last part is smaller."""
    setup = Setup(PROBLEM, model, loss=loss)
    runs = [
        train_batch(setup.batched([0, 1, 2], Settings(optimizer="sgd", lr=0.05), size), 20) for size in (None, room)
    ]
    assert len(setup.batched([0, 1, 2], Settings(optimizer="sgd", lr=0.05), room).models.blocks) > 3
    np.testing.assert_allclose(runs[1].kept, runs[0].kept, rtol=0, atol=DOUBLE)
    np.testing.assert_allclose(runs[1].loss, runs[0].loss, rtol=DOUBLE)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_grid_in_parts_is_the_grid_in_one(monkeypatch: pytest.MonkeyPatch, optimizer: str) -> None:
    """Mini-batches of a model's own need memory for each model: the parts are as large as it allows."""
    training = Setup(PROBLEM, optimizer=optimizer, batch=32).training(0)
    training = replace(training, options=replace(training.options, epochs=4))
    quadratic = Quadratic.of(*training.arrays("train"))
    aim = Aim(quadratic.best_loss, quadratic.loss_scale, quadratic)
    found, told = [], []
    for most, parts in ((batched.OWN_NUMBERS, 1), (4 * 32 * 7, 3)):
        monkeypatch.setattr(batched, "OWN_NUMBERS", most)
        made: list[int] = []
        monkeypatch.setattr(
            batched, "batch_of", lambda t, cases, *rest, made=made: made.append(len(cases)) or MADE(t, cases, *rest)
        )
        counts: list[int] = []
        found.append(batched.BatchedEngine().learn(training, Grid(RATES, SEEDS), aim, counts.append))
        told.append(counts)
        assert (len(made), sum(made)) == (parts, 9)
    assert told[0][-1] == told[1][-1] == 9 * 4
    assert told[1] == sorted(told[1])
    np.testing.assert_allclose(found[0].excess, found[1].excess, rtol=1e-9)
    np.testing.assert_array_equal(found[0].map.epochs_run, found[1].map.epochs_run)


@pytest.mark.slow
@pytest.mark.parametrize("model", ["torch", "mlp"])
def test_trainings_have_the_same_bits_with_any_number_of_threads(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usable, "usable_cores", lambda: 16)
    for name in ("linear", "mlp"):
        monkeypatch.setitem(TOGETHER, name, 2)
    training = Setup(PROBLEM, model, "adam", hidden=None if model == "torch" else (4,)).training(0)
    quadratic = Quadratic.of(*training.arrays("train"))
    aim = Aim(quadratic.best_loss, quadratic.loss_scale, quadratic if training.is_linear else None)

    def learned(threads: int) -> bytes:
        options = replace(training.options, epochs=70, threads=threads)
        told: list[int] = []
        found = batched.BatchedEngine().learn(replace(training, options=options), Grid(RATES, SEEDS), aim, told.append)
        assert told == sorted(told)
        assert told[-1] == 70 * 9
        return pickle.dumps((vars(found.map), found.at, found.excess, found.loss))

    assert len({learned(threads) for threads in (1, 2, 3, 2, 3)}) == 1


def test_timed_blocks_go_on_where_the_last_one_ended() -> None:
    setup = Setup(PROBLEM, "mlp", "adam", dtype="float64", hidden=(4,))
    training = setup.training(0)
    training = replace(training, options=replace(training.options, lr=0.01))
    prepared = batched.BatchedEngine().prepare(training)
    prepared.run()
    prepared.run()
    path, _ = setup.looped(0, 2 * prepared.epochs_per_call, lr=0.01)
    assert prepared.epochs_per_call == BLOCK
    found = prepared.timed.path[0][prepared.timed.place][0].numpy()
    np.testing.assert_allclose(found, path[-1], rtol=0, atol=MLP_DOUBLE)


def test_a_timed_call_over_many_rows_is_fewer_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batched, "TIMED_ROWS", 3 * 398)
    assert batched.BatchedEngine().prepare(Setup().training(0)).epochs_per_call == 3
    monkeypatch.setattr(batched, "TIMED_ROWS", 1)
    assert batched.BatchedEngine().prepare(Setup().training(0)).epochs_per_call == 1


@pytest.mark.slow
def test_bias_corrections_go_on_from_step_to_step_within_an_epoch() -> None:
    check(Setup("synthetic:n=100,p=3,noise=0.5", optimizer="adam", batch=9), 6, MLP_DOUBLE)


def test_parameters_are_fetched_only_where_they_are_wanted() -> None:
    setup, asked = Setup("sine", "mlp"), Settings(optimizer="sgd", lr=0.01)
    some, every = (list(blocks(setup.batched([0, 1], asked), 150, parameters=wanted)) for wanted in (False, True))
    assert [block.parameters for block in some] == [None] * len(every)
    for one, other in zip(some, every, strict=True):
        np.testing.assert_array_equal(one.loss, other.loss)
    assert not np.array_equal(some[0].loss[:5], some[1].loss[:5]), "a block keeps its losses when the next one is done"


@pytest.mark.parametrize("model", ["torch", "mlp"])
def test_initial_weights_are_the_loop_s(model: str) -> None:
    setup = Setup("sine", model, dtype="float32")
    torch.manual_seed(9)
    expected = torch.rand(2)
    torch.manual_seed(9)
    found = setup.training(0).initial_parameters([4, 7])
    assert torch.equal(torch.rand(2), expected)
    for row, seed in zip(found, (4, 7), strict=True):
        path, _ = setup.looped(seed, 1, lr=0.1)
        np.testing.assert_array_equal(row, path[0])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"optimizer": "rmsporp"}, "unknown optimizer 'rmsporp': did you mean 'rmsprop'"),
        ({"optimizer": "adam", "momentum": 0.9}, "adam takes no momentum"),
        ({"optimizer": "sgd", "nesterov": 1.0}, "nesterov needs a momentum"),
        ({"optimizer": "sgd", "nesterov": np.array([0, 1]), "momentum": np.array([0.9, 0])}, "nesterov needs"),
    ],
    ids=str,
)
def test_what_torch_refuses_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Settings(lr=0.1, **settings)


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")
@pytest.mark.parametrize("model", ["torch", "mlp"])
@pytest.mark.parametrize("batch", [None, 32])
def test_models_on_cuda_are_the_loop_s_there(model: str, batch: int | None) -> None:
    check(Setup("sine", model, "adam", batch=batch, device="cuda"), 50, MLP_DOUBLE, rates=(0.003, 0.03))
