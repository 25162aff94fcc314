"""What a command is at while nobody knows how long it takes: a spinner on a terminal, now and then a line of a log."""

import time
from contextlib import nullcontext
from typing import Self

from rich.console import Console
from rich.markup import escape

from harness.report.terminal.live_lines import Clock, Log, animated, rough


class Working:
    """Used as `rich.console.Console.status` is; nothing at all if `quiet`. `clock` counts seconds."""

    def __init__(self, console: Console, what: str, *, quiet: bool = False, clock: Clock = time.monotonic) -> None:
        self._shown = console.status(escape(what)) if animated(console) and not quiet else None
        self._clock, self._began = clock, clock()
        self._log = Log(console, self.elapsed_s, quiet=quiet)

    def elapsed_s(self) -> float:
        """Seconds since it began."""
        return self._clock() - self._began

    def update(self, what: str) -> None:
        """What it is at now."""
        if self._shown is not None:
            self._shown.update(escape(what))
        self._log.maybe(lambda: f"{rough(self.elapsed_s())}: {what}")

    def __enter__(self) -> Self:
        """Show it."""
        (self._shown or nullcontext()).__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        """Take it away, whatever happened."""
        if self._shown is not None:
            self._shown.stop()
