"""An optimizer over its learning rates: how each reaches the tolerances, the best one, the range that is good."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from harness.judge.measurable import measurable
from harness.judge.medians import Floats
from harness.judge.training.censored import Interval, median, median_interval
from harness.records.record import Status
from harness.records.sweep import Cell
from harness.solvers.training.oracle.optimal import Constants, optimal

CONVERGED, CENSORED, DIVERGED = "converged", "censored", "diverged"
"""How a cell whose trainings were run ends; the others end as their records say, unsupported or error."""
REACHED = "reached"
"""Before the tightest tolerance that most seeds reached, where that is not the tightest that was looked for."""
LOWEST, HIGHEST = "lowest", "highest"
GOOD_FACTOR = 2.0
"""A learning rate is good if it takes at most this many times the epochs of the best one: the project's choice."""
DIVERGED_SHARE = 0.5
"""From this share of diverged seeds on, the cell is called diverged: as a median is, half of them speak for it."""

PARTED = 0.1
"""Measured and predicted epochs that differ by more than this share of those predicted need a reason."""


@dataclass(frozen=True)
class Reach:
    """A cell and one tolerance. `epochs`: median over seeds, infinite if censored; `success`: share of seeds.

    `interval` is None of too few seeds; `seconds` and theirs are epochs times the textbook loop's median
    epoch, None where that was not timed. `predicted`: the closed form's median, None where there is none.
    """

    tolerance: float
    epochs: float
    interval: Interval | None
    success: float
    seconds: float | None
    seconds_interval: Interval | None
    predicted: float | None

    @property
    def beyond_theory(self) -> float | None:
        """Epochs measured minus predicted; None where there is no theory, or one of them is censored."""
        if self.predicted is None or math.isinf(self.epochs) or math.isinf(self.predicted):
            return None
        return self.epochs - self.predicted


@dataclass(frozen=True)
class CellSummary:
    """A cell, its optimizer's label and its figures. `reaches` is empty where nothing was run.

    `final_gap`: median relative excess loss at the end of the seeds that did not diverge, None if there is
    none; `loop_epoch_s`: median seconds of the textbook loop's epoch.
    """

    cell: Cell
    optimizer: str
    status: str
    reaches: tuple[Reach, ...] = ()
    final_gap: float | None = None
    diverged: int = 0
    loop_epoch_s: float | None = None

    @property
    def lr(self) -> float:
        """The learning rate."""
        return self.cell.lr

    @property
    def start_gap(self) -> float | None:
        """Median relative excess loss of the initial weights; None where no curve was kept."""
        known = [gap for gap in (self.cell.excess[0] if self.cell.excess else ()) if not math.isnan(gap)]
        return median(np.array(known)) if known else None

    @property
    def lr_over_limit(self) -> float | None:
        """In units of the stability limit: above 1 gradient descent must diverge.

        Adam's is that of its preconditioned Hessian, the largest along a training: above 1 it oscillates.
        """
        limit = self.cell.stability_limit
        return self.cell.sharpness_over_limit if limit is None else self.lr / limit

    def to(self, tolerance: float | None) -> Reach | None:
        """How it reaches a tolerance; None if it was not looked for."""
        return next((reach for reach in self.reaches if reach.tolerance == tolerance), None)

    def epochs_to(self, tolerance: float | None) -> float:
        """Median epochs, infinite if censored or not run."""
        found = self.to(tolerance)
        return math.inf if found is None else found.epochs


@dataclass(frozen=True)
class Region:
    """A range of the grid's learning rates, `low` to `high`, both in it, of `points` grid points.

    `below`, `above`: the nearest measured learning rates outside of it, None where the grid ends: the
    range is at least this wide. `points` is fewer than the grid has between the ends if there are gaps.
    """

    low: float
    high: float
    points: int
    below: float | None
    above: float | None

    @property
    def decades(self) -> float:
        """log10(high / low): the width that was seen."""
        return math.log10(self.high / self.low)

    @property
    def most_decades(self) -> float:
        """The width that the grid allows, up to the learning rates outside; infinite at the grid's edge."""
        return math.inf if self.open else math.log10((self.above or self.high) / (self.below or self.low))

    @property
    def open(self) -> bool:
        """Whether it touches the grid's edge."""
        return self.below is None or self.above is None


class Edge(NamedTuple):
    """An end of a grid beyond which a better learning rate may lie: the `side`, `lowest` or `highest`, and its rate.

    `best`: the best learning rate is there; else the cost, or the gap of what does not arrive, still falls towards it.
    """

    side: str
    lr: float
    best: bool


@dataclass(frozen=True)
class Tuning:
    """One optimizer on one task; `cells` by ascending learning rate.

    `tolerance`: the tightest that the median of any cell reaches, None if there is none; `best`: the cell
    that reaches it in the fewest epochs, of equals that of the higher success rate, then the smaller
    learning rate; `good`: the contiguous range around it within GOOD_FACTOR; `converging`: all learning
    rates that reach the tightest tolerance looked for.
    """

    task: str
    optimizer: str
    cells: tuple[CellSummary, ...]
    tolerance: float | None
    best: CellSummary | None
    good: Region | None
    converging: Region | None

    @property
    def reach(self) -> Reach | None:
        """How the best learning rate reaches the tolerance that it is the best for."""
        return None if self.best is None else self.best.to(self.tolerance)

    @property
    def optimal(self) -> Constants | None:
        """The best constants for the worst start, of SGD with the momentum that it has; None where nothing is known."""
        cell = None if self.subject is None else self.subject.cell
        if cell is None or not cell.curvature:
            return None
        momentum, nesterov = bool(cell.options.get("momentum")), bool(cell.options.get("nesterov"))
        return optimal(*cell.curvature, momentum=momentum, nesterov=nesterov)

    @property
    def condition(self) -> float | None:
        """kappa: the Hessian's largest eigenvalue over its least above 0; None where it is not kept."""
        cell = None if self.subject is None else self.subject.cell
        return cell.curvature[1] / cell.curvature[0] if cell is not None and cell.curvature else None

    @property
    def run(self) -> bool:
        """Whether anything was."""
        return self.subject is not None

    @property
    def subject(self) -> CellSummary | None:
        """The best learning rate's cell, else the first that was run, else None."""
        return self.best or next((cell for cell in self.cells if cell.reaches), None)

    @property
    def best_at_edge(self) -> bool:
        """Whether the best learning rate is the first or the last of several: a better one may lie outside."""
        return len(self.cells) > 1 and self.best in (self.cells[0], self.cells[-1])

    @cached_property
    def edges(self) -> tuple[Edge, ...]:
        """The ends of what was run beyond which a better learning rate may lie; a single rate is both ends.

        The tries of a search have none: they are from a stated space.
        """
        grid = [cell for cell in self.cells if cell.reaches]
        if not grid or self.searched:
            return ()
        merits = [_merit(cell, self.tolerance) for cell in grid]
        best = grid.index(self.best) if self.best in grid else merits.index(min(merits))
        last = len(grid) - 1
        found = []
        for side, end, inner in ((LOWEST, 0, min(1, last)), (HIGHEST, last, max(last - 1, 0))):
            # Where nothing trains at any rate, a lower one may.
            lost = side == LOWEST and min(merits) == (math.inf, math.inf)
            if best == end or merits[end] < merits[inner] or lost:
                found.append(Edge(side, grid[end].lr, best == end))
        return tuple(found)

    @property
    def flat_at_edge(self) -> bool:
        """Whether a rate at an end of the grid is nearly as good as the best: one outside may be so, too."""
        return self.good is not None and self.good.open and not self.searched

    @property
    def searched(self) -> bool:
        """Whether its cells are tries of a search, and no grid of learning rates."""
        return any(cell.cell.trial is not None for cell in self.cells)


def seed_epochs(cell: Cell, tolerance: float) -> Floats:
    """(S,): epochs to a tolerance by seed, infinite where it is censored, not looked for, or the training diverged.

    A training that passed the tolerance and then diverged has not arrived either: nobody would keep it.
    """
    if tolerance not in cell.tolerances:
        return np.full(len(cell.seeds), math.inf)
    row = cell.epochs_to[cell.tolerances.index(tolerance)]
    return np.array(
        [
            math.inf if epochs is None or diverged else float(epochs)
            for epochs, diverged in zip(row, cell.diverged, strict=True)
        ]
    )


def tolerance_text(tolerance: float) -> str:
    """1e-4, as the tables write it."""
    return f"{tolerance:.6g}" if float(f"{tolerance:.0e}") != tolerance else f"{tolerance:.0e}".replace("e-0", "e-")


def ending(reached: Sequence[float], tolerances: Sequence[float]) -> str:
    """How trainings ended by the tightest tolerance that was `reached`: converged, `reached 1e-4`, or censored."""
    if not reached:
        return CENSORED
    return CONVERGED if min(reached) == min(tolerances) else f"{REACHED} {tolerance_text(min(reached))}"


def summarise_cell(cell: Cell, optimizer: str) -> CellSummary:
    """The figures of one cell under the optimizer's label."""
    if cell.status is not Status.OK:
        return CellSummary(cell, optimizer, cell.status.value)
    wall_s = cell.loop_epoch.wall_s
    epoch_s = median(np.array(wall_s)) if wall_s and measurable(wall_s) else None
    reaches = tuple(_reach(cell, tolerance, epoch_s) for tolerance in sorted(cell.tolerances, reverse=True))
    diverged = sum(cell.diverged)
    gaps = [gap for gap, gone in zip(cell.final, cell.diverged, strict=True) if not gone and not math.isnan(gap)]
    status = ending([reach.tolerance for reach in reaches if math.isfinite(reach.epochs)], cell.tolerances)
    if status == CENSORED and diverged >= DIVERGED_SHARE * len(cell.seeds):
        status = DIVERGED
    return CellSummary(cell, optimizer, status, reaches, median(np.array(gaps)) if gaps else None, diverged, epoch_s)


def _reach(cell: Cell, tolerance: float, epoch_s: float | None) -> Reach:
    epochs = seed_epochs(cell, tolerance)
    middle, interval = median(epochs), median_interval(epochs)
    return Reach(
        tolerance=tolerance,
        epochs=middle,
        interval=interval,
        success=float(np.mean(np.isfinite(epochs))),
        seconds=None if epoch_s is None else middle * epoch_s,
        seconds_interval=None if epoch_s is None or interval is None else interval.times(epoch_s),
        predicted=_counted(cell.predicted[cell.tolerances.index(tolerance)]) if cell.predicted else None,
    )


def _counted(row: Sequence[int | None]) -> float:
    """The median over seeds, of which None is censored."""
    return median(np.array([math.inf if value is None else float(value) for value in row]))


class Parting(NamedTuple):
    """Epochs to a tolerance, medians over seeds, infinite if censored, that differ by more than a tenth.

    `crossed`: those measured, of the trainings that diverged later too.
    """

    tolerance: float
    measured: float
    predicted: float
    crossed: float


def part(measured: float, predicted: float) -> bool:
    """Whether epochs differ by more than PARTED of those predicted."""
    if math.isinf(measured) or math.isinf(predicted):
        return measured != predicted
    return abs(measured - predicted) > PARTED * predicted


def partings(cell: Cell) -> list[Parting]:
    """To which tolerances measured and predicted epochs part; none where nothing is predicted."""
    found = [
        Parting(tolerance, median(seed_epochs(cell, tolerance)), _counted(predicted), _counted(crossed))
        for tolerance, predicted, crossed in zip(cell.tolerances, cell.predicted or (), cell.epochs_to, strict=False)
    ]
    return [one for one in found if part(one.measured, one.predicted)]


def _merit(cell: CellSummary, tolerance: float | None) -> tuple[float, float]:
    """What a learning rate is judged by, the less the better: epochs to the tolerance, else its final gap.

    The gap is infinite where the training diverged, or ended no lower than it began.
    """
    epochs = cell.epochs_to(tolerance)
    if math.isfinite(epochs):
        return epochs, 0.0
    gap, start = cell.final_gap, cell.start_gap
    lost = cell.status == DIVERGED or gap is None or (start is not None and gap >= start)
    return math.inf, math.inf if lost or gap is None else gap


def tune(task: str, optimizer: str, cells: Sequence[CellSummary]) -> Tuning:
    """Find the best learning rate of an optimizer and what lies around it."""
    grid = tuple(sorted(cells, key=lambda cell: cell.lr))
    reached = [reach.tolerance for cell in grid for reach in cell.reaches if math.isfinite(reach.epochs)]
    if not reached:
        return Tuning(task, optimizer, grid, None, None, None, None)
    tolerance = min(reached)

    def order(cell: CellSummary) -> tuple[float, float, float]:
        found = cell.to(tolerance)
        return cell.epochs_to(tolerance), -(found.success if found else 0.0), cell.lr

    best = min(grid, key=order)
    ends = [i for i, cell in enumerate(grid) if cell.status == CONVERGED]
    converging = _region(grid, ends[0], ends[-1], len(ends)) if ends else None
    return Tuning(task, optimizer, grid, tolerance, best, _good(grid, grid.index(best), tolerance), converging)


def _good(grid: Sequence[CellSummary], best: int, tolerance: float) -> Region:
    """The contiguous range around the grid's best whose medians are within GOOD_FACTOR of its."""
    most = GOOD_FACTOR * max(grid[best].epochs_to(tolerance), 1.0)
    first = last = best
    while first > 0 and grid[first - 1].epochs_to(tolerance) <= most:
        first -= 1
    while last + 1 < len(grid) and grid[last + 1].epochs_to(tolerance) <= most:
        last += 1
    return _region(grid, first, last, last - first + 1)


def _region(grid: Sequence[CellSummary], first: int, last: int, points: int) -> Region:
    """Learning rates `first` to `last` of the grid; a neighbour that was not run is as the grid's edge."""
    below = grid[first - 1] if first > 0 else None
    above = grid[last + 1] if last + 1 < len(grid) else None
    outside = [cell.lr if cell is not None and cell.reaches else None for cell in (below, above)]
    return Region(grid[first].lr, grid[last].lr, points, outside[0], outside[1])
