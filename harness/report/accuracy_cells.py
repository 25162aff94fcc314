"""What an accuracy table holds, whoever prints it: rows of cells, worst solver first, and the words below."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.judge.studies.bars import dtype_of, other_rank, rightly_deficient
from harness.records.record import Accuracy, Record, Status


@dataclass(frozen=True)
class Sheet:
    """One table: its title, and a column a problem: (the record's `problem`, what the column is headed)."""

    title: str
    columns: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Quantity:
    """What the cells show, for a person, and where a record has it."""

    title: str
    of: Callable[[Accuracy], float | None]


QUANTITIES = {
    "coef": Quantity("the worst coefficient", lambda accuracy: accuracy.digits),
    "se": Quantity("the worst standard error", lambda accuracy: accuracy.standard_error_digits),
    "sd": Quantity("the residual standard deviation", lambda accuracy: accuracy.residual_sd_digits),
    "r2": Quantity("R²", lambda accuracy: accuracy.r_squared_digits),
}

LEGEND = "! wrong, r another rank than the exact one, rd rank-deficient, err raised, - unsupported, blank none"

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
class Cell:
    """`text` is digits with one decimal or a word; `mark` one character, empty where the digits are fine."""

    text: str = ""
    mark: str = ""
    status: Status | None = None


@dataclass(frozen=True)
class Row:
    """One solver with one arithmetic on one device, a cell a column."""

    label: str
    cells: tuple[Cell, ...]


def label_of(record: Record) -> str:
    """The solver, and what tells its rows apart: float32, and any device but the CPU."""
    extra = [part for part in (dtype_of(record), record.device) if part not in ("float64", "cpu")]
    return " ".join([record.solver, *extra])


def tabulate(records: Sequence[Record], sheet: Sheet, quantity: str) -> list[Row]:
    """The rows of one sheet: least mean digits first, then what did not run at all.

    A missing number counts 0, but for a deficient design that was called so.
    A solver that gives no standard errors, say, at all has no row of them: `silent` names it.
    """
    problems = [problem for problem, _ in sheet.columns]
    left_out = set(silent(records, quantity))
    by_label: dict[str, dict[str, Record]] = {}
    for record in records:
        if record.problem in problems and label_of(record) not in left_out:
            by_label.setdefault(label_of(record), {})[record.problem] = record

    def badness(label: str) -> tuple[bool, float, str]:
        ran = [record for record in by_label[label].values() if record.status is not Status.UNSUPPORTED]
        counted = [QUANTITIES[quantity].of(record.accuracy) or 0.0 for record in ran if not rightly_deficient(record)]
        return not ran, sum(counted) / max(len(counted), 1), label

    return [
        Row(label, tuple(_cell(by_label[label].get(problem), quantity) for problem in problems))
        for label in sorted(by_label, key=badness)
    ]


def silent(records: Sequence[Record], quantity: str) -> list[str]:
    """The rows of solvers that never give the quantity; every solver that runs gives coefficients or fails to."""
    if quantity == "coef":
        return []
    given: dict[str, bool] = {}
    for record in records:
        has = QUANTITIES[quantity].of(record.accuracy) is not None
        given[label_of(record)] = given.get(label_of(record), False) or has
    return [label for label, has in given.items() if not has]


def _cell(record: Record | None, quantity: str) -> Cell:
    if record is None:
        return Cell()
    if record.status not in _SHOWN:
        return Cell(_WORDS.get(record.status, record.status.value), "", record.status)
    value = QUANTITIES[quantity].of(record.accuracy)
    if value is None and quantity != "coef":
        return Cell("", "", record.status)
    mark = OTHER_RANK if other_rank(record) else WRONG if record.status is Status.WRONG else ""
    return Cell("" if value is None else f"{value:.1f}", mark, record.status)


def reasons(records: Sequence[Record]) -> list[str]:
    """Why a solver did not run, each reason once, with the number of problems."""
    problems: dict[str, set[str]] = {}
    for record in records:
        if record.status is Status.UNSUPPORTED:
            problems.setdefault(f"{record.solver}: {record.message}", set()).add(record.problem)
    counts = Counter({reason: len(found) for reason, found in problems.items()})
    return [f"{reason} ({count} problem{'s' if count > 1 else ''})" for reason, count in counts.items()]


NOT_FINE = "not fine, worst first: digits of the worst coefficient, backward error, rank found/exact"


def words(record: Record) -> str:
    """Why a cell is not fine: its status unless that is ok, the diagnosis, then the message.

    A message that only says which ranks differ would repeat the column beside it.
    """
    status = "" if record.status is Status.OK else record.status.value
    verdict = ", ".join(filter(None, (status, record.accuracy.diagnosis)))
    said = "another rank" if other_rank(record) else record.message
    return ": ".join(filter(None, (verdict, said))) or "more than half of the digits lost"


def ranks(record: Record) -> str:
    """Rank found over exact rank, a question mark where the solver gives none."""
    found, exact = record.accuracy.rank, record.accuracy.exact_rank
    return f"{'?' if found is None else found}/{'?' if exact is None else exact}"


def heading(quantity: str) -> str:
    """What the numbers of every table are."""
    return f"correct significant digits of {QUANTITIES[quantity].title}, at most 15; worst solver first"


def footing(records: Sequence[Record], quantity: str) -> list[str]:
    """The legend, and who gives no such number."""
    none = silent(records, quantity)
    return [LEGEND] + ([f"not given by: {', '.join(none)}"] if none else [])
