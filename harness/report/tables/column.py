"""What a table is made of: columns, each of which says once what it holds, for every medium."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Generic, TypeVar

Row = TypeVar("Row")
Outer = TypeVar("Outer")


class Kind(StrEnum):
    """How a value is written, aligned, sorted and typed in a frame: always by its value, never by its text."""

    TEXT = "text"
    NUMBER = "number"
    WHOLE = "whole"
    SECONDS = "seconds"
    BYTES = "bytes"
    RATIO = "ratio"
    DIGITS = "digits"
    SMALL = "small"
    """A number that is best read as a power of ten: an excess loss, a backward error."""
    STATUS = "status"
    """How something ended (a status, a verdict): a word with a colour, and on the page with a sign as well."""
    CODE = "code"
    LINK = "link"
    """An address of the web; on the page a link that is called by its last part."""
    FINDING = "finding"
    """Ids of findings; on the page a link to the section that has them."""

    @property
    def is_text(self) -> bool:
        """Whether it is words, flush left; all else is numbers, flush right."""
        return self in (Kind.TEXT, Kind.STATUS, Kind.CODE, Kind.LINK, Kind.FINDING)


@dataclass(frozen=True)
class Column(Generic[Row]):
    """One column of a subject's table.

    `key`: its name in JSON, in frames and in the page's rows. `title`: its heading on the page, and in lower case on
    a console and in Markdown, unless `head` is another one there. `help`: what it is, in a sentence; every column of
    a frame has one. `value`: what it is of a row, or the dotted path that leads to it, `key` unless said: of
    attributes, and of entries where something on it is a mapping; None is missing, and so is all behind it. `text`:
    how a person reads it, or the format of its number, where the way of its kind (`harness.report.render.text`) is not
    right. `style`: the row's colour as rich names it, where it is not that of the word.

    On a console that is too narrow texts are first read as `short` has them, column by column; then columns shrink to
    `least` characters (0: they do not); then they go, always those with the largest `spare` first (0: it stays).
    """

    key: str
    title: str = ""
    kind: Kind = Kind.TEXT
    help: str = ""
    value: Callable[[Row], Any] | str = ""
    text: Callable[[Row], str] | str | None = None
    short: Callable[[Row], str] | None = None
    style: Callable[[Row], str] | None = None
    head: str | None = None
    spare: int = 0
    least: int = 0

    def of(self, row: Row) -> Any:
        """Its value of the row; None where that is missing."""
        if callable(self.value):
            return self.value(row)
        found: Any = row
        for name in (self.value or self.key).split("."):
            if found is None:
                break
            found = found.get(name) if isinstance(found, Mapping) else getattr(found, name)
        return found

    @property
    def heading(self) -> str:
        """Its heading on a console and in Markdown."""
        return (self.title or self.key).lower() if self.head is None else self.head


def by_key(*columns: Column[Row]) -> dict[str, Column[Row]]:
    """A subject's columns by their keys. Raises ValueError if two have the same."""
    found = {column.key: column for column in columns}
    if len(found) < len(columns):
        raise ValueError(f"a key is there twice among {', '.join(column.key for column in columns)}")
    return found


def pick(columns: Mapping[str, Column[Row]], keys: str) -> tuple[Column[Row], ...]:
    """The columns that a medium shows, in its order; `keys` has spaces between them. Raises KeyError."""
    return tuple(columns[key] for key in keys.split())


def attributes(paths: str) -> tuple[Column[Any], ...]:
    """Columns of a row's attributes, for JSON: by their dotted paths with spaces between them, keyed by the last name.

    `name=path` is keyed by another name.
    """
    named = [(name, path or name) for name, _, path in (one.partition("=") for one in paths.split())]
    return tuple(Column(name.rpartition(".")[2], value=path) for name, path in named)


def within(column: Column[Row], part: Callable[[Outer], Row], **changed: Any) -> Column[Outer]:
    """The column of a row that is a part of another row; `changed`: its other fields where they differ there."""
    text, style = column.text, column.style
    moved: dict[str, Any] = {
        "value": lambda outer: column.of(part(outer)),
        "text": (lambda outer: text(part(outer))) if callable(text) else text,
        "style": None if style is None else lambda outer: style(part(outer)),
    }
    return replace(column, **(moved | changed))  # type: ignore[return-value]  # of another row from here on
