"""A case's history as a picture: a mark a commit, the levels, and the commit at each step."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, FixedLocator, NullLocator

from harness.errors import UsageError
from harness.judge.history.history import changes_between
from harness.judge.history.series import History, Series, Step
from harness.judge.verdict import Verdict
from harness.report.drawing import Labels
from harness.report.figures import (
    BLACK,
    FORMATS,
    MARKERS,
    SERIES,
    STYLES,
    finished,
    panels,
    rendered,
)
from harness.report.tables.history import SHORT, change_words

NAMED_COMMITS = 12
"""Hashes that fit below the axis, upright."""
CUES = {Verdict.REGRESSION: ("--", "slower or worse"), Verdict.IMPROVEMENT: (":", "faster or better")}
"""Black, as no environment is: dashed and dotted."""


def history_figure(history: History) -> Figure:
    """Commits in their order, evenly spaced; a colour and a mark an environment; commits without a number crossed."""
    axes = panels()[1][0]
    commits = sorted({(p.place, p.commit) for series in history.series for p in series.points})
    at = {place: i for i, (place, _) in enumerate(commits)}
    for i, series in enumerate(history.series):
        _draw(axes, series, at, _label(history, i), i)
    _steps(axes, [step for series in history.series for step in series.steps], history, at)
    _missing(axes, history, at)
    every = max(1, -(-len(commits) // NAMED_COMMITS))
    axes.xaxis.set_major_locator(FixedLocator(range(0, len(commits), every)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticks(range(0, len(commits), every), [c[:SHORT] for _, c in commits[::every]], rotation=45, ha="right")
    axes.margins(x=0.03, y=0.12)
    quantity = history.quantity
    if quantity.name == "excess_loss" and all(p.value for s in history.series for p in s.points if p.values):
        axes.set_yscale("log")
    if quantity.name == "time":
        axes.yaxis.set_major_formatter(EngFormatter(quantity.unit))
    return finished(axes, Labels(f"{history.case}\n{quantity.words} by commit", "commit", quantity.words))


def _draw(axes: Axes, series: Series, at: dict[int, int], label: str, i: int) -> None:
    color, marker = SERIES[i % len(SERIES)], MARKERS[i % len(MARKERS)]
    measured = [(at[p.place], p.value) for p in series.points if p.value is not None]
    x, y = zip(*measured, strict=True) if measured else ((), ())
    axes.plot(x, y, linestyle="", marker=marker, markersize=5, color=color, alpha=0.6, label=label)
    for first, last, level in series.levels:
        ends = (at[first.place] - 0.3, at[last.place] + 0.3)
        axes.plot(ends, (level, level), color=color, linewidth=2.2, linestyle=STYLES[i % len(STYLES)])


def _label(history: History, i: int) -> str:
    if len(history.series) == 1:
        return "commit, median of its launches; line: level"
    here, other = history.series[i].environment, history.series[i - 1 if i else 1].environment
    said = [text.split(" → ") for text in changes_between(other, here)]
    return "; ".join(f"{before.rpartition(' ')[0]} {now}" for before, now in said[:2]) or "environment"


def _steps(axes: Axes, steps: Sequence[Step], history: History, at: dict[int, int]) -> None:
    """A line between the commits of each step, its new commit and size beside it; each direction once in the key."""
    for number, step in enumerate(steps):
        style, words = CUES[step.verdict]
        place = (at[step.old.place] + at[step.new.place]) / 2
        keyed = words if step.verdict not in {earlier.verdict for earlier in steps[:number]} else None
        axes.axvline(place, color=BLACK, linestyle=style, linewidth=1.4, zorder=1, label=keyed)
        size = (
            "no number"
            if step.change is None and not step.new.values
            else change_words(history.quantity, step.change, step.change, step.change)
        )
        axes.annotate(
            f"{step.new.commit[:SHORT]} {size}",
            (place, 1.0),
            xycoords=axes.get_xaxis_transform(),
            xytext=(3, -3 - 11 * (number % 3)),
            textcoords="offset points",
            va="top",
            fontsize=8,
        )


def _missing(axes: Axes, history: History, at: dict[int, int]) -> None:
    lost = sorted({at[p.place] for series in history.series for p in series.points if not p.values})
    if lost:
        axes.plot(lost, [0.02] * len(lost), "x", color=BLACK, transform=axes.get_xaxis_transform(), label="no number")


def write_history_figure(path: Path, history: History) -> None:
    """Write the picture. Raises UsageError for a suffix that is no picture's, or where it cannot be written."""
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        raise UsageError(f"{path}: a picture's suffix is .png, .svg or .pdf, not '{path.suffix}'")
    try:
        path.write_bytes(rendered(history_figure(history), suffix))
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from None
