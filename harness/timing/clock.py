"""The clocks: seconds of wall time and of this process's CPU time."""

import time
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
