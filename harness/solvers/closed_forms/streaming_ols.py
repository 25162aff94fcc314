"""The harness's own streaming least squares over a problem's rows: see the package `streaming`."""

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from harness.problems.problem import Problem, design_matrix
from harness.solvers.closed_forms.closed_form import ClosedForm, ClosedFormPrepared
from harness.solvers.closed_forms.inference import complete_fit
from harness.solvers.device_needs import FLOAT64, TORCH_DEVICES
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
    devices = TORCH_DEVICES
    needs = (FLOAT64,)
    requires = ("harness.solvers.streaming",)
    weighted = True

    def prepare(self, problem: Problem, options: Options) -> ClosedFormPrepared["Answer"]:
        """Copies X and y to the device; the timed work reads them, standard errors and condition number included."""
        from harness.solvers.streaming import Arrays, least_squares

        (X, y), weights, intercept = problem.rows("train"), problem.training_weights, problem.intercept
        spread = None
        if weights is not None:
            mean = weights @ y / weights.sum() if intercept else 0.0
            spread = float(weights @ np.square(y - mean))
            # The column of ones is scaled as the rows are: it is a column as the others.
            roots, intercept = np.sqrt(weights), False
            X, y = design_matrix(problem) * roots[:, None], y * roots
        source = Arrays(X, y)
        if options.device != "cpu":
            import torch

            source = Arrays(*(torch.tensor(part, device=options.device) for part in (X, y)))
        least = bool(options.minimum_norm)

        def solve() -> "Answer":
            answer = least_squares(source, intercept=intercept, minimum_norm=least, threads=options.threads)
            return answer if spread is None else replace(answer, r_squared=1 - answer.rss / spread)

        def read(answer: "Answer") -> Fit:
            return complete_fit(problem, answer, message=answer.path, minimum_norm=least)

        return ClosedFormPrepared(solve, read)
