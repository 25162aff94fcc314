"""Performance profiles: of how many instances an optimizer is how near to the best (Dolan and Moré 2002).

Elizabeth D. Dolan and Jorge J. Moré, Mathematical Programming 91, 201-213.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from harness.judge.medians import Floats
from harness.judge.training.contest import TaskSummary, by_seed, left_open, shared_tasks
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
    labels, shared = shared_tasks(tasks)
    if len(labels) < FEWEST:
        return None
    rows = [_instances(task, tunings, labels, measure) for task, tunings in shared]
    table = np.array([row for task in rows for row in task])
    if not len(table) or np.isnan(table).any():
        return None
    seeds = tuple(len(task) for task in rows if task)
    task_of = np.repeat(np.arange(len(seeds)), seeds)
    by_label, places = {}, {}
    for label, column in zip(labels, ratios(table).T, strict=True):
        order = np.argsort(column, kind="stable")
        by_label[label], places[label] = tuple(column[order].tolist()), tuple(task_of[order].tolist())
    kept = [task for task, _ in shared]
    left_out = tuple(task.name for task in tasks if task.name not in {one.name for one in kept})
    return Profile(measure, by_label, places, seeds, left_out, left_open(kept))


def ratios(costs: Floats) -> Floats:
    """Costs (..., T, O) over the best of each workload; infinite where it is not reached."""
    best = costs.min(axis=-1, keepdims=True)
    with np.errstate(invalid="ignore"):  # nobody gets there
        return np.asarray(np.where(np.isinf(costs), math.inf, costs / best))


def _instances(
    task: TaskSummary, tunings: Mapping[str, Tuning], labels: Sequence[str], measure: str
) -> list[list[float]]:
    """Costs by seed and optimizer, of the seeds that all optimizers were run with."""
    tolerance = task.tightest if task.tolerance is None else task.tolerance
    found = [by_seed(tunings[label], measure, tolerance) for label in labels]
    first = found[0] if found else {}
    return [[one[seed] for one in found] for seed in first if all(seed in one for one in found)]
