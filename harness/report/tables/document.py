"""What is said of a subject besides its table: the same lines and tables in every medium that people read."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from harness.report.tables.column import Column

Row = TypeVar("Row")


@dataclass(frozen=True)
class Line:
    """A sentence; before it perhaps a `word` that says how something ended, whose colour is `style` or the word's.

    `unbroken`: it holds what people copy, so that a console leaves breaking it to the terminal.
    """

    text: str
    word: str = ""
    style: str = ""
    unbroken: bool = False


@dataclass(frozen=True)
class Table(Generic[Row]):
    """Columns over rows in groups, each with its title (empty: it has none).

    `title` is above all of it. `below`: what is said under a row; `of_group`:
    under a group's title. Texts that are too long for a console are folded,
    or cut unless `fold`. `in_parts`: all columns are worth the same, so none is left out where they do not fit.
    """

    columns: Sequence[Column[Row]]
    groups: Sequence[tuple[str, Sequence[Row]]]
    title: str = ""
    below: Callable[[Row], Sequence[Line]] | None = None
    of_group: Callable[[Sequence[Row]], Sequence[Line]] | None = None
    fold: bool = True
    in_parts: bool = False


@dataclass(frozen=True)
class Heading:
    """What the parts below it are about."""

    text: str


@dataclass(frozen=True)
class Paragraph:
    """Sentences that are no item of a list."""

    text: str


@dataclass(frozen=True)
class Code:
    """A script in Python, to be copied as it is."""

    text: str


@dataclass(frozen=True)
class Folded:
    """Lines that a page folds away under a summary; on a console, which has no room for them, `short` stands there."""

    summary: str
    lines: Sequence[Line]
    short: Sequence[Line] = ()


Part = Line | Table[Any] | Heading | Paragraph | Code | Folded


@dataclass(frozen=True)
class Document:
    """Parts, and what to conclude from them, which a console says last and a page first.

    `exit_code`: of the command that says it, which a page marks by a sign; None where nothing was judged.
    """

    parts: Sequence[Part]
    conclusion: Sequence[Line] = ()
    exit_code: int | None = None


def table_of(columns: Sequence[Column[Row]], rows: Sequence[Row], **more: Any) -> Table[Row]:
    """A table without groups; `more`: the other fields of Table."""
    return Table(columns, [("", rows)], **more)
