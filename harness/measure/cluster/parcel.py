"""Cases on their way to another machine: the problem by its numbers, the solver by its name or by its code."""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import lru_cache
from io import BytesIO

from harness.measure.isolation.data import problem_in, write_problem
from harness.measure.plan import Case
from harness.problems.problem import Problem
from harness.solvers import catalog
from harness.solvers.brought.origin import source_of
from harness.solvers.brought.parcel import packed, unpacked
from harness.solvers.options import Options
from harness.solvers.solver import Solver


@dataclass(frozen=True)
class Parcel:
    """Cases of one problem: its bytes, and a solver and options each."""

    problem: bytes
    solvers: tuple[str | bytes, ...]
    options: tuple[Options, ...]

    def cases(self) -> list[Case]:
        """What was sent. Raises whatever the modules of a brought solver raise."""
        problem = _problem(self.problem)
        return [Case(problem, _solver(sent), options) for sent, options in zip(self.solvers, self.options, strict=True)]


def parcel(cases: Sequence[Case]) -> Parcel:
    """The cases, which are of one problem. Raises UsageError for a solver that cannot be sent."""
    return Parcel(
        _written(cases[0].problem), tuple(_sent(case.solver) for case in cases), tuple(case.options for case in cases)
    )


def _sent(solver: Solver) -> str | bytes:
    """The name of one of the catalog's; else its code, since its file may not be there on another machine."""
    source = source_of(solver)
    if source is None:
        return solver.name
    nowhere = replace(source, spec="")
    alike = copy(solver)
    object.__setattr__(alike, "source", nowhere)
    return packed(alike, nowhere)


def _solver(sent: str | bytes) -> Solver:
    return catalog.get(sent) if isinstance(sent, str) else unpacked(sent)


class _Last:
    """The problem that was written last, for the many parts of one sweep."""

    problem: Problem | None = None
    data = b""


def _written(problem: Problem) -> bytes:
    if _Last.problem is not problem:
        file = BytesIO()
        write_problem(problem, file)
        _Last.problem, _Last.data = problem, file.getvalue()
    return _Last.data


@lru_cache(maxsize=1)
def _problem(data: bytes) -> Problem:
    """The same object for the same numbers: what a worker process has been told it is not told again."""
    return problem_in(BytesIO(data))
