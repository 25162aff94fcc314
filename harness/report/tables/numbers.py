"""Numbers as people read them, each with its unit."""

import math
from collections.abc import Mapping, Sequence

from harness.judge.verdict import WORST_FIRST, Verdict
from harness.records.record import Record

_TIMES = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))
_COUNTS = ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""))
_SIZES = ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"), (1, "B"))
NONE = "–"


def seconds(value: float | None) -> str:
    """Three significant digits: 151 µs, 2.17 s; a dash for None."""
    if value is None:
        return NONE
    value = float(f"{value:.3g}")  # before the unit is chosen: 999.7 µs are 1.00 ms
    unit, name = _unit(value, _TIMES)
    return f"{value / unit:#.3g}".rstrip(".") + f" {name}"


def instructions(count: float | None) -> str:
    """Five significant digits, so that a tenth of a per cent shows: 863.02k, 3.9632M; a dash for None."""
    if count is None:
        return NONE
    unit, name = _unit(count, _COUNTS)
    return f"{count / unit:.5g}{name}"


def _unit(value: float, units: Sequence[tuple[float, str]]) -> tuple[float, str]:
    return next((one for one in units if value >= one[0]), units[-1])


def compact_seconds(value: float | None) -> str:
    """The same without the space, for narrow columns."""
    return seconds(value).replace(" ", "")


def size(value: int | None) -> str:
    """Bytes in binary units."""
    if value is None:
        return NONE
    unit, name = _unit(value, _SIZES)
    return f"{value / unit:.3g} {name}"


def fixed(value: float | None, places: int) -> str:
    """So many decimal places; a dash for None."""
    return NONE if value is None else f"{value:.{places}f}"


def interval(low: float | None, high: float | None) -> str:
    """`0.984–1.031`; a dash where an end is missing."""
    return NONE if low is None or high is None else f"{low:.3f}–{high:.3f}"


def change(before: str, after: str) -> str:
    """`13.3→0.0`, or the text that both are."""
    return before if before == after else f"{before}→{after}"


def power(value: float | None) -> str:
    """Two significant digits with an exponent, as excess losses want; `0` for exact zero."""
    if value is None:
        return NONE
    return "0" if value == 0 else f"{value:.1e}"


def four(value: float) -> str:
    """Four significant digits, as titles and legends give R² and losses."""
    return f"{value:#.4g}".rstrip(".")


def ratio(value: float | None) -> str:
    """1.00x, 12.30x, 6786x, 1e-05x."""
    if value is None or math.isnan(value):
        return NONE
    if value >= 100:  # noqa: PLR2004  # width, not science
        return f"{value:.0f}x"
    return f"{value:.2f}x" if value >= 0.01 else f"{value:.0e}x"  # noqa: PLR2004  # same


def worst_first(verdict: Verdict, ratio: float | None) -> tuple[int, float]:
    """A key to sort by: regressions, what is undecided, improvements, what is unchanged; in each the largest ratio."""
    return WORST_FIRST.index(verdict), -(ratio or 0.0)


def last_split(scores: Mapping[str, float]) -> tuple[str, float] | None:
    """The split that generalisation is read from: test, else val, else train."""
    return next(((part, scores[part]) for part in ("test", "val", "train") if part in scores), None)


def learning_rate(record: Record) -> str:
    """The record's learning rate; empty for what has none."""
    return f"{record.options['lr']:g}" if "lr" in record.options else ""
