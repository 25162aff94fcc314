"""A subject as the rows that the page keeps and draws its tables from."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from harness.report.tables.column import Column

Row = TypeVar("Row")


def page_rows(
    columns: Sequence[Column[Row]], rows: Iterable[Row], filters: Callable[[Row], Mapping[str, Any]] | None = None
) -> list[dict[str, Any]]:
    """The columns' values by key; before them what `filters` gives of a row, by which the reader filters it."""
    return [
        {**(filters(row) if filters is not None else {}), **{column.key: column.of(row) for column in columns}}
        for row in rows
    ]
