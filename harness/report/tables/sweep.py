"""A sweep: a cell (an optimizer at a learning rate on a task), and an optimizer at its best learning rate."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

from harness.judge.training.cell import CONVERGED, CellSummary, Reach, ending
from harness.judge.training.censored import CONFIDENCE
from harness.judge.training.contest import Contest, TaskSummary
from harness.judge.training.convergence import SweepSummary
from harness.judge.training.tuning import GOOD_FACTOR, Region, Tuning
from harness.report.tables import numbers as show
from harness.report.tables.column import Column, Kind, attributes, by_key, pick
from harness.report.words import sweep as words

WITHIN = f"within {GOOD_FACTOR:g}x"
SPARE_TO = (5, 3, 2)
"""Of the tolerances, the loosest first: whose interval goes first, and then whose epochs."""
BEST_HELP = f"within {GOOD_FACTOR:g}x the epochs of the best one, around it"


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


class Tuned(NamedTuple):
    """An optimizer on a task."""

    tuning: Tuning
    task: TaskSummary

    @property
    def subject(self) -> CellSummary:
        """The best learning rate's cell, else the first that was run, else the first."""
        return self.tuning.subject or self.tuning.cells[0]


def trained(summary: SweepSummary) -> list[tuple[str, list[Trained]]]:
    """Every cell, a group a task and optimizer; time and success are to one tolerance in all of them."""
    tolerance = shown(summary)
    return [
        (f"{task.name}, {tuning.optimizer}", [Trained(cell, tuning, task, tolerance) for cell in tuning.cells])
        for task in summary.tasks
        for tuning in task.tunings
    ]


def tuned(task: TaskSummary) -> list[Tuned]:
    """Every optimizer of the task."""
    return [Tuned(tuning, task) for tuning in task.tunings]


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


def _ending(status: str) -> str:
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
    Column("theory", "theory", Kind.WHOLE, "Median epochs by the closed form of gradient descent.",
        "reach.predicted", _of_reach(_theory), spare=8),
    Column("over", "lr / limit", Kind.NUMBER,
        "Over the stability limit: above 1 gradient descent must diverge, and Adam oscillates.",
        "cell.lr_over_limit", _over_limit, head="lr/limit", spare=7),
    Column("lost", "seeds lost", Kind.WHOLE, "Seeds that diverged.", "cell.diverged",
        lambda row: str(row.cell.diverged or ""), head="lost", spare=1),
    Column("message", "message", value="cell.cell.message"),
    Column("status", kind=Kind.STATUS, value="cell.status"),
    Column("ending", "status", Kind.STATUS, "The tightest tolerance that most seeds reached; ok: of all",
        lambda row: _ending(row.cell.status)),
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


def _best_rate(row: Tuned) -> str:
    tuning = row.tuning
    if tuning.best is None:
        return show.NONE if tuning.run else "not run"
    return words.rate(tuning.best.lr) + "!" * tuning.best_at_edge


def _text(of: Callable[[Reach, Region], str]) -> Callable[[Tuned], str]:
    """Of an optimizer with a best learning rate; else nothing."""

    def text(row: Tuned) -> str:
        reach, good = row.tuning.reach, row.tuning.good
        return "" if reach is None or good is None else of(reach, good)

    return text


def _epoch_s(row: Tuned) -> str:
    epoch_s = None if row.tuning.best is None else row.tuning.best.loop_epoch_s
    return "" if epoch_s is None else words.seconds(epoch_s)


def _good(row: Tuned) -> str | None:
    good = row.tuning.good
    if good is None:
        return None
    return "< " * (good.below is None) + words.ends(good) + " >" * (good.above is None)


def _behind(row: Tuned, contest: Contest | None) -> float | None:
    """How many times the leader's cost; 1 for the leader, None where that is not known."""
    if contest is None or row.tuning.reach is None:
        return None
    costs = [(contest.leader, 1.0), *((rival.tuning, rival.ratio) for rival in contest.rivals)]
    return next((ratio for tuning, ratio in costs if tuning is row.tuning), None)


def _best_ending(row: Tuned) -> str:
    if row.tuning.best is None:
        return _ending(row.subject.status)
    return _ending(ending([row.tuning.tolerance] if row.tuning.tolerance else [], [row.task.tightest]))


BEST = by_key(
    Column[Tuned]("task", "problem", value="task.name"),
    Column("optimizer", "optimizer", value="tuning.optimizer"),
    Column("lr", "best lr", Kind.SMALL, value="tuning.best.lr", text=_best_rate),
    Column("to", "to", Kind.SMALL, "The tightest relative excess loss that any of its learning rates reaches.",
        "tuning.reach.tolerance", _text(lambda reach, _: words.level(reach.tolerance))),
    Column("epochs", "epochs", Kind.WHOLE, "", "tuning.reach.epochs", _text(lambda reach, _: words.epochs(reach))),
    Column("interval", f"{CONFIDENCE:.0%} interval", value=_text(lambda reach, _: words.spread(reach.interval))),
    Column("behind", "/ best", Kind.RATIO, "Its epochs over those of the best optimizer on the problem.",
        lambda row: _behind(row, row.task.by_epochs)),
    Column("seconds", "time", Kind.SECONDS, "Epochs times the median epoch of the textbook loop.",
        "tuning.reach.seconds", _text(lambda reach, _: words.seconds(reach.seconds)), spare=4),
    Column("behind_s", "/ quickest", Kind.RATIO, "Its time over that of the quickest optimizer on the problem.",
        lambda row: _behind(row, row.task.by_seconds)),
    Column("epoch", "one epoch", Kind.NUMBER, text=_epoch_s, spare=20),
    Column("solved", "solved %", Kind.NUMBER, "Seeds that get there.",
        lambda row: None if row.tuning.reach is None else 100 * row.tuning.reach.success),
    Column("good", "good lr", Kind.TEXT, f"The learning rates {BEST_HELP}; > or <: they may go on outside the grid.",
        _good),
    Column("within", WITHIN, Kind.NUMBER, text=_text(lambda _, good: words.ends(good)), spare=10),
    Column("decades", "decades", Kind.NUMBER, f"Width of the learning rates {BEST_HELP}.", "tuning.good.decades",
        _text(lambda _, good: "≥" * good.open + f"{good.decades:.1f}"), spare=9),
    Column("lrs", kind=Kind.NUMBER, text=_text(lambda _, good: str(good.points)), spare=19),
    Column("converge", kind=Kind.NUMBER, spare=18,
        text=lambda row: "" if row.tuning.best is None else words.ends(row.tuning.converging)),
    Column("ending", "status", Kind.STATUS, "The tightest tolerance that it reaches; ok: of all; censored: none.",
        _best_ending),
)  # fmt: skip
TERMINAL_BEST = pick(BEST, "optimizer lr to epochs seconds epoch within decades lrs converge")
PAGE_BEST = pick(BEST, "task optimizer lr to epochs interval behind seconds behind_s solved good decades ending")


def _momentum(row: Tuned) -> float | None:
    cell = row.subject.cell
    return None if row.tuning.optimal is None else float(str(cell.options.get("momentum") or 0.0))


OPTIMAL: tuple[Column[Tuned], ...] = (
    Column("task", "problem", value="task.name"),
    Column("optimizer", "optimizer", value="tuning.optimizer"),
    Column("condition", "kappa", Kind.NUMBER, "The Hessian's largest eigenvalue over its least.",
        "tuning.condition", ".4g"),
    Column("lr", "best lr", Kind.SMALL, "Of the grid.", "tuning.best.lr", _best_rate),
    Column("momentum", "momentum", Kind.NUMBER, "Of the grid.", _momentum, ".4g"),
    Column("optimal_lr", "optimal lr", Kind.NUMBER, "On a quadratic, for the worst start.", "tuning.optimal.lr", ".4g"),
    Column("optimal_momentum", "optimal momentum", Kind.NUMBER, "With the optimal lr.",
        "tuning.optimal.momentum", ".4g"),
    Column("rate", "rate", Kind.NUMBER, "What an epoch leaves of the distance with both.",
        "tuning.optimal.rate", ".4g"),
    Column("decade", "epochs a decade", Kind.NUMBER, "In which the excess loss falls to a tenth with both.",
        "tuning.optimal.epochs_per_decade", ".3g"),
)  # fmt: skip
"""Measured and optimal constants of the optimizers of which the latter are known."""
TERMINAL_OPTIMAL = OPTIMAL[1:]
OPTIMAL_EXPLAINED = (
    "optimal: best for the worst start on a quadratic with this Hessian (Polyak 1964; Lessard, Recht and Packard 2016);"
    " rate: what an epoch then leaves of the distance to the optimum, in the end."
)


def with_optimal(task: TaskSummary) -> list[Tuned]:
    """The optimizers of the task whose optimal constants are known."""
    return [row for row in tuned(task) if row.tuning.optimal is not None]


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
