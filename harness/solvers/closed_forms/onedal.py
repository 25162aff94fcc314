"""oneDAL's LinearRegression through scikit-learn-intelex: blocked normal equations and a Cholesky factor."""

from typing import Any

from harness.problems.problem import Problem
from harness.solvers.closed_forms.closed_form import ClosedForm, ClosedFormPrepared
from harness.solvers.fit import Fit, linear_fit
from harness.solvers.options import Options
from harness.solvers.status import Status


class OneDal(ClosedForm):
    """sklearnex.linear_model.LinearRegression itself: scikit-learn's own classes are left unpatched.

    oneDAL's threads are TBB's, which threadpoolctl does not know; the estimator's `n_jobs` sets them
    around each fit (daal4py.daalinit) and puts them back. It reports no rank.
    """

    name = "onedal"
    title = "oneDAL LinearRegression (scikit-learn-intelex)"
    requires = ("sklearnex.linear_model",)

    def prepare(self, problem: Problem, options: Options) -> ClosedFormPrepared[Any]:
        """The timed work is constructing and fitting the estimator."""
        from sklearnex.linear_model import LinearRegression

        X, y = (rows.astype(str(options.dtype)) for rows in problem.rows("train"))

        def solve() -> Any:
            return LinearRegression(fit_intercept=problem.intercept, n_jobs=options.threads).fit(X, y)

        return ClosedFormPrepared(solve, _read)


def _read(model: Any) -> Fit:
    """Coefficients, if they are oneDAL's.

    sklearnex falls back to scikit-learn without a word where oneDAL does not support the data; then it
    has deleted `_onedal_estimator` at the start of fit and not made another.
    """
    ran_onedal = hasattr(model, "_onedal_estimator")
    return linear_fit(
        model.coef_,
        float(model.intercept_),
        status=Status.OK if ran_onedal else Status.ERROR,
        message="" if ran_onedal else "sklearnex fell back to scikit-learn: this is not oneDAL's answer",
    )
