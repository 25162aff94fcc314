"""Tables on a console of any width: where it is too narrow, what matters least is left out, and nothing is torn.

A table in sections has one header, and under each group's title its rows.
"""

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Literal, NamedTuple

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text


class Column(NamedTuple):
    """A column's header, width in characters and alignment.

    `width` 0 is that of its longest text. On a console that is too narrow the column may shrink to `least`
    characters (0: it may not); then columns go, those with the largest `spare` first (0: it stays).
    """

    name: str
    width: int = 0
    justify: Literal["left", "right"] = "right"
    spare: int = 0
    least: int = 0


def print_sections(
    console: Console, columns: Sequence[Column], groups: Iterable[tuple[str, Sequence[Sequence[str]]]]
) -> None:
    """Print the header, then each (title, rows); cells are rich markup, titles are escaped here."""
    kept = fitting(columns, console.width)
    console.print(_table(kept, [_heads(columns)], fold=False))
    for title, rows in groups:
        console.print(f"[bold cyan]{escape(title)}[/]")
        console.print(_table(kept, rows, fold=False))


def print_rows(
    console: Console, columns: Sequence[Column], rows: Sequence[Sequence[str]], *, fold: bool = True
) -> None:
    """Print the header and the rows of one table; columns that shrink `fold` their texts, or cut them; markup."""
    kept = fitting(natural(columns, rows), console.width)
    console.print(_table(kept, chain([_heads(columns)], rows), fold=fold))


def row_of(console: Console, columns: Sequence[Column], cells: Sequence[str]) -> Table:
    """One row of a table whose rows are printed one by one, with what belongs to each between them."""
    return _table(fitting(columns, console.width), [cells], fold=True)


def heads_of(console: Console, columns: Sequence[Column]) -> Table:
    """The header of such a table."""
    return row_of(console, columns, _heads(columns))


def natural(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> list[Column]:
    """The columns with the width of their longest text where none is said."""
    texts = [*rows, [column.name for column in columns]]
    return [
        column if column.width else column._replace(width=max(Text.from_markup(row[i]).cell_len for row in texts))
        for i, column in enumerate(columns)
    ]


def fitting(columns: Sequence[Column], room: int) -> dict[int, Column]:
    """The columns that fit into so many characters, a space between them, by their places; narrower where need be."""
    kept = dict(enumerate(columns))
    while _total(least(one) for one in kept.values()) > room and any(one.spare for one in kept.values()):
        del kept[max(kept, key=lambda i: kept[i].spare)]
    while _total(one.width for one in kept.values()) > room:
        place = max(kept, key=lambda i: kept[i].width - least(kept[i]))
        if kept[place].width <= least(kept[place]):
            break  # rich cuts what cannot fit
        kept[place] = kept[place]._replace(width=kept[place].width - 1)
    return kept


def least(column: Column) -> int:
    """How narrow it may be."""
    return min(column.least, column.width) if column.least else column.width


def _total(widths: Iterable[int]) -> int:
    each = list(widths)
    return sum(each) + len(each) - 1


def _heads(columns: Sequence[Column]) -> list[str]:
    return [f"[bold]{escape(column.name)}[/]" for column in columns]


def _table(kept: dict[int, Column], rows: Iterable[Sequence[str]], *, fold: bool) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 1, 0, 0))
    for column in kept.values():
        shrinks = fold and column.least > 0
        table.add_column(
            width=column.width, justify=column.justify, no_wrap=not shrinks, overflow="fold" if shrinks else "ellipsis"
        )
    for row in rows:
        table.add_row(*(row[i] for i in kept))
    return table
