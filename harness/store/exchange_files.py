"""Entries in files: JSON Lines, and Parquet whose column `line` holds the same lines."""

import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from harness.errors import UsageError
from harness.files.reading import opened
from harness.files.writing import replacing, write_errors
from harness.store.entries import LONGEST_LINE_BYTES, Entry, RecordEntry, lines_of, parsed

JSON_LINES, PARQUET = ".jsonl", ".parquet"
ANY_SIZE = sys.maxsize
"""Lines are read one after the other: a store may be larger than the memory."""
LINES_TOGETHER = 256
"""Of a row group of Parquet: what is held in memory of it."""
LARGEST_GROUP_BYTES = 2**30
"""Of a row group of Parquet, as its footer has it; a larger one is not read."""
SHOWN = ("run", "case", "problem", "solver", "device", "status", "digits", "excess_loss", "call_s", "wall_s", "cpu_s")
"""Columns of a record for people; they are made from the line, and not read."""


def check_name(path: Path) -> None:
    """Raises UsageError for a file whose name says neither format."""
    if path.suffix not in (JSON_LINES, PARQUET):
        raise UsageError(f"{path}: name it with {JSON_LINES} or {PARQUET}, which says the format")


def write_entries(path: Path, entries: Iterable[Entry]) -> None:
    """Write a file at once: where something fails, what was there before stays as it was.

    Raises what write_errors does, and UsageError where Parquet needs a library that is not there.
    """
    check_name(path)
    with write_errors(path), replacing(path) as made:
        if path.suffix == PARQUET:
            _write_parquet(made, entries)
            return
        with made.open("w", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines_of(entries))


def read_entries(path: Path) -> Iterator[Entry]:
    """The entries of a file, one after the other, strictly. Raises UsageError, one line, by the number of the line."""
    check_name(path)
    yield from parsed(_parquet_lines(path) if path.suffix == PARQUET else _lines(path), str(path))


def _lines(path: Path) -> Iterator[bytes]:
    with opened(path, ANY_SIZE) as file:
        while line := file.readline(LONGEST_LINE_BYTES + 1):
            yield line


def _parquet(path: Path) -> Any:
    try:
        from pyarrow import parquet
    except ImportError:
        raise UsageError(f"{path}: Parquet needs pyarrow: pip install 'ls-harness[parquet]'") from None
    return parquet


def _write_parquet(path: Path, entries: Iterable[Entry]) -> None:
    parquet = _parquet(path)
    import pyarrow as pa

    seconds = pa.list_(pa.float64())
    numbers = dict.fromkeys(("digits", "excess_loss", "call_s"), pa.float64()) | {"wall_s": seconds, "cpu_s": seconds}
    schema = pa.schema([("line", pa.string()), *((name, numbers.get(name, pa.string())) for name in SHOWN)])
    with parquet.ParquetWriter(path, schema) as writer:
        rows = _rows(entries)
        while some := list(islice(rows, LINES_TOGETHER)):
            writer.write_table(pa.Table.from_pylist(some, schema=schema))


def _rows(entries: Iterable[Entry]) -> Iterator[dict[str, object]]:
    """A row for the header, then one for each entry."""
    yield {"line": next(lines_of(()))}
    for entry in entries:
        yield {"line": entry.model_dump_json(), **_shown(entry)}


def _shown(entry: Entry) -> dict[str, object]:
    """The columns for people: of a record only."""
    if not isinstance(entry, RecordEntry):
        return {}
    record = entry.record
    own = {name: getattr(record, name) for name in ("case", "problem", "solver", "device", "call_s")}
    right = {name: getattr(record.accuracy, name) for name in ("digits", "excess_loss")}
    taken = {name: getattr(record.samples, name) for name in ("wall_s", "cpu_s")}
    return {"run": entry.of, "status": record.status.value, **own, **right, **taken}


def _parquet_lines(path: Path) -> Iterator[bytes]:
    """The lines; one that stands for many is held once, so that a small file cannot unpack to a large one."""
    parquet = _parquet(path)
    import pyarrow as pa

    try:
        with opened(path, ANY_SIZE) as source:
            found = parquet.ParquetFile(source).schema_arrow
            if "line" not in found.names or found.field("line").type != pa.string():
                raise UsageError(f"{path}: has no column 'line' of text: 'harness store export' makes such files")
            source.seek(0)
            file = parquet.ParquetFile(source, read_dictionary=["line"])
            for i in range(file.num_row_groups):
                if file.metadata.row_group(i).total_byte_size > LARGEST_GROUP_BYTES:
                    raise UsageError(
                        f"{path}: row group {i} is larger than {LARGEST_GROUP_BYTES} bytes: not one of ours"
                    )
            for batch in file.iter_batches(LINES_TOGETHER, columns=["line"]):
                for line in batch.column(0):
                    yield (line.as_py() or "").encode()
    except (OSError, pa.ArrowException) as error:
        raise UsageError(f"{path}: cannot be read as Parquet: {str(error).splitlines()[0]}") from None
