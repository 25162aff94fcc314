"""An error-free Gram matrix: columns cut into integer slices whose products float64 sums without rounding.

The splitting of Ozaki, Ogita, Oishi & Rump 2012 (Error-free transformations of matrix multiplication,
Numerical Algorithms 59): a slice holds integers of b bits, and a sum of m products of two slices is
exact in float64 as long as 2 b + log2 m <= 53. BLAS does the work; the sums end as Python integers.

`harness/verify/gram.py` splits columns too, for the truth: it judges this, and shares no code with it.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.solvers.streaming.blocks import device_rows
from harness.solvers.streaming.folded import integer_product

Exponents = NDArray[np.int64]
BigIntegers = NDArray[np.object_]
"""Python integers of any size."""

BITS = 18
FLUSH_ROWS = 2**17
"""2 * 18 + 17 = 53."""
DEVICE_FLUSH_ROWS = 2**26
"""On a device sums of batches are added in int64: 2 * 18 + 26 = 62."""
BLOCK_BYTES = 2**23
LEAST_ROWS = 64
TOGETHER_COLUMNS = 64
"""Narrow slices are multiplied side by side, as BLAS is slow on narrow operands; wide ones pair by pair."""
HEADROOM = 2
"""Bits left above the largest entry so far: putting sums aside is slow, and larger entries keep coming."""
NOTHING = -(2**14)
"""The exponent of a column that has held nothing but zeros; below every float64's."""


class SlicedGram:
    """The Gram matrix of a streamed table, exact but for cutting its columns to `slices` * 18 bits.

    Cutting moves an entry by at most 2^(-18 slices + 2) of its column's largest: a backward error, with 4
    slices 2^-70 where a QR factorisation in float64 has 2^-53. `exact` says that nothing was cut off.
    Works on numpy arrays and torch tensors, with their library as `xp`.
    """

    def __init__(self, columns: int, slices: int, xp: Any = np) -> None:
        """`columns` of the table, target included."""
        self.columns, self.slices, self.xp = columns, slices, xp
        self.n = 0
        host = xp is np
        self.flush_rows = FLUSH_ROWS if host else DEVICE_FLUSH_ROWS
        few = min(FLUSH_ROWS, BLOCK_BYTES // (8 * slices * columns))
        self.rows = max(LEAST_ROWS, few) if host else device_rows(slices * columns, None)
        together = columns <= TOGETHER_COLUMNS
        self._jobs = [(i, j, slices if together else j + 1) for i in range(slices) for j in range(i, slices)]
        self._jobs = [job for job in self._jobs if not together or job[0] == job[1]]
        self._sums: list[Any] = [0] * len(self._jobs)
        self._summed = 0
        self._left: Any = False
        self._scales: Any = None
        self._exponents: Exponents = np.full(columns, NOTHING, dtype=np.int64)
        self._integers: BigIntegers = np.zeros((columns, columns), dtype=object)
        self._lowest: Exponents = np.zeros(columns, dtype=np.int64)

    @property
    def exact(self) -> bool:
        """Whether nothing was cut off so far."""
        return not bool(self._left)

    def add(self, table: Any) -> None:
        """Table (m, columns) float64 with m <= `rows`. Raises ValueError if an entry is not finite.

        A device is waited for once, for its largest entries; and again when sums are put aside.
        """
        largest = _host(abs(table).max(0) if self.xp is np else abs(table).amax(0))
        if not np.isfinite(largest).all():
            raise ValueError("the data hold NaN or infinite values")
        self._raise_exponents(np.where(largest > 0, np.frexp(largest)[1], NOTHING - HEADROOM).astype(np.int64))
        if self._summed + len(table) > self.flush_rows:
            self._flush()
        S = self._cut(table)
        c = self.columns
        for k, (i, first, last) in enumerate(self._jobs):
            self._sums[k] += self._product(S[:, i * c : (i + 1) * c], S[:, first * c : last * c])
        self.n += len(table)
        self._summed += len(table)

    def gram(self) -> tuple[BigIntegers, Exponents]:
        """Integers W (columns, columns) and exponents l (columns,): the Gram matrix is W_ij 2^(l_i + l_j)."""
        self._flush()
        return self._integers, self._lowest

    def _cut(self, table: Any) -> Any:
        """The slices side by side, (m, slices * columns), each an integer of at most 18 bits and a sign."""
        xp, c = self.xp, self.columns
        power = np.where(self._exponents > NOTHING, BITS - self._exponents, 0)
        if self._scales is None:
            half = power // 2  # in two steps: 2^power alone may overflow
            self._scales = [self._like(table, np.ldexp(1.0, step)) for step in (half, power - half)]
        first, second = self._scales
        rest = table * first * second
        # What underflows to a subnormal number is left over in the end; what underflows to 0 is not.
        lost = bool(power.min() < 0) and xp.count_nonzero(rest) != xp.count_nonzero(table)
        size = (len(table), self.slices * c)
        S = np.empty(size) if xp is np else table.new_empty(size)
        for k in range(self.slices):
            piece = S[:, k * c : (k + 1) * c]
            xp.round(rest, out=piece)
            rest -= piece
            if k + 1 < self.slices:
                rest *= 2.0**BITS
        self._left = self._left | lost | (rest != 0).any()
        return S

    def _product(self, L: Any, R: Any) -> Any:
        """L'R of slices, without rounding: in float64, whose sums are put aside in time, or on a device in int64."""
        return L.T @ R if self.xp is np else integer_product(L, R)

    def _like(self, table: Any, values: Any) -> Any:
        """The numbers as an array of the table's library, where the table is."""
        return values if self.xp is np else self.xp.as_tensor(values, dtype=table.dtype, device=table.device)

    def _raise_exponents(self, found: Exponents) -> None:
        """A larger entry than any before moves its column's fixed point: what was summed so far is put aside."""
        if (found > self._exponents).any():
            self._flush()
            self._exponents = np.where(found > self._exponents, found + HEADROOM, self._exponents)
            self._scales = None

    def _flush(self) -> None:
        """Add the sums to the big integers, which are kept at the lowest fixed point there was."""
        if not self._summed:
            return
        c, s = self.columns, self.slices
        total: BigIntegers = np.zeros((c, c), dtype=object)
        for (i, first, last), sums in zip(self._jobs, self._sums, strict=True):
            for j, product in zip(range(first, last), np.hsplit(_host(sums), last - first), strict=True):
                integers = product.astype(np.int64).astype(object) << BITS * (2 * (s - 1) - i - j)
                total = total + (integers if i == j else integers + integers.T)
        lowest = np.where(self._exponents > NOTHING, self._exponents, 0) - BITS * s
        # Exponents only grow, so that earlier sums stay in place; a column of zeros had no place yet.
        self._lowest = np.where(self._integers.any(axis=0), self._lowest, lowest)
        up = (lowest - self._lowest).astype(object)
        self._integers = self._integers + (total << (up[:, None] + up[None, :]))
        self._sums = [0] * len(self._jobs)
        self._summed = 0


def _host(values: Any) -> Any:
    return values if isinstance(values, np.ndarray) else values.cpu().numpy()
