"""A figure that a tutorial prints, beside the one that was reproduced."""

from harness.judge.studies.published import Line
from harness.report.numbers import NONE, power
from harness.report.tables.column import Column, Kind


def printed(line: Line) -> str:
    """The value, or how many there are."""
    return f"{line.count} values" if isinstance(line.printed, tuple) else f"{line.printed:.8g}"


def reproduced(line: Line) -> str:
    """The value; of a list, how many are near enough and the worst difference."""
    if line.reproduced is None or line.deviation is None:
        return NONE
    if isinstance(line.printed, tuple):
        return f"{line.matched} of {line.count}, off {power(line.deviation)}"
    return f"{line.reproduced:.8g}" if isinstance(line.reproduced, float) else f"{len(line.reproduced)} values"


COLUMNS: tuple[Column[Line], ...] = (
    Column("figure", least=12),
    Column("printed", kind=Kind.NUMBER, text=printed, spare=1),
    Column("reproduced", kind=Kind.NUMBER, text=reproduced, spare=2),
    Column("tolerance", text=lambda line: line.tolerance_text or NONE, spare=3),
    Column("outcome", kind=Kind.STATUS, text=lambda line: line.outcome.value.replace("_", " ")),
)
