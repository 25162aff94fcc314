"""A Parquet file as columns. Its own figures are looked at before it is read: few bytes can stand for gigabytes."""

import re
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from harness.errors import UsageError
from harness.problems.columns import SPLIT_COLUMN, Labels, Table, Text, TextColumn, check_names, check_size, labels_of
from harness.problems.problem import SPLITS, Floats

INDEX = re.compile(r"__index_level_\d+__")
"""What pandas names an index without a name: no column of the data."""


def read_parquet(file: BinaryIO, path: Path) -> Table:
    """The columns of a Parquet file: integers, floats, decimals and booleans are numbers, the nearest doubles.

    Raises UsageError for what is no Parquet file, holds too much, or needs a library that is not there.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise UsageError(f"{path}: reading Parquet needs pyarrow: pip install 'ls-harness[parquet]'") from None
    try:
        return _read(pq.ParquetFile(file), path)
    except UsageError:
        raise
    except (pa.ArrowException, OSError, ValueError, TypeError, LookupError, ArithmeticError) as error:
        raise UsageError(f"{path}: cannot be read: {str(error).partition(chr(10))[0]}") from None


def _read(found: Any, path: Path) -> Table:
    fields = [one for one in found.schema_arrow if not INDEX.fullmatch(one.name)]
    names = [one.name for one in fields]
    check_names(names, path)
    numeric = [one.name for one in fields if _is_number(one.type)]
    rows = int(found.metadata.num_rows)
    check_size(rows, len(numeric) + 1, path)
    numbers = {name: _numbers(_column(found, name, rows)) for name in numeric}
    texts = {name: TextColumn() for name in names if name not in numbers}
    labels = _labels(_column(found, SPLIT_COLUMN, rows)) if SPLIT_COLUMN in texts else None
    return Table(tuple(names), rows, numbers, texts, labels)


def _is_number(kind: Any) -> bool:
    from pyarrow import types

    return any(one(kind) for one in (types.is_integer, types.is_floating, types.is_decimal, types.is_boolean))


def _column(found: Any, name: str, rows: int) -> Any:
    column = found.read(columns=[name], use_threads=False).column(name)
    if len(column) != rows:
        raise ValueError(f"column '{name}' has {len(column)} values, the file says {rows}")
    return column


def _numbers(column: Any) -> Floats:
    return np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.float64)  # None becomes NaN


def _labels(column: Any) -> Labels | None:
    """The split's labels; None if they are no texts."""
    import pyarrow as pa
    from pyarrow import compute

    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        return None
    texts = column.cast(pa.large_string())
    codes = compute.index_in(texts, value_set=pa.array(SPLITS, pa.large_string())).fill_null(-1).to_numpy()
    strange = np.flatnonzero(codes < 0)
    first = Text(int(strange[0]) + 1, texts[int(strange[0])].as_py() or "") if len(strange) else None
    return labels_of(codes.astype(np.int8), first)
