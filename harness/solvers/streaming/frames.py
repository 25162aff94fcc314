"""Dataframes as people have them, of pandas or of Dask: their columns by name, and the numbers in them."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from harness.errors import CannotMeasureError, UsageError, said_by, unknown
from harness.problems.columns import Cell, first_rounded
from harness.problems.problem import Floats

NEEDS_DASK = "needs dask, which is not installed: pip install 'ls-harness[dask]'"


def numbers(names: Sequence[str], data: Sequence[Any]) -> tuple[Floats, Floats]:
    """The columns of a pandas frame but the last, and the last. Raises UsageError for one that is not numeric."""
    (frame,) = data
    for name in names:
        if frame.dtypes[name].kind not in "fiub":
            raise UsageError(f"column '{name}' is not numeric but {frame.dtypes[name]}")
    X = np.ascontiguousarray(frame[list(names[:-1])].to_numpy(dtype=np.float64, na_value=np.nan))
    return X, frame[names[-1]].to_numpy(dtype=np.float64, na_value=np.nan)


def rounded_numbers(names: Sequence[str], data: Sequence[Any]) -> dict[str, Cell]:
    """Of each column of whole numbers of a pandas frame the first that is no float64."""
    (frame,) = data
    found = {}
    for name in names:
        kind = frame.dtypes[name]
        if kind.kind in "iu" and kind.itemsize == np.dtype(np.float64).itemsize:
            whole = frame[name].fillna(0).to_numpy(dtype=f"{kind.kind}8")
            found[name] = first_rounded(whole, whole.astype(np.float64))
    return {name: cell for name, cell in found.items() if cell is not None}


def frame_of(data: Any) -> Any:
    """A pandas or a Dask dataframe; of a Parquet dataset the latter."""
    if not isinstance(data, str | Path):
        if not hasattr(data, "columns"):
            raise UsageError(f"target= goes with a dataframe or a Parquet dataset, not a {type(data).__name__}")
        return data
    try:
        import dask.dataframe as dd
    except ImportError:
        raise CannotMeasureError(f"{data}: a Parquet dataset {NEEDS_DASK}") from None
    return read_by(lambda: dd.read_parquet(str(data)), str(data))


def read_by(how: Callable[[], Any], what: str = "the dataset") -> Any:
    """What is read when a dataset is opened. Raises UsageError where it is not there, or is none."""
    try:
        return how()
    except ImportError as error:
        raise CannotMeasureError(f"{what}: cannot be read: {error}") from None
    except Exception as error:  # noqa: BLE001  # each object store has its own
        raise UsageError(f"{what}: cannot be read: {said_by(error.__cause__ or error)}") from None


def features_of(frame: Any, others: Sequence[str], asked: Sequence[str]) -> list[str]:
    """The columns to fit on. Raises UsageError for one that is not there, or there twice, and for none."""
    there = [str(name) for name in frame.columns]
    names = list(asked) or [name for name in there if name not in others]
    for name in (*names, *others):
        if name not in there:
            raise unknown("column", name, there)
        if there.count(name) > 1:
            raise UsageError(f"there is more than one column '{name}'")
    if not names:
        raise UsageError(f"there are no columns to fit beside '{others[0]}'")
    return names


def is_dask(data: Any) -> bool:
    """Whether it is one of Dask's collections."""
    return type(data).__module__.partition(".")[0] in ("dask", "dask_expr")
