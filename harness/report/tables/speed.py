"""How long a case takes beside the fastest right one of its problem and device, and in how much memory."""

from typing import Any

from harness.judge.speed.ranking import RankedCase
from harness.report.tables.column import Column, Kind


def _share(one: RankedCase) -> float | None:
    """Extra memory over the bytes of float64 X (n, p)."""
    record = one.timed.record
    return None if record.peak_bytes is None else record.peak_bytes / (8 * record.n * record.p)


WHERE: tuple[Column[Any], ...] = (
    Column("problem", "problem"),
    Column("n", "n", Kind.WHOLE),
    Column("device", "device"),
)
WHO: tuple[Column[Any], ...] = (Column("label", "solver", value="timed.label"), *WHERE)
"""Who first: a phone shows the first columns."""
RATIOS: tuple[Column[RankedCase], ...] = (
    *WHO,
    Column("seconds", "whole fit", Kind.SECONDS,
        "Median of single calls, wall clock; a training: an epoch times its epochs.", "timed.seconds.value"),
    Column("seconds_low", "from", Kind.SECONDS,
        "95 % interval of the median, between two order statistics of the calls.", "timed.seconds.low", spare=6),
    Column("seconds_high", "to", Kind.SECONDS, value="timed.seconds.high", spare=6),
    Column("calls", "calls", Kind.WHOLE, value="timed.seconds.calls", spare=9),
    Column("ratio", "over the fastest right", Kind.RATIO,
        "Over the fastest case of the problem and device whose status is ok.", "ratio.value"),
    Column("ratio_low", "ratio from", Kind.RATIO, "95 %; it holds 1 where the two are not told apart.",
        "ratio.low"),
    Column("ratio_high", "ratio to", Kind.RATIO, value="ratio.high"),
    Column("to", "fastest right", value="best.label", spare=5),
    Column("digits", "digits", Kind.DIGITS, value="timed.record.accuracy.digits"),
    Column("peak_bytes", "extra memory", Kind.BYTES, value="timed.record.peak_bytes", spare=8),
    Column("status", "status", Kind.STATUS, value="timed.record.status"),
)  # fmt: skip
MEMORY: tuple[Column[RankedCase], ...] = (
    *WHO,
    Column("peak_bytes", "extra memory", Kind.BYTES,
        "Peak of the first call above what was held before; 0 where it fits there.", "timed.record.peak_bytes"),
    Column("memory_share", "over X", Kind.RATIO, "Over the bytes of X in float64.", _share),
    Column("device_peak_bytes", "on the device", Kind.BYTES, value="timed.record.device_peak_bytes"),
)  # fmt: skip
FRONT: tuple[Column[Any], ...] = (
    Column("label", "solver"),
    *WHERE,
    Column("seconds", "whole fit", Kind.SECONDS),
    Column("digits", "digits", Kind.DIGITS),
    Column("dearer", "over the fastest", Kind.RATIO),
)
"""Of a problem's front: nothing is both as fast and more accurate."""
