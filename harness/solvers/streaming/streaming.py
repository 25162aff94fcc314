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
from typing import Any

import numpy as np

from harness.problems.problem import Floats
from harness.solvers.streaming.answer import Answer
from harness.solvers.streaming.arrays import dot, like, on_host
from harness.solvers.streaming.blocks import Block, Shifted
from harness.solvers.streaming.error_free import KNOWN_SLICES, error_free
from harness.solvers.streaming.middles import Middles
from harness.solvers.streaming.moments import MomentSums
from harness.solvers.streaming.normal import Normal, normal_equations
from harness.solvers.streaming.residuals import ResidualSums, rounder
from harness.solvers.streaming.rows import Passes

ACCEPTED_PER_COLUMN, ACCEPTED_LEAST, ACCEPTED_MOST = 0.75, 1.5, 30.0
"""Of the squared condition number, which in the 1-norm grows with the columns. Measured on 9000 drawn designs of 2
to 20 columns: up to here the Gram matrix alone is at most half a digit behind statsmodels' QR (worst -0.5)."""
CORRECTED = 1e6
"""Of the squared condition number: measured on the same, one step is more than half a digit behind statsmodels' QR
in 0.1 % of them, by 0.9 at most (another QR, scipy's pivoted one, is so in 10 %, by 2.2 at most)."""
UNEXPLAINED = 1e-4
"""Of y's variance: the residual sum of squares by difference keeps 12 digits above it."""


def solved(rows: Passes, *, intercept: bool, least: bool) -> Answer:
    """The least-squares solution of the rows, and how it was got: `given.least_squares` says what an Answer is.

    `least`: without full column rank the coefficients of minimum norm, else NaN.
    """
    if not rows.rereadable:
        return error_free(rows, "the data can be read only once", 0, intercept=intercept, least=least)
    normal = _gram(rows, intercept=intercept)
    if isinstance(normal, str):
        return error_free(rows, normal, 1, intercept=intercept, least=least)
    coef = normal.solve(normal.xy)
    rss = normal.tss - float(coef @ normal.xy)
    condition = f"condition number {normal.condition_squared**0.5:.1e}"
    accepted = min(ACCEPTED_MOST, max(ACCEPTED_LEAST, ACCEPTED_PER_COLUMN * len(coef)))
    if normal.loss <= accepted and rss >= UNEXPLAINED * normal.tss:
        return normal.answer(coef, 0.0, rss, f"gram: {condition}", 1)
    if normal.loss <= CORRECTED:
        why = condition if normal.loss > accepted else "little is left unexplained"
        return _corrected(rows, normal, coef, f"corrected: {why}")
    return error_free(rows, condition, 1, slices=KNOWN_SLICES, intercept=intercept, least=least)


def _gram(rows: Passes, *, intercept: bool) -> Normal | str:
    """One pass: the shifted normal equations, or why there are none."""
    if not intercept:
        return normal_equations(rows.total(partial(_moments, Shifted(None, 0.0))), None, 0.0, intercept=False)
    middles, sums = rows.about(_moments_about)
    return normal_equations(sums, *middles.shifts, intercept=True)


def _moments_about(middles: Middles) -> Callable[[Block], MomentSums]:
    return partial(_moments, Shifted(*middles.shifts))


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
