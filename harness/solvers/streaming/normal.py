"""The normal equations of centred and scaled columns in float64, and the seminormal correction."""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import lapack

from harness.problems.problem import Floats
from harness.solvers.streaming.answer import Answer
from harness.solvers.streaming.arrays import on_host
from harness.solvers.streaming.moments import MomentSums

LEAST_SQUARE = 2.0**-970
"""A mean square below this is a sum of squares near 2^-1022, where they underflow: 2^-52 of it is lost at most."""


@dataclass(frozen=True)
class Normal:
    """C w = g for centred columns: C = D M D with unit diagonal M, factored as M = R'R.

    mean (p,) and y_mean are exact to rounding; `kept` is the least share of a column's, or y's, second moment
    about its shift that is left about its mean: a small one means that the shift was a bad guess.
    """

    n: int
    intercept: bool
    mean: Floats
    y_mean: float
    scale: Floats
    factor: Floats
    xy: Floats
    tss: float
    condition_squared: float
    kept: float

    @property
    def loss(self) -> float:
        """The factor by which rounding in the Gram matrix is amplified: its condition number, over what is kept."""
        return self.condition_squared / self.kept

    def solve(self, right: Floats) -> Floats:
        """C^-1 right."""
        solved, _ = lapack.dpotrs(self.factor, right / self.scale, lower=0)
        return np.asarray(solved) / self.scale

    def answer(self, coef: Floats, offset: float, unexplained: float, path: str, passes: int) -> Answer:
        """The Answer of slopes `coef`, with a + (x - mean)'w as the fit and a = y_mean + offset."""
        rss = max(0.0, unexplained)
        k = len(coef) + self.intercept
        inverse, _ = lapack.dpotri(self.factor, lower=0)
        roots = np.sqrt(np.diag(inverse)) / self.scale  # of shares of the variance, which would underflow sooner
        if self.intercept:
            roots = np.append(np.sqrt(1 / self.n + self.solve(self.mean) @ self.mean), roots)
        residual_sd = float(np.sqrt(rss / (self.n - k))) if self.n > k else float("nan")
        return Answer(
            n=self.n,
            coef=coef,
            intercept=float(self.y_mean + offset - self.mean @ coef) if self.intercept else 0.0,
            standard_errors=roots * residual_sd,
            residual_sd=residual_sd,
            rss=rss,
            r_squared=1.0 - rss / self.tss if self.tss > 0 else float("nan"),
            rank=k,
            columns=k,
            condition_number=float(np.sqrt(self.condition_squared)),
            path=path,
            passes=passes,
        )


def normal_equations(sums: MomentSums, shift: Floats | None, y_shift: float, *, intercept: bool) -> Normal | str:
    """The factored normal equations, or why float64 cannot form and factor them.

    `sums` are of rows less `shift` (p,), None for none, and `y_shift`.
    """
    n, raw, x_sum, yy, y_sum = sums.n, on_host(sums.gram), on_host(sums.x_sum), float(sums.yy), float(sums.y_sum)
    gram, xy, tss = raw, on_host(sums.xy), yy
    with np.errstate(all="ignore"):  # what overflows comes out as not finite
        if intercept:
            gram = gram - np.outer(x_sum, x_sum) / n
            xy = xy - x_sum * (y_sum / n)
            tss = tss - y_sum * y_sum / n
        squares = np.append(np.diag(gram), tss)
        if not (np.isfinite(gram).all() and np.isfinite(xy).all() and np.isfinite(tss)):
            return "the squares overflow"
        if squares.min() < LEAST_SQUARE * n:
            return f"{'y' if tss == squares.min() else 'a column'} does not vary, or its squares underflow"
        scale = np.sqrt(np.diag(gram))
        unit = gram / np.outer(scale, scale)
        kept = squares / np.append(np.diag(raw), yy)
    factor, failed = lapack.dpotrf(unit, lower=0)
    if failed:
        return "the columns are dependent, or nearly so"
    reciprocal, _ = lapack.dpocon(factor, np.abs(unit).sum(axis=0).max(), uplo="U")
    return Normal(
        n=n,
        intercept=intercept,
        mean=(0.0 if shift is None else shift) + x_sum / n if intercept else np.zeros(len(xy)),
        y_mean=y_shift + y_sum / n if intercept else 0.0,
        scale=scale,
        factor=factor,
        xy=xy,
        tss=float(tss),
        condition_squared=float(1 / reciprocal) if reciprocal > 0 else float("inf"),
        kept=float(kept.min()),
    )
