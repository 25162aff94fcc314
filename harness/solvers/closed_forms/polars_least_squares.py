"""polars-ols: least squares as a polars expression, a Rust plugin over faer's factorisations."""

import sys
from types import MappingProxyType
from typing import Any

import numpy as np

from harness.errors import counted
from harness.problems.problem import Problem
from harness.solvers.closed_forms.closed_form import ClosedForm, ClosedFormPrepared
from harness.solvers.closed_forms.inference import reported
from harness.solvers.fit import Fit, Inference, linear_fit
from harness.solvers.options import Options


class PolarsLeastSquares(ClosedForm):
    """`pl.col("y").least_squares.ols(..., mode="coefficients")` with its default method, QR, in float64.

    polars and the plugin size their pools once, from POLARS_MAX_THREADS: polars when it is imported.
    With one thread in each, some of the work is still done on a thread of the plugin's own that no setting was
    found to reach, mostly while the first one waits: CPU seconds were 0.96 to 1.16 times the wall seconds.
    It reports no rank. Standard errors come from a second, untimed call in mode "statistics".
    """

    name = "polars_ols"
    title = "polars-ols (QR by default, Rust)"
    takes = MappingProxyType({})
    requires = ("polars_ols", "polars")

    def unsupported(self, problem: Problem, options: Options) -> str | None:
        """The pool has the size that polars was imported with."""
        polars = sys.modules.get("polars")
        size = polars.thread_pool_size() if polars else options.threads
        if size == options.threads:
            return None
        return (
            f"polars was imported with {counted(size, 'thread')} and cannot change to {options.threads}: "
            f"use another process, or set POLARS_MAX_THREADS"
        )

    def prepare(self, problem: Problem, options: Options) -> ClosedFormPrepared[Any]:
        """Builds the data frame and the expression; the timed work is the frame's select."""
        import polars as pl
        import polars_ols  # noqa: F401  # it registers the expression's namespace

        X, y = problem.rows("train")
        columns = [f"x{j}" for j in range(problem.p)]
        frame = pl.DataFrame({"y": y} | dict(zip(columns, X.T, strict=True)))

        def expression(mode: str) -> Any:
            ols = pl.col("y").least_squares.ols  # type: ignore[attr-defined]  # registered by polars_ols
            return ols(*columns, add_intercept=problem.intercept, mode=mode).alias("answer")

        coefficients, statistics = expression("coefficients"), expression("statistics")

        def solve() -> Any:
            return frame.select(coefficients)

        def read(answer: Any) -> Fit:
            found = answer["answer"].struct.unnest().to_numpy()[0]
            inference, message = None, ""
            if len(y) > problem.p + problem.intercept:  # the plugin panics without a degree of freedom
                try:
                    inference = _inference(frame.select(statistics)["answer"][0], problem)
                except pl.exceptions.ComputeError:
                    # It factors the Gram matrix for them, which may not be positive definite where QR succeeded.
                    message = "polars-ols gives no standard errors: its plugin panicked"
            intercept = found[problem.p] if problem.intercept else 0.0
            return linear_fit(found[: problem.p], intercept, message=message, inference=inference)

        return ClosedFormPrepared(solve, read)


def _inference(answer: dict[str, Any], problem: Problem) -> Inference:
    """The plugin puts the intercept last, and gives no intervals; its mse is over n, so it is no residual_sd."""
    order = np.roll(np.arange(problem.p + problem.intercept), int(problem.intercept))
    errors, t, p = (np.asarray(answer[key])[order] for key in ("standard_errors", "t_values", "p_values"))
    return reported(problem, errors, t, p, statistics={"r_squared": float(answer["r2"])})
