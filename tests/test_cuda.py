"""What needs a CUDA device: the same properties there, the clock, and the memory of the device."""

from typing import Any

import numpy as np
import pytest
import torch

from harness.measure.plan import Request, plan, single
from harness.measure.run import measure, measure_alone
from harness.problems.catalog import load
from harness.records.environment import environment
from harness.records.run import exit_code
from harness.solvers.catalog import ALL, get
from harness.solvers.options import Options
from harness.solvers.solver import Kind, Solver
from harness.solvers.status import Status
from harness.solvers.training.engines import ENGINES
from harness.solvers.training.graphed.capture import cuda_graph
from harness.solvers.training.graphed.replays import Replays
from harness.solvers.training.graphed.steps import STEPS_PER_GRAPH, Steps
from harness.solvers.training.loop_engine import loop_of, run_path
from harness.solvers.training.oracle.quadratic import Quadratic
from harness.solvers.training.torch_trained import TorchTrained
from harness.solvers.training.training import Aim, Grid, Training
from harness.timing.device import synchronizer
from harness.timing.sampling import Effort

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine"),
]

ON_CUDA = [solver for solver in ALL if "cuda" in solver.devices]


@pytest.mark.parametrize("solver", ON_CUDA, ids=lambda solver: solver.name)
def test_a_solver_gives_on_cuda_what_it_gives_on_the_cpu(solver: Solver) -> None:
    problem = load("sine" if solver.kind is Kind.CURVE else "synthetic:n=500,p=4")
    short = {"epochs": 50, "lr": 0.05, "dtype": "float64"} if "epochs" in solver.takes else {}
    fits = [measure(single(problem, solver, Options(device=d, **short))).fit for d in ("cpu", "cuda")]  # type: ignore[arg-type]
    assert fits[0] is not None
    assert fits[1] is not None
    # float64 on both, summed in another order: half of the digits; not yet run on a device
    np.testing.assert_allclose(fits[1].predict(problem.X), fits[0].predict(problem.X), rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("solver", ON_CUDA, ids=lambda solver: solver.name)
def test_a_case_on_cuda_is_timed_and_its_device_memory_known(solver: Solver) -> None:
    problem = load("synthetic:n=20000,p=20")
    short = {"epochs": 3} if "epochs" in solver.takes else {}
    record = measure_alone(
        single(problem, solver, Options(device="cuda", **short)),  # type: ignore[arg-type]
        effort=Effort(min_calls=3, max_calls=3),
    ).record
    assert record.status.measured, record.message
    assert len(record.samples.wall_s) == 3
    assert record.device_peak_bytes is not None
    assert record.device_peak_bytes > 0


def test_the_clock_waits_for_the_device() -> None:
    """A product that takes milliseconds must not be timed as the microseconds of its launch."""
    A = torch.randn(8192, 8192, device="cuda")
    synchronize = synchronizer("cuda")
    torch.mm(A, A)
    synchronize()
    start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    start.record()
    torch.mm(A, A)
    end.record()
    synchronize()
    assert end.query()
    assert start.elapsed_time(end) > 0


def test_auto_runs_both_devices_and_the_environment_names_the_gpu() -> None:
    cases = plan(Request(problems=("four_points",), solvers=("torch_gels",)))
    assert [case.options.device for case in cases] == ["cpu", "cuda"]
    assert exit_code([measure(case).record for case in cases]) == 0
    assert environment().gpu == torch.cuda.get_device_name()


def test_a_problem_too_large_for_the_device_is_a_row() -> None:
    before, total = torch.cuda.mem_get_info()
    torch.cuda.set_per_process_memory_fraction(64 * 2**20 / total)
    try:
        record = measure(single(load("synthetic:n=1000000,p=20"), get("torch_gels"), Options(device="cuda"))).record
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert before > 0
    assert record.status is Status.OUT_OF_MEMORY


def training_of(problem: str, solver: str, **said: Any) -> Training:
    """What the solver hands to an engine, on the device."""
    found = get(solver)
    assert isinstance(found, TorchTrained)
    asked = Options(**{"device": "cuda", "loss": "mse", "dtype": "float64", "lr": 0.01, **said})
    return found.training(load(problem), single(load(problem), found, asked).options)


@pytest.mark.parametrize(("dtype", "atol"), [("float64", 1e-12), ("float32", 1e-6)])
@pytest.mark.parametrize(
    ("solver", "said"),
    [
        ("torch_sgd", {}),
        ("torch_sgd", {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
        ("torch_sgd", {"momentum": 0.9, "implementation": "fused"}),
        ("torch_adam", {}),
        ("torch_adam", {"implementation": "forloop"}),
        ("torch_adam", {"implementation": "fused"}),
        ("torch_adamw", {"weight_decay": 0.1}),
    ],
    ids=str,
)
def test_a_captured_graph_s_steps_are_the_loop_s(solver: str, said: dict[str, Any], dtype: str, atol: float) -> None:
    """Over more than one block, and an end that is none of a graph's."""
    training = training_of("synthetic:n=200,p=5,noise=0.5", solver, dtype=dtype, epochs=221, **said)
    replays = Replays(training, cuda_graph, every=True)
    for seed in (0, 1):
        blocks = list(replays.blocks(0.01, seed, 0, training.epochs))
        kept = [block.parameters[bool(i) :, 0] for i, block in enumerate(blocks) if block.parameters is not None]
        alone = run_path(training.of(0.01, seed), loop_of(training.of(0.01, seed)), every=True)
        np.testing.assert_allclose(np.concatenate(kept), alone.parameters, rtol=0, atol=atol)
        losses = np.concatenate([block.loss[:, 0] for block in blocks])
        np.testing.assert_allclose(losses, alone.loss, rtol=atol, atol=atol)


@pytest.mark.parametrize("solver", ["mlp_sgd", "mlp_adam"])
def test_a_replay_repeats_itself_to_the_last_bit(solver: str) -> None:
    steps = Steps(training_of("sine", solver, dtype="float32"), every=True)
    graph, found = cuda_graph(steps), []
    for _ in range(2):
        steps.reset(0.01, 3)
        for _ in range(3):
            graph.replay()
        assert steps.path is not None
        found.append((steps.losses.cpu(), steps.path.cpu()))
    assert torch.equal(found[0][0], found[1][0])
    assert torch.equal(found[0][1], found[1][1])


@pytest.mark.parametrize("solver", ["torch_sgd", "torch_adam", "mlp_adam"])
def test_a_graphed_grid_ends_as_the_loop_s_does(solver: str) -> None:
    """Another rate is another recording for SGD and a number in memory for Adam; one rate diverges."""
    training = training_of("sine", solver, epochs=60, scale="standardized")
    quadratic = Quadratic.of(*training.arrays("train"))
    aim = Aim(quadratic.best_loss, quadratic.loss_scale, quadratic if training.is_linear else None)
    grid = Grid((1e6, 0.03, 0.1), (0, 1))
    found, expected = (ENGINES[name].learn(training, grid, aim, lambda _done: None) for name in ("graphed", "loop"))
    assert expected.map.diverged[0].all()
    np.testing.assert_array_equal(found.map.diverged, expected.map.diverged)
    np.testing.assert_array_equal(found.map.epochs_run, expected.map.epochs_run)
    # As in tests/test_jax_engine.py: errors grow as a divergence does.
    np.testing.assert_allclose(found.loss, expected.loss, rtol=1e-7)


def test_the_capture_is_recorded_apart_and_belongs_to_the_preparation() -> None:
    case = single(load("auto_mpg"), get("torch_adam"), Options(device="cuda", engine="graphed", epochs=100))
    record = measure_alone(case, effort=Effort(min_calls=3, max_calls=3)).record
    assert record.status.measured, record.message
    assert record.epochs_per_call == STEPS_PER_GRAPH
    assert record.capture_s is not None
    assert record.prepare_s is not None
    assert 0 < record.capture_s < record.prepare_s


def test_jax_on_cuda_gives_the_loop_s_losses() -> None:
    training = training_of("sine", "mlp_sgd", epochs=50)
    reason = ENGINES["jax"].unsupported(training)
    if reason:
        pytest.skip(reason)
    found, expected = (ENGINES[name].prepare(training).fit().trace for name in ("jax", "loop"))
    assert found is not None
    assert expected is not None
    np.testing.assert_allclose(found.train_loss, expected.train_loss, rtol=1e-10)
