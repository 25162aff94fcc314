"""What needs a CUDA device: the same properties there, the clock, the memory, workers and sweeps on the device."""

import json
import math
from contextlib import closing
from typing import Any

import numpy as np
import pytest
import torch

from harness.measure.isolation.isolated import Isolated
from harness.measure.plan import Case, Request, plan, single
from harness.measure.run import measure, measure_alone
from harness.problems.catalog import load
from harness.records.environment import environment
from harness.records.run import exit_code
from harness.solvers.catalog import ALL, get
from harness.solvers.options import Options
from harness.solvers.solver import Kind, Solver
from harness.solvers.status import Status
from harness.solvers.streaming import Arrays, least_squares
from harness.solvers.training.engines import ENGINES
from harness.solvers.training.graphed.capture import cuda_graph
from harness.solvers.training.graphed.replays import Replays
from harness.solvers.training.graphed.steps import STEPS_PER_GRAPH, Steps
from harness.solvers.training.loop_engine import loop_of, run_path
from harness.solvers.training.oracle.quadratic import Quadratic
from harness.solvers.training.torch_trained import TorchTrained
from harness.solvers.training.training import Aim, Grid, Training
from harness.timing.clock import SystemClock
from harness.timing.device import synchronizer
from harness.timing.sampling import Effort, Work, sample_interleaved
from tests.conftest import RunCli
from tools.device_check.faults import INDEX_OUT_OF_RANGE, MODULE, TOO_LARGE

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
    """Products of 50 ms by the device's own clock are not timed as the microseconds of their launches."""
    A = torch.randn(4096, 4096, device="cuda")
    events = [torch.cuda.Event(enable_timing=True) for _ in range(2)]

    def device_s(products: int) -> float:
        """Seconds by events on the device, which this waits for by itself."""
        multiply(products)
        events[1].synchronize()
        return float(events[0].elapsed_time(events[1])) / 1e3

    def multiply(products: int) -> None:
        events[0].record()
        for _ in range(products):
            torch.mm(A, A)
        events[1].record()

    device_s(20)  # the clock of an idle device is low
    products = math.ceil(0.05 / (device_s(20) / 20))
    work = Work(lambda: multiply(products), synchronizer("cuda"))
    (sampled,) = sample_interleaved([work], SystemClock(), Effort(warm_up_calls=1, min_calls=3, max_calls=3))
    events[1].synchronize()
    last_s = float(events[0].elapsed_time(events[1])) / 1e3
    assert last_s > 0.02
    # Without waiting the launches alone would be timed: some hundred of them, 5 us each.
    assert sampled.wall_s[-1] >= 0.95 * last_s


def test_a_clock_that_does_not_wait_would_time_the_launches() -> None:
    """The control of the test above: what it must tell apart is apart."""
    A = torch.randn(8192, 8192, device="cuda")
    torch.mm(A, A)
    torch.cuda.synchronize()
    (waiting, hasty) = (
        sample_interleaved([Work(lambda: torch.mm(A, A), wait)], SystemClock(), Effort(min_calls=3, max_calls=3))[0]
        for wait in (synchronizer("cuda"), lambda: None)
    )
    torch.cuda.synchronize()
    assert min(waiting.wall_s) > 3 * min(hasty.wall_s)


def test_auto_runs_both_devices_and_the_environment_names_the_gpu() -> None:
    cases = plan(Request(problems=("four_points",), solvers=("torch_gels",)))
    assert [case.options.device for case in cases] == ["cpu", "cuda"]
    assert exit_code([measure(case).record for case in cases]) == 0
    assert environment().gpu == torch.cuda.get_device_name()


def test_a_problem_too_large_for_the_device_is_a_row() -> None:
    """160 MB where the process may have 64 MiB more than it holds; what is cached is given back before."""
    torch.cuda.empty_cache()
    total = torch.cuda.mem_get_info()[1]
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + 64 * 2**20) / total)
    try:
        record = measure(single(load("synthetic:n=1000000,p=20"), get("torch_gels"), Options(device="cuda"))).record
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert record.status is Status.OUT_OF_MEMORY
    roomy = measure(single(load("synthetic:n=1000000,p=20"), get("torch_gels"), Options(device="cuda"))).record
    assert roomy.status is Status.OK, roomy.message


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


# Workers on a device: the default path


FEW = Effort(min_calls=3, max_calls=3)


def case_of(solver: Solver, device: str = "cuda", problem: str = "synthetic:n=2000,p=4") -> Case:
    return Case(load(problem), solver, Options(device=device, dtype="float64"))


def test_a_worker_measures_on_both_devices_and_says_what_it_cost() -> None:
    solver = get("normal_equations_torch")
    with closing(Isolated()) as place:
        for device in ("cpu", "cuda", "cuda"):
            place.fit(case_of(solver, device))
        cpu, *on_cuda = place.time(FEW)
    assert [len(record.samples.wall_s) for record in (cpu, *on_cuda)] == [3] * 3
    assert (cpu.device_start_s, cpu.device_peak_bytes) == (None, None)
    for record in on_cuda:
        assert record.status is Status.OK, record.message
        assert record.device_start_s is not None
        assert record.device_peak_bytes is not None
        assert record.device_held_bytes is not None
    # The workspace of the first product is no case's: the second has the peak of the first.
    assert on_cuda[0].device_peak_bytes == on_cuda[1].device_peak_bytes


def test_a_device_that_is_lost_costs_the_one_case() -> None:
    with closing(Isolated(solvers=MODULE)) as place:
        good = get("normal_equations_torch")
        for solver, device in ((good, "cpu"), (good, "cuda"), (INDEX_OUT_OF_RANGE, "cuda"), (good, "cuda")):
            place.fit(case_of(solver, device))
        records = place.time(FEW)
    assert [record.status for record in records] == [Status.OK, Status.OK, Status.ERROR, Status.OK]
    assert [len(record.samples.wall_s) for record in records] == [3, 3, 0, 3]


def test_more_memory_than_there_is_is_out_of_memory_in_a_worker() -> None:
    with closing(Isolated(solvers=MODULE)) as place:
        record, after = place.fit(case_of(TOO_LARGE)), place.fit(case_of(get("normal_equations_torch")))
    assert record.status is Status.OUT_OF_MEMORY, record.message
    assert after.status is Status.OK, after.message


# Sweeps


@pytest.mark.parametrize("engine", ["loop", "batched", "graphed"])
def test_a_sweep_on_the_device_ends_as_on_the_cpu(engine: str, run_cli: RunCli) -> None:
    words = (
        "--problem",
        "sine",
        "--optimizer",
        "adam",
        "--model",
        "linear",
        "--lr",
        "0.03",
        "--lr",
        "0.1",
        "--seeds",
        "2",
    )
    found = {}
    for device, by in (("cuda", engine), ("cpu", "loop")):
        ended = run_cli(
            "sweep", *words, "--epochs", 300, "--dtype", "float64", "--device", device, "--engine", by,
            "--store", f"{device}.sqlite", "--json",
        )  # fmt: skip
        assert ended.code == 0, ended.stderr
        found[device] = json.loads(ended.stdout)
    ends = {device: [(c["lr"], c["status"], c["epochs_to"]) for c in one["cells"]] for device, one in found.items()}
    assert ends["cuda"] == ends["cpu"]


# streaming's paths


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("shift_1e02", "gram"),
        ("synthetic:n=20000,p=4", "gram"),
        ("condition_1e02", "corrected"),
        ("condition_1e08", "error-free"),
    ],
)
def test_each_path_of_streaming_has_its_digits_there(name: str, path: str) -> None:
    problem = load(name)
    X, y = (torch.tensor(part, device="cuda") for part in problem.rows("train"))
    answer, known = least_squares(Arrays(X, y)), least_squares(Arrays(*problem.rows("train")))
    assert answer.path.startswith(path)
    assert known.path.startswith(path)
    # Error-free sums are the same to the last bit; the others differ by what is summed in another order.
    np.testing.assert_allclose(answer.coef, known.coef, rtol=0 if path == "error-free" else 1e-11)


def test_implementations_of_adam_on_cuda_are_compared_and_fused_only_rounds(run_cli: RunCli) -> None:
    words = ("sweep", "--implementations", "--problem", "auto_mpg", "--optimizer", "adam", "--device", "cuda")
    ended = run_cli(*words, "--epochs", 20, "--dtype", "float32", "--json")
    found = {line["implementation"]: line for line in json.loads(ended.stdout)["lines"]}
    # not yet run on a device: capturable has its count of steps in float32, as differentiable on the CPU, and may part
    assert all(found[name]["steps"] == 20 for name in ("foreach", "fused", "capturable", "differentiable"))
    assert all(found[name]["step"] is None for name in ("foreach", "fused"))
