"""Somebody's estimator in scikit-learn's protocol: fit(X, y), then coef_ and intercept_, or predictions alone."""

import inspect
from collections.abc import Callable
from copy import deepcopy
from typing import Any

from harness.problems.problem import Problem
from harness.solvers.brought.answers import design_for, read_estimator
from harness.solvers.brought.unwritten import Unwritten
from harness.solvers.closed_forms.closed_form import ClosedForm, ClosedFormPrepared
from harness.solvers.fit import Fit
from harness.solvers.options import Options
from harness.solvers.solver import Kind

WEIGHTS = ("sample_weight", "weights")
"""What a parameter is called that takes the rows' weights."""


def kind_of(given: Any) -> Kind:
    """What it claims by its attribute `kind`; the least-squares solution where it says nothing of that."""
    claim = getattr(given, "kind", None)
    return Kind(claim) if isinstance(claim, str) and claim in tuple(Kind) else Kind.CLOSED_FORM


def weights_of(call: Callable[..., Any]) -> str | None:
    """The parameter of a callable that takes the rows' weights; None where it has none, or does not say."""
    try:
        known = inspect.signature(call).parameters
    except (TypeError, ValueError):  # a compiled one
        return None
    return next((name for name in WEIGHTS if name in known), None)


class Estimator(ClosedForm):
    """An estimator, cloned for each case and fitted again at each timed call, which is `fit(X, y)` alone.

    It fits the intercept where its parameter `fit_intercept`, or its attribute `adds_intercept`, says so; where they
    say no, its X has a column of ones in front. It does where it has neither. Without `coef_` (a pipeline, a
    TransformedTargetRegressor) it is judged by its predictions.
    """

    def __init__(self, given: Any, name: str) -> None:
        """`given`: unfitted; it is left as it is."""
        self.given = given
        # Imported before the case: neither its time nor what the import changes is the estimator's.
        self.requires: tuple[str, ...] = ("sklearn.base",) if hasattr(given, "get_params") else ()
        self.name = name
        self.title = f"{type(given).__module__}.{type(given).__qualname__}"
        self.kind = kind_of(given)
        self._weights = weights_of(given.fit)
        self.weighted = self._weights is not None
        own = given.get_params(deep=False) if hasattr(given, "get_params") else {}
        self._fits_intercept = own.get("fit_intercept", getattr(given, "fit_intercept", None))
        claim = getattr(given, "adds_intercept", True) if self._fits_intercept is None else self._fits_intercept
        self._adds_intercept = bool(claim)

    def unsupported(self, problem: Problem, options: Options) -> str | None:
        """An intercept that cannot be turned off, on a problem that has none."""
        if not problem.intercept and self._adds_intercept and self._fits_intercept is None:
            return f"{self.name} fits an intercept that nothing turns off: it has no fit_intercept"
        return None

    def prepare(self, problem: Problem, options: Options) -> ClosedFormPrepared[Any]:
        """Clones the estimator and copies the rows; the timed work is `fit`."""
        ones = problem.intercept and not self._adds_intercept
        X, y = design_for(problem, str(options.dtype), ones=ones)
        weights = {} if self._weights is None or problem.weights is None else {self._weights: problem.training_weights}
        model = self._fresh(problem)
        unwritten = Unwritten(self.name, X, y)

        def read(fitted: Any) -> Fit:
            unwritten.check()
            if fitted is None:
                raise TypeError(f"{self.name}.fit returned None, where scikit-learn's returns the estimator")
            return read_estimator(fitted, problem, self.name, ones=ones)

        return ClosedFormPrepared(lambda: (model.fit(X, y, **weights),), lambda answer: read(answer[0]))

    def _fresh(self, problem: Problem) -> Any:
        """A clone; without its intercept where the problem has none."""
        if not hasattr(self.given, "get_params"):
            model = deepcopy(self.given)
            if self._fits_intercept and not problem.intercept:
                model.fit_intercept = False
            return model
        from sklearn.base import clone

        model = clone(self.given)
        return model.set_params(fit_intercept=False) if self._fits_intercept and not problem.intercept else model
