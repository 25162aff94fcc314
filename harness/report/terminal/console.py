"""The two consoles: results on standard output, progress and errors on standard error."""

import os
import re
import sys
from collections.abc import Iterator
from typing import TextIO

from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderHook
from rich.segment import Segment

from harness.report.render.text import visible

PLAIN_WIDTH = 100
"""Columns where neither a terminal nor COLUMNS says otherwise: logs and pipes."""
COMMAND = re.compile(r"^(\s*:)(?=:)|(##)(?=\[)", re.MULTILINE)
"""What GitHub's runner would take for a command of a step's output (actions/runner, ActionCommand.cs)."""
NO_COMMAND = "\u200b"


def console(stream: TextIO, width: int | None = None) -> Console:
    """A console made anew: pipes and tests change what the standard streams are. `width`: columns, where that is known.

    rich takes FORCE_COLOR for a terminal, in which lines can be drawn again: in a log a bar would be a thousand
    lines. Here it brings colours alone; NO_COLOR takes them away from both, and goes first.
    """
    terminal = stream.isatty()
    made = Console(
        file=stream,
        width=width or (None if terminal or os.environ.get("COLUMNS") else PLAIN_WIDTH),
        force_terminal=None if terminal else False,
        color_system="auto" if terminal else "standard" if os.environ.get("FORCE_COLOR") else None,
        force_jupyter=False,
        highlight=False,
        soft_wrap=False,
        emoji=False,
    )
    made.push_render_hook(_Inert())
    return made


def out() -> Console:
    """Results."""
    return console(sys.stdout)


def err() -> Console:
    """Progress and errors."""
    return console(sys.stderr)


def inert(text: str) -> str:
    """The text with nothing in it that a terminal, or on GitHub the runner, acts upon: names come from files."""
    seen = visible(text)
    if os.environ.get("GITHUB_ACTIONS") == "true":
        return COMMAND.sub(lambda found: (found[1] or found[2]) + NO_COMMAND, seen)
    return seen


class _Inert(RenderHook):
    """Everything that is printed, with its texts inert; rich's own colours are added after this."""

    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        return [_Printed(one) for one in renderables]


class _Printed:
    def __init__(self, renderable: ConsoleRenderable) -> None:
        self.renderable = renderable

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        for segment in console.render(self.renderable, options):
            yield segment if segment.control else Segment(inert(segment.text), segment.style)
