"""glum's generalised linear model with the normal family, no penalty: centred normal equations by tabmat."""

from typing import Any

import numpy as np

from harness.problems.problem import Problem
from harness.solvers.closed_forms.closed_form import ClosedForm, ClosedFormPrepared
from harness.solvers.closed_forms.inference import reported
from harness.solvers.fit import Fit, Inference, linear_fit
from harness.solvers.options import Options


class GlumNormal(ClosedForm):
    """GeneralizedLinearRegressor(alpha=0, family="normal", link="identity", solver="closed-form").

    The solver that glum chooses for this model itself since 3.4: one solve, so that there is no tolerance to
    set. The columns are centred but not scaled; a singular Gram matrix falls back to scipy's lstsq of it.
    It reports no rank. Its threads are OpenMP's, which threadpoolctl limits.
    """

    name = "glum"
    title = "glum, normal family, closed form (normal equations)"
    requires = ("glum",)
    weighted = True

    def prepare(self, problem: Problem, options: Options) -> ClosedFormPrepared[Any]:
        """Column-major X, which tabmat works on best; the timed work is constructing and fitting the estimator."""
        from glum import GeneralizedLinearRegressor

        X, y = (np.asfortranarray(rows, dtype=str(options.dtype)) for rows in problem.rows("train"))

        weights = problem.training_weights

        def solve() -> Any:
            return GeneralizedLinearRegressor(
                alpha=0, family="normal", link="identity", solver="closed-form", fit_intercept=problem.intercept
            ).fit(X, y, sample_weight=weights)

        return ClosedFormPrepared(solve, lambda model: _read(model, X, y, problem))


def _read(model: Any, X: Any, y: Any, problem: Problem) -> Fit:
    enough = len(y) > problem.p + problem.intercept
    inference, message = None, ""
    if enough and X.dtype == np.float64:  # glum 3.4.1 raises TypeError for the covariance of a float32 fit
        try:
            inference = _inference(
                model.coef_table(X, y, sample_weight=problem.training_weights, robust=False), problem
            )
        except np.linalg.LinAlgError as error:
            message = f"glum gives no standard errors: {error}"
    return linear_fit(model.coef_, float(model.intercept_), message=message, inference=inference)


def _inference(table: Any, problem: Problem) -> Inference:
    """What glum's non-robust table says: p-values and intervals are the normal distribution's.

    glum 3.4.1 applies the correction n / (n - p) to a dispersion that has it already, so that its standard
    errors are sqrt(n / (n - p)) times those of OLS: they are handed out as they are, and judged.
    """
    intervals = table[["ci_lower", "ci_upper"]].to_numpy()
    return reported(problem, table["se"], table["t_value"], table["p_value"], intervals)
