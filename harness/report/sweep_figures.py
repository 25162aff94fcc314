"""A sweep's pictures: excess loss by epoch, epochs by learning rate, performance profiles; and their files."""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from harness.errors import UsageError
from harness.judge.training.contest import TaskSummary
from harness.judge.training.convergence import SweepSummary, summarise
from harness.judge.training.profile import Profile
from harness.judge.training.tuning import DIVERGED, CellSummary, Tuning
from harness.records.sweep import Cell
from harness.report.drawing import Labels
from harness.report.figures import FORMATS, MARKERS, SERIES, STYLES, finished, panels, rendered
from harness.report.sweep_curves import curves
from harness.report.words import sweep as words

ABOVE = 0.5
"""Height of the room for censored marks, above the epochs that were run, over the height of all that is below."""


def write_sweep_figures(folder: Path, cells: Sequence[Cell], suffix: str = ".png") -> list[Path]:
    """Write every picture of a sweep into a folder, which is made; the same cells make the same files.

    Raises UsageError for a suffix that is none of a picture's, or a folder that cannot be written.
    """
    if suffix not in FORMATS:
        raise UsageError(f"a picture's suffix is {', '.join(FORMATS)}, not '{suffix}'")
    written = []
    for name, figure in sweep_figures(summarise(cells)):
        path = folder / f"{name}{suffix}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path.write_bytes(rendered(figure, suffix))
        except OSError as error:
            raise UsageError(f"{path}: cannot be written: {error.strerror}") from None
        written.append(path)
    return written


def sweep_figures(summary: SweepSummary) -> Iterator[tuple[str, Figure]]:
    """Each picture with its file's name, task by task, the profiles last; nothing of what was not run or not solved."""
    taken: set[str] = set()
    for task in summary.tasks:
        run = [tuning for tuning in task.tunings if tuning.run]
        for tuning in run:
            yield _slug(f"{task.name} {tuning.optimizer} excess by epoch", taken), curves(task.name, tuning)
        if task.tolerance is not None:
            yield _slug(f"{task.name} epochs by lr", taken), epochs_by_rate(task, task.tolerance)
    solved = [one for one in summary.profiles if any(one.share(label, math.inf) for label in one.ratios)]
    if solved:
        yield _slug("performance profile", taken), profiles(solved)


def _slug(text: str, taken: set[str]) -> str:
    """The text as a file's name that is not taken yet."""
    base = re.sub(r"[^A-Za-z0-9.=+-]+", "_", text).strip("_.")
    name = next(name for i in range(len(taken) + 1) if (name := base + f"_{i + 1}" * (i > 0)) not in taken)
    taken.add(name)
    return name


def epochs_by_rate(task: TaskSummary, tolerance: float) -> Figure:
    """Median epochs to a tolerance that somebody reaches, by learning rate; a line an optimizer, censored above."""
    axes = panels()[1][0]
    run = [tuning for tuning in task.tunings if tuning.run]
    most = max(cell.cell.epochs for tuning in run for cell in tuning.cells)
    limits: dict[float, int] = {}
    for i, tuning in enumerate(run):
        _reached(axes, tuning, tolerance, most, i)
        for cell in tuning.cells:
            if cell.cell.stability_limit is not None:
                limits.setdefault(cell.cell.stability_limit, i)
    for limit, i in limits.items():
        axes.axvline(limit, color=SERIES[i % len(SERIES)], linestyle=":", linewidth=1.4, zorder=1)
    axes.plot([], [], "o", markersize=12, color="0.4", markerfacecolor="none", label="best lr")
    if limits:
        axes.plot([], [], color="0.4", linestyle=":", label="stability limit")
    room = _Room.of(run, tolerance, most)
    room.draw(axes)
    for i, tuning in enumerate(run):
        _censored(axes, tuning, tolerance, room.row(i), i)
    title = _whole_intervals(next(words.conclude(task)).removesuffix("."))
    vertical = f"epochs to {words.level(tolerance)}, median and 95 % interval"
    return finished(axes, Labels(title, "learning rate", vertical))


def _whole_intervals(text: str) -> str:
    """The text with intervals that no line is broken in."""
    return re.sub(r"(?<=[0-9d]), (?=[0-9c][^ ]*\])", ",\N{NO-BREAK SPACE}", text)


@dataclass(frozen=True)
class _Room:
    """What is above the `most` epochs that were run: a row an optimizer, and words. `least`: where the axis starts."""

    count: int
    least: float
    most: int

    @classmethod
    def of(cls, run: Sequence[Tuning], tolerance: float, most: int) -> "_Room":
        ends = [_ends(cell, tolerance, most)[0] for tuning in run for cell in tuning.cells]
        medians = [max(cell.epochs_to(tolerance), 1.0) for tuning in run for cell in tuning.cells]
        return cls(len(run), min(0.8 * float(np.nanmin([*ends, *medians])), most / 2), most)

    def row(self, i: float) -> float:
        """Where the i-th row is."""
        return self.most * math.pow(self.most / self.least, ABOVE * (i + 1) / (self.count + 2))

    def draw(self, axes: Axes) -> None:
        """Scales and ticks of the whole, and the room in grey, without ticks."""
        top = self.row(self.count + 1)
        axes.set(xscale="log", yscale="log", ylim=(self.least, top))
        axes.axhspan(self.most, top, color="0.94", zorder=0)
        words_at = (0.01, self.row(self.count))
        heading = f"not there in {self.most} epochs; x: diverged"
        axes.text(*words_at, heading, transform=axes.get_yaxis_transform(), va="center", fontsize=9)
        steps = (1, 2, 5) if self.most > 20 * self.least else (1, 1.5, 2, 3, 5, 7)
        places = [m * 10.0**k for k in range(10) for m in steps if self.least <= m * 10.0**k < self.most / 1.15]
        axes.set_yticks([*places, self.most])
        axes.set_yticks([], minor=True)
        axes.xaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_major_formatter("{x:g}")


def _reached(axes: Axes, tuning: Tuning, tolerance: float, most: int, i: int) -> None:
    """The line of an optimizer, broken where it is censored, and the ends of its intervals."""
    median = np.array([max(cell.epochs_to(tolerance), 1.0) for cell in tuning.cells])
    low, high = np.array([_ends(cell, tolerance, most) for cell in tuning.cells]).T
    there = np.isfinite(median)
    lrs = np.array([cell.lr for cell in tuning.cells])
    color = SERIES[i % len(SERIES)]
    axes.plot(
        lrs,
        np.where(there, median, np.nan),
        color=color,
        linestyle=STYLES[i % len(STYLES)],
        marker=MARKERS[i % len(MARKERS)],
        markersize=5,
        label=tuning.optimizer,
        zorder=3,
    )
    axes.vlines(lrs[there], low[there], high[there], color=color, linewidth=1.2, alpha=0.7, zorder=2)
    if tuning.best is not None and math.isfinite(tuning.best.epochs_to(tolerance)):
        best = max(tuning.best.epochs_to(tolerance), 1.0)
        axes.plot(tuning.best.lr, best, marker="o", markersize=12, color=color, markerfacecolor="none", zorder=3)


def _ends(cell: CellSummary, tolerance: float, most: int) -> tuple[float, float]:
    """Of the interval, up to where the epochs end; NaN for none."""
    reach = cell.to(tolerance)
    if reach is None or reach.interval is None:
        return math.nan, math.nan
    return max(reach.interval.low, 1.0), min(reach.interval.high, float(most))


def _censored(axes: Axes, tuning: Tuning, tolerance: float, row: float, i: int) -> None:
    """In a row of its own an open mark where an optimizer is censored, a cross where it diverged."""
    color = SERIES[i % len(SERIES)]
    missed = [cell for cell in tuning.cells if cell.reaches and math.isinf(cell.epochs_to(tolerance))]
    for diverged, marker in ((True, "x"), (False, MARKERS[i % len(MARKERS)])):
        lrs = [cell.lr for cell in missed if (cell.status == DIVERGED) is diverged]
        axes.plot(lrs, [row] * len(lrs), marker, color=color, markerfacecolor="none", markersize=5, zorder=3)


def profiles(found: Sequence[Profile]) -> Figure:
    """Performance profiles side by side, by epochs and by seconds."""
    figure, axes = panels(len(found))
    for one, panel in zip(found, axes, strict=True):
        _profile(panel, one)
    return figure


def _profile(axes: Axes, profile: Profile) -> None:
    farthest = max(tau for label in profile.ratios for tau, _ in profile.steps(label))
    end = max(farthest * 1.1, 2.0)
    for i, label in enumerate(profile.ratios):
        steps = [*profile.steps(label), (end, profile.share(label, end))]
        taus, shares = zip(*steps, strict=True)
        axes.step(
            taus,
            shares,
            where="post",
            color=SERIES[i % len(SERIES)],
            linestyle=STYLES[i % len(STYLES)],
            linewidth=2.2,
            label=f"{label}: solves {profile.share(label, math.inf):.0%}",
        )
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_xlim(1, end)
    axes.set_ylim(-0.02, 1.04)
    title = words.profile_sentence(profile).removesuffix(".")
    horizontal = f"tau: at most so many times the least {profile.measure} of any optimizer"
    finished(axes, Labels(title, horizontal, "share of instances solved"))
