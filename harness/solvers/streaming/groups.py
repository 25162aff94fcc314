"""A fit for each value of a column: of a pandas frame, or of a Dask dataframe, whose groups are brought together first.

The rows of a group are in the order that they have in the whole, so that a fit does not depend on partitions.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from harness.errors import UsageError, one_line
from harness.solvers.status import Status
from harness.solvers.streaming.dask_rows import computed
from harness.solvers.streaming.frames import is_dask, numbers, rounded_numbers
from harness.solvers.streaming.given import on_this_machine
from harness.solvers.streaming.slices import check_finite, largest_of
from harness.solvers.streaming.sources import Arrays

PLACE = "__place_among_all_rows__"


def grouped(frame: Any, by: str, target: str, features: Sequence[str], *, intercept: bool, least: bool) -> Any:
    """A row for each value of `by`, in ascending order within a partition.

    Columns: `by`, n, rank, status (ok, rank_deficient, error), message, intercept, a coefficient by each feature's
    name, rss, r_squared, residual_sd. A group that cannot be fitted is a row too. Rows without a value of `by` are
    left out, as pandas does. A message names the first whole number, by its row in the group, that is no float64 and
    was rounded. Raises UsageError for features of the names of these columns, and where `by` is one of them or the
    target, which does not vary within a group.
    """
    if by in (target, *features):
        what = "the target" if by == target else "a feature"
        raise UsageError(f"by='{by}' is {what} too, which does not vary within a group: leave it out of one of them")
    taken = set(features) & {by, "n", "rank", "status", "message", "intercept", "rss", "r_squared", "residual_sd"}
    if taken:
        raise UsageError(f"by=: the answer has a column '{min(taken)}' of its own: rename the feature")
    fit: dict[str, Any] = {
        "by": by,
        "target": target,
        "features": tuple(features),
        "intercept": intercept,
        "least": least,
    }
    if not is_dask(frame):
        return fits_of(frame, **fit)
    frame = frame[[by, *features, target]]
    starts = np.concatenate([[0], np.cumsum(computed([frame.map_partitions(len)])[0].to_numpy())])
    meta = fits_of(frame._meta, **fit)  # noqa: SLF001  # Dask's own name for an empty frame of the same columns
    placed = frame.map_partitions(_placed, starts.tolist(), meta=frame._meta.assign(**{PLACE: np.int64(0)}))  # noqa: SLF001
    return placed.shuffle(on=by).map_partitions(fits_of, **fit, meta=meta)


def _placed(frame: Any, starts: Sequence[int], partition_info: Any = None) -> Any:
    """The frame with the place of each row among all."""
    start = 0 if partition_info is None else starts[partition_info["number"]]
    return frame.assign(**{PLACE: np.arange(start, start + len(frame))})


def fits_of(frame: Any, *, by: str, target: str, features: Sequence[str], intercept: bool, least: bool) -> Any:
    """The fits of the groups of a pandas frame that holds them whole."""
    import pandas as pd

    if PLACE in frame.columns:
        frame = frame.sort_values(PLACE)
    names = [*features, target]
    X, y = numbers(names, [frame])
    ordered = frame[by].reset_index(drop=True).dropna().sort_values(kind="stable")
    keys, places = ordered.to_numpy(), ordered.index.to_numpy()
    bounds = np.flatnonzero(np.append(True, keys[1:] != keys[:-1])) if len(keys) else np.empty(0, dtype=int)
    suspects = list(rounded_numbers(names, [frame]))
    rows: list[tuple[Any, ...]] = []
    for first, last in zip(bounds, [*bounds, len(keys)][1:], strict=True):
        these = places[first:last]
        data = Arrays(X[these], y[these], (*names,), rounded_numbers(suspects, [frame.iloc[these]]) if suspects else {})
        rows.append((keys[first], *_fit(data, intercept=intercept, least=least)))
    columns = [by, "n", "rank", "status", "message", "intercept", *features, "rss", "r_squared", "residual_sd"]
    found = pd.DataFrame(rows, columns=columns)
    kinds = dict.fromkeys(["n", "rank"], "int64") | dict.fromkeys(["status", "message"], "str")
    return found.astype(dict.fromkeys(columns[5:], "float64") | kinds | {by: frame[by].dtype})


def _fit(data: Arrays, *, intercept: bool, least: bool) -> tuple[Any, ...]:
    """n, rank, status, message, intercept, coefficients, rss, r_squared, residual_sd of one group."""
    try:
        check_finite(np.append(largest_of(data.X), largest_of(data.y[:, None])), data.names)
        found = on_this_machine(data, 1, intercept=intercept, least=least)
    except (UsageError, ValueError, ArithmeticError) as error:
        nothing = [np.nan] * (data.X.shape[1] + 4)
        return (len(data.y), 0, Status.ERROR.value, one_line(str(error)), *nothing)
    status = Status.OK if found.rank == found.columns else Status.RANK_DEFICIENT
    rest = (found.rss, found.r_squared, found.residual_sd)
    message = "; ".join([found.path, *found.notes])
    return (found.n, found.rank, status.value, message, found.intercept, *found.coef, *rest)
