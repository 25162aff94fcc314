"""`least_squares` of whatever a person has: arrays, tensors, frames, Parquet, sources; Dask's stay where they are."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypedDict, Unpack, overload

import numpy as np

from harness.cores.blas import one_blas_thread
from harness.cores.crew import Crew
from harness.errors import UsageError
from harness.problems.columns import Cell
from harness.problems.used_columns import rounded_in
from harness.solvers.streaming.answer import Answer
from harness.solvers.streaming.blocks import BYTES_A_THREAD
from harness.solvers.streaming.dask_rows import DaskRows, computed
from harness.solvers.streaming.frames import features_of, frame_of, is_dask, numbers, read_by, rounded_numbers
from harness.solvers.streaming.rows import Local, checked, may_round, rounded_chunk
from harness.solvers.streaming.sources import Arrays, Chunk, Parquet, Source
from harness.solvers.streaming.streaming import solved


class Asked(TypedDict, total=False):
    """What may be asked for by keyword, whatever the target."""

    features: Sequence[str]
    intercept: bool
    minimum_norm: bool
    threads: int | None


@overload
def least_squares(
    data: Any, y: Any = None, *, target: str | None = None, by: None = None, **more: Unpack[Asked]
) -> Answer: ...


@overload
def least_squares(
    data: Any, y: Any = None, *, target: list[str] | tuple[str, ...], by: None = None, **more: Unpack[Asked]
) -> dict[str, Answer]: ...


@overload
def least_squares(data: Any, y: Any = None, *, target: str, by: str, **more: Unpack[Asked]) -> Any: ...


def least_squares(  # noqa: PLR0913  # what can be asked for is its arguments, by keyword
    data: Any,
    y: Any = None,
    *,
    target: str | list[str] | tuple[str, ...] | None = None,
    features: Sequence[str] = (),
    by: str | None = None,
    intercept: bool = True,
    minimum_norm: bool = False,
    threads: int | None = None,
) -> Any:
    """The least-squares solution of all rows, and how it was got: an Answer.

    The rank is the data's: a direction that moving entries by half a unit in their last place removes is none. Without
    full column rank the coefficients are NaN, or those of minimum norm (all, the intercept among them) where they are
    asked for. The answer is the same to the last bit with any number of threads, of partitions and of workers, in
    whatever order these end, on processors for which BLAS has the same kernels. Whole numbers above 2^53 that are no
    float64 are rounded, and `notes` of the Answer (`message`, with `by`) says which was the first.

    Raises UsageError for no rows, for what does not fit together or is not numeric, and threads below 1 or above the
    cores; ValueError for NaN or infinity; CannotMeasureError where Dask is not installed or its workers die.

    Parameters
    ----------
    data
        X (n, p) beside `y` (n,): numpy arrays, torch tensors, or Dask arrays. With `target`: a pandas or a Dask
        dataframe; a Parquet file; a Parquet dataset, as a folder or a URL that fsspec knows (s3://..., gs://...), which
        is read by Dask. Or a source of its own: Arrays, Parquet, Chunks.
    target
        The column to fit; several give a dictionary of Answers, by name.
    features
        The columns to fit on: every other one by default, but `by`.
    by
        A column of a frame: a fit for each of its values, a frame with a row each (harness.solvers.streaming.groups);
        of a Dask dataframe a Dask dataframe, computed when it is asked for.
    intercept
        Whether a column of ones is fitted too.
    minimum_norm
        Whether data without full column rank get the coefficients of minimum norm in place of NaN.
    threads
        By default one for each core that this process may use and that is free. Dask's workers have their own.
    """
    how: dict[str, bool] = {"intercept": intercept, "least": minimum_norm}
    if by is not None:
        return _grouped(data, y, target, by, features, **how)
    if target is None or isinstance(target, str):
        return _solved(_rows(data, y, target, features), threads, **how)
    rest = tuple(features or features_of(frame_of(data), list(target), ()))
    return {one: _solved(_rows(data, None, one, rest), threads, **how) for one in target}


def _grouped(
    data: Any, y: Any, target: object, by: str, features: Sequence[str], *, intercept: bool, least: bool
) -> Any:
    from harness.solvers.streaming.groups import grouped

    if y is not None or not isinstance(target, str):
        raise UsageError("by='...' takes a frame with one target=")
    frame = frame_of(data)
    return grouped(frame, by, target, features_of(frame, [target, by], features), intercept=intercept, least=least)


def _solved(rows: "Source | DaskRows", threads: int | None, *, intercept: bool, least: bool) -> Answer:
    if not isinstance(rows, DaskRows):
        if threads is not None and (isinstance(threads, bool) or not isinstance(threads, int | np.integer)):
            raise UsageError(f"threads is a whole number, not {threads!r}")
        try:
            return on_this_machine(rows, threads, intercept=intercept, least=least)
        except ValueError:
            where = rows.not_finite() if isinstance(rows, Arrays) else ""
            if not where:
                raise
            raise ValueError(where) from None
    if threads is not None:
        raise UsageError("threads= is of this machine: Dask's workers have their own")
    with one_blas_thread():  # LAPACK's last bits depend on its threads, too
        return _noted(solved(rows, intercept=intercept, least=least), rows.rounded)


def on_this_machine(source: Source, threads: int | None, *, intercept: bool, least: bool) -> Answer:
    """The rows of a source, on this machine's cores."""
    size_bytes = source.size_bytes
    most = None if size_bytes is None else max(1, size_bytes // BYTES_A_THREAD)
    rows = Local(source, Crew(threads, most))
    with one_blas_thread():
        return _noted(solved(rows, intercept=intercept, least=least), rows.rounded)


def _noted(answer: Answer, rounded: Mapping[str, Cell]) -> Answer:
    return replace(answer, notes=tuple(rounded_in(name, cell) for name, cell in rounded.items()))


def _rows(data: Any, y: Any, target: str | None, features: Sequence[str]) -> "Source | DaskRows":
    if y is not None:
        if target is not None or features:
            raise UsageError("X, y is one way to say it, a frame with target= another: give one of them")
        return _arrays(data, y)
    if target is None:
        if isinstance(data, Source):
            return data
        raise UsageError(f"a {type(data).__name__} needs y, or target= where it is a frame")
    if isinstance(data, str | Path) and Path(data).is_file():
        return Parquet(Path(data), target, tuple(features))
    frame = frame_of(data)
    names = features_of(frame, [target], features)
    if not is_dask(frame):
        X, y = numbers([*names, target], [frame])
        return Arrays(X, y, (*names, target), rounded_numbers([*names, target], [frame]))
    return _of_dask_frame(frame, [*names, target])


def _arrays(X: Any, y: Any) -> "Arrays | DaskRows":
    if is_dask(X) or is_dask(y):
        return _of_dask_arrays(X, y)
    X, y = (part if hasattr(part, "nbytes") and hasattr(part, "ndim") else np.asarray(part) for part in (X, y))
    return Arrays(X, y)


def _of_dask_arrays(X: Any, y: Any) -> DaskRows:
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
    names = [*(f"{j}" for j in range(int(X.shape[1]))), "y"]
    if known and not (may_round(X) or may_round(y)):
        lengths, rounded = list(map(int, X.chunks[0])), dict[str, Cell]()
    else:
        lengths, rounded = _looked_at(partitions, _of_pair, _rounded_pair)
    return DaskRows(partitions, lengths, _of_pair, int(X.shape[1]), names, rounded)


def _pair(X: Any, y: Any) -> Any:
    """One thing of both, as an array of one."""
    found = np.empty(1, dtype=object)
    found[0] = (X, y)
    return found


def _of_pair(data: Sequence[Any]) -> Chunk:
    X, y = data[0][0]
    return X, y


def _rounded_pair(data: Sequence[Any]) -> dict[str, Cell]:
    return rounded_chunk(*checked(*_of_pair(data), "it"))


def _of_dask_frame(frame: Any, names: Sequence[str]) -> DaskRows:
    """The columns `names` of a dataframe, the target last; each partition is read twice."""
    partitions = [[one] for one in read_by(frame[list(names)].to_delayed)]
    read = partial(numbers, list(names))
    lengths, rounded = _looked_at(partitions, read, partial(rounded_numbers, list(names)))
    return DaskRows(partitions, lengths, read, len(names) - 1, names, rounded)


def _looked_at(
    partitions: Sequence[Sequence[Any]], read: Callable[[Any], Chunk], rounded: Callable[[Any], dict[str, Cell]]
) -> tuple[list[int], dict[str, Cell]]:
    """The rows of each partition, which are read for it, and by column the first number that is rounded."""
    from dask import delayed

    found = computed([delayed(_length_and_rounded)(read, rounded, list(data)) for data in partitions])
    first: dict[str, Cell] = {}
    rows = 0
    for length, cells in found:
        for name, cell in cells.items():
            first.setdefault(name, replace(cell, row=rows + cell.row))
        rows += length
    return [length for length, _ in found], first


def _length_and_rounded(
    read: Callable[[Any], Chunk], rounded: Callable[[Any], dict[str, Cell]], data: Any
) -> tuple[int, dict[str, Cell]]:
    return len(read(data)[1]), rounded(data)
