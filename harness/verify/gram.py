"""Inner products of float64 columns as exact integers, by float64 matrix products that cannot round.

`harness/solvers/streaming/sliced.py` splits columns too: it is judged by this, and shares no code with it.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from harness.cores.blas import one_blas_thread
from harness.cores.crew import Crew
from harness.problems.problem import Floats

SLICE_BITS = 21
CHUNK_ROWS = 2**11
"""A sum of 2^11 products of two integers below 2^21 is below 2^53: every partial sum is a float64,
in whatever order BLAS adds, with or without fused multiply-add."""
SHARED_ROWS, LEAST_COLUMNS = 2**14, 24
"""What a thread takes at a time, and the columns from which it is worth it: measured on two busy cores, 52 take two
threads two thirds of the time of one; with 12 the products are so small that threads wait for the interpreter."""
PENDING_PRODUCTS = 2**10 - 1
"""So many sums below 2^53 fit an int64; then they are added up as Python integers."""
SAFE_EXPONENT = 1000
"""2.0**k is a normal float64 for |k| up to here; beyond it ldexp, which is slower, scales."""

Integers = list[list[int]]


@dataclass(frozen=True)
class IntegerGram:
    """All inner products of the design's columns and, last, y: (k + 1, k + 1) integers with a unit a column.

    `values[i][j] * units[i] * units[j]` is the exact product of columns i and j over `n` rows, the sum of
    w x_i x_j where the rows have weights, whose sum is `weight`. With `intercept` the first column is one of ones.
    """

    values: Integers
    units: tuple[Fraction, ...]
    n: int
    intercept: bool
    weight: Fraction | None = None

    @property
    def total(self) -> Fraction:
        """What a sum over the rows is divided by to be a mean: their number, or the sum of their weights."""
        return Fraction(self.n) if self.weight is None else self.weight

    @property
    def columns(self) -> int:
        """Columns of the design, the intercept's among them: k."""
        return len(self.values) - 1

    @property
    def normal(self) -> Integers:
        """A'A (k, k), in the columns' units."""
        return [row[:-1] for row in self.values[:-1]]

    @property
    def right(self) -> list[int]:
        """A'y (k,), in the units of the columns and y."""
        return [row[-1] for row in self.values[:-1]]

    @property
    def y_unit(self) -> Fraction:
        """The unit of y."""
        return self.units[-1]

    def without(self, dropped: Collection[int]) -> "IntegerGram":
        """The same without some columns of the design, counted with the intercept's, which stays."""
        kept = [j for j in range(len(self.values)) if j not in dropped]
        values = [[self.values[i][j] for j in kept] for i in kept]
        return replace(self, values=values, units=tuple(self.units[j] for j in kept))

    def square_of(self, parameters: Sequence[float]) -> Fraction:
        """|y - A b|² for finite parameters b (k,), exactly, in the data's unit squared."""
        scaled = [Fraction(b) * unit for b, unit in zip((*parameters, -1.0), self.units, strict=True)]
        denominator = max(value.denominator for value in scaled)  # all of them are powers of two
        whole = [int(value * denominator) for value in scaled]
        products = (sum(v * b for v, b in zip(row, whole, strict=True)) for row in self.values)
        return Fraction(sum(a * b for a, b in zip(whole, products, strict=True)), denominator**2)

    @property
    def null_square(self) -> Fraction:
        """Sum of squares of y about its mean, or about 0 without an intercept; in the unit of y, squared."""
        y = Fraction(self.values[-1][-1])
        return y - Fraction(self.values[0][-1] ** 2, self.values[0][0]) if self.intercept else y


def eliminated(normal: Integers) -> Integers:
    """The Schur complement of the first column times its entry: where it is of ones, n times the centred products."""
    own, sums = normal[0][0], normal[0][1:]
    return [
        [own * v - a * b for v, b in zip(row[1:], sums, strict=True)] for row, a in zip(normal[1:], sums, strict=True)
    ]


def exact_gram(X: Floats, y: Floats, *, intercept: bool, threads: int | None = None) -> IntegerGram:
    """The Gram matrix of [1, X, y] ([X, y] without intercept) for finite float64 X (n, p) and y (n,), exactly.

    Each column is cut into slices of 21 bits below its largest exponent; the slices that are not zero
    are multiplied chunk by chunk, and the products are added up by their weight, slice i times
    slice j having 2^(-21 (i + j)). Any range of exponents within a column works; it costs more slices.
    Ozaki, Ogita, Oishi and Rump 2012 (Numer. Algorithms 59) cut matrices the same way.
    `threads`: all cores if None, one alone where there are few columns; whole numbers come out the same in whatever
    order they are added.
    Raises ValueError if an entry is NaN or infinite, UsageError for threads below 1 and above the cores.
    """
    exponents = _exponents(X, y, intercept=intercept)
    totals: dict[int, NDArray[np.object_]] = {}
    levels = 1
    starts = range(0, len(y), SHARED_ROWS)
    with one_blas_thread():
        for _, (found, most) in Crew(threads, None if len(exponents) >= LEAST_COLUMNS else 1).results(
            lambda start: _totals(X, y, exponents, start), starts
        ):
            levels = max(levels, most)
            for level, total in found.items():
                totals[level] = totals.get(level, 0) + total
    columns = len(exponents)
    values = np.zeros((columns, columns), dtype=object)
    for level, total in totals.items():
        values = values + (total << (SLICE_BITS * (2 * levels - 2 - level)))
    units = tuple(Fraction(2) ** (int(exponent) - SLICE_BITS * levels) for exponent in exponents)
    return IntegerGram(values.tolist(), units, len(y), intercept)


def _totals(
    X: Floats, y: Floats, exponents: NDArray[np.int64], first: int
) -> tuple[dict[int, NDArray[np.object_]], int]:
    """The products of SHARED_ROWS rows from `first` on, by their weight, and how many slices a column of them has."""
    columns = len(exponents)
    intercept = columns == X.shape[1] + 2
    totals: dict[int, NDArray[np.object_]] = {}
    sums: dict[int, NDArray[np.int64]] = defaultdict(lambda: np.zeros((columns, columns), dtype=np.int64))
    pending, levels = 0, 1
    for start in range(first, min(len(y), first + SHARED_ROWS), CHUNK_ROWS):
        table = np.ones((len(y[start : start + CHUNK_ROWS]), columns))
        table[:, int(intercept) : -1] = X[start : start + CHUNK_ROWS]
        table[:, -1] = y[start : start + CHUNK_ROWS]
        slices = list(_slices(table, exponents))
        if pending + len(slices) > PENDING_PRODUCTS:
            _flush(sums, totals)
            pending = 0
        pending += len(slices)
        levels = max(levels, len(slices))
        _multiply(slices, sums)
    _flush(sums, totals)
    return totals, levels


def _exponents(X: Floats, y: Floats, *, intercept: bool) -> NDArray[np.int64]:
    """The power of two above each column's largest magnitude (k + 1,)."""
    largest = np.maximum(X.max(axis=0), -X.min(axis=0))
    largest = np.array([*([1.0] if intercept else []), *largest, max(y.max(), -y.min())])
    if not np.isfinite(largest).all():
        raise ValueError("an exact reference needs finite data")
    return np.asarray(np.frexp(largest)[1], dtype=np.int64)


def _slices(rest: Floats, exponents: NDArray[np.int64]) -> Iterator[tuple[NDArray[np.intp], Floats]]:
    """Slice by slice from the top: the columns that have one, and their integers below 2^21 in magnitude.

    `rest` (m, k + 1) is used up. Truncation towards zero, scaling by powers of two and the subtraction
    are exact.
    """
    unit = exponents
    while rest.any():
        unit = unit - SLICE_BITS
        whole = np.trunc(_scaled(rest, -unit))
        rest -= _scaled(whole, unit)
        used = np.flatnonzero(whole.any(axis=0))
        yield used, whole if len(used) == rest.shape[1] else whole[:, used]


def _scaled(table: Floats, exponents: NDArray[np.int64]) -> Floats:
    """The columns of `table` times 2**exponents."""
    if np.abs(exponents).max() <= SAFE_EXPONENT:
        return np.asarray(table * np.ldexp(1.0, exponents))
    return np.ldexp(table, exponents)


def _multiply(slices: list[tuple[NDArray[np.intp], Floats]], sums: dict[int, NDArray[np.int64]]) -> None:
    """Add every slice's products with every other's to the sums by weight."""
    if not slices:
        return
    table = np.hstack([whole for _, whole in slices])
    products = np.dot(table.T, table).astype(np.int64)
    ends = np.cumsum([0, *(len(used) for used, _ in slices)])
    for i, (rows, _) in enumerate(slices):
        for j, (columns, _) in enumerate(slices):
            sums[i + j][np.ix_(rows, columns)] += products[ends[i] : ends[i + 1], ends[j] : ends[j + 1]]


def _flush(sums: dict[int, NDArray[np.int64]], totals: dict[int, NDArray[np.object_]]) -> None:
    """Move the sums over to the totals, which are Python integers."""
    for level, pending in sums.items():
        totals[level] = totals.get(level, 0) + pending.astype(object)
    sums.clear()
