"""Reads a CSV or Parquet file into numbers, and refuses what cannot be fitted with a line that says why."""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np

from harness.errors import UsageError
from harness.files.reading import opened, shows
from harness.problems.catalog import own_name
from harness.problems.columns import LARGER, LARGEST_BYTES, SPLIT_COLUMN, Table
from harness.problems.csv_file import read_csv
from harness.problems.parquet_file import read_parquet
from harness.problems.problem import MIN_ROWS, SPLITS, Problem, Split

READERS = {".csv": read_csv, ".parquet": read_parquet}
LIKE_A_NUMBER = re.compile(r"[-+−]?\d[\d.]*[,'’\u00a0\u202f%_][\d.,'’\u00a0\u202f%_]*|−\d[\d.]*")  # noqa: RUF001
"""1,234.5; 1'234; 12 %; 3,14; a typographic minus: what people and spreadsheets write for numbers."""


class RankDeficientError(UsageError):
    """A column is constant or repeats another, so that the coefficients are not unique."""


def read_table(path: Path) -> Table:
    """The file's columns; numbers are the nearest doubles.

    Raises UsageError if it is missing, empty, too large, of another format, or cannot be parsed.
    """
    with opened(path, LARGEST_BYTES, LARGER) as file:
        return parsed(file, path)


def parsed(file: BinaryIO, path: Path) -> Table:
    """What the open file holds, read as the ending of `path` says. Raises UsageError as `read_table` does."""
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise UsageError(f"{path}: a problem file is .csv or .parquet, not '{path.suffix}'")
    return reader(file, path)


def load_file(path: Path, target: str | None) -> Problem:
    """A user's table as a problem: `target` is y, every other numeric column a feature.

    A text column named `split` with the values train, val and test is the split; other columns that
    are not numeric are left out and named in the title. Raises UsageError (RankDeficientError for a
    constant or repeated column) with the column's name; a column of numbers with a text in it is one.
    """
    if not shows(str(path)):
        raise UsageError(f"{path}: its path has characters that cannot be seen: rename it")
    table = read_table(path)
    split = row_split(table, path)
    _refuse_mistakes(table, path)
    numeric = list(table.numbers)
    if not numeric:
        raise UsageError(f"{path}: no numeric column")
    if target is None:
        raise UsageError(f"{path}: say which column is fitted: --target NAME (numeric: {', '.join(numeric)})")
    if target not in numeric:
        raise UsageError(f"{path}: target '{target}' is not a numeric column; numeric: {', '.join(numeric)}")
    features = [name for name in numeric if name != target]
    if not features:
        raise UsageError(f"{path}: no numeric column besides the target '{target}'")
    left_out = [name for name in table.texts if split is None or name != SPLIT_COLUMN]
    title = f"{path.name}: {target} on {', '.join(features)}"
    return Problem(
        name=own_name(path.stem, path.name),
        spec=f"{path}:{target}",
        X=numbers(table, features, path),
        y=target_of(table, target, path),
        features=tuple(features),
        target=target,
        split=split or Split.all_train(table.rows),
        title=title + (f" (not numeric, left out: {', '.join(left_out)})" if left_out else ""),
        source=str(path),
        recipe={"scale": "standardized"},
    )


def _refuse_mistakes(table: Table, path: Path) -> None:
    """Raise UsageError for a column that is meant as numbers: most of it are, or its first text looks like one.

    Left out in silence it would be another fit than the one that was asked for.
    """
    for name, column in table.texts.items():
        first = column.first
        if first is None or name == SPLIT_COLUMN:
            continue
        if column.numbers > column.texts or LIKE_A_NUMBER.fullmatch(first.value.strip()):
            place = f"column '{name}', row {first.row}: '{first.value[:40]}'"
            raise UsageError(f"{path}: {place} is no number: write it as 1234.5, or drop the row or the column")


def numbers(table: Table, columns: Sequence[str], path: Path) -> np.ndarray:
    """The columns as float64 of shape (n, len(columns)).

    Raises UsageError for one row or none, NaN, infinity; RankDeficientError for a constant or
    repeated column.
    """
    if table.rows < MIN_ROWS:
        raise UsageError(f"{path}: {table.rows} row(s); a fit needs at least 2")
    for name in columns:
        if name not in table.numbers:
            first = table.texts[name].first
            place = f": row {first.row} has '{first.value[:40]}'" if first else ""
            raise UsageError(f"{path}: column '{name}' is not numeric{place}")
        bad = np.flatnonzero(~np.isfinite(table.numbers[name]))
        if len(bad):
            what = f"{len(bad)} missing or infinite value(s), the first in row {bad[0] + 1}"
            raise UsageError(f"{path}: column '{name}' has {what}: drop or fill them")
    seen: dict[bytes, str] = {}
    for name in columns:
        column = table.numbers[name]
        if (column == column[0]).all():
            raise RankDeficientError(f"{path}: rank_deficient: column '{name}' is constant: drop it")
        first_name = seen.setdefault(hashlib.sha256(column.tobytes()).digest(), name)
        if first_name != name:
            raise RankDeficientError(f"{path}: rank_deficient: column '{name}' repeats '{first_name}': drop one")
    return np.column_stack([table.numbers[name] for name in columns])


def target_of(table: Table, target: str, path: Path) -> np.ndarray:
    """The target as float64 of shape (n,). Raises UsageError if it is constant, besides what `numbers` raises."""
    try:
        return numbers(table, [target], path)[:, 0].copy()
    except RankDeficientError:
        raise UsageError(f"{path}: target '{target}' is constant: there is nothing to fit") from None


def row_split(table: Table, path: Path) -> Split | None:
    """The split that a text column named `split` states, or None without one."""
    if table.labels is None:
        return None
    strange = table.labels.strange
    if strange is not None:
        where = f"row {strange.row} of column 'split'"
        raise UsageError(f"{path}: {where} has '{strange.value[:40]}'; it takes train, val and test")
    parts = [np.flatnonzero(table.labels.codes == code).astype(np.int64) for code in range(len(SPLITS))]
    if len(parts[0]) < MIN_ROWS:
        raise UsageError(f"{path}: column 'split' leaves {len(parts[0])} training row(s); a fit needs at least 2")
    return Split(*parts)
