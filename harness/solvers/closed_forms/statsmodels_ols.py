"""statsmodels' OLS by pseudo-inverse (its default) and by QR, with its whole summary."""

import warnings
from functools import partial
from types import MappingProxyType
from typing import Any

from harness.problems.problem import Problem, design_matrix
from harness.solvers.closed_forms.closed_form import ClosedForm, ClosedFormPrepared
from harness.solvers.closed_forms.inference import reported, terms_of
from harness.solvers.fit import Fit, fit_from_design
from harness.solvers.options import Options


class StatsmodelsOls(ClosedForm):
    """OLS(y, [1, X]).fit(method=...), or WLS with the rows' weights."""

    takes = MappingProxyType({})
    requires = ("statsmodels.api",)
    weighted = True

    def __init__(self, method: str) -> None:
        """`method` is statsmodels' own: pinv or qr."""
        self.method = method
        self.name = f"statsmodels_{method}"
        self.title = f"statsmodels OLS (method='{method}')"

    def prepare(self, problem: Problem, options: Options) -> ClosedFormPrepared[Any]:
        """Builds the design matrix; the timed work is OLS(...).fit(), the summary is not in it."""
        from statsmodels.api import OLS, WLS

        A = design_matrix(problem)
        _, y = problem.rows("train")
        weights = problem.training_weights
        model = OLS if weights is None else partial(WLS, weights=weights)

        def solve() -> Any:
            return model(y, A, hasconst=problem.intercept).fit(method=self.method)

        return ClosedFormPrepared(solve, lambda result: _read(result, problem))


def _read(result: Any, problem: Problem) -> Fit:
    """Coefficients, rank and, where the rank leaves degrees of freedom, the statistics of the summary."""
    inference, names = None, list(terms_of(problem))
    if result.df_resid >= 1:
        # The summary warns about small samples (omnibus is NaN below 8 rows) and near-singular designs:
        # both can be read in it.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            summary = str(result.summary(yname=problem.target, xname=names))
            errors, t, p, intervals = result.bse, result.tvalues, result.pvalues, result.conf_int()
            found = _statistics(result)
            inference = reported(problem, errors, t, p, intervals, statistics=found, summary=summary)
    return fit_from_design(result.params, problem.intercept, rank=int(result.model.rank), inference=inference)


def _statistics(result: Any) -> dict[str, float]:
    """Every number of the summary's head and foot, under the field's names."""
    from statsmodels.stats.stattools import durbin_watson, jarque_bera, omni_normtest

    values = {
        "n": result.nobs,
        "df_resid": result.df_resid,
        "df_model": result.df_model,
        "r_squared": result.rsquared,
        "adj_r_squared": result.rsquared_adj,
        "f_statistic": result.fvalue,
        "prob_f": result.f_pvalue,
        "log_likelihood": result.llf,
        "aic": result.aic,
        "bic": result.bic,
        "durbin_watson": durbin_watson(result.wresid),
        "cond_no": result.condition_number,
        "residual_sd": result.scale**0.5,
    }
    values |= dict(zip(("jarque_bera", "prob_jb", "skew", "kurtosis"), jarque_bera(result.wresid), strict=True))
    values |= dict(zip(("omnibus", "prob_omnibus"), omni_normtest(result.wresid), strict=True))
    return {name: float(value) for name, value in values.items() if value is not None}
