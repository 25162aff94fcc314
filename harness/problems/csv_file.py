"""A CSV file as columns, block by block: what is kept is 8 bytes a number, whatever the file holds.

Python's csv module reads it, strictly: commas unless another delimiter is said, quotes as RFC 4180 has them, any line
ends, quoted line breaks. Numbers are what Python's float takes, to the nearest double, but in ASCII and without
underscores; "1,234" is a text.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from itertools import chain, pairwise
from typing import BinaryIO, TextIO

from harness.errors import UsageError, counted
from harness.problems.cells import BLOCK_CELLS, Cells
from harness.problems.columns import SPLIT_COLUMN, Column, Content, Table, check_names, check_size, labels_of
from harness.problems.problem import SPLITS
from harness.problems.table_options import TableOptions

LONGEST_ROW = 2**22
"""Characters of a row, its line breaks among them: two million cells at most, 0.1 GB as texts."""
SEPARATORS = ";\t|"
"""What stands between fields in files that are called .csv all the same."""
SHOWN = 6
"""Of the cells of a line, in an error."""
PARTS = {part: part for part in SPLITS}
"""One object for each, whatever the file's length."""


class OtherDelimiterError(UsageError):
    """A file whose fields are separated by something else: by `delimiter`, as it seems."""

    def __init__(self, message: str, delimiter: str, trailing: int) -> None:
        """`trailing`: how many delimiters end the header."""
        super().__init__(message)
        self.delimiter, self.trailing = delimiter, trailing


class _Rows:
    """The rows of a file that are not blank, none longer than LONGEST_ROW."""

    def __init__(self, text: TextIO, delimiter: str) -> None:
        self._text, self._taken = text, 0
        self._reader = csv.reader(self._lines(), strict=True, delimiter=delimiter)

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


def read_csv(file: BinaryIO, where: str, options: TableOptions) -> Table:
    """The columns of a CSV file. Raises UsageError naming the line for what is no table with one header."""
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    rows = _Rows(text, options.delimiter or ",")
    try:
        return _read(rows, where, options)
    except csv.Error as error:
        raise UsageError(f"{where}: cannot be read: line {rows.line}: {error}") from None
    except UnicodeDecodeError as error:
        what = f"0x{error.object[error.start]:02x} is not UTF-8: save it as UTF-8"
        raise UsageError(f"{where}: cannot be read: line {rows.line + 1} or a little later: {what}") from None
    finally:
        text.detach()


def _read(rows: _Rows, where: str, options: TableOptions) -> Table:
    lines = iter(rows)
    first = next(lines, None)
    if first is None:
        raise UsageError(f"{where}: cannot be read: it is empty: its first line names the columns")
    _check_delimiter(first, where, options)
    if options.header and _holds_values(first):
        raise UsageError(_headerless(first, where))
    names, nameless, trailing = _names(first if options.header else list(map(str, range(len(first)))))
    check_names(names, where)
    columns = [Cells(options.point) for _ in names]
    labels: list[str] = []
    count = 0
    below = lines if options.header else chain([first], lines)
    for block in _blocks(rows, below, len(names), where, options):
        check_size(count + len(block), len(names), where)
        for name, column, cells in zip(names, columns, zip(*block, strict=True), strict=True):
            if "\0" in "".join(cells):
                raise csv.Error("a NUL byte: is it a text file?")
            column.add(cells)
            if name == SPLIT_COLUMN:
                labels.extend(PARTS.get(cell, cell) for cell in cells)
        count += len(block)
    found = dict(zip(names, (column.column() for column in columns), strict=True))
    unused = _trailing(found, trailing, where, options)
    index = {nameless: "index: it has no name"} if nameless and _names_rows(found[nameless], count) else {}
    if nameless and not index:
        check_names([""], where)
    split = found.get(SPLIT_COLUMN)
    return Table(count, found, labels_of(labels) if split and split.values is None else None, index, unused)


def _check_delimiter(first: Sequence[str], where: str, options: TableOptions) -> None:
    """Raise OtherDelimiterError where nothing was said of a delimiter and another one stands in the first line."""
    if len(first) > 1 or options.delimiter is not None:
        return
    delimiter = next((one for one in SEPARATORS if one in first[0]), None)
    if delimiter:
        trailing = len(first[0]) - len(first[0].rstrip(delimiter))
        raise OtherDelimiterError(f"{where}: has one column, '{first[0][:80]}'", delimiter, trailing)


def _headerless(first: Sequence[str], where: str) -> str:
    shown = ", ".join(first[:SHOWN]) + (", ..." if len(first) > SHOWN else "")
    return (
        f"{where}: its first line holds numbers, not names ({shown}): write names above it, or say --no-header, "
        f"which names the columns 0 to {len(first) - 1}"
    )


def _holds_values(header: Sequence[str]) -> bool:
    """Whether all of it are numbers; or half, and not as names are: years and places are whole, and ascend."""
    numbers = [value for value in map(_as_number, header) if value is not None]
    if not numbers:
        return False
    ascend = all(low < high for low, high in pairwise(numbers)) and all(one.is_integer() for one in numbers)
    named = [name for name in header if name.strip()]
    return len(numbers) == len(named) or (2 * len(numbers) >= len(named) and not ascend)


def _as_number(text: str) -> float | None:
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        return None
    return value if value - value == 0 else None  # a column may be called inf or nan


def _names(header: Sequence[str]) -> tuple[list[str], str, list[str]]:
    """The names, the one that stands for that of a first column without any, and those of trailing ones without any."""
    names = list(header)
    trailing = 0
    while trailing < len(names) - 1 and not names[-1 - trailing].strip():
        trailing += 1
    first = len(names) - trailing
    names[first:] = [f"column {place + 1}" for place in range(first, len(names))]
    nameless = "" if names[0].strip() else "column 1"
    names[0] = nameless or names[0]
    return names, nameless, names[first:]


def _trailing(
    found: dict[str, Column], trailing: Sequence[str], where: str, options: TableOptions
) -> tuple[tuple[str, str], ...]:
    """Take the trailing columns without names out of `found`; what they are.

    They are left out where a delimiter was said. Raises UsageError where none was, and for one with values.
    """
    if not trailing:
        return ()
    filled = next((name for name in trailing if found[name].content is not Content.EMPTY), None)
    if filled:
        raise UsageError(f"{where}: {filled} has no name: name it")
    ends = f"each line ends with {counted(len(trailing), 'delimiter')} too many"
    if options.delimiter is None:
        raise UsageError(
            f"{where}: {ends} (a trailing comma), so that {trailing[0]} has no name: remove them, or say --delimiter , "
            f"and they are left out"
        )
    for name in trailing:
        del found[name]
    return tuple((name, "no name and no values: a trailing delimiter") for name in trailing)


def _names_rows(column: Column, rows: int) -> bool:
    """Whether a column without a name is an index: whole numbers, each of them once, or words, as R writes them."""
    if column.values is None:
        return column.content in (Content.TEXT, Content.DATES)
    return len(set(column.values)) == rows and all(value.is_integer() for value in column.values)


def _blocks(
    rows: _Rows, below: Iterator[list[str]], width: int, where: str, options: TableOptions
) -> Iterator[list[list[str]]]:
    """Rows, some at a time. Raises UsageError for one that is longer or shorter than the header."""
    block: list[list[str]] = []
    for row in below:
        ends_empty = len(row) > width and not any(map(str.strip, row[width:]))
        if len(row) != width and not (ends_empty and options.delimiter):
            more = "more fields than its header has names" if len(row) > width else "fewer fields than its header"
            hint = "; it ends with a trailing delimiter: say --delimiter to leave it out" if ends_empty else ""
            raise UsageError(f"{where}: cannot be read: line {rows.line} has {more}: {len(row)}, not {width}{hint}")
        block.append(row[:width])
        if len(block) * width >= BLOCK_CELLS:
            yield block
            block = []
    if block:
        yield block
