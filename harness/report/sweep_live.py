"""A sweep as it goes: what it is at, the epochs of all its trainings, when it ends."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console

from harness.report.live_lines import Clock, Lines, Log, Now, here, rough


class SweepLive:
    """An observer of `harness.sweep.run.execute`: two lines on a terminal, in a log a line now and then.

    What a person should know (`said`) is written whatever the console; of the rest nothing if `quiet`.
    """

    def __init__(
        self, console: Console, total: int, *, quiet: bool = False, clock: Clock = time.monotonic, now: Now = here
    ) -> None:
        """`total`: epochs of all trainings that are still to be done."""
        self.console, self.total, self.stored = console, total, 0
        self._doing, self._epochs = "starting", 0
        self.progress = Lines(console, total, self._around, self._count, quiet=quiet, clock=clock, now=now)
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

    def said(self, line: str) -> None:
        """A line above the bar."""
        self.console.print(line, markup=False, soft_wrap=True)

    def working(self, what: str) -> None:
        """What the sweep is at."""
        self._doing = what
        self._log.maybe(self._logged)

    def told(self, epochs: int) -> None:
        """So many epochs of the chunk in flight are done."""
        self._moved(self.stored + epochs)

    def ended(self, epochs: int) -> None:
        """A chunk of so many epochs is stored: trainings that diverged count as done."""
        self.stored += epochs
        self._moved(self.stored)

    def _moved(self, epochs: int) -> None:
        self._epochs = epochs
        self.progress.done(epochs)
        self._log.maybe(self._logged)

    def _around(self) -> tuple[list[str], list[str]]:
        return [self._doing], []

    def _count(self) -> str:
        return f"{self._epochs:.3g}/{self.total:.3g} epochs"

    def _logged(self) -> str:
        so_far = f"{self._count()} in {rough(self.progress.elapsed_s())}"
        return "; ".join(filter(None, (so_far, self.progress.end, f"now {self._doing}")))
