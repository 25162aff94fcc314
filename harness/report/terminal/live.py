"""A run or a sweep as it goes: what is in flight, what is done, when it ends."""

import time
from functools import cached_property
from typing import Self

from rich.console import Console

from harness.errors import counted
from harness.records.observer import Observer
from harness.records.record import Record
from harness.report.terminal.live_lines import Clock, Lines, Log, Now, here, rough
from harness.report.terminal.tally import Tally


class _Live(Observer):
    """Lines on a terminal, in a log a line now and then; nothing at all if `quiet`, but what is `noted`."""

    each = 1
    """Steps of the bar for one of what is counted."""

    def __init__(
        self, console: Console, total: int, *, quiet: bool = False, clock: Clock = time.monotonic, now: Now = here
    ) -> None:
        """`total`: of what is counted; `clock` counts seconds; `now` is the time of day, by which the end is said."""
        self.console, self.total, self._doing, self._steps = console, total, "starting", 0
        self.progress = Lines(console, self.each * total, self._around, self._count, quiet=quiet, clock=clock, now=now)
        self._log = Log(console, self.progress.elapsed_s, quiet=quiet)

    def __enter__(self) -> Self:
        """Show the lines."""
        self.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Take the lines away, whatever happened."""
        self.progress.stop()

    def noted(self, line: str) -> None:
        """A line above the bar, whatever the console."""
        self.console.print(line, markup=False, soft_wrap=True)

    def working(self, what: str) -> None:
        """What is in flight."""
        self._doing = what
        self._log.maybe(self._logged)

    def _moved(self, steps: int) -> None:
        self._steps = steps
        self.progress.done(steps)
        self._log.maybe(self._logged)

    def _around(self) -> tuple[list[str], list[str]]:
        """The lines above and below the bar."""
        return [self._doing], []

    def _count(self) -> str:
        raise NotImplementedError

    def _logged(self) -> str:
        so_far = f"{self._count()} in {rough(self.progress.elapsed_s())}"
        return "; ".join(filter(None, (so_far, self.progress.end, f"now {self._doing}", *self._around()[1][:1])))


class Live(_Live):
    """Of a run: the case in flight, cases done of `total`, how right and how fast the solvers are so far."""

    each = 2  # fitted and verified, then timed; so that the estimate moves in both

    @cached_property
    def tally(self) -> Tally:
        """What the cases come to."""
        return Tally()

    def fitted(self, record: Record) -> None:
        """A case has been verified."""
        self.tally.fitted(record)
        self._moved(self._steps + 1)

    def ended(self, record: Record) -> None:
        """A case has ended."""
        self.tally.ended(record)
        self._moved(self._steps + 1)

    def _around(self) -> tuple[list[str], list[str]]:
        return [self._doing], [self.tally.accuracy, self.tally.speed]

    def _count(self) -> str:
        waiting = f", {self.tally.waiting} to be timed" if self.tally.waiting else ""
        return f"{self.tally.done}/{counted(self.total, 'case')}{waiting}"


class SweepLive(_Live):
    """Of a sweep: the chunk in flight, and the epochs of all its trainings; `total`: those still to be done."""

    _stored = 0

    def trained(self, epochs: int) -> None:
        """So many epochs of the chunk in flight are done."""
        self._moved(self._stored + epochs)

    def stored(self, epochs: int) -> None:
        """A chunk of so many epochs is stored: trainings that diverged count as done."""
        self._stored += epochs
        self._moved(self._stored)

    def more(self, epochs: int) -> None:
        """The grid was extended."""
        self.total += epochs
        self.progress.of(self.total)

    def _count(self) -> str:
        return f"{self._steps:.3g}/{self.total:.3g} epochs"
