"""A column-pivoted QR factorisation in double-double: modified Gram-Schmidt, each column twice."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.cores.crew import Crew
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
    left, R = DD(A.hi.copy(order="F"), A.lo.copy(order="F")), DD.zeros((c, c))
    Q = DD.zeros((n, min(n, c)), order="F")
    pivots, rank = np.arange(c), 0
    least = RANK_FACTOR * UNIT_ROUNDOFF * c * float(np.sqrt((A.hi**2).sum(axis=0)).max(initial=0.0))
    for k in range(min(n, c) if most is None else most):
        norms = np.sqrt((left.hi[:, k:] ** 2).sum(axis=0))
        best = k + int(norms.argmax())
        if not norms.max() > least:
            break
        for table in (left, R):
            table[:, [k, best]] = table[:, [best, k]]
        pivots[[k, best]] = pivots[[best, k]]
        _orthogonalise(Q, left, R, k, crew)
        _normalise_and_project(Q, left, R, k, crew)
        rank += 1
    return QR(Q[:, :rank], R[:rank], pivots, rank)


def _orthogonalise(Q: DD, left: DD, R: DD, k: int, crew: Crew) -> None:
    """The second pass over column k: what rounding left of the earlier directions in it."""
    if not k:
        return
    column, before, again = left[:, k], Q[:, :k], DD.zeros(k)
    for j, part in crew.results(lambda j: (before[:, j] * column).sum(), range(k)):
        again[j] = part
    slices = [slice(start, start + SHARED_ROWS) for start in range(0, len(column.hi), SHARED_ROWS)]
    for rows, less in crew.results(lambda rows: column[rows] - (before[rows] * again).T.sum(), slices):
        left[rows, k] = less
    R[:k, k] = R[:k, k] + again


def _normalise_and_project(Q: DD, left: DD, R: DD, k: int, crew: Crew) -> None:
    """Column k becomes a direction, and is taken out of the columns after it."""
    column = left[:, k]
    norm = (column * column).sum().sqrt()
    q = column / norm
    Q[:, k], R[k, k] = q, norm

    def projected(j: int) -> tuple[DD, DD]:
        part = (q * left[:, j]).sum()
        return part, left[:, j] - q * part

    for j, (part, other) in crew.results(projected, range(k + 1, left.hi.shape[1])):
        left[:, j], R[k, j] = other, part


def back_substitute(R: DD, right: DD) -> DD:
    """Solve R x = right for x (r, m): upper triangular R (r, r), right (r, m)."""
    x = DD.zeros(right.hi.shape)
    for k in range(len(R.hi) - 1, -1, -1):
        x[k] = (right[k] - (R[k, k + 1 :, None] * x[k + 1 :]).sum()) / R[k, k]
    return x


def forward_substitute(R: DD, right: DD) -> DD:
    """Solve R' x = right for x (r, m): the same from the other end."""
    return back_substitute(R.T[::-1, ::-1], right[::-1])[::-1]


def identity(r: int) -> DD:
    """(r, r)."""
    return DD.of(np.eye(r))


def project(Q: DD, y: DD) -> tuple[DD, DD]:
    """Q'y by modified Gram-Schmidt, and what is left of y: one direction at a time (Bjorck 1967)."""
    z, rest = DD.zeros(Q.hi.shape[1]), y
    for j in range(len(z.hi)):
        part = (Q[:, j] * rest).sum()
        rest = rest - Q[:, j] * part
        z[j] = part
    return z, rest
