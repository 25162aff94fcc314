"""scipy.linalg.lstsq by each of LAPACK's least-squares drivers that report a rank."""

from typing import Any, Literal

import numpy as np

from harness.problems.problem import Floats, Problem
from harness.solvers.closed_forms.closed_form import ClosedForm, ClosedFormPrepared, design
from harness.solvers.fit import fit_from_design
from harness.solvers.options import Options

DRIVERS = {
    "gelsd": "divide-and-conquer SVD",
    "gelsy": "complete orthogonal factorisation with column pivoting",
}


class ScipyLstsq(ClosedForm):
    """scipy's least squares with one driver and its default cut-off (cond = eps of the arithmetic).

    numpy's lstsq calls the same gelsd with a cut-off max(n, p) times as high: on NIST's Filip that
    is the whole difference between a rank of 11 and one of 10.
    """

    requires = ("scipy.linalg",)
    weighted = True

    def __init__(self, driver: Literal["gelsd", "gelsy"]) -> None:
        """`driver` is scipy's `lapack_driver`: gelsd (its default) or gelsy."""
        self.driver = driver
        self.name = f"scipy_{driver}"
        self.title = f"scipy.linalg.lstsq ({DRIVERS[driver]})"

    def prepare(self, problem: Problem, options: Options) -> ClosedFormPrepared[tuple[Floats, int]]:
        """Builds the design matrix; the timed work is lstsq alone."""
        from scipy.linalg import lstsq

        A, y = design(problem, options)

        def solve() -> tuple[Floats, int]:
            answer: Any = lstsq(A, y, lapack_driver=self.driver)
            return np.asarray(answer[0]), int(answer[2])

        return ClosedFormPrepared(solve, lambda a: fit_from_design(a[0], problem.intercept, rank=a[1]))
