"""A worker process that begins while its parent still imports the harness, so that both import at the same time."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from harness.errors import CannotMeasureError
from harness.measure.isolation.data_file import DataFile
from harness.measure.isolation.process import WorkerProcess

CATALOG = "harness.solvers.catalog"
"""The module whose SOLVERS the cases of a command name."""

BY_THREADPOOLCTL = "KMP_DUPLICATE_LIB_OK"
"""What its import sets where it is not set, here as in the worker."""


class Begun:
    """A worker for the catalog's solvers with its file of problems, and what it has of this process."""

    def __init__(self) -> None:
        """Raises CannotMeasureError where no process can be started."""
        self.inherited = _inherited()
        self.data = DataFile()
        try:
            self.worker = WorkerProcess(CATALOG, self.data.descriptor)
        except CannotMeasureError:
            self.data.close()
            raise

    def end(self) -> None:
        """Nobody needs it."""
        self.worker.stop()
        self.data.close()


_waiting: list[Begun] = []


@contextmanager
def worker_begun(*, wanted: bool) -> Iterator[None]:
    """Inside, the first who needs a worker has one that began here, if it is `wanted`; else it is ended."""
    if wanted:
        with suppress(CannotMeasureError):  # whoever needs one says so
            _waiting.append(Begun())
    try:
        yield
    finally:
        while _waiting:
            _waiting.pop().end()


def taken(solvers: str) -> tuple[DataFile, WorkerProcess]:
    """The worker that began and its file of problems; new ones where none did, or this process has changed since.

    Raises CannotMeasureError where no process can be started.
    """
    if _waiting and solvers == CATALOG:
        begun = _waiting.pop()
        if begun.inherited == _inherited():
            return begun.data, begun.worker
        begun.end()
    data = DataFile()
    return data, WorkerProcess(solvers, data.descriptor)


def _inherited() -> tuple[dict[str, str], list[str], str]:
    """What a process has of its parent when it starts."""
    variables = {name: value for name, value in os.environ.items() if name != BY_THREADPOOLCTL}
    return variables, list(sys.path), os.getcwd()  # noqa: PTH109  # a Path costs more, and is not needed
