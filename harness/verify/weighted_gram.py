"""Inner products of weighted float64 columns as exact integers: sum w x_i x_j."""

from fractions import Fraction

import numpy as np

from harness.problems.problem import Floats
from harness.verify.gram import IntegerGram, exact_gram

SPLITTER = 2.0**27 + 1
"""Veltkamp's, for the 53 bits of float64 (Dekker 1971, Numer. Math. 18)."""
LARGEST_EXPONENT = 900
"""Products of numbers and weights between 2^-900 and 2^900 lose nothing to under- or overflow in `two_products`."""


def weighted_gram(X: Floats, y: Floats, weights: Floats, *, intercept: bool) -> IntegerGram:
    """The Gram matrix of [1, X, y] ([X, y] without intercept) over rows of `weights` (n,) above 0, exactly.

    Each product w x is the sum of two float64, so that sum w x_i x_j is two unweighted inner products (`exact_gram`).
    Raises ValueError for numbers that are not finite, or too large or small times their weight.
    """
    table = np.column_stack([*[np.ones(len(y))] * intercept, X, y])
    high, low = two_products(weights[:, None], table)
    columns = table.shape[1]
    ones = np.ones(len(y))
    plain = exact_gram(np.column_stack([table, high, low]), ones, intercept=False)
    sides = [plain.units[columns : 2 * columns], plain.units[2 * columns : 3 * columns]]
    ratios = [[side / unit for side, unit in zip(own, plain.units, strict=False)] for own in sides]
    # Units of columns are squared in products: the common one must be a square.
    common = min(*ratios[0], *ratios[1])
    half = Fraction(2) ** ((common.numerator.bit_length() - common.denominator.bit_length()) // 2)
    factors = [[int(ratio / half**2) for ratio in own] for own in ratios]
    values = [
        [
            plain.values[i][columns + j] * factors[0][j] + plain.values[i][2 * columns + j] * factors[1][j]
            for j in range(columns)
        ]
        for i in range(columns)
    ]
    units = tuple(unit * half for unit in plain.units[:columns])
    summed = exact_gram(weights[:, None], ones, intercept=False)
    total = summed.right[0] * summed.units[0] * summed.units[1]
    return IntegerGram(values, units, len(y), intercept, total)


def two_products(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """High and low with high + low = a b exactly, of arrays that broadcast (Dekker 1971).

    Raises ValueError where a product is not finite or its low part could underflow.
    """
    exponents = np.frexp(a)[1] + np.frexp(b)[1]
    used = (a != 0) & (b != 0)
    extreme = np.abs(exponents[used]).max(initial=0), np.abs(np.frexp(b)[1]).max(), np.abs(np.frexp(a)[1]).max()
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise ValueError("an exact reference needs finite data")
    if max(extreme) > LARGEST_EXPONENT:
        raise ValueError(f"weights and data beyond 2^{LARGEST_EXPONENT}: scale them, which changes no solution")
    high = a * b
    (a1, a2), (b1, b2) = _split(a), _split(b)
    return high, ((a1 * b1 - high) + a1 * b2 + a2 * b1) + a2 * b2


def _split(a: Floats) -> tuple[Floats, Floats]:
    scaled = SPLITTER * a
    high = scaled - (scaled - a)
    return high, a - high
