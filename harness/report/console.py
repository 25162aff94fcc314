"""The two consoles: results on standard output, progress and errors on standard error."""

import sys
from typing import TextIO

from rich.console import Console

PLAIN_WIDTH = 100
"""Columns where no terminal says otherwise: logs and pipes."""


def _console(stream: TextIO) -> Console:
    """A console made anew: pipes and tests change what the standard streams are."""
    width = None if stream.isatty() else PLAIN_WIDTH
    return Console(file=stream, width=width, highlight=False, soft_wrap=False)


def out() -> Console:
    """Results."""
    return _console(sys.stdout)


def err() -> Console:
    """Progress and errors."""
    return _console(sys.stderr)
