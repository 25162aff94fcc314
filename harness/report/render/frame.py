"""A subject as the columns of a pandas frame, and texts as cells of a CSV file that a spreadsheet may open."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from harness.report.tables.column import Column, Kind

if TYPE_CHECKING:
    import pandas as pd

Row = TypeVar("Row")
DTYPES: Mapping[Kind, str] = {Kind.WHOLE: "Int64", Kind.BYTES: "Int64"}
"""Whole numbers may be missing too; words are objects, all other numbers float64."""
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What a cell begins with that a spreadsheet takes for a formula (OWASP, CSV Injection)."""


def dtype_of(column: Column[Row]) -> str:
    """The pandas dtype of the column, whatever is missing in it."""
    return "object" if column.kind.is_text else DTYPES.get(column.kind, "float64")


def series_by_key(columns: Sequence[Column[Row]], rows: Sequence[Row]) -> dict[str, "pd.Series[Any]"]:
    """Each column's values (len(rows),) by key; None is missing, NaN among floats, <NA> among whole numbers."""
    import pandas as pd

    return {column.key: pd.Series([column.of(row) for row in rows], dtype=dtype_of(column)) for column in columns}


def inert_cell(text: str) -> str:
    """The text; behind an apostrophe where a spreadsheet would take it for a formula, as OWASP advises."""
    return "'" + text if text.lstrip(" ").startswith(FORMULA) else text
