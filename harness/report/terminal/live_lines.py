"""What a run and a sweep show while they go: lines that fit the terminal, or now and then a line of a log."""

import time
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from rich.console import Console, RenderableType
from rich.progress import Progress
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from harness.report.terminal.console import inert

Clock = Callable[[], float]
Now = Callable[[], datetime]

PERIOD_S = 3600.0
"""The estimate is of the last hour's speed: cases of one problem come in bursts, of a size that differs by problem."""
LOG_EVERY_S = 10.0
LOG_SHARE = 0.1
"""A line of a log comes after 10 s, and then after a tenth of the time so far: six in the first minute, some 40 in an
hour, so that a log shows that it goes on and can still be read."""
LEAST_BAR, LONGEST_BAR = 5, 40
MINUTE_S, HOUR_S = 60, 3600


def here() -> datetime:
    """The time by the clock of the wall, in the zone of this machine."""
    return datetime.now().astimezone()


def animated(console: Console) -> bool:
    """Whether lines can be drawn again in their place."""
    return console.is_terminal and not console.is_dumb_terminal


def rough(seconds: float) -> str:
    """A duration as people say it: 41 s, 4 min, 1 h 20 min."""
    if seconds < 1.5 * MINUTE_S:
        return f"{seconds:.0f} s"
    minutes = round(seconds / MINUTE_S)
    if seconds < HOUR_S:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


class Lines(Progress):
    """A task of so many steps, with lines above and below its bar; nothing where `quiet` or no terminal.

    `around` gives the lines above and those below, which are cut off at the terminal's width, whatever it is
    by then; `count` says how much is done.
    """

    def __init__(
        self,
        console: Console,
        total: float,
        around: Callable[[], tuple[list[str], list[str]]],
        count: Callable[[], str],
        *,
        quiet: bool = False,
        clock: Clock = time.monotonic,
        now: Now = here,
    ) -> None:
        self._around, self._count, self._now = around, count, now
        self._ends_at: datetime | None = None
        super().__init__(
            console=console,
            transient=True,
            disable=quiet or not animated(console),
            get_time=clock,
            speed_estimate_period=PERIOD_S,
        )
        self.step = self.add_task("", total=total)

    def of(self, steps: float) -> None:
        """There are so many steps now."""
        self.update(self.step, total=steps)

    def done(self, steps: float) -> None:
        """So many steps are done by now."""
        self.update(self.step, completed=steps)
        left_s = self.tasks[0].time_remaining
        if left_s is not None:
            self._ends_at = self._now() + timedelta(seconds=left_s)

    @property
    def end(self) -> str:
        """When it ends by the clock, and in how long; empty while nobody can tell."""
        if self._ends_at is None:
            return ""
        now = self._now()
        left_s = max(0.0, (self._ends_at - now).total_seconds())
        day = "" if self._ends_at.date() == now.date() else "%a "
        clock = self._ends_at.strftime(day + ("%H:%M:%S" if left_s < HOUR_S / 6 else "%H:%M"))
        return f"ends {clock}, in {rough(left_s)}"

    def elapsed_s(self) -> float:
        """Seconds since it began."""
        return self.tasks[0].elapsed or 0.0

    def get_renderables(self) -> Iterable[RenderableType]:
        """The lines above, the bar with what stands beside it, the lines below."""
        if not self.tasks:
            return
        above, below = self._around()
        yield from map(_line, above)
        yield self._bar()
        yield from map(_line, filter(None, below))

    def _bar(self) -> Table:
        ending = "  ".join(filter(None, (self._count(), self.end)))
        room = self.console.width - len(ending) - 2
        grid = Table.grid(padding=(0, 1))
        text = Text(ending, no_wrap=True, overflow="ellipsis")
        if room < LEAST_BAR:
            grid.add_row(text)
        else:
            task = self.tasks[0]
            grid.add_row(ProgressBar(task.total, task.completed, width=min(room, LONGEST_BAR)), text)
        return grid


class Log:
    """Lines on a console that is no terminal, further and further apart."""

    def __init__(self, console: Console, elapsed_s: Callable[[], float], *, quiet: bool = False) -> None:
        """`elapsed_s`: seconds since it began."""
        self._console, self._elapsed_s = console, elapsed_s
        self._off = quiet or animated(console)
        self._next_s = LOG_EVERY_S

    def maybe(self, line: Callable[[], str]) -> None:
        """Write a line, if it is time for one."""
        elapsed_s = self._elapsed_s()
        if not self._off and elapsed_s >= self._next_s:
            self._next_s = elapsed_s + max(LOG_EVERY_S, LOG_SHARE * elapsed_s)
            self._console.print(line(), markup=False, soft_wrap=True)


def _line(text: str) -> Text:
    # What is drawn live does not pass the console's own hook, which makes texts inert.
    return Text(inert(text), no_wrap=True, overflow="ellipsis")
