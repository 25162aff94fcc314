"""The rows of a sweep's tables as texts, and the lines around them, for the console and for Markdown."""

import math
from collections import Counter
from collections.abc import Sequence

from harness.judge.training.censored import CONFIDENCE
from harness.judge.training.convergence import SweepSummary, Work
from harness.judge.training.tuning import GOOD_FACTOR, CellSummary, Tuning
from harness.records.sweep import Cell, Sweep
from harness.report import numbers as show
from harness.report import sweep_words as words

Row = dict[str, str]
"""From a column's name to its text."""
Group = tuple[str, list[Row]]
"""A section's title and its rows, which have one and the same columns over all sections of a table."""

ALL, DECIDING, NONE = "all", "deciding", "none"
"""Which tolerances have their intervals told: those that the optimizer's best learning rate is chosen by, say."""
WITHIN = f"within {GOOD_FACTOR:g}x"
BEST = ("optimizer", "best lr", "to", "epochs", "time", "one epoch", WITHIN, "decades", "lrs", "converge")


def every_cell(summary: SweepSummary, intervals: str = ALL) -> list[Group]:
    """A section a task and optimizer, a row a learning rate."""
    tolerance, columns = shown(summary), _columns(summary)
    return [
        (
            f"{task.name}, {tuning.optimizer}",
            [_cell(cell, tuning, summary.tolerances, tolerance, intervals, columns) for cell in tuning.cells],
        )
        for task in summary.tasks
        for tuning in task.tunings
    ]


def shown(summary: SweepSummary) -> float | None:
    """What time, success and theory are to: the tightest tolerance that any median reaches, else that there is."""
    reached = [task.tolerance for task in summary.tasks if task.tolerance is not None]
    return min(reached or summary.tolerances, default=None)


def _columns(summary: SweepSummary) -> list[str]:
    """Which of the columns that not every sweep fills have anything in them."""
    there = {
        "theory": any(reach.predicted is not None for cell in summary.cells for reach in cell.reaches),
        "lr/limit": any(cell.lr_over_limit is not None for cell in summary.cells),
        "lost": any(cell.diverged for cell in summary.cells),
    }
    return [name for name, found in there.items() if found]


def _cell(
    cell: CellSummary,
    tuning: Tuning,
    tolerances: Sequence[float],
    tolerance: float | None,
    intervals: str,
    columns: Sequence[str],
) -> Row:
    reach = cell.to(tolerance)
    row = {"lr": words.rate(cell.lr) + "*" * (cell is tuning.best)}
    for level in tolerances:
        told = intervals == ALL or (intervals == DECIDING and level == tuning.tolerance)
        row[f"to {words.level(level)}"] = words.epochs(cell.to(level), interval=told)
    row["time"] = "" if reach is None else words.seconds(reach.seconds)
    row["solved"] = "" if reach is None else f"{reach.success:.0%}"
    row["gap"] = show.power(cell.final_gap) if reach else ""
    optional = {
        "theory": "" if reach is None or reach.predicted is None else words.count(reach.predicted),
        "lr/limit": "" if cell.lr_over_limit is None else f"{cell.lr_over_limit:.2g}",
        "lost": str(cell.diverged or ""),
    }
    return row | {name: optional[name] for name in columns} | {"status": cell.status}


def best(summary: SweepSummary) -> list[Group]:
    """A section a task, a row an optimizer at its best learning rate."""
    return [(f"{task.name}: best learning rates", [_best(tuning) for tuning in task.tunings]) for task in summary.tasks]


def _best(tuning: Tuning) -> Row:
    row = dict.fromkeys(BEST, "") | {"optimizer": tuning.optimizer}
    if tuning.best is None or tuning.reach is None or tuning.good is None:
        return row | {"best lr": show.NONE if tuning.run else "not run"}
    epoch_s = tuning.best.loop_epoch_s
    return row | {
        "best lr": words.rate(tuning.best.lr) + "!" * tuning.best_at_edge,
        "to": words.level(tuning.reach.tolerance),
        "epochs": words.epochs(tuning.reach),
        "time": words.seconds(tuning.reach.seconds),
        "one epoch": "" if epoch_s is None else words.seconds(epoch_s),
        WITHIN: words.ends(tuning.good),
        "decades": "≥" * tuning.good.open + f"{tuning.good.decades:.1f}",
        "lrs": str(tuning.good.points),
        "converge": words.ends(tuning.converging),
    }


def cells_explained(summary: SweepSummary) -> list[str]:
    """What the columns of `every_cell` are."""
    run = [cell for cell in summary.cells if cell.reaches]
    tolerance, columns = shown(summary), _columns(summary)
    if not run or tolerance is None:
        return []
    seeds = words.between([len(cell.cell.seeds) for cell in run])
    most = words.between([cell.cell.epochs for cell in run])
    reach = f"median over {seeds} seeds, {CONFIDENCE:.0%} bootstrap interval"
    gap = " of the seeds that did not diverge; lost: seeds that did." if "lost" in columns else "."
    to = f"time, solved{' and theory' if 'theory' in columns else ''}: to {words.level(tolerance)}"
    lines = [
        f"to 1e-k: epochs until the relative excess loss is there, {reach}. *: best lr.",
        f"{show.NONE} is censored: not there within {most} epochs, or diverged.",
        f"{to}; time is epochs times the median epoch of the textbook loop, solved the share of seeds.",
        f"gap: median relative excess loss at the end{gap}",
    ]
    scales = sorted({cell.cell.scale for cell in run if cell.cell.scale})
    if scales:
        lines.append(f"excess losses are relative to: {'; '.join(scales)}.")
    if "theory" in columns or "lr/limit" in columns:
        lines.append("theory: median epochs by the closed form of gradient descent. lr/limit above 1 must diverge.")
    return lines


def best_explained(summary: SweepSummary) -> list[str]:
    """What the columns of `best` are."""
    tunings = [tuning for task in summary.tasks for tuning in task.tunings]
    if not any(tuning.best for tuning in tunings):
        return []
    lines = [f"{WITHIN}: the range of lrs around the best whose median epochs are within {GOOD_FACTOR:g} times its."]
    if any(tuning.good is not None and tuning.good.open for tuning in tunings):
        lines[0] += " ≥: it touches the grid's edge."
    if any(tuning.best_at_edge for tuning in tunings):
        lines.append("!: the best lr is the first or last of the grid: a better one may lie outside, so widen --lr.")
    if not all(tuning.converging for tuning in tunings if tuning.best):
        lines.append("converge: lrs that reach the tightest tolerance; with none, the best is to a looser one.")
    return lines


def ended(sweep: Sweep, summary: SweepSummary) -> list[str]:
    """Who did the trainings, what the epochs were timed with, how cells ended, and why some did not run."""
    lines = [_work(one) for one in summary.work]
    counts = Counter(cell.status for cell in summary.cells)
    told = ", ".join(f"{count} {status}" for status, count in counts.most_common())
    lines.append(f"{len(summary.cells)} cells: {told}" + (". The sweep was cut off." if not sweep.finished_at else ""))
    reasons = Counter(
        f"{cell.status}: {cell.optimizer} on {cell.cell.problem}: {_why(cell.cell)}"
        for cell in summary.cells
        if not cell.reaches
    )
    lines += [f"{reason} ({count} cell{'s' * (count > 1)})" for reason, count in reasons.items()]
    notes = Counter(
        f"{cell.cell.problem}: {cell.cell.message}" for cell in summary.cells if cell.reaches and cell.cell.message
    )
    lines += [f"note: {note} ({count} cell{'s' * (count > 1)})" for note, count in notes.items()]
    untimed = {cell.cell.loop_epoch.error for cell in summary.cells if cell.cell.loop_epoch.error}
    return lines + [f"an epoch could not be timed: {error}" for error in sorted(untimed)]


def _why(cell: Cell) -> str:
    """Why there is nothing of a cell, and what to do about it where it ended wrong."""
    return f"{cell.message.rstrip('.')}. {cell.status.advice}" if cell.status.failed else cell.message


def _work(work: Work) -> str:
    took = "" if work.wall_s is None or math.isnan(work.wall_s) else f" in {show.seconds(work.wall_s)}"
    return f"engine {work.engine} on {work.device}: {work.trainings} trainings{took}"
