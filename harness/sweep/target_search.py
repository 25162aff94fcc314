"""The least training loss of a network that a search finds: plain Adam in float64, from many seeds."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from harness.problems.problem import Floats, Indices
from harness.solvers.training.training import Training


@dataclass(frozen=True)
class SearchSize:
    """Adam from seeds 0 .. seeds - 1 at each learning rate; epochs a training."""

    seeds: int
    epochs: int
    lr: tuple[float, ...]

    @property
    def total_epochs(self) -> int:
        """Epochs of all trainings."""
        return self.seeds * self.epochs * len(self.lr)


class Best(NamedTuple):
    """Least losses (seeds,); and seed, learning rate and epoch of the least of all."""

    by_seed: Floats
    seed: int
    lr: float
    epoch: int


Seen = tuple[int, Indices, int, Floats]
"""Row of a learning rate, seeds (K,), epochs that they had before, losses (count, K), infinite where none counts."""


def search(training: Training, effort: SearchSize, progress: Callable[[int], None]) -> Best:
    """The best of all epochs; `progress` hears the epochs that are done, all trainings together."""
    plain = _by_adam(training)
    found = np.full((len(effort.lr), effort.seeds), np.inf)
    at = np.zeros(found.shape, dtype=np.int64)
    for row, who, before, loss in (_by_loop if plain.network else _together)(plain, effort, progress):
        low, where = loss.min(axis=0), loss.argmin(axis=0)
        better = low < found[row, who]
        found[row, who[better]], at[row, who[better]] = low[better], before + where[better]
    row, seed = divmod(int(np.argmin(found)), effort.seeds)
    return Best(found.min(axis=0), seed, effort.lr[row], int(at[row, seed]))


def _together(training: Training, effort: SearchSize, progress: Callable[[int], None]) -> Iterator[Seen]:
    from harness.solvers.training.batched.batch import blocks
    from harness.solvers.training.batched.engine import batch_of

    for row, lr in enumerate(effort.lr):
        batch = batch_of(training, [(lr, seed) for seed in range(effort.seeds)])
        for block in blocks(batch, effort.epochs, parameters=False):
            run = np.arange(len(block.loss))[:, None] < block.epochs_run
            yield row, block.numbers, block.before, np.where(run & ~np.isnan(block.loss), block.loss, np.inf)
            progress((row * effort.epochs + block.before + len(block.loss)) * effort.seeds)


def _by_loop(training: Training, effort: SearchSize, progress: Callable[[int], None]) -> Iterator[Seen]:
    """Of a network that only torch can compute: one training after the other."""
    from harness.solvers.training.loop_engine import loop_of, run_path

    for row, lr in enumerate(effort.lr):
        for seed in range(effort.seeds):
            one = replace(training, options=replace(training.options, lr=lr, seed=seed, epochs=effort.epochs))
            loss = run_path(one, loop_of(one), every=False).loss
            yield row, np.array([seed]), 0, np.where(np.isfinite(loss), loss, np.inf)[:, None]
            progress((row * effort.seeds + seed + 1) * effort.epochs)


def _by_adam(training: Training) -> Training:
    """The same network and loss with plain Adam, in float64 and over all rows at a time."""
    unset = ("momentum", "nesterov", "weight_decay", "batch", "scheduler")
    plain = dict.fromkeys(unset) | {"dtype": "float64"}
    options = replace(training.options, **plain)  # type: ignore[arg-type]  # Options checks every value
    return replace(training, optimizer="adam", brought=None, scheduler=None, options=options)
