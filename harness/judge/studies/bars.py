"""What an accuracy run must show whatever the expectations say, and which of its cells are not fine.

The two bars are the project's promises about its own solvers; they need no file of limits.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from harness.records.record import Record, Status

REFERENCE, STREAMING, BASELINE = "reference_qr", "streaming", "statsmodels_qr"
JUDGED_FAMILIES = ("nist", "ladder")
REFERENCE_DIGITS = 14.0
"""Double-double arithmetic keeps 15 on every NIST set; one is room for the last rounding."""
CERTIFIED_DIGITS = 14.0
"""NIST prints 15 digits and rounds the last: a value that agrees to fewer than 14 was copied wrongly."""
STREAMING_MARGIN = 0.5
"""Half a digit: two orders of summation of the same rows differ by about that much."""
TYPED = (Status.RANK_DEFICIENT, Status.UNSUPPORTED)
"""A solver that says so itself has not answered wrongly."""
CARRIED = {"float64": 15.0, "float32": 6.0}
"""Decimal digits that survive a round trip through the arithmetic (IEEE 754; numpy's finfo.precision)."""


@dataclass(frozen=True)
class Bar:
    """One promise. `held` is None where it was not run; `worst` is the cell nearest to, or furthest below, the bar."""

    name: str
    held: bool | None
    problems: int = 0
    worst: str = ""

    @property
    def verdict(self) -> str:
        """held, not held, not run."""
        return "not run" if self.held is None else "held" if self.held else "not held"


def bars(records: Sequence[Record]) -> tuple[Bar, ...]:
    """Both bars over the NIST sets and rungs of a run, float64 on the CPU."""
    judged = [r for r in records if r.family in JUDGED_FAMILIES and dtype_of(r) == "float64" and r.device == "cpu"]
    return reference_bar(judged), streaming_bar(judged)


def reference_bar(records: Sequence[Record]) -> Bar:
    """reference_qr has 14 digits on every problem: coefficients and standard errors where they exist.

    Where the design is short of rank there are none: there it must say so, with the exact rank.
    """
    name = f"{REFERENCE} has >= {REFERENCE_DIGITS:g} digits, coefficients and standard errors"
    found = _of(REFERENCE, records)
    cells = []
    for record in (record for record in found if not rightly_deficient(record)):
        for quantity, value in _quantities(record):
            have = _number(value)
            words = f"{have:.1f} {quantity} digits on {record.problem}{_status(record)}"
            cells.append((have - REFERENCE_DIGITS, words))
    return _bar(name, len(found), cells)


def streaming_bar(records: Sequence[Record]) -> Bar:
    """Streaming has statsmodels_qr's digits less half of one on every problem, or ends as a typed status."""
    name = f"{STREAMING} has {BASELINE}'s digits less {STREAMING_MARGIN:g}, or says why not"
    baseline = {record.problem: record.accuracy.digits for record in _of(BASELINE, records)}
    found = [record for record in _of(STREAMING, records) if record.problem in baseline]
    cells = []
    for record in (record for record in found if record.status not in TYPED):
        have, wanted = _number(record.accuracy.digits), _number(baseline[record.problem])
        words = f"{have:.1f} digits on {record.problem}, {BASELINE} {wanted:.1f}{_status(record)}"
        cells.append((have - wanted + STREAMING_MARGIN, words))
    return _bar(name, len(found), cells)


def not_fine(records: Iterable[Record]) -> list[Record]:
    """The cells to look at, worst first.

    Silently wrong ones, then the others; float64 before float32, of which less is expected; failures
    before fits; then by the share of digits lost and by backward error.

    A cell is not fine if its status is neither ok nor unsupported, if another rank than the exact one
    was found, if the fit was not backward stable, or if half of the arithmetic's digits are gone. To
    call a design rank-deficient that is short of rank is fine.
    """

    def badness(record: Record) -> tuple[bool, bool, bool, float, float]:
        wrong, single = record.status is Status.WRONG, dtype_of(record) == "float32"
        return not wrong, single, not record.failed, kept(record), -_number(record.accuracy.backward_error)

    return sorted((record for record in records if not _fine(record)), key=badness)


def kept(record: Record) -> float:
    """The share of the arithmetic's digits that is left; 0 where there is no number."""
    return _number(record.accuracy.digits) / CARRIED[dtype_of(record)]


def dtype_of(record: Record) -> str:
    """The arithmetic of a record: float64 unless its options say otherwise."""
    return str(record.options.get("dtype", "float64"))


def other_rank(record: Record) -> bool:
    """Whether the solver found another rank than the data's; False where it finds none."""
    found, known = record.accuracy.rank, record.accuracy.rank_of_data
    return found is not None and known is not None and found != known


def rightly_deficient(record: Record) -> bool:
    """Whether a design that is short of rank was called so, and no other rank was found than the data's."""
    columns, known = len(record.accuracy.digits_by_term) or record.p, record.accuracy.rank_of_data
    short = known is not None and known < columns
    return record.status is Status.RANK_DEFICIENT and short and not other_rank(record)


def _fine(record: Record) -> bool:
    if record.status is Status.UNSUPPORTED:
        return True
    if rightly_deficient(record):
        return True
    half_lost = record.accuracy.digits is not None and kept(record) < 1 / 2
    return record.status is Status.OK and not (half_lost or other_rank(record) or record.accuracy.stable is False)


def _of(solver: str, records: Iterable[Record]) -> list[Record]:
    """A solver's records; none at all where it could not run anywhere."""
    found = [record for record in records if record.solver == solver]
    return [] if all(record.status is Status.UNSUPPORTED for record in found) else found


def _quantities(record: Record) -> Iterator[tuple[str, float | None]]:
    yield "coefficient", record.accuracy.digits
    if record.accuracy.standard_error_digits is not None:
        yield "standard error", record.accuracy.standard_error_digits


def _number(value: float | None) -> float:
    """No digits where there is no number: missing and NaN fail closed."""
    return 0.0 if value is None or math.isnan(value) else value


def _status(record: Record) -> str:
    return "" if record.status is Status.OK else f" ({record.status.value})"


def _bar(name: str, problems: int, cells: Sequence[tuple[float, str]]) -> Bar:
    """The bar over (room above it, words) of every cell."""
    if not problems:
        return Bar(name, None)
    if not cells:
        return Bar(name, held=True, problems=problems)
    room, worst = min(cells)
    return Bar(name, room >= 0, problems, worst)
