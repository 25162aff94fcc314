"""How a worker process ended, in a status and a line; and its end, whatever it does."""

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

from harness.solvers.status import Status

STOP_S = 5.0
"""Seconds to wait for a process that was killed: only the kernel can hold it up, in a driver or a lost disk."""
LONGEST_LINE = 200
"""Characters of a last line that are shown."""
ROUNDS = 10
"""How often it is looked for what was started while others were killed."""
_VMSTAT = Path("/proc/vmstat")
_PROCESSES = Path("/proc")


class WorkerLostError(Exception):
    """A worker has died, did not answer in time or took too much memory; `case` is what it was at, if known."""

    def __init__(self, status: Status, message: str, case: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.case = case


def end(process: "subprocess.Popen[bytes]", mark: str) -> None:
    """Kill the process, its group (it leads one) and whoever has inherited its `mark`, and wait for it.

    A daemon is of another group, and after its parent's end nobody's child.
    """
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    for _ in range(ROUNDS):
        if not (left := _marked(mark)):
            break
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP_S)


def _marked(mark: str) -> list[int]:
    """The processes that have a variable of that name in the environment that they were started with."""
    found = []
    for environment in _PROCESSES.glob("[0-9]*/environ"):
        with suppress(OSError):  # somebody else's, or it has ended
            if b"\0" + mark.encode() + b"=" in b"\0" + environment.read_bytes():
                found.append(int(environment.parent.name))
    return found


def last_line(stderr: bytes) -> str:
    """The last line of what a process wrote, in printable characters only: it may be anybody's text."""
    lines = [line for line in stderr.decode(errors="replace").splitlines() if line.strip()]
    text = "".join(letter if letter.isprintable() else " " for letter in lines[-1]).strip() if lines else ""
    return text if len(text) <= LONGEST_LINE else text[:LONGEST_LINE] + "..."


def signal_name(code: int) -> str:
    """SIGSEGV for 11; empty for a number that has no name."""
    try:
        return signal.Signals(code).name
    except ValueError:
        return ""


def how_it_ended(code: int | None, stderr: bytes, *, oom_kills: int = 0) -> tuple[Status, str]:
    """Status and line of a process that ended by itself: its return code, what it wrote to standard error.

    `oom_kills`: how many processes the kernel has killed for memory meanwhile; a SIGKILL that nobody else has
    sent is then its own.
    """
    words = last_line(stderr)
    tail = f": {words}" if words else ""
    if code == -signal.SIGKILL and oom_kills:
        return Status.OUT_OF_MEMORY, "the kernel killed the process: the machine's memory was exhausted"
    if code is None:
        return Status.CRASHED, f"the process closed its answers{tail}"
    if b"std::bad_alloc" in stderr:
        return Status.OUT_OF_MEMORY, f"the host's memory is exhausted{tail}"
    name = signal_name(-code)
    how = f"signal {-code}" + (f" ({name})" if name else "") if code < 0 else f"exit code {code}"
    return Status.CRASHED, f"the process ended with {how}{tail}"


def oom_kills() -> int:
    """How often the kernel has killed for memory since the machine started; 0 where it does not say."""
    with suppress(OSError):
        for line in _VMSTAT.read_text().splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return 0
