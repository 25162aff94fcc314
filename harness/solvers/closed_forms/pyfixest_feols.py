"""pyfixest's feols without fixed effects: a formula, the normal equations and a Cholesky solve."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

from harness.problems.problem import Problem
from harness.solvers.closed_forms.closed_form import ClosedForm, ClosedFormPrepared, no_freedom
from harness.solvers.closed_forms.inference import reported
from harness.solvers.fit import Fit, Inference, linear_fit
from harness.solvers.options import Options


class PyfixestFeols(ClosedForm):
    """feols(formula, frame, vcov="iid") without copies of the data: the model matrix is part of the timed work.

    It drops the columns that it finds collinear (its `collin_tol`, 1e-9): their coefficients are 0 here,
    and the rank is the number of those that it kept. Float64 only; its BLAS is numpy's and scipy's. Its
    import is part of the first preparation's time.
    """

    name = "pyfixest"
    title = "pyfixest feols (normal equations)"
    takes = MappingProxyType({})
    weighted = True
    requires = ("pyfixest",)  # it loads what it needs at the first use: in prepare

    def unsupported(self, problem: Problem, options: Options) -> str | None:
        """A degree of freedom must be left."""
        return no_freedom(problem, "pyfixest")

    def prepare(self, problem: Problem, options: Options) -> ClosedFormPrepared[Any]:
        """Builds the data frame and the formula; the timed work is feols."""
        import pandas as pd

        with _logging_left_alone():
            from pyfixest import feols

        X, y = problem.rows("train")
        columns = [f"x{j}" for j in range(problem.p)]
        frame = pd.DataFrame(X, columns=columns).assign(y=y)
        weights = None if problem.weights is None else "weights"
        if weights is not None:
            frame = frame.assign(weights=problem.training_weights)
        formula = "y ~ " + " + ".join(columns) + ("" if problem.intercept else " - 1")

        def solve() -> Any:
            return feols(formula, frame, weights=weights, vcov="iid", copy_data=False, store_data=False)

        return ClosedFormPrepared(solve, lambda model: _read(model, problem, ["Intercept", *columns]))


@contextmanager
def _logging_left_alone() -> Iterator[None]:
    """Undo logging.basicConfig(level=INFO), which pyfixest 0.60 calls when it is imported."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)


def _read(model: Any, problem: Problem, names: list[str]) -> Fit:
    """Coefficients by name, and feols' own table where no column was dropped."""
    found = model.coef()
    intercept, *coef = (float(found.get(name, 0.0)) for name in names)
    complete = len(found) == problem.p + problem.intercept
    return linear_fit(coef, intercept, rank=len(found), inference=_inference(model, problem) if complete else None)


def _inference(model: Any, problem: Problem) -> Inference:
    """What feols reports; it gives the root mean square error over n, so there is no residual_sd."""
    r_squared = float(model._r2)  # noqa: SLF001  # feols has no public name for it
    intervals = model.confint().to_numpy()
    errors, t, p = model.se(), model.tstat(), model.pvalue()
    return reported(problem, errors, t, p, intervals, statistics={"r_squared": r_squared})
