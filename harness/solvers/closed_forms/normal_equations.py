"""The textbook closed form: beta = (A'A)^-1 A'y by a Cholesky factor of the Gram matrix A'A.

Fast and short, and it squares the condition number (Higham 2002, Accuracy and Stability, sec. 20.4):
the negative control of the accuracy tables.
"""

from types import MappingProxyType
from typing import Any

import numpy as np

from harness.problems.problem import Floats, Problem
from harness.solvers.closed_forms.closed_form import ClosedForm, ClosedFormPrepared, design, design_tensors
from harness.solvers.device_needs import LINALG, TORCH_DEVICES
from harness.solvers.fit import fit_from_design
from harness.solvers.options import Options


class NormalEquationsNumpy(ClosedForm):
    """Normal equations in numpy and scipy's Cholesky."""

    name = "normal_equations"
    title = "normal equations, numpy (textbook closed form)"
    requires = ("numpy", "scipy.linalg")
    weighted = True

    def prepare(self, problem: Problem, options: Options) -> ClosedFormPrepared[Floats]:
        """Builds the design matrix; the timed work is A'A, A'y, the factor and two triangular solves."""
        from scipy.linalg import cho_factor, cho_solve

        A, y = design(problem, options)

        def solve() -> Floats:
            return np.asarray(cho_solve(cho_factor(A.T @ A), A.T @ y))

        return ClosedFormPrepared(solve, lambda beta: fit_from_design(beta, problem.intercept))


class NormalEquationsTorch(ClosedForm):
    """Normal equations in torch, on the CPU or on CUDA."""

    name = "normal_equations_torch"
    title = "normal equations, torch (textbook closed form)"
    takes = MappingProxyType({"dtype": "float64", "tf32": None})
    devices = TORCH_DEVICES
    needs = (LINALG,)
    requires = ("torch",)
    weighted = True

    def prepare(self, problem: Problem, options: Options) -> ClosedFormPrepared[Any]:
        """Copies the design to the device; the timed work is the same as numpy's."""
        import torch

        A, y = design_tensors(problem, options)

        def solve() -> torch.Tensor:
            return torch.cholesky_solve(A.T @ y, torch.linalg.cholesky(A.T @ A))

        return ClosedFormPrepared(solve, lambda beta: fit_from_design(beta.cpu().numpy(), problem.intercept))
