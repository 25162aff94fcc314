"""A comparison along one axis: a section a group, and what its columns are."""

from collections.abc import Iterable, Sequence
from itertools import groupby

from harness.judge.speed.comparison import Row
from harness.records.record import Record
from harness.report.tables import comparison
from harness.report.tables.document import Document, Line, Table
from harness.report.tables.numbers import NONE

TIME = "time: a fit's wall time over the baseline's; a training is its median epoch times its epochs."
TO = f"to 1e-k: epochs and seconds until the relative excess loss is there; {NONE} is censored."
HOME = "no cluster's machine"


def machines(records: Iterable[Record]) -> list[str]:
    """Where what was timed was measured, by name, HOME among them, each once."""
    return list(dict.fromkeys(record.machine or HOME for record in records if record.call_s is not None))


def across_machines(records: Iterable[Record]) -> Document:
    """That times of different machines stand side by side; nothing of those of one."""
    found = machines(records)
    said = f"The times are of {len(found)} machines ({', '.join(found)}): their ratios are of the machines, too."
    return Document([Line(said, style="yellow")] if len(found) > 1 else [])


def compared(rows: Sequence[Row], by: str) -> Document:
    """Time ratio, digits, excess loss, epochs and seconds to each tolerance; the baseline is in the group's title."""
    groups = groupby(rows, key=lambda row: (row.group, row.baseline))
    sections = [(f"{group}, relative to {base}", list(found)) for (group, base), found in groups]
    iterative = any(row.record.accuracy.epochs_to for row in rows)
    return Document([Table(comparison.terminal(by, rows), sections), Line(TIME), *([Line(TO)] if iterative else [])])
