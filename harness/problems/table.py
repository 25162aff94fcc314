"""Reads a CSV or Parquet file into a table."""

from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from harness.errors import UsageError
from harness.files.names import is_visible
from harness.files.reading import opened
from harness.problems.columns import LARGER, LARGEST_BYTES, Table
from harness.problems.csv_file import OtherDelimiterError, read_csv
from harness.problems.fitted import TableRefusedError, problem_of
from harness.problems.labels import shown_path
from harness.problems.parquet_file import read_parquet
from harness.problems.problem import Problem
from harness.problems.table_options import NOTHING_SAID, TableOptions
from harness.problems.used_columns import RankDeficientError

__all__ = ["RankDeficientError", "load_file", "parsed", "read_table"]

READERS = {".csv": read_csv, ".parquet": read_parquet}
MOST_CURES = 8
"""Options that are tried out one after the other, to name them all at once."""


def read_table(path: Path, options: TableOptions = NOTHING_SAID) -> Table:
    """The file's columns; numbers are the nearest doubles.

    Raises UsageError if it is missing, empty, too large, of another format, or cannot be parsed.
    """
    with opened(path, LARGEST_BYTES, LARGER) as file:
        return parsed(file, path, options)


def parsed(file: BinaryIO, path: Path, options: TableOptions = NOTHING_SAID) -> Table:
    """What the open file holds, read as the ending of `path` says. Raises UsageError as `read_table` does."""
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise UsageError(f"{path}: a problem file is .csv or .parquet, not '{path.suffix}'")
    return reader(file, str(path), options)


def load_file(path: Path, target: str | None, options: TableOptions = NOTHING_SAID) -> Problem:
    """A user's table as a problem: `target` is y, every other column of numbers a feature.

    A text column named `split` with the values train, val and test is the split; what else is no feature is in
    `left_out`, with the reason. Raises UsageError (RankDeficientError for a constant or repeated column) with the
    column's name; a column that is meant as numbers and is not all numbers is one.
    """
    if not is_visible(str(path)):
        raise UsageError(f"{path}: its path has characters that cannot be seen: rename it")
    try:
        return _load(path, target, options)
    except OtherDelimiterError as error:
        cured = _cured(path, target, options.with_(delimiter=error.delimiter))
        ends = f", end no line with a delimiter ({error.trailing} now)" if error.trailing else ""
        points = ", write numbers as 1234.5" if cured.decimal else ""
        raise UsageError(
            f"{error}: separate its fields by commas{points}{ends}, or say what it is: {cured.command_line}"
        ) from None


def _load(path: Path, target: str | None, options: TableOptions) -> Problem:
    made = problem_of(read_table(path, options), target, options, where=str(path), name=path.name)
    spec = f"{shown_path(path)}:{made.target}{options.model}"
    return replace(made, name=path.stem + options.model, source=str(path), spec=spec)


def _cured(path: Path, target: str | None, options: TableOptions) -> TableOptions:
    """The options and those that the refusals ask for, one after the other."""
    for _ in range(MOST_CURES):
        try:
            _load(path, target, options)
        except TableRefusedError as error:
            if not error.cure:
                break
            options = options.with_(**error.cure)
        except UsageError:
            break
        else:
            break
    return options
