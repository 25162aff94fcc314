"""Rational numbers, and square roots of them, rounded once to the nearest float64; what only rounding leaves."""

from fractions import Fraction
from math import inf, isqrt

import numpy as np

from harness.problems.problem import Floats

ROOT_BITS = 66
"""A root is cut off with so many bits at least, more than float64's 53 and the one that decides a tie."""
NOISE_FREE_ULPS = 8
"""y is noise-free if its best fit leaves only rounding: |r| <= 8 eps |y| (a few roundings of y itself)."""


def nearest(value: Fraction) -> float:
    """The nearest float64, ties to even; infinite beyond the largest."""
    try:
        return value.numerator / value.denominator  # Python's division of integers is correctly rounded
    except OverflowError:
        return inf if value > 0 else -inf


def nearest_root(square: Fraction) -> float:
    """The float64 nearest to the square root of a fraction; a negative one counts as 0.

    The root's bits are cut off by an integer square root; if anything was cut off, one more bit says
    so, which keeps the cut value on the right side of every float64 and of every tie.
    """
    if square <= 0:
        return 0.0
    short = square.denominator.bit_length() - square.numerator.bit_length()
    half = max(0, ROOT_BITS + (short + 1) // 2)
    whole, rest = divmod(square.numerator << (2 * half), square.denominator)
    root = isqrt(whole)
    inexact = rest != 0 or root * root != whole
    return nearest(Fraction(2 * root + inexact) / 2 ** (half + 1))


def is_noise_free(mse: float, mean_square: float, y: Floats) -> bool:
    """Whether a least loss is only the rounding of y, whose mean square is given."""
    return mse <= (NOISE_FREE_ULPS * eps_of(y)) ** 2 * mean_square


def eps_of(y: Floats) -> float:
    """The precision that y was rounded to: float32's if every value is one, as in data made by torch."""
    with np.errstate(over="ignore"):
        single = bool(np.all(y == y.astype(np.float32)))
    return float(np.finfo(np.float32 if single else np.float64).eps)
