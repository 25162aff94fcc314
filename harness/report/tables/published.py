"""A figure that a tutorial prints, beside the one that was reproduced."""

from dataclasses import replace

from harness.errors import counted
from harness.judge.studies.published import Ending, Line
from harness.report.tables.column import Column, Kind, by_key, pick
from harness.report.tables.numbers import NONE, power

SIGNS = {Ending.REPRODUCED: "✓", Ending.NOT_REPRODUCED: "✗", Ending.NOT_REPRODUCIBLE: "–", Ending.NOT_RUN: "…"}


def printed(line: Line) -> str:
    """The value, or how many there are."""
    return counted(line.count, "value") if isinstance(line.printed, tuple) else f"{line.printed:.8g}"


def reproduced(line: Line) -> str:
    """The value; of a list, how many are near enough and the worst difference."""
    if line.reproduced is None or line.deviation is None:
        return NONE
    if isinstance(line.printed, tuple):
        return f"{line.matched} of {line.count}, off {power(line.deviation)}"
    return f"{line.reproduced:.8g}" if isinstance(line.reproduced, float) else counted(len(line.reproduced), "value")


def outcome(line: Line) -> str:
    """How it came out, in words."""
    return line.outcome.value.replace("_", " ")


COLUMNS = by_key(
    Column[Line]("figure", "figure", least=12),
    Column("printed", "printed", Kind.NUMBER, value=printed, text=printed, spare=1),
    Column("reproduced", "reproduced", Kind.NUMBER, value=reproduced, text=reproduced, spare=2),
    Column("off", "off", Kind.SMALL, "The worst difference; relative where the tolerance is.", "deviation"),
    Column("tolerance", "tolerance",
        help="How near it must come: the digits that were printed, or as is said.",
        value="tolerance_text", text=lambda line: line.tolerance_text or NONE, spare=3),
    Column("outcome", kind=Kind.STATUS, text=outcome),
    Column("reason", "why, or a note"),
)  # fmt: skip
TERMINAL = pick(COLUMNS, "figure printed reproduced tolerance outcome")
PAGE = (
    COLUMNS["figure"],
    *(replace(COLUMNS[key], kind=Kind.TEXT) for key in ("printed", "reproduced")),  # some are several, or words
    *pick(COLUMNS, "off tolerance"),
    Column("outcome", "outcome", value=lambda line: f"{SIGNS[line.outcome]} {outcome(line)}"),
    COLUMNS["reason"],
)
