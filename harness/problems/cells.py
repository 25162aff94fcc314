"""Cells that have to be looked at one by one: texts of a CSV file, objects of a frame, words of a Parquet file.

A cell is a number where Python's float takes it, in ASCII and without underscores; True and False are 1 and 0. What
pandas.read_csv takes for a missing value is missing; '?', '-' and the like mark one.
"""

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import islice
from numbers import Number
from typing import Any

import numpy as np

from harness.problems.columns import LARGEST_EXACT, Cell, Column, Content
from harness.problems.problem import Floats

MISSING = frozenset({"", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN"}) | {
    *("<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null")
}
"""What stands for a missing value: the empty cell and the other texts that pandas.read_csv documents (na_values)."""
MARKS = frozenset({"?", "??", "-", "--", "---", "\u2013", "\u2014", ".", "..", "...", "*", "#", "\\N", "NaT"}) | {
    *("n.a.", "N.A.", "na", "Na", "NAN", "none", "NONE", "Null", "nil", "missing", "Missing", "MISSING"),
    *("unknown", "Unknown", "UNKNOWN", "#DIV/0!", "#VALUE!", "#REF!", "#NUM!", "#NAME?", "#NULL!"),
}
"""What people and spreadsheets write for a missing value, and no reader takes for one."""
BOOLEANS = {"True": 1.0, "TRUE": 1.0, "true": 1.0, "False": 0.0, "FALSE": 0.0, "false": 0.0}
"""As pandas.read_csv reads them (true_values, false_values)."""
GOOD_SHARE = 0.25
"""Of the cells that are not missing: where so many, and two, are or begin with numbers, all are meant as numbers."""
BLOCK_CELLS = 2**18
"""Cells that are looked at at a time: 16 MB as texts."""
LONGEST_QUANTITY = 40
"""Characters: a text that is longer is prose."""

_DIGITS = r"\d[\d.,'\u2019\u00a0\u202f_ ]*(?:[eE][-+]?\d+)?"
_CURRENCY = r"[$\u20ac\u00a3\u00a5\u20b9\u20a9\u20bd]|(?:US|A|C|R)\$|(?:USD|EUR|GBP|CHF|JPY|CNY|INR|Rs)\.?(?=[ \d])"
_UNIT = r"""[mgshlVAWKMkBCFNJtL](?![^\W\d_])|(?:[^\W\d_]){2,}|(?!-\d)[^\w\s]"""
"""What may stand behind a number: letters of a unit, two or more or one that is a unit's, or a sign."""
QUANTITY = re.compile(
    rf"[<>~\u2248\u2264\u2265=]{{0,2}} ?[-+\u2212]?\(? ?'?(?:{_CURRENCY})? ?[-+\u2212]?{_DIGITS}"
    rf"(?: ?(?!(?:to|or|and|of|x)\b)(?:{_UNIT}).*)?",
    re.DOTALL,
)
"""A number as people write it: 1,234.5; 1'234; 12 %; 3,14; $1,200.50; 1248 CC; <0.5; 82.4 bhp@5000rpm; a typographic
minus. No code or range: 12a, 0x1f, 555-1234, 18 to 24."""
COMPLEX = re.compile(r"\(?[-+]?[\d.]+(?:e[-+]?\d+)?[-+][\d.]+(?:e[-+]?\d+)?[ij]\)?", re.IGNORECASE)
DATE = re.compile(
    r"(?:\d{4}([-/.])\d{1,2}\1\d{1,2}|\d{1,2}([-/.])\d{1,2}\2(?:\d{4}|\d{2}))(?:[T ]\d{1,2}:\d{2}.{0,25})?"
    r"|\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?: ?[AaPp][Mm])?"
)


class Cells:
    """What has been seen of a column; its numbers are kept as long as all of it are numbers or missing."""

    def __init__(self, decimal: str = ".") -> None:
        """`decimal`: the character between a number's whole and its fraction, '.' or ','."""
        self._decimal, self._parts, self._before = decimal, list[Floats](), 0
        self._numbers = self._quantities = self._dates = self._words = self._nested = 0
        self._first_other: Cell | None = None
        self._first_missing: Cell | None = None
        self._mark: Cell | None = None
        self._rounded: Cell | None = None
        self._word, self._several_words = "", False

    def add(self, cells: Sequence[object]) -> None:
        """Take the next cells."""
        values = self._all_numbers(cells)
        if values is None:
            values = np.array([self._value(cell, row) for row, cell in enumerate(cells, self._before + 1)])
        self._numbers += int(np.count_nonzero(~np.isnan(values)))
        if self._rounded is None:
            self._rounded = self._first_rounded(cells, values)
        self._before += len(cells)
        if self._others:
            self._parts.clear()
        else:
            self._parts.append(values)

    def column(self) -> Column:
        """The column of all cells."""
        content = self._content()
        values = np.concatenate(self._parts) if content is Content.NUMBERS else None
        return Column(
            content,
            values,
            self._numbers,
            self._others,
            self._first_other,
            self._first_missing,
            self._mark,
            self._rounded,
        )

    @property
    def _others(self) -> int:
        return self._quantities + self._dates + self._words + self._nested

    def _content(self) -> Content:
        """Of cells that are no numbers: meant as numbers if all are quantities, or one word again, or few of them."""
        if not self._others:
            return Content.NUMBERS if self._numbers else Content.EMPTY
        if self._nested:
            return Content.NESTED
        if self._dates == self._others and not self._numbers:
            return Content.DATES
        like_numbers = self._numbers + self._quantities
        one_word = not self._several_words and like_numbers > 1
        alone = not self._dates and (not self._words or one_word)
        share = like_numbers / (self._numbers + self._others)
        return Content.MIXED if alone or (like_numbers > 1 and share >= GOOD_SHARE) else Content.TEXT

    def _all_numbers(self, cells: Sequence[object]) -> Floats | None:
        """The cells as float64, if each is a text of a number; None if one is anything else."""
        try:
            text = "".join(cells)  # type: ignore[arg-type]  # a cell that is no text raises
            if not text.isascii() or "_" in text:
                return None
            if self._decimal != ".":
                if "." in text:
                    return None
                cells = [str(cell).replace(self._decimal, ".") for cell in cells]
            return np.fromiter(map(float, cells), dtype=np.float64, count=len(cells))  # type: ignore[arg-type]
        except (TypeError, ValueError):
            return None

    def _value(self, cell: object, row: int) -> float:
        """A cell as the nearest double; NaN if it is missing or no number, of which note is taken."""
        if isinstance(cell, np.generic):
            cell = cell.item()
        if isinstance(cell, str):
            return self._text_value(cell.strip(), row)
        if _is_missing(cell):
            return np.nan
        if isinstance(cell, bool | int | float | Decimal | Fraction):
            try:
                return float(cell)
            except OverflowError:  # infinite, as the same text is
                return np.inf if cell > 0 else -np.inf
            except ValueError:  # a signalling NaN
                return np.nan
        if isinstance(cell, dt.date | dt.time | dt.timedelta) or type(cell).__name__ == "Period":
            self._dates += 1
        elif isinstance(cell, Number):
            self._quantities += 1
        elif isinstance(cell, list | tuple | dict | set | np.ndarray | bytes):
            self._nested += 1
        else:
            self._take_word(str(cell))
        return self._other(str(cell), row)

    def _text_value(self, text: str, row: int) -> float:
        if text in MISSING:
            if text and self._first_missing is None:
                self._first_missing = Cell(row, text)
            return np.nan
        if (number := self._number(text)) is not None:
            return number
        if text in MARKS:
            self._mark = self._mark or Cell(row, text)
            self._first_missing = self._first_missing or self._mark
            return np.nan
        short = len(text) <= LONGEST_QUANTITY
        if short and DATE.fullmatch(text):
            self._dates += 1
        elif short and (QUANTITY.fullmatch(text) or COMPLEX.fullmatch(text)):
            self._quantities += 1
        else:
            self._take_word(text)
        return self._other(text, row)

    def _number(self, text: str) -> float | None:
        if text in BOOLEANS:
            return BOOLEANS[text]
        if not text.isascii() or "_" in text or (self._decimal != "." and "." in text):
            return None
        try:
            return float(text.replace(self._decimal, "."))
        except ValueError:
            return None

    def _take_word(self, text: str) -> None:
        self._several_words = self._several_words or bool(self._words and text != self._word)
        self._words, self._word = self._words + 1, text

    def _other(self, text: str, row: int) -> float:
        self._first_other = self._first_other or Cell(row, text)
        return np.nan

    def _first_rounded(self, cells: Sequence[object], values: Floats) -> Cell | None:
        for place in np.flatnonzero(np.isfinite(values) & (np.abs(values) >= LARGEST_EXACT)):
            cell = cells[int(place)]
            try:
                exact = int(cell) if isinstance(cell, str | int | np.integer) else None
            except ValueError:  # a text of a fraction or with an exponent
                exact = None
            if exact is not None and exact != int(values[place]):
                return Cell(self._before + int(place) + 1, str(cell).strip())
        return None


def column_of_cells(cells: Iterable[object], decimal: str = ".") -> Column:
    """The column of cells of any kind; `decimal` as in Cells."""
    seen = Cells(decimal)
    for block in _blocks(iter(cells)):
        seen.add(block)
    return seen.column()


def _blocks(cells: Iterator[object]) -> Iterator[list[object]]:
    while block := list(islice(cells, BLOCK_CELLS)):
        yield block


def _is_missing(cell: Any) -> bool:
    """None, NaN of any kind, and pandas' NA and NaT, whose comparisons with themselves are not true."""
    if cell is None or type(cell).__name__ in ("NAType", "NaTType"):
        return True
    if isinstance(cell, Decimal):
        return cell.is_nan()
    return isinstance(cell, float) and cell != cell  # noqa: PLR0124  # NaN
