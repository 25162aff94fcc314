"""Sums of first and second moments over streamed rows, about a shift that is near the mean."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from harness.cores.blas import has_small_products
from harness.problems.problem import Floats
from harness.solvers.streaming.folded import folded_product

NARROW, BATCH_ROWS, LANES = (4, 32), 256, 8
"""Columns from and to, rows of a product, and columns that a kernel takes at a time. Measured: with 10 columns 6 ns a
row instead of 9, with 32 columns 37 instead of 51; with 50 one product of all rows is quicker."""
FOLDED = 320
"""Numbers in a row that is folded of several: with 10 columns half the time of a product with rows of 10."""


@dataclass
class MomentSums:
    """Sums over n rows of x and y, less their shifts, where the rows are: arrays or tensors of float64.

    gram (p, p), xy (p,) and yy: second moments; x_sum (p,) and y_sum: first ones.
    """

    n: int
    gram: Any
    xy: Any
    yy: Any
    x_sum: Any
    y_sum: Any

    @classmethod
    def of(cls, B: Any, T: Any) -> Self:
        """Of B (m, p) and T (m, 2), which are y and ones, float64. On a device nothing is waited for."""
        t = T[:, 0]
        if isinstance(B, np.ndarray):
            # `dot` is run side by side with other threads', and `@` is not (harness.cores.crew.Crew). In this order
            # the block is still in the cache where the cheap product reads it again.
            gram, of_both, of_y = host_gram(B), np.dot(T.T, B), np.dot(t, T)
            return cls(len(B), gram, of_both[0], of_y[0], of_both[1], of_y[1])
        of_both = folded_product(B, T)
        return cls(len(B), folded_product(B, B), of_both[:, 0], t @ t, of_both[:, 1], t.sum())

    def absorb(self, other: Self) -> None:
        """The sums over both."""
        self.n += other.n
        for name in ("gram", "xy", "yy", "x_sum", "y_sum"):
            setattr(self, name, add_to(getattr(self, name), getattr(other, name)))


def host_gram(B: Floats) -> Floats:
    """B'B (p, p) of a block (m, p); where it is narrow, not symmetric to the last bit.

    Of few columns OpenBLAS packs rows longer than it multiplies them: with AVX-512 its kernels for small products, up
    to a million multiplications, do not pack and take half the time. numpy asks for them where the factors differ.
    Without such kernels the batches take twice the time of one product (10 columns, AMD EPYC: 22 ns a row and 13).
    """
    rows, p = B.shape
    whole = rows - rows % BATCH_ROWS
    if not NARROW[0] <= p <= NARROW[1] or not whole or not has_small_products():
        return np.asarray(np.dot(B.T, B))
    batches = B[:whole].reshape(-1, BATCH_ROWS, p)
    split = (p - 1) // LANES * LANES or p // 2
    parts = (batches[..., :split], batches[..., split:])
    gram = np.hstack([np.matmul(batches.transpose(0, 2, 1), part).sum(axis=0) for part in parts])
    return gram if whole == rows else gram + np.dot(B[whole:].T, B[whole:])


def column_sums(B: Floats) -> Floats:
    """(p,) sums over the rows of a block: by a product, since numpy's sum over the first axis is slow on short rows.

    Rows are folded together where they are contiguous, since BLAS is slow on short rows as well.
    """
    fold = max(1, FOLDED // B.shape[1])
    if len(B) % fold or not B.flags.c_contiguous:
        fold = 1
    rows = len(B) // fold
    return np.asarray(np.dot(np.ones(rows), B.reshape(rows, -1)).reshape(fold, -1).sum(axis=0))


def add_to(total: Any, part: Any) -> Any:
    """The sum, in the memory of `total` where that is an array or a tensor."""
    total += part
    return total
