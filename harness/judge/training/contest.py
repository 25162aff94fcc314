"""Which optimizer is best on a task, each at its best learning rate, and whether the seeds can tell."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.judge.medians import Floats
from harness.judge.training.cell import CellSummary, seed_epochs
from harness.judge.training.censored import Interval, interval_of, median, median_draws, ratio, ratio_draws
from harness.judge.training.tuning import GOOD_FACTOR, Tuning

EPOCHS, SECONDS = "epochs", "seconds"


@dataclass(frozen=True)
class Rival:
    """One of the others: its median over the leader's, on the seeds that both have, and the ratio's interval."""

    tuning: Tuning
    ratio: float
    interval: Interval | None

    @property
    def behind(self) -> bool:
        """Whether it is worse for sure: the interval excludes 1.

        Where its cost is flat up to the grid's edge, an unseen rate may take as much less as those seen differ: there
        the interval must exclude GOOD_FACTOR.
        """
        least = GOOD_FACTOR if self.tuning.flat_at_edge else 1.0
        return self.interval is not None and self.interval.low > least


@dataclass(frozen=True)
class Contest:
    """Optimizers to one tolerance, by epochs or by seconds: the least median leads, the nearest rival is first.

    A conclusion holds for its grid: no winner is named while a better learning rate of anybody may lie outside.
    The learning rates were chosen on the same seeds, which flatters whoever has more of them by a little.
    """

    measure: str
    tolerance: float
    leader: Tuning
    rivals: tuple[Rival, ...]

    @property
    def sides(self) -> tuple[Tuning, ...]:
        """Everybody, the leader first."""
        return (self.leader, *(rival.tuning for rival in self.rivals))

    @property
    def open(self) -> tuple[Tuning, ...]:
        """Those of whom a better learning rate may lie outside the grid."""
        return tuple(one for one in self.sides if one.edges)

    @property
    def decided(self) -> bool:
        """Whether every rival is behind for sure, and nobody's best may lie outside the grid."""
        return not self.open and all(rival.behind for rival in self.rivals)

    @property
    def level(self) -> tuple[Rival, ...]:
        """The rivals that cannot be told from the leader."""
        return tuple(rival for rival in self.rivals if not rival.behind)


@dataclass(frozen=True)
class TaskSummary:
    """A model on a problem, and the optimizers that were tried on it.

    `tolerance`: the tightest that any of them reaches, None if nobody reaches any; the contests are to it,
    and None if it is or, of seconds, if the leader's epoch was not timed.
    """

    name: str
    tunings: tuple[Tuning, ...]
    tolerance: float | None
    by_epochs: Contest | None
    by_seconds: Contest | None

    @property
    def aimed_at(self) -> float:
        """What is scored: the target of a suite's workload, else the tolerance of the contests."""
        of_suite = any(cell.cell.suite for tuning in self.tunings for cell in tuning.cells)
        return self.tightest if of_suite or self.tolerance is None else self.tolerance

    @property
    def open(self) -> tuple[str, ...]:
        """The optimizers of which a better setting may lie outside of what was tried."""
        return tuple(tuning.optimizer for tuning in self.tunings if tuning.edges)

    @property
    def tightest(self) -> float:
        """The tightest tolerance that was looked for; 0 if nothing was run."""
        return min((reach.tolerance for t in self.tunings for cell in t.cells for reach in cell.reaches), default=0.0)


def shared_tasks(tasks: Sequence[TaskSummary]) -> tuple[tuple[str, ...], list[tuple[TaskSummary, dict[str, Tuning]]]]:
    """The optimizers that were run at all, and the tasks that each of them was run on, with its tuning there."""
    run = [(task, {one.optimizer: one for one in task.tunings if one.run}) for task in tasks]
    optimizers = tuple(dict.fromkeys(name for _, tunings in run for name in tunings))
    return optimizers, [(task, tunings) for task, tunings in run if tunings.keys() >= set(optimizers)]


def left_open(tasks: Sequence[TaskSummary]) -> dict[str, tuple[str, ...]]:
    """By task those of whom a better setting may lie outside, where there are any: no winner is named then."""
    return {task.name: task.open for task in tasks if task.open}


def summarise_task(name: str, tunings: Sequence[Tuning]) -> TaskSummary:
    """Rank the optimizers of a task."""
    tolerance = min((t.tolerance for t in tunings if t.tolerance is not None), default=None)
    found = (None, None) if tolerance is None else tuple(_contest(tunings, m, tolerance) for m in (EPOCHS, SECONDS))
    return TaskSummary(name, tuple(tunings), tolerance, *found)


def _contest(tunings: Sequence[Tuning], measure: str, tolerance: float) -> Contest | None:
    """All that were run, one that does not reach the tolerance infinitely far behind; None if a cost is not known."""
    medians = {i: median(costs(t, measure, tolerance)) for i, t in enumerate(tunings) if t.run}
    if any(map(math.isnan, medians.values())):
        return None
    leader, *others = (tunings[i] for i in sorted(medians, key=lambda i: medians[i]))
    rivals = (_rival(tuning, leader, measure, tolerance) for tuning in others)
    return Contest(measure, tolerance, leader, tuple(sorted(rivals, key=lambda rival: rival.ratio)))


def costs(tuning: Tuning, measure: str, tolerance: float) -> Floats:
    """(S,): epochs or seconds by seed at the best learning rate, infinite where the tolerance was not reached.

    Nothing costs less than one epoch, so that a start within the tolerance is no division by zero. NaN:
    seconds of an epoch that was not timed.
    """
    assert tuning.subject is not None  # noqa: S101  # only what was run has costs
    epochs = np.maximum(seed_epochs(tuning.subject.cell, tolerance), 1.0)
    return np.asarray(epochs) if measure == EPOCHS else in_seconds(tuning.subject, epochs)


def in_seconds(subject: CellSummary, epochs: Floats) -> Floats:
    """Epochs (S,) as seconds of the textbook loop; NaN where its epoch was not timed.

    Where a training may take only so many seconds, what the loop takes before its first epoch is part of them, and what
    needs more does not get there.
    """
    epoch_s, cell = subject.loop_epoch_s, subject.cell
    taken = epochs * (math.nan if epoch_s is None else epoch_s)
    if cell.max_s is None:
        return np.asarray(taken)
    taken = taken + (cell.prepare_s or 0.0)
    return np.asarray(np.where(taken > cell.max_s, math.inf, taken))


def by_seed(tuning: Tuning, measure: str, tolerance: float) -> dict[int, float]:
    """`costs` by seed."""
    assert tuning.subject is not None  # noqa: S101  # as above
    return dict(zip(tuning.subject.cell.seeds, costs(tuning, measure, tolerance).tolist(), strict=True))


def _rival(tuning: Tuning, leader: Tuning, measure: str, tolerance: float) -> Rival:
    mine, theirs = by_seed(tuning, measure, tolerance), by_seed(leader, measure, tolerance)
    common = [seed for seed in mine if seed in theirs]
    if not common:
        return Rival(tuning, math.nan, None)
    above, below = (np.array([side[seed] for seed in common]) for side in (mine, theirs))
    draws = ratio_draws(above, below)
    if draws is not None and measure == SECONDS:
        draws = _with_timing(draws, tuning, leader)
    return Rival(tuning, ratio(median(above), median(below)), None if draws is None else interval_of(draws))


def _with_timing(draws: Floats, tuning: Tuning, leader: Tuning) -> Floats:
    """The draws, with the median of the timed epochs drawn anew on both sides: seconds are no surer than these."""
    factor = np.ones_like(draws)
    for side, salt, sign in ((tuning, 0, 1.0), (leader, 1, -1.0)):
        assert side.subject is not None  # noqa: S101  # as above
        wall_s = np.array(side.subject.cell.loop_epoch.wall_s)
        factor *= (median_draws(wall_s, salt) / median(wall_s)) ** sign
    # A ratio of 1 is one where neither gets there, and no epoch's seconds make one of the two the later.
    return np.asarray(np.where(draws == 1.0, draws, draws * factor))
