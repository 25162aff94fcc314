"""Where a better setting of an optimizer may lie outside of what was tried: no winner is named then."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from harness.judge.training.cell import DIVERGED, CellSummary
from harness.solvers.training.optimizers import OPTIONS, PAIRS

LOWEST, HIGHEST = "lowest", "highest"
LR = "lr"
LOST = (math.inf, math.inf)
"""The merit of a training that diverged, or ended no lower than it began."""


class Edge(NamedTuple):
    """An end of what was tried beyond which a better one may lie: the `side`, `lowest` or `highest`, and its rate.

    `best`: the best is there; else the cost, or the gap of what does not arrive, still falls towards it. `setting`: of
    what it is an end, the learning rate in a grid; of a search `value` is the best try's, and `lr` its learning rate.
    """

    side: str
    lr: float
    best: bool
    setting: str
    value: float


def edges(cells: Sequence[CellSummary], best: CellSummary | None, tolerance: float | None) -> tuple[Edge, ...]:
    """Those of `cells`, all of which were run, by ascending learning rate; a single one is both ends.

    A full grid of N tries has N^(1/d) levels in each of its d settings, of which the outermost holds N^(1 - 1/d) tries.
    The best of a search is at an edge where fewer than so many tries lie beyond it: of one setting, none.
    """
    if not cells or is_released(cells):
        return ()
    merits = [_merit(cell, tolerance) for cell in cells]
    place = cells.index(best) if best in cells else merits.index(min(merits))
    varied = _varied(cells)
    if len(varied) <= 1:
        return tuple(_of_rates(cells, merits, place))
    found = [] if min(merits) != LOST else [Edge(LOWEST, cells[0].lr, False, LR, cells[0].lr)]
    outermost = len(cells) ** (1 - 1 / len(varied))
    lr = cells[place].lr
    for name, values in varied.items():
        own = values[place]
        for side, beyond in ((LOWEST, sum(v < own for v in values)), (HIGHEST, sum(v > own for v in values))):
            if beyond < outermost:
                found.append(Edge(side, lr, True, name, own))
    return tuple(found)


def is_searched(cells: Sequence[CellSummary]) -> bool:
    """Whether these are tries of a search, and no grid of learning rates; what is as released is none."""
    return any(cell.cell.trial for cell in cells)


def is_released(cells: Sequence[CellSummary]) -> bool:
    """Whether nothing was tuned: as it is released, an optimizer has no better setting to look for."""
    return bool(cells) and all(cell.cell.trial == 0 for cell in cells)


def settings(cell: CellSummary) -> dict[str, float]:
    """The learning rate and the other numbers of a cell by name, of betas each."""
    found = {LR: cell.lr}
    for name in OPTIONS:
        value = cell.cell.options.get(name)
        if value is not None and not isinstance(value, str):
            found |= dict(zip(PAIRS.get(name, (name,)), value if isinstance(value, tuple) else (value,), strict=True))
    return found


def _varied(cells: Sequence[CellSummary]) -> Mapping[str, list[float]]:
    """By name the values (cells,) of the settings that are not the same in all tries; of a grid the learning rate's."""
    each = [settings(cell) for cell in cells]
    names = each[0] if is_searched(cells) else (LR,)
    found = {name: [one[name] for one in each] for name in names if all(name in one for one in each)}
    return {name: values for name, values in found.items() if min(values) < max(values)}


def _of_rates(cells: Sequence[CellSummary], merits: Sequence[tuple[float, float]], best: int) -> list[Edge]:
    """The ends of learning rates alone."""
    last, found = len(cells) - 1, []
    for side, end, inner in ((LOWEST, 0, min(1, last)), (HIGHEST, last, max(last - 1, 0))):
        # Where nothing trains at any rate, a lower one may.
        lost = side == LOWEST and min(merits) == LOST
        if best == end or merits[end] < merits[inner] or lost:
            found.append(Edge(side, cells[end].lr, best == end, LR, cells[end].lr))
    return found


def _merit(cell: CellSummary, tolerance: float | None) -> tuple[float, float]:
    """What a cell is judged by, the less the better: epochs to the tolerance, else its final gap, else LOST."""
    epochs = cell.epochs_to(tolerance)
    if math.isfinite(epochs):
        return epochs, 0.0
    gap, start = cell.final_gap, cell.start_gap
    lost = cell.status == DIVERGED or gap is None or (start is not None and gap >= start)
    return LOST if lost or gap is None else (math.inf, gap)
