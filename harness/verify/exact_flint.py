"""Exact least squares over the integers with python-flint's fmpz matrices."""

from fractions import Fraction

from flint import fmpz_mat


def least_squares(columns: list[list[int]], y: list[int]) -> tuple[int, list[Fraction] | None, Fraction | None]:
    """Rank, solution and residual sum of squares of min |A b - y|² for integer A (n, p) given by columns.

    The normal equations A'A b = A'y are exact here, so that squaring the condition number costs
    nothing. Without full column rank the solution is not unique and comes back as None.
    """
    p = len(columns)
    table = fmpz_mat(p + 1, len(y), [value for column in (*columns, y) for value in column])
    gram = table * table.transpose()
    normal = fmpz_mat(p, p, [gram[i, j] for i in range(p) for j in range(p)])
    rank = int(normal.rank())
    if rank < p:
        return rank, None, None
    right = fmpz_mat(p, 1, [gram[i, p] for i in range(p)])
    solution = normal.solve(right)
    beta = [Fraction(int(solution[i, 0].p), int(solution[i, 0].q)) for i in range(p)]
    explained = sum((b * int(right[i, 0]) for i, b in enumerate(beta)), Fraction(0))
    return rank, beta, int(gram[p, p]) - explained
