"""The pictures: pure functions from arrays to a matplotlib Figure, without pyplot's global state."""

import textwrap
from collections.abc import Mapping
from io import BytesIO

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator

from harness.report.drawing import Drawing, Form, Labels, Points, diagonal, on_logarithms

# Okabe and Ito's palette, told apart with every common kind of colour blindness. Its yellow is left
# out: nobody can read it on white.
BLUE, VERMILLION, GREEN, ORANGE = "#0072B2", "#D55E00", "#009E73", "#E69F00"
PURPLE, SKY, BLACK = "#CC79A7", "#56B4E9", "#000000"
SERIES = (BLUE, VERMILLION, GREEN, ORANGE, PURPLE, SKY, BLACK)
STYLES = ("-", "--", "-.", ":")
MARKERS = ("o", "^", "s", "D")
SPLIT_MARKS = ((BLUE, "o", 24.0), (GREEN, "s", 40.0), (ORANGE, "s", 40.0))

PANEL_INCHES = (7.5, 5.0)
NARROW_PANEL_INCHES = (6.25, 5.0)
DPI = 160
"""One panel is 1200 x 800 pixels."""

POINT_SIZE = 24.0
"""Area of a point in square points, as matplotlib has it."""
MANY_POINTS = 1_000
"""Above this, points are drawn smaller and fainter, and as one bitmap inside a vector format."""
TITLE_WIDTH = 64
LABEL_WIDTH = 56
UPRIGHT_WIDTH = 44
"""Characters of a line that fits: of the title, of the horizontal axis or the legend, of the vertical axis."""
LEGEND_CHARACTERS = 12
"""Characters of the legend to an inch."""
LEGEND_HANDLE = 7
"""Characters that a legend's mark and the gaps around it take."""
FORMATS: dict[str, dict[str, None]] = {".png": {}, ".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
"""Suffix -> what matplotlib would write of the moment: the same figure is the same file."""


def panels(count: int = 1) -> tuple[Figure, list[Axes]]:
    """An empty figure of `count` panels side by side; one alone is 1200 x 800 pixels."""
    width, height = PANEL_INCHES if count == 1 else NARROW_PANEL_INCHES
    figure = Figure(figsize=(width * count, height), dpi=DPI, layout=ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.08))
    # A subfigure for each panel: its legend is laid out below it, clear of the axis label.
    return figure, [part.add_subplot() for part in figure.subfigures(1, count, squeeze=False)[0]]


def rendered(figure: Figure, suffix: str) -> bytes:
    """The picture's file in the format of a suffix of FORMATS, in memory: a failure leaves no half a picture."""
    held = BytesIO()
    with mpl.rc_context({"svg.hashsalt": "harness"}):  # else the ids inside an SVG are drawn at random
        figure.savefig(held, format=suffix[1:], metadata=FORMATS[suffix])
    return held.getvalue()


def drawn(drawing: Drawing, into: Axes | None = None) -> Figure:
    """The drawing by matplotlib; on `into` or a new figure."""
    if drawing.form is Form.LOSSES:
        return losses(drawing.over, drawing.labels, into)
    if drawing.form is Form.OBSERVED:
        return predicted_against_observed(drawing.points, drawing.labels, into)
    over = {Form.FITTED: scatter_with_lines, Form.SPLITS: splits_and_predictions}[drawing.form]
    return over(drawing.points, drawing.over, drawing.labels, into)


def scatter_with_lines(
    data: Mapping[str, Points], lines: Mapping[str, Points], labels: Labels, into: Axes | None = None
) -> Figure:
    """Points in grey under one line for each of `lines`, both by label; drawn on `into` or a new figure."""
    axes = into or panels()[1][0]
    for label, points in data.items():
        _scatter(axes, points, label, color=BLACK, alpha=0.3)
    for i, (label, points) in enumerate(lines.items()):
        _line(axes, points, label, i)
    return finished(axes, labels)


def losses(curves: Mapping[str, Points], labels: Labels, into: Axes | None = None) -> Figure:
    """Loss by epoch, a line for each label; values that are not finite are gaps.

    The vertical axis is logarithmic if the positive losses span more than LOG_SPAN.
    """
    axes = into or panels()[1][0]
    for i, (label, (epoch, loss)) in enumerate(curves.items()):
        _line(axes, (epoch, np.where(np.isfinite(loss), loss, np.nan)), label, i)
    if on_logarithms(curves):
        axes.set_yscale("log")
    axes.margins(x=0.02)
    axes.xaxis.set_major_locator(MaxNLocator(8, steps=[1, 2, 5, 10], integer=True))
    return finished(axes, labels)


def predicted_against_observed(pairs: Mapping[str, Points], labels: Labels, into: Axes | None = None) -> Figure:
    """Predictions (vertical) against observations, a colour for each label, with the diagonal they should lie on."""
    axes = into or panels()[1][0]
    for i, (label, points) in enumerate(pairs.items()):
        _scatter(axes, points, label, color=SERIES[i % len(SERIES)], marker=MARKERS[i % len(MARKERS)], alpha=0.55)
    ends = diagonal(pairs)
    axes.plot(ends, ends, color=BLACK, linewidth=1.5, linestyle="--", label="predicted = observed")
    # One range on both axes: the diagonal goes from corner to corner.
    axes.set(xlim=ends, ylim=ends)
    return finished(axes, labels)


def splits_and_predictions(
    data: Mapping[str, Points], predicted: Mapping[str, Points], labels: Labels, into: Axes | None = None
) -> Figure:
    """The points of each split and, in other marks on top, what was predicted for the held-out one."""
    axes = into or panels()[1][0]
    # The held-out points are larger, so that they show around the predictions where these are right.
    for (label, points), (color, marker, size) in zip(data.items(), SPLIT_MARKS, strict=False):
        _scatter(axes, points, label, color=color, marker=marker, alpha=0.5, size=size)
    for label, points in predicted.items():
        _scatter(axes, points, label, color=VERMILLION, marker="x", alpha=0.9, size=20)
    return finished(axes, labels)


def _scatter(
    axes: Axes, points: Points, label: str, *, color: str, alpha: float, marker: str = "o", size: float = POINT_SIZE
) -> None:
    """Points that get smaller and fainter as they get more, so that a cloud keeps its shades."""
    crowd = max(1.0, len(points[0]) / MANY_POINTS)
    axes.scatter(
        *points,
        s=size / crowd**0.5,
        color=color,
        alpha=alpha / crowd**0.25,
        marker=marker,
        linewidths=1.4 if marker == "x" else 0.0,
        label=plain(label, LABEL_WIDTH),
        rasterized=crowd > 1,
    )


def _line(axes: Axes, points: Points, label: str, i: int) -> None:
    """The i-th line: colour and dashes both change, so that lines that coincide are still seen as two."""
    color, style = SERIES[i % len(SERIES)], STYLES[i % len(STYLES)]
    axes.plot(*points, color=color, linestyle=style, linewidth=2.2, label=plain(label, LABEL_WIDTH))


def finished(axes: Axes, labels: Labels) -> Figure:
    """Texts, a faint grid and a legend below the panel, where it hides no data."""
    title = "\n".join(plain(line, TITLE_WIDTH) for line in labels.title.splitlines())
    axes.set_title(title, fontsize=11, pad=10)
    axes.set_xlabel(plain(labels.x, LABEL_WIDTH))
    axes.set_ylabel(plain(labels.y, UPRIGHT_WIDTH))
    axes.grid(visible=True, color="0.9", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    handles, texts = axes.get_legend_handles_labels()
    columns = _columns(texts, axes.figure.bbox.width / DPI)
    legend = axes.figure.legend(handles, texts, loc="outside lower center", ncols=columns, frameon=False)
    for handle in legend.legend_handles:
        if isinstance(handle, PathCollection):  # points, as they look where there are few
            handle.set_sizes([POINT_SIZE])
            handle.set_alpha(1.0)
    figure = axes.get_figure(root=True)
    assert figure is not None  # noqa: S101  # these axes were made by panels()
    return figure


def _columns(texts: list[str], inches: float) -> int:
    """How many entries of a legend so wide stand beside one another: all of them, if their texts fit."""
    room = int(LEGEND_CHARACTERS * inches)
    lengths = [LEGEND_HANDLE + max(map(len, text.splitlines())) for text in texts]
    return len(texts) if sum(lengths) <= room else max(1, room // max(lengths))


def plain(text: str, width: int) -> str:
    """The text in as few lines of at most `width` characters as it takes, of about equal length.

    Dollars are escaped, since matplotlib reads $...$ as mathematics.
    """
    count = len(textwrap.wrap(text, width))
    if count > 1:
        shortest = max(len(text) // count, *map(len, text.split()))
        width = next((w for w in range(shortest, width) if len(textwrap.wrap(text, w)) == count), width)
    return textwrap.fill(text, width).replace("$", r"\$")
