"""The null solver: predicts the mean, and shows what no fit at all costs and gives."""

from types import MappingProxyType

import numpy as np

from harness.problems.problem import Problem
from harness.solvers.closed_forms.closed_form import ClosedForm, ClosedFormPrepared
from harness.solvers.fit import linear_fit
from harness.solvers.options import Options
from harness.solvers.solver import Kind


class MeanPredictor(ClosedForm):
    """All coefficients 0, the intercept the mean of y (0 for a problem without intercept)."""

    name = "mean"
    title = "mean of y (null solver)"
    kind = Kind.BASELINE
    takes = MappingProxyType({})
    requires = ()
    weighted = True

    def prepare(self, problem: Problem, options: Options) -> ClosedFormPrepared[float]:
        """The timed work is one mean over y."""
        _, y = problem.rows("train")
        weights = problem.mean_one_weights("train")
        y = y if weights is None else y * weights
        zeros = np.zeros(problem.p)

        def solve() -> float:
            return float(y.mean()) if problem.intercept else 0.0

        return ClosedFormPrepared(solve, lambda mean: linear_fit(zeros, mean))
