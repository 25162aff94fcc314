"""Least squares of streamed rows: the cheapest path that keeps the digits, chosen by the condition number.

1. `gram`: one pass sums the Gram matrix of shifted columns, which is scaled and solved by Cholesky. The
   error grows with the square of the condition number, so that only a well-conditioned design is accepted.
2. `corrected`: a second pass takes the gradient from explicit residuals and one step with the factor of
   the first: the corrected seminormal equations (Bjorck 1987, Stability analysis of the method of
   seminormal equations for linear least squares problems).
3. `error-free`: the Gram matrix is summed without rounding (`sliced`) and solved in ball arithmetic
   (`exact_gram`). Data that can be read once only take this path at once: it needs no other.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np

from harness.problems.problem import Floats
from harness.solvers.column_rounding import ColumnRounding, row_scales
from harness.solvers.streaming.answer import Answer
from harness.solvers.streaming.blocks import (
    MOST_DEVICE_BYTES,
    SHARE,
    Block,
    Shifted,
    block_rows,
    device_rows,
)
from harness.solvers.streaming.determined import clearly_determined, determined_columns
from harness.solvers.streaming.exact_gram import ExactGram, independent_columns, solve
from harness.solvers.streaming.moments import MomentSums, dot, like, on_host
from harness.solvers.streaming.normal import Normal, normal_equations
from harness.solvers.streaming.residuals import ResidualSums, rounder
from harness.solvers.streaming.rows import Passes, array
from harness.solvers.streaming.sliced import BITS, SlicedGram, largest_of
from harness.solvers.streaming.sources import SAMPLE_ROWS, Chunk

ACCEPTED_PER_COLUMN, ACCEPTED_LEAST, ACCEPTED_MOST = 0.75, 1.5, 30.0
"""Of the squared condition number, which in the 1-norm grows with the columns. Measured on 9000 drawn designs of 2
to 20 columns: up to here the Gram matrix alone is at most half a digit behind statsmodels' QR (worst -0.5)."""
CORRECTED = 1e6
"""Of the squared condition number: measured on the same, one step is more than half a digit behind statsmodels' QR
in 0.1 % of them, by 0.9 at most (another QR, scipy's pivoted one, is so in 10 %, by 2.2 at most)."""
UNEXPLAINED = 1e-4
"""Of y's variance: the residual sum of squares by difference keeps 12 digits above it."""
NEAR = 0.5
"""Of a column's standard deviation: a mean this small leaves 0.8 of the second moment, a tenth of a digit's loss."""
CENTRAL = 1.5
"""Of a column's standard deviation: a shift so far from the mean leaves 0.3 of the second moment, half a digit's loss.
That of a column of zeros and ones is up to 1 away."""
SLICES, UNKNOWN_SLICES, MOST_SLICES = 4, 6, 24
"""72 bits leave a condition number below 1e3 / 2^-53 nothing to lose; 108 where it is unknown; 432 at most."""


def solved(rows: Passes, *, intercept: bool, least: bool) -> Answer:
    """The least-squares solution of the rows, and how it was got: `given.least_squares` says what an Answer is.

    `least`: without full column rank the coefficients of minimum norm, else NaN.
    """
    if not rows.rereadable:
        return _error_free(rows, "the data can be read only once", 0, intercept=intercept, least=least)
    normal = _gram(rows, intercept=intercept)
    if isinstance(normal, str):
        return _error_free(rows, normal, 1, intercept=intercept, least=least)
    coef = normal.solve(normal.xy)
    rss = normal.tss - float(coef @ normal.xy)
    condition = f"condition number {normal.condition_squared**0.5:.1e}"
    accepted = min(ACCEPTED_MOST, max(ACCEPTED_LEAST, ACCEPTED_PER_COLUMN * len(coef)))
    if normal.loss <= accepted and rss >= UNEXPLAINED * normal.tss:
        return normal.answer(coef, 0.0, rss, f"gram: {condition}", 1)
    if normal.loss <= CORRECTED:
        why = condition if normal.loss > accepted else "little is left unexplained"
        return _corrected(rows, normal, coef, f"corrected: {why}")
    return _error_free(rows, condition, 1, slices=SLICES, intercept=intercept, least=least)


def _gram(rows: Passes, *, intercept: bool) -> Normal | str:
    """One pass: the shifted normal equations, or why there are none."""
    if not intercept:
        return normal_equations(rows.total(partial(_moments, Shifted(None, 0.0))).moments(None, 0.0), intercept=False)
    middles, sums = rows.about(_middles, _is_central, _moments_about)
    return normal_equations(sums.moments(*_centres(middles)), intercept=intercept)


def _moments_about(middles: "Middles") -> Callable[[Block], MomentSums]:
    return partial(_moments, Shifted(*_centres(middles)))


def _moments(shifted: Shifted, block: Block) -> MomentSums:
    with np.errstate(all="ignore"):  # what overflows, or is not finite, shows in the sums
        return MomentSums.of(*shifted.of(block))


def _corrected(rows: Passes, normal: Normal, coef: Floats, path: str) -> Answer:
    """One more pass, about the means, and one step from `coef` with the explicit residual."""
    shifted = Shifted(normal.mean if normal.intercept else None, normal.y_mean)
    found = rows.total(partial(_residuals, shifted, _Moved(coef), _Moved(rounder(normal.scale))))
    x_sum, r_sum = on_host(found.x_sum), float(found.r_sum)
    mean = r_sum / found.n if normal.intercept else 0.0
    gradient = found.gradient - x_sum * mean
    step = normal.solve(gradient)
    offset = mean - float(x_sum @ step) / found.n if normal.intercept else 0.0
    rss = float(float(found.squares) - found.n * mean**2 - step @ gradient)
    return replace(normal, tss=float(found.y_squares)).answer(coef + step, offset, rss, path, 2)


class _Moved:
    """A host vector where the blocks are, copied there once."""

    def __init__(self, values: Floats) -> None:
        self._values, self._there = values, None

    def beside(self, B: Any) -> Any:
        """Where the block is."""
        if self._there is None:
            self._there = like(self._values, B)
        return self._there


def _residuals(shifted: Shifted, weights: _Moved, top: _Moved, block: Block) -> ResidualSums:
    B, T = shifted.of(block)
    return ResidualSums.of(B, T[:, 0] - dot(B, weights.beside(B)), T, top.beside(B))


def _error_free(
    rows: Passes, why: str, passes: int, *, intercept: bool, least: bool, slices: int = UNKNOWN_SLICES
) -> Answer:
    """One pass, or more with more slices each until what is cut off cannot matter."""
    while True:
        passes += 1
        sums, seen = rows.exact(
            partial(_sums_of, slices, intercept),
            partial(_largest, intercept),
            partial(_table, intercept),
            None if rows.rereadable else _rounding,
        )
        gram = ExactGram(sums.n, *sums.gram(), intercept=intercept)
        pivots = independent_columns(gram)
        answer = solve(gram, pivots, f"error-free: {why}", passes)
        # A perturbation of the columns reaches the coefficients times the condition number.
        enough = sums.exact or answer.condition_number * 2.0 ** (2 - BITS * slices) < np.finfo(np.float64).eps
        if enough or slices >= MOST_SLICES or not rows.rereadable:
            break
        slices = min(2 * slices, MOST_SLICES)
    if enough and not clearly_determined(gram, pivots, answer.condition_number):
        rounding = seen or rows.total(_rounding, _rows_to_round)
        determined = determined_columns(gram, pivots, rounding.norms())
        if determined != pivots and rows.rereadable:
            scaled, known = _rows_scaled(rows, sums.slices, rounding, intercept=intercept)
            determined = max(determined, determined_columns(scaled, pivots, known), key=len)
        if determined != pivots:
            answer = solve(gram, determined, f"error-free: {why}", passes)
    if enough and (least or answer.rank == answer.columns):
        return answer
    unknown = np.full_like(answer.coef, np.nan)
    note = "" if enough else f"; {sums.slices * BITS} bits are too few for this condition number"
    return replace(
        answer,
        coef=unknown,
        intercept=np.nan if intercept else 0.0,
        standard_errors=np.full_like(answer.standard_errors, np.nan),
        path=answer.path + note,
    )


def _sums_of(slices: int, intercept: bool, p: int, xp: Any) -> SlicedGram:
    return SlicedGram(p + 1 + intercept, slices, xp)


def _largest(intercept: bool, block: Block) -> Floats:
    if not isinstance(block.X, np.ndarray):
        return largest_of(_table(intercept, block))  # waits once
    ones = [1.0] if intercept else []
    return np.concatenate([ones, largest_of(block.X), largest_of(block.y[:, None])])


def _table(intercept: bool, block: Block) -> Any:
    """[1, X, y], or [X, y] without intercept."""
    xp: Any = np if isinstance(block.X, np.ndarray) else import_module("torch")
    rows, t = (xp.asarray(part, dtype=xp.float64) for part in (block.X, block.y))
    return xp.column_stack([xp.ones_like(t), rows, t] if intercept else [rows, t])


def _rounding(block: Block) -> ColumnRounding:
    return ColumnRounding.of(block.X)


def _rows_to_round(p: int, xp: Any) -> int:
    """The host does it: of a device's rows as many as possible are fetched at a time."""
    return block_rows(p) if xp is np else device_rows(p, MOST_DEVICE_BYTES * SHARE)


def _rows_scaled(rows: Passes, slices: int, rounding: ColumnRounding, *, intercept: bool) -> tuple[ExactGram, Floats]:
    """One pass over rows scaled to alike sizes: their Gram matrix, and how far their columns are known.

    A wild row must not decide for the others what is only rounding.
    """
    scale = partial(_scaled, intercept, rounding.norms())
    sums, again = rows.exact(
        partial(_host_sums, slices, intercept),
        partial(_largest_scaled, scale),
        scale,
        partial(_rounding_scaled, intercept, scale),
    )
    assert again is not None  # noqa: S101  # it was asked for
    return ExactGram(sums.n, *sums.gram(), intercept=intercept), again.norms(rounding.single)


def _host_sums(slices: int, intercept: bool, p: int, xp: Any) -> SlicedGram:
    del xp
    return SlicedGram(p + 1 + intercept, slices)


def _scaled(intercept: bool, norms: Floats, block: Block) -> Floats:
    rows = np.asarray(_host(block.X), dtype=np.float64)
    scales = row_scales(rows, norms)
    lifted = rows * scales[:, None]
    return np.column_stack([scales, lifted, scales] if intercept else [lifted, scales])


def _largest_scaled(scale: Callable[[Block], Floats], block: Block) -> Floats:
    return largest_of(scale(block))


def _rounding_scaled(intercept: bool, scale: Callable[[Block], Floats], block: Block) -> ColumnRounding:
    return ColumnRounding.of(scale(block)[:, int(intercept) : -1])


class Middles(NamedTuple):
    """Medians of a sample of the rows, since one wild row must not decide: x (p,) and y; near: whether all x are 0."""

    x: Floats
    y: float
    near: bool


def _middles(sample: Chunk) -> Middles:
    """Of rows; x is `near` 0 if each is within NEAR of it.

    The spread is 1.4826 times the median deviation (Rousseeuw & Croux 1993, JASA 88: the standard deviation of a normal
    column).
    """
    rows, t = (np.asarray(_host(part[:SAMPLE_ROWS]), dtype=np.float64) for part in map(array, sample))
    with np.errstate(all="ignore"):  # data that are not finite show in the sums
        middle = np.median(rows, axis=0)
        spread = 1.4826 * np.median(np.abs(rows - middle), axis=0)
        return Middles(middle, float(np.median(t)), bool((np.abs(middle) <= NEAR * spread).all()))


def _centres(middles: Middles) -> tuple[Floats | None, float]:
    """The shift of X, none where every middle is NEAR 0, which saves a copy; and that of y."""
    return (None if middles.near else middles.x), middles.y


def _is_central(middles: Middles, spread: Chunk) -> bool:
    """Whether they are in the middle of rows from all over the data, too: a trend takes the first rows far from it."""
    X, y = (np.asarray(_host(part[:SAMPLE_ROWS]), dtype=np.float64) for part in map(array, spread))
    with np.errstate(all="ignore"):
        rows, at = np.column_stack([X, y]), np.append(middles.x, middles.y)
        return bool((np.abs(rows.mean(axis=0) - at) <= CENTRAL * rows.std(axis=0)).all())


def _host(values: Any) -> Any:
    return values if isinstance(values, np.ndarray) else values.cpu()
