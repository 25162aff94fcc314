"""Dask's arrays and dataframes as rows: partitions, and how many rows each has."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from harness.errors import UsageError
from harness.solvers.streaming.dask_rows import DaskRows, computed
from harness.solvers.streaming.frames import numbers, read_by
from harness.solvers.streaming.sources import Chunk


def of_arrays(X: Any, y: Any) -> DaskRows:
    """Each block of rows with its part of y, drawn or read in one task."""
    import dask.array as da

    X, y = (one.to_dask_array() if hasattr(one, "to_dask_array") else da.asarray(one) for one in (X, y))
    known = not np.isnan([*X.shape, *y.shape]).any()
    if X.ndim != 2 or y.ndim != 1 or (known and len(X) != len(y)):  # noqa: PLR2004
        raise UsageError(f"X is (n, p) and y is (n,), not {X.shape} and {y.shape}")
    X = X.rechunk({1: -1}) if X.numblocks[1] > 1 else X
    if known:
        y = y.rechunk((X.chunks[0],))
    elif X.numblocks[0] != y.numblocks[0]:
        raise UsageError(f"X has {X.numblocks[0]} partitions of rows and y {y.numblocks[0]}: give both the same")
    pairs = da.blockwise(
        _pair,
        "i",
        *(X, "ij", y, "i"),
        dtype=object,
        concatenate=True,
        align_arrays=False,
        adjust_chunks={"i": 1},
        meta=np.empty(0, dtype=object),
    )
    partitions = [[one] for one in pairs.to_delayed().ravel()]
    lengths = X.chunks[0] if known else _lengths(partitions, _of_pair)
    names = [*(f"{j}" for j in range(int(X.shape[1]))), "y"]
    return DaskRows(partitions, list(map(int, lengths)), _of_pair, int(X.shape[1]), names)


def _pair(X: Any, y: Any) -> Any:
    """One thing of both, as an array of one."""
    found = np.empty(1, dtype=object)
    found[0] = (X, y)
    return found


def _of_pair(data: Sequence[Any]) -> Chunk:
    X, y = data[0][0]
    return X, y


def of_frame(frame: Any, names: Sequence[str]) -> DaskRows:
    """The columns `names` of a dataframe, the target last; each partition is read twice."""
    partitions = [[one] for one in read_by(frame[list(names)].to_delayed)]
    read = partial(numbers, list(names))
    return DaskRows(partitions, _lengths(partitions, read), read, len(names) - 1, names)


def _lengths(partitions: Sequence[Sequence[Any]], read: Callable[[Any], Chunk]) -> list[int]:
    """The rows of each partition, which are read for it."""
    from dask import delayed

    return list(computed([delayed(_length)(read, list(data)) for data in partitions]))


def _length(read: Callable[[Any], Chunk], data: Any) -> int:
    return len(read(data)[1])
