"""Rows of figures and tables: what they are filtered by, the case that they open, as many digits as anybody sees.

A row is one flat mapping of JSON's kinds (text, number, true, null); numbers that are not finite are null.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.judge.speed.ranking import told_apart
from harness.records.labels import parameters_of
from harness.records.record import Record

Row = Mapping[str, Any]

FILTERS = ("solver", "problem", "device", "n", "lr")
"""Keys of a row that the page's reader can filter by: two texts, the device (`cpu`, `cuda:0`), two numbers."""
CASE = "case"
"""The key of a row that names a case (`Record.case`): a click on the row shows that case in full."""
PLACES = 5
"""Significant digits of a number in a figure: a pixel is a thousandth of it."""
CLOCK_PLACES = 6
"""Of seconds and their ratios in a table: more than any clock here gives."""


def row_of(record: Record, **more: object) -> dict[str, Any]:
    """The keys of FILTERS and CASE, then whatever else is said."""
    return {
        "solver": record.label,
        "problem": record.problem,
        "device": record.device,
        "n": record.n,
        "lr": record.options.get("lr"),
        CASE: record.case,
        **more,
    }


def names_of(records: Sequence[Record]) -> dict[str, str]:
    """A name for each case: the solver's label, the device where it is another than the CPU, and what tells it apart.

    That are the options in which the solver's cases on one problem differ: the learning rate, the dtype.
    """
    return {
        record.case: " ".join(
            [record.label, *([] if record.device == "cpu" else [record.device])]
            + [f"{name}={value}" for name, value in differs]
        )
        for record, differs in zip(records, told_apart(records), strict=True)
    }


def short_problems(labels: Iterable[str]) -> dict[str, str]:
    """A short name for each problem's label: of a generator's parameters those in which its problems here differ.

    `synthetic:n=1000,p=10,seed=0` is `synthetic n=1000` beside `synthetic:n=10000,p=10,seed=0`.
    """
    parts = {label: parameters_of(label) for label in dict.fromkeys(labels)}
    values: dict[tuple[str, str], set[str]] = defaultdict(set)
    for name, parameters in parts.values():
        for key, value in parameters.items():
            values[name, key].add(value)
    short = {
        label: " ".join([name, *(f"{key}={value}" for key, value in own.items() if len(values[name, key]) > 1)])
        for label, (name, own) in parts.items()
    }
    return short if len(set(short.values())) == len(short) else {label: label for label in short}


def short(value: float | None, places: int = PLACES) -> float | None:
    """The value with so many significant digits; None for none, and for what is not finite."""
    return None if value is None or not math.isfinite(value) else float(f"{value:.{places}g}")


def envelope(values: NDArray[np.float64], most: int) -> NDArray[np.int64]:
    """Indices of at most `most` (>= 4) of the values (m,), ascending: the first, the last, and extremes between.

    Of each of equal stretches the least and the largest are kept, so that what swings from epoch to epoch is drawn as
    wide as it is. Values that are not finite count as the largest: where a loss is lost it stays so.
    """
    if len(values) <= most:
        return np.arange(len(values))
    filled = np.where(np.isfinite(values), values, np.inf)
    edges = np.linspace(0, len(values), (most - 2) // 2 + 1).astype(np.int64)
    kept = [0, len(values) - 1]
    for start, end in pairwise(edges):
        kept += [start + int(np.argmin(filled[start:end])), start + int(np.argmax(filled[start:end]))]
    return np.unique(np.array(kept, dtype=np.int64))
