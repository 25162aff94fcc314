"""Two versions side by side, a row a cell: its times or its instructions in both, and the verdict."""

import statistics
from collections.abc import Callable, Mapping
from typing import Any

from harness.judge.versions.ab import AbVerdict
from harness.judge.versions.calibration import NO_EFFECT, Arm
from harness.judge.versions.instructions import InstructionLine
from harness.records.ab import Measured
from harness.report.tables import numbers as show
from harness.report.tables.column import Column, Kind, by_key


def _number(key: str, text: Callable[[Any], str], head: str | None = None, spare: int = 0) -> Column[Any]:
    """Numbers that are read as `text` gives them, a row at a time."""
    return Column(key, kind=Kind.NUMBER, text=text, head=head, spare=spare)


def _measured(one: AbVerdict, side: Measured, call_s: float | None) -> str:
    """Seconds of one call, or the value of a benchmark that is no time."""
    if not one.cell.unit:
        return show.compact_seconds(call_s)
    return f"{statistics.median(side.values):.4g}" if side.values else show.NONE


def _other_clock(one: AbVerdict) -> str:
    return show.NONE if one.other.ratio is None else f"{one.other.ratio:.3f} {one.other.clock}"


def digits(one: AbVerdict) -> str:
    """The digits of both, or of one where they agree."""
    return show.change(*(show.fixed(side.digits, 1) for side in (one.cell.base, one.cell.head)))


def cells(labels: Mapping[str, str]) -> tuple[Column[AbVerdict], ...]:
    """Of `harness ab`; `labels`: what each case is called."""
    return (
        Column("case", value=lambda one: labels[one.cell.case], least=16),
        _number("base", lambda one: _measured(one, one.cell.base, one.speed.base_s), spare=4),
        _number("head", lambda one: _measured(one, one.cell.head, one.speed.head_s), spare=3),
        Column("ratio", kind=Kind.NUMBER, value="speed.ratio", text=".3f"),
        _number("interval", lambda one: show.interval(one.speed.low, one.speed.high), "95 %", spare=1),
        _number("other_clock", _other_clock, "other clock", spare=6),
        _number("digits", digits, spare=2),
        Column("launches", kind=Kind.WHOLE, value="speed.launches", spare=5),
        Column("verdict", kind=Kind.STATUS),
    )


def _larger(key: str) -> Callable[[InstructionLine], float | None]:
    """The larger of both versions' spreads of this name."""

    def of(line: InstructionLine) -> float | None:
        spreads = (getattr(line.cell.base, key), getattr(line.cell.head, key))
        return max((spread for spread in spreads if spread is not None), default=None)

    return of


INSTRUCTIONS = by_key(
    Column[InstructionLine]("case", value="cell.case", least=16),
    Column("base_per_call", "base", Kind.NUMBER, value="cell.base.per_call",
        text=lambda line: show.instructions(line.cell.base.per_call), spare=3),
    Column("head_per_call", "head", Kind.NUMBER, value="cell.head.per_call",
        text=lambda line: show.instructions(line.cell.head.per_call), spare=2),
    Column("ratio", "change", Kind.NUMBER,
        text=lambda line: show.NONE if line.ratio is None else f"{line.ratio - 1:+.2%}"),
    Column("repeatability", "repeats to", Kind.NUMBER, value=_larger("repeatability"), text=".2%", spare=5),
    Column("layout_spread", "layouts", Kind.NUMBER, value=_larger("layout_spread"), text=".2%", spare=4),
    Column("threshold", "counts from", Kind.NUMBER, text=".2%", spare=6),
    Column("verdict", kind=Kind.STATUS),
    Column("why"),
)  # fmt: skip
"""Of `harness ab --instructions`; all but the case is in the JSON, beside the cell."""

CALIBRATION: tuple[Column[Arm], ...] = (
    _number("planted", lambda arm: f"{arm.factor - 1:+.0%}" + " busy" * arm.busy),
    Column("repeats", kind=Kind.WHOLE),
    Column("cells", kind=Kind.WHOLE),
    Column("regressions", kind=Kind.WHOLE, head="slower"),
    Column("improvements", kind=Kind.WHOLE, head="faster"),
    Column("unchanged", kind=Kind.WHOLE),
    Column("undecided", kind=Kind.WHOLE),
    _number("false_alarms", lambda arm: str(arm.false_alarms), "false alarms"),
    _number("caught", lambda arm: show.NONE if arm.factor == NO_EFFECT else str(arm.caught)),
)
