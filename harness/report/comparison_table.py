"""Ratios along one axis, group by group, the baseline named."""

from collections.abc import Sequence
from itertools import groupby

from rich.console import Console
from rich.markup import escape

from harness.judge.speed.comparison import Row
from harness.records.record import Record
from harness.report import numbers as show
from harness.report.sections import Column, print_sections

TOLERANCES = {"1e-2": 5, "1e-4": 3, "1e-6": 4}
"""In the order in which they are shown, and the one that goes last where there is no room for all."""
WIDTH = 22


def print_comparison(console: Console, rows: Sequence[Row], by: str) -> None:
    """A section a group: time ratio, digits, excess loss, epochs and seconds to each tolerance."""
    iterative = any(row.record.accuracy.epochs_to for row in rows)
    columns = [
        Column(by, WIDTH, "left", least=12),
        Column("time", 6),
        Column("fit", 6, spare=1),
        Column("digits", 6),
        Column("excess", 7, spare=2),
        *(Column(f"to {name}", 10, spare=spare) for name, spare in TOLERANCES.items() if iterative),
        Column("status", 13, "left", least=9),
    ]
    groups = groupby(rows, key=lambda row: (row.group, row.baseline))
    print_sections(
        console,
        columns,
        ((f"{group}, relative to {base}", [_cells(r, iterative) for r in found]) for (group, base), found in groups),
    )
    console.print("time: a fit's wall time over the baseline's; a training is its median epoch times its epochs.")
    if iterative:
        console.print(f"to 1e-k: epochs and seconds until the relative excess loss is there; {show.NONE} is censored.")


def _cells(row: Row, iterative: bool) -> list[str]:
    record = row.record
    cells = [
        escape(row.value),
        show.ratio(row.time_ratio),
        show.compact_seconds(record.fit_s),
        show.fixed(record.accuracy.digits, 1),
        show.power(record.accuracy.excess_loss),
    ]
    if iterative:
        cells += [_reached(record, name) for name in TOLERANCES]
    return [*cells, show.status_text(record.status)]


def _reached(record: Record, name: str) -> str:
    """Epochs and seconds to a tolerance; a dash where censored, nothing where there are no epochs."""
    if not record.accuracy.epochs_to:
        return ""
    epochs = record.accuracy.epochs_to.get(name)
    return show.NONE if epochs is None else f"{epochs} {show.compact_seconds(record.seconds_to[name])}"
