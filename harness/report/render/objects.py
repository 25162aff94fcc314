"""A subject as JSON's objects, for other programs; what JSON cannot write (NaN, an infinity) is null."""

import json
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from harness.files.strict_json import finite
from harness.report.tables.column import Column

Row = TypeVar("Row")


def objects(columns: Sequence[Column[Row]], rows: Iterable[Row]) -> list[dict[str, Any]]:
    """An object a row: the columns' values by key."""
    return [{column.key: column.of(row) for column in columns} for row in rows]


def object_of(columns: Sequence[Column[Row]], row: Row | None) -> dict[str, Any] | None:
    """The one row's object; None of none."""
    return None if row is None else objects(columns, [row])[0]


def dumps(value: object, *, indent: int | None = None) -> str:
    """Strict JSON, non-finite numbers null."""
    return json.dumps(finite(value), allow_nan=False, indent=indent)
