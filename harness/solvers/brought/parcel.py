"""A solver that has no import path, as bytes for the project's own child process: made here, never written to disk."""

import inspect
import sys
from typing import Any

import cloudpickle

from harness.errors import UsageError
from harness.plugins import last_line_of
from harness.solvers.brought.origin import Source, is_importable
from harness.solvers.solver import Solver


def packed(solver: Solver, source: Source) -> bytes:
    """The solver with its origin, which the other process cannot find out. Raises UsageError where it has no bytes.

    What another process cannot import (a notebook, a test's module, a file) goes along by value.
    """
    source.origin  # noqa: B018  # it goes along
    for module in _modules_of(source.given):
        if not is_importable(module) and module in sys.modules and module != "__main__":
            cloudpickle.register_pickle_by_value(sys.modules[module])
    try:
        return bytes(cloudpickle.dumps(solver))
    except Exception as error:  # noqa: BLE001  # what is in it may refuse with anything
        raise UsageError(
            f"{solver.name} cannot go to a worker process ({last_line_of(error)}): give it a place "
            "(package.module:name), or measure with --in-process"
        ) from None


def unpacked(data: bytes) -> Solver:
    """The solver that was packed. Raises whatever its modules raise."""
    found: Solver = cloudpickle.loads(data)
    return found


def _modules_of(given: Any) -> set[str]:
    """The modules of an object's class and of its bases, or of a function; of each of several."""
    if isinstance(given, tuple):
        return set().union(*map(_modules_of, given))
    classes = inspect.getmro(given if inspect.isclass(given) else type(given))
    return {str(getattr(one, "__module__", "")) for one in (given, *classes)} - {"None", ""}
