"""Properties of a solver that no number of digits says: what it refuses, what it leaves as it was, what agrees."""

import inspect
import pickle
import re
from copy import deepcopy
from typing import Any
from unittest import SkipTest

import numpy as np

from harness.measure.isolation import apart
from harness.problems.problem import Floats, Problem
from harness.solvers.brought.unwritten import WroteToItsDataError
from harness.solvers.fit import Fit
from harness.solvers.status import Status
from harness.testing.data import with_other_target, with_value
from harness.testing.failure import HIDDEN
from harness.testing.subject import Subject
from harness.verify.backward_error import explained

__tracebackhide__ = HIDDEN
REFUSED = re.compile(
    r"singular|rank|collinear|dependen|full column|invert|underdetermined|more .*than|at least", re.IGNORECASE
)
"""In what a solver raises that will not fit dependent columns."""


def right_or_refused(subject: Subject, name: str, problem: Problem) -> None:
    """The least loss is reached, or what is raised says why not."""
    record = subject.fit(problem).record
    if record.status is Status.ERROR and REFUSED.search(record.message):
        return
    subject.right(problem, name)


def refused(subject: Subject, name: str, problem: Problem, *, value: float, in_y: bool = False) -> None:
    """An exception, or predictions of which none is a number: NaN in, NaN out."""
    fitted = subject.prepared(with_value(problem, value, in_y=in_y))
    try:
        fit = fitted()
        predicted = fit.predict(problem.X)
    except Exception:  # noqa: BLE001  # any refusal is one
        return
    if not np.isnan(predicted).all():
        text = f"it fitted data with {value} in {'y' if in_y else 'X'}"
        had = f"its coefficients: {_few(fit)}"
        fault = "No coefficients are right for a value that is not there."
        raise subject.fails(name, text, had, fault=fault)


def input_not_modified(subject: Subject, name: str, problem: Problem) -> None:
    """What it was given is the same after a fit."""
    try:
        subject.prepared(problem)()
    except WroteToItsDataError as error:
        fault = "The caller's data are not its to change: it copies what it changes."
        raise subject.fails(name, str(error), fault=fault) from None


def two_fits_agree(subject: Subject, name: str, problem: Problem) -> None:
    """The same data give the same fitted values, also after a fit of other data, by the same estimator too."""
    changed = with_other_target(problem)
    fitted, other = subject.prepared(problem), subject.prepared(changed)
    before = fitted().predict(problem.X)
    fresh = other().predict(problem.X)
    _agree(subject, name, problem, before, fitted().predict(problem.X), "a second fit of the same data")
    if _is_estimator(subject.made):
        again = _fitted(subject, problem).fit(changed.X.copy(), changed.y.copy()).predict(problem.X)
        _agree(subject, name, changed, fresh, again, "an estimator that was fitted to other data before")


def pickles(subject: Subject, name: str, problem: Problem) -> None:
    """A fitted estimator survives pickle."""
    model = _fitted(subject, problem)
    try:
        read = pickle.loads(pickle.dumps(model))  # noqa: S301  # bytes made on the same line
    except Exception as error:  # noqa: BLE001  # whatever it raises, it does not pickle
        text = f"{type(error).__name__}: {error}"
        fault = "A fitted estimator goes to other processes, and to disk, by pickle."
        raise subject.fails(name, text, fault=fault) from None
    _agree(subject, name, problem, model.predict(problem.X), read.predict(problem.X), "a pickled and read fit")


def clones(subject: Subject, name: str, problem: Problem) -> None:
    """A clone of a fitted estimator has its parameters and fits the same."""
    if not hasattr(subject.made, "get_params"):
        raise SkipTest(f"{subject.solver.name} has no get_params")
    from sklearn.base import clone

    before = repr(subject.made.get_params())
    model = _fitted(subject, problem)
    copy = clone(model)
    if repr(model.get_params()) != before or repr(copy.get_params()) != before:
        text = f"its parameters are {model.get_params()} after fit, {before} before"
        fault = "fit changes no parameter, so that a clone is what it is a clone of."
        raise subject.fails(name, text, fault=fault)
    again = copy.fit(problem.X.copy(), problem.y.copy()).predict(problem.X)
    _agree(subject, name, problem, model.predict(problem.X), again, "a clone")


def _fitted(subject: Subject, problem: Problem) -> Any:
    """An estimator's copy, fitted. Raises SkipTest for what is none."""
    if not _is_estimator(subject.made):
        raise SkipTest(f"{subject.solver.name} is no estimator with fit and predict")
    model = deepcopy(subject.made)
    return model.fit(problem.X.copy(), problem.y.copy())


def _is_estimator(given: Any) -> bool:
    return not inspect.isclass(given) and hasattr(given, "fit") and hasattr(given, "predict")


def _agree(subject: Subject, name: str, problem: Problem, before: Floats, after: Floats, what: str) -> None:
    """Fitted values that differ by no more than rounding: of data moved within it, twice (Higham 2002, thm 20.1)."""
    known = apart.shared().reference(problem)
    scale = float(np.linalg.norm(problem.y)) * known.condition_number
    allowed = 2 * explained(known, "float64") * scale
    if np.shape(after) == np.shape(before) and float(np.linalg.norm(after - before)) <= allowed:
        return
    moved = float(np.max(np.abs(np.subtract(after, before)))) if np.shape(after) == np.shape(before) else float("nan")
    text = f"the fitted values of {what} are up to {moved:.1e} away"
    fault = "Something of an earlier fit is left in the next one."
    raise subject.fails(name, text, fault=fault)


def _few(fit: Fit) -> str:
    return "none" if fit.coef is None else ", ".join(f"{value:.3g}" for value in fit.coef[:5])
