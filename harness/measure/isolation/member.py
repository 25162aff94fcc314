"""A case of the group that is measured together, and what has come of it so far."""

from dataclasses import dataclass

from harness.measure.again import Again
from harness.measure.isolation.messages import Answer, with_changes
from harness.measure.isolation.process import WorkerProcess
from harness.measure.plan import Case
from harness.measure.recording import again_record, failed_record, timed_record
from harness.records.record import Record, Samples, Status


@dataclass
class Member:
    """A case of the group, its record so far, and the worker in which it is prepared (None: in none).

    `timed`: whether there is something to time; `alone`: whether it is timed by itself, since it disturbs others.
    `retried`: whether it was tried again in a worker of its own, after what another solver may have been to blame for.
    """

    key: int
    case: Case
    record: Record
    timed: bool = False
    alone: bool = False
    retried: bool = False
    worker: WorkerProcess | None = None

    def failed(self, status: Status, message: str) -> None:
        """It went wrong when it was called again."""
        self.record, self.timed = failed_record(self.record, status, f"while it was timed: {message}"), False

    def sampled(self, samples: Samples, again: Again, answer: Answer) -> None:
        """It has been timed, and asked again."""
        record = again_record(timed_record(self.record, samples, answer.clocks_hz), again)
        self.record = with_changes(record, answer.changed)

    def is_suspect(self, served: set[int]) -> bool:
        """Whether its worker has served another case, whose solver an error may be the fault of: asked once."""
        suspect = not self.retried and bool(served - {self.key})
        self.retried |= suspect
        return suspect
