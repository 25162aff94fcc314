"""What the drawn designs share: refusing parameters that make no problem, and the Problem itself."""

from collections.abc import Mapping

import numpy as np

from harness.errors import UsageError
from harness.problems.problem import MIN_ROWS, Floats, Problem, Split, Truth, short

INTERCEPT = 3.0
"""Of every drawn design that has one; `synthetic` has had it from the start."""


def generator(name: str, rules: dict[str, bool], parameters: Mapping[str, float]) -> np.random.Generator:
    """Numpy's default one at the parameter `seed`, of a design for which all rules hold.

    Raises UsageError, one line, that names the rules which do not and the parameters that were asked for.
    """
    seed = int(parameters["seed"])
    broken = [rule for rule, holds in (rules | {"seed >= 0": seed >= 0}).items() if not holds]
    if broken:
        asked = ", ".join(f"{key}={short(value)}" for key, value in parameters.items())
        raise UsageError(f"{name} needs {' and '.join(broken)}, not {asked}")
    return np.random.default_rng(seed)


def sizes(n: int, p: int, test: int = 0) -> dict[str, bool]:
    """The rules for the rows, of which the last `test` are held out, and the columns of most designs."""
    return {"n - test >= 2" if test else "n >= 2": n - test >= MIN_ROWS, "p >= 1": p >= 1}


def drawn(
    name: str,
    X: Floats,
    y: Floats,
    *,
    title: str,
    source: str,
    truth: Truth | None,
    parameters: Mapping[str, float],
) -> Problem:
    """The Problem of X (n, p) and y (n,): all rows but the last `test` train, with intercept, features x0, x1, ...

    `test` is one of the parameters, 0 where there is none of that name.
    """
    n, p = X.shape
    return Problem(
        name=name,
        X=X,
        y=y,
        features=tuple(f"x{j}" for j in range(p)),
        target="y",
        split=_held_out(n, int(parameters.get("test", 0))),
        family=name,
        title=title,
        source=f"drawn by harness.problems.{source}",
        truth=truth,
        parameters=dict(parameters),
    )


def _held_out(n: int, test: int) -> Split:
    """The last `test` of n rows are for testing, the others for training."""
    rows = np.arange(n, dtype=np.int64)
    return Split(rows[: n - test], rows[:0], rows[n - test :])


def ones_truth(p: int) -> Truth:
    """Every coefficient 1 and the intercept 3, as the designs here are generated."""
    return Truth((1.0,) * p, INTERCEPT, "the generator's coefficients")
