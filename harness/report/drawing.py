"""A picture before it is drawn: its points and its texts, for matplotlib and for the page alike."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Points = tuple[Floats, Floats]
"""Horizontal and vertical values, both (m,)."""

LOG_SPAN = 30.0
"""Losses that span more than this factor are drawn on a logarithmic axis."""


@dataclass(frozen=True)
class Labels:
    """The texts of one panel, as plain text: a `$` is a dollar. `title` may have several lines."""

    title: str
    x: str
    y: str


class Form(Enum):
    """What is drawn of the points, and of what lies over them."""

    FITTED = "points under lines"
    LOSSES = "lines by epoch"
    OBSERVED = "predictions against observations, with the diagonal"
    SPLITS = "points of each split under predictions"


@dataclass(frozen=True)
class Drawing:
    """`points` and what lies `over` them, each by label and in the order in which it is drawn.

    `said`: by label, what a fit is of (solver, problem, lr), where something is a fit's.
    """

    form: Form
    labels: Labels
    points: Mapping[str, Points] = field(default_factory=dict)
    over: Mapping[str, Points] = field(default_factory=dict)
    said: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def on_logarithms(curves: Mapping[str, Points]) -> bool:
    """Whether losses are drawn on a logarithmic axis: the positive ones span more than LOG_SPAN."""
    values = np.concatenate([loss for _, loss in curves.values()])
    positive = values[np.isfinite(values) & (values > 0)]
    return bool(len(positive) and positive.max() > LOG_SPAN * positive.min())


def diagonal(pairs: Mapping[str, Points]) -> Floats:
    """(2,): where the line `predicted = observed` begins and ends, and both axes with it."""
    low = min(float(values.min()) for pair in pairs.values() for values in pair)
    high = max(float(values.max()) for pair in pairs.values() for values in pair)
    margin = 0.04 * (high - low) or 1.0
    return np.array([low - margin, high + margin])
