"""Sums over streamed rows and their residuals, of which the gradient is the one that must not be rounded."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from harness.problems.problem import Floats
from harness.solvers.streaming.arrays import dot, library_of, on_host
from harness.solvers.streaming.folded import folded_product
from harness.solvers.streaming.moments import add_to, column_sums

BITS = 26
"""Two integers below 2^26, in units of the norms: by Cauchy and Schwarz no sum of their products reaches 2^53."""


@dataclass
class ResidualSums:
    """Over n rows of B and r, arrays or tensors: gradient B'r (p,), x_sum (p,) of B, r_sum, squares r'r; y_squares t't.

    Rounding in B'r reaches the coefficients multiplied by the squared condition number, where a QR factorisation
    has it multiplied by the condition number: so the leading 26 bits of B and r are multiplied without rounding
    (as in `sliced`, the bits counted from the norms), which leaves a sum of terms 2^-26 as large to be rounded.
    `high` holds the leading part of the gradient, `low` the rest.
    """

    n: int
    high: Any
    low: Any
    x_sum: Any
    r_sum: Any
    squares: Any
    y_squares: Any

    @classmethod
    def of(cls, B: Any, r: Any, T: Any, top: Any) -> Self:
        """Of B (m, p), residuals r (m,) and T (m, 2), which are y and ones.

        `top` is `rounder` of the columns' norms over all rows.
        """
        squares = dot(r, r)
        of_r = float(rounder(np.sqrt(float(squares))))  # all that a device is waited for
        B1, r1 = (B + top) - top, (r + of_r) - of_r
        exact, rest, x_sum = _products(B, B1, r, r1, T[:, 1:])
        return cls(len(B), exact, rest, x_sum, r.sum(), squares, dot(T[:, 0], T[:, 0]))

    def absorb(self, other: Self) -> None:
        """The sums over both."""
        self.n += other.n
        self.high, lost = _two_sum(self.high, other.high)
        self.low = add_to(self.low, lost + other.low)
        for name in ("x_sum", "r_sum", "squares", "y_squares"):
            setattr(self, name, add_to(getattr(self, name), getattr(other, name)))

    @property
    def gradient(self) -> Floats:
        """(p,), on the host."""
        return np.asarray(on_host(self.high) + on_host(self.low))


def _products(B: Any, B1: Any, r: Any, r1: Any, ones: Any) -> tuple[Any, Any, Any]:
    """B1'r1, which is exact, what B'r has beside it, and the sums of B's columns."""
    if isinstance(B, np.ndarray):
        return np.dot(r1, B1), np.dot(r - r1, B1) + np.dot(r, B - B1), column_sums(B)
    stack = library_of(B).stack
    of_high, of_low = folded_product(B1, stack([r1, r - r1], 1)), folded_product(B - B1, r[:, None])
    return of_high[:, 0], of_high[:, 1] + of_low[:, 0], folded_product(B, ones)[:, 0]


def rounder(norms: Any) -> Any:
    """What rounds a number below the norm to 26 bits below it, added and subtracted again (Dekker's way)."""
    return np.ldexp(1.5, np.frexp(norms)[1] + (52 - BITS))


def _two_sum(a: Any, b: Any) -> tuple[Any, Any]:
    """The sum and its rounding error (Knuth)."""
    s = a + b
    b_part = s - a
    return s, (a - (s - b_part)) + (b - b_part)
