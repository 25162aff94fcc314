"""Arrays, tensors and frames of the process as tables: numpy, torch, scipy's sparse, pandas, polars and pyarrow."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harness.errors import HarnessError, UsageError
from harness.files.reading import is_visible
from harness.problems.arrow_columns import cells_of_arrow, column_of_arrow
from harness.problems.catalog import own_name
from harness.problems.cells import column_of_cells
from harness.problems.columns import (
    SPLIT_COLUMN,
    Cell,
    Column,
    Content,
    Table,
    check_names,
    check_size,
    column_of_array,
    labels_of,
)
from harness.problems.fitted import problem_of
from harness.problems.problem import Floats, Problem
from harness.problems.table_options import NOTHING_SAID, TableOptions

if TYPE_CHECKING:
    import pandas as pd

NAME = "data"
HASH_CHARACTERS = 8
"""Of a label: 32 bits, which tell the few problems of one run apart, and the same data from run to run."""
MATRIX, COLUMN = 2, 1
"""Dimensions."""
WIDEST = {"b": "bool", "i": "int64", "u": "uint64"}
"""numpy's dtype for the nullable ones of a kind."""


def from_arrays(
    X: ArrayLike, y: ArrayLike, *, name: str = NAME, intercept: bool = True, options: TableOptions = NOTHING_SAID
) -> Problem:
    """X (n, p) or (n,) and y (n,) or (n, 1) as a problem of float64; they are copied. The features are x0, x1, ...

    They may be numpy arrays (a masked value is a missing one), torch tensors, scipy's sparse matrices, frames or
    sequences. Without `intercept` the model has no constant of its own. A frame for X names the features, and a
    series for y the target. Raises UsageError, one line, for what is no table of finite numbers and for an X and a y
    with different indexes; RankDeficientError for a constant or repeated column (the constant of statsmodels'
    `add_constant` among them: drop it, it is added).
    """
    _check_name(name)
    with _one_line(name):
        _check_index(X, y, name)
        columns = _columns(X, name, "X", options.point)
        ((named, target),) = _columns(y, name, "y", options.point).items() if _is_column(y) else [("", None)]
    rows = next((rows for rows, _ in columns.values()), 0)
    if target is None or (columns and rows != target[0]):
        raise UsageError(f"{name}: X is (n, p) and y is (n,), not {shape_of(X)} and {shape_of(y)}")
    if not columns:
        raise UsageError(f"{name}: X has no columns")
    named = "y" if named == "x0" and getattr(y, "name", None) != "x0" else named
    while named in columns:
        named += "_"
    check_names([*columns, named], name)
    found = {column: one for column, (_, one) in columns.items()} | {named: target[1]}
    return _problem(Table(rows, found, unused=_index_of(X)), named, name, options, intercept=intercept)


def from_frame(
    frame: "pd.DataFrame",
    target: object,
    *,
    name: str = NAME,
    intercept: bool = True,
    options: TableOptions = NOTHING_SAID,
) -> Problem:
    """A frame of pandas, polars or pyarrow as a problem: `target` is y, every other numeric column a feature.

    Booleans are 1 and 0, and texts and objects are looked at as the cells of a CSV file are. A text column named
    `split` with train, val and test is the split; what else is no feature is in `left_out`, with the reason. Raises
    what `from_arrays` raises.
    """
    _check_name(name)
    with _one_line(name):
        names = [name_of(column) for column in _labels(frame)]
        check_names(names, name)
        check_size(len(frame), len(names), name)
        parts = dict(zip(names, _parts(frame), strict=True))
        columns = {column: _column(part, options.point) for column, part in parts.items()}
        split = columns.get(SPLIT_COLUMN)
        labels = None
        if split is not None and split.content is Content.TEXT:
            labels = labels_of([str(cell) for cell in _cells(parts[SPLIT_COLUMN])])
        table = Table(len(frame), columns, labels, unused=_index_of(frame))
    wanted = None if target is None else name_of(target)
    return _problem(table, wanted, name, options, intercept=intercept)


def column_beside(data: object, given: object, name: str, what: str) -> Floats:
    """One more column (n,) for data in memory, NaN where it is missing, from whatever holds one.

    Raises UsageError for what is no column of numbers, and for another index than the data's.
    """
    with _one_line(name):
        _check_index(data[0] if isinstance(data, tuple) else data, given, name, what)
        found = [column for _, column in _columns(given, name, what).values()]
    if len(found) != 1 or found[0].values is None:
        raise UsageError(f"{name}: {what} are one column of numbers, (n,), not {shape_of(given)}")
    return found[0].values


def name_of(label: object) -> str:
    """A column's label as the name that a Parquet file has of it: 2 is '2', ('a', 1) is "('a', 1)"."""
    return str(_plain(label))


def _plain(label: object) -> object:
    if isinstance(label, tuple):
        return tuple(map(_plain, label))
    return label.item() if isinstance(label, np.generic) else label


def _problem(table: Table, target: str | None, name: str, options: TableOptions, *, intercept: bool) -> Problem:
    if options.of_file:
        raise UsageError(f"{name}: {options.of_file[0]} goes with a .csv file")
    made = replace(problem_of(table, target, options, where=name, name=name), source="in memory", intercept=intercept)
    spec = f"{name}:{made.content_sha256[:HASH_CHARACTERS]}"
    return replace(made, name=own_name(name, f"{name} (in memory)") + options.model, spec=spec)


def _check_name(name: str) -> None:
    if not is_visible(name) or ":" in name:
        raise UsageError(f"a problem's name is visible text without a colon, not {name!r}")


@contextmanager
def _one_line(name: str) -> Iterator[None]:
    """Whatever a container's own library raises is one line that names the data."""
    try:
        yield
    except HarnessError:
        raise
    except Exception as error:  # noqa: BLE001  # of any library
        what = str(error).partition("\n")[0] or type(error).__name__
        raise UsageError(f"{name}: cannot be read as a table: {what}") from None


# One column


def _column(part: Any, decimal: str) -> Column:
    """A series of pandas or polars, an array of pyarrow, or an array (n,) of numpy."""
    library = _library(part)
    if library == "pyarrow":
        return column_of_arrow(part.type, getattr(part, "chunks", [part]), decimal)
    if library == "polars":
        return _column_of_polars(part, decimal)
    if library == "pandas":
        return _column_of_pandas(part, decimal)
    return _column_of_numpy(part, decimal)


def _column_of_numpy(array: NDArray[Any], decimal: str) -> Column:
    missing = np.ma.getmaskarray(array) if isinstance(array, np.ma.MaskedArray) else None
    kind = array.dtype.kind
    if kind in "mM":
        return _dates(np.asarray(array).tolist() if kind == "m" else np.datetime_as_string(np.asarray(array)).tolist())
    if kind not in "biuf":
        return column_of_cells(array.tolist(), decimal)  # None where it is masked
    return column_of_array(np.asarray(array), missing)


def _column_of_pandas(series: Any, decimal: str) -> Column:
    kind = getattr(series.dtype, "kind", "O")
    if kind in "mM" or type(series.dtype).__name__ == "PeriodDtype":
        return _dates([None if missing else str(cell) for cell, missing in zip(series, series.isna(), strict=True)])
    if kind not in "biuf":
        return column_of_cells(series.tolist(), decimal)
    if isinstance(series.dtype, np.dtype) or type(series.dtype).__name__ == "SparseDtype":
        return column_of_array(np.asarray(series))
    if kind == "f":
        return column_of_array(series.to_numpy(dtype=np.float64, na_value=np.nan))
    missing = np.asarray(series.isna())
    return column_of_array(series.to_numpy(dtype=WIDEST[kind], na_value=False if kind == "b" else 0), missing)


def _column_of_polars(series: Any, decimal: str) -> Column:
    if series.dtype.is_temporal():
        return _dates(None if cell is None else str(cell) for cell in series)
    if series.dtype.is_nested():
        return Column(Content.NESTED)
    if series.dtype.is_float() or (series.dtype.is_integer() and not series.null_count()):
        return _column_of_numpy(series.to_numpy(), decimal)
    return column_of_cells(series.to_list(), decimal)


def _dates(cells: Any) -> Column:
    """The column of dates or times; only the first that is not missing is looked at."""
    first = next((Cell(row, str(cell)) for row, cell in enumerate(cells, 1) if cell not in (None, "NaT")), None)
    return Column(Content.EMPTY) if first is None else Column(Content.DATES, others=1, first_other=first)


# The columns of a container


def _library(part: object) -> str:
    return type(part).__module__.partition(".")[0]


def _labels(frame: Any) -> Sequence[object]:
    return list(frame.column_names if _library(frame) == "pyarrow" else frame.columns)


def _parts(frame: Any) -> Iterator[Any]:
    """Each column of a frame."""
    library = _library(frame)
    for place in range(len(_labels(frame))):
        yield (
            frame.to_series(place)
            if library == "polars"
            else frame.column(place)
            if library == "pyarrow"
            else frame.iloc[:, place]
        )


def _cells(part: Any) -> Iterator[object]:
    if _library(part) == "pyarrow":
        return (cell for block in cells_of_arrow(part.chunks) for cell in block)
    return iter(part.to_list())


def is_frame(given: object) -> bool:
    """Whether it is a table with named columns: a frame of pandas or polars, a table of pyarrow."""
    if hasattr(given, "collect_schema") and not hasattr(given, "shape"):
        raise UsageError("a LazyFrame has no rows yet: collect() it")
    return (hasattr(given, "columns") and hasattr(given, "dtypes")) or (
        hasattr(given, "column_names") and hasattr(given, "schema")
    )


def _columns(given: Any, name: str, what: str, decimal: str = ".") -> dict[str, tuple[int, Column]]:
    """Each column of X or y by name, with its number of rows."""
    if is_frame(given):
        names = [name_of(label) for label in _labels(given)]
        check_names(names, name)
        check_size(len(given), len(names), name)
        return {one: (len(given), _column(part, decimal)) for one, part in zip(names, _parts(given), strict=True)}
    if _library(given) in ("pandas", "polars", "pyarrow") and np.ndim(given) == COLUMN:
        label = _plain(getattr(given, "name", None))
        return {"x0" if label in (None, "") else str(label): (len(given), _column(given, decimal))}
    array = _array(given, name, what)
    if array.ndim == COLUMN and array.dtype.names:  # a structured array
        return {one: (len(array), _column_of_numpy(array[one], decimal)) for one in array.dtype.names}
    if array.ndim == COLUMN:
        array = array[:, None]
    if array.ndim != MATRIX:
        raise UsageError(f"{name}: X is (n, p) and y is (n,); {what} is {array.shape}")
    check_size(array.shape[0], array.shape[1], name)
    return {f"x{place}": (len(array), _column_of_numpy(array[:, place], decimal)) for place in range(array.shape[1])}


def _array(given: Any, name: str, what: str) -> NDArray[Any]:
    """An array of a tensor, a sparse matrix, an array or a sequence; masked where that is."""
    array: NDArray[Any]
    if hasattr(given, "detach"):
        dense = given.detach().to_dense() if given.layout != _strided() else given.detach()
        if dense.is_floating_point():  # numpy has no bfloat16
            dense = dense.double()
        array = np.asarray(dense.cpu().resolve_conj().resolve_neg().numpy())
    elif hasattr(given, "toarray") and hasattr(given, "nnz"):
        check_size(given.shape[0], given.shape[-1], name)
        array = np.asarray(given.toarray())
    elif isinstance(given, dict | set | str | bytes) or given is None:
        raise UsageError(f"{name}: {what} is no array of real numbers: it is a {type(given).__name__}")
    else:
        array = given if isinstance(given, np.ma.MaskedArray) else np.asarray(given)
    if array.dtype.kind == "c":
        raise UsageError(f"{name}: {what} is no array of real numbers: it is complex")
    return array


def _strided() -> object:
    import torch

    return torch.strided


def _is_column(given: Any) -> bool:
    """Whether it has the shape of a target: (n,), or (n, 1)."""
    shape = shape_of(given)
    return len(shape) == COLUMN or (len(shape) == MATRIX and shape[1] == 1)


def shape_of(given: Any) -> tuple[int, ...]:
    """The shape of an array, tensor, matrix, series or sequence; () for a sequence of unequal ones."""
    if hasattr(given, "shape"):
        return tuple(map(int, given.shape))
    try:
        return np.shape(given)
    except ValueError:
        return ()


def _check_index(X: Any, y: Any, name: str, what: str = "y") -> None:
    """Raise UsageError for an X and a y (`what`) of pandas whose rows have other names: paired they are others'."""
    here, there = getattr(X, "index", None), getattr(y, "index", None)
    if _library(X) != "pandas" or _library(y) != "pandas" or here is None or there is None or len(here) != len(there):
        return
    if not here.equals(there):
        place = next((i for i, (one, other) in enumerate(zip(here, there, strict=True)) if one != other), 0)
        raise UsageError(
            f"{name}: X and {what} have other indexes: row {place + 1} is {_plain(here[place])!r} in X and "
            f"{_plain(there[place])!r} in {what}: "
            f"align them ({what}.loc[X.index]), or drop both (reset_index(drop=True))"
        )


def _index_of(given: Any) -> tuple[tuple[str, str], ...]:
    """The index of a pandas frame, where it has a name: it is data that is not used."""
    if _library(given) != "pandas":
        return ()
    return tuple((name_of(label), "index") for label in given.index.names if label is not None)
