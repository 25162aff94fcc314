"""The engine `graphed`: everything but the capture itself, with steps that are called where a graph is replayed."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
import pytest
import torch

from harness.measure.plan import single
from harness.problems.catalog import load
from harness.problems.problem import Floats
from harness.solvers.catalog import get
from harness.solvers.options import Options
from harness.solvers.status import Status
from harness.solvers.training.engines import ENGINES
from harness.solvers.training.graphed.capture import cuda_graph
from harness.solvers.training.graphed.engine import GraphedEngine
from harness.solvers.training.graphed.replays import REPLAYS, Replays
from harness.solvers.training.graphed.steps import STEPS_PER_GRAPH, WARM_UP_STEPS, Steps
from harness.solvers.training.loop_engine import loop_of, run_path
from harness.solvers.training.oracle.quadratic import Quadratic
from harness.solvers.training.torch_trained import TorchTrained
from harness.solvers.training.training import Aim, Grid, Training

SINGLE, DOUBLE, NETWORK = 1e-6, 1e-12, 1e-10
"""As in tests/test_batched.py: the capturable optimizers are the loop's, evaluated in another order."""
SEVERAL = "synthetic:n=200,p=5,noise=0.5"
BLOCK = STEPS_PER_GRAPH * REPLAYS

pytestmark = pytest.mark.usefixtures("one_thread")


@dataclass
class Called:
    """In a graph's place: the steps, warmed up as a capture warms them up, and run whenever they are replayed."""

    steps: Steps
    replays: int = 0

    def __post_init__(self) -> None:
        self.steps.warm_up()
        self.steps.settle()

    def replay(self) -> None:
        self.replays += 1
        self.steps.run()


class Recordings:
    """A recorder that counts, and forgets nothing."""

    def __init__(self) -> None:
        self.made: list[Called] = []

    def __call__(self, steps: Steps) -> Called:
        self.made.append(Called(steps))
        return self.made[-1]


@pytest.fixture(autouse=True)
def capturable_on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """torch refuses capturable optimizers on the CPU, where their arithmetic is the same."""
    for module in map(import_module, ("torch.optim.adam", "torch.optim.adamw")):
        if hasattr(module, "_get_capturable_supported_devices"):
            monkeypatch.setattr(module, "_get_capturable_supported_devices", lambda *_args, **_said: ["cpu"])


def training_of(problem: str = "auto_mpg", solver: str = "torch_sgd", **said: Any) -> Training:
    """What the solver hands to an engine."""
    found = get(solver)
    assert isinstance(found, TorchTrained)
    asked = Options(**{"scale": "standardized", "loss": "mse", "dtype": "float64", "lr": 0.01, **said})
    return found.training(load(problem), single(load(problem), found, asked).options)


def replayed(training: Training, replays: Replays, lr: float, seed: int) -> tuple[Floats, Floats]:
    """Losses (E,) and parameters (E + 1, P) of a training that does not diverge."""
    blocks = list(replays.blocks(lr, seed, 0, training.epochs))
    kept = [block.parameters[bool(i) :, 0] for i, block in enumerate(blocks) if block.parameters is not None]
    return np.concatenate([block.loss[:, 0] for block in blocks]), np.concatenate(kept)


def check(training: Training, atol: float) -> int:
    """Two seeds at a rate, and another rate, against the loop: how many recordings they needed."""
    recordings, replays = Recordings(), None
    for lr, seed in ((0.01, 0), (0.01, 1), (0.03, 1)):
        one = training.of(lr, seed)
        if replays is None or not replays.steps.takes(lr):
            replays = Replays(one, recordings, every=True)
        loss, parameters = replayed(one, replays, lr, seed)
        alone = run_path(one, loop_of(one), every=True)
        np.testing.assert_allclose(parameters, alone.parameters, rtol=0, atol=atol)
        np.testing.assert_allclose(loss, alone.loss, rtol=atol, atol=atol)
    return len(recordings.made)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("solver", "said", "recordings"),
    [
        ("torch_sgd", {}, 2),
        ("torch_sgd", {"momentum": 0.9, "implementation": "fused", "dtype": "float32"}, 2),
        ("torch_sgd", {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1}, 2),
        ("torch_adam", {}, 1),
        ("torch_adam", {"dtype": "float32"}, 1),  # its count of steps is another dtype there
        ("torch_adam", {"implementation": "foreach", "weight_decay": 0.1}, 1),
        ("torch_adam", {"implementation": "fused"}, 2),
        ("torch_adamw", {"dtype": "float32"}, 1),
    ],
    ids=str,
)
def test_replayed_steps_are_the_loop_s(solver: str, said: dict[str, Any], recordings: int) -> None:
    """One recording does for all rates where the rate is a tensor; the others are recorded once a rate."""
    atol = SINGLE if said.get("dtype") == "float32" else DOUBLE
    assert check(training_of(SEVERAL, solver, epochs=2 * STEPS_PER_GRAPH + 1, **said), atol) == recordings


@pytest.mark.slow
@pytest.mark.parametrize(("solver", "loss"), [("mlp_sgd", "l1"), ("mlp_adam", "mse")])
def test_networks_are_the_loop_s(solver: str, loss: str) -> None:
    check(training_of("sine", solver, loss=loss, epochs=50), NETWORK)


@pytest.mark.slow
@pytest.mark.parametrize("epochs", [1, STEPS_PER_GRAPH, BLOCK, BLOCK + 1])
def test_steps_past_the_epochs_asked_for_are_not_seen(epochs: int) -> None:
    """One graph and a step more is above; where the lengths are not the loop's, they cannot be compared."""
    check(training_of(epochs=epochs), DOUBLE)


@pytest.mark.parametrize(
    ("solver", "said"),
    [
        ("torch_adam", {}),
        ("torch_adam", {"implementation": "fused"}),
        ("torch_sgd", {"momentum": 0.9}),
        ("mlp_adam", {}),
    ],
    ids=str,
)
def test_no_memory_moves_once_it_is_recorded(solver: str, said: dict[str, Any]) -> None:
    """A graph repeats what it did at the addresses where it did it; gradients are the graph's own business."""
    steps = Steps(training_of("sine", solver, **said), every=True)
    steps.warm_up()
    steps.settle()

    def addresses() -> list[int]:
        state = [value for one in steps.optimizer.state.values() for value in one.values()]
        rate = [] if steps.rate is None else [steps.rate]
        assert steps.path is not None
        static = [steps.X, steps.y, steps.losses, steps.path, *steps.parameters, *rate, *state]
        return [one.data_ptr() for one in static]

    before = addresses()
    steps.run()
    assert addresses() == before
    steps.reset(0.01, 5)
    steps.run()
    assert addresses() == before


@pytest.mark.slow
@pytest.mark.parametrize("solver", ["torch_sgd", "torch_adamw", "mlp_adam"])
def test_a_training_does_not_depend_on_what_was_replayed_before(solver: str) -> None:
    """Not even on a training that ended in NaN: weights, moments and counts start anew."""
    said = {"momentum": 0.9} if solver == "torch_sgd" else {}
    training = training_of("sine", solver, epochs=45, **said)
    replays = Replays(training, Called, every=True)
    first = replayed(training, replays, 0.01, 3)
    replays.steps.parameters[0].data.fill_(torch.nan)
    replays.recorded.replay()
    assert replays.steps.losses.isnan().all()
    again = replayed(training, replays, 0.01, 3)
    np.testing.assert_array_equal(again[0], first[0])
    np.testing.assert_array_equal(again[1], first[1])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("training", "rates"),
    [
        (training_of(SEVERAL, epochs=250), (50.0, 0.1)),
        (training_of(SEVERAL, "torch_adam", epochs=60), (1e6, 0.05)),
        (training_of("sine", "mlp_sgd", epochs=60), (30.0, 0.05)),
    ],
    ids=["sgd", "adam", "network"],
)
def test_a_grid_ends_as_the_loop_s_does(training: Training, rates: tuple[float, ...]) -> None:
    quadratic = Quadratic.of(*training.arrays("train"))
    aim = Aim(quadratic.best_loss, quadratic.loss_scale, quadratic if training.is_linear else None)
    grid, told, recordings = Grid(rates, (0, 1)), list[int](), Recordings()
    here = GraphedEngine(recordings).learn(training, grid, aim, told.append)
    there = ENGINES["loop"].learn(training, grid, aim, lambda _done: None)
    np.testing.assert_array_equal(here.map.diverged, there.map.diverged)
    np.testing.assert_array_equal(here.map.diverged.all(axis=1), [True, False])
    np.testing.assert_array_equal(here.map.epochs_run, there.map.epochs_run)
    np.testing.assert_array_equal(here.map.epochs_to, there.map.epochs_to)
    np.testing.assert_allclose(here.excess, there.excess, rtol=1e-7, atol=DOUBLE)  # errors grow as a divergence does
    np.testing.assert_allclose(here.loss, there.loss, rtol=1e-7)
    assert told == [training.epochs * done for done in (1, 2, 3, 4)]
    assert len(recordings.made) == (1 if training.optimizer == "adam" else 2)


def test_the_capture_is_the_preparation_s_and_a_run_is_one_replay() -> None:
    recordings = Recordings()
    prepared = GraphedEngine(recordings).prepare(training_of(epochs=50))
    assert (prepared.unit, prepared.epochs_per_call) == ("epoch", STEPS_PER_GRAPH)
    assert prepared.capture_s is not None
    assert prepared.capture_s > 0
    assert [one.replays for one in recordings.made] == [0]
    prepared.run()
    prepared.run()
    assert [one.replays for one in recordings.made] == [2]


@pytest.mark.slow
@pytest.mark.parametrize(("solver", "lr"), [("torch_adam", 0.01), ("torch_adam", 1e5), ("mlp_sgd", 1e5)])
def test_one_training_hands_out_the_loop_s_fit(solver: str, lr: float) -> None:
    training = training_of("sine", solver, epochs=100, lr=lr)
    found, expected = (engine.prepare(training).fit() for engine in (GraphedEngine(Called), ENGINES["loop"]))
    assert found.status is expected.status
    assert (found.status is Status.DIVERGED) == (lr > 1)
    assert found.message == expected.message
    assert found.trace is not None
    assert expected.trace is not None
    np.testing.assert_allclose(found.trace.train_loss, expected.trace.train_loss, rtol=1e-9)
    X = training.problem.X
    np.testing.assert_allclose(found.predict(X), expected.predict(X), rtol=1e-8, atol=1e-8)


@pytest.mark.slow
def test_a_large_network_keeps_fewer_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    training = training_of("sine", "mlp_sgd", epochs=30)
    size = sum(one.numel() for one in training.build().parameters())
    monkeypatch.setattr("harness.solvers.training.graphed.steps.BUFFER_NUMBERS", 7 * size)
    assert Steps(training, every=True).count == 7
    assert Steps(training, every=False).count == STEPS_PER_GRAPH
    check(training, NETWORK)


def test_counts_are_double_after_the_first_step() -> None:
    """What the loop's optimizer computes on the host in float64: at t = 1, 1 - 0.999 has three digits of float32."""
    steps = Steps(training_of("sine", "torch_adam", dtype="float32"), every=False)
    steps.warm_up()
    counts = [state["step"] for state in steps.optimizer.state.values()]
    assert {(count.dtype, float(count)) for count in counts} == {(torch.float64, 1.0 + WARM_UP_STEPS)}


@pytest.mark.slow
def test_the_process_s_random_numbers_are_left_alone() -> None:
    torch.manual_seed(9)
    expected = torch.rand(2)
    torch.manual_seed(9)
    GraphedEngine(Called).prepare(training_of("sine", "mlp_adam", epochs=5)).fit()
    assert torch.equal(torch.rand(2), expected)


@pytest.mark.parametrize(
    ("said", "device_there", "reason"),
    [
        ({}, True, "a CUDA graph needs --device cuda"),
        ({"device": "cuda"}, False, "torch is"),
        ({"device": "cuda", "batch": 32}, True, "mini-batches of 32 are drawn anew each epoch"),
    ],
    ids=str,
)
def test_what_cannot_be_captured_is_refused_with_its_reason(
    said: dict[str, Any], device_there: bool, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: device_there)
    assert reason in (GraphedEngine().unsupported(training_of(**said)) or "")
    everything = training_of(**{**said, "device": "cuda", "batch": None})
    assert (GraphedEngine().unsupported(everything) is None) == device_there


def test_a_capture_minds_its_own_thread_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another thread that asks CUDA for memory meanwhile, as jax's do, must not end it."""
    modes: list[str] = []

    def graph(_graph: object, *, capture_error_mode: str = "global") -> AbstractContextManager[None]:
        modes.append(capture_error_mode)
        return nullcontext()

    class Stream:
        def wait_stream(self, _other: object) -> None: ...

    for name, stand_in in {
        "device": nullcontext,
        "Stream": Stream,
        "current_stream": Stream,
        "stream": nullcontext,
        "CUDAGraph": object,
        "graph": graph,
    }.items():
        monkeypatch.setattr(torch.cuda, name, stand_in)
    steps = Steps(training_of("sine", "torch_sgd", epochs=5), every=False)
    cuda_graph(steps)
    assert modes == ["thread_local"]
    assert torch.isfinite(steps.losses).all()


def test_no_device_s_generator_is_seeded(monkeypatch: pytest.MonkeyPatch) -> None:
    """torch.manual_seed seeds them all; the weights are the ones that it gives."""

    def seeded_all(_seed: int) -> None:
        raise AssertionError("a device's generator was seeded, and nobody puts it back")

    training = training_of("sine", "mlp_adam", epochs=5)
    torch.manual_seed(3)
    expected = torch.cat([one.detach().flatten() for one in training.build().parameters()]).double().numpy()
    monkeypatch.setattr(torch.cuda, "manual_seed_all", seeded_all)
    monkeypatch.setattr(torch, "manual_seed", seeded_all)
    np.testing.assert_array_equal(training.initial_parameters([3])[0], expected)
    GraphedEngine(Called).prepare(training).fit()
