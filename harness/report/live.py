"""A run as it goes: the case in flight, cases done, when it ends, how right and how fast the solvers are so far."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console

from harness.records.record import Record
from harness.report.live_lines import Clock, Lines, Log, Now, here, rough
from harness.report.tally import Tally


class Live:
    """An observer of `harness.measure.run.execute`: four lines on a terminal, in a log a line now and then.

    Nothing at all if `quiet`. `clock` counts seconds; `now` is the time of day, by which the end is said.
    """

    def __init__(
        self, console: Console, total: int, *, quiet: bool = False, clock: Clock = time.monotonic, now: Now = here
    ) -> None:
        self.tally, self.total = Tally(), total
        self._doing, self._steps = "starting", 0
        # A case is two steps: fitted and verified, then timed; so that the estimate moves in both.
        self.progress = Lines(console, 2 * total, self._around, self._count, quiet=quiet, clock=clock, now=now)
        self._log = Log(console, self.progress.elapsed_s, quiet=quiet)

    def __enter__(self) -> Self:
        """Show the lines."""
        self.progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the lines away, whatever happened."""
        self.progress.stop()

    def started(self, case: object) -> None:
        """A case is being fitted and verified; `case.key` says which."""
        self._doing = str(getattr(case, "key", case))
        self._log.maybe(self._logged)

    def fitted(self, record: Record) -> None:
        """A case has been verified."""
        self.tally.fitted(record)
        self._stepped()

    def sampling(self, cases: int) -> None:
        """So many cases are being timed in turn."""
        self._doing = f"timing {cases} case{'s' if cases != 1 else ''} in turn"
        self._log.maybe(self._logged)

    def ended(self, record: Record) -> None:
        """A case has ended."""
        self.tally.ended(record)
        self._stepped()

    def _stepped(self) -> None:
        self._steps += 1
        self.progress.done(self._steps)
        self._log.maybe(self._logged)

    def _around(self) -> tuple[list[str], list[str]]:
        return [self._doing], [self.tally.accuracy, self.tally.speed]

    def _count(self) -> str:
        return f"{self.tally.done}/{self.total} cases"

    def _logged(self) -> str:
        so_far = f"{self._count()} in {rough(self.progress.elapsed_s())}"
        return "; ".join(filter(None, (so_far, self.progress.end, f"now {self._doing}", self.tally.accuracy)))
