"""Least squares from an exact Gram matrix, in ball arithmetic that proves its digits."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import arb, arb_mat, ctx, fmpz, nmod_mat

from harness.solvers.streaming.answer import Answer
from harness.solvers.streaming.sliced import BigIntegers
from harness.solvers.streaming.slices import Exponents

PRIME = 2**62 - 57
"""The rank modulo a prime is the rank unless the prime divides a minor: here, about one chance in 10^18 a minor.
No Mersenne prime: modulo 2^61 - 1 a column of 1 and 2^61 is a constant one."""
FIRST_BITS = 256
WANTED_BITS = 60
"""More than float64's 53, so that the midpoint rounds to the nearest float or its neighbour."""
MOST_BITS = 2**15


@dataclass(frozen=True)
class ExactGram:
    """The Gram matrix W_ij 2^(e_i + e_j) of a table whose last column is y, and first one 1 with an intercept."""

    n: int
    integers: BigIntegers
    exponents: Exponents
    intercept: bool

    @property
    def columns(self) -> int:
        """Of the design."""
        return len(self.exponents) - 1


def independent_columns(gram: ExactGram) -> list[int]:
    """The first columns of the design that no earlier ones determine; all of them at full rank."""
    c = gram.columns
    reduced, rank = nmod_mat(c, c, [int(v) % PRIME for v in gram.integers[:c, :c].flat], PRIME).rref()
    pivots, column = [], 0
    for row in range(rank):
        while int(reduced[row, column]) == 0:
            column += 1
        pivots.append(column)
    return pivots


def solve(gram: ExactGram, pivots: list[int], path: str, passes: int) -> Answer:
    """The solution over the independent columns `pivots`, to float64; with fewer than all, the one of minimum norm.

    With A = A_P F for F = G_PP^-1 G_P, of full row rank, A^+ y = F' (F F')^-1 G_PP^-1 A_P'y (Ben-Israel &
    Greville 2003, Generalized Inverses, sec. 1.6). The precision is doubled until every ball is narrow enough.
    Raises ArithmeticError where MOST_BITS are not enough.
    """
    bits = FIRST_BITS
    while bits <= MOST_BITS:
        with ctx.workprec(bits):
            try:
                return _solve(gram, pivots, path, passes)
            except (ZeroDivisionError, _TooWideError):
                bits *= 2
    raise ArithmeticError("the Gram matrix cannot be solved to 60 bits")


class _TooWideError(Exception):
    """A ball is too wide to be rounded: more precision is needed."""


def _solve(gram: ExactGram, pivots: list[int], path: str, passes: int) -> Answer:
    c, r = gram.columns, len(pivots)
    G = balls(gram)
    GP = arb_mat(r, r, [G[i, j] for i in pivots for j in pivots])
    right = arb_mat(r, 1, [G[i, c] for i in pivots])
    identity = arb_mat(r, r, [int(i == j) for i in range(r) for j in range(r)])
    inverse = GP.solve(identity)
    basic = inverse * right
    beta = basic
    if r < c:
        F = inverse * arb_mat(r, c, [G[i, j] for i in pivots for j in range(c)])
        beta = F.transpose() * (F * F.transpose()).solve(basic)
    rss = _or_zero(G[c, c] - (right.transpose() * basic)[0, 0], G[c, c])
    total = G[c, c] - (G[0, c] ** 2 / gram.n if gram.intercept else 0)
    sd, *errors = _deviations(rss, [inverse[i, i] for i in range(r)], gram.n - r)
    # A zero coefficient has no relative digits: it is judged on the scale that |y| / |column| gives it.
    scales = [(G[c, c] / G[i, i]).sqrt() if G[i, i] > 0 else arb(1) for i in range(c)]
    solved = np.array([_rounded(beta[i, 0], scales[i]) for i in range(c)])
    first, full = int(gram.intercept), r == c
    condition_number = _condition(GP, inverse, skip=gram.intercept and pivots[0] == 0)
    return Answer(
        n=gram.n,
        coef=solved[first:],
        intercept=float(solved[0]) if first else 0.0,
        standard_errors=np.array(errors) if full else np.full(c, np.nan),
        residual_sd=sd,
        rss=_rounded(rss),
        r_squared=_rounded(1 - rss / total, 1) if total > 0 else float("nan"),
        rank=r,
        columns=c,
        condition_number=condition_number if full else float("inf"),
        path=path,
        passes=passes,
    )


def _deviations(rss: Any, shares: list[Any], df: int) -> list[float]:
    """Standard deviations of the residual and of what has these shares of its variance; NaN without freedom.

    Rounded as roots: of columns around 1e200 a variance underflows in float64 and its root does not.
    """
    return [_rounded((rss / df * share).sqrt()) if df > 0 else float("nan") for share in (1, *shares)]


def balls(gram: ExactGram) -> Any:
    """The Gram matrix (k + 1, k + 1) of the design and y, in their own units."""
    size = range(len(gram.exponents))
    powers = [arb(2) ** int(e) for e in gram.exponents]
    return arb_mat([[arb(fmpz(int(gram.integers[i, j]))) * powers[i] * powers[j] for j in size] for i in size])


def _rounded(ball: Any, against: Any = None) -> float:
    """The ball's float64; 0 if it cannot be told from it on the scale of `against`. Raises _TooWideError."""
    return float(_or_zero(ball, against).mid())


def _or_zero(ball: Any, against: Any = None) -> Any:
    """The ball, narrow enough to be rounded, or 0, as in `_rounded`."""
    if ball.rel_accuracy_bits() >= WANTED_BITS or ball == 0:
        return ball
    if against is not None and abs(ball).upper() < abs(arb(against).mid()) * arb(2) ** (-3 * WANTED_BITS):
        return arb(0)
    raise _TooWideError


def _condition(G: Any, inverse: Any, *, skip: bool) -> float:
    """The condition number of the centred (`skip` the ones) and scaled columns: root of the Gram matrix's, 1-norm."""
    size = G.nrows()
    first = int(skip)
    if size == first:
        return 1.0
    wanted = range(first, size)
    mean = [G[0, i] / G[0, 0] if skip else arb(0) for i in range(size)]
    scale = [(G[i, i] - mean[i] * G[0, i]).sqrt() for i in range(size)]
    norms = (
        _norm1([[(G[i, j] - mean[i] * G[0, j]) / (scale[i] * scale[j]) for i in wanted] for j in wanted]),
        _norm1([[inverse[i, j] * scale[i] * scale[j] for i in wanted] for j in wanted]),
    )
    product = norms[0] * norms[1]
    if not product.is_finite():
        raise _TooWideError
    return float(product.sqrt().mid())


def _norm1(columns: Iterable[Iterable[Any]]) -> Any:
    sums = [sum((abs(v) for v in column), arb(0)) for column in columns]
    return max(sums, key=lambda ball: float(ball.mid()))
