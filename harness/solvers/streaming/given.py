"""`least_squares` of whatever a person has: arrays, tensors, frames, Parquet, sources; Dask's stay where they are."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, overload

import numpy as np

from harness.cores.blas import one_blas_thread
from harness.cores.crew import Crew
from harness.errors import CannotMeasureError, UsageError, said_by, unknown
from harness.problems.problem import Floats
from harness.solvers.streaming.answer import Answer
from harness.solvers.streaming.blocks import BYTES_A_THREAD
from harness.solvers.streaming.dask_rows import DaskRows, computed
from harness.solvers.streaming.rows import Local
from harness.solvers.streaming.sources import Arrays, Chunk, Parquet, Source
from harness.solvers.streaming.streaming import solved

NEEDS_DASK = "needs dask, which is not installed: pip install 'ls-harness[dask]'"


@overload
def least_squares(
    data: Any,
    y: Any = None,
    *,
    target: str | None = None,
    features: Sequence[str] = (),
    by: None = None,
    intercept: bool = True,
    minimum_norm: bool = False,
    threads: int | None = None,
) -> Answer: ...


@overload
def least_squares(
    data: Any,
    y: Any = None,
    *,
    target: list[str] | tuple[str, ...],
    features: Sequence[str] = (),
    by: None = None,
    intercept: bool = True,
    minimum_norm: bool = False,
    threads: int | None = None,
) -> dict[str, Answer]: ...


@overload
def least_squares(
    data: Any,
    y: Any = None,
    *,
    target: str,
    features: Sequence[str] = (),
    by: str,
    intercept: bool = True,
    minimum_norm: bool = False,
    threads: int | None = None,
) -> Any: ...


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
    full column rank the coefficients are NaN, or those of minimum norm (all coefficients, the
    intercept among them) where they are asked for. The answer is the same to the last bit with any number of threads,
    of partitions and of workers, in whatever order these end, on processors for which BLAS has the same kernels.

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
    threads
        By default one for each core that this process may use and that is free. Dask's workers have their own.
    """
    options: dict[str, bool] = {"intercept": intercept, "least": minimum_norm}
    if by is not None:
        from harness.solvers.streaming.groups import grouped

        if y is not None or not isinstance(target, str):
            raise UsageError("by='...' takes a frame with one target=")
        frame = _frame_of(data)
        return grouped(frame, by, target, _features(frame, [target, by], features), **options)
    if target is not None and not isinstance(target, str):
        rest = features or _features(_frame_of(data), list(target), ())
        return {
            one: least_squares(
                data, target=one, features=rest, intercept=intercept, minimum_norm=minimum_norm, threads=threads
            )
            for one in target
        }
    rows = _rows(data, y, target, features)
    if isinstance(rows, DaskRows):
        if threads is not None:
            raise UsageError("threads= is of this machine: Dask's workers have their own")
        with one_blas_thread():  # LAPACK's last bits depend on its threads, too
            return solved(rows, **options)
    return on_this_machine(rows, threads, **options)


def on_this_machine(source: Source, threads: int | None, *, intercept: bool, least: bool) -> Answer:
    """The rows of a source, on this machine's cores."""
    size_bytes = source.size_bytes
    most = None if size_bytes is None else max(1, size_bytes // BYTES_A_THREAD)
    with one_blas_thread():
        return solved(Local(source, Crew(threads, most)), intercept=intercept, least=least)


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
    frame = _frame_of(data)
    names = _features(frame, [target], features)
    if not is_dask(frame):
        X, y = numbers([*names, target], [frame])
        return Arrays(X, y)
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
    if X.ndim != 2 or y.ndim != 1 or not _alike(X.shape[0], y.shape[0]):  # noqa: PLR2004
        raise UsageError(f"X is (n, p) and y is (n,), not {X.shape} and {y.shape}")
    known = not (np.isnan(X.shape[0]) or np.isnan(y.shape[0]))
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


def _of_dask_frame(frame: Any, names: Sequence[str]) -> DaskRows:
    partitions = [[one] for one in _read(frame[list(names)].to_delayed)]
    read = partial(numbers, list(names))
    return DaskRows(partitions, _lengths(partitions, read), read, len(names) - 1, names)


def _lengths(partitions: Sequence[Sequence[Any]], read: Callable[[Any], Chunk]) -> list[int]:
    """The rows of each partition, which are read for it."""
    from dask import delayed

    return list(computed([delayed(_length)(read, list(data)) for data in partitions]))


def _length(read: Callable[[Any], Chunk], data: Any) -> int:
    return len(read(data)[1])


def numbers(names: Sequence[str], data: Sequence[Any]) -> tuple[Floats, Floats]:
    """The columns of a pandas frame but the last, and the last. Raises UsageError for one that is not numeric."""
    (frame,) = data
    for name in names:
        if frame.dtypes[name].kind not in "fiub":
            raise UsageError(f"column '{name}' is not numeric but {frame.dtypes[name]}")
    X = np.ascontiguousarray(frame[list(names[:-1])].to_numpy(dtype=np.float64, na_value=np.nan))
    return X, frame[names[-1]].to_numpy(dtype=np.float64, na_value=np.nan)


def _frame_of(data: Any) -> Any:
    """A pandas or a Dask dataframe; of a Parquet dataset the latter."""
    if not isinstance(data, str | Path):
        if not hasattr(data, "columns"):
            raise UsageError(f"target= goes with a dataframe or a Parquet dataset, not a {type(data).__name__}")
        return data
    try:
        import dask.dataframe as dd
    except ImportError:
        raise CannotMeasureError(f"{data}: a Parquet dataset {NEEDS_DASK}") from None
    return _read(lambda: dd.read_parquet(str(data)), str(data))


def _read(how: Callable[[], Any], what: str = "the dataset") -> Any:
    """What is read when a dataset is opened. Raises UsageError where it is not there, or is none."""
    try:
        return how()
    except ImportError as error:
        raise CannotMeasureError(f"{what}: cannot be read: {error}") from None
    except Exception as error:  # noqa: BLE001  # each object store has its own
        raise UsageError(f"{what}: cannot be read: {said_by(error.__cause__ or error)}") from None


def _features(frame: Any, others: Sequence[str], asked: Sequence[str]) -> list[str]:
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


def _alike(n: float, m: float) -> bool:
    return bool(np.isnan(n) or np.isnan(m) or n == m)
