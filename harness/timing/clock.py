"""The clocks: seconds of wall time and of this process's CPU time."""

import os
import time
from pathlib import Path
from typing import Protocol


class Clock(Protocol):
    """Two clocks read together; tests put a fake one here."""

    def wall_s(self) -> float:
        """Seconds of a monotonic wall clock."""

    def cpu_s(self) -> float:
        """Seconds of CPU time of this process, all threads."""


class SystemClock:
    """perf_counter and process_time; a pair of readings costs well under a microsecond.

    They are the functions themselves, taken at import: what is assigned to the module `time` afterwards is not read.
    """

    wall_s = staticmethod(time.perf_counter)
    cpu_s = staticmethod(time.process_time)


START = 19
"""The place of `starttime` among the fields of /proc/PID/stat that follow the command's name (proc(5), field 22)."""


def since_start_s() -> float:
    """Wall seconds since this process began, to a tick of the kernel, a hundredth."""
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    return time.clock_gettime(time.CLOCK_BOOTTIME) - int(fields[START]) / os.sysconf("SC_CLK_TCK")
