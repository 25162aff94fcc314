"""Exact least squares with the standard library's fractions: the check of exact_flint, and its stand-in."""

from fractions import Fraction


def least_squares(columns: list[list[int]], y: list[int]) -> tuple[int, list[Fraction] | None, Fraction | None]:
    """The same question and answer as exact_flint.least_squares, by Gauss-Jordan elimination."""
    p = len(columns)
    rows = [[Fraction(_dot(a, b)) for b in (*columns, y)] for a in columns]
    right = [row[p] for row in rows]
    rank = _reduce(rows, p)
    if rank < p:
        return rank, None, None
    beta = [row[p] for row in rows]
    explained = sum((b * r for b, r in zip(beta, right, strict=True)), Fraction(0))
    return rank, beta, _dot(y, y) - explained


def _dot(a: list[int], b: list[int]) -> int:
    return sum(x * y for x, y in zip(a, b, strict=True))


def _reduce(rows: list[list[Fraction]], p: int) -> int:
    """Bring the augmented rows to reduced echelon form over the first p columns; the rank."""
    rank = 0
    for column in range(p):
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
        rank += 1
    return rank
