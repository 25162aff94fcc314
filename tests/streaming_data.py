"""What the tests of streaming share: problems from arrays, digits of an answer, rows as chunks and memory maps."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from harness.problems.catalog import load
from harness.problems.problem import Floats, Problem, Split
from harness.solvers.streaming import Answer, Arrays
from harness.verify.digits import digits
from harness.verify.reference import Reference

GRAM_DIGITS = 12.0
"""Of 16: 1.5 for a squared condition number of 30 (streaming.ACCEPTED_MOST), 2.5 for sums over up to 1e5 rows,
whose rounding grows with the root of the rows (Higham 2002, sec. 4.2)."""
LUCK = 0.5
"""harness.judge.studies.bars.STREAMING_MARGIN."""
LUCKY_SHARE = 0.05
"""scipy's pivoted QR is more than half a digit behind statsmodels' in 10 % of such designs (measured on 1466)."""


def problem_of(X: Any, y: Any, *, intercept: bool = True) -> Problem:
    X, y = np.asarray(X, dtype=np.float64), np.asarray(y, dtype=np.float64)
    names = tuple(f"x{j}" for j in range(X.shape[1]))
    return Problem("drawn", X, y, names, "y", Split.all_train(len(y)), intercept=intercept)


def arrays(problem: Problem) -> Arrays:
    return Arrays(*problem.rows("train"))


def least_digits(answer: Answer, known: Reference) -> float:
    return float(digits(known.vector(answer.coef, answer.intercept), known.solution).min())


def error_digits(answer: Answer, known: Reference) -> float:
    """Of the standard errors, and of the residual's standard deviation."""
    assert known.standard_errors is not None
    assert known.residual_sd is not None
    exact = np.append(known.standard_errors, known.residual_sd)
    return float(digits(np.append(answer.standard_errors, answer.residual_sd), exact).min())


rng = np.random.default_rng(7)
WHOLE = rng.integers(-50, 50, (700, 3)).astype(np.float64)
RESPONSE = np.round(WHOLE @ [1.0, -2.0, 0.0] + 30 * rng.standard_normal(700)) + 5


def mapped(folder: Path, X: Floats) -> Any:
    file = np.memmap(folder / "x.dat", dtype=X.dtype, mode="w+", shape=X.shape)
    file[:] = X
    file.flush()
    return np.memmap(folder / "x.dat", dtype=X.dtype, mode="r", shape=X.shape)


def chunks(X: Any, y: Any, cuts: Sequence[int] = (1, 2, 2, 300)) -> list[tuple[Any, Any]]:
    ends = [0, *sorted(cuts), len(y)]
    return [(X[a:b], y[a:b]) for a, b in pairwise(ends)]


PATHS: dict[str, tuple[Problem, str, int]] = {
    "well-conditioned": (load("synthetic:n=500,p=4,seed=1"), "gram", 1),
    "squared condition number above the columns' share": (load("conditioned:condition=20,n=500"), "corrected", 2),
    "little left unexplained": (load("synthetic:n=500,p=4,noise=0.001"), "corrected: little", 2),
    "perfect": (load("synthetic:n=500,p=4,noise=0"), "corrected: little", 2),
    "condition number 1e5": (load("conditioned:condition=1e5,n=500"), "error-free: condition", 2),
    "condition number 1e14": (load("conditioned:condition=1e14,n=500"), "error-free", 2),
    "a far mean": (load("shifted:ratio=1e8,n=500,p=3"), "gram", 1),
    "other scales": (load("scaled:ratio=1e80,n=500,p=3"), "gram", 1),
    "squares that overflow": (problem_of(1e200 * WHOLE, RESPONSE), "error-free: the squares overflow", 2),
    "squares that underflow": (problem_of(1e-155 * WHOLE, RESPONSE), "error-free: a column does not vary, or", 2),
    "y's squares underflow": (problem_of(WHOLE, 1e-155 * RESPONSE), "error-free: y does not vary, or", 2),
}
