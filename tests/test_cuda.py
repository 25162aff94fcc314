"""What needs a CUDA device: the same properties there, the clock, and the memory of the device."""

import numpy as np
import pytest
import torch

from harness.plan import Request, plan, single
from harness.problems.catalog import load
from harness.records.environment import environment
from harness.run import exit_code, measure, measure_alone
from harness.solvers.catalog import ALL, get
from harness.solvers.options import Options
from harness.solvers.solver import Kind, Solver
from harness.solvers.status import Status
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
