"""A file's columns as they are read: numbers, the split's labels, and of every other column what it is like."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.errors import UsageError
from harness.files.reading import shows
from harness.problems.problem import SPLITS, Floats

SPLIT_COLUMN = "split"
LARGEST_BYTES = 512 * 2**20
"""Of a .csv: numbers are written with 8 to 24 characters, so this is what MOST_NUMBERS take."""
MOST_NUMBERS = 2**26
"""Of a table: 0.5 GiB in float64, and a problem, its design, a solver and the verification hold one each."""
LARGER = "for more, harness.solvers.streaming reads Parquet in chunks"


@dataclass(frozen=True)
class Text:
    """A cell that is no number; rows are counted from 1 below the header."""

    row: int
    value: str


@dataclass(frozen=True)
class TextColumn:
    """A column that is not numeric: the cells that are numbers, those that are not, and the first of these.

    `first` is None where the file itself says that the column holds no numbers.
    """

    numbers: int = 0
    texts: int = 0
    first: Text | None = None


@dataclass(frozen=True)
class Labels:
    """The column `split`: codes (n,) that index SPLITS, -1 for `strange`, the first label that is none of them."""

    codes: NDArray[np.int8]
    strange: Text | None


@dataclass(frozen=True)
class Table:
    """Columns in the file's order; `numbers` (rows,) float64 by name, NaN where a value is missing."""

    names: tuple[str, ...]
    rows: int
    numbers: Mapping[str, Floats] = field(default_factory=dict)
    texts: Mapping[str, TextColumn] = field(default_factory=dict)
    labels: Labels | None = None


def check_names(names: Sequence[str], path: Path) -> None:
    """Raise UsageError for a column without a name, with one that cannot be seen, or with another's."""
    for place, name in enumerate(names, start=1):
        if not name.strip():
            raise UsageError(f"{path}: column {place} has no name: name it (a frame's index: to_csv(index=False))")
        if not shows(name):
            raise UsageError(f"{path}: column {place} is named {name!r}: rename it, without line breaks and controls")
    ((name, count),) = Counter(names).most_common(1) or [("", 0)]
    if count > 1:
        raise UsageError(f"{path}: {count} columns are named '{name}': rename them")


def check_size(rows: int, columns: int, path: Path) -> None:
    """Raise UsageError for a table that is too large to be held as float64 several times over."""
    if rows * columns > MOST_NUMBERS:
        raise UsageError(f"{path}: holds more than {MOST_NUMBERS} values: {LARGER}")


def labels_of(codes: NDArray[np.int8], strange: Text | None) -> Labels:
    """Labels with their codes read-only."""
    codes.setflags(write=False)
    return Labels(codes, strange)


CODES: Mapping[str, int] = {part: code for code, part in enumerate(SPLITS)}
