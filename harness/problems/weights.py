"""Weights of a problem's rows: sum w r² is minimised instead of sum r²."""

import hashlib
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from harness.errors import UsageError, counted, unknown
from harness.problems.problem import MIN_ROWS, Floats, Problem, Split

HASH_CHARACTERS = 8


def weights_text(named: str) -> str:
    """What the name and the label of a weighted problem end in: it is another problem than without weights."""
    return f"(weights={named})"


def weighted_by(problem: Problem, column: str) -> Problem:
    """The problem with one of its features as weights, which is then no feature.

    Raises UsageError for a column that is none of the features, or the only one, and what `weighted` raises.
    """
    if (reason := dict(problem.left_out).get(column)) is not None:
        raise UsageError(f"{problem.label}: the weights '{column}' are no column of numbers: it is left out ({reason})")
    if column not in problem.features:
        raise unknown("column of weights", column, problem.features)
    if problem.p == 1:
        raise UsageError(f"{problem.label}: no column is left to fit by besides the weights '{column}'")
    at = problem.features.index(column)
    without = replace(
        problem, X=np.delete(problem.X, at, axis=1), features=(*problem.features[:at], *problem.features[at + 1 :])
    )
    return weighted(without, problem.X[:, at], column)


def weighted(problem: Problem, weights: ArrayLike, named: str = "") -> Problem:
    """The problem with `weights` (n,); rows of weight 0 leave its split, as R's lm leaves them out.

    `named`: the column that they were; else a hash of them tells them apart. Raises UsageError, one line, for another
    number of weights, negative, missing or infinite ones, or fewer than two training rows with any.
    """
    values = _checked(problem, weights)
    parts = [part[values[part] > 0] for part in (problem.split.train, problem.split.val, problem.split.test)]
    if len(parts[0]) < MIN_ROWS:
        raise UsageError(
            f"{problem.label}: {counted(len(parts[0]), 'training row')} with a weight above 0; a fit needs at least 2"
        )
    none = problem.n - sum(map(len, parts))
    left_out = f" ({counted(none, 'row')} of weight 0 left out)" if none else ""
    ending = weights_text(named or hashlib.sha256(values.tobytes()).hexdigest()[:HASH_CHARACTERS])
    return replace(
        problem,
        weights=values,
        split=Split(*parts),
        name=problem.name + ending,
        spec=problem.spec and problem.spec + ending,
        title=f"{problem.title or problem.name}, weighted{f' by {named}' * bool(named)}{left_out}",
        truth=None,
    )


def _checked(problem: Problem, weights: ArrayLike) -> Floats:
    values = np.array(weights, dtype=np.float64)
    if values.shape != (problem.n,):
        raise UsageError(f"{problem.label}: weights are ({problem.n},), one a row, not {values.shape}")
    for bad, what in ((~np.isfinite(values), "missing or infinite"), (values < 0, "negative")):
        if bad.any():
            row = int(np.argmax(bad))
            raise UsageError(
                f"{problem.label}: the weight of row {row + 1} is {what}: {values[row]:g}; drop or mend it"
            )
    return values
