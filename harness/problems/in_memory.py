"""Arrays and frames of the process as problems, held to what a file is held to."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from harness.errors import UsageError
from harness.files.reading import shows
from harness.problems.catalog import own_name
from harness.problems.columns import SPLIT_COLUMN, Table, Text, TextColumn, check_names, check_size, labels_of
from harness.problems.problem import SPLITS, Floats, Problem, Split
from harness.problems.table import numbers, row_split, target_of

if TYPE_CHECKING:
    import pandas as pd

NAME = "data"
HASH_CHARACTERS = 8
"""Of a label: 32 bits, which tell the few problems of one run apart, and the same data from run to run."""
MATRIX, COLUMN = 2, 1
"""Dimensions."""


def from_arrays(X: ArrayLike, y: ArrayLike, *, name: str = NAME, intercept: bool = True) -> Problem:
    """X (n, p) or (n,) and y (n,) or (n, 1) as a problem of float64; they are copied. The features are x0, x1, ...

    Without `intercept` the model has no constant of its own. A frame for X names the features, and a series for y
    the target. Raises UsageError, one line, for what is no table of finite numbers; RankDeficientError for a
    constant or repeated column (the constant of statsmodels' `add_constant` among them: drop it, it is added).
    """
    columns = getattr(X, "columns", None)
    matrix, target = _floats(X, f"{name}: X"), _floats(y, f"{name}: y")
    if matrix.ndim == COLUMN:
        matrix = matrix[:, None]
    if target.ndim == MATRIX and target.shape[1] == 1:
        target = target[:, 0]
    if matrix.ndim != MATRIX or target.ndim != COLUMN or len(matrix) != len(target):
        raise UsageError(f"{name}: X is (n, p) and y is (n,), not {matrix.shape} and {target.shape}")
    features = [f"x{i}" for i in range(matrix.shape[1])] if columns is None else [str(one) for one in columns]
    named = str(getattr(y, "name", None) or "y")
    named = named + "_" if named in features else named
    if not features:
        raise UsageError(f"{name}: X has no columns")
    _check(name, (*features, named), len(matrix))
    by_name = {column: matrix[:, i].copy() for i, column in enumerate(features)} | {named: target}
    return _problem(Table((*features, named), len(matrix), by_name), named, name, intercept=intercept)


def from_frame(frame: "pd.DataFrame", target: str | None, *, name: str = NAME, intercept: bool = True) -> Problem:
    """A frame as a problem: `target` is y, every other numeric column a feature; booleans are numbers.

    A text column named `split` with train, val and test is the split; other columns that are not numeric are left
    out and named in the title, and so is the index. Raises what `from_arrays` raises.
    """
    from pandas.api.types import is_complex_dtype, is_numeric_dtype

    columns = [str(column) for column in frame.columns]
    _check(name, columns, len(frame))
    found = {
        column: frame.iloc[:, i]
        for i, column in enumerate(columns)
        if is_numeric_dtype(frame.dtypes.iloc[i]) and not is_complex_dtype(frame.dtypes.iloc[i])
    }
    numeric = ", ".join(found) or "there is none"
    if target is None:
        raise UsageError(f"{name}: say which column is fitted: target=... (numeric: {numeric})")
    if target not in found:
        raise UsageError(f"{name}: target '{target}' is not a numeric column; numeric: {numeric}")
    if len(found) == 1:
        raise UsageError(f"{name}: no numeric column besides the target '{target}'")
    by_name = {column: _floats(series, f"{name}: column '{column}'") for column, series in found.items()}
    texts = {column: TextColumn() for column in columns if column not in found}
    labels = None
    if SPLIT_COLUMN in texts:
        said = [str(value) for value in frame.iloc[:, columns.index(SPLIT_COLUMN)]]
        codes = np.array([SPLITS.index(one) if one in SPLITS else -1 for one in said], dtype=np.int8)
        labels = labels_of(codes, next((Text(i, one) for i, one in enumerate(said, 1) if one not in SPLITS), None))
    table = Table(tuple(columns), len(frame), by_name, texts, labels)
    return _problem(table, target, name, intercept=intercept)


def _problem(table: Table, target: str, name: str, *, intercept: bool) -> Problem:
    place = Path(name)  # only ever shown
    features = [column for column in table.numbers if column != target]
    left_out = [column for column in table.texts if column != SPLIT_COLUMN]
    made = Problem(
        name=own_name(name, f"{name} (in memory)"),
        X=numbers(table, features, place),
        y=target_of(table, target, place),
        features=tuple(features),
        target=target,
        split=row_split(table, place) or Split.all_train(table.rows),
        intercept=intercept,
        title=f"{name}: {target} on {', '.join(features)}"
        + (f" (not numeric, left out: {', '.join(left_out)})" if left_out else ""),
        source="in memory",
        recipe={"scale": "standardized"},
    )
    return replace(made, spec=f"{name}:{made.content_sha256[:HASH_CHARACTERS]}")


def _check(name: str, columns: Sequence[str], rows: int) -> None:
    if not shows(name) or ":" in name:
        raise UsageError(f"a problem's name is visible text without a colon, not {name!r}")
    check_names(columns, Path(name))
    check_size(rows, len(columns), Path(name))


def _floats(values: Any, what: str) -> Floats:
    """A copy as float64. Raises UsageError for what is no number, or is a complex one."""
    try:
        found = values.to_numpy(dtype=np.float64, na_value=np.nan) if hasattr(values, "to_numpy") else np.array(values)
        real = None if np.iscomplexobj(found) else np.array(found, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise UsageError(f"{what} is no array of real numbers: {error}") from None
    if real is None:
        raise UsageError(f"{what} is no array of real numbers: it is complex")
    return real
