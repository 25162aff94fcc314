"""A cell as text, for every medium that people read as it is, and the colour of a word."""

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from harness.report.tables import numbers as show
from harness.report.tables.column import Column, Kind

Row = TypeVar("Row")

_TEXTS: Mapping[Kind, Callable[[Any], str]] = {
    Kind.NUMBER: lambda value: f"{value:.4g}",
    Kind.SECONDS: show.seconds,
    Kind.BYTES: show.size,
    Kind.RATIO: show.ratio,
    Kind.DIGITS: lambda value: show.fixed(value, 1),
    Kind.SMALL: show.power,
}
STYLES: Mapping[str, str] = {
    **dict.fromkeys(("ok", "improvement", "converged", "reproduced", "cured", "no", "not there", "fine"), "green"),
    **dict.fromkeys(("same bits", "within rounding"), "green"),
    **dict.fromkeys(("known finding", "other formula"), "yellow"),
    **dict.fromkeys(("not_converged", "undecided", "censored", "reached", "not_reproducible"), "yellow"),
    **dict.fromkeys(("unsupported", "unchanged", "absent", "unknown", "not_run", "not run"), "dim"),
    **dict.fromkeys(("yes", "not as said", "not_reproduced", "doubtful"), "bold red"),
    "note": "cyan",
}
"""Of the words that say how something ended; any other is red."""


CONTROLS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""What a terminal acts upon, or shows a line in another order for: ECMA-48's controls but the line feed, and Unicode
Annex 9's bidirectional ones."""
REPLACEMENT = "\ufffd"


def visible(text: str) -> str:
    """The text with U+FFFD for each control: names come from files, and messages from solvers."""
    return CONTROLS.sub(REPLACEMENT, text)


def cell_text(column: Column[Row], row: Row) -> str:
    """The cell in plain text: a missing number is a dash, a missing word nothing."""
    if callable(column.text):
        return column.text(row)
    value = column.of(row)
    if value is None:
        return "" if column.kind.is_text else show.NONE
    return format(value, column.text) if column.text else _TEXTS.get(column.kind, str)(value)


def cell_style(column: Column[Row], row: Row) -> str:
    """The cell's colour as rich names it: the row's, else that of a word that says how something ended."""
    own = "" if column.style is None else column.style(row)
    if own or column.kind is not Kind.STATUS:
        return own
    word = column.of(row)
    return "" if word is None else style_of(word)


def style_of(word: str) -> str:
    """The colour of a word that says how something ended; of several, as `reached 1e-4`, where the first is known."""
    return STYLES.get(word) or STYLES.get(word.partition(" ")[0], "red")
