"""Double-double arithmetic on numpy arrays: a number is the unevaluated sum of two float64, about 106 bits.

The algorithms of Dekker 1971 (A floating-point technique for extending the available precision) and
Knuth (The Art of Computer Programming 2, sec. 4.2.2), as bounded by Joldes, Muller & Popescu 2017 (Tight
and rigorous error bounds for basic building blocks of double-word arithmetic) and Muller & Rideau 2022
(Formalization of double-word arithmetic, and comments on it): relative errors of a few u^2, u = 2^-53.
Magnitudes must stay between about 2^-900 and 2^900, so that no product over- or underflows.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from harness.problems.problem import Floats

SPLITTER = 2.0**27 + 1
"""Dekker's: it cuts 53 bits into two halves whose products are exact."""
UNIT_ROUNDOFF = 2.0**-104


@dataclass(frozen=True)
class DD:
    """hi + lo, arrays of one shape, |lo| <= ulp(hi) / 2."""

    hi: Floats
    lo: Floats

    @classmethod
    def of(cls, values: Any) -> "DD":
        """Float64 numbers as they are."""
        hi = np.asarray(values, dtype=np.float64)
        return cls(hi, np.zeros_like(hi))

    @classmethod
    def zeros(cls, shape: int | tuple[int, ...], order: Literal["C", "F"] = "C") -> "DD":
        """Room to be written to."""
        return cls(np.zeros(shape, order=order), np.zeros(shape, order=order))

    @property
    def T(self) -> "DD":  # noqa: N802  # as numpy's
        """Transposed."""
        return DD(self.hi.T, self.lo.T)

    def __getitem__(self, index: Any) -> "DD":
        """Both parts' entries."""
        return DD(self.hi[index], self.lo[index])

    def __setitem__(self, index: Any, value: "DD") -> None:
        """Write into both parts."""
        self.hi[index], self.lo[index] = value.hi, value.lo

    def __neg__(self) -> "DD":
        """Exact."""
        return DD(-self.hi, -self.lo)

    def __add__(self, other: "DD") -> "DD":
        """AccurateDWPlusDW: relative error at most 3 u^2 / (1 - 4 u)."""
        s, e = two_sum(self.hi, other.hi)
        t, f = two_sum(self.lo, other.lo)
        v, w = fast_two_sum(s, e + t)
        return DD(*fast_two_sum(v, w + f))

    def __sub__(self, other: "DD") -> "DD":
        """As addition."""
        return self + -other

    def __mul__(self, other: "DD") -> "DD":
        """DWTimesDW without a fused multiply-add: relative error at most 5 u^2 (Muller & Rideau)."""
        p, e = two_product(self.hi, other.hi)
        return DD(*fast_two_sum(p, e + (self.hi * other.lo + self.lo * other.hi)))

    def __truediv__(self, other: "DD") -> "DD":
        """One Newton step on the float64 quotient, twice: a product and two sums, at most about 10 u^2."""
        q1 = self.hi / other.hi
        r = self - other * DD.of(q1)
        q2 = r.hi / other.hi
        r = r - other * DD.of(q2)
        q3 = r.hi / other.hi
        return DD(*fast_two_sum(q1, q2)) + DD.of(q3)

    def sqrt(self) -> "DD":
        """Karp & Markstein 1997: a Newton step on the float64 root, at most about 4 u^2; 0 stays 0."""
        root = np.sqrt(self.hi)
        safe = np.where(root == 0, 1.0, root)
        rest = self - DD.of(root) * DD.of(root)
        return DD(*fast_two_sum(root, np.where(root == 0, 0.0, rest.hi / (2 * safe))))

    def sum(self) -> "DD":
        """Over the first axis, in pairs: (m, ...) -> (...). Within 3 u^2 ceil(log2 m) of the sum of magnitudes."""
        total = self
        while len(total.hi) > 1:
            half = len(total.hi) // 2
            pairs = total[:half] + total[half : 2 * half]
            odd = total[2 * half :]
            total = DD(np.concatenate([pairs.hi, odd.hi]), np.concatenate([pairs.lo, odd.lo]))
        return total[0] if len(total.hi) else DD.of(np.zeros(self.hi.shape[1:]))


def two_sum(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """S + e = a + b exactly (Knuth)."""
    s = a + b
    b_part = s - a
    return s, (a - (s - b_part)) + (b - b_part)


def fast_two_sum(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """S + e = a + b exactly if |a| >= |b| (Dekker)."""
    s = a + b
    return s, b - (s - a)


def two_product(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """P + e = a b exactly (Dekker; numpy has no fused multiply-add)."""
    p = a * b
    a_hi, a_lo = _split(a)
    b_hi, b_lo = _split(b)
    return p, ((a_hi * b_hi - p) + a_hi * b_lo + a_lo * b_hi) + a_lo * b_lo


def _split(a: Floats) -> tuple[Floats, Floats]:
    c = SPLITTER * a
    hi = c - (c - a)
    return hi, a - hi
