"""What the kernel keeps of a process: its environment, folder, files, limits, timers, signals, priority, children."""

import os
import resource
import signal
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from harness.measure.isolation.state.item import Item

OPEN_FILES = "open files"
FREE_DESCRIPTORS = 64
"""So many more must be left to open: a library and its data take fewer."""
_LIMITS = tuple(number for name, number in sorted(vars(resource).items()) if name.startswith("RLIMIT_"))
_TIMERS = (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF)
_STATUS = Path("/proc/self/status")
_SIGNAL_MASKS = (b"SigBlk", b"SigIgn", b"SigCgt")
"""man 5 proc_pid_status: what is blocked, ignored and caught, whoever asked for it."""


def _set_environment(before: Mapping[str, str]) -> None:
    for name in set(os.environ) - set(before):
        del os.environ[name]
    os.environ.update(before)


def _folder() -> str | None:
    with suppress(FileNotFoundError):
        return str(Path.cwd())
    return ""


def _limits() -> dict[int, tuple[int, int]]:
    return {number: resource.getrlimit(number) for number in _LIMITS}


def _set_limits(before: Mapping[int, tuple[int, int]]) -> None:
    for number, was in before.items():
        if resource.getrlimit(number) != was:
            resource.setrlimit(number, was)


def _mask() -> int:
    """The only way to read it is to set it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _set_priority(before: tuple[Any, ...]) -> None:
    nice, policy, parameters = before
    os.setpriority(os.PRIO_PROCESS, 0, nice)
    os.sched_setscheduler(0, policy, parameters)


def _priority() -> tuple[Any, ...]:
    return os.getpriority(os.PRIO_PROCESS, 0), os.sched_getscheduler(0), os.sched_getparam(0)


def _opened() -> dict[int, str]:
    """What each open descriptor is; empty where there is none left to ask with."""
    found = {}
    with suppress(OSError):
        for name in os.listdir("/proc/self/fd"):  # noqa: PTH208  # names are wanted, and it is done for each case
            with suppress(OSError):  # the descriptor that the folder was read by
                found[int(name)] = os.readlink(f"/proc/self/fd/{name}")  # noqa: PTH115  # same
    return found


def _same_opened(was: Mapping[int, str], now: Mapping[int, str]) -> bool:
    """All that were open are what they were, what is new is none of a solver's files, and enough are left.

    A device's and the kernel's own objects are a library's, such as CUDA's.
    """
    kept = all(now.get(number) == what for number, what in was.items())
    own = [what for number, what in now.items() if number not in was and not what.startswith(("/dev/", "anon_inode:"))]
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return kept and not own and len(now) + FREE_DESCRIPTORS <= max(most, len(was) + FREE_DESCRIPTORS)


def _timers() -> tuple[bool, ...]:
    return tuple(signal.getitimer(timer)[0] > 0 for timer in _TIMERS)


def _stop_timers(before: Iterable[bool]) -> None:
    for timer, was in zip(_TIMERS, before, strict=True):
        if not was:
            signal.setitimer(timer, 0)


def _signals() -> tuple[tuple[int, ...], dict[int, Any]]:
    """What is blocked, ignored and caught, as the kernel has it, since C code sets handlers too; and Python's own."""
    lines = dict(line.partition(b":")[::2] for line in _STATUS.read_bytes().splitlines())
    blocked, ignored, caught = (int(lines[name], 16) for name in _SIGNAL_MASKS)
    numbers = [number for number in range(1, signal.NSIG) if caught >> (number - 1) & 1]
    return (blocked, ignored, caught), {number: signal.getsignal(number) for number in numbers}


def _set_signals(before: tuple[tuple[int, ...], dict[int, Any]]) -> None:
    (_, ignored, _), handlers = before
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for number in range(1, signal.NSIG):
        otherwise = signal.SIG_IGN if ignored >> (number - 1) & 1 else signal.SIG_DFL
        with suppress(OSError, ValueError, TypeError):  # SIGKILL; a handler of C code
            signal.signal(number, handlers.get(number, otherwise))


def _has_children() -> bool:
    """Whether this process has any child, ended or not; none is waited for."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


ITEMS = (
    Item("the environment", lambda: dict(os.environ), _set_environment),
    Item("the working folder", _folder, os.chdir),
    Item("signal handlers", _signals, _set_signals),
    Item("an alarm", _timers, _stop_timers),
    Item("resource limits", _limits, _set_limits),
    Item("the umask", _mask, os.umask),
    Item("the priority", _priority, _set_priority),
    Item("the processor affinity", lambda: os.sched_getaffinity(0), lambda cores: os.sched_setaffinity(0, cores)),
    Item(OPEN_FILES, _opened, same=_same_opened),
    Item("processes left behind", _has_children, same=lambda was, now: was or not now),
)
