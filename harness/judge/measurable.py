"""Which times a clock can have measured: only such are divided by, and only of such a logarithm is taken."""

import numpy as np
from numpy.typing import ArrayLike

TICK_S = 1e-9
"""Python's clocks count whole nanoseconds (PEP 564; `time.get_clock_info` says 1e-9 of both on Linux, more elsewhere):
no call takes less time than that and more than none."""
LONGEST_S = 2**63 * TICK_S
"""292 years: the count is a signed 64-bit integer (PEP 564). Two measurable times thus have a ratio below 1e19."""


def measurable(times_s: ArrayLike) -> bool:
    """Whether all of `times_s`, seconds of calls in any shape, lie between TICK_S and LONGEST_S. NaN does not."""
    times = np.asarray(times_s, dtype=np.float64)
    return bool(np.all((times >= TICK_S) & (times <= LONGEST_S)))
