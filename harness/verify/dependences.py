"""Which columns depend on which, in words: "total = a + b", "tf = 1.8 tc + 32".

A direction of the data that does not count (harness.verify.data_rank) is a combination of columns that is constant but
for rounding. Where small whole numbers or short decimals make such a combination, that is what a person meant.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from math import comb, floor, sqrt
from typing import Any

import numpy as np
from flint import arb_mat, ctx, fmpq, fmpq_mat, fmpz_mat

from harness.problems.problem import Floats
from harness.verify.data_rank import BITS, DataRank, half_units, rounding_norms, scaled_cross
from harness.verify.dependence_text import in_words, listed
from harness.verify.gram import exact_gram

SUPPORT = 1.0
"""A column that adds less than this to every null direction, in units of the rounding, is in none of them."""
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


@dataclass(frozen=True)
class Dependence:
    """One combination of columns that is constant.

    text: in words. columns: the features in it. exact: it holds exactly in the decimal numbers that the data were
    written in; else but for rounding. named: `text` is an equation; else it only says which columns depend on others.
    """

    text: str
    columns: tuple[str, ...]
    exact: bool
    named: bool

    @property
    def in_full(self) -> str:
        """The text, and how far it holds: "total = a + b (exact in the decimals)"."""
        return f"{self.text} ({'exact in the decimals' if self.exact else 'to within rounding'})"


def dependences(X: Floats, features: Sequence[str], rank: DataRank, *, intercept: bool) -> tuple[Dependence, ...]:
    """A Dependence for each direction of X (n, p) that does not count, the sparsest that explain them.

    None where there are fewer rows than columns: then columns depend on each other by their number alone.
    """
    if not len(rank.null) or len(X) < len(features) + intercept:
        return ()
    parts = np.abs(rank.null) * np.linalg.norm(X - X.mean(axis=0) * intercept, axis=0)
    size = np.linalg.norm(rank.null * rounding_norms(X), axis=1)
    used = sorted({*rank.pivots, *np.flatnonzero((parts > SUPPORT * size[:, None]).any(axis=0)).tolist()})
    names, table = [features[j] for j in used], X[:, used]
    found = _in_decimals(table, len(rank.null), intercept=intercept)
    if found is not None:
        return tuple(_described(one, names, table, exact=True, intercept=intercept) for one in _sparsest(found))
    relations = _to_rounding(table, [used.index(pivot) for pivot in rank.pivots], intercept=intercept)
    named = [one for one in relations if one is not None]
    if len(named) == len(relations):
        named = _sparsest(named)
    words = [_described(one, names, table, exact=False, intercept=intercept) for one in named]
    if len(named) < len(relations):
        words.append(_unnamed(names, intercept=intercept))
    return tuple(words)


def _in_decimals(table: Floats, wanted: int, *, intercept: bool) -> list[Relation] | None:
    """A basis of the combinations that are exactly constant in decimals; None unless there are as many as `wanted`.

    The shortest decimal of a float64 is the one that was written, up to 15 digits.
    """
    columns = [found for column in table.T if (found := _decimal(column)) is not None]
    if len(columns) < table.shape[1]:
        return None
    whole = np.column_stack([numerators for numerators, _ in columns])
    gram = exact_gram(whole, np.zeros(len(whole)), intercept=intercept)
    cross = [row[int(intercept) :] for row in gram.normal[int(intercept) :]]
    if intercept:
        n, sums = gram.normal[0][0], gram.normal[0][1:]
        cross = [[n * v - a * b for v, b in zip(row, sums, strict=True)] for row, a in zip(cross, sums, strict=True)]
    kernel, nullity = fmpz_mat(cross).nullspace()
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


def _to_rounding(table: Floats, pivots: Sequence[int], *, intercept: bool) -> list[Relation | None]:
    """For each pivot its combination with the others that is constant but for rounding; None where none is short.

    The pivot is regressed on the columns that are no pivots, exactly. Rounding of size e moves coefficient j by at most
    |e| sqrt((S^-1)_jj), S the other columns' cross products (Cauchy and Schwarz); the simplest fraction in that
    interval is taken if what it leaves is within the rounding of the entries (Oettli and Prager 1964, Numer. Math. 6).
    """
    free = [j for j in range(table.shape[1]) if j not in pivots]
    norms = np.where((found := rounding_norms(table)) == 0, 1.0, found)
    if not free:
        return [_constant_alone(table, pivot) for pivot in pivots]
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
                    -_fraction(coefficients[i, place].mid()) * Fraction(norms[pivot]) / Fraction(norms[j]),
                    noise * spread[i] * norms[pivot] / norms[j],
                )
                for i, j in enumerate(free)
            }
            relations.append(_simplest_relation(table, pivot, row, intercept=intercept))
    return relations


def _constant_alone(table: Floats, pivot: int) -> Relation:
    return tuple(Fraction(int(j == pivot)) for j in range(table.shape[1]))


def _simplest_relation(
    table: Floats, pivot: int, row: dict[int, tuple[Fraction, float]], *, intercept: bool
) -> Relation | None:
    for box in BOXES:
        for cut in CUTS:
            relation = [Fraction(int(j == pivot)) for j in range(table.shape[1])]
            for j, (centre, width) in row.items():
                relation[j] = simplest(centre - Fraction(cut * width), centre + Fraction(cut * width))
            if not all(map(_short, relation)):
                continue
            low, high = _constants(table, relation, box)
            if low <= high and (intercept or low <= 0 <= high):
                return tuple(relation)
    return None


def _short(value: Fraction) -> bool:
    return value.denominator <= LARGEST_DENOMINATOR or (
        abs(value.numerator) < LARGEST_DENOMINATOR and 10**MOST_DECIMALS % value.denominator == 0
    )


def _constants(table: Floats, relation: Sequence[Fraction], box: float) -> tuple[Any, Any]:
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


def _sparsest(basis: Sequence[Relation]) -> list[Relation]:
    """A basis of the same combinations with as few columns in each as can be.

    Combinations of least support are the circuits of a matroid: each vanishes on as many columns as the basis has rows,
    less one. Taken greedily, the shortest first, they are the sparsest basis (Coleman and Pothen 1986, SIAM J. Alg.
    Disc. Meth. 7).
    """
    matrix = fmpq_mat(len(basis), len(basis[0]), [fmpq(v.numerator, v.denominator) for row in basis for v in row])
    reduced = _rows(matrix.rref()[0])
    if len(basis) == 1 or comb(len(basis[0]), len(basis) - 1) > MOST_CIRCUITS:
        return reduced
    circuits: dict[tuple[int, ...], Relation] = {}
    for zeros in combinations(range(len(basis[0])), len(basis) - 1):
        order = [*zeros, *(j for j in range(len(basis[0])) if j not in zeros)]
        turned = _rows(
            fmpq_mat(
                len(basis), len(order), [fmpq(r[j].numerator, r[j].denominator) for r in reduced for j in order]
            ).rref()[0]
        )
        if all(value == 0 for value in turned[-1][: len(zeros)]):
            back = dict(zip(order, turned[-1], strict=True))
            circuit = tuple(back[j] for j in range(len(order)))
            circuits[tuple(j for j, value in enumerate(circuit) if value)] = circuit
    chosen: list[Relation] = []
    for _, circuit in sorted(circuits.items(), key=lambda item: (len(item[0]), item[0])):
        rows = [*chosen, circuit]
        if fmpq_mat(len(rows), len(circuit), [fmpq(v.numerator, v.denominator) for r in rows for v in r]).rank() == len(
            rows
        ):
            chosen = rows
    return chosen if len(chosen) == len(basis) else reduced


def _rows(matrix: Any) -> list[Relation]:
    return [tuple(_rational(matrix[i, j]) for j in range(matrix.ncols())) for i in range(matrix.nrows())]


def _rational(value: Any) -> Fraction:
    return Fraction(int(value.p), int(value.q))


def _fraction(value: Any) -> Fraction:
    mantissa, exponent = value.man_exp()
    return int(mantissa) * Fraction(2) ** int(exponent)


def _described(relation: Relation, names: Sequence[str], table: Floats, *, exact: bool, intercept: bool) -> Dependence:
    used = [j for j, value in enumerate(relation) if value]
    constant = _constant(relation, table, exact=exact) if intercept else Fraction(0)
    if constant is None:
        return _unnamed([names[j] for j in used], intercept=intercept)
    text, named = in_words([relation[j] for j in used], [names[j] for j in used], constant)
    return Dependence(text, tuple(names[j] for j in used), exact, named)


def _unnamed(names: Sequence[str], *, intercept: bool) -> Dependence:
    constant = " and a constant" if intercept else ""
    return Dependence(f"{listed(names)}{constant} are dependent", tuple(names), exact=False, named=False)


def _constant(relation: Relation, table: Floats, *, exact: bool) -> Fraction | None:
    """What the combination is: in decimals that of the first row, else the simplest number that rounding allows."""
    if exact:
        return sum((value * Fraction(repr(float(x))) for value, x in zip(relation, table[0], strict=True)), Fraction(0))
    for box in (*BOXES, 2 * BOXES[-1]):
        low, high = _constants(table, relation, box)
        if low <= high:
            return simplest(Fraction(*low.as_integer_ratio()), Fraction(*high.as_integer_ratio()))
    return None
