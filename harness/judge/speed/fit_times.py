"""Seconds of whole fits out of raw samples, and what the sizes of one series are called."""

import re

import numpy as np

from harness.judge.medians import Floats
from harness.records.record import Record

_SIZE = re.compile(r"(?<=[:,])n=[^,]*,?")


def fit_samples_s(record: Record) -> Floats:
    """Raw samples (k,) as seconds of a whole fit: of a training, its epochs times an epoch.

    Wall seconds; CPU seconds where only they were measured. Empty where `Record.fit_s` is None.
    """
    if record.fit_s is None:
        return np.zeros(0)
    samples = record.samples
    calls = np.array(samples.wall_s or samples.cpu_s, dtype=np.float64)
    epochs = record.options.get("epochs")
    return calls if record.unit == "fit" else calls * (int(str(epochs)) / record.epochs_per_call)


def without_n(record: Record) -> str:
    """The problem but for its number of rows, with p: what the sizes of one series share."""
    problem = _SIZE.sub("", record.problem).rstrip(",:")
    has_size = f"p={record.p}" in re.split("[:,]", problem)
    return problem if has_size else f"{problem} p={record.p}"
