"""Problems that are drawn, not stored."""

import numpy as np

from harness.errors import UsageError
from harness.problems.drawing import check, held_out
from harness.problems.problem import MIN_ROWS, NONLINEAR, Problem, Split, Truth


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


def friedman(n: int = 200, test: int = 0, seed: int = 0) -> Problem:
    """A curve of five inputs: y = 10 sin(pi x0 x1) + 20 (x2 - 0.5)² + 10 x3 + 5 x4 + N(0, 1), x ~ U(0, 1).

    Friedman 1991 (MARS), Annals of Statistics 19, eq. 61, without its inputs that do nothing. Drawn in the order X,
    noise; the last `test` rows are held out. Needs n - test >= 2, test >= 0, seed >= 0.
    """
    parameters = {"n": n, "test": test, "seed": seed}
    rules = {"n - test >= 2": n - test >= MIN_ROWS, "test >= 0": test >= 0, "seed >= 0": seed >= 0}
    check("friedman", rules, parameters)
    rng = np.random.default_rng(seed)
    X = rng.uniform(size=(n, 5))
    curve = 10 * np.sin(np.pi * X[:, 0] * X[:, 1]) + 20 * (X[:, 2] - 0.5) ** 2 + 10 * X[:, 3] + 5 * X[:, 4]
    return Problem(
        name="friedman",
        X=X,
        y=curve + rng.standard_normal(n),
        features=tuple(f"x{j}" for j in range(5)),
        target="y",
        split=held_out(n, test),
        family="friedman",
        title="a curve of five inputs that no plane fits",
        source="drawn by harness.problems.generators.friedman; Friedman 1991, Annals of Statistics 19, eq. 61",
        relation=NONLINEAR,
        parameters=parameters,
    )
