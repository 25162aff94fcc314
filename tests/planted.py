"""Solvers that misbehave on purpose: each must end as the status that it earns."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from harness.problems.problem import Floats, Problem
from harness.solvers.closed_forms.closed_form import ClosedForm, ClosedFormPrepared
from harness.solvers.fit import Fit, fit_from_design, linear_fit
from harness.solvers.options import Options
from harness.solvers.status import Status

Solve = Callable[[Problem], Floats]


def exact_line(problem: Problem) -> Floats:
    """A right answer: intercept and coefficients by numpy's SVD."""
    X, y = problem.rows("train")
    beta: Floats = np.asarray(
        np.linalg.lstsq(np.column_stack([np.ones(len(X)), X]), y, rcond=None)[0], dtype=np.float64
    )
    return beta


@dataclass
class Planted(ClosedForm):
    """A closed form whose answer is `solve(problem)`, and whose rank is `rank` if it is said."""

    name: str
    solve: Solve
    rank: int | None = None
    title: str = "planted"
    requires: tuple[str, ...] = ()

    def prepare(self, problem: Problem, options: Options) -> ClosedFormPrepared[Floats]:
        return ClosedFormPrepared(
            lambda: self.solve(problem), lambda beta: fit_from_design(beta, problem.intercept, rank=self.rank)
        )


class Diverging(Planted):
    """A solver that says itself that it diverged."""

    def prepare(self, problem: Problem, options: Options) -> ClosedFormPrepared[Floats]:
        def read(beta: Floats) -> Fit:
            return linear_fit(beta[1:], beta[0], status=Status.DIVERGED, message="the loss reached inf in epoch 3")

        return ClosedFormPrepared(lambda: self.solve(problem), read)


def _raise(error: Exception) -> Solve:
    def solve(_problem: Problem) -> Floats:
        raise error

    return solve


def _mutate(problem: Problem) -> Floats:
    problem.X[:] = 0
    return exact_line(problem)


PLANTED: tuple[tuple[Planted, Status, str], ...] = (
    (Planted("right", exact_line), Status.OK, ""),
    (Planted("off_by_a_percent", lambda p: 1.01 * exact_line(p)), Status.WRONG, "excess loss"),
    (Planted("nan", lambda p: np.full(p.p + 1, np.nan)), Status.WRONG, "not finite"),
    (Planted("infinite", lambda p: np.full(p.p + 1, np.inf)), Status.WRONG, "not finite"),
    (Planted("another_rank", lambda p: exact_line(p) * (1 + 1e-5), rank=1), Status.WRONG, "rank 1"),
    (Planted("right_but_another_rank", exact_line, rank=1), Status.OK, "rank 1"),
    (Planted("raising", _raise(ValueError("no luck\nsecond line"))), Status.ERROR, "ValueError: no luck"),
    (Planted("raising_without_words", _raise(RuntimeError())), Status.ERROR, "RuntimeError"),
    (Planted("out_of_memory", _raise(MemoryError())), Status.OUT_OF_MEMORY, "memory"),
    (Planted("mutating", _mutate), Status.ERROR, "read-only"),
    (Planted("needs_a_library", exact_line, requires=("no_such_library",)), Status.UNSUPPORTED, "not installed"),
    (Diverging("diverging", exact_line), Status.DIVERGED, "inf in epoch 3"),
)
"""Solver, the status it must end as, and a part of the message."""
