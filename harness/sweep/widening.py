"""A grid of learning rates that is extended while a better one may lie outside: no winner is named before that."""

import math
from collections.abc import Iterable, Sequence

from harness.judge.training.cell import summarise_cell
from harness.judge.training.edges import LOWEST
from harness.judge.training.tuning import Tuning, tune
from harness.records.sweep import Cell

MOST_DECADES = 4
"""Beyond either end of what was asked for: the default grid then ends at 1e-8 and 1e5."""
AT_ONCE = 1.0
"""Decades that are added at a time, so that rates go on being trained together; at least one rate."""
LONE_STEP = 1 / 3
"""Decades from a single rate to its neighbours."""
DIGITS = 3
"""Significant digits of an added rate, as of one inside a range."""


def more_rates(cells: Sequence[Cell], asked: Sequence[float]) -> tuple[float, ...]:
    """Rates to train next, ascending, of one optimizer on one problem; none where its best lies inside its grid.

    `asked`: what the person asked for. The steps are those of the grid at its end.
    """
    run = sorted({cell.lr for cell in cells if cell.measured})
    if not run:
        return ()
    found: set[float] = set()
    for edge in tuning_of(cells).edges:
        low = edge.side == LOWEST
        ends = run[:2] if low else run[-2:]
        step = math.log10(ends[1] / ends[0]) if len(run) > 1 else LONE_STEP
        found |= set(_beyond(edge.lr, -step if low else step, min(asked) if low else max(asked)))
    return tuple(sorted(found - set(run)))


def tuning_of(cells: Iterable[Cell]) -> Tuning:
    """The cells of one optimizer on one problem, whatever was trained before and after its grid was extended."""
    return tune("", "", [summarise_cell(cell, "") for cell in cells])


def _beyond(lr: float, step: float, asked: float) -> list[float]:
    """Rates from `lr` on in steps of so many decades, none farther than MOST_DECADES from `asked`."""
    count = max(1, round(AT_ONCE / abs(step)))
    rates = (float(f"{10 ** (math.log10(lr) + step * (i + 1)):.{DIGITS}g}") for i in range(count))
    return [rate for rate in rates if abs(math.log10(rate / asked)) <= MOST_DECADES and rate != lr]
