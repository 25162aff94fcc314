"""The accuracy tables on a console: solvers by problems, the cells that are not fine, the bars."""

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from harness.judge.studies.bars import Bar, not_fine
from harness.records.record import Record, Status
from harness.report import numbers as show
from harness.report.accuracy_cells import (
    NOT_FINE,
    Cell,
    Row,
    Sheet,
    footing,
    heading,
    label_of,
    ranks,
    reasons,
    tabulate,
    words,
)
from harness.report.sections import Column, print_rows

SHOWN = 15
CELL = 5
"""Two digits, the point, one more, the mark; the mark's place is the gap to the next column."""
LEAST_LABEL = 20
LONGEST_NAME = 31
"""The longest solver with its arithmetic; a longer problem is cut, not the words beside it."""
_NOT_FINE = {
    column.name: column
    for column in (
        Column("problem", 0, "left", least=10),
        Column("solver", 0, "left", least=10),
        Column("digits"),
        Column("backward", spare=1),
        Column("rank", spare=2),
    )
}
NOT_FINE_HEADS = tuple(_NOT_FINE)
_STYLES = {Status.OK: "default", Status.RANK_DEFICIENT: "yellow", Status.UNSUPPORTED: "dim"}
_VERDICTS = {True: "green", False: "red", None: "dim"}


def print_accuracy(console: Console, records: Sequence[Record], sheets: Sequence[Sheet], quantity: str) -> None:
    """A table a sheet, in parts where it is wider than the console, each solver a row, worst first."""
    console.print(escape(heading(quantity)))
    for sheet in sheets:
        console.print(f"[bold cyan]{escape(sheet.title)}[/]")
        longest = max((len(label_of(record)) for record in records), default=0) + 1
        for part in _fitting(sheet, console.width, longest):
            _print_sheet(console, part, tabulate(records, part, quantity), longest)
    for line in footing(records, quantity):
        console.print(f"[dim]{escape(line)}[/]")


def print_not_fine(console: Console, records: Sequence[Record], *, everything: bool) -> None:
    """A line a cell that is not fine, worst first, the first of them unless `everything`."""
    found = not_fine(records)
    if not found:
        return
    console.print(f"[bold cyan]{NOT_FINE}[/]")
    lines = [_line(record) for record in (found if everything else found[:SHOWN])]
    # Every width is said: left to itself rich takes the room of the numbers for the words at the end.
    widths = [min(max(map(len, cells)), LONGEST_NAME) for cells in zip(NOT_FINE_HEADS, *lines, strict=True)]
    room = console.width - sum(widths) - len(widths)
    columns = [_NOT_FINE[name]._replace(width=width) for name, width in zip(NOT_FINE_HEADS, widths, strict=True)]
    columns.append(Column("why", max(room, LEAST_LABEL), "left"))
    rows = [
        (*map(escape, line), f"[{style_of(record.status)}]{escape(words(record))}[/]")
        for record, line in zip(found, lines, strict=False)
    ]
    print_rows(console, columns, rows, fold=False)
    if len(found) > SHOWN and not everything:
        console.print(f"and {len(found) - SHOWN} more: --all")


def _line(record: Record) -> tuple[str, ...]:
    accuracy = record.accuracy
    numbers = (show.fixed(accuracy.digits, 1), show.power(accuracy.backward_error), ranks(record))
    return record.problem, label_of(record), *numbers


def print_bars(console: Console, bars: Sequence[Bar], records: Sequence[Record]) -> None:
    """Each bar with its worst cell, then why solvers are missing."""
    for bar in bars:
        on = f" ({bar.problems} problems)" if bar.problems else ""
        console.print(f"[{_VERDICTS[bar.held]}]{bar.verdict}[/] {escape(bar.name + on)}")
        if bar.worst:
            console.print(f"  worst: {escape(bar.worst)}")
    for reason in reasons(records):
        console.print(f"[dim]unsupported[/] {escape(reason)}")


def _fitting(sheet: Sheet, width: int, label: int) -> Iterator[Sheet]:
    """The sheet in parts whose columns fit beside the label; one column at least."""
    room = width - min(label, max(LEAST_LABEL, width // 3))
    columns: list[tuple[str, str]] = []
    for column in sheet.columns:
        if columns and sum(_width(head) for _, head in (*columns, column)) > room:
            yield Sheet(sheet.title, tuple(columns))
            columns = []
        columns.append(column)
    yield Sheet(sheet.title, tuple(columns))


def _width(head: str) -> int:
    return max(len(head) + 1, CELL)


def _print_sheet(console: Console, sheet: Sheet, rows: Sequence[Row], label: int) -> None:
    """Cells are padded here: rich drops the trailing space that keeps the points below each other."""
    widths = [_width(head) for _, head in sheet.columns]
    room = max(console.width - sum(widths), 1)
    table = Table(box=None, padding=0, pad_edge=False, show_header=False)
    table.add_column(width=min(label, room), overflow="fold")
    for width in widths:
        table.add_column(width=width, no_wrap=True)
    heads = [f"[bold]{escape((head + ' ').rjust(w))}[/]" for (_, head), w in zip(sheet.columns, widths, strict=True)]
    table.add_row("[bold]solver[/]", *heads)
    for row in rows:
        table.add_row(escape(row.label), *map(_styled, row.cells, widths))
    console.print(table)


def _styled(cell: Cell, width: int) -> str:
    text = escape((cell.text + (cell.mark or " ")).rjust(width))
    style = "yellow" if cell.mark and cell.status is Status.OK else style_of(cell.status)
    return f"[{style}]{text}[/]"


def style_of(status: Status | None) -> str:
    """The colour of a status in these tables: most cells are ok, and plain."""
    return "default" if status is None else _STYLES.get(status, "red")
