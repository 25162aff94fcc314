"""An error-free Gram matrix: columns cut into integer slices whose products float64 sums without rounding.

The splitting of Ozaki, Ogita, Oishi & Rump 2012 (Error-free transformations of matrix multiplication,
Numerical Algorithms 59): a slice holds integers of b bits, and a sum of m products of two slices is
exact in float64 as long as 2 b + log2 m <= 53. BLAS does the work; the sums end as Python integers.

`harness/verify/gram.py` splits columns too, for the truth: it judges this, and shares no code with it.
"""

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from harness.cores.crew import Crew
from harness.problems.problem import Floats
from harness.solvers.streaming.blocks import device_rows
from harness.solvers.streaming.folded import integer_product
from harness.solvers.streaming.moments import FOLDED

T = TypeVar("T")

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


@dataclass(frozen=True)
class CutSums:
    """Of n rows: the products of slices, whole numbers; left: whether something was cut off."""

    n: int
    products: list[Any]
    left: Any


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
        self._kept_scales: list[Any] | None = None
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
        self._raise_exponents(exponents_of(largest_of(table)), len(table))
        self._take(self._cut_sums(table))

    def add_all(
        self, crew: Crew, parts: Sequence[T], largest: Callable[[T], Floats], table: Callable[[T], Any]
    ) -> None:
        """As `add` of table(part) for each of `parts` in turn, shared out; `largest`: as largest_of(table(part)).

        The fixed points of a part follow from the largest entries of it and of the parts before it. With the same
        fixed points the sums are whole numbers, which come out the same in whatever order they are added.
        """
        found = {
            number: exponents_of(one) for number, one in crew.results(lambda k: largest(parts[k]), range(len(parts)))
        }
        together: list[T] = []
        for number, part in enumerate(parts):
            if together and (found[number] > self._exponents).any():
                self._take_all(crew, together, table)
                together = []
            self._raise_exponents(found[number], 0)
            together.append(part)
        self._take_all(crew, together, table)

    def fixed_points(self, found: Mapping[int, Exponents]) -> list[tuple[int, Exponents]]:
        """Of blocks by their numbers, with what `exponents_of` says of each: from which number on which ones hold."""
        points = [(-1, self._exponents)]
        for number in sorted(found):
            if (found[number] > self._exponents).any():
                self._raise_exponents(found[number], 0)
                points.append((number, self._exponents))
        return points

    def add_at(self, exponents: Exponents, table: Any) -> None:
        """As `add`, with these fixed points, of which nothing that was added before has other ones."""
        self._exponents = exponents
        self._take(self._cut_sums(table))

    def absorb(self, other: Self) -> None:
        """Become the sums over the rows of both. Whole numbers come out the same in whatever order they are added."""
        if (self._exponents == other._exponents).all() and self._summed + other._summed <= self.flush_rows:
            self._sums = [a + b for a, b in zip(self._sums, other._sums, strict=True)]
            self._summed += other._summed
        else:
            self._flush()
            other._flush()
            self._exponents = other._exponents
        if other.gram_so_far[0].any():
            self._add_integers(*other.gram_so_far)
        self._left = self._left | other._left
        self.n += other.n

    def _add_integers(self, integers: BigIntegers, at: Exponents) -> None:
        """What others have put aside, at the lower fixed point of both; a column of zeros has none."""
        mine, its = (np.where(W.any(axis=0), low, 2**62) for W, low in (self.gram_so_far, (integers, at)))
        lowest = np.minimum(mine, its)
        self._integers = _raised(self._integers, mine - lowest) + _raised(integers, its - lowest)
        self._lowest = np.where(lowest < 2**62, lowest, self._lowest)

    @property
    def gram_so_far(self) -> tuple[BigIntegers, Exponents]:
        """As `gram`, of what has been put aside."""
        return self._integers, self._lowest

    def __deepcopy__(self, _: object) -> Self:
        """One that absorbs others by itself: what both hold is never written to."""
        return copy(self)

    def gram(self) -> tuple[BigIntegers, Exponents]:
        """Integers W (columns, columns) and exponents l (columns,): the Gram matrix is W_ij 2^(l_i + l_j)."""
        self._flush()
        return self.gram_so_far

    def _take_all(self, crew: Crew, parts: Sequence[T], table: Callable[[T], Any]) -> None:
        for _, sums in crew.results(lambda part: self._cut_sums(table(part)), parts):
            if self._summed + sums.n > self.flush_rows:
                self._flush()
            self._take(sums)

    def _take(self, sums: "CutSums") -> None:
        """Add the sums of some rows with the fixed points of now."""
        for k, product in enumerate(sums.products):
            self._sums[k] += product
        self._left = self._left | sums.left
        self.n += sums.n
        self._summed += sums.n

    def _cut_sums(self, table: Any) -> "CutSums":
        """The products of the table's slices; changes nothing here."""
        S, left = self._cut(table)
        c = self.columns
        products = [
            self._product(S[:, i * c : (i + 1) * c], S[:, first * c : last * c]) for i, first, last in self._jobs
        ]
        return CutSums(len(table), products, left)

    def _cut(self, table: Any) -> tuple[Any, Any]:
        """The slices side by side, (m, slices * columns), integers of 18 bits and a sign; whether more is left."""
        xp, c = self.xp, self.columns
        power = np.where(self._exponents > NOTHING, BITS - self._exponents, 0)
        first, second = self._scales(table, power)
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
        return S, lost | (rest != 0).any()

    def _scales(self, table: Any, power: Exponents) -> list[Any]:
        """2^power in two factors, since alone it may overflow; kept until a fixed point moves."""
        if self._kept_scales is None:
            half = power // 2
            self._kept_scales = [self._like(table, np.ldexp(1.0, step)) for step in (half, power - half)]
        return self._kept_scales

    def _product(self, L: Any, R: Any) -> Any:
        """L'R of slices, without rounding: in float64, whose sums are put aside in time, or on a device in int64."""
        return np.dot(L.T, R) if self.xp is np else integer_product(L, R)

    def _like(self, table: Any, values: Any) -> Any:
        """The numbers as an array of the table's library, where the table is."""
        return values if self.xp is np else self.xp.as_tensor(values, dtype=table.dtype, device=table.device)

    def _raise_exponents(self, found: Exponents, rows: int) -> None:
        """A larger entry than any before moves its column's fixed point: what was summed so far is put aside.

        So it is before `rows` more than there is room for.
        """
        if (found > self._exponents).any():
            self._flush()
            self._exponents = np.where(found > self._exponents, found + HEADROOM, self._exponents)
            self._kept_scales = None
        if self._summed + rows > self.flush_rows:
            self._flush()

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


def _raised(integers: BigIntegers, by: Exponents) -> BigIntegers:
    """Integers W with 2^by of the rows' and the columns' fixed points taken into them; of 0 it does not matter."""
    up = np.where(integers.any(axis=0), by, 0).astype(object)
    return np.asarray(integers << (up[:, None] + up[None, :]))


def largest_of(table: Any) -> Floats:
    """The largest magnitude in each column of table (m, columns), float64 on the host."""
    if not isinstance(table, np.ndarray):
        return np.asarray(_host(abs(table).amax(0)), dtype=np.float64)
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


def _host(values: Any) -> Any:
    return values if isinstance(values, np.ndarray) else values.cpu().numpy()
