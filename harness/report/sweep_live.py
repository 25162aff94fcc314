"""A sweep as it goes: a progress bar over the epochs of all its trainings."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

WHAT_WIDTH = 48


class _Epochs(ProgressColumn):
    """Epochs done of all, a training's each counted: 1.2e+06/2.5e+06 epochs."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.completed:.3g}/{task.total or 0:.3g} epochs")


class SweepLive:
    """An observer of `harness.sweep.execute`; without a terminal it writes what a person should know, and no bar."""

    def __init__(self, console: Console, total: int) -> None:
        """`total`: epochs of all trainings that are still to be done."""
        self.console, self.stored = console, 0
        self.progress = Progress(
            TextColumn(f"{{task.description:<{WHAT_WIDTH}}}", markup=False),
            BarColumn(bar_width=20),
            _Epochs(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self.task = self.progress.add_task("starting", total=total)

    def __enter__(self) -> Self:
        """Show the bar."""
        self.progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the bar away, whatever happened."""
        self.progress.stop()

    def said(self, line: str) -> None:
        """A line above the bar."""
        self.console.print(line, markup=False, soft_wrap=True)

    def working(self, what: str) -> None:
        """What the sweep is at."""
        self.progress.update(self.task, description=what[:WHAT_WIDTH])

    def told(self, epochs: int) -> None:
        """So many epochs of the chunk in flight are done."""
        self.progress.update(self.task, completed=self.stored + epochs)

    def ended(self, epochs: int) -> None:
        """A chunk of so many epochs is stored: trainings that diverged count as done."""
        self.stored += epochs
        self.progress.update(self.task, completed=self.stored)
