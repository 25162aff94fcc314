"""Crossings of an excess loss that oscillates: the closed form of every epoch, a chunk of epochs at a time."""

import numpy as np

from harness.problems.problem import Floats
from harness.solvers.training.learning_map import CENSORED, Counts
from harness.solvers.training.oracle.descent import Descent, product

CHUNK = 512
"""Epochs looked at together, a power of two: what is compared stays in the cache."""
HUGE = 1e300
"""In place of a factor that overflows: its product with a weight of 0 is 0."""


def scan(descent: Descent, epochs: int, tolerances: tuple[float, ...], limit: Floats) -> tuple[Counts, Counts]:
    """First epochs (tolerances, L, S) at each tolerance, and first epochs (L, S) of loss above `limit` (S,).

    A learning rate is looked at in a chunk only if one of its trainings has a tolerance ahead of it or
    if the largest factors of the chunk, all at once, could take it above the limit.
    """
    weights = descent.weights
    column, leap = _chunk(descent.step)
    row = np.zeros_like(descent.step[0])
    row[0] = 1.0
    reached = np.full((len(tolerances), len(descent.lr), len(weights)), CENSORED, dtype=np.int64)
    bad = np.full(reached.shape[1:], epochs, dtype=np.int64)
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, epochs + 1, CHUNK):
            squares = (row[0][..., None] * column[0] + row[1][..., None] * column[1]) ** 2
            squares = np.nan_to_num(squares[..., : epochs + 1 - start], nan=HUGE, posinf=HUGE)
            risky = squares.max(axis=-1) @ weights.T > limit
            ahead = (bad == epochs) & (risky | (reached[-1] == CENSORED))
            for place in np.flatnonzero(ahead.any(axis=1)):
                excess = weights @ squares[place]
                for level, tolerance in zip(reached[:, place], tolerances, strict=True):
                    _note(level, excess, tolerance, start)
                _note_rise(bad[place], excess[:, : epochs - start], limit, start)
            row = np.einsum("ilk,ijlk->jlk", row, leap)
    return reached, bad


def _chunk(step: Floats) -> tuple[Floats, Floats]:
    """The first column of M^0 .. M^(CHUNK - 1), (2, L, k, CHUNK), and M^CHUNK, by doubling."""
    column = np.zeros((2, *step.shape[2:], CHUNK))
    column[0, ..., 0] = 1.0
    power, known = step, 1
    with np.errstate(over="ignore", invalid="ignore"):
        while known < CHUNK:
            column[..., known : 2 * known] = np.einsum("ijlk,jlkt->ilkt", power, column[..., :known])
            power, known = product(power, power), 2 * known
    return column, power


def _note(level: Counts, excess: Floats, tolerance: float, start: int) -> None:
    """Write into `level` (S,) the first epoch of a chunk's excess (S, t) at the tolerance, where none is known."""
    new = np.flatnonzero((level == CENSORED) & (excess.min(axis=1) <= tolerance))
    if len(new):
        level[new] = start + np.argmax(excess[new] <= tolerance, axis=1)


def _note_rise(bad: Counts, excess: Floats, limit: Floats, start: int) -> None:
    """Write into `bad` (S,) the first epoch of a chunk's excess (S, t) above the limit, where it is the first."""
    new = np.flatnonzero((bad > start) & (excess.max(axis=1, initial=0.0) > limit))
    if len(new):
        first = start + np.argmax(excess[new] > limit[new, None], axis=1)
        bad[new] = np.minimum(bad[new], first)
