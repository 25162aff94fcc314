"""A problem on its way into another process: arrays in numpy's format, the rest as JSON, nothing pickled."""

import json
import os
import tempfile
from typing import IO, Any

import numpy as np

from harness.errors import CannotMeasureError
from harness.problems.problem import Problem, Split, Truth

ARRAYS = ("X", "y", "train", "val", "test", "weights")
TEXTS = ("name", "target", "intercept", "relation", "family", "title", "source", "spec")
MAPPINGS = ("units", "recipe", "parameters", "table")


class DataFile:
    """A file without a name that holds one problem at a time and is gone with the process that made it."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  # closed by close
        # Workers get a descriptor of their own, which cannot be written to.
        self.descriptor = os.open(f"/proc/self/fd/{self._file.fileno()}", os.O_RDONLY | os.O_CLOEXEC)
        self.held: Problem | None = None

    def hold(self, problem: Problem) -> None:
        """Put a problem in the place of the one before, unless it is there. Raises CannotMeasureError as `write`."""
        if self.held is not problem:
            self.held = None
            self.write(problem)
            self.held = problem

    def write(self, problem: Problem) -> None:
        """Put a problem in the place of the one before. Raises CannotMeasureError where there is no room."""
        try:
            self._file.seek(0)
            self._file.truncate()
            write_problem(problem, self._file)
            self._file.flush()
        except OSError as error:
            raise CannotMeasureError(
                f"{problem.label} cannot be handed to a worker process by a file in {tempfile.gettempdir()}: "
                f"{error.strerror or error}; make room, or set TMPDIR"
            ) from None

    def close(self) -> None:
        """Let go of it, and with it of the data."""
        os.close(self.descriptor)
        self._file.close()


def write_problem(problem: Problem, file: IO[bytes]) -> None:
    """Write a problem where the file is. Raises OSError where there is no room."""
    split = problem.split
    weights = np.empty(0) if problem.weights is None else problem.weights
    np.save(file, np.frombuffer(_described(problem), dtype=np.uint8), allow_pickle=False)
    for array in (problem.X, problem.y, split.train, split.val, split.test, weights):
        np.save(file, array, allow_pickle=False)


def read_problem(descriptor: int) -> Problem:
    """The problem that the file holds. Raises ValueError where it holds none."""
    with open(descriptor, "rb", closefd=False) as file:
        file.seek(0)
        return problem_in(file)


def problem_in(file: IO[bytes]) -> Problem:
    """The problem that was written where the file is. Raises ValueError where there is none."""
    read: dict[str, Any] = json.loads(np.load(file, allow_pickle=False).tobytes())
    X, y, train, val, test, weights = (np.load(file, allow_pickle=False) for _ in ARRAYS)
    truth = read.pop("truth")
    return Problem(
        X=X,
        y=y,
        split=Split(train, val, test),
        weights=weights if len(weights) else None,
        features=tuple(read.pop("features")),
        truth=truth and Truth(tuple(truth["coef"]), truth["intercept"], truth["origin"]),
        left_out=tuple(map(tuple, read.pop("left_out"))),
        notes=tuple(read.pop("notes")),
        **{**read, **{of: {name: _tuples(value) for name, value in read[of].items()} for of in ("recipe", "table")}},
    )


def _described(problem: Problem) -> bytes:
    truth = problem.truth
    read: dict[str, object] = {name: getattr(problem, name) for name in TEXTS}
    read |= {name: dict(getattr(problem, name)) for name in MAPPINGS}
    read |= {name: list(getattr(problem, name)) for name in ("features", "left_out", "notes")}
    read["truth"] = truth and {"coef": list(truth.coef), "intercept": truth.intercept, "origin": truth.origin}
    return json.dumps(read).encode()


def _tuples(value: object) -> object:
    """JSON has lists where options have tuples."""
    return tuple(value) if isinstance(value, list) else value
