"""The least training loss of a network that a search finds: plain Adam in float64, from many seeds."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from harness.problems.problem import Floats, Indices
from harness.solvers.training.training import Training
from harness.sweep.held_out import losses_of


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
    """Least losses (seeds,); seed, learning rate and epoch of the least of all; least held-out losses (L, seeds)."""

    by_seed: Floats
    seed: int
    lr: float
    epoch: int
    held_out: Floats | None


class Seen(NamedTuple):
    """Losses (count, K) of seeds (K,) after so many epochs, infinite where none counts; the row of a learning rate.

    `held_out` (K,): the least loss of the rows held out; None where it is not told.
    """

    row: int
    who: Indices
    before: int
    loss: Floats
    held_out: Floats | None


def search(training: Training, effort: SearchSize, progress: Callable[[int], None]) -> Best:
    """The best of all epochs; `progress` hears the epochs that are done, all trainings together."""
    plain = _by_adam(training)
    found = np.full((len(effort.lr), effort.seeds), np.inf)
    at = np.zeros(found.shape, dtype=np.int64)
    there = np.full(found.shape, np.inf)
    told = False
    for row, who, before, loss, held_out in (_by_loop if plain.network else _together)(plain, effort, progress):
        if held_out is not None:
            there[row, who], told = np.minimum(there[row, who], held_out), True
        low, where = loss.min(axis=0), loss.argmin(axis=0)
        better = low < found[row, who]
        found[row, who[better]], at[row, who[better]] = low[better], before + where[better]
    row, seed = divmod(int(np.argmin(found)), effort.seeds)
    return Best(found.min(axis=0), seed, effort.lr[row], int(at[row, seed]), there if told else None)


def _together(training: Training, effort: SearchSize, progress: Callable[[int], None]) -> Iterator[Seen]:
    from harness.solvers.training.batched.batch import blocks
    from harness.solvers.training.batched.engine import batch_of

    held_out = losses_of(training)
    for row, lr in enumerate(effort.lr):
        batch = batch_of(training, [(lr, seed) for seed in range(effort.seeds)])
        for block in blocks(batch, effort.epochs, parameters=held_out is not None):
            there = None
            if held_out is not None and block.parameters is not None:
                there = _counting(held_out(block.parameters), block.epochs_run + 1).min(axis=0)
            yield Seen(row, block.numbers, block.before, _counting(block.loss, block.epochs_run), there)
            progress((row * effort.epochs + block.before + len(block.loss)) * effort.seeds)


def _counting(losses: Floats, count: Indices) -> Floats:
    """Losses (epochs, K), infinite after each training's first `count` (K,) and where they are no numbers."""
    counts = np.arange(len(losses))[:, None] < count
    return np.where(counts & ~np.isnan(losses), losses, np.inf)


def _by_loop(training: Training, effort: SearchSize, progress: Callable[[int], None]) -> Iterator[Seen]:
    """Of a network that only torch can compute: one training after the other."""
    from harness.solvers.training.loop_engine import loop_of, run_path

    for row, lr in enumerate(effort.lr):
        for seed in range(effort.seeds):
            one = replace(training, options=replace(training.options, lr=lr, seed=seed, epochs=effort.epochs))
            loss = run_path(one, loop_of(one), every=False).loss
            yield Seen(row, np.array([seed]), 0, np.where(np.isfinite(loss), loss, np.inf)[:, None], None)
            progress((row * effort.seeds + seed + 1) * effort.epochs)


def _by_adam(training: Training) -> Training:
    """The same network and loss with plain Adam, in float64 and over all rows at a time."""
    unset = ("momentum", "nesterov", "weight_decay", "batch", "scheduler")
    plain = dict.fromkeys(unset) | {"dtype": "float64"}
    options = replace(training.options, **plain)  # type: ignore[arg-type]  # Options checks every value
    return replace(training, optimizer="adam", brought=None, scheduler=None, options=options)
