"""Which columns the data determine: those that remain when every entry may move within its own rounding."""

from math import sqrt
from typing import Any

from flint import arb, ctx

from harness.problems.problem import Floats
from harness.solvers.streaming.exact_gram import ExactGram, balls

RANK_BITS = 320
"""Squares of singular values over the rounding span up to 113 bits; what is left is room for cancellation."""
CLEARLY = 100.0
"""Times sqrt(p): a bound of the smallest singular value above it needs no closer look."""
SINGLE_BITS = 24
"""A column is known to 2^-24 of itself or better: float32's rounding, or float64's."""


def clearly_determined(gram: ExactGram, pivots: list[int], condition_number: float) -> bool:
    """Whether a bound from the condition number, of the centred columns with unit length, says that all count.

    No column is known worse than to 2^-24 of its length |a|, so that its length about the mean |c| is at least
    2^24 |c| / |a| times its rounding, and the smallest singular value that over the condition number.
    """
    first = int(gram.intercept)
    with ctx.workprec(RANK_BITS):
        G = balls(gram)
        shares = [
            float((arb(1) - (G[0, j] ** 2 / (G[0, 0] * G[j, j]) if first else 0)).mid()) for j in pivots if j >= first
        ]
    kept = sqrt(max(min(shares, default=1.0), 0.0))
    return kept * 2.0**SINGLE_BITS > CLEARLY * sqrt(gram.columns) * condition_number


def determined_columns(gram: ExactGram, pivots: list[int], rounding: Floats) -> list[int]:
    """Those of the independent columns `pivots` that remain when entries move within their rounding.

    `rounding` (p,): how far each column of X is known (column_rounding). A direction whose singular value, of the
    centred columns over `rounding`, is at most sqrt(p) is none (harness.verify.data_rank says why): by Sylvester's law
    of inertia as many eigenvalues of the squares lie below p as pivots of an LDL' factorisation of them, less p I, are
    negative. The columns that stay are chosen by Cholesky with complete pivoting.
    """
    first = int(gram.intercept and pivots[:1] == [0])
    slopes = [j for j in pivots if j >= int(gram.intercept)]
    known = [float(rounding[j - int(gram.intercept)]) or 1.0 for j in slopes]
    with ctx.workprec(RANK_BITS):
        G = balls(gram)
        table = [
            [
                (G[i, j] - (G[0, i] * G[0, j] / G[0, 0] if first else 0)).mid() / a / b
                for j, b in zip(slopes, known, strict=True)
            ]
            for i, a in zip(slopes, known, strict=True)
        ]
        limit = gram.columns - int(gram.intercept)
        order = _cholesky_order(table)
        shifted = [[table[i][j] - (limit if i == j else 0) for j in order] for i in order]
        short = _negative_pivots(shifted)
    kept = {slopes[i] for i in order[: len(slopes) - short]}
    return [j for j in pivots if j < int(gram.intercept) or j in kept]


def _cholesky_order(table: list[list[Any]]) -> list[int]:
    """The order in which columns are taken, each the one with most left of it."""
    rest = [row[:] for row in table]
    order: list[int] = []
    left = list(range(len(table)))
    while left:
        best = max(left, key=lambda j: float(rest[j][j].mid()))
        order.append(best)
        left.remove(best)
        if float(rest[best][best].mid()) > 0:
            for i in left:
                share = (rest[i][best] / rest[best][best]).mid()
                for j in left:
                    rest[i][j] = (rest[i][j] - share * rest[best][j]).mid()
    return order


def _negative_pivots(table: list[list[Any]]) -> int:
    """Of an LDL' factorisation without pivoting; the precision is far above what cancels."""
    rest, negative = [row[:] for row in table], 0
    for k in range(len(rest)):
        negative += float(rest[k][k].mid()) < 0
        for i in range(k + 1, len(rest)):
            share = (rest[i][k] / rest[k][k]).mid()
            for j in range(k + 1, len(rest)):
                rest[i][j] = (rest[i][j] - share * rest[k][j]).mid()
    return negative
