"""linearmodels' IV2SLS without endogenous regressors, which is its public way to OLS: pinv and an inverse."""

from types import MappingProxyType
from typing import Any

from harness.problems.problem import Problem, design_matrix
from harness.solvers.closed_forms.closed_form import ClosedForm, ClosedFormPrepared, no_freedom
from harness.solvers.closed_forms.inference import reported
from harness.solvers.fit import Fit, fit_from_design
from harness.solvers.options import Options


class LinearmodelsOls(ClosedForm):
    """IV2SLS(y, [1, X], None, None).fit(cov_type="unadjusted", debiased=True): classical OLS inference.

    It refuses (ValueError) a design that numpy's matrix_rank finds rank-deficient, and so reports no rank.
    Float64 only. PooledOLS of its panel models is a fifth slower on 1e5 x 10.
    """

    name = "linearmodels"
    title = "linearmodels IV2SLS without endogenous regressors"
    takes = MappingProxyType({})
    requires = ("linearmodels.iv",)
    weighted = True

    def unsupported(self, problem: Problem, options: Options) -> str | None:
        """A degree of freedom must be left."""
        return no_freedom(problem, "linearmodels")

    def prepare(self, problem: Problem, options: Options) -> ClosedFormPrepared[Any]:
        """Builds the design matrix; the timed work is constructing the model (with its checks) and fit()."""
        from linearmodels.iv import IV2SLS

        A = design_matrix(problem)
        _, y = problem.rows("train")
        weights = problem.training_weights

        def solve() -> Any:
            return IV2SLS(y, A, None, None, weights=weights).fit(cov_type="unadjusted", debiased=True)

        return ClosedFormPrepared(solve, lambda result: _read(result, problem))


def _read(result: Any, problem: Problem) -> Fit:
    weights = problem.training_weights
    # linearmodels divides weights by their mean; residual_sd is with the weights as they were given.
    scale = 1.0 if weights is None else float(weights.mean())
    statistics = {"r_squared": float(result.rsquared), "residual_sd": (float(result.s2) * scale) ** 0.5}
    errors, intervals = result.std_errors, result.conf_int().to_numpy()
    inference = reported(problem, errors, result.tstats, result.pvalues, intervals, statistics=statistics)
    return fit_from_design(result.params, problem.intercept, inference=inference)
