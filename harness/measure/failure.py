"""What was raised, as a status and a line."""

from harness.errors import one_line, said_by
from harness.measure.isolation.ending import WorkerLostError
from harness.solvers.fit import NotAnAnswerError
from harness.solvers.status import Status, of_error
from harness.verify.objective import NotJudgedError


def failure(error: BaseException) -> tuple[Status, str]:
    """Status and line of whatever was raised."""
    if isinstance(error, NotJudgedError):
        return Status.UNSUPPORTED, one_line(str(error))
    if isinstance(error, WorkerLostError):
        return error.status, str(error)
    if isinstance(error, NotAnAnswerError):
        return Status.ERROR, one_line(str(error))
    line = said_by(error)
    if isinstance(error, MemoryError):
        return Status.OUT_OF_MEMORY, line.partition(": ")[2] or "the host's memory is exhausted"
    return of_error(said_by(error, whole=True)), line
