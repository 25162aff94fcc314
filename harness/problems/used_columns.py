"""The numbers of a table's columns that are fitted, and its split: finite, different from each other, enough rows."""

import hashlib
import shlex
from collections.abc import Sequence

import numpy as np

from harness.errors import UsageError, counted
from harness.problems.columns import Cell, Column, Table
from harness.problems.problem import MIN_ROWS, SPLITS, Floats, Split

SHOWN = 40
"""Characters of a cell, in an error."""


class RankDeficientError(UsageError):
    """A column is constant or repeats another, so that the coefficients are not unique."""


def check_rows(count: int, where: str, what: str = "row") -> None:
    """Raises UsageError for fewer than MIN_ROWS."""
    if count < MIN_ROWS:
        raise UsageError(f"{where}: {counted(count, what)}; a fit needs at least 2")


def numbers(table: Table, columns: Sequence[str], where: str, *, weights: str | None = None) -> Floats:
    """The columns as float64 of shape (n, len(columns)).

    Raises UsageError for one row or none, NaN, infinity, and whole numbers that are no longer different as float64;
    RankDeficientError for a constant or repeated column, unless it holds the rows' `weights`.
    """
    check_rows(table.rows, where)
    found = [_finite(table, name, where) for name in columns]
    seen: dict[bytes, str] = {}
    for name, values in zip(columns, found, strict=True):
        if name == weights:
            continue
        first = seen.setdefault(hashlib.sha256(values.tobytes()).digest(), name)
        constant, repeats = bool((values == values[0]).all()), first != name
        cell = table.columns[name].rounded or (table.columns[first].rounded if repeats else None)
        if (constant or repeats) and cell is not None:
            same = f"every row of column '{name}' is" if constant else f"columns '{first}' and '{name}' are"
            raise UsageError(
                f"{where}: column '{name}', row {cell.row}: {no_float(cell)}, and then {same} the same: "
                "subtract the first value, as whole numbers"
            )
        if constant:
            raise RankDeficientError(f"{where}: rank_deficient: column '{name}' is constant: drop it")
        if repeats:
            raise RankDeficientError(f"{where}: rank_deficient: column '{name}' repeats '{first}': drop one")
    return np.column_stack(found)


def _finite(table: Table, name: str, where: str) -> Floats:
    column = table.columns[name]
    if column.values is None:
        place = f": row {column.first_other.row} has '{column.first_other.value[:SHOWN]}'" if column.first_other else ""
        raise UsageError(f"{where}: column '{name}' is not numeric{place}")
    if not np.isfinite(column.values).all():
        raise UsageError(f"{where}: {missing_in(name, column, droppable=False)}")
    return column.values


def target_of(table: Table, target: str, where: str) -> Floats:
    """The target as float64 of shape (n,). Raises UsageError if it is constant, besides what `numbers` raises."""
    try:
        return numbers(table, [target], where)[:, 0].copy()
    except RankDeficientError:
        raise UsageError(f"{where}: target '{target}' is constant: there is nothing to fit") from None


def row_split(table: Table, where: str) -> Split | None:
    """The split that a text column named `split` states, or None without one."""
    if table.labels is None:
        return None
    strange = table.labels.strange
    if strange is not None:
        place = f"row {strange.row} of column 'split'"
        raise UsageError(f"{where}: {place} has '{strange.value[:SHOWN]}'; it takes train, val and test")
    parts = [np.flatnonzero(table.labels.codes == code).astype(np.int64) for code in range(len(SPLITS))]
    if len(parts[0]) < MIN_ROWS:
        training = counted(len(parts[0]), "training row")
        raise UsageError(f"{where}: column 'split' leaves {training}; a fit needs at least 2")
    return Split(*parts)


def missing_in(name: str, column: Column, *, droppable: bool) -> str:
    """What is missing in a column, and what to do; the target is not `droppable`."""
    assert column.values is not None  # noqa: S101  # it has numbers
    bad = np.flatnonzero(~np.isfinite(column.values))
    ways = ["--missing drop"] if np.isnan(column.values).any() else []
    ways += [f"--drop {shlex.quote(name)}"] if droppable else []
    do = ", or ".join(["drop or fill them", *(["say " + ", or ".join(ways)] if ways else [])])
    if column.mark is not None:
        return (
            f"column '{name}', row {column.mark.row}: '{column.mark.value}' is no number "
            f"({len(bad)} of {len(column.values)} are missing or infinite): {do}"
        )
    first = column.first_missing
    cell = f": '{first.value}'" if first is not None and first.row == bad[0] + 1 else ""
    bad_values = counted(len(bad), "missing or infinite value")
    return f"column '{name}' has {bad_values}, the first in row {bad[0] + 1}{cell}: {do}"


def rounded_in(name: str, cell: Cell) -> str:
    """The note on a column whose whole numbers did not all survive; `cell` is the first."""
    return f"column '{name}', row {cell.row}: {no_float(cell)}"


def no_float(cell: Cell) -> str:
    """What became of a whole number that float64 does not have."""
    return f"{cell.value} is above 2^53 and is no float64: it was rounded to {int(float(cell.value))}"
