"""Rows that a figure needs, and no more: fewer points of a long curve, and as many digits as anybody sees."""

import math
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

PLACES = 5
"""Significant digits of a number in a figure: a pixel is a thousandth of it."""


def short(value: float | None, places: int = PLACES) -> float | None:
    """The value with so many significant digits; None for none, and for what is not finite."""
    return None if value is None or not math.isfinite(value) else float(f"{value:.{places}g}")


def envelope(values: NDArray[np.float64], most: int) -> NDArray[np.int64]:
    """Indices of at most `most` (>= 4) of the values (m,), ascending: the first, the last, and extremes between.

    Of each of equal stretches the least and the largest are kept, so that what swings from epoch to epoch is drawn as
    wide as it is. Values that are not finite count as the largest: where a loss is lost it stays so.
    """
    if len(values) <= most:
        return np.arange(len(values))
    filled = np.where(np.isfinite(values), values, np.inf)
    edges = np.linspace(0, len(values), (most - 2) // 2 + 1).astype(np.int64)
    kept = [0, len(values) - 1]
    for start, end in pairwise(edges):
        kept += [start + int(np.argmin(filled[start:end])), start + int(np.argmax(filled[start:end]))]
    return np.unique(np.array(kept, dtype=np.int64))
