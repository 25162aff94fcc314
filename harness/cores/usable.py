"""How many threads a computation gets: as many as were asked for, or one for each core that this process may use."""

import os
from functools import cache
from math import ceil
from pathlib import Path

from harness.cores.quota import quota, text_of
from harness.errors import UsageError


def all_cores() -> tuple[int, ...]:
    """The cores that this process may use, by their numbers."""
    return tuple(sorted(os.sched_getaffinity(0)))


def usable_cores() -> int:
    """The cores of this process's affinity, fewer where a control group allows less CPU time (rounded up)."""
    return min(len(all_cores()), allowed_cores())


@cache
def allowed_cores(root: Path = Path("/")) -> int:
    """The cores that a control group's quota comes to, rounded up; all of the machine without one."""
    found = quota(root)
    return ceil(found.cores) if found and found.cores else os.cpu_count() or 1


def free_cores(root: Path = Path("/")) -> int:
    """The machine's cores less the tasks of others that run or wait for one now (man 5 proc_loadavg), at least 1."""
    running = (text_of(root / "proc/loadavg") or "").split()[3:4]
    others = [int(count) - 1 for one in running if (count := one.partition("/")[0]).isdigit()]
    return max(1, (os.cpu_count() or 1) - sum(others))


def thread_count(threads: int | None) -> int:
    """`threads`, or all usable cores where it is None. Raises UsageError below 1 and above the usable cores."""
    if threads is None:
        return usable_cores()
    if threads < 1:
        raise UsageError(f"threads is at least 1, not {threads}")
    if threads > 1 and threads > (most := usable_cores()):
        raise UsageError(f"threads is at most {most}, the cores that this process may use, not {threads}")
    return threads
