"""Sums over streamed rows and their residuals, of which the gradient is the one that must not be rounded."""

from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from harness.problems.problem import Floats
from harness.solvers.streaming.folded import folded_product
from harness.solvers.streaming.moments import like, ones_like

BITS = 26
"""Two integers below 2^26, in units of the norms: by Cauchy and Schwarz no sum of their products reaches 2^53."""


@dataclass(frozen=True)
class Residuals:
    """Over n rows of B and r, on the host: gradient B'r (p,), x_sum (p,) of B, r_sum, and squares r'r."""

    n: int
    gradient: Floats
    x_sum: Floats
    r_sum: float
    squares: float


class ResidualSums:
    """Accumulates blocks B (m, p) and residuals r (m,), numpy arrays or tensors of one device.

    Rounding in B'r reaches the coefficients multiplied by the squared condition number, where a QR factorisation
    has it multiplied by the condition number: so the leading 26 bits of B and r are multiplied without rounding
    (as in `sliced`, the bits counted from the norms), which leaves a sum of terms 2^-26 as large to be rounded.
    """

    def __init__(self, norms: Floats) -> None:
        """`norms` (p,) of the columns over all rows."""
        self.n = 0
        self._norms = norms
        self._top: Any = None
        self._ones: Any = None
        self._high: Any = 0.0
        self._sums: list[Any] = [0.0] * 4

    def add(self, B: Any, r: Any) -> None:
        """B (m, p), r (m,)."""
        if self._top is None:
            self._top = like(_rounder(self._norms), B)
        if self._ones is None or len(self._ones) < len(B):
            self._ones = ones_like(B)
        ones, squares = self._ones[: len(B)], r @ r
        top = float(_rounder(np.sqrt(float(squares))))  # all that a device is waited for
        B1, r1 = (B + self._top) - self._top, (r + top) - top
        exact, rest, x_sum = _products(B, B1, r, r1, ones)
        high, lost = _two_sum(self._high, exact)
        self._high = high
        parts = (lost + rest, x_sum, r.sum(), squares)
        for k, part in enumerate(parts):
            self._sums[k] += part
        self.n += len(B)

    def sums(self) -> Residuals:
        """What has been added so far, copied to the host."""
        low, x_sum, r_sum, squares = (np.asarray(v.cpu() if hasattr(v, "cpu") else v) for v in self._sums)
        high = np.asarray(self._high.cpu() if hasattr(self._high, "cpu") else self._high)
        return Residuals(self.n, high + low, x_sum, float(r_sum), float(squares))


def _products(B: Any, B1: Any, r: Any, r1: Any, ones: Any) -> tuple[Any, Any, Any]:
    """B1'r1, which is exact, what B'r has beside it, and the sums of B's columns."""
    if isinstance(B, np.ndarray):
        return r1 @ B1, (r - r1) @ B1 + r @ (B - B1), ones @ B
    stack = import_module("torch").stack
    of_high, of_low = folded_product(B1, stack([r1, r - r1], 1)), folded_product(B - B1, r[:, None])
    return of_high[:, 0], of_high[:, 1] + of_low[:, 0], folded_product(B, ones[:, None])[:, 0]


def _rounder(norms: Any) -> Any:
    """What rounds a number below the norm to 26 bits below it, added and subtracted again (Dekker's way)."""
    return np.ldexp(1.5, np.frexp(norms)[1] + (52 - BITS))


def _two_sum(a: Any, b: Any) -> tuple[Any, Any]:
    """The sum and its rounding error (Knuth)."""
    s = a + b
    b_part = s - a
    return s, (a - (s - b_part)) + (b - b_part)
