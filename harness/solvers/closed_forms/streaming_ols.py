"""The harness's own streaming least squares over a problem's rows: see the package `streaming`."""

from types import MappingProxyType
from typing import TYPE_CHECKING

from harness.problems.problem import Problem
from harness.solvers.closed_forms.closed_form import ClosedForm, ClosedFormPrepared
from harness.solvers.closed_forms.complete_fit import complete_fit
from harness.solvers.fit import Fit
from harness.solvers.options import Options

if TYPE_CHECKING:
    from harness.solvers.streaming import Answer


class StreamingOls(ClosedForm):
    """One pass where the condition number allows it; float64 on the CPU and on CUDA.

    The fit's message says which path was taken and why: gram, corrected or error-free.
    """

    name = "streaming"
    title = "streaming least squares (own): Gram, corrected or error-free"
    takes = MappingProxyType({"minimum_norm": None})
    devices = ("cpu", "cuda")
    requires = ("harness.solvers.streaming",)

    def prepare(self, problem: Problem, options: Options) -> ClosedFormPrepared["Answer"]:
        """Copies X and y to the device; the timed work reads them, standard errors and condition number included."""
        from harness.solvers.streaming import Arrays, least_squares

        X, y = problem.rows("train")
        source = Arrays(X, y)
        if options.device != "cpu":
            import torch

            source = Arrays(*(torch.tensor(part, device=options.device) for part in (X, y)))
        least = bool(options.minimum_norm)

        def solve() -> "Answer":
            return least_squares(source, intercept=problem.intercept, minimum_norm=least)

        def read(answer: "Answer") -> Fit:
            return complete_fit(problem, answer, message=answer.path, minimum_norm=least)

        return ClosedFormPrepared(solve, read)
