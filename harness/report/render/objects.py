"""A subject as JSON's objects, for other programs; what JSON cannot write (NaN, an infinity) is null."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from harness.report.tables.column import Column

Row = TypeVar("Row")


def objects(columns: Sequence[Column[Row]], rows: Iterable[Row]) -> list[dict[str, Any]]:
    """An object a row: the columns' values by key."""
    return [{column.key: column.of(row) for column in columns} for row in rows]


def dumps(value: object, *, indent: int | None = None) -> str:
    """Strict JSON, non-finite numbers null."""
    return json.dumps(finite(value), allow_nan=False, indent=indent)


def finite(value: Any) -> Any:
    """The same with None for every number that JSON does not have, however deep it lies."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {name: finite(one) for name, one in value.items()}
    return [finite(one) for one in value] if isinstance(value, list | tuple) else value
