"""The file that problems are handed over in: made before the harness is imported, of which it needs nothing then."""

import os
import tempfile
from typing import TYPE_CHECKING

from harness.errors import CannotMeasureError

if TYPE_CHECKING:
    from harness.problems.problem import Problem


class DataFile:
    """A file without a name that holds one problem at a time and is gone with the process that made it."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  # closed by close
        # Workers get a descriptor of their own, which cannot be written to.
        self.descriptor = os.open(f"/proc/self/fd/{self._file.fileno()}", os.O_RDONLY | os.O_CLOEXEC)
        self.held: Problem | None = None

    def hold(self, problem: "Problem") -> None:
        """Put a problem in the place of the one before, unless it is there. Raises CannotMeasureError as `write`."""
        if self.held is not problem:
            self.held = None
            self.write(problem)
            self.held = problem

    def write(self, problem: "Problem") -> None:
        """Put a problem in the place of the one before. Raises CannotMeasureError where there is no room."""
        try:
            self._file.seek(0)
            self._file.truncate()
            from harness.measure.isolation.data import write_problem

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
