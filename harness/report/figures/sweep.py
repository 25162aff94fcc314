"""A sweep's pictures as files: excess loss by epoch, epochs by learning rate, performance profiles."""

import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.files.writing import write
from harness.judge.training.cell import DIVERGED, CellSummary
from harness.judge.training.contest import EPOCHS, TaskSummary
from harness.judge.training.convergence import SweepSummary, summarise
from harness.judge.training.profile import Profile
from harness.judge.training.tuning import GOOD_FACTOR, Tuning
from harness.records.sweep import Cell
from harness.report.figures import files
from harness.report.figures.budgets import budgets_figure
from harness.report.figures.cost_by_rate import profile_figure, targets_figure
from harness.report.figures.figure import Figure
from harness.report.figures.loss_by_epoch import rate_picture
from harness.report.figures.rows import Row
from harness.report.figures.size import Size
from harness.report.figures.training_rows import drawn_cells, drawn_names, panel_rows, profile_rows, target_rows
from harness.report.words import sweep as words
from harness.report.words.over_workloads import budget_sentences, profile_sentence

Pictures = Iterator[tuple[str, tuple[Figure, ...]]]


def write_sweep_figures(
    folder: Path, cells: Sequence[Cell], suffix: str = ".png", size: Size = Size.SCREEN
) -> list[Path]:
    """Write every picture of a sweep into a folder, which is made; the same cells make the same files.

    Raises UsageError for a suffix that is none of a picture's, or a folder that cannot be written.
    """
    files.check_suffix(suffix)
    written = []
    for name, figures in sweep_figures(summarise(cells)):
        path = folder / f"{name}{suffix}"
        write(path, files.picture(figures, suffix, size), make_folder=True)
        written.append(path)
    return written


def sweep_figures(summary: SweepSummary) -> Pictures:
    """Each picture with its file's name, task by task, the profiles last; nothing of what was not run or not solved."""
    taken: set[str] = set()
    for task in summary.tasks:
        for tuning in (tuning for tuning in task.tunings if tuning.run):
            drawn = drawn_cells(tuning)
            if drawn:
                yield _slug(f"{task.name} {tuning.optimizer} excess by epoch", taken), (_curves(task, tuning, drawn),)
        if task.tolerance is not None:
            yield _slug(f"{task.name} epochs by lr", taken), (_epochs_by_rate(task, task.tolerance, summary),)
    if summary.budgets:
        title = " ".join(budget_sentences(summary)).removesuffix(".") or "Scores by the number of tries"
        yield _slug("scores by tries", taken), (budgets_figure(summary.budgets, len(summary.tasks), title),)
    solved = [one for one in summary.profiles if any(one.share(label, math.inf) for label in one.ratios)]
    if solved:
        yield _slug("performance profile", taken), tuple(_profile(one, summary) for one in solved)


def _slug(text: str, taken: set[str]) -> str:
    """The text as a file's name that is not taken yet."""
    base = re.sub(r"[^A-Za-z0-9.=+-]+", "_", text).strip("_.")
    name = next(name for i in range(len(taken) + 1) if (name := base + f"_{i + 1}" * (i > 0)) not in taken)
    taken.add(name)
    return name


def _curves(task: TaskSummary, tuning: Tuning, cells: Sequence[CellSummary]) -> Figure:
    """Median and band over seeds of the relative excess loss; the title says what is best."""
    title = f"{task.name}, {tuning.optimizer}: no learning rate reaches any tolerance"
    if tuning.best is not None and tuning.reach is not None:
        edge = ", at the grid's edge" if tuning.best_at_edge else ""
        good = f"within {GOOD_FACTOR:g}x: lr {words.ends(tuning.good)}"
        title = f"{task.name}, {tuning.optimizer}: best lr {words.rate(tuning.best.lr)}{edge}"
        title += f"\n{words.reached(tuning.reach)}; {good}"
    trained = sum(bool(cell.reaches and cell.cell.at) for cell in tuning.cells)
    title += f"\n{len(cells)} of {trained} learning rates" if len(cells) < trained else ""
    endings = {cell.lr: _ending(cell, tuning) for cell in cells}
    return rate_picture(title, list(panel_rows({}, cells, (tuning,))), endings)


def _ending(cell: CellSummary, tuning: Tuning) -> str:
    """Epochs to the tolerance that the best is chosen by, or how it ended."""
    found = cell.epochs_to(tuning.tolerance)
    return f"{found:.0f}" if math.isfinite(found) else DIVERGED if cell.status == DIVERGED else "censored"


def _epochs_by_rate(task: TaskSummary, tolerance: float, summary: SweepSummary) -> Figure:
    """Median epochs to a tolerance that somebody reaches, by learning rate; a line an optimizer, censored above."""
    rows = _alone([row for row in target_rows(summary, EPOCHS) if row["panel"] == task.name])
    names = drawn_names(rows, [tuning.optimizer for tuning in task.tunings if tuning.run])
    made = targets_figure(rows, EPOCHS, names, words.level(tolerance))
    title = next(words.conclude(task)).removesuffix(".")
    return Figure("epochs", _with_unbroken_intervals(title), made.description, made.spec, made.rows)


def _with_unbroken_intervals(text: str) -> str:
    return re.sub(r"(?<=[0-9d]), (?=[0-9c][^ ]*\])", ",\N{NO-BREAK SPACE}", text)


def _profile(one: Profile, summary: SweepSummary) -> Figure:
    rows = _alone(profile_rows([one], summary))
    labels = {name: f"{name}: solves {one.share(name, math.inf):.0%}" for name in drawn_names(rows, list(one.ratios))}
    made = profile_figure(rows, list(labels), one.measure, labels)
    title = profile_sentence(one).removesuffix(".")
    return Figure("profile", title, made.description, made.spec, made.rows)


def _alone(rows: Sequence[Row]) -> list[Row]:
    """The rows of one panel, which is not named in the picture: the title says what it is of."""
    return [{key: value for key, value in row.items() if key not in {"panel", "place"}} for row in rows]
