"""What a section of the page is made of: a sentence to conclude, figures and tables over rows.

A row is one flat mapping of JSON's kinds (text, number, true, null); numbers that are not finite are null. Rows that
have one of FILTERS are shown only where the reader's filters let them through, in every section alike; a row that has
none of them is always shown. The page keeps the rows, and draws figures and tables anew from those that are left.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.report.tables import column
from harness.report.tables.column import Kind

__all__ = ["CASE", "FILTERS", "Column", "Figure", "Kind", "Note", "Part", "Row", "Section", "Table"]

Row = Mapping[str, Any]
Column = column.Column[Row]
"""Of rows that are such mappings already."""

FILTERS = ("solver", "problem", "device", "n", "lr")
"""Keys of a row that the reader can filter by: two texts, the device (`cpu`, `cuda:0`), two numbers."""
CASE = "case"
"""The key of a row that names a case (`Record.case`): a click on the row shows that case in full."""


@dataclass(frozen=True)
class Table:
    """Rows under headings. `name` is unique on the page and in the CSV file's name; `caption` says what is counted."""

    name: str
    caption: str
    columns: Sequence[column.Column[Any]]
    rows: Sequence[Row]
    sort: str = ""
    """The key that it is sorted by at first, with `-` before it for descending; as given where empty."""


@dataclass(frozen=True)
class Figure:
    """A Vega-Lite specification over rows.

    `spec` has no data: the page and `harness plot` give it `rows` under the name "rows". `description` says in a
    sentence what is seen, for who cannot see it. `name` is unique on the page and what `harness plot` calls it.
    Of its `usermeta` the page knows `minWidth`, the pixels that it needs to be read (a phone scrolls it), and `half`,
    of a small figure that may stand beside another.
    """

    name: str
    title: str
    description: str
    spec: Mapping[str, Any]
    rows: Sequence[Row]


@dataclass(frozen=True)
class Note:
    """A paragraph of plain text between figures; never markup."""

    text: str


Part = Figure | Table | Note


@dataclass(frozen=True)
class Section:
    """One section. `conclusion`: what to conclude, computed from the evidence, in a sentence or two of plain text.

    `missing`: where the evidence lacks what it would be of, what is missing and the command that makes it; then
    there may be no parts.
    """

    id: str
    title: str
    conclusion: str
    parts: Sequence[Part] = field(default_factory=tuple)
    missing: str = ""
