"""What the closed forms share: solve is timed, its answer is read afterwards."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np

from harness.problems.problem import Floats, Problem, design_matrix
from harness.solvers.fit import Fit
from harness.solvers.options import Options
from harness.solvers.solver import Kind

if TYPE_CHECKING:
    import torch

T = TypeVar("T")


def design(problem: Problem, options: Options) -> tuple[Floats, Floats]:
    """The design matrix (n, c) of the training rows and y (n,), in the dtype of the options.

    Rows with weights are scaled by their roots: |A b - y|² is then sum w r².
    """
    A, y, dtype = design_matrix(problem), problem.rows("train")[1], str(options.dtype)
    weights = problem.mean_one_weights("train")
    if weights is not None:
        roots = np.sqrt(weights)
        A, y = A * roots[:, None], y * roots
    return A.astype(dtype), y.astype(dtype)


def design_tensors(problem: Problem, options: Options) -> "tuple[torch.Tensor, torch.Tensor]":
    """The design matrix (n, c) of the training rows and y (n, 1), in the dtype and on the device of the options."""
    import torch

    A, y = (torch.tensor(part, device=options.device) for part in design(problem, options))
    return A, y.unsqueeze(1)


def no_freedom(problem: Problem, whose: str) -> str | None:
    """Why a library that divides by the degrees of freedom cannot fit a problem, or None."""
    if len(problem.split.train) > problem.p + problem.intercept:
        return None
    return f"{whose} divides by the degrees of freedom: it needs more rows than columns"


@dataclass
class ClosedFormPrepared(Generic[T]):
    """`solve()` is the timed work; `read` turns its last answer into a Fit."""

    solve: Callable[[], T]
    read: Callable[[T], Fit]
    answer: T | None = None
    unit: str = "fit"
    epochs_per_call: int = 1
    capture_s: float | None = None

    def run(self) -> None:
        """Solve once and keep the answer."""
        self.answer = self.solve()

    def fit(self) -> Fit:
        """The Fit of the last answer; solves if there is none yet."""
        if self.answer is None:
            self.run()
        assert self.answer is not None  # noqa: S101  # run() has just set it
        return self.read(self.answer)


class ClosedForm:
    """What a closed form is unless its file says otherwise: float64 on the CPU, for any problem."""

    kind = Kind.CLOSED_FORM
    optimizer: str | None = None
    takes: Mapping[str, object] = MappingProxyType({"dtype": "float64"})
    devices: tuple[str, ...] = ("cpu",)
    weighted = False

    def unsupported(self, problem: Problem, options: Options) -> str | None:
        """Never."""
        return None
