"""What a sweep says: every cell, the best learning rates beside one another, how it ended and what to conclude."""

import math
from collections import Counter
from collections.abc import Sequence

from harness.errors import counted
from harness.judge.training.censored import CONFIDENCE
from harness.judge.training.convergence import SweepSummary, Work, summarise
from harness.judge.training.tuning import GOOD_FACTOR
from harness.records.sweep import Cell, Sweep
from harness.report.tables import numbers as show
from harness.report.tables import scores as scored
from harness.report.tables import sweep as table
from harness.report.tables import tunings as best_of
from harness.report.tables.document import Document, Line, Part, Table
from harness.report.words import sweep as words
from harness.report.words.by_rate import why_not_by_rate

FEW = 3
"""At most so many cells are named in a line."""


def swept(sweep: Sweep, cells: Sequence[Cell]) -> Document:
    """A section a task and optimizer, a row a learning rate; the best ones beside one another; conclusions."""
    summary = summarise(cells)
    best = [
        (f"{task.name}: best learning rates", [best_of.Tuned(one, task) for one in task.tunings])
        for task in summary.tasks
    ]
    return Document(
        [
            *_tables(sweep),
            # Of a suite there are thousands: the page and the JSON have them.
            *([] if sweep.suite else [Table(table.cells(summary), table.trained(summary))]),
            *([] if sweep.suite else _notes(_cells_explained(summary))),
            Table(best_of.TERMINAL_BEST, best),
            *_notes(_best_explained(summary)),
            *_optimal(summary),
            *_scored(summary),
            *map(Line, ended(sweep, summary)),
        ],
        [Line(line, style="bold") for line in words.conclusions(summary)],
    )


def _scored(summary: SweepSummary) -> list[Part]:
    """Scores by each measure, and everybody against everybody in epochs."""
    if not summary.scores:
        return []
    groups = [(f"scores by {one.measure}", list(one.scores)) for one in summary.scores]
    first = summary.scores[0]
    pairs = [(f"who beats whom, by {first.measure}", list(first.pairs))]
    return [Table(scored.SCORE, groups), *_notes(scored.EXPLAINED), Table(scored.PAIR, pairs)]


def _optimal(summary: SweepSummary) -> list[Part]:
    """Measured and optimal constants, where these are known."""
    groups = [(f"{task.name}: optimal constants", best_of.with_optimal(task)) for task in summary.tasks]
    known = [(title, rows) for title, rows in groups if rows]
    why = [line for task in summary.tasks for line in why_not_by_rate(task)]
    return [Table(best_of.TERMINAL_OPTIMAL, known), *_notes([best_of.OPTIMAL_EXPLAINED, *why])] if known else []


def _tables(sweep: Sweep) -> list[Line]:
    """What was done to a person's tables: columns and rows left out."""
    return [Line(text, label, "yellow") for label, texts in sweep.tables.items() for text in texts]


def _notes(lines: Sequence[str]) -> list[Line]:
    return [Line(line, style="dim") for line in lines]


def _cells_explained(summary: SweepSummary) -> list[str]:
    """What the columns of `every_cell` are."""
    run = [cell for cell in summary.cells if cell.reaches]
    tolerance, columns = table.shown(summary), {column.key for column in table.cells(summary)}
    if not run or tolerance is None:
        return []
    seeds = words.between([len(cell.cell.seeds) for cell in run], "seed")
    most = words.between([cell.cell.epochs for cell in run], "epoch")
    reach = f"median over {seeds}, {CONFIDENCE:.0%} bootstrap interval"
    gap = " of the seeds that did not diverge; lost: seeds that did." if "lost" in columns else "."
    to = f"time, solved{' and theory' if 'theory' in columns else ''}: to {words.level(tolerance)}"
    lines = [
        f"to 1e-k: epochs until the relative excess loss is there, {reach}. *: best lr.",
        f"{show.NONE} is censored: not there within {most}, or diverged.",
        f"{to}; time is epochs times the median epoch of the textbook loop, solved the share of seeds.",
        f"gap: median relative excess loss at the end{gap}",
    ]
    scales = sorted({cell.cell.scale for cell in run if cell.cell.scale})
    if scales:
        lines.append(f"excess losses are relative to: {'; '.join(scales)}.")
    if "theory" in columns or "over" in columns:
        lines.append(
            "theory: median epochs by the recurrences in float64, of gradient descent and Adam. lr/limit above 1 must "
            "diverge."
        )
    untold = sorted({why for cell in run for why in _untold(cell.cell)})
    if untold:
        lines.append(f"theory: none is known of gradient descent with {' and '.join(untold)}.")
    if any(cell.cell.sharpness_over_limit is not None for cell in run):
        lines.append("Adam's lr/limit: the most along a training; above 1 it oscillates.")
    return lines


def _untold(cell: Cell) -> list[str]:
    """What of a linear training by SGD leaves it without a prediction; a network's loss is no quadratic."""
    if cell.solver != "torch_sgd" or cell.predicted:
        return []
    words_of = {"batch": "mini-batches", "scheduler": "a schedule", "weight_decay": "weight decay"}
    other = [f"loss {cell.options['loss']}"] if cell.options.get("loss", "mse") != "mse" else []
    return [text for name, text in words_of.items() if cell.options.get(name)] + other


def _best_explained(summary: SweepSummary) -> list[str]:
    """What the columns of `best` are."""
    tunings = [tuning for task in summary.tasks for tuning in task.tunings]
    if not any(tuning.best for tuning in tunings):
        return []
    lines = [
        f"{best_of.WITHIN}: the range of lrs around the best whose median epochs are at most {GOOD_FACTOR:g} times its."
    ]
    if any(tuning.good is not None and tuning.good.open for tuning in tunings):
        lines[0] += " ≥: it touches the grid's edge."
    if any(tuning.best_at_edge for tuning in tunings):
        lines.append("!: the best lr is the first or last of the grid: a better one may lie outside.")
    if not all(tuning.converging for tuning in tunings if tuning.best):
        lines.append("converge: lrs that reach the tightest tolerance; with none, the best is to a looser one.")
    return lines


def ended(sweep: Sweep, summary: SweepSummary) -> list[str]:
    """Who did the trainings, what the epochs were timed with, how cells ended, and why some did not run."""
    lines = [_work(one) for one in summary.work]
    counts = Counter(cell.status for cell in summary.cells)
    each = ", ".join(f"{count} {status}" for status, count in counts.most_common())
    lines.append(
        f"{counted(len(summary.cells), 'cell')}: {each}" + (". The sweep was cut off." if not sweep.finished_at else "")
    )
    reasons = Counter(
        f"{cell.status}: {cell.optimizer} on {cell.cell.problem}: {_why(cell.cell)}"
        for cell in summary.cells
        if not cell.reaches
    )
    lines += [f"{reason} ({counted(count, 'cell')})" for reason, count in reasons.items()]
    notes: dict[str, list[str]] = {}
    for cell in summary.cells:
        if cell.reaches and cell.cell.message:
            note = f"{cell.cell.problem}: {cell.cell.message}"
            notes.setdefault(note, []).append(f"{cell.optimizer} at lr {words.rate(cell.lr)}")
    lines += [f"note: {note} ({counted(len(who), 'cell')}{_which(who)})" for note, who in notes.items()]
    untimed = {cell.cell.loop_epoch.error for cell in summary.cells if cell.cell.loop_epoch.error}
    return lines + [f"an epoch could not be timed: {error}" for error in sorted(untimed)]


def _which(who: Sequence[str]) -> str:
    """The cells themselves, where they are few."""
    return f": {', '.join(who)}" if len(who) <= FEW else ""


def _why(cell: Cell) -> str:
    """Why there is nothing of a cell, and what to do about it where it ended wrong."""
    return f"{cell.message.rstrip('.')}. {cell.status.advice}" if cell.status.failed else cell.message


def _work(work: Work) -> str:
    took = "" if work.wall_s is None or math.isnan(work.wall_s) else f" in {show.seconds(work.wall_s)}"
    return f"engine {work.engine} on {work.device}: {counted(work.trainings, 'training')}{took}"
