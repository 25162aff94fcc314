"""Rows of section 4 from a sweep's summary: its curves, its targets, its profiles, its tables."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from harness.judge.training.cell import CENSORED, DIVERGED, CellSummary
from harness.judge.training.contest import EPOCHS, TaskSummary
from harness.judge.training.convergence import SweepSummary
from harness.judge.training.profile import Profile
from harness.judge.training.tuning import Tuning
from harness.report.figures.axes import MOST_CURVES
from harness.report.figures.bands import BAND, quantiles, span
from harness.report.figures.rows import Row, short
from harness.report.words import sweep as words

START = 0.5
"""Where epoch 0 is drawn on an axis of logarithms: beside epoch 1."""


def keys(cell: CellSummary) -> dict[str, Any]:
    """What the reader filters a cell's rows by."""
    found = cell.cell
    named = {"solver": found.solver, "problem": found.problem, "device": found.device, "n": found.n}
    return {**named, "lr": found.lr, "optimizer": cell.optimizer}


def ordered(task: TaskSummary) -> list[Tuning]:
    """The optimizers that were run, the best first."""
    contest = task.by_epochs
    ranked = [] if contest is None else [contest.leader, *(rival.tuning for rival in contest.rivals)]
    return [*ranked, *(t for t in task.tunings if t.run and t not in ranked)]


def drawn_cells(tuning: Tuning) -> list[CellSummary]:
    """The learning rates whose curves are drawn: all, or of many the ends of the grid and those nearest to the best."""
    cells = [cell for cell in tuning.cells if cell.reaches and cell.cell.at]
    if len(cells) <= MOST_CURVES:
        return cells
    by_rate = sorted(cells, key=lambda cell: cell.lr)
    middle = by_rate[len(by_rate) // 2] if tuning.best is None else tuning.best
    ends = (by_rate[0].lr, by_rate[-1].lr)

    def farness(cell: CellSummary) -> tuple[bool, float]:
        return cell.lr not in ends, abs(math.log(cell.lr / middle.lr))

    return sorted(sorted(by_rate, key=farness)[:MOST_CURVES], key=lambda cell: cell.lr)


def drawn_names(rows: Sequence[Row], names: Sequence[str]) -> list[str]:
    """Of the optimizers those that the rows are of."""
    there = {row.get("optimizer") for row in rows}
    return [name for name in names if name in there]


def curve_rows(summary: SweepSummary) -> list[Row]:
    """Excess loss by epoch of every learning rate: a panel an optimizer on a task, the best optimizer first."""
    pairs = [(task, tuning) for task in summary.tasks for tuning in ordered(task)]
    several = len(summary.tasks) > 1
    rows: list[Row] = []
    for place, (task, tuning) in enumerate(pairs):
        panel = {"panel": f"{tuning.optimizer} on {task.name}" if several else tuning.optimizer, "place": place}
        rows += panel_rows(panel, drawn_cells(tuning), (tuning,))
    return rows


def rival_rows(summary: SweepSummary) -> list[Row]:
    """Excess loss by epoch of the MOST_CURVES best optimizers, each at its best learning rate: a panel a task."""
    rows: list[Row] = []
    for place, task in enumerate(summary.tasks):
        tunings = ordered(task)[:MOST_CURVES]
        best = [tuning.best for tuning in tunings if tuning.best is not None and tuning.best.cell.at]
        rows += panel_rows({"panel": task.name, "place": place}, best, tunings)
    return rows


def panel_rows(panel: Row, cells: Sequence[CellSummary], tunings: Sequence[Tuning]) -> Iterator[Row]:
    """Rows of the cells' curves, endings, predictions and tolerances, each with the keys of `panel`."""
    if not cells:
        return
    floor, ceiling = span(cells)
    best = [tuning.best for tuning in tunings]
    for cell in cells:
        shared = {**panel, **keys(cell), "best": cell in best, "ending": _ending(cell)}
        yield from ({**shared, "what": "curve", **point} for point in _curve(cell, floor, ceiling))
        if cell.status == DIVERGED:
            end = float(np.median(cell.cell.epochs_run))
            yield {**shared, "what": "diverged", "at": max(end, START), "median": short(ceiling)}
        for reach in cell.reaches:
            if reach.predicted is not None and math.isfinite(reach.predicted):
                row = {"what": "theory", "at": max(reach.predicted, START), "median": reach.tolerance}
                yield {**shared, **row}
    for tolerance in sorted({reach.tolerance for cell in cells for reach in cell.reaches}):
        level = {"what": "level", "at": START, "median": tolerance, "ending": words.level(tolerance)}
        yield {**panel, "problem": cells[0].cell.problem, **level}


def _curve(cell: CellSummary, floor: float, ceiling: float) -> Iterator[dict[str, Any]]:
    """Median and band, up to the first point that lies beyond what is drawn, which is drawn at its edge."""
    for at, low, middle, high in zip(cell.cell.at, *quantiles(cell.cell, (BAND[0], 0.5, BAND[1])), strict=True):
        edges = {name: short(min(max(v, floor), ceiling), 4) for name, v in (("low", low), ("high", high))}
        inside = floor <= middle <= ceiling
        median = short(min(max(float(middle), floor), ceiling), 4)
        yield {"epoch": at, "at": max(float(at), START), "median": median, **edges}
        if not inside:
            return


def _ending(cell: CellSummary) -> str:
    """Epochs to the tightest tolerance that its median reaches, or how it ended."""
    reached = [reach for reach in cell.reaches if math.isfinite(reach.epochs)]
    return words.reached(reached[-1]) if reached else cell.status


def target_rows(summary: SweepSummary, measure: str) -> list[Row]:
    """Epochs or seconds to the task's tolerance by learning rate: a panel a task that anybody reaches.

    `what`: `reached`; `censored` and `diverged`, which stand in a row of the optimizer's own above every cost that
    could have been measured, `most`; `limit`, a stability limit; `theory`; `room`, the scale from `least` to `top`.
    """
    found = [task for task in summary.tasks if task.tolerance is not None]
    return [row for place, task in enumerate(found) for row in _targets(task, measure, place)]


def _targets(task: TaskSummary, measure: str, place: int) -> Iterator[Row]:
    tunings = ordered(task)[:MOST_CURVES]
    units = {id(cell): _unit(cell, measure) for tuning in tunings for cell in tuning.cells if cell.reaches}
    costs = {
        id(cell): max(cell.epochs_to(task.tolerance), 1.0) * unit
        for tuning in tunings
        for cell in tuning.cells
        if (unit := units.get(id(cell))) is not None
    }
    reached = [cost for cost in costs.values() if math.isfinite(cost)]
    if not reached:
        return
    most = max(cell.cell.epochs * (units.get(id(cell)) or 0.0) for tuning in tunings for cell in tuning.cells)
    least = min(0.6 * min(reached), most / 2)
    panel = {"panel": task.name, "place": place}
    longest = max(cell.cell.epochs for tuning in tunings for cell in tuning.cells)
    heading = {"what": "room", "ending": f"not there in {longest:,} epochs; x: diverged"}
    room = heading | {"cost": short(most), "high": short(height(least, most, 1.0)), "low": short(least)}
    yield {**panel, "problem": tunings[0].cells[0].cell.problem, **room}
    limits: set[float] = set()
    for i, tuning in enumerate(tunings):
        row = height(least, most, (i + 1) / (len(tunings) + 1))
        for cell in (cell for cell in tuning.cells if id(cell) in costs):
            shared = {**panel, **keys(cell), "best": cell is tuning.best, "ending": _ending(cell)}
            yield from _marks(cell, task.tolerance, shared, (costs[id(cell)], row, units[id(cell)] or 1.0))
            limit = cell.cell.stability_limit
            if limit is not None and limit not in limits:
                limits.add(limit)
                yield {**shared, "what": "limit", "limit": short(limit), "low": short(least), "high": short(most)}


def _unit(cell: CellSummary, measure: str) -> float | None:
    """What an epoch costs; None where it was not timed."""
    return 1.0 if measure == EPOCHS else cell.loop_epoch_s


ROOM = 0.5
"""Height of the room for what is censored over the height of all that is below it, both in logarithms."""


def height(least: float, most: float, share: float) -> float:
    """What is drawn at a share of the height of the room above `most`; the axis begins at `least`."""
    return most * math.pow(most / least, ROOM * share)


def _marks(cell: CellSummary, tolerance: float | None, shared: Row, scale: tuple[float, float, float]) -> Iterator[Row]:
    """`scale`: the cell's cost, the height of its optimizer's row above, what an epoch costs."""
    reach = cell.to(tolerance)
    if reach is None:
        return
    cost, row, unit = scale
    mark = {**shared, "solved": short(reach.success)}
    if math.isfinite(cost):
        ends = (None, None) if reach.interval is None else reach.interval
        low, high = (None if end is None else short(min(max(end, 1.0), float(cell.cell.epochs)) * unit) for end in ends)
        yield {**mark, "what": "reached", "cost": short(cost), "low": low, "high": high}
    else:
        yield {**mark, "what": DIVERGED if cell.status == DIVERGED else CENSORED, "cost": short(row)}
    if reach.predicted is not None and math.isfinite(reach.predicted):
        yield {**shared, "what": "theory", "cost": short(max(reach.predicted, 1.0) * unit)}


def profile_rows(profiles: Sequence[Profile], summary: SweepSummary) -> list[Row]:
    """Steps of the performance profiles, of the MOST_CURVES that solve most first: a panel a measure."""
    solvers = {cell.optimizer: cell.cell.solver for cell in summary.cells}
    rows: list[Row] = []
    for place, one in enumerate(profiles):
        farthest = max(tau for label in one.ratios for tau, _ in one.steps(label))
        end = max(farthest * 1.1, 2.0)
        shares = {name: (one.share(name, 1.0), one.share(name, math.inf)) for name in one.ratios}
        for label in sorted(shares, key=shares.__getitem__, reverse=True)[:MOST_CURVES]:
            shared = {"panel": f"by {one.measure}", "place": place, "solver": solvers[label], "optimizer": label}
            steps = [*one.steps(label), (end, one.share(label, end))]
            rows += [{**shared, "tau": short(tau), "share": short(share)} for tau, share in steps]
    return rows
