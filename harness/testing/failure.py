"""What a failed check says: digits had and wanted, the backward error, whose fault it is, and how to do it again."""

import inspect
import sys
from operator import methodcaller
from typing import Any

import numpy as np

from harness.measure.isolation import apart
from harness.problems.problem import Floats, Problem
from harness.records.record import Record
from harness.solvers.status import Status
from harness.verify.backward_error import explained
from harness.verify.expected_digits import Method, expected_digits
from harness.verify.reference import Reference


class CheckFailedError(AssertionError):
    """A check that failed; its text is for a person."""


HIDDEN = methodcaller("errisinstance", CheckFailedError)
"""Of __tracebackhide__: pytest shows no frames of ours for a check that failed, whose text says all."""


def failed(
    given: Any, check: str, problem: Problem, record: Record, *, method: Method | None, least: Floats | None
) -> CheckFailedError:
    """The error of a fit that is not as it must be. `least`: digits by term that a solver of `method` must have."""
    known, accuracy, solver = apart.shared().reference(problem), record.accuracy, record.solver
    how = "too few digits" if record.status is Status.OK else record.status.value
    lines = [f"{solver} fails {check}: {how} on {problem.label}"]
    lines += [record.message] if record.message else []
    if accuracy.digits is not None:
        lines.append(_digits(record, least, method))
    if accuracy.backward_error is not None:
        rounding = explained(known, accuracy.dtype)
        lines.append(f"backward error: {accuracy.backward_error:.1e}; rounding explains up to {rounding:.1e}")
    lines.append(f"whose fault: {whose_fault(record, known, method)}")
    return said(lines, given, solver, check)


def said(lines: list[str], given: Any, solver: str, check: str) -> CheckFailedError:
    """The error of those lines, with the ones that do it again without pytest."""
    again = (f"  {line}" for line in reproduce(given, solver, check))
    return CheckFailedError("\n  ".join([*lines, "without pytest:", *again]))


def raised(error: Exception, given: Any, solver: str, check: str) -> CheckFailedError:
    """The error of a solver that raised where it was to answer."""
    lines = str(error).strip().splitlines()
    first = f"{solver} fails {check}: {type(error).__name__}: {lines[0] if lines else ''}"
    return said([first, "whose fault: the solver's. It did not answer."], given, solver, check)


def _digits(record: Record, least: Floats | None, method: Method | None) -> str:
    """Of the term that lacks most; of the worst one where none lacks any."""
    had = np.array(record.accuracy.digits_by_term)
    wanted = np.zeros(len(had)) if least is None else least
    term = int(np.argmin(had - wanted)) if (had < wanted).any() else int(np.argmin(had))
    name = record.solution.terms[term] if record.solution else f"coefficient {term}"
    text = f"digits: {had[term]:.1f} of {name}"
    if least is None or method is None:
        return text
    promised = f"must have {wanted[term]:.1f}" if wanted[term] else "is promised none by these data"
    return f"{text}, where a solver by {method.value} {promised}"


def whose_fault(record: Record, known: Reference, method: Method | None) -> str:
    """Whether the solver, its claim, its settings or the data have to answer for it, in a sentence."""
    accuracy = record.accuracy
    condition = f"condition number {known.condition_number:.0e}"
    if record.status is Status.NOT_CONVERGED:
        return "the settings'. It stopped before the optimum: more iterations or a smaller tolerance."
    if record.status.failed and record.status is not Status.WRONG:
        return "the solver's. It did not answer."
    if method in (Method.QR, Method.SVD) and _squared(record, known):
        explain = f"Normal equations explain it ({condition}, squared)"
        return f"the claim's. {explain}: claim 'normal_equations', or solve by QR."
    if known.full_rank and accuracy.stable is not True:
        return f"the solver's. The data determine every coefficient ({condition}), and rounding explains no such error."
    if known.full_rank:
        return f"the solver's. Its loss is not the least, though rounding would explain its coefficients ({condition})."
    return "the solver's. The coefficients are not determined, the least loss is, and it is not reached."


def _squared(record: Record, known: Reference) -> bool:
    """Whether a fit that is not wrong is what normal equations must have, and its backward error what they may have.

    They may have as much as the condition number times what rounding explains (Higham 2002, sec. 20.4).
    """
    accuracy = record.accuracy
    if record.status.failed or accuracy.digits is None:
        return False
    had, values = np.array(accuracy.digits_by_term), known.scaled_singular[1]
    moved = accuracy.backward_error or 0.0
    by_condition = moved * values[-1] <= explained(known, accuracy.dtype) * values[0]
    enough = bool((had >= expected_digits(known, Method.NORMAL_EQUATIONS, accuracy.dtype)).all())
    return by_condition and enough


def reproduce(given: Any, solver: str, check: str) -> list[str]:
    """Lines of Python that do it again without pytest, as far as text can say how the solver is made."""
    line = "from harness.testing import check"
    if isinstance(given, str):
        return [line, f'check("{given}", "{check}")']
    defined = given if inspect.isroutine(given) or inspect.isclass(given) else type(given)
    module, name = getattr(defined, "__module__", ""), defined.__qualname__
    if "<" in name or module in ("", "__main__", "builtins"):
        return [line, f'check({solver}, "{check}")  # {solver} of {module}']
    text = name if defined is given else " ".join(repr(given).split())
    parts = dict.fromkeys([defined, *_classes_in(given)])
    imports = "; ".join(f"from {_public(one)} import {one.__qualname__.partition('.')[0]}" for one in parts)
    return [imports, line, f'check({text}, "{check}")']


def _classes_in(given: Any) -> list[Any]:
    """The classes of an estimator's parameters, which its text names."""
    if not hasattr(given, "get_params") or inspect.isclass(given):
        return []
    found = [type(value) for value in given.get_params().values()]
    return [one for one in found if one.__module__ != "builtins" and f"{one.__name__}(" in repr(given)]


def _public(defined: Any) -> str:
    """The module to import from: the one above private modules, where that has it too."""
    module, name = defined.__module__, defined.__qualname__
    while module.rpartition(".")[2].startswith("_"):
        module = module.rpartition(".")[0]
    return str(module if getattr(sys.modules.get(module), name, None) is defined else defined.__module__)
