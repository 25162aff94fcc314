"""Trainings that an engine runs in whole blocks of epochs: what of a block counts, and who goes on after it."""

from collections.abc import Iterable

import numpy as np

from harness.problems.problem import Floats
from harness.solvers.training.learning_map import Counts
from harness.solvers.training.loop import DIVERGED_FACTOR
from harness.solvers.training.path import Path
from harness.solvers.training.watch import Block


class Followed:
    """K trainings, `numbers` (K,) of a grid, that go on together whatever becomes of each.

    A block may run past the epochs asked for, and past a training's divergence: nothing of that is seen.
    """

    def __init__(self, numbers: Counts, epochs: int) -> None:
        """At their start, of `epochs` epochs each."""
        self.numbers, self.epochs, self.before = numbers, epochs, 0
        self.alive = np.ones(len(numbers), dtype=np.bool_)
        self.first: Floats | None = None

    @property
    def going(self) -> bool:
        """Whether another block is wanted."""
        return self.before < self.epochs and bool(self.alive.any())

    def take(self, loss: Floats, parameters: Floats | None, excess: Floats | None = None) -> Block:
        """What counts of the next block: the loss (count, K) of each epoch, the rest as a Block has it or None.

        Diverged, as in the loop: a loss that is not finite or above DIVERGED_FACTOR times the first; the epoch
        that shows it is still run.
        """
        count = min(len(loss), self.epochs - self.before)
        who = np.flatnonzero(self.alive)
        self.first = loss[0] if self.first is None else self.first
        counted = np.asarray(loss[:count, who], dtype=np.float64)
        bad = ~(np.isfinite(counted) & (counted <= DIVERGED_FACTOR * self.first[who]))
        ended = np.asarray(bad.any(axis=0))
        run = np.where(ended, np.argmax(bad, axis=0) + 1, count)
        kept, known = (
            None if values is None else np.asarray(values[: count + 1, who], dtype=np.float64)
            for values in (parameters, excess)
        )
        block = Block(self.before, self.numbers[who], counted, kept, run, ended, known)
        self.before += count
        self.alive[who[ended]] = False
        return block


def path_of(blocks: Iterable[Block], *, every: bool) -> Path:
    """The Path of one training from its blocks, which hold its parameters; the last ones alone unless `every`."""
    losses: list[Floats] = []
    rows: list[Floats] = []
    diverged = False
    for block in blocks:
        assert block.parameters is not None  # noqa: S101  # engines keep them where they are to make a Path
        run = int(block.epochs_run[0])
        losses.append(block.loss[:run, 0])
        rows = [*rows, block.parameters[bool(rows) : run + 1, 0]] if every else [block.parameters[run : run + 1, 0]]
        diverged = bool(block.diverged[0])
    return Path(np.concatenate(losses), np.concatenate(rows), diverged)
