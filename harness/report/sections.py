"""A table in sections: one header, and under each group's title its rows, in columns of fixed width."""

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from rich.console import Console
from rich.markup import escape
from rich.table import Table


class Column(NamedTuple):
    """A column's header, width in characters and alignment."""

    name: str
    width: int
    justify: Literal["left", "right"] = "right"


def print_sections(
    console: Console, columns: Sequence[Column], groups: Iterable[tuple[str, Sequence[Sequence[str]]]]
) -> None:
    """Print the header, then each (title, rows); cells are rich markup, titles are escaped here."""
    console.print(_table(columns, [[f"[bold]{column.name}[/]" for column in columns]]))
    for title, rows in groups:
        console.print(f"[bold cyan]{escape(title)}[/]")
        console.print(_table(columns, rows))


def _table(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 1, 0, 0))
    for column in columns:
        table.add_column(width=column.width, justify=column.justify, no_wrap=True)
    for row in rows:
        table.add_row(*row)
    return table
