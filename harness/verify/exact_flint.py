"""Exact linear algebra over the integers with python-flint's matrices."""

from fractions import Fraction
from typing import Any

from flint import fmpz_mat, nmod_mat

from harness.verify.gram import Integers

PRIMES = (2**61 - 1, 2**61 - 31, 2**62 - 57)
"""Ranks are looked for modulo a large prime first; a prime that hides a rank leads to the next one."""


class Rationals:
    """Answers as fractions."""

    def independent(self, matrix: Integers, at_most: int) -> tuple[int, ...]:
        """The first columns of an integer matrix that are linearly independent, as many as its rank.

        Columns that are independent modulo a prime are independent. They are all if `at_most`, a known
        bound of the rank, or else the exact rank says so.
        """
        exact = fmpz_mat(matrix)
        found = [_pivots(nmod_mat(exact, PRIMES[0]).rref()[0])]
        if len(found[0]) == min(at_most, len(matrix)):
            return found[0]
        rank = int(exact.rank())
        found += [_pivots(nmod_mat(exact, prime).rref()[0]) for prime in PRIMES[1:] if len(found[0]) < rank]
        return next((pivots for pivots in found if len(pivots) == rank), None) or _pivots(exact.rref()[0])

    def multiply(self, left: Integers, right: Integers) -> Integers:
        """The product of two integer matrices."""
        return [[int(value) for value in row] for row in (fmpz_mat(left) * fmpz_mat(right)).tolist()]

    def number(self, value: Fraction | int) -> Fraction:
        """A fraction as this arithmetic's number."""
        return Fraction(value)

    def solve(self, matrix: Integers, right: list[int]) -> list[Fraction]:
        """The solution of a nonsingular system."""
        solution = fmpz_mat(matrix).solve(fmpz_mat(len(right), 1, right))
        return [fraction_of(value) for value in solution.entries()]

    def inverse_diagonal(self, matrix: Integers) -> list[Fraction]:
        """The diagonal of a nonsingular matrix's inverse."""
        inverse = fmpz_mat(matrix).inv()
        return [fraction_of(inverse[i, i]) for i in range(len(matrix))]

    def bounds(self, value: Fraction) -> tuple[Fraction, Fraction]:
        """A fraction is its own lower and upper bound."""
        return value, value


def fraction_of(value: Any) -> Fraction:
    """An fmpq as a fraction."""
    return Fraction(int(value.p), int(value.q))


def _pivots(reduced: Any) -> tuple[int, ...]:
    """The first nonzero column of each row of a reduced echelon form."""
    found = (next((j for j, value in enumerate(row) if int(value)), None) for row in reduced.tolist())
    return tuple(j for j in found if j is not None)
