"""Which process makes a run, so that a run that is still going is not taken up by another."""

import os
import platform
import secrets

CLOCK_STEP_S = 60.0
"""A process's start is counted from the machine's, which moves when the clock is set; a process id that comes back
within a minute is not a concern (it comes back after all others: pid_max is at least 32768)."""


def this_process() -> str:
    """Machine, process id and its start (Unix seconds), and a tail that keeps two runs of one process apart."""
    import psutil

    started = psutil.Process().create_time()
    return f"{platform.node() or 'unknown'} {os.getpid()} {started:.0f} {secrets.token_hex(4)}"


def elsewhere(worker: str | None) -> str | None:
    """The name of the machine that a worker is of, if it is another than this; of a worker of None nobody knows."""
    node = (worker or "").partition(" ")[0]
    return node if node and node != (platform.node() or "unknown") else None


def alive(worker: str | None) -> int | None:
    """The id of another process of this machine that is this worker and lives; else None.

    Of another machine nobody here can tell: None. It cannot write any more once its run has been taken up.
    """
    import psutil

    node, _, rest = (worker or "").rpartition(" ")[0].partition(" ")
    pid, _, started = rest.partition(" ")
    if node != (platform.node() or "unknown") or not pid.isdigit() or int(pid) == os.getpid():
        return None
    try:
        process = psutil.Process(int(pid))
        same = abs(process.create_time() - float(started)) < CLOCK_STEP_S
        return int(pid) if same and process.status() != psutil.STATUS_ZOMBIE else None
    except (psutil.Error, ValueError):
        return None
