"""Whose CPU time it is: this process and its family, and other measurements that run beside it."""

import os
from collections.abc import Iterable, Sequence
from pathlib import PurePath

import psutil

from harness.errors import counted

MEASURING = {
    "harness": {"run", "sweep", "speed", "ab", "bisect", "gate", "fit", "accuracy", "published", "findings"},
    "asv": {"run", "continuous", "dev", "quickstart", "profile"},
}
"""By program, the commands that fit something; `list`, `compare` and `doctor` itself do not."""
TESTS = "PYTEST_XDIST_WORKER_COUNT"
"""Set by pytest-xdist in each of its processes: how many of them run tests at once."""
VALUED = {"-X", "-W", "--check-hash-based-pycs"}
"""Options of the interpreter whose value is the next word."""


def own_cpu_s() -> float:
    """CPU seconds of this process and its descendants, living and ended.

    An ended process counts where its parent has waited for it, as a shell's `time` counts.
    """
    me = psutil.Process()
    return sum(_cpu_s(one) for one in (me, *me.children(recursive=True)))


def _cpu_s(process: psutil.Process) -> float:
    """0 for a process that has just gone: its parent has its time."""
    try:
        return float(sum(process.cpu_times()[:4]))  # user, system, and the same of children that have ended
    except psutil.Error:
        return 0.0


def other_runs() -> tuple[str, ...]:
    """Measurements of other families: neither this process's ancestors, nor it, nor its descendants.

    Tests that run beside this one's are such too: their processes are pytest-xdist's.
    """
    me = psutil.Process()
    family = {one.pid for one in (me, *me.parents(), *me.children(recursive=True))}
    found = ((one.info["pid"], one.info["cmdline"] or ()) for one in psutil.process_iter(["pid", "cmdline"]))
    return (*measurements((pid, words) for pid, words in found if pid not in family), *beside())


def beside() -> tuple[str, ...]:
    """The other processes of pytest-xdist, where this is one of several."""
    count = os.environ.get(TESTS, "")
    others = int(count) - 1 if count.isdecimal() else 0
    return (f"tests in {counted(others, 'more process', 'more processes')} (pytest-xdist)",) if others > 0 else ()


def measurements(processes: Iterable[tuple[int, Sequence[str]]]) -> tuple[str, ...]:
    """Of (process id, command line), those that measure, as 'harness run (process 17)'; arguments are private."""
    named = ((pid, command_of(words)) for pid, words in processes)
    return tuple(f"{name} (process {pid})" for pid, name in named if name)


def command_of(words: Sequence[str]) -> str:
    """'harness run' of the ways to start it: the script, python with the script, python -m; '' for anything else."""
    program, rest = _program(words)
    command = next((word for word in rest if not word.startswith("-")), "")
    return f"{program} {command}" if command in MEASURING.get(program, ()) else ""


def _program(words: Sequence[str]) -> tuple[str, Sequence[str]]:
    """The name of the script or module that runs, without its folder, and its arguments."""
    if not words:
        return "", ()
    name = PurePath(words[0]).name
    if not name.startswith("python"):
        return name, words[1:]
    at = 1
    while at < len(words) and words[at].startswith("-") and words[at] != "-m":
        at += 2 if words[at] in VALUED else 1
    if at < len(words) and words[at] == "-m":
        at += 1
    return (PurePath(words[at]).name, words[at + 1 :]) if at < len(words) else ("", ())
