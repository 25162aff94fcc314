"""Solvers that go wrong on a device, each in one way; the worker process imports them by this name."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from harness.problems.problem import Floats, Problem
from harness.solvers import catalog
from harness.solvers.closed_forms.closed_form import ClosedForm, ClosedFormPrepared, design
from harness.solvers.fit import fit_from_design
from harness.solvers.options import Options

MODULE = "tools.device_check.faults"
TOO_LARGE_BYTES = 200 * 10**9
"""More than any one device has (an H200: 141 GB)."""
DEVICES = ("cpu", "cuda", "xpu", "mps")


@dataclass
class OnADevice(ClosedForm):
    """A right answer from the CPU, after `fault` has been called with the device."""

    name: str
    fault: Callable[[str], object]
    title: str = "goes wrong on a device"
    devices: tuple[str, ...] = DEVICES
    requires: tuple[str, ...] = ("torch",)

    def prepare(self, problem: Problem, options: Options) -> ClosedFormPrepared[Floats]:
        """The timed work is the fault, then numpy's least squares."""
        import numpy as np

        A, y = design(problem, options)

        def solve() -> Floats:
            self.fault(options.device)
            return np.asarray(np.linalg.lstsq(A, y)[0])

        return ClosedFormPrepared(solve, lambda beta: fit_from_design(beta, problem.intercept))


def index_out_of_range(device: str) -> Any:
    """An assertion fails in the kernel: from then on every call of the process on that device fails."""
    import torch

    return torch.zeros(4, device=device)[torch.tensor([10**6], device=device)]


def too_large(device: str) -> Any:
    """More memory than there is."""
    import torch

    return torch.empty(TOO_LARGE_BYTES, dtype=torch.uint8, device=device)


INDEX_OUT_OF_RANGE = OnADevice("index_out_of_range", index_out_of_range)
TOO_LARGE = OnADevice("too_large", too_large)
SOLVERS = {**catalog.SOLVERS, **{solver.name: solver for solver in (INDEX_OUT_OF_RANGE, TOO_LARGE)}}
