"""Exact linear algebra with the standard library's fractions: the check of exact_flint."""

from fractions import Fraction

from harness.verify.gram import Integers


class Rationals:
    """The same questions and answers as exact_flint.Rationals, by Gauss-Jordan elimination."""

    def independent(self, matrix: Integers, at_most: int) -> tuple[int, ...]:
        """The first columns of an integer matrix that are linearly independent, `at_most` of them."""
        return _reduce([[Fraction(value) for value in row] for row in matrix])[:at_most]

    def multiply(self, left: Integers, right: Integers) -> Integers:
        """The product of two integer matrices."""
        columns = list(zip(*right, strict=True))
        return [[sum(a * b for a, b in zip(row, column, strict=True)) for column in columns] for row in left]

    def number(self, value: Fraction | int) -> Fraction:
        """A fraction as this arithmetic's number."""
        return Fraction(value)

    def solve(self, matrix: Integers, right: list[int]) -> list[Fraction]:
        """The solution of a nonsingular system."""
        rows = [[Fraction(value) for value in (*row, b)] for row, b in zip(matrix, right, strict=True)]
        _reduce(rows)
        return [row[-1] for row in rows]

    def inverse_diagonal(self, matrix: Integers) -> list[Fraction]:
        """The diagonal of a nonsingular matrix's inverse."""
        k = len(matrix)
        rows = [[Fraction(value) for value in (*row, *(int(i == j) for j in range(k)))] for i, row in enumerate(matrix)]
        _reduce(rows)
        return [row[k + i] for i, row in enumerate(rows)]

    def bounds(self, value: Fraction) -> tuple[Fraction, Fraction]:
        """A fraction is its own lower and upper bound."""
        return value, value


def _reduce(rows: list[list[Fraction]]) -> tuple[int, ...]:
    """Bring the rows to reduced echelon form; the pivot columns."""
    pivots: list[int] = []
    for column in range(len(rows[0])):
        rank = len(pivots)
        pivot = next((i for i in range(rank, len(rows)) if rows[i][column]), None)
        if pivot is None:
            continue
        rows[rank], rows[pivot] = rows[pivot], rows[rank]
        head = rows[rank][column]
        rows[rank] = [value / head for value in rows[rank]]
        for i, row in enumerate(rows):
            if i != rank and row[column]:
                factor = row[column]
                rows[i] = [value - factor * top for value, top in zip(row, rows[rank], strict=True)]
        pivots.append(column)
    return tuple(pivots)
