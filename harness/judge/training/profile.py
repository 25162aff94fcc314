"""Performance profiles: of how many instances an optimizer is how near to the best (Dolan and Moré 2002).

Elizabeth D. Dolan and Jorge J. Moré, Mathematical Programming 91, 201-213.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from harness.judge.training.contest import TaskSummary, by_seed, left_open
from harness.judge.training.tuning import Tuning

FEWEST = 2
"""Optimizers in a profile: one alone has nobody to be near to."""


@dataclass(frozen=True)
class Profile:
    """`ratios`: by optimizer, its cost over the best one's on each task and seed, ascending; infinite is never.

    Each optimizer trains at its task's best learning rate. A task counts once, however many seeds it has: `tasks`, by
    optimizer and beside its ratios, has each ratio's task, and `seeds` how many each task has. `left_out`: tasks that
    not every optimizer was run on. `open`: as `contest.left_open` has it, of the other tasks.
    """

    measure: str
    ratios: Mapping[str, tuple[float, ...]]
    tasks: Mapping[str, tuple[int, ...]]
    seeds: tuple[int, ...]
    left_out: tuple[str, ...]
    open: Mapping[str, tuple[str, ...]]

    @property
    def instances(self) -> int:
        """How many tasks there are."""
        return len(self.seeds)

    def share(self, optimizer: str, tau: float) -> float:
        """The share of instances solved within tau times the best: rho(tau), eq. 2 of Dolan and Moré.

        At tau = infinity it is the share that is solved at all.
        """
        ratios = self.ratios[optimizer]
        solved = bisect_right(ratios, tau) if math.isfinite(tau) else bisect_left(ratios, math.inf)
        counts = np.bincount(np.array(self.tasks[optimizer][:solved], dtype=np.int64), minlength=self.instances)
        return float(np.mean(counts / np.array(self.seeds)))

    def steps(self, optimizer: str) -> tuple[tuple[float, float], ...]:
        """(tau, rho) at each jump, from tau = 1 on: what to draw."""
        jumps = sorted({1.0, *(r for r in self.ratios[optimizer] if math.isfinite(r))})
        return tuple((tau, self.share(optimizer, tau)) for tau in jumps)


def profile(tasks: Sequence[TaskSummary], measure: str) -> Profile | None:
    """The profile of all optimizers over the tasks that each of them was run on.

    None with fewer than two optimizers, without such a task, or where a cost is not known: seconds of an
    epoch that was not timed.
    """
    found = [{t.optimizer: t for t in task.tunings if t.run} for task in tasks]
    labels = tuple(dict.fromkeys(label for tunings in found for label in tunings))
    if len(labels) < FEWEST:
        return None
    complete = [i for i, tunings in enumerate(found) if set(labels) <= set(tunings)]
    rows = [_instances(tasks[i], found[i], labels, measure) for i in complete]
    table = np.array([row for task in rows for row in task])
    if not len(table) or np.isnan(table).any():
        return None
    best = table.min(axis=1, keepdims=True)
    with np.errstate(invalid="ignore"):  # nobody solves it
        ratios = np.where(np.isinf(table), math.inf, table / best)
    left_out = tuple(task.name for i, task in enumerate(tasks) if i not in complete)
    seeds = tuple(len(task) for task in rows if task)
    task_of = np.repeat(np.arange(len(seeds)), seeds)
    order = {label: np.argsort(column, kind="stable") for label, column in zip(labels, ratios.T, strict=True)}
    by_label = {label: tuple(column[order[label]].tolist()) for label, column in zip(labels, ratios.T, strict=True)}
    places = {label: tuple(task_of[order[label]].tolist()) for label in labels}
    return Profile(measure, by_label, places, seeds, left_out, left_open([tasks[i] for i in complete]))


def _instances(
    task: TaskSummary, tunings: Mapping[str, Tuning], labels: Sequence[str], measure: str
) -> list[list[float]]:
    """Costs by seed and optimizer, of the seeds that all optimizers were run with."""
    tolerance = task.tightest if task.tolerance is None else task.tolerance
    found = [by_seed(tunings[label], measure, tolerance) for label in labels]
    return [[one[seed] for one in found] for seed in found[0] if all(seed in one for one in found)]
