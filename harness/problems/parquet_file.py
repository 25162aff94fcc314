"""A Parquet file as columns. Its own figures are looked at before it is read: few bytes can stand for gigabytes."""

import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from harness.errors import UsageError, counted
from harness.problems.arrow_columns import cells_of_arrow, column_of_arrow, is_nested
from harness.problems.columns import (
    LARGEST_BYTES,
    SPLIT_COLUMN,
    Column,
    Content,
    Labels,
    Table,
    check_names,
    check_size,
    labels_of,
)
from harness.problems.table_options import TableOptions

INDEX = re.compile(r"__index_level_\d+__")
"""What pandas names an index without a name: no column of the data."""
LONGEST_LABEL = 100
"""Characters; the longest that is one has 5."""
TOO_LONG = "a long text"
ROWS = 2**16
"""That are read at a time."""


def read_parquet(file: BinaryIO, where: str, options: TableOptions) -> Table:
    """The columns of a Parquet file: integers, floats, decimals and booleans are numbers, the nearest doubles.

    Texts are looked at as a CSV file's are. Raises UsageError for what is no Parquet file, holds too much, or needs a
    library that is not there, and for an option of CSV files.
    """
    if options.of_file:
        raise UsageError(f"{where}: --{'no-' * (not options.header)}{options.of_file[0]} goes with a .csv file")
    try:
        import pyarrow.parquet as pq
    except ImportError:
        raise UsageError(f"{where}: reading Parquet needs pyarrow: pip install 'ls-harness[parquet]'") from None
    try:
        found = pq.ParquetFile(file)
        texts = [one.name for one in found.schema_arrow if str(one.type) in ("string", "large_string", "string_view")]
        file.seek(0)
        # A text that is there a million times is held once.
        return _read(pq.ParquetFile(file, read_dictionary=texts), where, options.point)
    except UsageError:
        raise
    except Exception as error:  # noqa: BLE001  # whatever pyarrow raises of a spoilt file is one line
        raise UsageError(f"{where}: cannot be read: {str(error).partition(chr(10))[0]}") from None


def _read(found: Any, where: str, decimal: str) -> Table:
    fields = [one for one in found.schema_arrow if not INDEX.fullmatch(one.name)]
    names = [one.name for one in fields]
    check_names(names, where)
    rows = int(found.metadata.num_rows)
    check_size(rows, len(names) + 1, where)
    columns = {one.name: _column(found, one, rows, decimal) for one in fields}
    split = columns.get(SPLIT_COLUMN)
    labels = _labels(found, rows, where) if split is not None and split.content is Content.TEXT else None
    index = _index(found)
    unused = tuple((name, "index") for name in index if name not in columns)
    return Table(rows, columns, labels, {name: "index" for name in index if name in columns}, unused)


def _column(found: Any, field: Any, rows: int, decimal: str) -> Column:
    if is_nested(field.type):
        return Column(Content.NESTED)
    if _stored_bytes(found, field.name) > LARGEST_BYTES:
        return Column(Content.TEXT)
    return column_of_arrow(field.type, list(_chunks(found, field.name, rows)), decimal)


def _chunks(found: Any, name: str, rows: int) -> Iterator[Any]:
    """The column, no more of it than the file says that it has. Raises ValueError where it has more, or fewer."""
    count = 0
    for batch in found.iter_batches(ROWS, columns=[name], use_threads=False):
        count += len(batch)
        if count > rows:
            raise ValueError(f"column '{name}' has more than {counted(rows, 'value')}, as the file says")
        yield batch.column(batch.schema.get_field_index(name))
    if count < rows:
        raise ValueError(f"column '{name}' has {counted(count, 'value')}, the file says {rows}")


def _stored_bytes(found: Any, name: str) -> int:
    """Of the column's pages, no longer compressed; with its different values once, where they are kept so."""
    groups = (found.metadata.row_group(place) for place in range(found.metadata.num_row_groups))
    chunks = (group.column(place) for group in groups for place in range(group.num_columns))
    return sum(chunk.total_uncompressed_size for chunk in chunks if chunk.path_in_schema == name)


def _index(found: Any) -> list[str]:
    """The names of a frame's index, as pandas keeps them: a column, or the range that it is."""
    kept = (found.schema_arrow.pandas_metadata or {}).get("index_columns", ())
    names = (one.get("name") if isinstance(one, dict) else one for one in kept)
    return [name for name in names if isinstance(name, str) and not INDEX.fullmatch(name)]


def _labels(found: Any, rows: int, where: str) -> Labels:
    if _stored_bytes(found, SPLIT_COLUMN) > LARGEST_BYTES:
        raise UsageError(f"{where}: column '{SPLIT_COLUMN}' is larger than {LARGEST_BYTES} bytes: no labels of rows")
    blocks = cells_of_arrow(_chunks(found, SPLIT_COLUMN, rows))
    return labels_of([_label(cell) for block in blocks for cell in block])


def _label(cell: object) -> str:
    """The cell; one text for all that are too long to be a label, of which a million rows would fill the memory."""
    text = "" if cell is None else str(cell)
    return text if len(text) <= LONGEST_LABEL else TOO_LONG
