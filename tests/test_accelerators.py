"""Accelerators beside CUDA, by a stand-in for torch.accelerator: what is found, refused and unsupported, and why."""

from types import SimpleNamespace

import pytest
import torch

from harness.errors import UsageError
from harness.measure.one_case import measure
from harness.measure.plan import Request, plan, single
from harness.problems.catalog import load
from harness.solvers.catalog import get
from harness.solvers.device_needs import lacking
from harness.solvers.options import Options
from harness.solvers.solver import why_unsupported
from harness.solvers.status import Status
from harness.timing.device import check_device, devices, synchronizer, unavailable


@pytest.fixture
def accelerator(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """One of the kind that the test names; what was waited for."""
    waited: list[str] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    stand_in = SimpleNamespace(
        is_available=lambda: True,
        current_accelerator=lambda: torch.device(request.param),
        device_count=lambda: 1,
        synchronize=waited.append,
    )
    monkeypatch.setattr(torch, "accelerator", stand_in)
    return waited


mps = pytest.mark.parametrize("accelerator", ["mps"], indirect=True)
xpu = pytest.mark.parametrize("accelerator", ["xpu"], indirect=True)


@mps
def test_an_accelerator_is_found_listed_and_waited_for(accelerator: list[str]) -> None:
    assert [one.name for one in devices()] == ["cpu", "cuda", "mps"]
    check_device("mps")
    check_device("mps:0")
    check_device("all")
    synchronizer("mps")()
    assert accelerator == ["mps"]


@mps
def test_another_kind_and_another_place_are_not_there(accelerator: list[str]) -> None:
    with pytest.raises(UsageError, match="device xpu is not available: torch finds no Intel GPU; use --device cpu"):
        check_device("xpu")
    with pytest.raises(UsageError, match="device mps:1 is not available: this machine has mps:0 alone"):
        check_device("mps:1")
    with pytest.raises(UsageError, match="unknown device 'tpu': known: cpu, cuda, xpu, mps, and for"):
        check_device("tpu")


def test_an_older_torch_finds_cuda_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """torch.accelerator came with 2.6."""
    monkeypatch.delattr(torch, "accelerator")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "a GPU")
    assert [(one.name, one.unavailable) for one in devices()] == [("cpu", ""), ("cuda", "")]
    check_device("cuda")
    assert "2.6" in unavailable("xpu")


@mps
@pytest.mark.parametrize(
    ("solver", "said", "reason"),
    [
        ("streaming", {}, "mps has no float64"),
        ("torch_gels", {}, "mps has no float64 and no torch.linalg"),
        ("normal_equations_torch", {"dtype": "float32"}, "mps has no torch.linalg, which it would leave to the CPU"),
        ("torch_sgd", {"dtype": "float64"}, "mps has no float64: add --dtype float32"),
        ("torch_sgd", {"engine": "batched"}, "mps has no float64"),
        ("torch_sgd", {"engine": "graphed"}, "a CUDA graph needs --device cuda"),
        ("torch_sgd", {"engine": "jax"}, "the engine jax runs on the CPU and on CUDA"),
        ("sklearn", {}, "sklearn runs on cpu only"),
    ],
)
def test_what_a_device_lacks_is_unsupported_with_the_reason(
    solver: str, said: dict[str, str], reason: str, accelerator: list[str]
) -> None:
    case = single(load("four_points"), get(solver), Options(device="mps", **said))  # type: ignore[arg-type]
    record = measure(case).record
    assert record.status is Status.UNSUPPORTED
    assert reason in record.message


@mps
def test_what_it_has_is_not_refused(accelerator: list[str]) -> None:
    """The loop in float32 needs nothing that mps lacks."""
    case = single(load("four_points"), get("torch_sgd"), Options(device="mps", dtype="float32"))
    assert why_unsupported(case.solver, case.problem, case.options) is None


@xpu
@pytest.mark.parametrize("has_float64", [True, False])
def test_an_intel_gpu_says_whether_it_has_float64(
    has_float64: bool, accelerator: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    properties = SimpleNamespace(has_fp64=has_float64)
    monkeypatch.setattr(torch.xpu, "get_device_properties", lambda _device: properties)
    assert (lacking("xpu", ("float64",)) is None) == has_float64
    assert "torch.linalg" in (lacking("xpu:0", ("linalg",)) or "")


@pytest.mark.parametrize("device", ["cpu", "cuda:1", "some_other"])
def test_nothing_is_lacking_where_all_is_there(device: str) -> None:
    assert lacking(device, ("float64", "linalg")) is None


@mps
def test_the_default_grid_leaves_out_what_a_device_lacks_and_a_named_solver_is_a_row(accelerator: list[str]) -> None:
    found = plan(Request(problems=("four_points",), device="auto", lr=(0.1,)))
    on_mps = {case.solver.name for case in found if case.options.device == "mps"}
    assert "torch_sgd" in on_mps
    assert not on_mps & {"streaming", "torch_gels", "normal_equations_torch"}
    named = plan(Request(problems=("four_points",), solvers=("torch_gels",), device="auto"))
    assert [case.options.device for case in named] == ["cpu", "mps"]
