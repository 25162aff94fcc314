"""The least-squares solution and its statistics from an exact Gram matrix, each rounded once to float64."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from harness.verify.balls import Balls, Undecided, precision
from harness.verify.exact_flint import Rationals
from harness.verify.gram import IntegerGram, Integers, eliminated
from harness.verify.rounding import nearest, nearest_root

RATIONAL_COLUMNS = 20
"""Up to so many columns fractions are quick (measured: 11 columns 3 ms, 40 columns 0.7 s); beyond, balls."""
PRECISIONS = (192, 384, 768, 1536, 3072, 6144)
"""Bits of the balls, in turn, until every number has one nearest float64; then fractions have to do."""


@dataclass(frozen=True)
class Quantities:
    """The numbers before rounding, as fractions or balls: what is None does not exist.

    `coef`: intercept first; the minimum-norm ones where the rank is short, and `alternative` those whose
    slopes alone have minimum norm. `rss`: residual sum of squares. `variances`: squared standard errors.
    `variance`: rss / (n - k).
    """

    rank: int
    coef: list[Any]
    rss: Any
    variances: list[Any] | None = None
    variance: Any = None
    r_squared: Any = None
    alternative: list[Any] | None = None


@dataclass(frozen=True)
class Solution:
    """Quantities as float64, each the nearest to the exact value; `mse` is rss / n, or over the sum of the weights."""

    rank: int
    coef: tuple[float, ...]
    mse: float
    standard_errors: tuple[float, ...] | None = None
    residual_sd: float | None = None
    r_squared: float | None = None
    alternative: tuple[float, ...] | None = None


def least_squares(gram: IntegerGram) -> Solution:
    """The solution of min |A b - y|² and its statistics, correctly rounded.

    The normal equations A'A b = A'y are exact here, so that squaring the condition number costs nothing.
    """
    if gram.columns > RATIONAL_COLUMNS:
        for bits in PRECISIONS:
            with precision(bits), suppress(Undecided):
                return rounded(quantities(gram, Balls()), gram.total, Balls())
    return rounded(quantities(gram, Rationals()), gram.total, Rationals())


def quantities(gram: IntegerGram, arithmetic: Any) -> Quantities:
    """Every quantity in the arithmetic's numbers (Rationals or Balls)."""
    number = arithmetic.number
    pivots = arithmetic.independent(gram.values, gram.n)
    basis = [j for j in pivots if j < gram.columns]
    full = len(basis) == gram.columns
    if full:
        scaled = arithmetic.solve(gram.normal, gram.right)
        coef = [b * number(gram.y_unit / unit) for b, unit in zip(scaled, gram.units, strict=False)]
        alternative = None
    else:
        coef, alternative = _minimum_norms(gram, basis, arithmetic)
    # y is a combination of the columns exactly where it adds nothing to their rank
    rss = number(0) if len(basis) == len(pivots) else _residual(gram, coef, arithmetic)
    if not full or gram.n <= gram.columns:
        return Quantities(len(basis), coef, rss, alternative=alternative)
    variance = rss / number(gram.n - gram.columns)
    diagonal = arithmetic.inverse_diagonal(gram.normal)
    variances = [variance * d / number(unit**2) for d, unit in zip(diagonal, gram.units, strict=False)]
    null = gram.null_square * gram.y_unit**2
    return Quantities(len(basis), coef, rss, variances, variance, number(1) - rss / number(null) if null else None)


def _residual(gram: IntegerGram, coef: Sequence[Any], arithmetic: Any) -> Any:
    """The residual sum of squares y'y - b'A'y, for any b that solves the normal equations."""
    units = [unit * gram.y_unit for unit in gram.units]
    right = [arithmetic.number(value * unit) for value, unit in zip(gram.right, units, strict=False)]
    explained = sum((b * value for b, value in zip(coef, right, strict=True)), arithmetic.number(0))
    return arithmetic.number(gram.values[-1][-1] * gram.y_unit**2) - explained


def _minimum_norms(gram: IntegerGram, basis: list[int], arithmetic: Any) -> tuple[list[Any], list[Any] | None]:
    """The solution of least norm over all entries (A+ y), and the one of least norm over the slopes alone.

    Norms compare columns, so that all get the smallest unit. Eliminating the intercept leaves the
    centred columns' normal equations, times n.
    """
    unit = min(gram.units[:-1])
    factors = [int(own / unit) for own in gram.units[:-1]]
    normal = [
        [v * f * g for v, g in zip(row, factors, strict=True)] for row, f in zip(gram.normal, factors, strict=True)
    ]
    right = [value * factor for value, factor in zip(gram.right, factors, strict=True)]
    back = arithmetic.number(gram.y_unit / unit)
    whole = [value * back for value in _minimum_norm(normal, right, basis, arithmetic)]
    if not gram.intercept:
        return whole, None
    ones, sums, total, centred = normal[0][0], normal[0][1:], right[0], eliminated(normal)
    moments = [ones * value - a * total for value, a in zip(right[1:], sums, strict=True)]
    # eliminating the column of ones takes one from the rank
    independent = list(arithmetic.independent(centred, len(basis) - 1))
    slopes = _minimum_norm(centred, moments, independent, arithmetic)
    taken = sum((arithmetic.number(s) * b for s, b in zip(sums, slopes, strict=True)), arithmetic.number(0))
    first = (arithmetic.number(total) - taken) / arithmetic.number(ones)
    return whole, [value * back for value in (first, *slopes)]


def _minimum_norm(normal: Integers, right: list[int], basis: list[int], arithmetic: Any) -> list[Any]:
    """The solution x of M x = r of least norm, M symmetric (k, k) and its columns in `basis` independent.

    x lies in the range of M, so that x = C v with C those columns. Rows of M outside the basis depend
    on those in it, which leaves C' C v = r over the basis: as many equations as the rank.
    """
    if not basis:
        return [arithmetic.number(0)] * len(normal)
    rows = [normal[j] for j in basis]
    columns = [list(column) for column in zip(*rows, strict=True)]
    v = arithmetic.solve(arithmetic.multiply(rows, columns), [right[j] for j in basis])
    zero = arithmetic.number(0)
    return [sum((arithmetic.number(m) * w for m, w in zip(row, v, strict=True)), zero) for row in columns]


def rounded(exact: Quantities, total: Fraction | int, arithmetic: Any) -> Solution:
    """Each quantity as the float64 nearest to it. Raises balls.Undecided if a ball leaves a choice."""

    def value(number: Any, root: bool = False) -> float:
        low, high = arithmetic.bounds(number)
        found = (nearest_root if root else nearest)(low)
        if low != high and found != (nearest_root if root else nearest)(high):
            raise Undecided
        return found

    def several(numbers: list[Any] | None, root: bool = False) -> tuple[float, ...] | None:
        return None if numbers is None else tuple(value(number, root) for number in numbers)

    return Solution(
        rank=exact.rank,
        coef=tuple(value(number) for number in exact.coef),
        mse=value(exact.rss / arithmetic.number(total)),
        standard_errors=several(exact.variances, root=True),
        residual_sd=None if exact.variance is None else value(exact.variance, root=True),
        r_squared=None if exact.r_squared is None else value(exact.r_squared),
        alternative=several(exact.alternative),
    )
