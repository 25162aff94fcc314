"""The columns of a table cut into slices of whole numbers, whose products float64 sums without rounding.

The splitting of Ozaki, Ogita, Oishi & Rump 2012 (Error-free transformations of matrix multiplication, Numerical
Algorithms 59): a slice holds integers of b bits, and a sum of m products of two slices is exact in float64 as long as
2 b + log2 m <= 53. BLAS does the work.

`harness/verify/gram.py` splits columns too, for the truth: it judges this, and shares no code with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.problems.problem import Floats
from harness.solvers.streaming.arrays import on_host
from harness.solvers.streaming.folded import integer_product
from harness.solvers.streaming.moments import FOLDED

Exponents = NDArray[np.int64]
Job = tuple[int, int, int]
"""Slice i and the slices from `first` to before `last` that it is multiplied with."""

BITS = 18
HEADROOM = 2
"""Bits left above the largest entry so far: putting sums aside is slow, and larger entries keep coming."""
NOTHING = -(2**14)
"""The exponent of a column that has held nothing but zeros; below every float64's."""


@dataclass(frozen=True)
class CutSums:
    """Of n rows: the products of slices, whole numbers; left: whether something was cut off."""

    n: int
    products: list[Any]
    left: Any


class Cutter:
    """Cuts tables (m, columns) at fixed points: the first slice holds the 18 bits below 2^`exponents`.

    Works on numpy arrays and torch tensors, with their library as `xp`; several threads may use it at once.
    """

    def __init__(self, exponents: Exponents, slices: int, jobs: Sequence[Job], xp: Any) -> None:
        self.exponents, self._slices, self._jobs, self._xp = exponents, slices, jobs, xp
        self._power = np.where(exponents > NOTHING, BITS - exponents, 0)
        self._scales: list[Any] | None = None

    def sums(self, table: Any) -> CutSums:
        """The products of the table's slices."""
        S, left = self._cut(table)
        c = len(self.exponents)
        products = [
            self._product(S[:, i * c : (i + 1) * c], S[:, first * c : last * c]) for i, first, last in self._jobs
        ]
        return CutSums(len(table), products, left)

    def _cut(self, table: Any) -> tuple[Any, Any]:
        """The slices side by side, (m, slices * columns), integers of 18 bits and a sign; whether more is left."""
        xp, c = self._xp, len(self.exponents)
        if self._scales is None:  # 2^power in two factors, since alone it may overflow
            half = self._power // 2
            self._scales = [self._like(table, np.ldexp(1.0, step)) for step in (half, self._power - half)]
        rest = table * self._scales[0] * self._scales[1]
        # What underflows to a subnormal number is left over in the end; what underflows to 0 is not.
        lost = bool(self._power.min() < 0) and xp.count_nonzero(rest) != xp.count_nonzero(table)
        size = (len(table), self._slices * c)
        S = np.empty(size) if xp is np else table.new_empty(size)
        for k in range(self._slices):
            piece = S[:, k * c : (k + 1) * c]
            xp.round(rest, out=piece)
            rest -= piece
            if k + 1 < self._slices:
                rest *= 2.0**BITS
        return S, lost | (rest != 0).any()

    def _product(self, L: Any, R: Any) -> Any:
        """L'R of slices, without rounding: in float64, whose sums are put aside in time, or on a device in int64."""
        return np.dot(L.T, R) if self._xp is np else integer_product(L, R)

    def _like(self, table: Any, values: Any) -> Any:
        """The numbers as an array of the table's library, where the table is."""
        return values if self._xp is np else self._xp.as_tensor(values, dtype=table.dtype, device=table.device)


def largest_of(table: Any) -> Floats:
    """The largest magnitude in each column of table (m, columns), float64 on the host."""
    if not isinstance(table, np.ndarray):
        return np.asarray(on_host(abs(table).amax(0)), dtype=np.float64)
    fold = max(1, FOLDED // table.shape[1])
    if len(table) % fold or not table.flags.c_contiguous:
        fold = 1
    rows = table.reshape(len(table) // fold, -1)  # numpy is slow where the last axis is short
    found = np.maximum(rows.max(axis=0), -rows.min(axis=0).astype(np.float64))
    return np.asarray(found.reshape(fold, -1).max(axis=0), dtype=np.float64)


def exponents_of(largest: Floats) -> Exponents:
    """Two to these is above the magnitudes. Raises ValueError if one is not finite."""
    if not np.isfinite(largest).all():
        raise ValueError("the data hold NaN or infinite values")
    return np.where(largest > 0, np.frexp(largest)[1], NOTHING - HEADROOM).astype(np.int64)


def check_finite(largest: Floats, names: Sequence[str]) -> None:
    """Raises ValueError with the name of the first column whose `largest` magnitude is not finite.

    `names` are of the last columns, before which there may be one of ones.
    """
    wrong = np.flatnonzero(~np.isfinite(largest))
    if len(wrong):
        raise ValueError(f"column '{names[wrong[0] - len(largest)]}' holds NaN or infinite values")
