"""numpy.linalg.lstsq: divide-and-conquer SVD (LAPACK gelsd) of the design with a column of ones."""

import numpy as np

from harness.problems.problem import Floats, Problem
from harness.solvers.closed_forms.closed_form import ClosedForm, ClosedFormPrepared, design
from harness.solvers.fit import fit_from_design
from harness.solvers.options import Options


class NumpyLstsq(ClosedForm):
    """numpy's least squares with its default cut-off (rcond = eps max(n, p))."""

    name = "numpy_lstsq"
    title = "numpy.linalg.lstsq (SVD)"
    requires = ("numpy",)
    weighted = True

    def prepare(self, problem: Problem, options: Options) -> ClosedFormPrepared[tuple[Floats, int]]:
        """Builds the design matrix; the timed work is lstsq alone."""
        A, y = design(problem, options)

        def solve() -> tuple[Floats, int]:
            beta, _, rank, _ = np.linalg.lstsq(A, y, rcond=None)
            return np.asarray(beta), int(rank)

        return ClosedFormPrepared(solve, lambda a: fit_from_design(a[0], problem.intercept, rank=a[1]))
