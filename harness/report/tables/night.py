"""A night: a row a thing that changed, and all of it as JSON."""

import math
from typing import Any

from harness.judge.history.night import NightReport
from harness.judge.history.night_times import Change
from harness.report.render.objects import objects
from harness.report.tables import numbers as show
from harness.report.tables.column import Column, Kind, by_key, pick


def _text(value: str | float) -> str:
    return value if isinstance(value, str) else show.seconds(value)


def size_text(change: Change) -> str:
    """Of a time `1.31 times [1.25, 1.36]`; an interval without an end is left out."""
    if change.ratio is None:
        return ""
    ends = change.low is not None and change.high is not None and change.low > 0 and math.isfinite(change.high)
    return f"{change.ratio:.2f} times" + (f" [{change.low:.2f}, {change.high:.2f}]" if ends else "")


COLUMNS = by_key(
    Column[Change]("verdict", "Verdict", Kind.STATUS, "regression, improvement, or undecided: nobody can say"),
    Column("problem", "Problem", value="record.problem", least=10),
    Column("solver", "Solver", value="record.label", least=10),
    Column("quantity", "What", help="status, digits, excess loss, epochs to 1e-4, time, data"),
    Column("before", "Before", text=lambda one: _text(one.before)),
    Column("now", "Now", text=lambda one: _text(one.now)),
    Column("size", "Change", value=size_text, least=10, spare=1),
    Column("since", "Since", help="the last night that was so", value="since.date", spare=2),
    Column("moved", "Changed with it", help="versions, data, commit", value=lambda one: "; ".join(one.moved.all)),
    Column("ratio", "", Kind.RATIO, "of a time, now over before"),
    Column("low", "", Kind.RATIO),
    Column("high", "", Kind.RATIO),
    Column("untested", "", Kind.WHOLE, "commits between both nights that were not measured"),
    Column("case", "", value="record.case"),
)
PAGE = pick(COLUMNS, "verdict problem solver quantity before now size since moved")
TERMINAL = pick(COLUMNS, "verdict problem solver quantity before now size")
OBJECT = pick(COLUMNS, "case problem solver quantity verdict before now ratio low high since untested")


def night_object(report: NightReport, conclusion: str) -> dict[str, Any]:
    """All of a night that was judged; `conclusion`: in words."""
    return {
        "run": report.run.id,
        "date": report.run.started_at,
        "machine": report.run.selection.machine,
        "exit_code": report.exit_code,
        "conclusion": conclusion,
        "nights_before": report.nights,
        "last": None if report.last is None else report.last.id,
        "commit": report.run.environment.commit,
        "cases": report.cases,
        "compared": len(report.compared),
        "moved": list(report.moved),
        "changes": [
            row | {"moved": list(one.moved.all)}
            for row, one in zip(objects(OBJECT, report.changes), report.changes, strict=True)
        ],
        "other_data": [{"case": one.record.case, "moved": list(one.moved.all)} for one in report.other_data],
        "times_not_compared": list(report.other_machine),
        "added": list(report.added),
        "gone": list(report.gone),
        "still_wrong": list(report.failing),
        "clock_set_back": report.clock_back,
        "other_machines": dict(report.elsewhere),
    }
