"""Rational numbers, and square roots of them, rounded once to the nearest float64."""

from fractions import Fraction
from math import inf, isqrt

ROOT_BITS = 66
"""A root is cut off with so many bits at least, more than float64's 53 and the one that decides a tie."""


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
