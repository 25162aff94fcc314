"""A column-pivoted QR factorisation in double-double: modified Gram-Schmidt, each column twice."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.cores.crew import Crew
from harness.problems.problem import Floats
from harness.solvers.reference_qr.double_double import DD, UNIT_ROUNDOFF

SHARED_ROWS = 2**14
"""Of what a thread takes at a time: a millisecond's work, and little memory."""
RANK_FACTOR = 2.0**10
"""Room above the unit roundoff, times columns, below which what is left of a column is rounding."""


@dataclass(frozen=True)
class QR:
    """A[:, pivots] = Q R to 2^-104: Q (n, r) with orthonormal columns, R (r, c) upper trapezoidal, rank r.

    `pivots` (c,): the column that each column of R belongs to.
    """

    Q: DD
    R: DD
    pivots: NDArray[np.int64]
    rank: int


def factor(A: DD, most: int | None = None, crew: Crew | None = None) -> QR:
    """QR of A (n, c) with its columns scaled to a largest entry of about 1.

    Modified Gram-Schmidt with reorthogonalisation ("twice is enough": Giraud, Langou & Rozloznik 2005),
    pivoting on the largest column left (Businger & Golub 1965). The rank is where what is left of every
    column is below 2^-94 times the columns: far below float64's rounding, so that a design that is dependent
    only to float64 keeps its rank, and one that is dependent exactly does not. It is at most `most`: what
    is left of the other columns is then cut off. `crew`: who shares the columns, the calling thread alone if None;
    each column's sums are the same whoever has it.
    """
    crew = crew or Crew(1)
    n, c = A.hi.shape
    hi, lo = A.hi.copy(order="F"), A.lo.copy(order="F")
    r_hi, r_lo = np.zeros((c, c)), np.zeros((c, c))
    q_hi, q_lo = np.zeros((n, min(n, c)), order="F"), np.zeros((n, min(n, c)), order="F")
    pivots, rank = np.arange(c), 0
    least = RANK_FACTOR * UNIT_ROUNDOFF * c * float(np.sqrt((A.hi**2).sum(axis=0)).max(initial=0.0))
    for k in range(min(n, c) if most is None else most):
        norms = np.sqrt((hi[:, k:] ** 2).sum(axis=0))
        best = k + int(norms.argmax())
        if not norms.max() > least:
            break
        for table in (hi, lo, r_hi, r_lo):
            table[:, [k, best]] = table[:, [best, k]]
        pivots[[k, best]] = pivots[[best, k]]
        _orthogonalise(DD(q_hi[:, :k], q_lo[:, :k]), (hi, lo), (r_hi, r_lo), k, crew)
        _normalise_and_project((hi, lo), (q_hi, q_lo), (r_hi, r_lo), k, crew)
        rank += 1
    return QR(DD(q_hi[:, :rank], q_lo[:, :rank]), DD(r_hi[:rank], r_lo[:rank]), pivots, rank)


Table = tuple[Floats, Floats]


def _orthogonalise(Q: DD, rest: Table, R: Table, k: int, crew: Crew) -> None:
    """The second pass over column k: what rounding left of the earlier directions in it."""
    if not k:
        return
    column = DD(rest[0][:, k], rest[1][:, k])
    again = DD(np.empty(k), np.empty(k))
    for j, part in crew.results(lambda j: (Q[:, j] * column).sum(), range(k)):
        again.hi[j], again.lo[j] = part.hi, part.lo
    slices = [slice(start, start + SHARED_ROWS) for start in range(0, len(column.hi), SHARED_ROWS)]
    for rows, less in crew.results(lambda rows: column[rows] - _row_sums(Q[rows], again), slices):
        rest[0][rows, k], rest[1][rows, k] = less.hi, less.lo
    total = DD(R[0][:k, k], R[1][:k, k]) + again
    R[0][:k, k], R[1][:k, k] = total.hi, total.lo


def _normalise_and_project(rest: Table, Q: Table, R: Table, k: int, crew: Crew) -> None:
    """Column k becomes a direction, and is taken out of the columns after it."""
    column = DD(rest[0][:, k], rest[1][:, k])
    norm = (column * column).sum().sqrt()
    q = column / DD(np.broadcast_to(norm.hi, column.hi.shape), np.broadcast_to(norm.lo, column.hi.shape))
    Q[0][:, k], Q[1][:, k] = q.hi, q.lo
    R[0][k, k], R[1][k, k] = norm.hi, norm.lo

    def projected(j: int) -> tuple[DD, DD]:
        other = DD(rest[0][:, j], rest[1][:, j])
        part = (q * other).sum()
        return part, other - q * part

    for j, (part, other) in crew.results(projected, range(k + 1, rest[0].shape[1])):
        rest[0][:, j], rest[1][:, j] = other.hi, other.lo
        R[0][k, j], R[1][k, j] = part.hi, part.lo


def _row_sums(Q: DD, v: DD) -> DD:
    """Q v: (n, k), (k,) -> (n,)."""
    scaled = Q * v
    return DD(scaled.hi.T, scaled.lo.T).sum()


def back_substitute(R: DD, right: DD) -> DD:
    """Solve R x = right for x (r, m): upper triangular R (r, r), right (r, m)."""
    x_hi, x_lo = np.zeros_like(right.hi), np.zeros_like(right.lo)
    for k in range(len(R.hi) - 1, -1, -1):
        known = DD(x_hi[k + 1 :], x_lo[k + 1 :])
        row = DD(R.hi[k, k + 1 :, None], R.lo[k, k + 1 :, None])
        x = (right[k] - (row * known).sum()) / R[k, k]
        x_hi[k], x_lo[k] = x.hi, x.lo
    return DD(x_hi, x_lo)


def forward_substitute(R: DD, right: DD) -> DD:
    """Solve R' x = right for x (r, m): the same from the other end."""
    flipped = DD(R.hi.T[::-1, ::-1], R.lo.T[::-1, ::-1])
    return back_substitute(flipped, right[::-1])[::-1]


def identity(r: int) -> DD:
    """(r, r)."""
    return DD.of(np.eye(r))


def project(Q: DD, y: DD) -> tuple[DD, DD]:
    """Q'y by modified Gram-Schmidt, and what is left of y: one direction at a time (Bjorck 1967)."""
    k = Q.hi.shape[1]
    z_hi, z_lo = np.zeros(k), np.zeros(k)
    rest = y
    for j in range(k):
        part = (Q[:, j] * rest).sum()
        rest = rest - Q[:, j] * part
        z_hi[j], z_lo[j] = part.hi, part.lo
    return DD(z_hi, z_lo), rest
