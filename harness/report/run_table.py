"""The table at the end of a run, and what to do about the cases that ended badly."""

from collections import Counter
from collections.abc import Sequence
from itertools import groupby

from rich.console import Console
from rich.markup import escape

from harness.records.record import Record, Status
from harness.report import numbers as show
from harness.report.sections import Column, print_sections

R_SQUARED_WIDTH = 7
COLUMNS = (
    Column("solver", 22, "left", least=14),
    Column("device", 6, "left", spare=2),
    Column("lr", 6, spare=1),
    Column("one call", 8),
    Column("of", 5, "left", spare=6),
    Column("digits", 6),
    Column("excess", 7, spare=5),
    Column("to 1e-4", 8, spare=3),
    Column("R²", R_SQUARED_WIDTH, spare=4),
    Column("status", 14, "left", least=9),
)


def print_run(console: Console, records: Sequence[Record]) -> None:
    """One row a case, problem by problem; then each failure with its message and advice."""
    problems = groupby(records, key=lambda record: record.problem)
    print_sections(console, COLUMNS, ((name, [_cells(record) for record in members]) for name, members in problems))
    print_failures(console, records)
    _print_full_batches(console, records)
    console.print(summary(records))


def summary(records: Sequence[Record]) -> str:
    """How many cases ended how."""
    counts = Counter(record.status.value for record in records)
    return f"{len(records)} cases: " + ", ".join(f"{count} {status}" for status, count in counts.most_common())


def _cells(record: Record) -> list[str]:
    accuracy = record.accuracy
    score = show.last_split(accuracy.r2)
    reached = accuracy.epochs_to.get("1e-4")
    return [
        escape(record.label),
        escape(record.device),
        show.learning_rate(record),
        show.seconds(record.call_s),
        record.unit,
        show.fixed(accuracy.digits, 1),
        show.power(accuracy.excess_loss),
        "" if not accuracy.epochs_to else "censored" if reached is None else f"{reached} ep",
        "" if score is None else _r_squared(score[1]),
        show.status_text(record.status),
    ]


def _r_squared(value: float) -> str:
    """Four decimal places, where they fit into the column: a training that diverged is far below 0."""
    text = f"{value:.4f}"
    return text if len(text) <= R_SQUARED_WIDTH else f"{value:.0e}"


def print_failures(console: Console, records: Sequence[Record]) -> None:
    """A line a case that ended badly, with its message and what to do; then what is unsupported, each reason once."""
    for record in records:
        if record.failed:
            name = f"{record.problem} {record.label}"
            said = record.message or record.samples.error
            console.print(f"[red]{record.status.value}[/] {escape(name)}: {escape(said)}. {record.advice}")
    reasons = Counter(f"{record.label}: {record.message}" for record in records if record.status is Status.UNSUPPORTED)
    for reason, count in reasons.items():
        console.print(f"[dim]unsupported[/] {escape(reason)} ({count} case{'s' if count > 1 else ''})")


def _print_full_batches(console: Console, records: Sequence[Record]) -> None:
    """Say of which problems the batch that was asked for is all rows."""
    batches = {(record.problem, record.options["batch"], record.n): None for record in records if _is_full(record)}
    for problem, batch, n in batches:
        console.print(f"[yellow]full batch[/] {escape(problem)}: batch {batch} is more than its {n} training rows")


def _is_full(record: Record) -> bool:
    batch = record.options.get("batch")
    return record.status is not Status.UNSUPPORTED and isinstance(batch, int) and batch > record.n
