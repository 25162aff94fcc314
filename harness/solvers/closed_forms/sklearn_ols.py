"""sklearn.linear_model.LinearRegression, as it comes and with tol=0."""

from importlib.metadata import version

from harness.problems.problem import Problem
from harness.solvers.closed_forms.closed_form import ClosedForm, ClosedFormPrepared
from harness.solvers.fit import Fit, linear_fit
from harness.solvers.options import Options

FIRST_WITH_TOL = (1, 7)
"""LinearRegression takes `tol` since scikit-learn 1.7 (its changelog)."""


class SklearnOls(ClosedForm):
    """LinearRegression(fit_intercept=...).fit(X, y, weights): centred columns, scipy.linalg.lstsq (SVD) underneath.

    In scikit-learn 1.9.1 the default tol=1e-6 reaches scipy as the rank cut-off, so that columns of
    small scale are dropped without a word; tol=0 leaves the cut-off at machine precision.
    """

    requires = ("sklearn.linear_model",)
    weighted = True

    def __init__(self, name: str, title: str, *, tol: float | None = None) -> None:
        """`tol` None leaves scikit-learn's own default."""
        self.name = name
        self.title = title
        self.tol = tol

    def unsupported(self, problem: Problem, options: Options) -> str | None:
        """The tol argument is missing from older releases."""
        installed = version("scikit-learn")
        if self.tol is not None and tuple(map(int, installed.split(".")[:2])) < FIRST_WITH_TOL:
            return f"scikit-learn {installed} has no tol; it came with 1.7"
        return None

    def prepare(self, problem: Problem, options: Options) -> ClosedFormPrepared["LinearRegression"]:  # type: ignore[name-defined]  # noqa: F821
        """The timed work is constructing and fitting the estimator."""
        from sklearn.linear_model import LinearRegression

        X, y = (rows.astype(str(options.dtype)) for rows in problem.rows("train"))
        weights = problem.training_weights
        arguments = {} if self.tol is None else {"tol": self.tol}

        def solve() -> LinearRegression:
            return LinearRegression(fit_intercept=problem.intercept, **arguments).fit(X, y, weights)

        def read(model: LinearRegression) -> Fit:
            rank = int(model.rank_) + int(problem.intercept)
            return linear_fit(model.coef_, float(model.intercept_), rank=rank)

        return ClosedFormPrepared(solve, read)
