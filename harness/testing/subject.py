"""A solver under test: what it claims, and its fits on problems whose exact answers are known."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from unittest import SkipTest

import numpy as np

from harness.errors import unknown
from harness.measure.isolation import apart
from harness.measure.one_case import measure
from harness.measure.plan import single
from harness.measure.prepared import Outcome
from harness.problems.problem import Problem
from harness.solvers import catalog
from harness.solvers.brought.solver import Brought, solver_of
from harness.solvers.options import Options
from harness.solvers.solver import Kind, Solver, why_unsupported
from harness.solvers.status import Status
from harness.testing.failure import HIDDEN, CheckFailedError, failed, said
from harness.verify.expected_digits import Method, expected_digits

__tracebackhide__ = HIDDEN
ITERATIVE = "iterative"
METHODS = (*map(str, Method), ITERATIVE)
CLAIM = "least_squares_method"
"""The attribute by which a solver says what it is."""
UNSAID = Method.SVD
"""A solver that says nothing is asked for what the norm-wise stable methods have: the least of the stable ones."""


@dataclass(frozen=True)
class Subject:
    """`given`: what was brought, a name perhaps; `made`: the object itself; `solver`: the Solver made of it.

    `method`: its claim, None of an iterative one.
    """

    given: Any
    made: Any
    solver: Solver
    method: Method | None

    def options(self, dtype: str | None = None) -> Options:
        """Of its fits. Raises SkipTest where it takes no dtype and one is asked for."""
        if dtype is not None and "dtype" not in self.solver.takes:
            raise SkipTest(f"{self.solver.name} takes no dtype")
        return Options(dtype=dtype)

    def fit(self, problem: Problem, dtype: str | None = None) -> Outcome:
        """Fitted and verified; whatever happens is an Outcome. Raises SkipTest for what it says that it cannot fit."""
        outcome = measure(single(problem, self.solver, self.options(dtype)))
        if outcome.record.status is Status.UNSUPPORTED:
            raise SkipTest(outcome.record.message)
        return outcome

    def prepared(self, problem: Problem) -> Callable[[], Any]:
        """A call that fits the problem anew and returns the Fit; raises what the solver raises, SkipTest as `fit`."""
        case = single(problem, self.solver, self.options())
        reason = why_unsupported(self.solver, problem, case.options)
        if reason:
            raise SkipTest(reason)
        made = self.solver.prepare(problem, case.options)

        def fitted() -> Any:
            made.run()
            return made.fit()

        return fitted

    def fails(self, name: str, *seen: str, fault: str) -> CheckFailedError:
        """The error of a check by which the solver is at fault: what was seen, and why that is its `fault`."""
        lines = [f"{self.solver.name} fails {name}: {seen[0]}", *seen[1:], f"whose fault: the solver's. {fault}"]
        return said(lines, self.given, self.solver.name, name)

    def right(self, problem: Problem, name: str, dtype: str | None = None) -> None:
        """Raises AssertionError where the fit is wrong, or lacks digits that a solver of its method must have."""
        record = self.fit(problem, dtype).record
        least = None
        if self.method is not None:
            least = expected_digits(apart.shared().reference(problem), self.method, record.accuracy.dtype)
        had = np.array(record.accuracy.digits_by_term)
        short = least is not None and len(had) == len(least) and bool((had < least).any())
        unstable = self.method is Method.QR and record.accuracy.stable is False
        if record.status.failed or record.status is Status.NOT_CONVERGED or short or unstable:
            raise failed(self.given, name, problem, record, method=self.method, least=least)


def subject_of(given: object, method: str | None = None) -> Subject:
    """The subject of whatever is given. Raises UsageError for what is no solver, and for an unknown method."""
    solver = catalog.get(given) if isinstance(given, str) else solver_of(given)
    own = solver.source.given if isinstance(solver, Brought) else solver
    claim = method or getattr(own, CLAIM, None) or (ITERATIVE if solver.kind is Kind.ITERATIVE else UNSAID)
    if claim not in METHODS:
        raise unknown("method", str(claim), METHODS)
    if claim == ITERATIVE and isinstance(solver, Brought):
        solver.solver.kind = Kind.ITERATIVE  # type: ignore[misc]  # made for this subject, and nobody else's
    return Subject(given, own, solver, None if claim == ITERATIVE else Method(claim))
