"""The triangular factor of a design, chunk by chunk, so that memory does not grow with the rows."""

import numpy as np

from harness.problems.problem import Floats

CHUNK_ROWS = 2**12


def triangular_factor(X: Floats, *, intercept: bool, weights: Floats | None = None) -> Floats:
    """R (m, k), m <= k, with R'R = A'A for the design A = [1, X] (n, k), or X without intercept.

    Householder QR of chunk after chunk below the factor so far (TSQR; Demmel, Grigori, Hoemmen and
    Langou 2012, SIAM J. Sci. Comput. 34): as stable as one QR. The columns are centred first, and the
    intercept's row is sqrt(n) (1, means): exactly orthogonal to them, so that a mean far above the
    spread costs the other rows no digits. With `weights` (n,) of mean 1, R'R = A'WA; the heaviest rows go first, so
    that the light ones keep their digits (Cox and Higham 1998, BIT 38).
    """
    n, p = X.shape
    roots: Floats | None = None
    with np.errstate(all="ignore"):  # columns near float64's largest overflow: whoever uses R sees it
        means = np.zeros(p) if not intercept else X.mean(axis=0) if weights is None else weights @ X / n
        if weights is not None:
            order = np.argsort(-weights, kind="stable")
            X, roots = X[order], np.sqrt(weights[order])[:, None]
        R = np.zeros((0, p))
        for start in range(0, n, CHUNK_ROWS):
            rows = X[start : start + CHUNK_ROWS] - means
            scaled = rows if roots is None else rows * roots[start : start + CHUNK_ROWS]
            R = np.asarray(np.linalg.qr(np.vstack([R, scaled]), mode="r"))
        if not intercept:
            return R
        return np.vstack([np.sqrt(n) * np.append(1.0, means), np.column_stack([np.zeros(len(R)), R])])


def singular(factor: Floats, overflown: float = np.inf) -> tuple[Floats, Floats]:
    """Singular values (k,) of R (m, k), descending, 0 beyond its rows, and right singular vectors (k, k) by row.

    All are `overflown` where R is not finite.
    """
    columns = factor.shape[1]
    if not np.isfinite(factor).all():
        return np.full(columns, overflown), np.eye(columns)
    _, values, vectors = np.linalg.svd(factor)
    return np.append(values, np.zeros(columns - len(values))), vectors


def unit_columns(factor: Floats) -> tuple[Floats, Floats]:
    """The lengths (k,) of a design's columns by its R (m, k), and R with these taken out."""
    with np.errstate(all="ignore"):
        lengths = np.linalg.norm(factor, axis=0)
        return lengths, factor / np.where(lengths == 0, 1.0, lengths)
