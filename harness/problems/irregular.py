"""Designs that least squares meets outside the textbook: short of rank, wider than long, one wild row, heavy rows.

Each is drawn from `numpy.random.default_rng(seed)` in the order its docstring gives, and each raises
UsageError, one line, for parameters that make no such design.
"""

from dataclasses import replace

import numpy as np

from harness.errors import UsageError
from harness.problems.drawing import INTERCEPT, drawn, generator, ones_truth, sizes
from harness.problems.problem import MIN_ROWS, Problem, Truth

LARGEST_INTEGER = 9
HEAVY_COLUMNS = 2
MAX_FREEDOM = 1e6
"""Beyond, Student's t is the normal distribution to float64's rounding of a sample."""
MAX_SIZE = 1e100
"""Squares of a larger row overflow in any solver."""


def deficient(n: int = 1000, p: int = 10, rank: int = 7, seed: int = 0) -> Problem:
    """A design that is short of rank exactly: p - rank columns are sums of two of the first `rank`.

    The first `rank` columns Z are integers from -9 to 9, and column rank + k is
    (1 + k // rank) (Z_k + Z_k+1), indices modulo `rank`: integers too, so that no rounding makes the
    design full. With its intercept the design has rank `rank` + 1 of p + 1 columns.
    y = 3 + Z 1 + N(0, 1), drawn in the order Z, noise; these coefficients are one solution of many.
    Needs n > rank + 1, 1 <= rank < p, seed >= 0, and rows enough that Z has its rank.
    """
    parameters = {"n": n, "p": p, "rank": rank, "seed": seed}
    rng = generator("deficient", {"n > rank + 1": n > rank + 1, "1 <= rank < p": 1 <= rank < p}, parameters)
    Z = rng.integers(-LARGEST_INTEGER, LARGEST_INTEGER + 1, (n, rank)).astype(np.float64)
    # Small integers: the singular values of [1, Z] are far from eps, so that this rank is the exact one.
    if np.linalg.matrix_rank(np.column_stack([np.ones(n), Z])) <= rank:
        raise UsageError(f"deficient drew a rank below {rank} with n={n}, seed={seed}: ask for more rows")
    sums = [(1 + k // rank) * (Z[:, k % rank] + Z[:, (k + 1) % rank]) for k in range(p - rank)]
    return drawn(
        "deficient",
        np.column_stack([Z, *sums]),
        INTERCEPT + Z.sum(axis=1) + rng.standard_normal(n),
        title="integer columns, some of them sums of others: exactly rank-deficient",
        source="irregular.deficient",
        truth=Truth((1.0,) * rank + (0.0,) * (p - rank), INTERCEPT, "the generator's, one solution of many"),
        parameters=parameters,
    )


def wide(n: int = 20, p: int = 40, seed: int = 0) -> Problem:
    """More columns than rows: X ~ N(0, 1) of shape (n, p), y = 3 + X 1 + N(0, 1), drawn in the order X, noise.

    The rank is n, every y is met exactly, and the coefficients are one solution of many.
    Needs 2 <= n < p, seed >= 0.
    """
    parameters = {"n": n, "p": p, "seed": seed}
    rng = generator("wide", {"2 <= n < p": MIN_ROWS <= n < p}, parameters)
    X = rng.standard_normal((n, p))
    return drawn(
        "wide",
        X,
        INTERCEPT + X.sum(axis=1) + rng.standard_normal(n),
        title="more columns than rows: under-determined",
        source="irregular.wide",
        truth=Truth((1.0,) * p, INTERCEPT, "the generator's, one solution of many"),
        parameters=parameters,
    )


def outlier(n: int = 1000, p: int = 10, size: float = 1e6, seed: int = 0) -> Problem:
    """One wild row: the first has every x at `size` and y at -`size`, far from the line and of leverage near 1.

    The others are X ~ N(0, 1), y = 3 + X 1 + N(0, 1), drawn in the order X, noise, the first row with
    them (Belsley, Kuh and Welsch 1980, ch. 2). The condition number is about size sqrt(p / n).
    Needs n >= 2, p >= 1, 0 < size <= 1e100, seed >= 0.
    """
    parameters = {"n": n, "p": p, "size": size, "seed": seed}
    rng = generator("outlier", sizes(n, p) | {"0 < size <= 1e100": 0 < size <= MAX_SIZE}, parameters)
    X = rng.standard_normal((n, p))
    y = INTERCEPT + X.sum(axis=1) + rng.standard_normal(n)
    X[0], y[0] = size, -size
    return drawn(
        "outlier",
        X,
        y,
        title="one row far away in X and in y",
        source="irregular.outlier; Belsley, Kuh and Welsch 1980, ch. 2",
        truth=ones_truth(p),
        parameters=parameters,
    )


def heavy_tails(n: int = 200, p: int = 10, freedom: float = 2.0, test: int = 0, seed: int = 0) -> Problem:
    """Noise with heavy tails: y = 3 + X 1 + t, X ~ N(0, 1), t of Student's with `freedom` degrees.

    Drawn in the order X, t (Lange, Little and Taylor 1989, JASA 84). With 2 degrees the noise has no variance: a few
    rows make most of the loss. The last `test` rows are held out.
    Needs n - test >= 2, p >= 1, 1 <= freedom <= 1e6, test >= 0, seed >= 0.
    """
    parameters = {"n": n, "p": p, "freedom": freedom, "test": test, "seed": seed}
    rules = sizes(n, p, test) | {"test >= 0": test >= 0, "1 <= freedom <= 1e6": 1 <= freedom <= MAX_FREEDOM}
    rng = generator("heavy_tails", rules, parameters)
    X = rng.standard_normal((n, p))
    return drawn(
        "heavy_tails",
        X,
        INTERCEPT + X.sum(axis=1) + rng.standard_t(freedom, n),
        title="noise of Student's t: a few rows make most of the loss",
        source="irregular.heavy_tails; Lange, Little and Taylor 1989, JASA 84",
        truth=ones_truth(p),
        parameters=parameters,
    )


def heavy(
    n: int = 20, rows: int = 1, weight: float = 1e12, last: int = 0, intercept: int = 1, seed: int = 0
) -> Problem:
    """Weighted rows, of which the first `rows`, or the last ones (`last` 1), have `weight`, the others 1.

    Two columns X ~ N(0, 1), y = 3 + X 1 + N(0, 1), drawn in the order X, noise; without `intercept` (0) no 3. Fewer
    heavy rows than columns leave the light ones a direction of their own, which rows scaled by the roots of their
    weights hide from solvers that compare it with the heavy ones (Powell and Reid 1969; Cox and Higham 1998, BIT 38).
    Needs n >= 2, 0 <= rows <= n, 0 < weight <= 1e100, last and intercept 0 or 1, seed >= 0.
    """
    parameters = {
        "n": n, "rows": rows, "weight": weight, "last": last, "intercept": intercept, "seed": seed
    }  # fmt: skip
    rules = {"n >= 2": n >= MIN_ROWS, "0 <= rows <= n": 0 <= rows <= n}
    rules |= {"0 < weight <= 1e100": 0 < weight <= MAX_SIZE, "last and intercept 0 or 1": {last, intercept} <= {0, 1}}
    rng = generator("heavy", rules, parameters)
    X = rng.standard_normal((n, HEAVY_COLUMNS))
    weights = np.ones(n)
    weights[n - rows if last else 0 : n if last else rows] = weight
    made = drawn(
        "heavy",
        X,
        INTERCEPT * intercept + X.sum(axis=1) + rng.standard_normal(n),
        title="rows with weights, a few of them heavy",
        source="irregular.heavy; Cox and Higham 1998, BIT 38",
        truth=Truth((1.0,) * HEAVY_COLUMNS, INTERCEPT * intercept, "the generator's coefficients"),
        parameters=parameters,
    )
    return replace(made, weights=weights, intercept=bool(intercept))
