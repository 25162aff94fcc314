"""Problems that are drawn, not stored."""

import numpy as np

from harness.errors import UsageError
from harness.problems.problem import MIN_ROWS, Problem, Split, Truth


def synthetic(n: int = 1000, p: int = 10, noise: float = 1.0, seed: int = 0) -> Problem:
    """Y = 3 + X w + N(0, noise²) with X ~ N(0, 1) of shape (n, p) and w ~ N(0, 1) of shape (p,).

    Drawn from `numpy.random.default_rng(seed)` in the order X, w, noise.
    Raises UsageError if n < 2, p < 1, seed < 0 or noise is negative or not finite.
    """
    if n < MIN_ROWS or p < 1 or seed < 0 or not (0 <= noise < np.inf):
        asked = f"n={n}, p={p}, noise={noise:g}, seed={seed}"
        raise UsageError(f"synthetic needs n >= 2, p >= 1, seed >= 0 and a finite noise >= 0, not {asked}")
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p))
    w = rng.standard_normal(p)
    y = 3.0 + X @ w + noise * rng.standard_normal(n)
    return Problem(
        name="synthetic",
        X=X,
        y=y,
        features=tuple(f"x{j}" for j in range(p)),
        target="y",
        split=Split.all_train(n),
        family="synthetic",
        title="Gaussian design, known coefficients, Gaussian noise",
        source="drawn by harness.problems.generators.synthetic",
        truth=Truth(tuple(w), 3.0, "the generator's coefficients"),
        parameters={"n": n, "p": p, "noise": noise, "seed": seed},
    )


def everyday(n: int = 2000, seed: int = 0) -> Problem:
    """Two ordinary columns of very different scale: income ~ N(6e4, 2.5e4²), rate ~ N(0.05, 0.01²).

    y = 1e-4 income + 500 rate + N(0, 1), drawn from `numpy.random.default_rng(seed)` in that order.
    scikit-learn 1.9.1's LinearRegression drops the rate: its default tol=1e-6 becomes the rank
    cut-off of scipy.linalg.lstsq, and R² falls from 0.969 (1.8.0) to 0.185.
    Raises UsageError if n < 2 or seed < 0.
    """
    if n < MIN_ROWS or seed < 0:
        raise UsageError(f"everyday needs n >= {MIN_ROWS} and seed >= 0, not n={n}, seed={seed}")
    rng = np.random.default_rng(seed)
    income = rng.normal(6e4, 2.5e4, n)
    rate = rng.normal(0.05, 0.01, n)
    y = 1e-4 * income + 500 * rate + rng.normal(0, 1, n)
    return Problem(
        name="everyday",
        X=np.column_stack([income, rate]),
        y=y,
        features=("income", "rate"),
        target="y",
        split=Split.all_train(n),
        family="everyday",
        title="Income and a rate: the everyday case that scikit-learn 1.9.1 loses",
        source="drawn by harness.problems.generators.everyday",
        units={"income": "currency units a year", "rate": "fraction a year"},
        truth=Truth((1e-4, 500.0), 0.0, "the generator's coefficients"),
        recipe={"scale": "standardized"},
        parameters={"n": n, "seed": seed},
    )
