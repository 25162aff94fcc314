"""A check of the machine or of a run: whether it makes the times doubtful."""

from harness.judge.machine.doubts import Doubt
from harness.report.tables.column import Column, Kind

COLUMNS: tuple[Column[Doubt], ...] = (
    Column("name", head="check", least=12),
    Column("state", kind=Kind.STATUS),
    Column("seen", least=12),
)
