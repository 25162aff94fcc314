"""Problems that are drawn, not stored."""

from dataclasses import replace

import numpy as np

from harness.problems.drawing import INTERCEPT, drawn, generator, sizes
from harness.problems.problem import NONLINEAR, Problem, Truth


def synthetic(n: int = 1000, p: int = 10, noise: float = 1.0, seed: int = 0) -> Problem:
    """Y = 3 + X w + N(0, noise²) with X ~ N(0, 1) of shape (n, p) and w ~ N(0, 1) of shape (p,).

    Drawn from `numpy.random.default_rng(seed)` in the order X, w, noise.
    Raises UsageError if n < 2, p < 1, seed < 0 or noise is negative or not finite.
    """
    parameters = {"n": n, "p": p, "noise": noise, "seed": seed}
    rng = generator("synthetic", sizes(n, p) | {"a finite noise >= 0": 0 <= noise < np.inf}, parameters)
    X = rng.standard_normal((n, p))
    w = rng.standard_normal(p)
    return drawn(
        "synthetic",
        X,
        INTERCEPT + X @ w + noise * rng.standard_normal(n),
        title="Gaussian design, known coefficients, Gaussian noise",
        source="generators.synthetic",
        truth=Truth(tuple(w), INTERCEPT, "the generator's coefficients"),
        parameters=parameters,
    )


def everyday(n: int = 2000, seed: int = 0) -> Problem:
    """Two ordinary columns of very different scale: income ~ N(6e4, 2.5e4²), rate ~ N(0.05, 0.01²).

    y = 1e-4 income + 500 rate + N(0, 1), drawn from `numpy.random.default_rng(seed)` in that order.
    scikit-learn 1.9.1's LinearRegression drops the rate: its default tol=1e-6 becomes the rank
    cut-off of scipy.linalg.lstsq, and R² falls from 0.969 (1.8.0) to 0.185.
    Raises UsageError if n < 2 or seed < 0.
    """
    parameters = {"n": n, "seed": seed}
    rng = generator("everyday", sizes(n, 1), parameters)
    income = rng.normal(6e4, 2.5e4, n)
    rate = rng.normal(0.05, 0.01, n)
    made = drawn(
        "everyday",
        np.column_stack([income, rate]),
        1e-4 * income + 500 * rate + rng.normal(0, 1, n),
        title="Income and a rate: the everyday case that scikit-learn 1.9.1 loses",
        source="generators.everyday",
        truth=Truth((1e-4, 500.0), 0.0, "the generator's coefficients"),
        parameters=parameters,
    )
    units = {"income": "currency units a year", "rate": "fraction a year"}
    return replace(made, features=("income", "rate"), units=units, recipe={"scale": "standardized"})


def friedman(n: int = 200, test: int = 0, seed: int = 0) -> Problem:
    """A curve of five inputs: y = 10 sin(pi x0 x1) + 20 (x2 - 0.5)² + 10 x3 + 5 x4 + N(0, 1), x ~ U(0, 1).

    Friedman 1991 (MARS), Annals of Statistics 19, eq. 61, without its inputs that do nothing. Drawn in the order X,
    noise; the last `test` rows are held out. Needs n - test >= 2, test >= 0, seed >= 0.
    """
    parameters = {"n": n, "test": test, "seed": seed}
    rng = generator("friedman", sizes(n, 5, test) | {"test >= 0": test >= 0}, parameters)
    X = rng.uniform(size=(n, 5))
    curve = 10 * np.sin(np.pi * X[:, 0] * X[:, 1]) + 20 * (X[:, 2] - 0.5) ** 2 + 10 * X[:, 3] + 5 * X[:, 4]
    made = drawn(
        "friedman",
        X,
        curve + rng.standard_normal(n),
        title="a curve of five inputs that no plane fits",
        source="generators.friedman; Friedman 1991, Annals of Statistics 19, eq. 61",
        truth=None,
        parameters=parameters,
    )
    return replace(made, relation=NONLINEAR)
