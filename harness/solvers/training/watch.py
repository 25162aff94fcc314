"""What is seen of K trainings while they go: when each reached what, where it stood, how it ended."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.problems.problem import Floats
from harness.solvers.training.learning_map import CENSORED, HELD_OUT, Counts, Flags, Learned, LearningMap, curve_epochs
from harness.solvers.training.training import Aim, Grid


@dataclass(frozen=True)
class Block:
    """What K trainings, `numbers` (K,) of the grid, did in the `count` epochs after their first `before`.

    `loss` (count, K) float64: what each epoch stepped from. `parameters` (count + 1, K, P) float64, in the
    module's order: before the block and after each of its epochs; None where nobody wants them. `epochs_run`
    (K,): how many of the epochs count, fewer for a training that diverged in the block; `diverged` (K,).
    `excess` (count + 1, K): the relative excess loss there, of an engine that knows it better than its parameters
    do; else None.
    """

    before: int
    numbers: Counts
    loss: Floats
    parameters: Floats | None
    epochs_run: Counts
    diverged: Flags
    excess: Floats | None = None

    def alone(self, column: int) -> "Block":
        """The same of one of the trainings."""
        one = slice(column, column + 1)
        parameters = None if self.parameters is None else self.parameters[:, one]
        excess = None if self.excess is None else self.excess[:, one]
        numbers, run, diverged = self.numbers[one], self.epochs_run[one], self.diverged[one]
        return Block(self.before, numbers, self.loss[:, one], parameters, run, diverged, excess)


class Watch:
    """Collects Learned from blocks, in whatever order the trainings come."""

    def __init__(self, grid: Grid, aim: Aim, epochs: int, total: int | None = None) -> None:
        """For all trainings of a grid, of `epochs` epochs each; for `total` of them, which another one takes in."""
        total = len(grid.cases) if total is None else total
        self.shape, self.aim, self.epochs = grid.shape, aim, epochs
        self.at = curve_epochs(epochs)
        self.reached = np.full((len(aim.tolerances), total), CENSORED, dtype=np.int64)
        self.run = np.zeros(total, dtype=np.int64)
        self.final = np.full(total, np.nan)
        self.diverged = np.zeros(total, dtype=np.bool_)
        self.excess = np.full((len(self.at), total), np.nan)
        self.loss = np.full((len(self.at), total), np.nan)
        self.held_out = None if aim.held_out is None else np.full(total, CENSORED, dtype=np.int64)

    @property
    def wants_parameters(self) -> bool:
        """A curve is judged by its losses alone, unless rows are held out."""
        return not self.aim.of_curve or self.aim.held_out is not None

    def note(self, block: Block) -> None:
        """Take a block in."""
        with np.errstate(all="ignore"):
            excess = self._excess(block)
        # A curve's excess after its last epoch is not known: no later epoch steps from there.
        rows = block.epochs_run + len(excess) - len(block.loss)
        known = np.arange(len(excess))[:, None] < rows
        seen = np.where(known & ~np.isnan(excess), excess, np.inf)
        for level, tolerance in zip(self.reached, self.aim.tolerances, strict=True):
            new = (level[block.numbers] == CENSORED) & (seen.min(axis=0) <= tolerance)
            level[block.numbers[new]] = block.before + np.argmax(seen[:, new] <= tolerance, axis=0)
        self.final[block.numbers] = excess[rows - 1, np.arange(len(rows))]
        self.run[block.numbers] = block.before + block.epochs_run
        self.diverged[block.numbers] = block.diverged
        self._draw(block, np.where(known, excess, np.nan))
        self._note_held_out(block)

    def _note_held_out(self, block: Block) -> None:
        """When the trainings that were not there yet come to the held-out target."""
        if self.held_out is None or self.aim.held_out is None or block.parameters is None:
            return
        left = self.held_out[block.numbers] == CENSORED
        if not left.any():
            return
        with np.errstate(all="ignore"):
            there = self.aim.held_out(block.parameters[:, left]) <= HELD_OUT
        there &= np.arange(len(there))[:, None] <= block.epochs_run[left]
        new = there.any(axis=0)
        self.held_out[block.numbers[left][new]] = block.before + np.argmax(there[:, new], axis=0)

    def take(self, part: "Watch", within: slice) -> None:
        """Take in what another one has seen of the trainings `within`."""
        for name in ("reached", "run", "final", "diverged", "excess", "loss"):
            getattr(self, name)[..., within] = getattr(part, name)
        if self.held_out is not None and part.held_out is not None:
            self.held_out[within] = part.held_out

    def _excess(self, block: Block) -> Floats:
        """Relative excess loss, by epochs done: (count + 1, K) from parameters, (count, K) from losses."""
        if block.excess is not None:
            return block.excess
        if self.aim.of_curve:
            return np.asarray((block.loss - self.aim.best_loss) / self.aim.loss_scale)
        assert block.parameters is not None  # noqa: S101  # wants_parameters
        return self.aim.excess_of(block.parameters)

    def _draw(self, block: Block, excess: Floats) -> None:
        """Write down the points of the curves that lie in a block."""
        for table, values in ((self.excess, excess), (self.loss, self._losses(block))):
            inside = (self.at >= block.before) & (self.at < block.before + len(values))
            table[np.ix_(inside, block.numbers)] = values[self.at[inside] - block.before]

    def _losses(self, block: Block) -> NDArray[np.float64]:
        """Losses by epochs done, NaN after a training's last step."""
        stepped = np.arange(len(block.loss))[:, None] < block.epochs_run
        return np.where(stepped, block.loss, np.nan)

    def learned(self) -> Learned:
        """By learning rate and seed."""
        ended = LearningMap(
            self.aim.tolerances,
            self.reached.reshape(-1, *self.shape),
            self.run.reshape(self.shape),
            self.final.reshape(self.shape),
            self.diverged.reshape(self.shape),
        )
        shape = (len(self.at), *self.shape)
        held_out = None if self.held_out is None else self.held_out.reshape(self.shape)
        return Learned(ended, self.at, self.excess.reshape(shape), self.loss.reshape(shape), held_out)
