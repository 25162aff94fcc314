"""What a case is judged by: the exact answer to its problem, and the exact optimum of what was trained."""

from collections.abc import Mapping
from typing import Any

from harness.problems.problem import Problem
from harness.solvers.training.trained import Trained
from harness.verify.least_absolute import LeastAbsolute
from harness.verify.objective import Objective, chosen, least_squares, solve
from harness.verify.reference import Reference
from harness.verify.reference_cache import computed, content_of, decoded, encoded, reference_of

Wire = Mapping[str, Any]
"""Part of a truth as JSON."""


class KeptAnswerWarning(UserWarning):
    """An exact answer that was kept on disk is not believed."""


class Truths:
    """Where exact answers come from: `Here`, a process of their own (harness.measure.isolation.apart), or `Given`."""

    def reference(self, problem: Problem) -> Reference:
        """The exact answer to a problem. Raises ValueError if the data are not finite."""
        raise NotImplementedError

    def solved(self, problem: Problem, trained: Trained) -> Reference | LeastAbsolute | None:
        """The exact optimum of what was trained, as harness.verify.objective.solve has it."""
        raise NotImplementedError

    def note(self, problem: Problem) -> str:
        """What a person should know of how the exact answer came about, said once; empty for nothing."""
        del problem
        return ""

    def close(self) -> None:
        """End what was started."""

    def of(self, problem: Problem, trained: Trained | None) -> tuple[Reference, Objective]:
        """Both. Raises ValueError if the data are not finite."""
        known = self.reference(problem)
        if trained is None:
            return known, least_squares(known)
        return known, chosen(problem, known, trained, self.solved(problem, trained))


class Here(Truths):
    """Worked out in this process, and kept: for a process in which no solver runs."""

    def __init__(self) -> None:
        self._references: dict[str, Reference] = {}
        self._solved: dict[tuple[str, Trained], Reference | LeastAbsolute | None] = {}

    def reference(self, problem: Problem) -> Reference:
        """Work it out, once for the same numbers."""
        if problem.sha256 not in self._references:
            self._references[problem.sha256] = computed(problem)
        return self._references[problem.sha256]

    def solved(self, problem: Problem, trained: Trained) -> Reference | LeastAbsolute | None:
        """Work it out, once for the last problem."""
        key = problem.sha256, trained
        if key not in self._solved:
            self._solved = {other: found for other, found in self._solved.items() if other[0] == problem.sha256}
            self._solved[key] = solve(problem, self.reference(problem), trained)
        return self._solved[key]


class Given(Truths):
    """Told by the parent: for a worker, in which solvers run and nothing exact is worked out."""

    def __init__(self) -> None:
        self._reference: Wire = {}
        self._known: Reference | None = None
        self._solved: Wire = {}

    def give(self, reference: Wire) -> None:
        """Of the next problem, as `wire_of` has it, or why there is none."""
        self._reference, self._known, self._solved = reference, None, {}

    def give_solved(self, solved: Wire) -> None:
        """Of the next case."""
        self._solved = solved

    def reference(self, problem: Problem) -> Reference:
        """Of the problem that was given last."""
        del problem
        if self._known is None:
            self._known = reference_from(self._reference)
        return self._known

    def solved(self, problem: Problem, trained: Trained) -> Reference | LeastAbsolute | None:
        """Of the case that was given last."""
        del problem, trained
        return solved_from(self._solved)


def wire_of(known: Reference) -> dict[str, Any]:
    """A Reference as JSON."""
    return {"reference": content_of(known)}


def reference_from(wire: Wire) -> Reference:
    """What `wire_of` made JSON of. Raises ValueError with its words where it says why there is none."""
    _raise(wire)
    return reference_of(wire["reference"])


def solved_wire(solved: Reference | LeastAbsolute | None) -> dict[str, Any]:
    """The exact optimum of what was trained, as JSON."""
    if isinstance(solved, LeastAbsolute):
        return {"least_absolute": {name: encoded(value) for name, value in vars(solved).items()}}
    return {} if solved is None else wire_of(solved)


def solved_from(wire: Wire) -> Reference | LeastAbsolute | None:
    """What `solved_wire` made JSON of. Raises ValueError with its words where it says why there is none."""
    _raise(wire)
    if "least_absolute" in wire:
        return LeastAbsolute(**{name: decoded(value) for name, value in wire["least_absolute"].items()})
    return reference_from(wire) if wire else None


def _raise(wire: Wire) -> None:
    if "failed" in wire:
        raise (MemoryError if wire["memory"] else ValueError)(wire["failed"])


def failed_wire(error: Exception) -> dict[str, Any]:
    """Why there is no exact answer, as JSON."""
    named = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
    return {"failed": named, "memory": isinstance(error, MemoryError)}
