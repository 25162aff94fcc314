"""The checks that look at the process that measures, at its checkout, and at the samples that it took."""

from collections.abc import Iterable, Sequence
from math import inf
from statistics import median
from typing import NamedTuple

from harness.errors import counted
from harness.judge.machine.doubts import WAITED, CheckResult, State, against, fine, note, unknown
from harness.judge.machine.machine_doubts import cores
from harness.judge.medians import measurable
from harness.records.record import Record
from harness.records.sweep import Cell
from harness.store.conditions import Conditions

NO_INTERPRETER = "the interpreter could not be looked at"
TF32_OVERRIDE, LAUNCH_BLOCKING = "NVIDIA_TF32_OVERRIDE", "CUDA_LAUNCH_BLOCKING"
NOT_TIMED = "no case on the CPU was timed by both clocks"


def watchers(stretch: Conditions, _threads: int) -> CheckResult:
    """At either reading: tracing slows Python's own code by factors, compiled code not at all."""
    before, after = stretch.before.interpreter, stretch.newest.interpreter
    if before is None or after is None:
        return unknown(NO_INTERPRETER)
    found = dict.fromkeys((*before.watchers, *after.watchers))
    return against(", ".join(found) or "none attached", if_=bool(found))


def debug_modes(stretch: Conditions, _threads: int) -> CheckResult:
    """They last as long as the process."""
    found = stretch.newest.interpreter
    if found is None:
        return unknown(NO_INTERPRETER)
    return against(", ".join(found.checks) or "off", if_=bool(found.checks))


def threads(stretch: Conditions, asked: int) -> CheckResult:
    """More threads than cores take turns; a pool that is larger than what is asked for is limited by the harness."""
    newest = stretch.newest
    usable = min(newest.cpu.cores, (newest.quota.cores if newest.quota else None) or inf)
    text = f"{counted(asked, 'thread')} on {cores(usable)}"
    if asked > usable:
        return CheckResult(State.DOUBTFUL, text)
    if newest.interpreter is None:
        return unknown(f"{text}; {NO_INTERPRETER}")
    pools = {**newest.interpreter.thread_variables, "the largest pool": newest.interpreter.pool_threads or 0}
    large = [f"{name} {count}" for name, count in pools.items() if count > usable]
    return note(f"{text}; {', '.join(large)}") if large else fine(text)


def device_variables(stretch: Conditions, _threads: int) -> CheckResult:
    """Variables that override what a program asks of a device; those that change memory alone are a note."""
    found = stretch.newest.interpreter
    if found is None:
        return unknown(NO_INTERPRETER)
    said = found.device_variables
    text = ", ".join(f"{name}={value}" for name, value in said.items())
    if said.get(TF32_OVERRIDE, "0") != "0":
        return CheckResult(State.DOUBTFUL, f"{text}: a record's tf32 can be false")
    if said.get(LAUNCH_BLOCKING, "0") != "0":
        return CheckResult(State.DOUBTFUL, f"{text}: each launch is waited for")
    return note(text) if said else fine("none set")


class ClockMedians(NamedTuple):
    """Median wall and CPU seconds of a call, and the threads that it was given."""

    wall_s: float
    cpu_s: float
    threads: int


def timed_records(records: Iterable[Record]) -> list[ClockMedians]:
    """The cases that were timed by both clocks on the CPU: work on a device is waited for by design."""
    found = ((one, one.samples.median_wall_s, one.samples.median_cpu_s) for one in records if one.device == "cpu")
    both = ((one.threads, wall_s, cpu_s) for one, wall_s, cpu_s in found if wall_s is not None and cpu_s is not None)
    return [ClockMedians(wall_s, cpu_s, threads) for threads, wall_s, cpu_s in both if measurable((wall_s, cpu_s))]


def timed_cells(cells: Iterable[Cell]) -> list[ClockMedians]:
    """The same of a sweep's epochs, which are sampled once for all learning rates of an optimizer."""
    once = {(one.problem, one.optimizer): one for one in cells if one.device == "cpu"}
    both = [one for one in once.values() if one.loop_epoch.wall_s and one.loop_epoch.cpu_s]
    found = ((one, median(one.loop_epoch.wall_s), median(one.loop_epoch.cpu_s)) for one in both)
    return [
        ClockMedians(wall_s, cpu_s, int(str(one.options.get("threads", 1))))
        for one, wall_s, cpu_s in found
        if measurable((wall_s, cpu_s))
    ]


def waited(timed: Sequence[ClockMedians], clock_gap_s: float) -> CheckResult:
    """Cases whose median call took a tenth more wall than CPU time, less what the clocks themselves add.

    Medians, because they are what is reported: a call among twenty that was interrupted shifts none.
    """
    if not timed:
        return unknown(NOT_TIMED)
    ratios = [(one.wall_s - clock_gap_s) / one.cpu_s for one in timed]
    late = sum(ratio > WAITED for ratio in ratios)
    text = f"{late} of {counted(len(ratios), 'case')} waited (wall/CPU above {WAITED:g}"
    return CheckResult(State.DOUBTFUL, f"{text}, up to {max(ratios):.2g})") if late else fine(f"{text})")


def spread(timed: Sequence[ClockMedians]) -> CheckResult:
    """Cases whose median call took a tenth more CPU time than its threads can in its wall time.

    The CPU clock is the whole process's, so that a pool that ignores its limit, or a thread left behind, shows.
    """
    if not timed:
        return unknown(NOT_TIMED)
    wide = sum(one.cpu_s > WAITED * one.threads * one.wall_s for one in timed)
    return against(f"{wide} of {counted(len(timed), 'case')} ran on more threads than they were given", if_=wide > 0)


def machines(timed: Iterable[Record | Cell]) -> CheckResult:
    """Of the cluster's workers that timed something."""
    names = list(dict.fromkeys(one.worker.machine for one in timed if one.worker is not None))
    if not names:
        return fine("this machine alone")
    return against(f"timed on {counted(len(names), 'machine')}: {', '.join(names)}", if_=len(names) > 1)


def tree(dirty: bool | None) -> CheckResult:
    """Of the working folder's checkout."""
    if dirty is None:
        return unknown("not in a git checkout")
    return against("the checkout has uncommitted changes" if dirty else "as committed", if_=dirty)
