"""What a run comes to while it goes: how many cases ended badly, the worst digits, the fastest that is right."""

from collections import deque

from harness.records.record import Record, Status
from harness.report.tables import numbers as show
from harness.solvers.solver import Kind


class Tally:
    """Told of each record when it has been verified, and again, in the same order, when it has been timed."""

    def __init__(self) -> None:
        self.done = 0
        """Cases that have ended."""
        self.bad = 0
        """Cases that are wrong or ended without a result, of those that were verified."""
        self.worst: Record | None = None
        """The fewest digits: of a closed form where there is one, else of a training that converged.

        What a training lacks in epochs it lacks in digits, however right its solver is.
        """
        self._waiting: deque[Record] = deque()
        self._problem = ""
        self._right: list[Record] = []

    def fitted(self, record: Record) -> None:
        """A case has been verified; its time is not known yet."""
        self._waiting.append(record)
        self.bad += record.failed
        if _tells(record) and (self.worst is None or _order(record) < _order(self.worst)):
            self.worst = record

    def ended(self, record: Record) -> None:
        """A case has been timed: its status may be another than when it was verified."""
        before = self._waiting.popleft() if self._waiting else None
        self.bad += record.failed - (before is not None and before.failed)
        self.done += 1
        if record.problem != self._problem:
            self._problem, self._right = record.problem, []
        if record.status is Status.OK and record.fit_s is not None:
            self._right = sorted([*self._right, record], key=lambda one: one.fit_s or 0.0)[:2]

    @property
    def waiting(self) -> int:
        """Cases that are verified and still to be timed."""
        return len(self._waiting)

    @property
    def accuracy(self) -> str:
        """2 ended badly; worst 0.0 digits: sklearn, everyday. Empty while nothing is known."""
        bad = [f"{self.bad} ended badly"] if self.bad else []
        worst = self.worst
        least = [] if worst is None else [f"worst {worst.accuracy.digits:.1f} digits: {worst.label}, {worst.problem}"]
        return "; ".join(bad + least)

    @property
    def speed(self) -> str:
        """Of the problem timed last, the fastest whole fit that is right and the next: empty without one."""
        if not self._right:
            return ""
        best, *others = self._right
        ahead = [f", {show.ratio((o.fit_s or 0.0) / (best.fit_s or 1.0))} ahead of {_name(o)}" for o in others]
        return f"fastest {_name(best)} {show.seconds(best.fit_s)}{''.join(ahead)}: {self._problem}"


def _name(record: Record) -> str:
    rate = show.learning_rate(record)
    return record.label + f" lr {rate}" * bool(rate) + f" on {record.device}" * (record.device != "cpu")


def _tells(record: Record) -> bool:
    """Whether its digits say how right the solver is; NaN says nothing."""
    digits = record.accuracy.digits
    settled = record.status is Status.OK or record.failed
    return settled and digits is not None and digits == digits  # noqa: PLR0124  # not NaN


def _order(record: Record) -> tuple[bool, float]:
    return record.kind is not Kind.CLOSED_FORM, record.accuracy.digits or 0.0
