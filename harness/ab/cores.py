"""The processor's cores: which there are, and which one others leave alone."""

import os
import time
from collections.abc import Sequence

import psutil

PROBE_S = 0.15
"""Fifteen ticks of the kernel's idle counters, which count hundredths of a second."""


def all_cores() -> tuple[int, ...]:
    """The cores that this process may use."""
    return tuple(sorted(os.sched_getaffinity(0)))


def quietest_core(cores: Sequence[int]) -> int:
    """The one of `cores` that idles most for 0.15 s; nothing of ours must run meanwhile."""
    if len(cores) == 1:
        return cores[0]
    before = psutil.cpu_times(percpu=True)
    time.sleep(PROBE_S)
    after = psutil.cpu_times(percpu=True)
    return max(cores, key=lambda core: after[core].idle - before[core].idle)
