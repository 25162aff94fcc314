"""A run as it goes: a progress bar with the case in flight and an estimate."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from harness.records.record import Record

CASE_WIDTH = 44


class Live:
    """An observer of `harness.run.execute`; without a terminal it writes a line per failure only."""

    def __init__(self, console: Console, total: int) -> None:
        self.console = console
        self.progress = Progress(
            TextColumn(f"{{task.description:<{CASE_WIDTH}}}", markup=False),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        # A case is two steps: fitted and verified, then timed; so that the estimate moves in both.
        self.task = self.progress.add_task("starting", total=2 * total)

    def __enter__(self) -> Self:
        """Show the bar."""
        self.progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the bar away, whatever happened."""
        self.progress.stop()

    def started(self, case: object) -> None:
        """A case is being fitted and verified; `case.key` says which."""
        key = str(getattr(case, "key", case))
        self.progress.update(self.task, description=key[:CASE_WIDTH], advance=1)

    def sampling(self, cases: int) -> None:
        """So many cases are being timed in turn."""
        self.progress.update(self.task, description=f"timing {cases} cases in turn")

    def ended(self, _record: Record) -> None:
        """A case has ended."""
        self.progress.update(self.task, advance=1)
