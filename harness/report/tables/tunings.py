"""An optimizer at its best learning rate on a task of a sweep, and beside the constants that are optimal."""

from collections.abc import Callable
from typing import NamedTuple

from harness.judge.training.cell import CellSummary, Reach, ending
from harness.judge.training.censored import CONFIDENCE
from harness.judge.training.contest import Contest, TaskSummary
from harness.judge.training.tuning import GOOD_FACTOR, Region, Tuning
from harness.report.tables import numbers as show
from harness.report.tables.column import Column, Kind, by_key, pick
from harness.report.tables.sweep import ending_text
from harness.report.words import sweep as words

WITHIN = f"within {GOOD_FACTOR:g}x"
BEST_HELP = f"within {GOOD_FACTOR:g}x the epochs of the best one, around it"


class Tuned(NamedTuple):
    """An optimizer on a task."""

    tuning: Tuning
    task: TaskSummary

    @property
    def subject(self) -> CellSummary:
        """The best learning rate's cell, else the first that was run, else the first."""
        return self.tuning.subject or self.tuning.cells[0]


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
        return ending_text(row.subject.status)
    return ending_text(ending([row.tuning.tolerance] if row.tuning.tolerance else [], [row.task.tightest]))


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
    return [Tuned(tuning, task) for tuning in task.tunings if tuning.optimal is not None]
