"""How far the entries of a table are known: to half a unit in the last place, of float32 where they are float32's."""

import numpy as np

from harness.problems.problem import Floats
from harness.verify.factor import CHUNK_ROWS

SINGLE_BITS, DOUBLE_BITS = 24, 53
"""Of the significands of float32 and float64 (IEEE 754)."""
EXPONENT = 0x7FF0000000000000
"""The bits of a float64 that hold its exponent: by themselves they are the power of two at or below its size."""
LEAST_SQUARE = 2.0**-960
"""Beside such a sum a square that underflows, below 2^-1022, is less than 2^-62 of it."""
FIRST_ROWS = 1000
"""Enough to see of most columns that they hold no float32 values."""


def rounding_norms(X: Floats) -> Floats:
    """|h_j| of each column of X (n, p): the 2-norm of half a unit in the last place of its entries. (p,)."""
    squares = np.zeros(X.shape[1])
    with np.errstate(over="ignore"):
        for start in range(0, len(X), CHUNK_ROWS):
            part = _powers_of_two(X[start : start + CHUNK_ROWS])
            squares += np.einsum("ij,ij->j", part, part)
    norms = np.sqrt(squares) * 2.0**-DOUBLE_BITS
    exact = (squares > LEAST_SQUARE) & np.isfinite(squares)  # else squares may have been lost
    slow = [j for j, column in enumerate(X.T) if not exact[j] or holds_float32(column)]
    norms[slow] = [norm(half_units(X[:, j])) for j in slow]
    return norms


def half_units(column: Floats) -> Floats:
    """Half a unit in the last place of each entry (n,), of float32 where the column holds float32 values."""
    if not holds_float32(column):
        return _powers_of_two(column) * 2.0**-DOUBLE_BITS
    size = np.abs(column)
    spacing = np.spacing(size.astype(np.float32)).astype(np.float64)
    return np.where(size == 0, 0.0, spacing / 2)


def _powers_of_two(values: Floats) -> Floats:
    """The power of two at or below the size of each; 0 of what is 0 or subnormal."""
    return np.asarray((values.view(np.int64) & EXPONENT).view(np.float64))


def holds_float32(column: Floats) -> bool:
    """Whether all entries are float32 values and one of them uses float32's last bit.

    Whole numbers and short decimal fractions such as 0.25 are float32 values too, but not because they were rounded.
    """
    with np.errstate(over="ignore"):
        for part in (column[:FIRST_ROWS], column):
            if not np.array_equal(part, part.astype(np.float32)):
                return False
        if np.array_equal(column, np.trunc(column)):
            return False
    mantissas = np.ldexp(np.frexp(column)[0], SINGLE_BITS)
    return bool((mantissas % 2 == 1).any())


def norm(column: Floats) -> float:
    """The 2-norm, also of numbers whose squares overflow or underflow."""
    largest = float(column.max(initial=0.0))
    if largest == 0:
        return 0.0
    return largest * float(np.linalg.norm(column / largest))
