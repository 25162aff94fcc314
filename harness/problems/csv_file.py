"""A CSV file as columns, block by block: what is kept is 8 bytes a number, whatever the file holds.

Python's csv module reads it, strictly: commas, quotes as RFC 4180 has them, any line ends, quoted line breaks. Numbers
are what Python's float takes, to the nearest double, but in ASCII and without underscores; "1,234" is a text.
"""

import csv
import io
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, TextIO

import numpy as np

from harness.errors import UsageError
from harness.problems.columns import (
    CODES,
    SPLIT_COLUMN,
    Labels,
    Table,
    Text,
    TextColumn,
    check_names,
    check_size,
    labels_of,
)
from harness.problems.problem import Floats

MISSING = frozenset({"", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN"}) | {
    *("<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null")
}
"""What stands for a missing value: the empty cell and the other texts that pandas.read_csv documents (na_values)."""
BLOCK_CELLS = 2**18
"""Cells that are texts at a time: 16 MB."""
LONGEST_ROW = 2**22
"""Characters of a row, its line breaks among them: two million cells at most, 0.1 GB as texts."""
SEPARATORS = ";\t|"
"""What stands between fields in files that are called .csv all the same."""


class _Rows:
    """The rows of a file that are not blank, none longer than LONGEST_ROW."""

    def __init__(self, text: TextIO) -> None:
        self._text, self._taken = text, 0
        self._reader = csv.reader(self._lines(), strict=True)

    @property
    def line(self) -> int:
        """The number of the line that was read last."""
        return self._reader.line_num

    def __iter__(self) -> Iterator[list[str]]:
        for row in self._reader:
            self._taken = 0
            if row:
                yield row

    def _lines(self) -> Iterator[str]:
        """Lines, for a row may take many: csv would put together one without end."""
        while line := self._text.readline(LONGEST_ROW + 1):
            self._taken += len(line)
            if self._taken > LONGEST_ROW:
                raise csv.Error(f"a row of more than {LONGEST_ROW} characters")
            yield line


class _Column:
    """What has been seen of a column; its numbers are kept as long as all of it are numbers."""

    def __init__(self) -> None:
        self.parts: list[Floats] = []
        self.numbers = self.texts = 0
        self.first: Text | None = None

    def add(self, cells: Sequence[str], before: int) -> None:
        """Take the next cells, of which the first is in row `before` + 1."""
        values = _all_numbers(cells)
        if values is None:
            found = [_number(cell) for cell in cells]
            texts = [i for i, value in enumerate(found) if value is None]
            if texts and self.first is None:
                self.first = Text(before + texts[0] + 1, cells[texts[0]])
            self.texts += len(texts)
            values = np.array(found, dtype=np.float64)  # None becomes NaN
        self.numbers += int(np.count_nonzero(~np.isnan(values)))
        if self.texts:
            self.parts.clear()
        else:
            self.parts.append(values)

    def whole(self) -> Floats:
        """All numbers, (n,)."""
        return np.concatenate([np.empty(0), *self.parts])


def read_csv(file: BinaryIO, path: Path) -> Table:
    """The columns of a CSV file. Raises UsageError naming the line for what is no table with one header."""
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    rows = _Rows(text)
    try:
        return _read(rows, path)
    except csv.Error as error:
        raise UsageError(f"{path}: cannot be read: line {rows.line}: {error}") from None
    except UnicodeDecodeError as error:
        what = f"0x{error.object[error.start]:02x} is not UTF-8: save it as UTF-8"
        raise UsageError(f"{path}: cannot be read: line {rows.line + 1} or a little later: {what}") from None
    finally:
        text.detach()


def _read(rows: _Rows, path: Path) -> Table:
    names = next(iter(rows), None)
    if names is None:
        raise UsageError(f"{path}: cannot be read: it is empty: its first line names the columns")
    if len(names) == 1 and any(separator in names[0] for separator in SEPARATORS):
        raise UsageError(f"{path}: has one column, '{names[0]}': separate its fields by commas")
    check_names(names, path)
    columns = [_Column() for _ in names]
    codes, strange, before = array("b"), None, 0
    for block in _blocks(rows, len(names), path):
        check_size(before + len(block), len(names), path)
        for name, column, cells in zip(names, columns, zip(*block, strict=True), strict=True):
            column.add(cells, before)
            if name == SPLIT_COLUMN:
                codes.extend(CODES.get(cell, -1) for cell in cells)
                strange = strange or next((Text(before + i, c) for i, c in enumerate(cells, 1) if c not in CODES), None)
        before += len(block)
    return _table(names, columns, before, labels_of(np.array(codes, dtype=np.int8), strange))


def _table(names: Sequence[str], columns: Sequence[_Column], rows: int, labels: Labels) -> Table:
    by_name = dict(zip(names, columns, strict=True))
    texts = {n: TextColumn(c.numbers, c.texts, c.first) for n, c in by_name.items() if c.texts}
    numbers = {name: column.whole() for name, column in by_name.items() if not column.texts}
    return Table(tuple(names), rows, numbers, texts, labels if SPLIT_COLUMN in texts else None)


def _blocks(rows: _Rows, width: int, path: Path) -> Iterator[list[list[str]]]:
    """Rows, some at a time. Raises UsageError for one that is longer or shorter than the header."""
    block: list[list[str]] = []
    for row in rows:
        if len(row) != width:
            more = "more fields than its header has names" if len(row) > width else "fewer fields than its header"
            raise UsageError(f"{path}: cannot be read: line {rows.line} has {more}: {len(row)}, not {width}")
        block.append(row)
        if len(block) * width >= BLOCK_CELLS:
            yield block
            block = []
    if block:
        yield block


def _all_numbers(cells: Sequence[str]) -> Floats | None:
    """The cells as float64, if each is a number; None if one is missing or a text."""
    said = "".join(cells)
    if "\0" in said:
        raise csv.Error("a NUL byte: is it a text file?")
    if not said.isascii() or "_" in said:
        return None
    try:
        return np.fromiter(map(float, cells), dtype=np.float64, count=len(cells))
    except ValueError:
        return None


def _number(cell: str) -> float | None:
    """A cell as the nearest double; NaN if it is missing, None if it is a text."""
    said = cell.strip()
    if said in MISSING:
        return np.nan
    if not said.isascii() or "_" in said:
        return None
    try:
        return float(said)
    except ValueError:
        return None
