"""Somebody's function f(X, y) that returns coefficients, or a statistical model's class that is called like one."""

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from harness.problems.problem import Problem
from harness.solvers.brought.answers import ONES, design_for, read_answer
from harness.solvers.brought.estimator import kind_of, weights_of
from harness.solvers.brought.unwritten import Unwritten
from harness.solvers.closed_forms.closed_form import ClosedForm, ClosedFormPrepared
from harness.solvers.fit import Fit
from harness.solvers.options import Options

TARGETS, DESIGNS = ("endog", "dependent"), ("exog",)
"""What statsmodels and linearmodels call y and X in their models' constructors."""


def is_model_class(given: Any) -> bool:
    """Whether it is a class of models that hold their data: Model(endog, exog).fit() gives the results."""
    if not (inspect.isclass(given) and callable(getattr(given, "fit", None))):
        return False
    try:
        names = list(inspect.signature(given).parameters)
    except (TypeError, ValueError):
        return False
    return len(names) > 1 and names[0] in TARGETS and names[1] in DESIGNS


def fitted_model(model: Callable[..., Any], X: Any, y: Any, **weights: Any) -> Any:
    """The results of a statistical model over a design (n, k)."""
    return model(y, X, **weights).fit()


class Function(ClosedForm):
    """`call(X, y)`, with the rows' weights where one of its parameters is called `sample_weight` or `weights`.

    Where the problem has an intercept, X has a column of ones in front, unless the function says by its attribute
    `adds_intercept = True` that it makes its own: it then returns the intercept first, or (coefficients, intercept).
    """

    requires: tuple[str, ...] = ()

    def __init__(self, call: Callable[..., Any], name: str) -> None:
        """`call`: a function, any other callable, or a class of statistical models (`is_model_class`)."""
        self.call = call
        self.name = name
        lines = (inspect.getdoc(call) or "").splitlines()
        self.title = lines[0] if lines else name
        self.kind = kind_of(call)
        self._is_model = is_model_class(call)
        self._weights = weights_of(call)
        self.weighted = self._weights is not None
        self._adds_intercept = bool(getattr(call, "adds_intercept", False))

    def unsupported(self, problem: Problem, options: Options) -> str | None:
        """An intercept of its own, on a problem that has none."""
        if not problem.intercept and self._adds_intercept:
            return f"{self.name} adds an intercept (its adds_intercept is True), and this problem has none"
        return None

    def prepare(self, problem: Problem, options: Options) -> ClosedFormPrepared[Any]:
        """Builds the design; the timed work is the call."""
        ones = problem.intercept and not self._adds_intercept
        X, y = design_for(problem, str(options.dtype), ones=ones)
        weights = {} if self._weights is None or problem.weights is None else {self._weights: problem.training_weights}
        unwritten = Unwritten(self.name, X, y)
        call, is_model = self.call, self._is_model

        def solve() -> tuple[Any]:
            try:
                return (fitted_model(call, X, y, **weights) if is_model else call(X, y, **weights),)
            except np.linalg.LinAlgError as error:
                if not ones:
                    raise
                raise np.linalg.LinAlgError(f"{error} ({ONES})") from error

        def read(answer: tuple[Any]) -> Fit:
            unwritten.check()
            return read_answer(answer[0], problem, self.name, ones=ones)

        return ClosedFormPrepared(solve, read)
