"""Section 2: how right each solver is on each problem, in digits; trainings apart, by their excess loss."""

import math
from collections.abc import Sequence
from dataclasses import replace
from statistics import median

from harness.errors import counted
from harness.records.record import Record
from harness.report.figures.accuracy import digits_map, excess_map
from harness.report.figures.figure import Figure
from harness.report.figures.rows import row_of
from harness.report.html.evidence import Evidence
from harness.report.html.section import Section, Table, table_of
from harness.report.tables import case
from harness.report.tables.column import Column, Kind
from harness.report.words.sentences import listed
from harness.solvers.solver import Kind as SolverKind
from harness.solvers.status import Status

WORST_FIRST = (
    *(Status.WRONG, Status.ERROR, Status.CRASHED, Status.TIMEOUT, Status.OUT_OF_MEMORY, Status.DIVERGED),
    *(Status.RANK_DEFICIENT, Status.NOT_CONVERGED, Status.OK, Status.UNSUPPORTED),
)
TIGHTEST = "1e-6"


def section(evidence: Evidence) -> Section:
    """The heat map of digits, that of trainings' excess losses, and every number behind them, worst first."""
    records = evidence.records
    if not records:
        return Section(
            "accuracy", "Accuracy", "", missing="No case of this run has ended: 'harness run' measures some."
        )
    closed = [record for record in records if record.kind is SolverKind.CLOSED_FORM]
    with_digits = [record for record in closed if record.accuracy.digits is not None]
    trained = [record for record in records if record.optimizer is not None and _has_excess(record, records)]
    failed = [record for record in closed if record.accuracy.digits is None and record.failed]
    parts: list[Figure | Table] = []
    if len(with_digits) + len(failed) > 1:
        said = " ".join(filter(None, (_least_digits(with_digits), wrong_words(records))))
        parts.append(replace(digits_map([*with_digits, *failed]), conclusion=said))
    if len(trained) > 1:
        parts.append(replace(excess_map(trained), conclusion=_trained(trained)))
    columns = (*case.PAGE, _known(evidence)) if evidence.shown else case.PAGE
    parts.append(
        table_of("accuracy", "Every case of the run, the worst first.", columns, _worst_first(records), row_of)
    )
    sentences = (
        _endings(records),
        _dependent(records),
        _least_digits(with_digits),
        wrong_words(records),
        _trained(trained),
    )
    return Section("accuracy", "Accuracy", " ".join(filter(None, sentences)), tuple(parts))


def _known(evidence: Evidence) -> Column[Record]:
    """The finding that a case shows, which leads to what is known of it."""
    told = "A known defect of a released library that the case shows."
    return Column("finding", "Known", Kind.FINDING, told, lambda record: ", ".join(evidence.shown.get(record.case, ())))


def _has_excess(record: Record, records: Sequence[Record]) -> bool:
    """Whether a training is of a kind that has an excess loss at all: a network's least loss is not known."""
    return record.accuracy.excess_loss is not None or any(
        other.solver == record.solver and other.accuracy.excess_loss is not None for other in records
    )


def _worst_first(records: Sequence[Record]) -> list[Record]:
    def badness(record: Record) -> tuple[int, float]:
        digits = record.accuracy.digits
        return WORST_FIRST.index(record.status), math.inf if digits is None else digits

    return sorted(records, key=badness)


def _endings(records: Sequence[Record]) -> str:
    """How many cases ended how, the worst first."""
    found = [(status, sum(record.status is status for record in records)) for status in WORST_FIRST]
    sentences = [f"{count} {status.value.replace('_', ' ')}" for status, count in found if count]
    return f"{counted(len(records), 'case')}: {listed(sentences, len(sentences))}."


def _dependent(records: Sequence[Record]) -> str:
    """Which columns of which problem depend on each other."""
    found = dict.fromkeys((record.problem, one.in_full) for record in records for one in record.dependences)
    return f"Dependent columns: {'; '.join(f'{text} in {problem}' for problem, text in found)}." if found else ""


def _least_digits(with_digits: Sequence[Record]) -> str:
    """Who keeps most digits where it does worst, and who fewest, of the solvers that all of these problems had."""
    problems = {record.problem for record in with_digits}
    least: dict[str, Record] = {}
    for record in with_digits:
        before = least.get(record.label)
        if before is None or (record.accuracy.digits or 0.0) < (before.accuracy.digits or 0.0):
            least[record.label] = record
    if len(least) < 2:  # noqa: PLR2004  # nobody to compare with
        return ""
    ordered = sorted(least.values(), key=lambda record: record.accuracy.digits or 0.0)
    worst, best = ordered[0], ordered[-1]
    middle = median(record.accuracy.digits or 0.0 for record in with_digits)
    where = f"on all of {counted(len(problems), 'problem')}" if len(problems) > 1 else f"on {best.problem}"
    return (
        f"{best.label} keeps the most digits where it does worst, {best.accuracy.digits:.1f} {where}; "
        f"{worst.label} the fewest, {worst.accuracy.digits:.1f} on {worst.problem}; the median case has {middle:.1f}."
    )


def wrong_words(records: Sequence[Record]) -> str:
    """What ended wrong, with the rank where that is why."""
    wrong = [record for record in records if record.status is Status.WRONG]
    named = [f"{record.label} on {record.problem}{_ranks(record)}" for record in wrong]
    return f"Wrong, and not for lack of digits in the data: {listed(named)}." if named else ""


def _ranks(record: Record) -> str:
    found, exact = record.accuracy.rank, record.accuracy.exact_rank
    return "" if found is None or found == exact else f" (rank {found} instead of {exact})"


def _trained(trained: Sequence[Record]) -> str:
    """How many trainings reached the tightest tolerance, and which came nearest."""
    if not trained:
        return ""
    reached = sum(record.accuracy.epochs_to.get(TIGHTEST) is not None for record in trained)
    return f"Of {counted(len(trained), 'training')} {reached} came within {TIGHTEST} of the least loss."
