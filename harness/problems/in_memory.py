"""Data of this process as problems: X and y, or a frame with a target."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from numpy.typing import ArrayLike

from harness.errors import HarnessError, UsageError
from harness.files.names import is_visible
from harness.problems.catalog import own_name
from harness.problems.columns import (
    SPLIT_COLUMN,
    Content,
    Table,
    check_names,
    check_size,
    labels_of,
)
from harness.problems.containers import (
    cells_of,
    column_of,
    columns_of,
    is_column,
    labels_in,
    library_of,
    name_of,
    parts_of,
    plain,
    shape_of,
)
from harness.problems.fitted import problem_of
from harness.problems.problem import Floats, Problem
from harness.problems.table_options import NOTHING_SAID, TableOptions

if TYPE_CHECKING:
    import pandas as pd

NAME = "data"
HASH_CHARACTERS = 8
"""Of a label: 32 bits, which tell the few problems of one run apart, and the same data from run to run."""


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
        columns = columns_of(X, name, "X", options.point)
        ((named, target),) = columns_of(y, name, "y", options.point).items() if is_column(y) else [("", None)]
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
        names = [name_of(column) for column in labels_in(frame)]
        check_names(names, name)
        check_size(len(frame), len(names), name)
        parts = dict(zip(names, parts_of(frame), strict=True))
        columns = {column: column_of(part, options.point) for column, part in parts.items()}
        split = columns.get(SPLIT_COLUMN)
        labels = None
        if split is not None and split.content is Content.TEXT:
            labels = labels_of([str(cell) for cell in cells_of(parts[SPLIT_COLUMN])])
        table = Table(len(frame), columns, labels, unused=_index_of(frame))
    wanted = None if target is None else name_of(target)
    return _problem(table, wanted, name, options, intercept=intercept)


def column_beside(data: object, given: object, name: str, what: str) -> Floats:
    """One more column (n,) for data in memory, NaN where it is missing, from whatever holds one.

    Raises UsageError for what is no column of numbers, and for another index than the data's.
    """
    with _one_line(name):
        _check_index(data[0] if isinstance(data, tuple) else data, given, name, what)
        found = [column for _, column in columns_of(given, name, what).values()]
    if len(found) != 1 or found[0].values is None:
        raise UsageError(f"{name}: {what} are one column of numbers, (n,), not {shape_of(given)}")
    return found[0].values


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


def _check_index(X: Any, y: Any, name: str, what: str = "y") -> None:
    """Raise UsageError for an X and a y (`what`) of pandas whose rows have other names: paired they are others'."""
    here, there = getattr(X, "index", None), getattr(y, "index", None)
    if (
        library_of(X) != "pandas"
        or library_of(y) != "pandas"
        or here is None
        or there is None
        or len(here) != len(there)
    ):
        return
    if not here.equals(there):
        place = next((i for i, (one, other) in enumerate(zip(here, there, strict=True)) if one != other), 0)
        raise UsageError(
            f"{name}: X and {what} have other indexes: row {place + 1} is {plain(here[place])!r} in X and "
            f"{plain(there[place])!r} in {what}: "
            f"align them ({what}.loc[X.index]), or drop both (reset_index(drop=True))"
        )


def _index_of(given: Any) -> tuple[tuple[str, str], ...]:
    """The index of a pandas frame, where it has a name: it is data that is not used."""
    if library_of(given) != "pandas":
        return ()
    return tuple((name_of(label), "index") for label in given.index.names if label is not None)
