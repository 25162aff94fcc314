"""Reads a CSV or Parquet file into numbers, and refuses what cannot be fitted with a line that says why."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from harness.errors import UsageError
from harness.problems.problem import MIN_ROWS, SPLITS, Problem, Split

SPLIT_COLUMN = "split"


class RankDeficientError(UsageError):
    """A column is constant or repeats another, so that the coefficients are not unique."""


def read_table(path: Path) -> pd.DataFrame:
    """The file as a frame; floats are parsed to the nearest double.

    Raises UsageError if it is missing, empty, of another format, or cannot be parsed.
    """
    if not path.is_file():
        raise UsageError(f"no such file: {path}")
    try:
        if path.suffix.lower() == ".parquet":
            return pd.read_parquet(path).rename(columns=str)
        if path.suffix.lower() == ".csv":
            return _read_csv(path)
    except ImportError:
        raise UsageError(f"{path}: reading Parquet needs pyarrow: pip install 'ls-harness[parquet]'") from None
    except (OSError, ValueError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read: {str(error).splitlines()[0]}") from None
    raise UsageError(f"{path}: a problem file is .csv or .parquet, not '{path.suffix}'")


def _read_csv(path: Path) -> pd.DataFrame:
    """Raises UsageError for rows with a field more than the header: pandas would take the first for an index."""
    frame = pd.read_csv(path, dtype=str)
    if len(frame) and not isinstance(frame.index, pd.RangeIndex):
        raise UsageError(f"{path}: its rows have more fields than its header has names")
    return frame.apply(_parsed)


def _parsed(column: "pd.Series[str]") -> "pd.Series[float] | pd.Series[str]":
    """A column of texts as the nearest doubles, if all are numbers or missing; pandas' own parser may be an ulp off."""
    try:
        return column.map(float, na_action="ignore").astype(np.float64)
    except ValueError:
        return column


def load_file(path: Path, target: str | None) -> Problem:
    """A user's table as a problem: `target` is y, every other numeric column a feature.

    A text column named `split` with the values train, val and test is the split; other columns that
    are not numeric are left out and named in the title. Raises UsageError (RankDeficientError for a
    constant or repeated column) with the column's name.
    """
    frame = read_table(path)
    split = row_split(frame, path)
    frame = frame.drop(columns=[SPLIT_COLUMN]) if split is not None else frame
    numeric = [str(name) for name in frame.columns if pd.api.types.is_numeric_dtype(frame[name])]
    if not numeric:
        raise UsageError(f"{path}: no numeric column")
    if target is None:
        raise UsageError(f"{path}: say which column is fitted: --target NAME (numeric: {', '.join(numeric)})")
    if target not in numeric:
        raise UsageError(f"{path}: target '{target}' is not a numeric column; numeric: {', '.join(numeric)}")
    features = [name for name in numeric if name != target]
    if not features:
        raise UsageError(f"{path}: no numeric column besides the target '{target}'")
    left_out = [str(name) for name in frame.columns if str(name) not in numeric]
    title = f"{path.name}: {target} on {', '.join(features)}"
    return Problem(
        name=path.stem,
        spec=f"{path}:{target}",
        X=numbers(frame, features, path),
        y=target_of(frame, target, path),
        features=tuple(features),
        target=target,
        split=split or Split.all_train(len(frame)),
        title=title + (f" (not numeric, left out: {', '.join(left_out)})" if left_out else ""),
        source=str(path),
        recipe={"scale": "standardized"},
    )


def numbers(frame: pd.DataFrame, columns: Sequence[str], path: Path) -> np.ndarray:
    """The columns as float64 of shape (n, len(columns)).

    Raises UsageError for one row or none, NaN, infinity; RankDeficientError for a constant or
    repeated column.
    """
    if len(frame) < MIN_ROWS:
        raise UsageError(f"{path}: {len(frame)} row(s); a fit needs at least 2")
    texts = [name for name in columns if not pd.api.types.is_numeric_dtype(frame[name])]
    if texts:
        raise UsageError(f"{path}: column '{texts[0]}' is not numeric")
    values = frame[list(columns)].to_numpy(dtype=np.float64)
    for name, column in zip(columns, values.T, strict=True):
        bad = int((~np.isfinite(column)).sum())
        if bad:
            raise UsageError(f"{path}: column '{name}' has {bad} missing or infinite value(s): drop or fill them")
    seen: dict[bytes, str] = {}
    for name, column in zip(columns, values.T, strict=True):
        if (column == column[0]).all():
            raise RankDeficientError(f"{path}: rank_deficient: column '{name}' is constant: drop it")
        first = seen.setdefault(column.tobytes(), name)
        if first != name:
            raise RankDeficientError(f"{path}: rank_deficient: column '{name}' repeats '{first}': drop one")
    return values


def target_of(frame: pd.DataFrame, target: str, path: Path) -> np.ndarray:
    """The target as float64 of shape (n,). Raises UsageError if it is constant, besides what `numbers` raises."""
    try:
        return numbers(frame, [target], path)[:, 0].copy()
    except RankDeficientError:
        raise UsageError(f"{path}: target '{target}' is constant: there is nothing to fit") from None


def row_split(frame: pd.DataFrame, path: Path) -> Split | None:
    """The split that a text column named `split` states, or None without one."""
    if SPLIT_COLUMN not in frame.columns or pd.api.types.is_numeric_dtype(frame[SPLIT_COLUMN]):
        return None
    labels = frame[SPLIT_COLUMN].astype(str).to_numpy()
    strange = sorted(set(labels) - set(SPLITS))
    if strange:
        raise UsageError(f"{path}: column 'split' has '{strange[0]}'; it takes train, val and test")
    parts = [np.flatnonzero(labels == part).astype(np.int64) for part in SPLITS]
    if len(parts[0]) < MIN_ROWS:
        raise UsageError(f"{path}: column 'split' leaves {len(parts[0])} training row(s); a fit needs at least 2")
    return Split(*parts)
