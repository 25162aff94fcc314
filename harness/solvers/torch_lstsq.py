"""torch.linalg.lstsq with the driver gels (QR), the only one that both CPU and CUDA have."""

from typing import Any

from harness.problems.problem import Problem, design_matrix
from harness.solvers.closed_form import ClosedForm, ClosedFormPrepared
from harness.solvers.fit import fit_from_design
from harness.solvers.options import Options


class TorchLstsq(ClosedForm):
    """QR without pivoting; assumes full rank and does not check it (torch's documentation)."""

    name = "torch_lstsq"
    title = "torch.linalg.lstsq (QR, driver gels)"
    devices = ("cpu", "cuda")
    requires = ("torch",)

    def prepare(self, problem: Problem, options: Options) -> ClosedFormPrepared[Any]:
        """Copies the design to the device; the timed work is lstsq alone."""
        import torch

        dtype = getattr(torch, str(options.dtype))
        A = torch.tensor(design_matrix(problem), dtype=dtype, device=options.device)
        y = torch.tensor(problem.rows("train")[1], dtype=dtype, device=options.device).unsqueeze(1)

        def solve() -> torch.Tensor:
            return torch.linalg.lstsq(A, y, driver="gels").solution

        return ClosedFormPrepared(solve, lambda beta: fit_from_design(beta.cpu().numpy(), problem.intercept))
