"""What each optimizer may try on each workload, and what comes of it where rates are chosen on other seeds than scored.

A study gives each optimizer so many tries, chooses the best of them on half of the seeds and scores it on the other
half (Dahl et al. 2023, arXiv:2306.07179, sec. 4.2, have five tries and the median of studies). Studies are drawn from
the trainings that there are.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from harness.judge.medians import Floats, order_statistic
from harness.judge.training.cell import CellSummary, counts, seed_epochs
from harness.judge.training.censored import FEWEST_SEEDS, RANDOM_STATE
from harness.judge.training.contest import EPOCHS, SECONDS, TaskSummary, in_seconds, left_open, shared_tasks
from harness.judge.training.tuning import Tuning

FLOPS, HELD_OUT = "flops", "held-out epochs"
MEASURES = (EPOCHS, SECONDS, FLOPS, HELD_OUT)
RESAMPLES = 400
"""A share of 0.95 of so many has a standard error of 0.011."""
FEWEST = 2
"""Optimizers that are scored: one alone has nobody to be near to."""


@dataclass(frozen=True)
class Trials:
    """Costs by workload and optimizer: `costs[t][o]` (L, S) by try and seed, infinite where the target is not reached.

    `most[t][o]`: the largest cost that could have been seen. `open`: optimizers of whom a better rate may lie outside
    the grid of a workload, by the workload's name. `left_out`: workloads that not every optimizer was run on.
    """

    measure: str
    tasks: tuple[str, ...]
    optimizers: tuple[str, ...]
    costs: tuple[tuple[Floats, ...], ...]
    most: Floats
    open: dict[str, tuple[str, ...]]
    left_out: tuple[str, ...]

    @cached_property
    def tries(self) -> int:
        """The fewest that any optimizer has on any workload."""
        return min(len(one) for row in self.costs for one in row)

    def studies(self, tries: int | None, count: int, *, resample: bool) -> Floats:
        """Costs (count, T, O) of studies of so many tries each; None: of all there are.

        `resample`: the seeds that are scored are drawn with replacement, as for a bootstrap.
        """
        rng = np.random.default_rng((RANDOM_STATE, tries or 0))
        return np.stack([self._task(rng, t, tries, count, resample=resample) for t in range(len(self.tasks))], axis=1)

    def _task(self, rng: np.random.Generator, task: int, tries: int | None, count: int, *, resample: bool) -> Floats:
        """(count, O): every optimizer on the same halves of the seeds."""
        seeds = self.costs[task][0].shape[1]
        order = rng.permuted(np.tile(np.arange(seeds), (count, 1)), axis=1)
        chosen_on, scored_on = order[:, : seeds // 2], order[:, seeds // 2 :]
        if resample:
            scored_on = np.take_along_axis(scored_on, rng.integers(0, scored_on.shape[1], scored_on.shape), axis=1)
        found = []
        for costs in self.costs[task]:
            seen = costs[:, chosen_on]  # (L, count, half of the seeds)
            merit = order_statistic(seen)
            # Where most seeds do not get there, the try with which more of them do is the better one.
            merit = np.where(np.isinf(merit), MUCH * (2 - np.isfinite(seen).mean(axis=2)), merit)
            if tries is not None and tries < len(costs):
                merit = np.where(_ranks(rng, merit.shape) < tries, merit, np.inf)
            best = merit.argmin(axis=0)
            found.append(order_statistic(costs[best[:, None], scored_on]))
        return np.stack(found, axis=1)


MUCH = 1e300
"""In place of an infinite merit."""


def _ranks(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Of each column a random order of its rows."""
    return np.asarray(rng.random(shape).argsort(axis=0).argsort(axis=0))


def trials(tasks: Sequence[TaskSummary], measure: str) -> Trials | None:
    """The costs of all optimizers over the workloads that each of them was run on.

    None where that is nobody's, of fewer than two optimizers, where there are too few seeds for two halves, or where a
    cost is not known: seconds of an epoch that was not timed.
    """
    labels, shared = shared_tasks(tasks)
    pools: dict[str, list[tuple[Floats, float]]] = {}
    for task, tunings in shared:
        asked = [_pool(tunings[label], measure, task.aimed_at) for label in labels]
        known = [one for one in asked if one is not None]
        if len(known) == len(labels):
            pools[task.name] = known
    every = [costs for own in pools.values() for costs, _ in own]
    if len(labels) < FEWEST or not every or any(np.isnan(one).any() for one in every):
        return None
    if min(one.shape[1] for one in every) < 2 * FEWEST_SEEDS:
        return None
    rows = tuple(tuple(costs for costs, _ in own) for own in pools.values())
    most = np.array([[most for _, most in own] for own in pools.values()])
    left = tuple(task.name for task in tasks if task.name not in pools)
    kept = [task for task in tasks if task.name in pools]
    return Trials(measure, tuple(pools), labels, rows, most, left_open(kept), left)


def _pool(tuning: Tuning, measure: str, tolerance: float) -> tuple[Floats, float] | None:
    """Costs (L, S) of an optimizer's tries, and the largest that could be seen; None where the measure has none."""
    run = [cell for cell in tuning.cells if cell.reaches]
    seeds = run[0].cell.seeds
    same = [cell for cell in run if cell.cell.seeds == seeds]
    rows = [_costs(cell, measure, tolerance) for cell in same]
    if any(row is None for row in rows):
        return None
    units = [_unit(cell, measure) or math.nan for cell in same]
    return np.array(rows), max(cell.cell.epochs * unit for cell, unit in zip(same, units, strict=True))


def _costs(cell: CellSummary, measure: str, tolerance: float) -> Floats | None:
    unit = _unit(cell, measure)
    if unit is None:
        return None
    if measure == HELD_OUT:
        return _held_out(cell)
    epochs = np.maximum(seed_epochs(cell.cell, tolerance), 1.0)
    return in_seconds(cell, epochs) if measure == SECONDS else epochs * unit


def _held_out(cell: CellSummary) -> Floats | None:
    """Epochs to the held-out target by seed; None where nothing is held out."""
    found = cell.cell.held_out_to
    return np.where(cell.cell.diverged, math.inf, np.maximum(counts(found), 1.0)) if found else None


def _unit(cell: CellSummary, measure: str) -> float | None:
    """What an epoch costs."""
    if measure == SECONDS:
        return math.nan if cell.loop_epoch_s is None else cell.loop_epoch_s
    return cell.cell.epoch_flops if measure == FLOPS else 1.0
