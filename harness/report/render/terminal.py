"""Documents on a console of any width: where it is too narrow, what matters least is left out, and nothing is torn."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple, TypeVar

from rich import cells
from rich.console import Console
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text

from harness.report.render.text import STYLES, cell_style, cell_text
from harness.report.tables.column import Column
from harness.report.tables.document import Code, Document, Folded, Heading, Line, Paragraph, Part, Table, table_of

Row = TypeVar("Row")
Cell = tuple[str, str]
"""Text and colour."""

INDENT = 4
"""Characters before what is said below a row."""


class Width(NamedTuple):
    """Characters that a column has, the fewest that it may have, and when it goes: the largest `spare` first."""

    width: int
    least: int
    spare: int = 0


def print_document(console: Console, document: Document) -> None:
    """Print the parts, then what to conclude."""
    print_parts(console, (*document.parts, *document.conclusion))


def print_parts(console: Console, parts: Iterable[Part]) -> None:
    """Print tables, lines, and in short what a page folds away."""
    for part in parts:
        if isinstance(part, Table):
            print_table(console, part)
        elif isinstance(part, Folded):
            print_parts(console, part.short)
        elif isinstance(part, Code):
            console.print(Text(part.text), soft_wrap=True)
        else:
            console.print(_line(part), soft_wrap=isinstance(part, Line) and part.unbroken)


def print_table(console: Console, table: Table[Row]) -> None:
    """Print the title, the header once, then each group's title with its rows under it."""
    if table.title:
        console.print(Text(table.title, style="bold cyan"))
    if table.in_parts:
        for part in _parts(table, console.width):
            print_table(console, part)
        return
    table = _shortened(table, console.width)
    heads = _heads(table)
    rows = [[_cells(table, row) for row in members] for _, members in table.groups]
    kept = fit(_widths(table, [heads, *(one for members in rows for one in members)]), console.width)
    console.print(_grid(table, kept, [heads]))
    for (title, members), found in zip(table.groups, rows, strict=True):
        if title:
            console.print(Text(title, style="bold cyan"))
        for line in table.of_group(members) if table.of_group is not None else ():
            console.print(_line(line))
        _print_rows(console, table, kept, members, found)


def fit(widths: Sequence[Width], room: int) -> dict[int, int]:
    """The columns that fit into `room` characters, a space between them: their widths by their places."""
    kept = dict(enumerate(widths))
    while _total(one.least for one in kept.values()) > room and any(one.spare for one in kept.values()):
        del kept[max(kept, key=lambda i: kept[i].spare)]
    while _total(one.width for one in kept.values()) > room:
        place = max(kept, key=lambda i: kept[i].width - kept[i].least)
        if kept[place].width <= kept[place].least:
            break  # rich cuts what cannot fit
        kept[place] = kept[place]._replace(width=kept[place].width - 1)
    return {place: one.width for place, one in kept.items()}


def _shortened(table: Table[Row], room: int) -> Table[Row]:
    """The table with as many of its columns in short as it takes to fit, as far as that goes."""
    members = [row for _, rows in table.groups for row in rows]
    columns = list(table.columns)
    for place in sorted((i for i, one in enumerate(columns) if one.short), key=lambda i: -columns[i].spare):
        now = replace(table, columns=columns)
        if _total(one.width for one in _widths(now, [_heads(now), *(_cells(now, row) for row in members)])) <= room:
            break
        columns[place] = replace(columns[place], text=columns[place].short)
    return replace(table, columns=columns)


def _total(widths: Iterable[int]) -> int:
    each = list(widths)
    return sum(each) + len(each) - 1


def _widths(table: Table[Row], rows: Sequence[Sequence[Cell]]) -> list[Width]:
    natural = [max(cells.cell_len(row[i][0]) for row in rows) for i in range(len(table.columns))]
    return [
        Width(width, min(column.least or width, width), column.spare)
        for column, width in zip(table.columns, natural, strict=True)
    ]


def _print_rows(
    console: Console, table: Table[Row], kept: dict[int, int], members: Sequence[Row], rows: Sequence[Sequence[Cell]]
) -> None:
    """Rows in one grid up to the next of which something is said below it."""
    start = 0
    for i, row in enumerate(members):
        lines = table.below(row) if table.below is not None else ()
        if lines or i == len(members) - 1:
            console.print(_grid(table, kept, rows[start : i + 1]))
            start = i + 1
        for line in lines:
            console.print(Padding(_line(line), (0, 0, 0, INDENT)))


def _parts(table: Table[Row], room: int) -> Iterator[Table[Row]]:
    """The table in parts whose columns fit beside the first, one at least."""
    rows = [row for _, members in table.groups for row in members]
    label, *widths = _widths(table, [_heads(table), *(_cells(table, row) for row in rows)])
    room -= min(label.width, max(label.least, room // 3))
    first, *others = table.columns
    part: list[Column[Row]] = []
    left = room
    for column, one in zip(others, widths, strict=True):
        if part and one.width + 1 > left:
            yield table_of([first, *part], rows)
            part, left = [], room
        part.append(column)
        left -= one.width + 1
    yield table_of([first, *part], rows)


def _heads(table: Table[Row]) -> list[Cell]:
    return [(column.heading, "bold") for column in table.columns]


def _cells(table: Table[Row], row: Row) -> list[Cell]:
    return [(cell_text(column, row), cell_style(column, row)) for column in table.columns]


def _grid(table: Table[Row], kept: dict[int, int], rows: Iterable[Sequence[Cell]]) -> Grid:
    grid = Grid(box=None, pad_edge=False, show_header=False, padding=(0, 1, 0, 0))
    for i, width in kept.items():
        folds = table.fold and table.columns[i].least > 0
        grid.add_column(width=width, no_wrap=not folds, overflow="fold" if folds else "ellipsis")
    for row in rows:
        grid.add_row(*(_cell(table.columns[i], *row[i], width) for i, width in kept.items()))
    return grid


def _cell(column: Column[Row], text: str, style: str, width: int) -> Text:
    """Numbers are padded here: rich would drop the trailing space by which points stay below each other."""
    padded = text if column.kind.is_text else " " * (width - cells.cell_len(text)) + text
    return Text(padded, style=style)


def _line(line: Line | Heading | Paragraph) -> Text:
    if not isinstance(line, Line):
        return Text(line.text, style="bold" if isinstance(line, Heading) else "")
    if not line.word:
        return Text(line.text, style=line.style)
    word = (line.word, line.style or STYLES.get(line.word, "red"))
    return Text.assemble(word, " ", line.text) if line.text else Text.assemble(word)
