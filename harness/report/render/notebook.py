"""Tables in a notebook: small HTML, what failed first and marked by a sign as well as a colour.

Every text is escaped, there is no script and no style sheet: names come from people's files, and a notebook runs what
it is given. Colours are Okabe and Ito's (jfly.uni-koeln.de/color), and the page's own for everything else.
"""

from collections.abc import Iterator, Sequence
from html import escape
from typing import TypeVar

from harness.errors import counted
from harness.report.render.text import cell_style, cell_text
from harness.report.tables.column import Column, Kind

Row = TypeVar("Row")
MOST_ROWS = 60
"""As many as pandas shows (its option display.max_rows); the frame has the others."""
MARKS = {"green": ("✓", "#009E73"), "yellow": ("~", "#E69F00"), "red": ("✗", "#D55E00"), "bold red": ("✗", "#D55E00")}
"""Sign and colour of a word that is this colour on a console; any other has none."""


def table_html(title: str, columns: Sequence[Column[Row]], rows: Sequence[Row], notes: Sequence[str] = ()) -> str:
    """A table with its title as the caption; a status has its sign. Below are the notes, as a list."""
    shown, hidden = rows[:MOST_ROWS], len(rows) - MOST_ROWS
    head = "".join(f'<th scope="col" style="text-align:left">{escape(_head(column))}</th>' for column in columns)
    body = "".join(f"<tr>{''.join(_cells(columns, row))}</tr>" for row in shown)
    more = [f"and {counted(hidden, 'row')} more: the frame has them"] if hidden > 0 else []
    table = f"<table><caption>{escape(title)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    noted = [*notes[:MOST_ROWS], *([f"and {len(notes) - MOST_ROWS} more"] if len(notes) > MOST_ROWS else [])]
    items = "".join(f"<li>{escape(note)}</li>" for note in (*more, *noted))
    return f"<div>{table if rows else f'<p>{escape(title)}</p>'}{f'<ul>{items}</ul>' if items else ''}</div>"


def _head(column: Column[Row]) -> str:
    return column.heading or column.key


def _cells(columns: Sequence[Column[Row]], row: Row) -> Iterator[str]:
    for column in columns:
        text, sign = cell_text(column, row), ""
        mark = MARKS.get(cell_style(column, row)) if column.kind is Kind.STATUS else None
        if mark is not None:
            # The sign alone is coloured: as text these colours are too faint on white (WCAG 2.2, 1.4.3).
            sign = f'<span style="color:{mark[1]};font-weight:bold">{mark[0]}</span> '
        yield f'<td style="text-align:left">{sign}{escape(text)}</td>'
