"""torch.linalg.lstsq by each of LAPACK's least-squares drivers."""

from typing import Any

from harness.problems.problem import Problem
from harness.solvers.closed_forms.closed_form import ClosedForm, ClosedFormPrepared, design_tensors
from harness.solvers.device_needs import LINALG, TORCH_DEVICES
from harness.solvers.fit import Fit, fit_from_design
from harness.solvers.options import Options

DRIVERS = {
    "gels": "QR",
    "gelsy": "QR with column pivoting",
    "gelsd": "SVD",
}
ON_CUDA = ("gels",)
"""torch's documentation of lstsq: on CUDA "the only valid input is 'gels', which assumes that A is full-rank"."""


class TorchLstsq(ClosedForm):
    """torch's least squares with one driver and its default cut-off (rcond = eps max(n, p)).

    gels assumes full rank, does not check it and reports none; gelsy (torch's default on the CPU) and
    gelsd report the rank that they found, and are not there on CUDA.
    """

    requires = ("torch",)
    weighted = True

    def __init__(self, driver: str) -> None:
        """`driver` is torch's own: gels, gelsy or gelsd."""
        self.driver = driver
        self.name = f"torch_{driver}"
        self.title = f"torch.linalg.lstsq ({DRIVERS[driver]}, driver {driver})"
        self.devices = TORCH_DEVICES if driver in ON_CUDA else ("cpu",)
        self.needs = (LINALG,)

    def prepare(self, problem: Problem, options: Options) -> ClosedFormPrepared[Any]:
        """Copies the design to the device; the timed work is lstsq alone."""
        import torch

        A, y = design_tensors(problem, options)

        def solve() -> Any:
            return torch.linalg.lstsq(A, y, driver=self.driver)

        return ClosedFormPrepared(solve, lambda answer: _read(answer, problem))


def _read(answer: Any, problem: Problem) -> Fit:
    """The solution and, where the driver found one, the rank (an empty tensor where it did not)."""
    rank = int(answer.rank) if answer.rank.numel() else None
    return fit_from_design(answer.solution.cpu().numpy(), problem.intercept, rank=rank)
