"""A sweep: a row a cell, an optimizer at a learning rate on a task."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

from harness.judge.training.cell import CONVERGED, CellSummary, Reach
from harness.judge.training.contest import TaskSummary
from harness.judge.training.convergence import SweepSummary
from harness.judge.training.tuning import Tuning
from harness.report.tables import numbers as show
from harness.report.tables.column import Column, Kind, attributes, by_key, pick
from harness.report.words import sweep as words

SPARE_TO = (5, 3, 2)
"""Of the tolerances, the loosest first: whose interval goes first, and then whose epochs."""


class Trained(NamedTuple):
    """A cell, its optimizer's other learning rates, its task, and the tolerance that time and success are to."""

    cell: CellSummary
    tuning: Tuning
    task: TaskSummary
    tolerance: float | None

    @property
    def reach(self) -> Reach | None:
        """How the cell gets there; None if it was not looked for."""
        return self.cell.to(self.tolerance)


def trained(summary: SweepSummary) -> list[tuple[str, list[Trained]]]:
    """Every cell, a group a task and optimizer; time and success are to one tolerance in all of them."""
    tolerance = shown(summary)
    return [
        (f"{task.name}, {tuning.optimizer}", [Trained(cell, tuning, task, tolerance) for cell in tuning.cells])
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


def _epochs_to(row: Trained, level: float) -> float:
    return row.cell.epochs_to(level)


def _theory(reach: Reach) -> str:
    return "" if reach.predicted is None else words.count(reach.predicted)


def _over_limit(row: Trained) -> str:
    found = row.cell.lr_over_limit
    return "" if found is None else f"{found:.2g}"


def ending_text(status: str) -> str:
    """How a cell or an optimizer ended, in a narrow column."""
    return "ok" if status == CONVERGED else status


CELL = by_key(
    Column[Trained]("task", "problem", value="task.name"),
    Column("optimizer", "optimizer", value="cell.optimizer"),
    Column("lr", "learning rate", Kind.SMALL, value="cell.lr",
        text=lambda row: words.rate(row.cell.lr) + "*" * (row.cell is row.tuning.best), head="lr"),
    Column("seconds", "time", Kind.SECONDS, "To the tightest tolerance that any optimizer reaches on the problem.",
        "reach.seconds", _of_reach(lambda reach: words.seconds(reach.seconds)), spare=4),
    Column("solved", "seeds that get there, %", Kind.NUMBER,
        value=lambda row: None if row.reach is None else 100 * row.reach.success,
        text=_of_reach(lambda reach: f"{reach.success:.0%}"), head="solved", spare=3),
    Column("gap", "final excess loss", Kind.SMALL, "Median of the seeds that did not diverge.",
        "cell.final_gap", lambda row: show.power(row.cell.final_gap) if row.reach else "",
        head="gap", spare=6),
    Column("theory", "theory", Kind.WHOLE, "Median epochs by the recurrences of gradient descent and Adam.",
        "reach.predicted", _of_reach(_theory), spare=8),
    Column("over", "lr / limit", Kind.NUMBER,
        "Over the stability limit: above 1 gradient descent must diverge, and Adam oscillates.",
        "cell.lr_over_limit", _over_limit, head="lr/limit", spare=7),
    Column("lost", "seeds lost", Kind.WHOLE, "Seeds that diverged.", "cell.diverged",
        lambda row: str(row.cell.diverged or ""), head="lost", spare=1),
    Column("message", "message", value="cell.cell.message"),
    Column("status", kind=Kind.STATUS, value="cell.status"),
    Column("ending", "status", Kind.STATUS, "The tightest tolerance that most seeds reached; ok: of all",
        lambda row: ending_text(row.cell.status)),
)  # fmt: skip


def filled(rows: Sequence[Trained], keys: str = "theory over lost") -> list[Column[Trained]]:
    """Those of the columns, which not every sweep fills, that have anything in them."""
    return [column for column in pick(CELL, keys) if any(map(column.of, rows))]


def _reaching(summary: SweepSummary) -> list[Column[Trained]]:
    """Epochs to each tolerance, on a console with their intervals."""
    return [
        Column(
            f"to{i}",
            f"epochs to {words.level(level)}",
            Kind.WHOLE,
            value=partial(_epochs_to, level=level),
            text=partial(_to, level=level, interval=True),
            short=partial(_to, level=level, interval=False),
            head=f"to {words.level(level)}",
            spare=SPARE_TO[i] if i < len(SPARE_TO) else SPARE_TO[-1],
        )
        for i, level in enumerate(summary.tolerances)
    ]


def cells(summary: SweepSummary) -> list[Column[Trained]]:
    """Of every cell on a console: epochs to each tolerance, time, success, gap, and what else there is."""
    rows = [row for _, members in trained(summary) for row in members]
    lr, seconds, solved, gap, status = pick(CELL, "lr seconds solved gap status")
    return [replace(lr, kind=Kind.TEXT), *_reaching(summary), seconds, solved, gap, *filled(rows), status]


def page_cells(summary: SweepSummary) -> tuple[list[Column[Trained]], list[Trained]]:
    """The same on the page, where time, success and theory are to what any optimizer reaches on the task."""
    rows = [row._replace(tolerance=row.task.tolerance) for _, members in trained(summary) for row in members]
    who, measured = pick(CELL, "task optimizer lr"), pick(CELL, "seconds solved gap")
    return [*who, *_reaching(summary), *measured, *filled(rows, "theory over lost message"), CELL["ending"]], rows


JSON: tuple[Column[CellSummary], ...] = (
    *attributes("cell.problem cell.solver optimizer lr cell.device cell.engine cell.options cell.epochs status"),
    *attributes("cell.message cell.scale cell.seeds cell.suite cell.trial cell.held_out_to"),
    *attributes("cell.epoch_flops cell.max_s cell.prepare_s"),
    Column("reaches", value=lambda cell: [reach_object(reach) for reach in cell.reaches]),
    *attributes("cell.epochs_to cell.predicted cell.tolerances cell.epochs_run cell.final final_gap diverged"),
    *attributes("cell.stability_limit lr_over_limit loop_epoch_s"),
)
"""Of a cell: its summary, and epochs by seed."""


def reach_object(reach: Reach) -> dict[str, Any]:
    """A null end of an interval is censored."""
    return vars(reach) | {"beyond_theory": reach.beyond_theory}
