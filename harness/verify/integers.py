"""Float64 columns as exact integers: x = k 2^e with one exponent a column."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from harness.problems.problem import Floats

MANTISSA_BITS = 53


@dataclass(frozen=True)
class IntegerColumn:
    """`values[i] * 2**exponent` is the i-th float exactly."""

    values: list[int]
    exponent: int

    @property
    def unit(self) -> Fraction:
        """2**exponent as a fraction."""
        return Fraction(2) ** self.exponent


def integer_column(column: Floats) -> IntegerColumn:
    """A finite float64 column (n,) as integers with their common exponent.

    Raises ValueError if an entry is NaN or infinite.
    """
    if not np.isfinite(column).all():
        raise ValueError("an exact reference needs finite data")
    mantissa, exponent = np.frexp(column)
    whole = np.ldexp(mantissa, MANTISSA_BITS).astype(np.int64)
    used = exponent[whole != 0]
    lowest = int(used.min()) if len(used) else 0
    shift = np.where(whole != 0, exponent - lowest, 0)
    values = whole.astype(object) << shift.astype(object)
    return IntegerColumn(list(values), lowest - MANTISSA_BITS)
