"""The columns of a container: numpy, torch, scipy's sparse, pandas, polars and pyarrow."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import UsageError
from harness.problems.arrow_columns import cells_of_arrow, column_of_arrow
from harness.problems.cells import column_of_cells
from harness.problems.columns import Cell, Column, Content, check_names, check_size, column_of_array

MATRIX, COLUMN = 2, 1
"""Dimensions."""
WIDEST = {"b": "bool", "i": "int64", "u": "uint64"}
"""numpy's dtype for the nullable ones of a kind."""


def name_of(label: object) -> str:
    """A column's label as the name that a Parquet file has of it: 2 is '2', ('a', 1) is "('a', 1)"."""
    return str(plain(label))


def plain(label: object) -> object:
    """A column's label with Python's numbers in place of numpy's."""
    if isinstance(label, tuple):
        return tuple(map(plain, label))
    return label.item() if isinstance(label, np.generic) else label


def column_of(part: Any, decimal: str) -> Column:
    """A series of pandas or polars, an array of pyarrow, or an array (n,) of numpy."""
    library = library_of(part)
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


def library_of(part: object) -> str:
    """The package that the container is from, such as "polars"."""
    return type(part).__module__.partition(".")[0]


def labels_in(frame: Any) -> Sequence[object]:
    """The labels of a frame's columns, in their order."""
    return list(frame.column_names if library_of(frame) == "pyarrow" else frame.columns)


def parts_of(frame: Any) -> Iterator[Any]:
    """Each column of a frame."""
    library = library_of(frame)
    for place in range(len(labels_in(frame))):
        yield (
            frame.to_series(place)
            if library == "polars"
            else frame.column(place)
            if library == "pyarrow"
            else frame.iloc[:, place]
        )


def cells_of(part: Any) -> Iterator[object]:
    """The values of a frame's column, None where one is missing."""
    if library_of(part) == "pyarrow":
        return (cell for block in cells_of_arrow(part.chunks) for cell in block)
    return iter(part.to_list())


def is_frame(given: object) -> bool:
    """Whether it is a table with named columns: a frame of pandas or polars, a table of pyarrow."""
    if hasattr(given, "collect_schema") and not hasattr(given, "shape"):
        raise UsageError("a LazyFrame has no rows yet: collect() it")
    return (hasattr(given, "columns") and hasattr(given, "dtypes")) or (
        hasattr(given, "column_names") and hasattr(given, "schema")
    )


def columns_of(given: Any, name: str, what: str, decimal: str = ".") -> dict[str, tuple[int, Column]]:
    """Each column of X or y by name, with its number of rows."""
    if is_frame(given):
        names = [name_of(label) for label in labels_in(given)]
        check_names(names, name)
        check_size(len(given), len(names), name)
        return {one: (len(given), column_of(part, decimal)) for one, part in zip(names, parts_of(given), strict=True)}
    if library_of(given) in ("pandas", "polars", "pyarrow") and np.ndim(given) == COLUMN:
        label = plain(getattr(given, "name", None))
        return {"x0" if label in (None, "") else str(label): (len(given), column_of(given, decimal))}
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


def is_column(given: Any) -> bool:
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
