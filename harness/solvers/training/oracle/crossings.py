"""When SGD's exact excess loss crosses a level: found without stepping through the epochs where it is monotone."""

from collections.abc import Callable
from functools import partial

import numpy as np

from harness.problems.problem import Floats
from harness.solvers.training.learning_map import CENSORED, TOLERANCES, Counts, Flags, LearningMap
from harness.solvers.training.loop import DIVERGED_FACTOR
from harness.solvers.training.oracle.descent import Descent
from harness.solvers.training.oracle.scan import scan


def learning_map(descent: Descent, epochs: int, tolerances: tuple[float, ...] = TOLERANCES) -> LearningMap:
    """What every training of `epochs` epochs comes to; the tolerances descend.

    Without momentum the excess loss is a sum of exponentials in t, hence convex: its least point
    and every crossing are found by bisection. With momentum it may oscillate, and each epoch's closed
    form is looked at, until nothing can change any more.
    """
    quadratic = descent.quadratic
    limit = _limit(descent)
    reached = np.full((len(tolerances), len(descent.lr), len(descent.start)), CENSORED, dtype=np.int64)
    bad = np.full(reached.shape[1:], epochs, dtype=np.int64)
    plain = descent.momentum == 0
    for rows, search in ((plain, _bisect), (~plain, scan)):
        if rows.any():
            part = Descent(quadratic, descent.start, descent.lr[rows], descent.momentum[rows], descent.nesterov[rows])
            reached[:, rows], bad[rows] = search(part, epochs, tolerances, limit)
    diverged = bad < epochs
    run = np.where(diverged, bad + 1, epochs)
    reached[reached > run] = CENSORED
    return LearningMap(tolerances, reached, run, _excess_at(descent, run), diverged)


def _limit(descent: Descent) -> Floats:
    """(S,): the relative excess loss above which the loss is DIVERGED_FACTOR times the first."""
    best = descent.quadratic.best_loss / descent.quadratic.loss_scale
    return np.asarray(DIVERGED_FACTOR * (best + descent.weights.sum(axis=1)) - best)


def _excess_at(descent: Descent, t: Counts) -> Floats:
    """(L, S): relative excess loss, each training after epochs of its own (L, S)."""
    moments, place = np.unique(t, return_inverse=True)
    factors = descent.factors(moments)
    rows = np.arange(len(descent.lr))[:, None]
    with np.errstate(over="ignore"):
        return _weighed(factors[place.reshape(t.shape), rows] ** 2, descent.weights)


def _weighed(squares: Floats, weights: Floats) -> Floats:
    """Squared factors (..., S, k) times what they weigh; a direction of no weight adds 0 even where it overflows."""
    return np.asarray(np.sum(np.where(weights > 0, squares, 0.0) * weights, axis=-1))


def _bisect(descent: Descent, epochs: int, tolerances: tuple[float, ...], limit: Floats) -> tuple[Counts, Counts]:
    """First epochs (tolerances, L, S) at each tolerance, and first diverged epoch (L, S) or `epochs`."""
    base = descent.step[0, 0][:, None, :] ** 2
    weights = descent.weights
    shape = (len(descent.lr), len(descent.start))

    def excess(t: Counts) -> Floats:
        return _weighed(base ** t[..., None], weights)

    def rising(t: Counts) -> Flags:  # the next epoch's excess less this one's: it increases with t
        return _weighed((base - 1) * base ** t[..., None], weights) >= 0

    def at_most(level: float, t: Counts) -> Flags:
        return excess(t) <= level

    zero, last = np.zeros(shape, dtype=np.int64), np.full(shape, epochs, dtype=np.int64)
    with np.errstate(over="ignore"):
        least = _first(rising, zero, last)
        firsts = [_first(partial(at_most, tolerance), zero, least) for tolerance in tolerances]
        reached = [np.where(at_most(tol, t), t, CENSORED) for tol, t in zip(tolerances, firsts, strict=True)]
        bad = _first(lambda t: ~(excess(t) <= limit), np.minimum(least, epochs - 1), last)
    return np.array(reached), bad


def _first(holds: Callable[[Counts], Flags], low: Counts, high: Counts) -> Counts:
    """The least t in [low, high) for which a condition that stays true holds, else high: one search for each entry."""
    low, high = low.copy(), high.copy()
    while np.any(low < high):
        middle = (low + high) // 2
        true = holds(middle)
        high = np.where(true & (low < high), middle, high)
        low = np.where(~true & (low < high), middle + 1, low)
    return high
