"""An error-free Gram matrix: the products of integer slices (`slices`), added up until they end as Python integers."""

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from harness.cores.crew import Crew
from harness.problems.problem import Floats
from harness.solvers.streaming.arrays import on_host
from harness.solvers.streaming.blocks import device_rows
from harness.solvers.streaming.slices import (
    BITS,
    HEADROOM,
    NOTHING,
    CutSums,
    Cutter,
    Exponents,
    exponents_of,
    largest_of,
)

T = TypeVar("T")
BigIntegers = NDArray[np.object_]
"""Python integers of any size."""

FLUSH_ROWS = 2**17
"""2 * 18 + 17 = 53."""
DEVICE_FLUSH_ROWS = 2**26
"""On a device sums of batches are added in int64: 2 * 18 + 26 = 62."""
BLOCK_BYTES = 2**23
LEAST_ROWS = 64
TOGETHER_COLUMNS = 64
"""Narrow slices are multiplied side by side, as BLAS is slow on narrow operands; wide ones pair by pair."""


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
        if columns <= TOGETHER_COLUMNS:
            self._jobs = [(i, i, slices) for i in range(slices)]
        else:
            self._jobs = [(i, j, j + 1) for i in range(slices) for j in range(i, slices)]
        self._sums: list[Any] = [0] * len(self._jobs)
        self._summed = 0
        self._left: Any = False
        self._integers: BigIntegers = np.zeros((columns, columns), dtype=object)
        self._lowest: Exponents = np.zeros(columns, dtype=np.int64)
        self._cutter = self._cutter_at(np.full(columns, NOTHING, dtype=np.int64))

    @property
    def exact(self) -> bool:
        """Whether nothing was cut off so far."""
        return not bool(self._left)

    def add(self, table: Any) -> None:
        """Table (m, columns) float64 with m <= `rows`. Raises ValueError if an entry is not finite.

        A device is waited for once, for its largest entries; and again when sums are put aside.
        """
        self._raise_exponents(exponents_of(largest_of(table)))
        self._take(self._cutter.sums(table))

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
            if together and self._is_above(found[number]):
                self._take_all(crew, together, table)
                together = []
            self._raise_exponents(found[number])
            together.append(part)
        self._take_all(crew, together, table)

    def fixed_points(self, found: Mapping[int, Exponents]) -> list[tuple[int, Exponents]]:
        """Of blocks by their numbers, with what `exponents_of` says of each: from which number on which ones hold."""
        points = [(-1, self._cutter.exponents)]
        for number in sorted(found):
            if self._is_above(found[number]):
                self._raise_exponents(found[number])
                points.append((number, self._cutter.exponents))
        return points

    def add_at(self, exponents: Exponents, table: Any) -> None:
        """As `add`, with these fixed points, of which nothing that was added before has other ones."""
        self._cutter = self._cutter_at(exponents)
        self._take(self._cutter.sums(table))

    def absorb(self, other: Self) -> None:
        """Become the sums over the rows of both. Whole numbers come out the same in whatever order they are added."""
        same = bool((self._cutter.exponents == other._cutter.exponents).all())
        if same and self._summed + other._summed <= self.flush_rows:
            self._sums = [a + b for a, b in zip(self._sums, other._sums, strict=True)]
            self._summed += other._summed
        else:
            self._flush()
            other._flush()
            self._cutter = other._cutter
        if other._integers.any():
            self._add_integers(other._integers, other._lowest)
        self._left = self._left | other._left
        self.n += other.n

    def _add_integers(self, integers: BigIntegers, at: Exponents) -> None:
        """What others have put aside, at the lower fixed point of both; a column of zeros has none."""
        mine, its = (np.where(W.any(axis=0), low, 2**62) for W, low in ((self._integers, self._lowest), (integers, at)))
        lowest = np.minimum(mine, its)
        self._integers = _raised(self._integers, mine - lowest) + _raised(integers, its - lowest)
        self._lowest = np.where(lowest < 2**62, lowest, self._lowest)

    def __deepcopy__(self, _: object) -> Self:
        """One that absorbs others by itself: what both hold is never written to."""
        return copy(self)

    def gram(self) -> tuple[BigIntegers, Exponents]:
        """Integers W (columns, columns) and exponents l (columns,): the Gram matrix is W_ij 2^(l_i + l_j)."""
        self._flush()
        return self._integers, self._lowest

    def _take_all(self, crew: Crew, parts: Sequence[T], table: Callable[[T], Any]) -> None:
        for _, sums in crew.results(lambda part: self._cutter.sums(table(part)), parts):
            self._take(sums)

    def _take(self, sums: CutSums) -> None:
        """Add the sums of some rows with the fixed points of now; what there is no room for is put aside before."""
        if self._summed + sums.n > self.flush_rows:
            self._flush()
        for k, product in enumerate(sums.products):
            self._sums[k] += product
        self._left = self._left | sums.left
        self.n += sums.n
        self._summed += sums.n

    def _is_above(self, found: Exponents) -> bool:
        return bool((found > self._cutter.exponents).any())

    def _cutter_at(self, exponents: Exponents) -> Cutter:
        return Cutter(exponents, self.slices, self._jobs, self.xp)

    def _raise_exponents(self, found: Exponents) -> None:
        """A larger entry than any before moves its column's fixed point: what was summed so far is put aside."""
        if self._is_above(found):
            self._flush()
            now = self._cutter.exponents
            self._cutter = self._cutter_at(np.where(found > now, found + HEADROOM, now))

    def _flush(self) -> None:
        """Add the sums to the big integers, which are kept at the lowest fixed point there was."""
        if not self._summed:
            return
        c, s = self.columns, self.slices
        total: BigIntegers = np.zeros((c, c), dtype=object)
        for (i, first, last), sums in zip(self._jobs, self._sums, strict=True):
            for j, product in zip(range(first, last), np.hsplit(on_host(sums), last - first), strict=True):
                integers = product.astype(np.int64).astype(object) << BITS * (2 * (s - 1) - i - j)
                total = total + (integers if i == j else integers + integers.T)
        exponents = self._cutter.exponents
        lowest = np.where(exponents > NOTHING, exponents, 0) - BITS * s
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
