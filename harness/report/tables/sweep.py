"""A sweep: a cell (an optimizer at a learning rate on a task), and an optimizer at its best learning rate."""

from collections.abc import Callable, Mapping
from functools import partial
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple

from harness.judge.training.convergence import SweepSummary
from harness.judge.training.tuning import GOOD_FACTOR, CellSummary, Reach, Region, Tuning
from harness.report import numbers as show
from harness.report.tables.column import Column, Kind, by_key
from harness.report.words import sweep as words

WITHIN = f"within {GOOD_FACTOR:g}x"
SPARE_TO = (5, 3, 2)
"""Of the tolerances, the loosest first: whose interval goes first, and then whose epochs."""


class Trained(NamedTuple):
    """A cell, its optimizer's other learning rates, and the tolerance that time and success are to."""

    cell: CellSummary
    tuning: Tuning
    tolerance: float | None

    @property
    def reach(self) -> Reach | None:
        """How the cell gets there; None if it was not looked for."""
        return self.cell.to(self.tolerance)


def trained(summary: SweepSummary) -> list[tuple[str, list[Trained]]]:
    """Every cell, a group a task and optimizer."""
    tolerance = shown(summary)
    return [
        (f"{task.name}, {tuning.optimizer}", [Trained(cell, tuning, tolerance) for cell in tuning.cells])
        for task in summary.tasks
        for tuning in task.tunings
    ]


def shown(summary: SweepSummary) -> float | None:
    """What time, success and theory are to: the tightest tolerance that any median reaches, else that there is."""
    reached = [task.tolerance for task in summary.tasks if task.tolerance is not None]
    return min(reached or summary.tolerances, default=None)


def _of_reach(text: Callable[[Reach], str]) -> Callable[[Trained], str]:
    return lambda row: "" if row.reach is None else text(row.reach)


def _to(row: Trained, level: float, *, interval: bool) -> str:
    return words.epochs(row.cell.to(level), interval=interval)


def _theory(row: Trained) -> str:
    return "" if row.reach is None or row.reach.predicted is None else words.count(row.reach.predicted)


def _over_limit(row: Trained) -> str:
    found = row.cell.lr_over_limit
    return "" if found is None else f"{found:.2g}"


OPTIONAL: Mapping[str, Column[Trained]] = by_key(
    Column("theory", kind=Kind.NUMBER, text=_theory, spare=8),
    Column("lr/limit", kind=Kind.NUMBER, text=_over_limit, spare=7),
    Column("lost", kind=Kind.NUMBER, text=lambda row: str(row.cell.diverged or ""), spare=1),
)
"""Columns that not every sweep fills."""


def filled(summary: SweepSummary) -> list[str]:
    """Which of OPTIONAL have anything in them."""
    there = {
        "theory": any(reach.predicted is not None for cell in summary.cells for reach in cell.reaches),
        "lr/limit": any(cell.lr_over_limit is not None for cell in summary.cells),
        "lost": any(cell.diverged for cell in summary.cells),
    }
    return [name for name, found in there.items() if found]


def cells(summary: SweepSummary) -> list[Column[Trained]]:
    """Of every cell: epochs to each tolerance with their intervals, time, success, gap, and what else there is."""
    to = [
        Column[Trained](
            f"to {words.level(level)}",
            kind=Kind.NUMBER,
            text=partial(_to, level=level, interval=True),
            short=partial(_to, level=level, interval=False),
            spare=spare,
        )
        for level, spare in zip(summary.tolerances, (*SPARE_TO, *[2] * len(summary.tolerances)), strict=False)
    ]
    return [
        Column("lr", text=lambda row: words.rate(row.cell.lr) + "*" * (row.cell is row.tuning.best)),
        *to,
        Column("time", kind=Kind.SECONDS, text=_of_reach(lambda reach: words.seconds(reach.seconds)), spare=4),
        Column("solved", kind=Kind.NUMBER, text=_of_reach(lambda reach: f"{reach.success:.0%}"), spare=3),
        Column("gap", kind=Kind.SMALL, text=lambda row: show.power(row.cell.final_gap) if row.reach else "", spare=6),
        *(OPTIONAL[name] for name in filled(summary)),
        Column("status", kind=Kind.STATUS, value="cell.status"),
    ]


def _best_rate(tuning: Tuning) -> str:
    if tuning.best is None:
        return show.NONE if tuning.run else "not run"
    return words.rate(tuning.best.lr) + "!" * tuning.best_at_edge


def _found(key: str, text: Callable[[Tuning, Reach, Region], str], spare: int = 0) -> Column[Tuning]:
    """A column that only an optimizer with a best learning rate has."""

    def of(tuning: Tuning) -> str:
        if tuning.best is None or tuning.reach is None or tuning.good is None:
            return ""
        return text(tuning, tuning.reach, tuning.good)

    return Column(key, kind=Kind.NUMBER, text=of, spare=spare)


def _epoch_s(tuning: Tuning) -> str:
    epoch_s = None if tuning.best is None else tuning.best.loop_epoch_s
    return "" if epoch_s is None else words.seconds(epoch_s)


BEST: tuple[Column[Tuning], ...] = (
    Column("optimizer"),
    Column("best lr", kind=Kind.NUMBER, text=_best_rate),
    _found("to", lambda _, reach, __: words.level(reach.tolerance)),
    _found("epochs", lambda _, reach, __: words.epochs(reach)),
    _found("time", lambda _, reach, __: words.seconds(reach.seconds), 4),
    _found("one epoch", lambda tuning, _, __: _epoch_s(tuning), 20),
    _found(WITHIN, lambda _, __, good: words.ends(good), 10),
    _found("decades", lambda _, __, good: "≥" * good.open + f"{good.decades:.1f}", 9),
    _found("lrs", lambda _, __, good: str(good.points), 19),
    _found("converge", lambda tuning, _, __: words.ends(tuning.converging), 18),
)


def _of_cell(names: str) -> list[Column[tuple[str, CellSummary]]]:
    """What the cell's summary (the second of the pair) has under these paths, keyed by their last names."""
    return [
        Column(path.rpartition(".")[2], value=lambda row, get=attrgetter(path): get(row[1]))  # type: ignore[misc]
        for path in names.split()
    ]


JSON: tuple[Column[tuple[str, CellSummary]], ...] = (
    Column("task", value=itemgetter(0)),
    *_of_cell("cell.problem cell.solver optimizer lr cell.device cell.engine cell.options cell.epochs status"),
    *_of_cell("cell.message cell.scale cell.seeds"),
    Column("reaches", value=lambda row: [reach_object(reach) for reach in row[1].reaches]),
    *_of_cell("cell.epochs_to cell.predicted cell.tolerances cell.epochs_run cell.final final_gap diverged"),
    *_of_cell("cell.stability_limit lr_over_limit loop_epoch_s"),
)
"""Of a task's name and a cell: its summary, and epochs by seed."""


def reach_object(reach: Reach) -> dict[str, Any]:
    """A null end of an interval is censored."""
    return vars(reach) | {"beyond_theory": reach.beyond_theory}
