"""The least-squares fit of a rank that is short of the columns: that of the data, or that which float64 resolves.

The loss is the least without one column for each direction that does not count (exact); the coefficients are those of
least norm among all that such a fit allows, as the minimum-norm solutions of an exactly deficient design are.
"""

from math import sqrt
from typing import NamedTuple

import numpy as np

from harness.problems.problem import Floats
from harness.verify.data_rank import DataRank, pivot_columns
from harness.verify.factor import singular, unit_columns
from harness.verify.gram import IntegerGram
from harness.verify.least_squares import Solution, least_squares

RESOLVED_FACTOR = 100.0
"""Over eps sqrt(n k) of the largest singular value of the design with unit columns: what a backward-stable solver can
tell from 0, with room for the modest constants of its bound (Higham 2002, thm 20.3; settle.STABLE_FACTOR)."""


class Resolved(NamedTuple):
    """The best fit of the rank that float64 arithmetic resolves, where that is short of the columns.

    rank: at most the data's; mse: its loss; size: |D b| of its parameters b, D the lengths of the design's columns.
    """

    rank: int
    mse: float
    size: float


def truncated(gram: IntegerGram, rank: DataRank) -> Solution:
    """The solution whose rank is the data's, where that is short of the exact one.

    `coef` (k,), intercept first, has least norm over all entries, `alternative` over the slopes.
    """
    ones = int(gram.intercept)
    dropped = [pivot + ones for pivot in rank.pivots]
    found = least_squares(gram.without(dropped))
    basic = np.zeros(gram.columns)
    basic[[j for j in range(gram.columns) if j not in dropped]] = found.coef
    null = rank.null
    if ones:
        null = np.column_stack([-null @ _means(gram), null])
    whole = tuple(map(float, _shortest(basic, null, null)))
    slopes = tuple(map(float, _shortest(basic, null, null[:, ones:], ones))) if ones else None
    return Solution(rank.rank, whole, found.mse, alternative=slopes)


def _means(gram: IntegerGram) -> Floats:
    n = gram.values[0][0]
    ratio = [
        total * unit / (n * gram.units[0]) for total, unit in zip(gram.values[0][1:-1], gram.units[1:-1], strict=True)
    ]
    return np.array([float(value) for value in ratio])


def _shortest(basic: Floats, null: Floats, counted: Floats, first: int = 0) -> Floats:
    """`basic` (k,) plus the combination of `null` (d, k) that makes its entries from `first` on shortest."""
    weights = np.linalg.lstsq(counted.T, basic[first:])[0]
    return np.asarray(basic - weights @ null)


def resolved_fit(gram: IntegerGram, factor: Floats, rank: DataRank) -> Resolved | None:
    """The best fit of the rank that the data and float64 resolve; None where the data determine every coefficient.

    `factor` (m, k): triangular, of the design.
    """
    if rank.rank == gram.columns:
        return None
    lengths, unit = unit_columns(factor)
    values, vectors = singular(unit)
    if not np.isfinite(values).all():
        return None
    limit = RESOLVED_FACTOR * float(np.finfo(np.float64).eps) * sqrt(gram.n * gram.columns) * values[0]
    low = min(rank.rank, int((values > limit).sum()))
    ones = int(gram.intercept)
    dropped = [pivot + ones for pivot in rank.pivots]
    if low < rank.rank:
        dropped = [pivot + ones for pivot in pivot_columns(vectors[low:][::-1, ones:])]
    found = least_squares(gram.without(dropped))
    kept = [j for j in range(gram.columns) if j not in dropped]
    return Resolved(low, found.mse, float(np.linalg.norm(lengths[kept] * found.coef)))
