"""Combinations of columns that are constant: exactly in decimals, or but for rounding with short coefficients."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import combinations
from math import comb, floor, sqrt
from typing import Any

import numpy as np
from flint import arb_mat, ctx, fmpq, fmpq_mat, fmpz_mat

from harness.problems.problem import Floats
from harness.verify.balls import midpoint_of
from harness.verify.data_rank import BITS, scaled_cross
from harness.verify.exact_flint import fraction_of
from harness.verify.gram import eliminated, exact_gram
from harness.verify.half_units import half_units, rounding_norms

LARGEST_DENOMINATOR = 1000
"""Of a coefficient that is worth naming: 1.8, 1/3, 2.54 and 0.001 are; besides whole thousandths of a power of ten."""
CUTS = (1.0, 0.1, 0.01, 0.001)
"""The interval that rounding allows a coefficient is a bound; the simplest fraction in it, or in less, is taken."""
BOXES = (1.0, 4.0)
"""How far entries may have to move, in half units in the last place: 1 where the numbers were rounded once, up to 4
where the dependent column was computed in float64 (measured: 61 of 61 sums and products of a few columns)."""
MOST_DECIMALS, MOST_DIGITS = 22, 1e15
"""Of a decimal number that float64 holds (10^22 is the largest exact power; 15 digits survive a round trip)."""
MOST_CIRCUITS = 5000
"""So many subsets of columns are looked through for the sparsest combinations; beyond, the reduced ones have to do."""
Relation = tuple[Fraction, ...]


def in_decimals(table: Floats, wanted: int, *, intercept: bool) -> list[Relation] | None:
    """A basis of the combinations that are exactly constant in decimals; None unless there are as many as `wanted`.

    The shortest decimal of a float64 is the one that was written, up to 15 digits.
    """
    columns = [found for column in table.T if (found := _decimal(column)) is not None]
    if len(columns) < table.shape[1]:
        return None
    whole = np.column_stack([numerators for numerators, _ in columns])
    gram = exact_gram(whole, np.zeros(len(whole)), intercept=intercept)
    kernel, nullity = fmpz_mat(eliminated(gram.normal) if intercept else gram.normal).nullspace()
    if nullity != wanted:
        return None
    scales = [
        Fraction(10) ** places / unit for (_, places), unit in zip(columns, gram.units[int(intercept) :], strict=False)
    ]
    return [tuple(int(kernel[j, i]) * scale for j, scale in enumerate(scales)) for i in range(nullity)]


def _decimal(column: Floats) -> tuple[Floats, int] | None:
    """Whole numbers N (n,) and d with N / 10^d the column, rounded to float64; None where 15 digits do not suffice."""
    for places in range(MOST_DECIMALS + 1):
        numerators = np.rint(column * 10.0**places)
        if np.abs(numerators).max() > MOST_DIGITS:
            return None
        if np.array_equal(numerators / 10.0**places, column):
            return numerators, places
    return None


def to_rounding(table: Floats, pivots: Sequence[int], *, intercept: bool) -> list[Relation | None]:
    """For each pivot its combination with the others that is constant but for rounding; None where none is short.

    The pivot is regressed on the columns that are no pivots, exactly. Rounding of size e moves coefficient j by at most
    |e| sqrt((S^-1)_jj), S the other columns' cross products (Cauchy and Schwarz); the simplest fraction in that
    interval is taken if what it leaves is within the rounding of the entries (Oettli and Prager 1964, Numer. Math. 6).
    """
    free = [j for j in range(table.shape[1]) if j not in pivots]
    norms = np.where((found := rounding_norms(table)) == 0, 1.0, found)
    if not free:
        return [_alone(table, pivot) for pivot in pivots]
    with ctx.workprec(BITS):
        gram = exact_gram(table, np.zeros(len(table)), intercept=intercept)
        cross = scaled_cross(gram, norms)
        inner = arb_mat([[cross[i, j] for j in free] for i in free])
        try:
            coefficients = inner.solve(arb_mat([[cross[i, j] for j in pivots] for i in free]))
            spread = [sqrt(max(float(inner.inv()[i, i].mid()), 0.0)) for i in range(len(free))]
        except ZeroDivisionError:  # the columns that are left depend on each other exactly
            return [None] * len(pivots)
        relations = []
        for place, pivot in enumerate(pivots):
            noise = 1.0 + sum(abs(float(coefficients[i, place].mid())) for i in range(len(free)))
            row = {
                j: (
                    -midpoint_of(coefficients[i, place].mid()) * Fraction(norms[pivot]) / Fraction(norms[j]),
                    noise * spread[i] * norms[pivot] / norms[j],
                )
                for i, j in enumerate(free)
            }
            relations.append(_simplest_relation(table, pivot, row, intercept=intercept))
    return relations


def _alone(table: Floats, pivot: int) -> Relation:
    return tuple(Fraction(int(j == pivot)) for j in range(table.shape[1]))


def _simplest_relation(
    table: Floats, pivot: int, row: dict[int, tuple[Fraction, float]], *, intercept: bool
) -> Relation | None:
    for box in BOXES:
        for cut in CUTS:
            relation = list(_alone(table, pivot))
            for j, (centre, width) in row.items():
                relation[j] = simplest(centre - Fraction(cut * width), centre + Fraction(cut * width))
            if not all(map(_short, relation)):
                continue
            low, high = constants(table, relation, box)
            if low <= high and (intercept or low <= 0 <= high):
                return tuple(relation)
    return None


def _short(value: Fraction) -> bool:
    return value.denominator <= LARGEST_DENOMINATOR or (
        abs(value.numerator) < LARGEST_DENOMINATOR and 10**MOST_DECIMALS % value.denominator == 0
    )


def constants(table: Floats, relation: Sequence[Fraction], box: float) -> tuple[Any, Any]:
    """Bounds of the constants that the combination may be if no entry moves by more than `box` half units."""
    total = np.zeros(len(table), dtype=np.longdouble)  # 11 bits more than float64 where it is x86's
    room = np.zeros(len(table), dtype=np.longdouble)
    for column, weight in zip(table.T, relation, strict=True):
        if weight:
            factor = np.longdouble(weight.numerator) / np.longdouble(weight.denominator)
            total += factor * column
            room += abs(factor) * half_units(column)
    return (total - box * room).max(), (total + box * room).min()


def simplest(low: Fraction, high: Fraction) -> Fraction:
    """The fraction of least denominator between two, by continued fractions (Concrete Mathematics, sec. 4.5)."""
    if low <= 0 <= high:
        return Fraction(0)
    if high < 0:
        return -simplest(-high, -low)
    below = floor(low)
    if below == low or below + 1 <= high:
        return Fraction(below if below == low else below + 1)
    return below + 1 / simplest(1 / (high - below), 1 / (low - below))


def sparsest(basis: Sequence[Relation]) -> list[Relation]:
    """A basis of the same combinations with as few columns in each as can be.

    Combinations of least support are the circuits of a matroid: each vanishes on as many columns as the basis has rows,
    less one. Taken greedily, the shortest first, they are the sparsest basis (Coleman and Pothen 1986, SIAM J. Alg.
    Disc. Meth. 7).
    """
    reduced = _reduced(basis)
    if len(basis) == 1 or comb(len(basis[0]), len(basis) - 1) > MOST_CIRCUITS:
        return reduced
    circuits: dict[tuple[int, ...], Relation] = {}
    for zeros in combinations(range(len(basis[0])), len(basis) - 1):
        order = [*zeros, *(j for j in range(len(basis[0])) if j not in zeros)]
        last = _reduced([[row[j] for j in order] for row in reduced])[-1]
        if not any(last[: len(zeros)]):
            back = dict(zip(order, last, strict=True))
            circuit = tuple(back[j] for j in range(len(order)))
            circuits[tuple(j for j, value in enumerate(circuit) if value)] = circuit
    chosen: list[Relation] = []
    for _, circuit in sorted(circuits.items(), key=lambda item: (len(item[0]), item[0])):
        rows = [*chosen, circuit]
        if _matrix(rows).rank() == len(rows):
            chosen = rows
    return chosen if len(chosen) == len(basis) else reduced


def _matrix(rows: Sequence[Sequence[Fraction]]) -> Any:
    return fmpq_mat([[fmpq(v.numerator, v.denominator) for v in row] for row in rows])


def _reduced(rows: Sequence[Sequence[Fraction]]) -> list[Relation]:
    """The reduced echelon form."""
    return [tuple(map(fraction_of, row)) for row in _matrix(rows).rref()[0].tolist()]
