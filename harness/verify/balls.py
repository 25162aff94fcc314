"""Linear algebra in ball arithmetic (FLINT's arb): every number comes with a proven bound of its error."""

from contextlib import AbstractContextManager
from fractions import Fraction
from typing import Any

from flint import arb, arb_mat, ctx, fmpq, fmpz_mat

from harness.verify.exact_flint import Rationals
from harness.verify.gram import Integers


class Undecided(Exception):  # noqa: N818  # not an error: the next precision decides
    """The precision did not suffice to say which float64 is nearest."""


def precision(bits: int) -> AbstractContextManager[Any]:
    """Midpoints have so many bits meanwhile; FLINT's setting is the process's."""
    found: AbstractContextManager[Any] = ctx.workprec(bits)
    return found


class Balls(Rationals):
    """Real numbers as a midpoint and a radius, within `precision`; ranks and integer products stay exact.

    Johansson 2017 (IEEE Trans. Comput. 66, 1281-1292) describes the arithmetic. Where a matrix cannot
    be told from a singular one, Undecided is raised.
    """

    def number(self, value: Fraction | int) -> Any:
        """A ball that contains the fraction."""
        return ball_of(value)

    def solve(self, matrix: Integers, right: list[int]) -> Any:
        """Balls that contain the solution of a nonsingular system."""
        try:
            return arb_mat(fmpz_mat(matrix)).solve(arb_mat(fmpz_mat(len(right), 1, right))).entries()
        except ZeroDivisionError:
            raise Undecided from None

    def inverse_diagonal(self, matrix: Integers) -> Any:
        """Balls that contain the diagonal of a nonsingular matrix's inverse."""
        try:
            inverse = arb_mat(fmpz_mat(matrix)).inv()
        except ZeroDivisionError:
            raise Undecided from None
        return [inverse[i, i] for i in range(len(matrix))]

    def bounds(self, value: Any) -> tuple[Fraction, Fraction]:
        """Lower and upper bound of a ball, exactly."""
        if not value.is_finite():
            raise Undecided
        middle, radius = midpoint_of(value.mid()), midpoint_of(value.rad())
        return middle - radius, middle + radius


def ball_of(value: Fraction | int) -> Any:
    """A ball of the precision in force that contains the fraction."""
    return arb(fmpq(value.numerator, value.denominator))


def midpoint_of(value: Any) -> Fraction:
    """The number that a ball without radius is."""
    mantissa, exponent = value.man_exp()
    return int(mantissa) * Fraction(2) ** int(exponent)
