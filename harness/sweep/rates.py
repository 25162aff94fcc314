"""Learning rates as people write them: a number, or a range with so many a decade or so many in all."""

import math
import re
from collections.abc import Iterable
from itertools import pairwise

from harness.errors import UsageError

FORMS = "a positive number as 0.01, or A:B:decades, A:B:3/decade, A:B:13 with 0 < A < B"
DIGITS = 3
"""Significant digits of a rate inside a range: 0.000215, not 0.00021544346900318845; more where the steps are finer."""
MOST = 1000
"""Rates of one range: more than a picture has columns."""


def rates(texts: Iterable[str]) -> tuple[float, ...]:
    """All rates that the texts name, ascending, each once. Raises UsageError naming the text and the forms."""
    return tuple(sorted({rate for text in texts for rate in parse(text)}))


def parse(text: str) -> tuple[float, ...]:
    """The rates of one text, ascending.

    `A:B:decades` is A, 10 A, 100 A, ... below B, and B; `A:B:k/decade` the same with k steps a decade;
    `A:B:k` is k rates whose logarithms are evenly spaced, both ends among them. Raises UsageError, one
    line with the text and the forms, for anything else.
    """
    parts = text.split(":")
    if len(parts) == 1:
        return (_positive(text, text),)
    if len(parts) != 3:  # noqa: PLR2004  # A, B and the number
        raise _refused(text)
    low, high = (_positive(part, text) for part in parts[:2])
    if low >= high:
        raise _refused(text)
    return _rounded(low, high, _exponents(low, high, parts[2], text))


def _positive(part: str, text: str) -> float:
    try:
        value = float(part)
    except ValueError:
        raise _refused(text) from None
    if not (math.isfinite(value) and value > 0):
        raise _refused(text)
    return value


def _exponents(low: float, high: float, how: str, text: str) -> list[float]:
    """Decades from `low` to each rate that lies inside the range, ends not counted."""
    decades = math.log10(high) - math.log10(low)
    if how == "decades" or re.fullmatch(r"[1-9][0-9]{0,5}/decade", how):
        each = 1 if how == "decades" else int(how.partition("/")[0])
        # A step that ends at B but for rounding is B itself.
        inside = math.ceil(decades * each - 1e-9) - 1
        step = 1 / each
    elif re.fullmatch(r"[0-9]{1,6}", how) and int(how) > 1:
        inside = int(how) - 2
        step = decades / (inside + 1)
    else:
        raise _refused(text)
    if inside + 2 > MOST:
        raise UsageError(f"--lr '{text}' makes {inside + 2} learning rates; at most {MOST}")
    return [step * (i + 1) for i in range(inside)]


def _rounded(low: float, high: float, exponents: list[float]) -> tuple[float, ...]:
    """The ends as they were written, and between them as few digits as keep the rates apart and inside."""
    exact = [10 ** (math.log10(low) + exponent) for exponent in exponents]
    for digits in range(DIGITS, 18):
        found = [low, *(float(f"{rate:.{digits}g}") for rate in exact), high]
        if all(a < b for a, b in pairwise(found)):
            return tuple(found)
    return tuple(sorted({low, *exact, high}))


def _refused(text: str) -> UsageError:
    return UsageError(f"--lr '{text}': a learning rate is {FORMS}")
