"""A comparison along one axis: a section a group, and what its columns are."""

from collections.abc import Sequence
from itertools import groupby

from harness.judge.speed.comparison import Row
from harness.report.tables import comparison
from harness.report.tables.document import Document, Line, Table
from harness.report.tables.numbers import NONE

TIME = "time: a fit's wall time over the baseline's; a training is its median epoch times its epochs."
TO = f"to 1e-k: epochs and seconds until the relative excess loss is there; {NONE} is censored."


def compared(rows: Sequence[Row], by: str) -> Document:
    """Time ratio, digits, excess loss, epochs and seconds to each tolerance; the baseline is in the group's title."""
    groups = groupby(rows, key=lambda row: (row.group, row.baseline))
    sections = [(f"{group}, relative to {base}", list(found)) for (group, base), found in groups]
    iterative = any(row.record.accuracy.epochs_to for row in rows)
    return Document([Table(comparison.terminal(by, rows), sections), Line(TIME), *([Line(TO)] if iterative else [])])
