"""One contract of trainings, one set of tests: every engine against the textbook loop, or refused with its reason."""

import re
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch

from harness.measure.plan import Case, Request, plan, single
from harness.measure.run import measure
from harness.problems.catalog import load
from harness.problems.problem import Floats
from harness.solvers.catalog import get
from harness.solvers.fit import Fit
from harness.solvers.options import Options
from harness.solvers.solver import missing_library
from harness.solvers.status import Status
from harness.solvers.training.engine import Engine
from harness.solvers.training.engines import ENGINES
from harness.solvers.training.jax_scan.engine import JaxTraining
from harness.solvers.training.learning_map import CENSORED, Learned
from harness.solvers.training.loop_engine import loop_of
from harness.solvers.training.oracle.quadratic import Quadratic
from harness.solvers.training.torch_trained import TorchTrained
from harness.solvers.training.training import Aim, Grid, Training
from harness.store.store import Store
from tests.conftest import RunCli

SINGLE, DOUBLE = 1e-6, 1e-12
"""Sixteen roundings of float32 at 1, and a thousand steps of ten roundings of float64: the arithmetic is the loop's,
summed in another order."""
NETWORK = 1e-10
"""A network's steps are no contraction, and Adam's division by sqrt(v) enlarges what small gradients lose."""
EPOCHS = 1000
SEVERAL = "synthetic:n=200,p=5,noise=0.5"
OPTIMIZERS: dict[str, tuple[str, dict[str, Any]]] = {
    "sgd": ("sgd", {"lr": 0.1}),
    "momentum": ("sgd", {"lr": 0.05, "momentum": 0.9}),
    "nesterov": ("sgd", {"lr": 0.05, "momentum": 0.9, "nesterov": True}),
    "adam": ("adam", {"lr": 0.01}),  # at 0.1 rounding alone leads Adam away from the optimum again
    "adamw": ("adamw", {"lr": 0.01}),
}
IN_TURN = [(("auto_mpg", SEVERAL)[place % 2], name) for place, name in enumerate(OPTIMIZERS)]
"""A problem for each optimizer."""
OF_SINGLE = [(SEVERAL, "sgd"), ("auto_mpg", "adam"), (SEVERAL, "adamw")]
"""Momentum and Nesterov's multiply and add as those do; of Adam the corrections are another dtype's too."""
TORCH_S: dict[str, type[torch.optim.Optimizer]] = {
    "sgd": torch.optim.SGD,
    "momentum": torch.optim.SGD,
    "nesterov": torch.optim.SGD,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
}
DEVICES = (
    "cpu",
    pytest.param(
        "cuda",
        marks=[
            pytest.mark.cuda,
            pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine"),
        ],
    ),
)

pytestmark = pytest.mark.usefixtures("in_process", "one_thread")


@pytest.fixture(params=[name for name in ENGINES if name != "loop"])
def engine(request: pytest.FixtureRequest) -> Engine:
    """Each engine that is compared with the loop, where its library is installed."""
    found = ENGINES[str(request.param)]
    missing = missing_library(found.requires)
    if missing:
        pytest.skip(missing)
    return found


@pytest.fixture(params=DEVICES)
def device(request: pytest.FixtureRequest) -> str:
    """The CPU, and CUDA where there is one."""
    return str(request.param)


@dataclass(frozen=True)
class Setup:
    """A training in words; hashable, so that the loop does each only once."""

    problem: str = "auto_mpg"
    model: str = "torch"
    optimizer: str = "sgd"
    dtype: str = "float64"
    epochs: int = EPOCHS
    device: str = "cpu"
    more: tuple[tuple[str, Any], ...] = ()

    def case(self, engine: str, **more: Any) -> Case:
        """The case that a command would run."""
        optimizer, settings = OPTIMIZERS[self.optimizer]
        said: dict[str, Any] = {
            "loss": "mse",
            "scale": "standardized",
            "epochs": self.epochs,
            "seed": 3,
            "engine": engine,
        }
        said |= {**settings, "device": self.device, "dtype": self.dtype, **dict(self.more), **more}
        return single(load(self.problem), get(f"{self.model}_{optimizer}"), Options(**said))

    def training(self, engine: str, **more: Any) -> Training:
        """What the solver hands to an engine."""
        case = self.case(engine, **more)
        assert isinstance(case.solver, TorchTrained)
        return case.solver.training(case.problem, case.options)

    def but(self, **more: Any) -> "Setup":
        """The same with other options."""
        return replace(self, more=tuple((dict(self.more) | more).items()))


@cache
def looped(setup: Setup) -> Fit:
    return ENGINES["loop"].prepare(setup.training("loop")).fit()


def fitted(setup: Setup, engine: Engine, **more: Any) -> Fit:
    """By a preparation without the model that is timed, which the engine jax compiles by itself."""

    def untimed(prepared: JaxTraining, training: Training) -> None:
        prepared.training = training

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(JaxTraining, "__init__", untimed)
        return engine.prepare(setup.training(engine.name, **more)).fit()


def taken(setup: Setup, engine: Engine) -> bool:
    """Whether the engine does it; if not, that it says why, where a run shows it, and that it may refuse it."""
    reason = engine.unsupported(setup.training(engine.name))
    if reason is None:
        return True
    record = measure(setup.case(engine.name)).record
    assert (record.status, record.message) == (Status.UNSUPPORTED, reason)
    assert record.options["engine"] == engine.name
    assert "\n" not in reason
    assert not must_take(engine.name, setup), reason
    return False


def must_take(engine: str, setup: Setup) -> bool:
    """What an engine was written for, so that it cannot pass by refusing it."""
    if engine == "oracle":
        batch = dict(setup.more).get("batch")
        return (setup.model, setup.dtype, setup.device) == ("torch", "float64", "cpu") and batch in (None, 1000)
    return engine == "batched"


def trained_units(fit: Fit, training: Training) -> Floats:
    """Weights and bias (E + 1, p + 1) in the units trained in, of order 1, from the trace's coefficients."""
    trace, scaling = fit.trace, training.scaling
    assert trace is not None
    assert trace.coef is not None
    assert trace.intercept is not None
    bias = (trace.intercept + trace.coef @ scaling.x_mean - scaling.y_mean) / scaling.y_sd
    return np.column_stack([trace.coef * scaling.x_sd / scaling.y_sd, bias])


def check_fit(setup: Setup, fit: Fit, atol: float, rtol: float = 0.0) -> None:
    """The trace, the predictions and the end of a Fit are the loop's."""
    expected, training = looped(setup), setup.training("loop")
    assert (fit.status, fit.message) == (expected.status, expected.message)
    assert fit.trace is not None
    assert expected.trace is not None
    assert fit.trace.epochs == expected.trace.epochs
    assert fit.trace.val_split == expected.trace.val_split
    np.testing.assert_allclose(fit.trace.train_loss, expected.trace.train_loss, rtol=max(rtol, atol), atol=atol)
    assert (fit.trace.val_loss is None) == (training.held_out is None)
    if fit.trace.val_loss is not None and expected.trace.val_loss is not None:
        np.testing.assert_allclose(fit.trace.val_loss, expected.trace.val_loss, rtol=max(rtol, atol), atol=atol)
    X, scaling = training.problem.X[:7], training.scaling
    predicted, truth = (scaling.y(one.predict(X)) for one in (fit, expected))
    np.testing.assert_allclose(predicted, truth, rtol=rtol, atol=4 * atol)  # a few weights, features up to 2 sd
    if training.is_linear:
        own, theirs = trained_units(fit, training), trained_units(expected, training)
        np.testing.assert_allclose(own, theirs, rtol=rtol, atol=atol)


# One training


@pytest.mark.slow
@pytest.mark.parametrize(("problem", "optimizer"), IN_TURN)
def test_the_trace_is_the_float64_loop_s(engine: Engine, problem: str, optimizer: str, device: str) -> None:
    setup = Setup(problem, optimizer=optimizer, device=device)
    if taken(setup, engine):
        check_fit(setup, fitted(setup, engine), DOUBLE)


@pytest.mark.slow
@pytest.mark.parametrize(("problem", "optimizer"), OF_SINGLE)
def test_the_trace_is_the_float32_loop_s(engine: Engine, problem: str, optimizer: str, device: str) -> None:
    """To that loop's rounding, which its steps forget again; AdamW's decay rounds a second time in each."""
    setup = Setup(problem, optimizer=optimizer, dtype="float32", device=device)
    atol = 2 * SINGLE if optimizer == "adamw" else SINGLE
    if taken(setup, engine):
        check_fit(setup, fitted(setup, engine), atol)
    elif engine.unsupported(setup.training(engine.name, dtype="float64")) is None:
        check_fit(setup, fitted(setup, engine, dtype="float64"), atol)


def test_what_is_held_out_is_the_validation_or_else_the_test_part() -> None:
    assert {
        problem: Setup(problem).training("loop").held_out
        for problem in ("make_regression", "noiseless_line", "auto_mpg")
    } == {"make_regression": "val", "noiseless_line": "test", "auto_mpg": None}


@pytest.mark.slow
def test_held_out_losses_are_the_loop_s(engine: Engine) -> None:
    setup = Setup("noiseless_line", epochs=150)
    if taken(setup, engine):
        check_fit(setup, fitted(setup, engine), DOUBLE)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("optimizer", "more"),
    [
        ("sgd", {"weight_decay": 0.1}),
        ("momentum", {"weight_decay": 0.0}),
        ("adam", {"weight_decay": 0.1, "form": "parameters", "init": (0.5, -1.0, 2.0, 0.0, 1.0, 0.25)}),
        ("adamw", {"weight_decay": 0.0}),  # the trace is of its default, 0.01
        ("sgd", {"scale": "raw", "lr": 0.01, "form": "parameters"}),
    ],
    ids=str,
)
def test_other_options_are_the_loop_s(engine: Engine, optimizer: str, more: dict[str, Any]) -> None:
    """Those that go together are asked for together: each alone compiles anew."""
    setup = Setup(SEVERAL, optimizer=optimizer, epochs=200).but(**more)
    if engine.name == "oracle" and optimizer == "sgd" and "weight_decay" in more:
        assert "drop --weight-decay" in str(engine.unsupported(setup.training("oracle")))
    elif taken(setup, engine):
        check_fit(setup, fitted(setup, engine), DOUBLE)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("optimizer", "dtype", "atol"),
    [
        ("sgd", "float64", NETWORK),
        ("adam", "float64", NETWORK),
        ("sgd", "float32", SINGLE),  # with Adam every reordering drifts to 1e-4 and more (see test_batched)
    ],
)
def test_networks_are_the_loop_s(engine: Engine, optimizer: str, dtype: str, atol: float, device: str) -> None:
    """Of gradients that the engine has written out; that each optimizer steps by them is in test_optimizers.py."""
    setup = Setup("sine", "mlp", optimizer, dtype, 100, device)
    if TORCH_S[optimizer] is torch.optim.SGD:
        setup = setup.but(lr=0.02)  # at 0.1 the loss jumps about, and rounding with it
    if taken(setup, engine):
        check_fit(setup, fitted(setup, engine), atol)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "problem", "optimizer", "loss"),
    [
        ("torch", SEVERAL, "sgd", "l1"),
        ("torch", SEVERAL, "adam", "mse"),
        ("mlp", "sine", "sgd", "mse"),
        ("mlp", "sine", "adam", "l1"),
    ],
)
def test_mini_batches_come_in_the_loop_s_order(
    engine: Engine, model: str, problem: str, optimizer: str, loss: str
) -> None:
    """48 does not divide the rows: the last step of an epoch is over fewer. The other four are in test_batched.py."""
    setup = Setup(problem, model, optimizer, epochs=5).but(batch=48, loss=loss)
    if taken(setup, engine):
        check_fit(setup, fitted(setup, engine), NETWORK)


@pytest.mark.slow
def test_a_batch_of_more_than_all_rows_is_all_rows_and_said_so(engine: Engine) -> None:
    setup = Setup(epochs=5).but(batch=1000)
    if taken(setup, engine):
        fit = fitted(setup, engine)
        assert "1000 is more than the 398" in fit.message
        check_fit(setup, fit, DOUBLE)
        record = measure(setup.case(engine.name)).record
        assert record.status is Status.NOT_CONVERGED
        assert record.message.endswith(f"; {fit.message}")


@pytest.mark.slow
@pytest.mark.parametrize(("model", "problem", "lr"), [("torch", SEVERAL, 3.0), ("mlp", "sine", 30.0)])
def test_divergence_ends_a_training_in_the_loop_s_epoch(engine: Engine, model: str, problem: str, lr: float) -> None:
    """With each optimizer in the grids below."""
    setup = Setup(problem, model, epochs=100).but(lr=lr)
    assert looped(setup).status is Status.DIVERGED
    if taken(setup, engine):
        fit = fitted(setup, engine)
        check_fit(setup, fit, DOUBLE, rtol=1e-9)  # what is lost grows with the distance
        assert fit.trace is not None
        assert fit.trace.epochs < 100


@pytest.mark.slow
def test_timed_work_goes_on_from_call_to_call_or_is_a_whole_fit(engine: Engine) -> None:
    setup = Setup(epochs=40)
    if taken(setup, engine):
        prepared = engine.prepare(setup.training(engine.name))
        assert prepared.unit in ("epoch", "fit")
        assert prepared.epochs_per_call >= 1
        assert prepared.unit == "epoch" or prepared.epochs_per_call == 1
        for _ in range(3):
            prepared.run()
        check_fit(setup, prepared.fit(), DOUBLE)  # whatever was timed, the solution is of a whole training


# A grid of them


def aim_of(training: Training) -> Aim:
    if not training.is_linear:
        return Aim(0.7, 0.5)  # any will do that some trainings reach
    quadratic = Quadratic.of(*training.arrays("train"))
    return Aim(quadratic.best_loss, quadratic.loss_scale, quadratic)


@cache
def learned_by(engine: str, setup: Setup, grid: Grid) -> Learned:
    training, told = setup.training(engine), list[int]()
    found = ENGINES[engine].learn(training, grid, aim_of(training), told.append)
    assert told == sorted(told)
    assert told[-1] == len(grid.cases) * setup.epochs
    return found


def check_learned(engine: Engine, setup: Setup, grid: Grid, atol: float) -> Learned:
    """Engines agree to rounding; a loss within rounding of a tolerance may pass it an epoch sooner in one of them."""
    own, theirs = learned_by(engine.name, setup, grid), learned_by("loop", setup, grid)
    assert own.map.tolerances == theirs.map.tolerances
    for name in ("diverged", "epochs_run"):
        np.testing.assert_array_equal(getattr(own.map, name), getattr(theirs.map, name))
    reached = theirs.map.epochs_to != CENSORED
    np.testing.assert_array_equal(own.map.epochs_to != CENSORED, reached)
    assert np.abs(own.map.epochs_to - theirs.map.epochs_to).max() <= 1
    np.testing.assert_array_equal(own.at, theirs.at)
    np.testing.assert_allclose(own.map.final, theirs.map.final, rtol=1e-6, atol=atol)
    np.testing.assert_allclose(own.excess, theirs.excess, rtol=1e-6, atol=atol)  # NaN where the loop has NaN
    np.testing.assert_allclose(own.loss, theirs.loss, rtol=1e-6, atol=atol)
    return theirs


@pytest.mark.slow
@pytest.mark.parametrize(("problem", "optimizer"), IN_TURN)
def test_a_grid_is_learnt_as_by_the_loop(engine: Engine, problem: str, optimizer: str, device: str) -> None:
    """The last rate diverges, whatever the optimizer; nothing ends with it."""
    setup = Setup(problem, optimizer=optimizer, epochs=150, device=device)
    rates = (0.02, 0.05, 1e6) if optimizer.startswith("adam") else (0.01, 0.1, 50.0)
    if taken(setup, engine):
        found = check_learned(engine, setup, Grid(rates, (0, 1, 7)), DOUBLE)
        assert found.map.diverged.tolist() == [[False] * 3] * 2 + [[True] * 3]
        assert (found.map.epochs_run[:2] == 150).all()
        assert (found.map.epochs_run[2] < 10).all()
        assert (found.map.epochs_to[0, :2] != CENSORED).any()


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_grid_of_networks_is_learnt_as_by_the_loop(engine: Engine, optimizer: str, device: str) -> None:
    setup = Setup("sine", "mlp", optimizer, epochs=60, device=device)
    rates = (0.03, 0.1, 30.0) if optimizer == "sgd" else (0.003, 0.03, 1e6)
    if taken(setup, engine):
        found = check_learned(engine, setup, Grid(rates, (0, 1, 7)), NETWORK)
        assert found.map.diverged.tolist() == [[False] * 3] * 2 + [[True] * 3]
        assert (found.map.epochs_to[0, :2] != CENSORED).any()


@pytest.mark.slow
@pytest.mark.parametrize(("model", "problem"), [("torch", SEVERAL), ("mlp", "sine")])
def test_a_grid_on_mini_batches_is_learnt_as_by_the_loop(engine: Engine, model: str, problem: str) -> None:
    setup = Setup(problem, model, epochs=6).but(batch=48)
    if taken(setup, engine):
        check_learned(engine, setup, Grid((0.01, 0.05), (0, 1, 7)), NETWORK)


# What is refused


@pytest.mark.parametrize(
    ("model", "more", "reason"),
    [
        ("mlp", {}, "is of linear models: a network's loss is no quadratic; use --engine loop"),
        ("torch", {"loss": "l1"}, "is of squared loss, not l1: add --loss mse"),
        ("torch", {"batch": 32}, "is of full batches, not of 32 of 398 rows: drop --batch"),
        ("torch", {"dtype": "float32"}, "is exact in float64, not in float32: drop --dtype"),
        ("torch", {"device": "cuda"}, "runs on the CPU: add --device cpu"),
        ("torch", {"implementation": "fused"}, "has no torch optimizer, and so no implementation of one"),
        ("torch", {"loss_on_device": True}, "fetches no losses: drop --loss-on-device"),
    ],
)
def test_the_oracle_says_what_it_is_not_of(model: str, more: dict[str, Any], reason: str) -> None:
    record = measure(Setup(model=model).case("oracle", **more)).record
    assert record.status is Status.UNSUPPORTED
    assert record.message.startswith(f"the engine oracle {reason}")


@pytest.mark.parametrize("more", [{"implementation": "forloop"}, {"loss_on_device": True}], ids=str)
def test_what_only_torch_s_optimizers_and_the_loop_have_is_refused(engine: Engine, more: dict[str, Any]) -> None:
    setup = Setup(epochs=5)
    reason = engine.unsupported(setup.training(engine.name, **more))
    assert reason is not None
    if engine.unsupported(setup.training(engine.name)) is None:
        assert f"drop --{next(iter(more)).replace('_', '-')}" in reason


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "words", "said"),
    [
        ("loop", ("--lr", "0"), "lr is a positive, finite number, not 0"),
        ("batched", ("--lr", "-1"), "lr is a positive, finite number, not -1"),
        ("graphed", ("--lr", "nan"), "lr is a positive, finite number, not nan"),
        ("oracle", ("--lr", "inf"), "lr is a positive, finite number, not inf"),
        ("jax", ("--epochs", "0"), "epochs is at least 1, not 0"),
        ("loop", ("--weight-decay", "-1"), "weight_decay is a finite number of at least 0, not -1"),
        ("batched", ("--nesterov",), "nesterov needs a momentum above 0: add --momentum 0.9"),
        ("oracle", ("--implementation", "for"), "unknown implementation 'for'"),
    ],
    ids=str,
)
@pytest.mark.parametrize("command", [("run", "--problem", "auto_mpg", "--solver"), ("fit", "auto_mpg")], ids=str)
def test_bad_input_is_one_line_and_exit_code_2(
    run_cli: RunCli, command: tuple[str, ...], name: str, words: tuple[str, ...], said: str
) -> None:
    """Before any engine is asked: each is named by one of them."""
    ended = run_cli(*command, "torch_sgd", "--engine", name, *words)
    assert (ended.code, ended.stdout) == (2, "")
    assert re.fullmatch(rf"harness: {re.escape(said)}.*\n", ended.stderr)


def test_an_unknown_engine_is_refused_with_the_nearest_one(run_cli: RunCli) -> None:
    ended = run_cli("fit", "auto_mpg", "torch_sgd", "--engine", "bathced")
    assert (ended.code, ended.stderr.count("\n")) == (2, 1)
    assert "'bathced'" in ended.stderr
    assert "'batched'" in ended.stderr


# What a person sees


@pytest.mark.slow
@pytest.mark.parametrize("name", ENGINES)
def test_the_record_and_the_table_name_the_engine(run_cli: RunCli, name: str) -> None:
    words = ("run", "--problem", "auto_mpg", "--solver", "torch_sgd", "--engine", name, "--device", "cpu", "--lr", 0.1)
    table = run_cli(*words, "--epochs", 30, "--store", "a.sqlite").stdout
    store = Store("a.sqlite", create=False)
    (record,) = store.records(store.run().id)
    assert record.options["engine"] == name
    assert f"engine={name}" in record.case
    assert ("torch_sgd [" in table) == (name != "loop")
    assert name == "loop" or f"torch_sgd [{name}]" in table


def test_the_oracle_is_recorded_in_the_dtype_that_it_works_in() -> None:
    case = single(load("auto_mpg"), get("torch_sgd"), Options(engine="oracle"))
    assert case.options.dtype == "float64"
    assert "dtype=float64" in case.key
    assert single(load("auto_mpg"), get("torch_sgd"), Options(engine="batched")).options.dtype == "float32"


def test_an_engine_goes_to_the_solvers_that_take_one(run_cli: RunCli) -> None:
    cases = plan(Request(problems=("four_points",), device="cpu", options=Options(engine="batched")))
    engines = {case.solver.name: case.options.engine for case in cases}
    assert (engines["torch_adam"], engines["numpy_lstsq"]) == ("batched", None)
    refused = run_cli("run", "--problem", "four_points", "--solver", "mean", "--loss-on-device")
    assert refused.code == 2
    assert refused.stderr.count("\n") == 1
    assert "mean takes no loss_on_device" in refused.stderr
    assert "drop --loss-on-device" in refused.stderr


@pytest.mark.slow
def test_a_run_says_where_a_batch_was_all_rows(run_cli: RunCli) -> None:
    words = ("run", "--problem", "four_points", "--solver", "torch_sgd", "--engine", "batched", "--device", "cpu")
    table = run_cli(*words, "--lr", 0.01, "--lr", 0.02, "--epochs", 5, "--batch", 10).stdout
    assert table.count("full batch four_points: batch 10 is more than its 4 training rows\n") == 1
    assert "full batch" not in run_cli(*words, "--lr", 0.01, "--epochs", 5, "--batch", 4).stdout


def test_a_call_of_many_epochs_is_shown_by_the_epoch() -> None:
    from rich.console import Console

    from harness.report.render.terminal import print_document
    from harness.report.words.case import in_full
    from harness.timing.sampling import Samples

    record = measure(Setup(epochs=5).case("batched")).record
    assert record.epochs_per_call == 64
    console = Console(width=200)
    with console.capture() as capture:
        print_document(
            console, in_full(record.model_copy(update={"samples": Samples((6.4,) * 3, (3.2,) * 3)}), "title")
        )
    page = capture.get()
    assert "title, engine batched" in page
    assert "one epoch: 100 ms wall" in page
    assert "50.0 ms CPU" in page
    assert "64 epochs each" in page


# The loop's own options, against a loop written by hand


def by_hand(setup: Setup, kind: type[torch.optim.Optimizer], **settings: Any) -> list[float]:
    """Losses (E,) of what a tutorial would write."""
    training = setup.training("loop")
    X, y = training.tensors("train")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        model = torch.nn.Linear(X.shape[1], 1)
    optimizer, losses = kind(model.parameters(), **settings), []
    for _ in range(setup.epochs):
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(model(X), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


@pytest.mark.slow
@pytest.mark.parametrize(
    ("optimizer", "more", "settings"),
    [
        ("sgd", {}, {}),
        ("momentum", {"implementation": "forloop"}, {"foreach": False, "fused": False}),
        ("nesterov", {"implementation": "foreach"}, {"foreach": True, "fused": False}),
        ("sgd", {"implementation": "fused"}, {"foreach": False, "fused": True}),
        ("adam", {"implementation": "fused"}, {"foreach": False, "fused": True}),
        ("adamw", {"weight_decay": 0.1}, {"weight_decay": 0.1}),
        ("adam", {"loss_on_device": True}, {}),
    ],
    ids=str,
)
def test_an_option_of_the_loop_is_torch_s(optimizer: str, more: dict[str, Any], settings: dict[str, Any]) -> None:
    """In float32; each setting and implementation of every optimizer, in float64, is in test_optimizers.py."""
    setup = Setup(SEVERAL, optimizer=optimizer, dtype="float32", epochs=60).but(**more)
    trace = looped(setup).trace
    assert trace is not None
    expected = by_hand(setup, TORCH_S[optimizer], **OPTIMIZERS[optimizer][1], **settings)
    np.testing.assert_array_equal(trace.train_loss, expected)
    defaults = loop_of(setup.training("loop")).optimizer.defaults
    assert {name: defaults[name] for name in settings} == settings


@pytest.mark.parametrize("batch", [None, 48])
def test_a_loss_that_stays_on_the_device_is_the_same_loss(batch: int | None) -> None:
    setup = Setup(SEVERAL, epochs=5).but(batch=batch)
    kept, fetched = (loop_of(setup.training("loop", loss_on_device=there)) for there in (True, False))
    for _ in range(3):
        there, here = kept.epoch(), fetched.epoch()
        assert isinstance(there, torch.Tensor)
        assert isinstance(here, float)
        assert float(there) == pytest.approx(here, rel=DOUBLE)
