"""The rank of the data: what remains of a design's rank when every entry may move within its own rounding.

A column that is the sum of two others in decimals is not so in float64: each entry is rounded, and the design has full
rank with a condition number of 1e16. Such a rank exists only by rounding. With h_ij half a unit in the last place of
x_ij, the columns are divided by |h_j|, so that the rounding of each has the same size (equal-error scaling: Stewart
1984, "Rank degeneracy", SIAM J. Sci. Stat. Comput. 5; Golub, Klema and Stewart 1976, Stanford STAN-CS-76-559). Any
perturbation within the rounding has then a Frobenius norm of at most sqrt(p), and by Weyl's inequality no design
within it is singular in a direction whose singular value is above that. Directions at or below sqrt(p) do not count.

The singular values come from the exact Gram matrix in high precision, because float64 resolves only those far above
sqrt(p). The column of ones is exact: it is eliminated first and always counts.
"""

from dataclasses import dataclass
from fractions import Fraction
from math import sqrt
from typing import Any

import numpy as np
from flint import acb_mat, arb, arb_mat, ctx, fmpz

from harness.problems.problem import Floats
from harness.verify.balls import ball_of
from harness.verify.factor import singular
from harness.verify.gram import IntegerGram, eliminated, exact_gram
from harness.verify.half_units import half_units, norm, rounding_norms

BITS = 320
"""Of the midpoints: singular values span at most 1e17, their squares 113 bits, and the shift takes 40 more."""
SHIFT = 2.0**-40
"""Added to the Gram matrix for inverse iteration, so that an exactly singular one can be solved; far below 1,
the square of what rounding leaves."""
ITERATIONS = 3
"""Each shrinks what a direction above RESOLVED adds to one below sqrt(p) by (p / RESOLVED²), 1e-6 and less."""
RESOLVED = 1e3
"""Times sqrt(p) and the error of float64's own decomposition: above it a singular value needs no high precision."""
UNLIKE_ROWS = 256.0
"""Rows whose rounding in a null direction differs by more than this factor are scaled before it is judged."""


@dataclass(frozen=True)
class DataRank:
    """The rank of the data.

    rank counts the intercept; margin: the singular value of the last direction over sqrt(p), the least that counts
    where all do (above 1), else the largest that does not (at most 1; 0 where it is an exact dependence).
    null (d, p): the directions of X that do not count, as combinations of the columns in their own units, the least
    certain first. pivots (d,): a column of X for each of them without which the others are independent.
    """

    rank: int
    margin: float
    null: Floats
    pivots: tuple[int, ...]


def data_rank(X: Floats, gram: IntegerGram, factor: Floats, exact: int) -> DataRank:
    """The rank of the data X (n, p).

    `gram`: the exact Gram matrix of [1, X, y], or [X, y] without intercept; `factor`: its triangular factor in float64;
    `exact`: the exact rank of the float64 design, which the data's rank cannot exceed.
    """
    ones, p = int(gram.intercept), X.shape[1]
    if exact == ones:  # no column but the intercept's, or only constant ones
        return DataRank(exact, 0.0 if p else float("inf"), np.eye(p), tuple(range(p)))
    norms, values, vectors = _spectrum(X, factor[ones:, ones:])
    resolved = int((values > _resolution(values, p)).sum())
    if resolved == exact - ones:
        margin = 0.0 if exact < p + ones else float(values[-1] / np.sqrt(p))
        return DataRank(exact, margin, *_null(vectors[resolved:], norms))
    with ctx.workprec(BITS):
        small, directions = _smallest(scaled_cross(gram, norms), vectors[resolved:])
        rows = _row_scales(X, directions[small <= np.sqrt(p)] / norms)
        if rows is not None:
            lifted = X * rows[:, None]
            scaled = exact_gram(np.column_stack([rows, lifted]) if ones else lifted, rows, intercept=False)
            units = np.array([norm(half_units(column) * rows) or 1.0 for column in X.T])
            again, turned = _smallest(scaled_cross(scaled, units, ones), directions * (units / norms))
            small, directions = again, turned * (norms / units)
    dropped = small <= np.sqrt(p)
    margin = (small[dropped].max() if dropped.any() else small.min()) / np.sqrt(p)
    return DataRank(ones + p - int(dropped.sum()), float(margin), *_null(directions[dropped], norms))


def resolved_margin(X: Floats, factor: Floats) -> float | None:
    """The margin of data X (n, p) of full rank; None where float64 by itself cannot tell it.

    `factor` (p, p): triangular, of X, or of its columns about their means where there is an intercept.
    """
    _, values, _ = _spectrum(X, factor)
    clear = bool(len(values)) and bool((values > _resolution(values, len(values))).all())
    return float(values[-1] / np.sqrt(len(values))) if clear else None


def _spectrum(X: Floats, factor: Floats) -> tuple[Floats, Floats, Floats]:
    """The rounding norms of X; singular values (p,) and right singular vectors (p, p) by row of `factor` over them."""
    norms = rounding_norms(X)
    norms[norms == 0] = 1.0  # a column of zeros: its length is 0 in any unit
    with np.errstate(all="ignore"):
        return norms, *singular(factor / norms, overflown=0.0)  # then nothing is resolved


def _resolution(values: Floats, p: int) -> float:
    """What float64 tells from sqrt(p): RESOLVED times it and p eps times the largest (Higham 2002, thm 19.4)."""
    rounding = p * float(np.finfo(np.float64).eps) * float(values.max(initial=0.0))
    return RESOLVED * max(sqrt(p), rounding)


def scaled_cross(gram: IntegerGram, norms: Floats, eliminate: int | None = None) -> Any:
    """The (p, p) cross products of X's columns over `norms`, the column of ones eliminated exactly, in high precision.

    `eliminate` 1: of a Gram matrix without intercept whose first column stands in for the ones.
    """
    first = int(gram.intercept) if eliminate is None else eliminate
    cross, divisor = (eliminated(gram.normal), gram.normal[0][0]) if first else (gram.normal, 1)
    factors = [ball_of(unit / Fraction(float(norm))) for unit, norm in zip(gram.units[first:-1], norms, strict=True)]
    return arb_mat(
        [
            [(arb(fmpz(v)) * f * g / divisor).mid() for v, g in zip(row, factors, strict=True)]
            for row, f in zip(cross, factors, strict=True)
        ]
    )


def _smallest(cross: Any, start: Floats) -> tuple[Floats, Floats]:
    """The smallest singular values (d,), descending, and their vectors (d, p), from approximate ones `start` (d, p).

    `cross` is the matrix's square. Inverse subspace iteration, then Rayleigh and Ritz (Parlett 1980, ch. 14).
    """
    p, d = cross.nrows(), len(start)
    shifted = arb_mat([[cross[i, j] + (SHIFT if i == j else 0) for j in range(p)] for i in range(p)])
    basis = arb_mat([[arb(float(start[j, i])) for j in range(d)] for i in range(p)])
    for _ in range(ITERATIONS):
        basis = _orthonormal(shifted.solve(basis, algorithm="approx"))
    ritz = _middle(basis.transpose() * cross * basis)
    values, turns = acb_mat(ritz).eig(right=True, algorithm="approx") if d > 1 else ([acb_mat(ritz)[0, 0]], None)
    squares = np.array([float(value.real.mid()) for value in values])
    order = np.argsort(-squares)
    vectors = (
        basis if turns is None else basis * arb_mat([[turns[i, int(j)].real.mid() for j in order] for i in range(d)])
    )
    found = np.array([[float(vectors[i, j].mid()) for i in range(p)] for j in range(d)])
    return np.sqrt(np.maximum(squares[order], 0.0)), found


def _orthonormal(matrix: Any) -> Any:
    """Modified Gram-Schmidt, twice, on the columns."""
    columns = [[matrix[i, j].mid() for i in range(matrix.nrows())] for j in range(matrix.ncols())]
    done: list[list[Any]] = []
    for column in columns:
        rest = column
        for _ in range(2):
            for other in done:
                along = sum((a * b for a, b in zip(other, rest, strict=True)), arb(0))
                rest = [(a - along * b).mid() for a, b in zip(rest, other, strict=True)]
            length = sum((a * a for a in rest), arb(0)).sqrt()
            rest = [(a / length).mid() for a in rest]
        done.append(rest)
    return arb_mat([list(row) for row in zip(*done, strict=True)])


def _middle(matrix: Any) -> Any:
    return arb_mat([[matrix[i, j].mid() for j in range(matrix.ncols())] for i in range(matrix.nrows())])


def _row_scales(X: Floats, null: Floats) -> Floats | None:
    """A power of two (n,), at least 1, for each row, after which rounding has the same size in all; None where it has.

    A row with an outlier would else hide that the others vary: its rounding alone is the column's. Scaling rows by
    powers of two is exact and leaves a dependence what it is.
    """
    if not len(null):
        return None
    size = np.zeros(len(X))
    for direction in null:
        own = np.zeros(len(X))
        for column, weight in zip(X.T, direction, strict=True):
            own += half_units(column) * abs(weight)
        size = np.maximum(size, own / (own.max() or 1.0))
    positive = size[size > 0]
    if not len(positive) or positive.max() <= UNLIKE_ROWS * positive.min():
        return None
    size = np.where(size > 0, size, positive.min())
    return np.asarray(np.ldexp(1.0, -np.rint(np.log2(size / size.max())).astype(int)))


def _null(directions: Floats, norms: Floats) -> tuple[Floats, tuple[int, ...]]:
    """The directions over `norms`, the smallest singular value first, and a pivot column for each."""
    ordered = directions[::-1]
    return ordered / norms, pivot_columns(ordered)


def pivot_columns(directions: Floats) -> tuple[int, ...]:
    """A column for each direction (d, p), in turn the one with most of what the columns before left of it."""
    rest = directions.copy()
    pivots: list[int] = []
    for i, row in enumerate(rest):
        candidates = np.abs(row)
        candidates[pivots] = -1.0
        pivots.append(int(np.argmax(candidates)))
        rest[i + 1 :] -= np.outer(rest[i + 1 :, pivots[-1]] / row[pivots[-1]], row)
    return tuple(pivots)
