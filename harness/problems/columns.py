"""A table's columns with the facts that decide what becomes of them, the same whatever container they came in."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from harness.errors import UsageError
from harness.files.names import alike, is_visible
from harness.problems.problem import SPLITS, Floats

SPLIT_COLUMN = "split"
LARGEST_BYTES = 512 * 2**20
"""Of a .csv: numbers are written with 8 to 24 characters, so this is what MOST_NUMBERS take."""
MOST_NUMBERS = 2**26
"""Of a table: 0.5 GiB in float64, and a problem, its design, a solver and the verification hold one each."""
LARGER = "for more, harness.solvers.streaming reads Parquet in chunks"
BITS = 53
"""Of a float64's significand (IEEE 754)."""
LARGEST_EXACT = 2**BITS
"""Up to here every whole number is a float64; beyond, not every one."""


class Content(StrEnum):
    """What a column's cells are; the text is the reason for which one that is not used is left out."""

    NUMBERS = "numbers"
    EMPTY = "no values"
    TEXT = "text"
    MIXED = "text among numbers"
    """Meant as numbers: a fit without it would be another one than was asked for."""
    DATES = "dates or times"
    NESTED = "nested"


@dataclass(frozen=True)
class Cell:
    """A cell as text; rows are counted from 1 below the header."""

    row: int
    value: str


@dataclass(frozen=True)
class Column:
    """What is known of a column.

    `values` (rows,) float64 are its numbers, NaN where a value is missing; None unless all of it are numbers or
    missing. `numbers` and `others` count the cells that are numbers, and those that are neither numbers nor missing.
    `first_other` is the first of these, `first_missing` the first missing one that is written out ('NA', '?'),
    `mark` the first such that no reader takes for a missing value ('?', '-'), and `rounded` the first whole number
    that is no float64.
    """

    content: Content
    values: Floats | None = None
    numbers: int = 0
    others: int = 0
    first_other: Cell | None = None
    first_missing: Cell | None = None
    mark: Cell | None = None
    rounded: Cell | None = None


@dataclass(frozen=True)
class Labels:
    """The column `split`: codes (n,) that index SPLITS, -1 for `strange`, the first label that is none of them."""

    codes: NDArray[np.int8]
    strange: Cell | None


@dataclass(frozen=True)
class Table:
    """Columns by name, in their order; `index` names those that only count or name the rows, with the reason.

    `unused` names what is in the container and is no column of the table, with the reason.
    """

    rows: int
    columns: Mapping[str, Column]
    labels: Labels | None = None
    index: Mapping[str, str] = field(default_factory=dict)
    unused: Sequence[tuple[str, str]] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Of all columns, in their order."""
        return tuple(self.columns)

    @property
    def numbers(self) -> Mapping[str, Floats]:
        """The columns of numbers, (rows,) float64, NaN where a value is missing."""
        return {name: one.values for name, one in self.columns.items() if one.values is not None}

    @property
    def texts(self) -> Mapping[str, Column]:
        """The columns that are not numbers."""
        return {name: one for name, one in self.columns.items() if one.values is None}


def column_of_array(array: NDArray[np.generic], missing: NDArray[np.bool_] | None = None) -> Column:
    """A column of booleans (1 and 0), integers or floats (n,); `missing` (n,) is true where a value is missing."""
    with np.errstate(over="ignore"):  # a longdouble beyond float64 is refused as infinite
        values = array.astype(np.float64)
    if missing is not None and missing.any():
        values[missing] = np.nan
    numbers = int(np.count_nonzero(~np.isnan(values)))
    rounded = first_rounded(array, values)
    # A column of float64 without a value cannot be told from one of a CSV file without a value.
    return Column(Content.NUMBERS if numbers else Content.EMPTY, values if numbers else None, numbers, rounded=rounded)


def first_rounded(array: NDArray[np.generic], values: Floats, before: int = 0) -> Cell | None:
    """The first whole number of `array` (n,) that is none of its `values` as float64; `before`: rows before these.

    None too for what is no array of integers. A whole number of more than 53 bits is a float64 if those below the
    first 53 are 0.
    """
    if array.dtype.kind not in "iu" or array.dtype.itemsize < values.dtype.itemsize:
        return None
    large = np.flatnonzero(np.abs(values) >= LARGEST_EXACT)
    one, bits = array.dtype.type(1), np.frexp(values[large])[1] - BITS
    low = array[large] & (np.left_shift(one, bits.astype(array.dtype)) - one)
    places = large[low != 0]
    return Cell(before + int(places[0]) + 1, str(array[places[0]])) if len(places) else None


def check_names(names: Sequence[str], where: str) -> None:
    """Raise UsageError for a column without a name, with one that cannot be seen, or with another's."""
    for place, name in enumerate(names, start=1):
        if not name.strip():
            raise UsageError(f"{where}: column {place} has no name: name it (a frame's index: to_csv(index=False))")
        if not is_visible(name):
            raise UsageError(f"{where}: column {place} is named {name!r}: rename it, without line breaks and controls")
    ((name, count),) = Counter(names).most_common(1) or [("", 0)]
    if count > 1:
        raise UsageError(f"{where}: {count} columns are named '{name}': rename them")
    pair = alike(names)
    if pair is not None:
        (one, first), (other, second) = ((place + 1, names[place]) for place in pair)
        said = f"columns {one} and {other} look the same, {first!a} and {second!a}"
        raise UsageError(f"{where}: {said}: rename one of them")


def check_size(rows: int, columns: int, where: str) -> None:
    """Raise UsageError for a table that is too large to be held as float64 several times over."""
    if rows * columns > MOST_NUMBERS:
        raise UsageError(f"{where}: holds more than {MOST_NUMBERS} values: {LARGER}")


def labels_of(labels: Sequence[str]) -> Labels:
    """The split's labels, one a row."""
    codes = np.array([CODES.get(one, -1) for one in labels], dtype=np.int8)
    codes.setflags(write=False)
    return Labels(codes, next((Cell(i, one) for i, one in enumerate(labels, 1) if one not in CODES), None))


CODES: Mapping[str, int] = {part: code for code, part in enumerate(SPLITS)}
