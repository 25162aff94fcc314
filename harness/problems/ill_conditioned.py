"""Designs of full rank that are hard in one known way: condition, shift, scale, near-collinear columns.

Each is drawn from `numpy.random.default_rng(seed)` in the order its docstring gives, and each raises
UsageError, one line, for parameters that make no such design.
"""

from dataclasses import replace

import numpy as np

from harness.problems.drawing import INTERCEPT, drawn, generator, ones_truth, sizes
from harness.problems.problem import MIN_ROWS, Floats, Problem, Truth

MAX_CONDITION = 1e15
"""Above 1 / eps = 4.5e15 the rounding of the float64 design, not the request, decides its condition."""
MAX_RATIO = 1e15
"""At a mean of 1e15 neighbouring floats are 1/8 apart: beyond, little is left of a column of sd 1."""
MAX_SCALE = 1e100
"""Squares of larger columns overflow in any solver."""


def conditioned(n: int = 1000, p: int = 10, condition: float = 1e8, noise: float = 1e-3, seed: int = 0) -> Problem:
    """X = U S V' with singular values from 1 to 1/condition in geometric steps, and no intercept.

    U (n, p) and V (p, p) are orthogonal and random, so that the 2-norm condition number of X is the one
    asked for up to the rounding of X (Higham 2002, sec. 28.3, randsvd, mode 3). y = X 1 + N(0, noise²);
    X 1 has a norm of about 1, so that the default noise leaves R² near 0.999 at n = 1000 while the exact
    coefficients move off 1 by up to about noise x condition. There is no intercept because a column of
    ones would change the condition number. Drawn in the order U, V, noise; another LAPACK may differ in
    the last bits. Needs n >= p >= 2, 1 <= condition <= 1e15, noise >= 0, seed >= 0.
    """
    parameters = {"n": n, "p": p, "condition": condition, "noise": noise, "seed": seed}
    rules = {
        "n >= p >= 2": n >= p >= MIN_ROWS,
        "1 <= condition <= 1e15": 1 <= condition <= MAX_CONDITION,
        "0 <= noise <= 1e100": 0 <= noise <= MAX_SCALE,
    }
    rng = generator("conditioned", rules, parameters)
    U, V = _orthogonal(rng, n, p), _orthogonal(rng, p, p)
    X = np.ascontiguousarray((U * np.geomspace(1.0, 1.0 / condition, p)) @ V.T)
    with_intercept = drawn(
        "conditioned",
        X,
        X.sum(axis=1) + noise * rng.standard_normal(n),
        title="a design of known 2-norm condition number, no intercept",
        source="ill_conditioned.conditioned; Higham 2002, sec. 28.3 (randsvd, mode 3)",
        truth=Truth((1.0,) * p, 0.0, "the generator's coefficients"),
        parameters=parameters,
    )
    return replace(with_intercept, intercept=False)


def shifted(n: int = 1000, p: int = 10, ratio: float = 1e4, seed: int = 0) -> Problem:
    """X ~ N(ratio, 1): columns whose mean is `ratio` times their sd, as years and temperatures in kelvin are.

    y = 3 + X 1 + N(0, 1), drawn in the order X, noise. Centring makes it easy; a solver that neither
    centres nor scales meets a condition number of about p ratio² (from 1e1 up).
    Needs n >= 2, p >= 1, 0 <= ratio <= 1e15, seed >= 0.
    """
    parameters = {"n": n, "p": p, "ratio": ratio, "seed": seed}
    rules = {"0 <= ratio <= 1e15": 0 <= ratio <= MAX_RATIO} | sizes(n, p)
    rng = generator("shifted", rules, parameters)
    X = ratio + rng.standard_normal((n, p))
    return drawn(
        "shifted",
        X,
        INTERCEPT + X.sum(axis=1) + rng.standard_normal(n),
        title="columns whose mean is many times their sd",
        source="ill_conditioned.shifted; after Longley 1967",
        truth=ones_truth(p),
        parameters=parameters,
    )


def scaled(n: int = 1000, p: int = 10, ratio: float = 1e6, seed: int = 0) -> Problem:
    """X_j = s_j N(0, 1) with scales s_j from 1 to `ratio` in geometric steps.

    y = 3 + sum_j X_j / s_j + N(0, 1), so that every column counts alike; drawn in the order X, noise.
    The condition number is about `ratio`, and column scaling takes it back to 1 (van der Sluis 1969): what
    is lost here is lost to a rank cut-off. Needs n >= 2, p >= 2, 1 <= ratio <= 1e100, seed >= 0.
    """
    parameters = {"n": n, "p": p, "ratio": ratio, "seed": seed}
    rules = {"p >= 2": p >= MIN_ROWS, "1 <= ratio <= 1e100": 1 <= ratio <= MAX_SCALE} | sizes(n, p)
    rng = generator("scaled", rules, parameters)
    scales = np.geomspace(1.0, ratio, p)
    standard = rng.standard_normal((n, p))
    return drawn(
        "scaled",
        standard * scales,
        INTERCEPT + standard.sum(axis=1) + rng.standard_normal(n),
        title="columns of very different scale",
        source="ill_conditioned.scaled; van der Sluis 1969",
        truth=Truth(tuple(1.0 / scales), INTERCEPT, "the generator's coefficients"),
        parameters=parameters,
    )


def collinear(n: int = 1000, p: int = 10, gap: float = 1e-4, seed: int = 0) -> Problem:
    """Pairs of nearly the same column: X_1 = X_0 + gap N(0, 1), X_3 = X_2 + gap N(0, 1), ...

    The first of each pair is N(0, 1), and so is a last column without a partner. y = 3 + X 1 + N(0, 1),
    drawn in the order X (n, p) of N(0, 1), noise. The condition number is about 2 / gap.
    Needs n >= 2, p >= 2, 0 < gap <= 1, seed >= 0.
    """
    parameters = {"n": n, "p": p, "gap": gap, "seed": seed}
    rules = {"p >= 2": p >= MIN_ROWS, "0 < gap <= 1": 0 < gap <= 1} | sizes(n, p)
    rng = generator("collinear", rules, parameters)
    X = rng.standard_normal((n, p))
    X[:, 1::2] = X[:, : p - p % 2 : 2] + gap * X[:, 1::2]
    return drawn(
        "collinear",
        X,
        INTERCEPT + X.sum(axis=1) + rng.standard_normal(n),
        title="pairs of columns that are nearly the same",
        source="ill_conditioned.collinear; Belsley, Kuh and Welsch 1980, ch. 3",
        truth=ones_truth(p),
        parameters=parameters,
    )


def correlated(n: int = 200, p: int = 10, rho: float = 0.9, test: int = 0, seed: int = 0) -> Problem:
    """Columns of N(0, 1) of which neighbours correlate: column i with j by rho^|i - j| (Tibshirani 1996, sec. 7.1).

    X_0 = Z_0, X_j = rho X_j-1 + sqrt(1 - rho²) Z_j; y = 3 + X 1 + N(0, 1), drawn in the order Z (n, p), noise. The
    condition number of the correlations is at most ((1 + rho) / (1 - rho))². The last `test` rows are held out.
    Needs n - test >= 2, p >= 1, 0 <= rho < 1, test >= 0, seed >= 0.
    """
    parameters = {"n": n, "p": p, "rho": rho, "test": test, "seed": seed}
    rules = {"0 <= rho < 1": 0 <= rho < 1, "test >= 0": test >= 0} | sizes(n, p, test)
    rng = generator("correlated", rules, parameters)
    X = rng.standard_normal((n, p))
    for j in range(1, p):
        X[:, j] = rho * X[:, j - 1] + np.sqrt(1 - rho**2) * X[:, j]
    return drawn(
        "correlated",
        X,
        INTERCEPT + X.sum(axis=1) + rng.standard_normal(n),
        title="columns that correlate with their neighbours",
        source="ill_conditioned.correlated; Tibshirani 1996, JRSS B 58, sec. 7.1",
        truth=ones_truth(p),
        parameters=parameters,
    )


def _orthogonal(rng: np.random.Generator, n: int, p: int) -> Floats:
    """Orthonormal columns (n, p), uniform: QR of a Gaussian matrix, R's diagonal made positive (Stewart 1980)."""
    Q, R = np.linalg.qr(rng.standard_normal((n, p)))
    return np.asarray(Q * np.where(np.diag(R) < 0, -1.0, 1.0))
