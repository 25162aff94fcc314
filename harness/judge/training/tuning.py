"""An optimizer over its learning rates: how each reaches the tolerances, the best one, the range that is good."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from harness.judge.training.cell import CONVERGED, CellSummary, Reach
from harness.judge.training.edges import Edge, edges, is_released, is_searched
from harness.solvers.training.oracle.optimal import Constants, optimal

GOOD_FACTOR = 2.0
"""A learning rate is good if it takes at most this many times the epochs of the best one: the project's choice."""


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


@dataclass(frozen=True)
class Tuning:
    """One optimizer on one task; `cells` by ascending learning rate.

    `tolerance`: the tightest that the median of any cell reaches, None if there is none; `best`: the cell
    that reaches it in the fewest epochs, of equals that of the higher success rate, then the smaller
    learning rate; `good`: the contiguous range around it within GOOD_FACTOR, None of a search; `converging`: all
    learning rates that reach the tightest tolerance looked for.
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
        """The ends of what was run beyond which a better setting may lie, as `edges.edges` has them."""
        return edges([cell for cell in self.cells if cell.reaches], self.best, self.tolerance)

    @property
    def flat_at_edge(self) -> bool:
        """Whether a rate at an end of the grid is nearly as good as the best: one outside may be so, too."""
        return self.good is not None and self.good.open and not self.released

    @property
    def searched(self) -> bool:
        """Whether its cells are tries of a search, and no grid of learning rates."""
        return is_searched(self.cells)

    @property
    def released(self) -> bool:
        """Whether it was run as it is released, and nothing was tuned."""
        return is_released(self.cells)


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
    # Neighbours among the tries of a search differ in more than their learning rates.
    good = None if is_searched(grid) else _good(grid, grid.index(best), tolerance)
    return Tuning(task, optimizer, grid, tolerance, best, good, converging)


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
