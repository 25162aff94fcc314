"""Accuracy on NIST's sets and the ladder: a sheet of solvers by problems, and NIST's own figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from harness.judge.studies.bars import other_rank, rightly_deficient
from harness.records.record import Record, Status
from harness.report.tables import case
from harness.report.tables.column import Column, Kind

QUANTITIES = {
    "coef": ("the worst coefficient", case.COLUMNS["digits"]),
    "se": ("the worst standard error", case.COLUMNS["standard_error_digits"]),
    "sd": ("the residual standard deviation", case.COLUMNS["residual_sd_digits"]),
    "r2": ("R²", case.COLUMNS["r_squared_digits"]),
}
"""What the cells of a sheet may show: its name for a person, and its column of a case."""

LEAST_LABEL = 20
WRONG, OTHER_RANK = "!", "r"
_WORDS = {
    Status.RANK_DEFICIENT: "rd",
    Status.UNSUPPORTED: "-",
    Status.ERROR: "err",
    Status.DIVERGED: "div",
    Status.OUT_OF_MEMORY: "oom",
}
_SHOWN = (Status.OK, Status.NOT_CONVERGED, Status.WRONG)


@dataclass(frozen=True)
class Sheet:
    """One table: its title, and a column a problem: (the record's `problem`, what the column is headed)."""

    title: str
    columns: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Cell:
    """`text` is digits with one decimal or a word; `mark` one character, empty where the digits are fine."""

    text: str = ""
    mark: str = ""
    style: str = ""


@dataclass(frozen=True)
class SheetRow:
    """One solver with one arithmetic on one device, a cell a column."""

    label: str
    cells: tuple[Cell, ...]


def sheet_columns(sheet: Sheet) -> list[Column[SheetRow]]:
    """The solver, then a column a problem; a mark stands where a space keeps the points below each other."""

    def text(row: SheetRow, place: int) -> str:
        return row.cells[place].text + (row.cells[place].mark or " ")

    def style(row: SheetRow, place: int) -> str:
        return row.cells[place].style

    return [Column("label", head="solver", least=LEAST_LABEL)] + [
        Column(problem, head=head, kind=Kind.DIGITS, text=partial(text, place=i), style=partial(style, place=i))
        for i, (problem, head) in enumerate(sheet.columns)
    ]


def tabulate(records: Sequence[Record], sheet: Sheet, quantity: str) -> list[SheetRow]:
    """The rows of one sheet: least mean digits first, then what did not run at all.

    A missing number counts 0, but for a deficient design that was called so.
    A solver that gives no standard errors, say, at all has no row of them: `silent` names it.
    """
    problems, digits = [problem for problem, _ in sheet.columns], QUANTITIES[quantity][1]
    left_out = set(silent(records, quantity))
    by_label: dict[str, dict[str, Record]] = {}
    for record in records:
        label = case.accuracy_label(record)
        if record.problem in problems and label not in left_out:
            by_label.setdefault(label, {})[record.problem] = record

    def badness(label: str) -> tuple[bool, float, str]:
        ran = [record for record in by_label[label].values() if record.status is not Status.UNSUPPORTED]
        counted = [digits.of(record) or 0.0 for record in ran if not rightly_deficient(record)]
        return not ran, sum(counted) / max(len(counted), 1), label

    return [
        SheetRow(label, tuple(_cell(by_label[label].get(problem), quantity) for problem in problems))
        for label in sorted(by_label, key=badness)
    ]


def silent(records: Sequence[Record], quantity: str) -> list[str]:
    """The rows of solvers that never give the quantity; every solver that runs gives coefficients or fails to."""
    given: dict[str, bool] = {}
    for record in records:
        label = case.accuracy_label(record)
        given[label] = given.get(label, quantity == "coef") or QUANTITIES[quantity][1].of(record) is not None
    return [label for label, has in given.items() if not has]


def _cell(record: Record | None, quantity: str) -> Cell:
    if record is None:
        return Cell()
    style = case.accuracy_style(record)
    if record.status not in _SHOWN:
        return Cell(_WORDS.get(record.status, record.status.value), "", style)
    value = QUANTITIES[quantity][1].of(record)
    if value is None and quantity != "coef":
        return Cell("", "", style)
    mark = OTHER_RANK if other_rank(record) else WRONG if record.status is Status.WRONG else ""
    marked = "yellow" if mark and record.status is Status.OK else style
    return Cell("" if value is None else f"{value:.1f}", mark, marked)
