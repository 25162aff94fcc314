"""The minimum-norm solution of a rank-deficient design, whatever the scales of its columns."""

import numpy as np
from numpy.typing import NDArray

from harness.problems.problem import Floats
from harness.solvers.reference_qr.double_double import DD, UNIT_ROUNDOFF
from harness.solvers.reference_qr.factorisation import RANK_FACTOR, back_substitute, factor, forward_substitute

Exponents = NDArray[np.int64]
LEAST_GAIN = 2.0
"""A column takes another's place in the basis if that shrinks the entries of the table so many times."""


def minimum_norm(R: DD, z: DD, exponents: Exponents) -> tuple[Floats, int]:
    """The shortest b with R D b = z, as float64 b and the power of two that multiplies it.

    R (r, c) is upper trapezoidal of rank r; D holds 2^exponents, the scales that R's columns were freed of.
    With the columns outside a basis P as A_N = A_P F, the basic solution b_P gives b = [I F]' ([I F] [I F]')^-1 b_P
    (Ben-Israel & Greville 2003, Generalized Inverses, sec. 1.6). Exchanges make P a basis with no |F| above 2
    (as Gu & Eisenstat 1996, SIAM J. Sci. Comput. 17, bound theirs): so the scales cannot make [I F] ill-conditioned.
    Of its 32 digits an entry loses as many as it is small beside |y| / |column|, the largest of the columns'.
    """
    r, c = R.hi.shape
    known = DD(np.column_stack([R.hi[:, r:], z.hi]), np.column_stack([R.lo[:, r:], z.lo]))
    table = back_substitute(R[:, :r], known)
    table = _cleared(table, np.append(np.ones(c - r), 0.0))
    order = np.arange(c)
    while True:
        with np.errstate(divide="ignore"):
            gain = np.log2(np.abs(table.hi[:, :-1])) + exponents[order[None, r:]] - exponents[order[:r, None]]
        i, j = np.unravel_index(int(gain.argmax()), gain.shape)
        if gain[i, j] <= np.log2(LEAST_GAIN):
            break
        table = _exchanged(table, int(i), int(j))
        order[[i, r + j]] = order[[r + j, i]]
    right, power = _in_own_units(table[:, -1], exponents[order[:r]])
    b = np.zeros(c)
    b[order] = _shortest(table[:, :-1], right, exponents[order])
    return b, power


def _cleared(table: DD, size: Floats) -> DD:
    """Entries that are rounding beside numbers of this size are 0: the scales might blow them up."""
    noise = np.abs(table.hi) <= RANK_FACTOR * UNIT_ROUNDOFF * table.hi.shape[1] * size
    return DD(np.where(noise, 0.0, table.hi), np.where(noise, 0.0, table.lo))


def _exchanged(table: DD, i: int, j: int) -> DD:
    """Column j in the place of the basis' i: one step of Gauss and Jordan."""
    pivot, column = table[i, [j]], table[:, j]
    row = table[i] / pivot
    taken = column[:, None] * row
    rest = _cleared(table - taken, np.abs(table.hi) + np.abs(taken.hi))
    rest[:, j] = -(column / pivot)
    rest[i] = row
    rest[i, [j]] = DD.of(np.ones(1)) / pivot
    return rest


def _in_own_units(basic: DD, exponents: Exponents) -> tuple[DD, int]:
    """Basic (r,) without the columns' scales, times a power of two, and that power: the largest entry is near 1."""
    sizes = np.frexp(basic.hi)[1] - exponents
    power = int(sizes[basic.hi != 0].max(initial=-(2**14))) if basic.hi.any() else 0
    return DD(np.ldexp(basic.hi, -exponents - power), np.ldexp(basic.lo, -exponents - power)), power


def _shortest(F: DD, right: DD, exponents: Exponents) -> Floats:
    """[I F]' ([I F] [I F]')^-1 right, by the QR factorisation of [I F]'."""
    r = len(right.hi)
    scales = exponents[r:, None] - exponents[None, :r]
    T = DD(np.vstack([np.eye(r), np.ldexp(F.hi.T, scales)]), np.vstack([np.zeros((r, r)), np.ldexp(F.lo.T, scales)]))
    f = factor(T)
    w = forward_substitute(f.R, right[f.pivots][:, None])
    return (f.Q * w[:, 0]).T.sum().hi
