"""The problem that a table and what was said of it make: one way for files, frames, arrays and tensors.

Which columns are used and which are left out, with the reason; what is meant as numbers and is not all numbers, what
is missing, constant or repeated is refused in one line that names the first such cell and what to do.
"""

import re
import shlex
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from harness.errors import UsageError, counted, unknown
from harness.problems.columns import SPLIT_COLUMN, Column, Content, Table
from harness.problems.problem import MIN_ROWS, Problem, Split
from harness.problems.table_options import DROP, TableOptions
from harness.problems.used_columns import SHOWN, check_rows, missing_in, numbers, rounded_in, row_split, target_of

INDEX_NAME = re.compile(r"Unnamed: 0(?:[._]\d+)*")
"""What pandas.read_csv calls a column without a name, which is what DataFrame.to_csv writes of an index."""
DECIMAL_COMMA = re.compile(r"[-+]?\d*,\d+")
THOUSANDS = re.compile(r"[-+]?\d{1,3},\d{3}")
"""A decimal comma, or thousands: where commas separate the fields nobody can tell."""
MOST_SHOWN = 6
"""Columns that an error names."""
REFUSED = (Content.MIXED, Content.DATES)


class TableRefusedError(UsageError):
    """A table of which no problem is made, and `cure`: options by name with which one might be."""

    def __init__(self, message: str, **cure: object) -> None:
        super().__init__(message)
        self.cure = cure


def problem_of(table: Table, target: str | None, options: TableOptions, where: str, name: str) -> Problem:
    """The problem `name` of the table's column `target` on its other columns of numbers; `where` begins every error.

    Raises UsageError for what cannot be fitted, RankDeficientError for a constant or repeated column.
    """
    split = row_split(table, where) if SPLIT_COLUMN not in options.drop else None
    named = _target(table, target, options, where)
    features, left_out = _chosen(table, named, options, split=split is not None)
    _refuse_mistakes(table, features, named, options, where)
    if table.columns[named].values is None or not features:
        raise _nothing_to_fit(table, named, where)
    table, split, notes = _complete(table, (*features, named), split, options, where)
    shown = ", ".join(f"{column} ({reason})" for column, reason in left_out)
    return Problem(
        name=name,
        X=numbers(table, features, where, weights=options.weights),
        y=target_of(table, named, where),
        features=tuple(features),
        target=named,
        split=split or Split.all_train(table.rows),
        title=f"{name}: {named} on {', '.join(features)}" + (f" (left out: {shown})" if shown else ""),
        recipe={"scale": "standardized"},
        left_out=tuple(left_out),
        notes=(
            *notes,
            *(rounded_in(used, cell) for used in (*features, named) if (cell := table.columns[used].rounded)),
        ),
        table=options.given(),
    )


def _target(table: Table, target: str | None, options: TableOptions, where: str) -> str:
    numeric = ", ".join(table.numbers) or "there is none"
    check_rows(table.rows, where)
    if not table.numbers and not any(column.content in REFUSED for column in table.columns.values()):
        raise UsageError(f"{where}: no numeric column")
    if target is None:
        raise UsageError(f"{where}: say which column is fitted: --target NAME (numeric: {numeric})")
    if target not in table.columns:
        raise UsageError(f"{where}: target '{target}' is not a numeric column; numeric: {numeric}")
    for option in ("features", "drop"):
        asked = getattr(options, option)
        if target in asked:
            raise UsageError(f"{where}: '{target}' is the target: leave it out of --{option}")
        for name in asked:
            if name not in table.columns and name not in dict(table.unused):
                raise UsageError(f"{where}: --{option}: {unknown('column', name, table.names)}")
    return target


def _chosen(
    table: Table, target: str, options: TableOptions, *, split: bool
) -> tuple[list[str], list[tuple[str, str]]]:
    """The features, and every other column but the target and the split with the reason why it is none."""
    features: list[str] = []
    left_out: list[tuple[str, str]] = []
    for name, column in table.columns.items():
        if name == target or (name == SPLIT_COLUMN and split):
            continue
        if reason := _unused(name, column, table, options):
            left_out.append((name, reason))
        else:
            features.append(name)
    if options.features:
        features = list(options.features)
    return features, [*left_out, *table.unused]


def _unused(name: str, column: Column, table: Table, options: TableOptions) -> str:
    """Why the column is no feature; empty if it is one, or should be."""
    if name in options.drop:
        return "dropped"
    if options.features:
        return "" if name in options.features else "not among the features"
    if name in table.index:
        return table.index[name]
    if INDEX_NAME.fullmatch(name):
        return "index"
    if column.values is not None or column.content in REFUSED:
        return ""
    return column.content.value


def _refuse_mistakes(table: Table, features: Sequence[str], target: str, options: TableOptions, where: str) -> None:
    """Raise TableRefusedError for columns that are used, or meant to be, and are not all numbers."""
    bad = {
        name: column
        for name in (*features, target)
        if (column := table.columns[name]).values is None and (name in options.features or column.content in REFUSED)
    }
    if not bad:
        return
    found = [f"column '{name}'{_first_cell(column)}" for name, column in bad.items()]
    more = f" and {len(found) - MOST_SHOWN} columns more" if len(found) > MOST_SHOWN else ""
    dates = all(column.content is Content.DATES for column in bad.values())
    how = (
        "say times as numbers with a unit (days, seconds since the first)"
        if dates
        else "write numbers as 1234.5, without units"
    )
    commas = [name for name, column in bad.items() if _has_decimal_commas(column, options)]
    if commas and options.decimal is None:
        raise TableRefusedError(
            f"{where}: {'; '.join(found[:MOST_SHOWN])}{more}: {how}, or say --decimal ,", decimal=","
        )
    dropped = tuple(name for name in bad if name != target)
    drop = " ".join(f"--drop {shlex.quote(name)}" for name in dropped)
    cure: dict[str, object] = {"drop": (*options.drop, *dropped)} if dropped and target not in bad else {}
    if options.features:
        cure, drop = {}, f"leave {'it' if len(bad) == 1 else 'them'} out of --features" if dropped else ""
    raise TableRefusedError(
        f"{where}: {'; '.join(found[:MOST_SHOWN])}{more}: {how}{', or ' + drop if drop else ''}", **cure
    )


def _first_cell(column: Column) -> str:
    first = column.first_other
    if first is None:
        return f" is no column of numbers ({column.content.value})"
    cells = column.numbers + column.others
    share = f" ({column.others} of {cells} are none)" if column.numbers else ""
    kind = "a date or time" if column.content is Content.DATES else "no number"
    return f", row {first.row}: '{first.value[:SHOWN]}' is {kind}{share}"


def _has_decimal_commas(column: Column, options: TableOptions) -> bool:
    text = column.first_other.value if column.first_other else ""
    commas_separate = (options.delimiter or ",") == ","
    return bool(DECIMAL_COMMA.fullmatch(text)) and not (commas_separate and THOUSANDS.fullmatch(text))


def _nothing_to_fit(table: Table, target: str, where: str) -> UsageError:
    numeric = ", ".join(table.numbers) or "there is none"
    if target not in table.numbers:
        return UsageError(f"{where}: target '{target}' is not a numeric column; numeric: {numeric}")
    return UsageError(f"{where}: no numeric column besides the target '{target}'")


def _complete(
    table: Table, used: Sequence[str], split: Split | None, options: TableOptions, where: str
) -> tuple[Table, Split | None, tuple[str, ...]]:
    """The table of the rows that are complete in the columns that are used, where that was asked for.

    Raises TableRefusedError for a missing value where it was not.
    """
    incomplete = np.zeros(table.rows, dtype=bool)
    for name in used:
        column = table.columns[name]
        assert column.values is not None  # noqa: S101  # the columns that are none were refused
        missing = np.isnan(column.values)
        if missing.any() and options.missing != DROP:
            raise TableRefusedError(f"{where}: {missing_in(name, column, droppable=name != used[-1])}", missing=DROP)
        incomplete |= missing
    if not incomplete.any():
        return table, split, ()
    kept = np.flatnonzero(~incomplete)
    if len(kept) < MIN_ROWS:
        complete = counted(len(kept), "row is", "rows are")
        raise UsageError(f"{where}: {complete} complete; a fit needs at least 2: drop a column instead")
    columns = {
        name: Column(Content.NUMBERS, values[kept], rounded=column.rounded)
        for name in used
        if (values := (column := table.columns[name]).values) is not None
    }
    note = f"{len(kept)} of {table.rows} rows are complete: {counted(int(incomplete.sum()), 'row')} left out"
    return Table(len(kept), columns), _of_kept(split, kept, table.rows, where), (note,)


def _of_kept(split: Split | None, kept: NDArray[np.int64], rows: int, where: str) -> Split | None:
    """The split of the rows that are left, by their new numbers."""
    if split is None:
        return None
    place = np.full(rows, -1, dtype=np.int64)
    place[kept] = np.arange(len(kept))
    parts = [(found := place[part])[found >= 0] for part in (split.train, split.val, split.test)]
    check_rows(len(parts[0]), where, "complete training row")
    return Split(*parts)
