"""A judgement of the gate: one quantity of one case against one expectation; and a limit that an update changed."""

from typing import Any

from harness.judge.gate.update import Change
from harness.judge.verdict import Judgement, Verdict
from harness.report.tables import case
from harness.report.tables.column import Column, Kind, by_key, pick

COLUMNS = by_key(
    Column[Judgement]("case", help="the identity of the case over runs", least=12),
    Column("quantity", "Quantity", help="what was judged: status, digits, excess loss, ...", least=8),
    Column("measured", "Measured", help="what it is", least=8),
    Column("expected", "Expected", help="what it may be", least=8),
    Column("verdict", "Verdict", Kind.STATUS, "unchanged holds; regression and improvement fail",
        style=lambda one: "" if one.verdict is Verdict.UNCHANGED else "red"),
    Column("detail", "By how much", help="by how much", spare=1, least=16),
    Column("advice", help="what to do"),
    Column("reason", "Where the limit is from", help="where the expectation comes from"),
)  # fmt: skip
FRAME = pick(COLUMNS, "case quantity measured expected verdict detail advice reason")
"""Of `harness.gate`, one row a judgement."""
BREACHES = pick(COLUMNS, "case quantity measured expected detail")
"""Of what does not hold, on a console and in Markdown."""
NOTEBOOK = pick(COLUMNS, "case quantity measured expected detail verdict")
PAGE: tuple[Column[Any], ...] = (
    COLUMNS["verdict"],
    *case.WHO,
    *pick(COLUMNS, "quantity measured expected detail reason"),
)
KNOWN: tuple[Column[Any], ...] = (
    Column("measured", "Status", Kind.STATUS),
    *case.WHO,
    Column("reason", "Why it is expected"),
)
"""Of the failures that are as expected, on the page."""

CHANGES: tuple[Column[Change], ...] = (
    Column("entry", head="expectation", least=12),
    Column("limit"),
    Column("before", head="was"),
    Column("after", head="is"),
)
"""Of the limits that an update set."""
