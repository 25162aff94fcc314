"""A device before it is measured, and what is recorded of it; the CPU and scripts stand in for device and driver."""

import os
import stat
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch

from harness.errors import UsageError
from harness.judge.machine.process_doubts import device_variables as judged_variables
from harness.measure import one_case, prepared
from harness.measure.isolation.keeper import Keeper
from harness.measure.isolation.limits import Limits
from harness.measure.isolation.messages import Answer
from harness.measure.one_case import measure
from harness.measure.plan import Case, Request, single
from harness.measure.prepared import Outcome, import_libraries
from harness.measure.recording import record_of, timed_record
from harness.measure.run import new_run
from harness.measure.turns import clocks_of, time_together
from harness.problems.catalog import load
from harness.records.differences import differences
from harness.records.environment import Environment, environment
from harness.report.html.environment import _machine as machine_rows
from harness.solvers.catalog import get
from harness.solvers.options import Options
from harness.solvers.status import Status
from harness.solvers.training.batched.engine import batch_of
from harness.solvers.training.loop_engine import LoopTraining
from harness.solvers.training.torch_trained import TorchTrained
from harness.store.conditions import Conditions
from harness.timing import device_start
from harness.timing.clock import SystemClock
from harness.timing.conditions.readings import Cpu, Interpreter, Readings
from harness.timing.device import check_device
from harness.timing.device_start import PATIENCE_S, Starts, wait_for
from harness.timing.device_state import clock_hz, device_variables, state_of
from harness.timing.memory import device_requests, peak_memory
from harness.timing.precision import tf32_in_force
from harness.timing.sampling import Effort, Samples, Work, sample_interleaved

FEW = Effort(warm_up_calls=1, calls_per_turn=1, min_calls=3, max_calls=3, budget_s=0)


@dataclass
class Log:
    """What was asked of the stand-in for torch.cuda, in order."""

    asked: list[str] = field(default_factory=list)
    free_bytes: int = 100
    requests: int = 0


@pytest.fixture
def cuda(monkeypatch: pytest.MonkeyPatch) -> Log:
    """One GPU that is the CPU: products, waiting and memory are noted."""
    log, ones, linear = Log(), torch.ones, torch.nn.functional.linear

    def product(*tensors: torch.Tensor) -> torch.Tensor:
        log.asked.append(f"product {tensors[0].dtype}".replace("torch.", ""))
        return linear(*tensors)

    monkeypatch.setattr(torch, "ones", lambda *size, dtype=torch.float32, device="cpu": ones(*size, dtype=dtype))
    monkeypatch.setattr(torch.nn.functional, "linear", product)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device="cuda": f"GPU of {device}")
    monkeypatch.setattr(torch.cuda, "synchronize", lambda _device: log.asked.append("wait"))
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _device: (log.free_bytes, 1000))
    monkeypatch.setattr(torch.cuda, "memory_stats", lambda _device: {"allocation.all.allocated": log.requests})
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda _device: 32)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda _device: 72)
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda _device: log.asked.append("reset peak"))
    monkeypatch.setattr(device_start, "BUSY_SIZE", 8)
    return log


@pytest.fixture
def smi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A driver's tool that knows a field by its name; what it was asked is in the file."""
    asked, script = tmp_path / "asked", tmp_path / "nvidia-smi"
    script.write_text(f"""#!/bin/sh
echo "$@" >> {asked}
case "$2" in
  *=name,driver_version) echo "NVIDIA H200, 570.86.10" ;;
  *=uuid,*) echo "GPU-1f2e, 143771, Disabled, Default, 700.00, 1980" ;;
  *=clocks.sm) echo 1965 ;;
esac
""")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return asked


# Started once, apart from every case


def test_a_device_is_started_once_by_a_product_of_each_dtype(cuda: Log) -> None:
    starts = Starts()
    for _ in range(2):
        starts.start("cuda")
    assert cuda.asked == ["product float32", "product float64", "wait"]
    made = starts.of("cuda")
    assert made is not None
    assert made.seconds > 0
    assert (made.waited_s, starts.free_bytes, starts.news("cuda")) == (0.0, {"cuda": 100}, "")


def test_a_device_without_float64_is_started(cuda: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    ones = torch.ones

    def only_float32(*size: int, dtype: torch.dtype = torch.float32, device: str) -> torch.Tensor:
        if dtype is torch.float64:
            raise TypeError("Cannot convert a MPS Tensor to float64 dtype as the MPS framework doesn't support float64")
        return ones(*size, dtype=dtype)

    monkeypatch.setattr(torch, "ones", only_float32)
    monkeypatch.setattr(torch.accelerator, "synchronize", lambda _device: cuda.asked.append("wait"))
    starts = Starts()
    starts.start("mps")
    assert starts.of("mps") is not None
    assert cuda.asked == ["product float32", "wait"]
    assert starts.free_bytes == {}


def test_the_cpu_and_a_device_that_is_not_there_are_not_started() -> None:
    starts = Starts()
    for device in ("cpu", "cuda:99"):
        starts.start(device)
        starts.keep_busy(device, seconds=60)
        assert starts.of(device) is None


def test_a_device_is_started_where_the_libraries_are_imported(cuda: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    starts = Starts()
    for module in (one_case, prepared):
        monkeypatch.setattr(module, "STARTS", starts)
    import_libraries(Case(load("four_points"), get("torch_gels"), Options(device="cuda", dtype="float64")))
    assert starts.of("cuda") is not None


def test_a_record_has_what_its_process_took_to_start_the_device(cuda: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    starts = Starts()
    for module in (one_case, prepared):
        monkeypatch.setattr(module, "STARTS", starts)
    record = on_the_stand_in(monkeypatch, "normal_equations_torch")
    made = starts.of("cuda")
    assert made is not None
    assert record.status is Status.OK, record.message
    assert record.device_start_s == made.seconds


def on_the_stand_in(monkeypatch: pytest.MonkeyPatch, solver: str, **said: Any) -> Any:
    """The record of a case on CUDA whose tensors are the CPU's."""
    tensor = torch.tensor
    monkeypatch.setattr(torch, "tensor", lambda data, device="cpu", **more: tensor(data, **more))
    monkeypatch.setattr(one_case, "transfer_of", lambda *_: one_case_transfer())
    return measure(single(load("four_points"), get(solver), Options(device="cuda", **said))).record


def one_case_transfer() -> Any:
    from harness.timing.transfer import Transfer

    return Transfer()


# Memory that a killed process still holds


def test_memory_that_comes_back_is_waited_for_and_said() -> None:
    now, free = [0.0], iter([None, 10, 50, 99])

    def ask() -> int:
        found = next(free)
        if found is None:
            raise RuntimeError("CUDA error: out of memory")
        return found

    def sleep(seconds: float) -> None:
        now[0] += seconds

    waited_s, missing = wait_for(ask, 100, lambda: now[0], sleep)
    assert waited_s == pytest.approx(0.3)
    assert missing == 0
    said = device_start.Start(1.0, 99, waited_s, missing).note("cuda")
    assert "0.3 s for the memory of cuda" in said


def test_memory_that_does_not_come_back_is_not_waited_for_for_ever() -> None:
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    waited_s, missing = wait_for(lambda: 40 * 2**20, 100 * 2**20, lambda: now[0], sleep)
    assert PATIENCE_S <= waited_s < PATIENCE_S + 1
    assert "60 MiB have not come back" in device_start.Start(1.0, 40, waited_s, missing).note("cuda")


def test_nothing_is_waited_for_where_nothing_is_known() -> None:
    assert wait_for(lambda: 1 // 0, 0) == (0.0, 0)


@pytest.mark.slow
def test_the_first_case_of_the_next_worker_says_that_it_waited(cuda: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    starts = Starts()
    for module in (one_case, prepared):
        monkeypatch.setattr(module, "STARTS", starts)
    monkeypatch.setattr(device_start, "PATIENCE_S", 0.2)
    starts.expect({"cuda": 1000})
    records = [on_the_stand_in(monkeypatch, "normal_equations_torch") for _ in range(2)]
    assert ["still held" in " ".join(record.warnings) for record in records] == [True, False]


def test_the_next_worker_is_told_what_was_free(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first that started the device sets it: what a later one finds may be what a killed one still holds."""
    answers, orders = iter([Answer(free_bytes={"cuda": 90}), Answer(free_bytes={"cuda": 30}), Answer()]), []

    class Worker:
        def __init__(self, *_: object) -> None: ...

        def ask(self, order: dict[str, object], *_: object, **__: object) -> Answer:
            orders.append(order)
            return next(answers)

        def stop(self) -> None: ...

    monkeypatch.setattr("harness.measure.isolation.keeper.WorkerProcess", Worker)
    keeper = Keeper("")
    for _ in range(3):
        keeper.ask(Worker(), {"do": "fit"}, {})  # type: ignore[arg-type]
    keeper.close()
    assert [order.get("free_bytes") for order in orders] == [None, {"cuda": 90}, {"cuda": 90}]


# The peak of torch's allocator, above what was held


def test_the_peak_is_above_what_was_held_which_is_recorded(cuda: Log) -> None:
    with peak_memory("cuda") as peak:
        pass
    assert (peak.device_held_bytes, peak.device_bytes) == (32, 40)
    assert cuda.asked == ["reset peak"]


@pytest.mark.parametrize("requests", [0, 5])
def test_where_torch_s_allocator_was_not_asked_its_peak_says_nothing(
    requests: int, cuda: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with the engine jax, whose memory XLA hands out."""
    starts = Starts()
    for module in (one_case, prepared):
        monkeypatch.setattr(module, "STARTS", starts)
    solver = get("normal_equations_torch")

    def prepare(problem: Any, options: Any) -> Any:
        cuda.requests += requests
        return type(solver).prepare(solver, problem, options)

    monkeypatch.setattr(solver, "prepare", prepare, raising=False)
    record = on_the_stand_in(monkeypatch, "normal_equations_torch")
    assert (record.device_peak_bytes, record.device_held_bytes) == (40 if requests else None, 32)


def test_an_allocator_that_does_not_count_gives_no_peak(cuda: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_device: str) -> dict[str, int]:
        raise RuntimeError("CUDAPluggableAllocator does not yet support getDeviceStats")

    monkeypatch.setattr(torch.cuda, "memory_stats", refuse)
    with peak_memory("cuda") as peak:
        pass
    assert (peak.device_bytes, peak.device_held_bytes, device_requests("cuda")) == (None, None, None)


# Timed in a group of their own, after some work


@pytest.mark.slow
def test_cases_on_a_device_are_timed_after_the_cpu_s_and_each_turn_follows_work(
    cuda: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []

    def busy(_self: Starts, device: str) -> AbstractContextManager[None]:
        calls.append(f"busy {device}")
        return nullcontext()

    monkeypatch.setattr(Starts, "busy", busy)

    class Planted:
        unit, epochs_per_call, capture_s = "fit", 1, None

        def __init__(self, device: str) -> None:
            self.device = device

        def run(self) -> None:
            calls.append(self.device)

    outcomes = []
    for device in ("cpu", "cuda", "cpu", "cuda"):
        case = Case(load("four_points"), get("torch_gels"), Options(device=device))
        outcomes.append(Outcome(case, record_of(case, Status.OK, ""), None, Planted(device)))  # type: ignore[arg-type]
    samples = time_together(outcomes, SystemClock(), FEW)
    assert [len(one.wall_s) for one in samples] == [3] * 4
    devices = [name for name in calls if "busy" not in name]
    assert devices == sorted(devices), "the CPU's calls come first, and no device waits among them"
    before = [calls[i - 1] for i, name in enumerate(calls) if name == "cuda" and calls[i - 1] != "cuda"]
    assert set(before) == {"busy cuda"}


def test_a_device_works_until_its_clock_is_up(cuda: Log) -> None:
    starts = Starts()
    starts.start("cuda")
    cuda.asked.clear()
    starts.keep_busy("cuda", seconds=1e-6)
    assert cuda.asked == ["wait"]


def test_the_clock_is_read_while_the_device_works(smi: Path) -> None:
    worked: list[str] = []
    assert clock_hz("cuda:0", lambda device, _seconds: worked.append(device)) == 1965e6
    assert set(worked) <= {"cuda:0"}
    assert clock_hz("cpu", lambda *_: None) is None


def test_a_lost_device_has_no_clock_and_raises_nothing(smi: Path) -> None:
    def lost(_device: str, _seconds: float) -> None:
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    assert clock_hz("cuda", lost) is None


def test_the_clock_is_in_the_record(smi: Path) -> None:
    case = Case(load("four_points"), get("torch_gels"), Options(device="cuda"))
    record = record_of(case, Status.OK, "")
    outcome = Outcome(case, record, None, object())  # type: ignore[arg-type]
    clocks = clocks_of([outcome])
    assert timed_record(record, Samples((1.0,), (1.0,)), clocks).device_clock_hz == 1965e6


# The order of an epoch's rows, apart


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["loop", "batched"])
def test_the_order_of_the_rows_is_drawn_before_each_call_and_timed_apart(engine: str) -> None:
    solver, problem = get("torch_sgd"), load("synthetic:n=60,p=2")
    record = measure(single(problem, solver, Options(engine=engine, batch=16, epochs=5))).record
    assert record.status.measured, record.message
    assert record.draw_s is not None
    assert record.draw_s > 0
    assert measure(single(problem, solver, Options(engine=engine, epochs=5))).record.draw_s is None


def test_what_is_drawn_beforehand_is_what_an_epoch_draws(one_thread: None) -> None:
    """And an epoch after `draw` draws nothing: what is timed is its steps."""
    training = mini_batches()
    alone, drawn = (LoopTraining(training) for _ in range(2))
    for _ in range(3):
        alone.run()
        assert drawn.draw is not None
        drawn.draw()
        state = drawn.timed.order.get_state()
        drawn.run()
        assert torch.equal(state, drawn.timed.order.get_state())
    pairs = zip(alone.timed.model.parameters(), drawn.timed.model.parameters(), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)


def test_a_batch_s_epochs_are_the_same_drawn_beforehand(one_thread: None) -> None:
    training = mini_batches()
    cases = [(0.01, 0), (0.03, 1), (0.03, 0)]
    alone, drawn = (batch_of(training, cases) for _ in range(2))
    alone.advance(2)
    drawn.draw(2)
    drawn.advance(2)
    assert torch.equal(alone.losses[:2], drawn.losses[:2])
    assert torch.equal(alone.path[:3], drawn.path[:3])


def mini_batches() -> Any:
    solver, problem = get("torch_sgd"), load("synthetic:n=60,p=2")
    assert isinstance(solver, TorchTrained)
    return solver.training(problem, single(problem, solver, Options(batch=16, epochs=5)).options)


def test_what_comes_before_a_call_is_not_in_its_time() -> None:
    now = [0.0]

    class Ticking:
        def wall_s(self) -> float:
            return now[0]

        cpu_s = wall_s

    def pass_(seconds: float) -> None:
        now[0] += seconds

    work = Work(lambda: pass_(1.0), before=lambda: pass_(100.0))
    assert sample_interleaved([work], Ticking(), FEW)[0].wall_s == (1.0,) * 3


# What is refused and recorded


def test_a_gpu_that_is_not_there_is_refused(cuda: Log) -> None:
    check_device("cuda:0")
    check_device("all")
    with pytest.raises(UsageError, match="device cuda:7 is not available: this machine has cuda:0 alone"):
        check_device("cuda:7")


@pytest.mark.slow
def test_the_environment_names_the_gpu_that_was_used(cuda: Log, smi: Path) -> None:
    here = environment(devices=["cuda:1", "cpu"])
    assert here.gpu == "GPU of cuda:1"
    (state,) = here.devices
    assert (state.device, state.uuid, state.mig, state.compute_mode) == ("cuda:1", "GPU-1f2e", "Disabled", "Default")
    assert (state.memory_bytes, state.power_limit_w, state.clock_limit_hz) == (143771 * 2**20, 700.0, 1980e6)
    assert (state.driver, here.driver) == ("570.86.10",) * 2
    assert {line.split()[0] for line in smi.read_text().splitlines()} == {"--id=1"}


@pytest.mark.slow
def test_a_run_s_environment_is_of_the_devices_of_its_cases(cuda: Log, smi: Path) -> None:
    cases = [Case(load("four_points"), get("torch_gels"), Options(device=device)) for device in ("cpu", "cuda:0")]
    assert [one.device for one in new_run(Request(), cases).environment.devices] == ["cuda:0"]


def test_a_driver_that_does_not_know_every_field_still_names_the_gpu(
    tmp_path: Path, smi: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "nvidia-smi"
    script.write_text(script.read_text().replace("*=uuid,*) echo", "*=uuid,*) exit 2; echo"))
    state = state_of("cuda")
    assert (state.name, state.driver, state.uuid) == ("NVIDIA H200", "570.86.10", None)


@pytest.mark.slow
def test_other_limits_are_another_environment(cuda: Log, smi: Path, tmp_path: Path) -> None:
    before = environment(devices=["cuda"])
    script = tmp_path / "nvidia-smi"
    script.write_text(script.read_text().replace("700.00", "350.00"))
    after = environment(devices=["cuda"])
    assert [one.name for one in differences(before, after)] == ["the state of cuda"]
    assert before.id != after.id


def test_an_environment_without_a_device_keeps_its_id() -> None:
    """Of environments stored before devices were described."""
    old = Environment(cpu="a", cores=1, memory_bytes=1, system="s", python="p", blas=(), versions={})
    body = old.model_dump_json(exclude={"devices", "variables"})
    assert Environment.model_validate_json(body).id == old.id == "71b9ae94edb73d86"


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("NVIDIA_TF32_OVERRIDE", True),
        ("CUBLAS_WORKSPACE_CONFIG", True),
        ("CUBLASLT_WORKSPACE_SIZE", True),
        ("PYTORCH_CUDA_ALLOC_CONF", True),
        ("PYTORCH_ALLOC_CONF", True),
        ("CUDA_LAUNCH_BLOCKING", True),
        ("CUDA_HOME", False),
        ("OMP_NUM_THREADS", False),
    ],
)
def test_variables_that_change_arithmetic_or_memory_are_recorded(name: str, known: bool) -> None:
    assert device_variables({name: "1"}) == ({name: "1"} if known else {})


@pytest.mark.slow
def test_the_variables_are_in_the_environment(cuda: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NVIDIA_TF32_OVERRIDE", "1")
    assert environment(devices=["cuda"]).variables["NVIDIA_TF32_OVERRIDE"] == "1"


@pytest.mark.parametrize(("override", "expected"), [(None, True), ("1", True), ("0", False)])
def test_nothing_is_tf32_where_the_override_forbids_it(
    override: str | None, expected: bool, cuda: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.timing.precision.cublas_tf32", lambda _torch: True)
    monkeypatch.delenv("NVIDIA_TF32_OVERRIDE", raising=False)
    if override is not None:
        monkeypatch.setenv("NVIDIA_TF32_OVERRIDE", override)
    assert tf32_in_force("cuda:1") is expected


@pytest.mark.parametrize(
    ("variables", "state", "said"),
    [
        ({}, "fine", "none set"),
        ({"NVIDIA_TF32_OVERRIDE": "1"}, "doubtful", "NVIDIA_TF32_OVERRIDE=1: a record's tf32 can be false"),
        ({"NVIDIA_TF32_OVERRIDE": "0"}, "note", "NVIDIA_TF32_OVERRIDE=0"),
        ({"CUDA_LAUNCH_BLOCKING": "1"}, "doubtful", "each launch is waited for"),
        ({"CUBLAS_WORKSPACE_CONFIG": ":16:8"}, "note", "CUBLAS_WORKSPACE_CONFIG=:16:8"),
    ],
)
def test_the_doctor_says_what_overrides_the_record(variables: dict[str, str], state: str, said: str) -> None:
    readings = Readings(0.0, 0.0, Cpu(1, 1), interpreter=Interpreter(device_variables=variables))
    seen = judged_variables(Conditions(before=readings), 1)
    assert seen.state == state
    assert said in seen.text


@pytest.mark.parametrize(
    ("device", "memory_bytes", "said"),
    [
        ("cuda", 2**30, True),
        ("cuda:1", 2**32 - 1, True),
        ("cuda", 2**33, False),
        ("cuda", None, False),
        ("cpu", 1, False),
    ],
)
def test_less_memory_than_cuda_itself_takes_is_said(device: str, memory_bytes: int | None, said: bool) -> None:
    case = Case(load("four_points"), get("torch_gels"), Options(device=device))
    assert ("CUDA alone takes about 4 GiB" in Limits(memory_bytes=memory_bytes).memory_advice(case)) is said


def test_the_page_shows_the_device_as_it_was_found(cuda: Log, smi: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NVIDIA_TF32_OVERRIDE", "1")
    case = Case(load("four_points"), get("torch_gels"), Options(device="cuda:0"))
    shown = machine_rows(new_run(Request(), [case]))
    found = shown["cuda:0 as it was found"]
    assert found.startswith("GPU of cuda:0, MIG Disabled, compute mode Default, at most 700 W, at most 1980 MHz")
    assert "GPU-1f2e" in found
    assert shown["NVIDIA_TF32_OVERRIDE"] == "1"
