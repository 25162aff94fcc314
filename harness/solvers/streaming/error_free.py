"""Least squares of streamed rows without rounding: passes over them until their exact Gram matrix says the answer."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from harness.problems.problem import Floats
from harness.solvers.column_rounding import ColumnRounding, row_scales
from harness.solvers.streaming.answer import Answer
from harness.solvers.streaming.arrays import library_of, on_host
from harness.solvers.streaming.blocks import MOST_DEVICE_BYTES, SHARE, Block, block_rows, device_rows
from harness.solvers.streaming.determined import clearly_determined, determined_columns
from harness.solvers.streaming.exact_gram import ExactGram, independent_columns, solve
from harness.solvers.streaming.rows import Passes
from harness.solvers.streaming.sliced import SlicedGram
from harness.solvers.streaming.slices import BITS, largest_of

KNOWN_SLICES, UNKNOWN_SLICES, MOST_SLICES = 4, 6, 24
"""72 bits leave a condition number below 1e3 / 2^-53 nothing to lose; 108 where it is unknown; 432 at most."""


def error_free(
    rows: Passes, why: str, passes: int, *, intercept: bool, least: bool, slices: int = UNKNOWN_SLICES
) -> Answer:
    """One pass, or more with more slices each until what is cut off cannot matter; `passes` were made before.

    `least`: without full column rank the coefficients of minimum norm, else NaN.
    """
    while True:
        passes += 1
        table = Columns(slices, intercept)
        sums, seen = rows.exact(table, None if rows.rereadable else _rounding)
        gram = ExactGram(sums.n, *sums.gram(), intercept=intercept)
        pivots = independent_columns(gram)
        answer = solve(gram, pivots, f"error-free: {why}", passes)
        # A perturbation of the columns reaches the coefficients times the condition number.
        enough = sums.exact or answer.condition_number * 2.0 ** (2 - BITS * slices) < np.finfo(np.float64).eps
        if enough or slices >= MOST_SLICES or not rows.rereadable:
            break
        slices = min(2 * slices, MOST_SLICES)
    if enough and not clearly_determined(gram, pivots, answer.condition_number):
        determined = _determined(rows, table, gram, pivots, seen)
        if determined != pivots:
            answer = solve(gram, determined, answer.path, passes)
    if enough and (least or answer.rank == answer.columns):
        return answer
    note = "" if enough else f"; {slices * BITS} bits are too few for this condition number"
    return replace(
        answer,
        coef=np.full_like(answer.coef, np.nan),
        intercept=np.nan if intercept else 0.0,
        standard_errors=np.full_like(answer.standard_errors, np.nan),
        path=answer.path + note,
    )


def _determined(
    rows: Passes, table: "Columns", gram: ExactGram, pivots: list[int], seen: ColumnRounding | None
) -> list[int]:
    """The columns that remain when entries move within their rounding, of which a pass may have `seen` the size.

    If some do not, one more pass goes over rows scaled to alike sizes: a wild row must not decide for the others what
    is only rounding.
    """
    rounding = seen or rows.total(_rounding, _rows_to_round)
    determined = determined_columns(gram, pivots, rounding.norms())
    if determined == pivots or not rows.rereadable:
        return determined
    scaled = ScaledColumns(table.slices, table.intercept, rounding.norms())
    sums, again = rows.exact(scaled, scaled.rounding)
    assert again is not None  # noqa: S101  # it was asked for
    lifted = ExactGram(sums.n, *sums.gram(), intercept=table.intercept)
    return max(determined, determined_columns(lifted, pivots, again.norms(rounding.single)), key=len)


@dataclass(frozen=True)
class Columns:
    """[1, X, y] of a block, or [X, y] without intercept, to be summed in so many slices."""

    slices: int
    intercept: bool

    def sums(self, p: int, xp: Any) -> SlicedGram:
        """Room for them, of p columns of X that are arrays of `xp`."""
        return SlicedGram(p + 1 + self.intercept, self.slices, xp)

    def of(self, block: Block) -> Any:
        """The table (m, columns), float64, where the block is."""
        xp = library_of(block.X)
        rows, t = (xp.asarray(part, dtype=xp.float64) for part in (block.X, block.y))
        return xp.column_stack([xp.ones_like(t), rows, t] if self.intercept else [rows, t])

    def largest(self, block: Block) -> Floats:
        """As slices.largest_of(of(block)); of a device's block it is waited for once."""
        if not isinstance(block.X, np.ndarray):
            return largest_of(self.of(block))
        return np.concatenate([[1.0] * self.intercept, largest_of(block.X), largest_of(block.y[:, None])])


@dataclass(frozen=True)
class ScaledColumns(Columns):
    """The same of rows scaled by powers of two to alike sizes, on the host. `norms` (p,): the columns' rounding."""

    norms: Floats

    def sums(self, p: int, xp: Any) -> SlicedGram:
        """Room on the host."""
        return super().sums(p, np)

    def of(self, block: Block) -> Floats:
        """The table (m, columns)."""
        rows = np.asarray(on_host(block.X), dtype=np.float64)
        scales = row_scales(rows, self.norms)
        lifted = rows * scales[:, None]
        return np.column_stack([scales, lifted, scales] if self.intercept else [lifted, scales])

    def largest(self, block: Block) -> Floats:
        """Of the scaled rows."""
        return largest_of(self.of(block))

    def rounding(self, block: Block) -> ColumnRounding:
        """How far the scaled columns of X are known."""
        return ColumnRounding.of(self.of(block)[:, int(self.intercept) : -1])


def _rounding(block: Block) -> ColumnRounding:
    return ColumnRounding.of(block.X)


def _rows_to_round(p: int, xp: Any) -> int:
    """The host does it: of a device's rows as many as possible are fetched at a time."""
    return block_rows(p) if xp is np else device_rows(p, MOST_DEVICE_BYTES * SHARE)
