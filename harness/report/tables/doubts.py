"""A check of the machine or of a run: whether it makes the times doubtful."""

from harness.judge.machine.doubts import Doubt
from harness.report.tables.column import Column, Kind

PAGE: tuple[Column[Doubt], ...] = (
    Column("name", "Check", least=12),
    Column("state", "State", Kind.STATUS),
    Column("seen", "Seen", least=12),
    Column("why", "Why it matters"),
    Column("advice", "What to do"),
)
TERMINAL = PAGE[:3]
"""Why and what to do are said below the rows."""
