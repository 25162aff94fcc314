"""How the trainings of a cell reach the tolerances, and how they ended."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.judge.medians import Floats, measurable
from harness.judge.training.censored import Interval, median, median_interval
from harness.records.record import Status
from harness.records.sweep import Cell

CONVERGED, CENSORED, DIVERGED = "converged", "censored", "diverged"
"""How a cell whose trainings were run ends; the others end as their records say, unsupported or error."""
REACHED = "reached"
"""Before the tightest tolerance that most seeds reached, where that is not the tightest that was looked for."""
DIVERGED_SHARE = 0.5
"""From this share of diverged seeds on, the cell is called diverged: as a median is, half of them speak for it."""


@dataclass(frozen=True)
class Reach:
    """A cell and one tolerance. `epochs`: median over seeds, infinite if censored; `success`: share of seeds.

    `interval` is None of too few seeds; `seconds` and theirs are epochs times the textbook loop's median
    epoch, None where that was not timed. `predicted`: the recurrence's median, None where there is none.
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


def seed_epochs(cell: Cell, tolerance: float) -> Floats:
    """(S,): epochs to a tolerance by seed, infinite where it is censored, not looked for, or the training diverged.

    A training that passed the tolerance and then diverged has not arrived either: nobody would keep it.
    """
    if tolerance not in cell.tolerances:
        return np.full(len(cell.seeds), math.inf)
    return np.where(cell.diverged, math.inf, counts(cell.epochs_to[cell.tolerances.index(tolerance)]))


def counts(row: Sequence[int | None]) -> Floats:
    """(S,): epochs by seed, infinite where None says that they are censored."""
    return np.array([math.inf if epochs is None else float(epochs) for epochs in row])


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
        predicted=median_of(cell.predicted[cell.tolerances.index(tolerance)]) if cell.predicted else None,
    )


def median_of(row: Sequence[int | None]) -> float:
    """The median over seeds, of which None is censored."""
    return median(counts(row))
