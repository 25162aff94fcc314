"""All readings of one moment, from psutil, /proc, /sys and the interpreter. What cannot be read is None: never a raise.

What there is to look at is what others look at: `pyperf system show` (turbo, governors, frequency limits, address
layouts, power supply), Google Benchmark's warnings (frequency scaling, a debug build, address layouts) and the load
that it prints. hyperfine warns of outlying samples: here every sample is kept, the figure is a median, and waiting
shows in wall against CPU time.
"""

import os
import statistics
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import psutil

from harness.cores.quota import quota
from harness.timing.clock import Clock, SystemClock
from harness.timing.conditions import kernel
from harness.timing.conditions.interpreter import interpreter
from harness.timing.conditions.processes import other_runs, own_cpu_s
from harness.timing.conditions.readings import Cpu, Readings, Stalls, Swap

Value = TypeVar("Value")
ROOT = Path("/")
BUSY = ("user", "nice", "system", "irq", "softirq")
"""What psutil calls time at work; a guest's time is within `user` (man 5 proc, /proc/stat)."""
GAP_SAMPLES = 101


def read(root: Path = ROOT, clock: Clock | None = None) -> Readings:
    """The readings now; tests put a planted file system at `root`. Some ten milliseconds, more with many processes."""
    return Readings(
        wall_s=time.perf_counter(),
        clock_gap_s=clock_gap_s(clock or SystemClock()),
        cpu=cpu(),
        interpreter=known(lambda: interpreter(kernel.tracer(root))),
        stalls=known(lambda: kernel.stalls(root)) or Stalls(),
        quota=known(lambda: quota(root)),
        frequency=known(lambda: kernel.frequency(root)),
        throttled=known(lambda: kernel.throttled(root)),
        swap=known(_swap),
        on_battery=known(_on_battery),
        layouts=known(lambda: kernel.layouts(root)),
        other_runs=known(other_runs),
    )


def known(read_one: Callable[[], Value]) -> Value | None:
    """What `read_one` reads; None where the platform has no such thing, hides it, or warns that it made it up."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        try:
            return read_one()
        except (psutil.Error, OSError, AttributeError, LookupError, ValueError, RuntimeError, RuntimeWarning):
            return None


def cpu() -> Cpu:
    """The cores of this process and who used them."""
    cores = known(lambda: tuple(sorted(os.sched_getaffinity(0)))) or ()
    everywhere = known(lambda: psutil.cpu_times(percpu=True)) or []
    times = known(lambda: [everywhere[core] for core in cores]) or everywhere
    steals = [float(one.steal) for one in times if hasattr(one, "steal")]  # Linux's alone
    all_cores = os.cpu_count() or 1
    return Cpu(
        cores=len(cores) or all_cores,
        all_cores=all_cores,
        numbers=cores,
        busy_s=sum(float(getattr(one, name, 0.0)) for one in times for name in BUSY) if times else None,
        stolen_s=sum(steals) if steals else None,
        own_s=known(own_cpu_s),
        load_1min=known(lambda: float(psutil.getloadavg()[0])),
    )


def clock_gap_s(clock: Clock) -> float:
    """Wall less CPU seconds of a sample without work: what reading the clocks adds to one, median of 101.

    Below some microseconds it would make every call seem to have waited.
    """
    gaps = []
    for _ in range(GAP_SAMPLES):
        wall, cpu_s = clock.wall_s(), clock.cpu_s()  # in the order of harness.timing.sampling
        cpu_after, wall_after = clock.cpu_s(), clock.wall_s()
        gaps.append((wall_after - wall) - (cpu_after - cpu_s))
    return statistics.median(gaps)


def _swap() -> Swap:
    found = psutil.swap_memory()
    return Swap(int(found.used), int(found.sin), int(found.sout))


def _on_battery() -> bool:
    """False where there is no battery; psutil has no such function on platforms where it cannot know."""
    found = psutil.sensors_battery()
    return found is not None and found.power_plugged is False
