"""What Linux says in /proc and /sys beyond psutil. Functions take the file system's root; None is unknown.

The files are described in the kernel's Documentation: accounting/psi, admin-guide/cgroup-v2, scheduler/sched-bwc,
admin-guide/pm/cpufreq, admin-guide/thermal/intel_thermal_throttle; and in man 5 proc.
"""

from pathlib import Path

from harness.cores.quota import fields, number_of, text_of
from harness.timing.conditions.readings import Frequency, Stalls

CPUS = "sys/devices/system/cpu"
NO_RANDOM_LAYOUT = 0x0040000
"""ADDR_NO_RANDOMIZE of a process's personality (man 2 personality): `setarch -R`, and debuggers."""


def stalls(root: Path) -> Stalls:
    """Seconds of `some` in /proc/pressure, which has microseconds."""
    return Stalls(_stalled_s(root / "proc/pressure/cpu"), _stalled_s(root / "proc/pressure/memory"))


def _stalled_s(path: Path) -> float | None:
    for line in (text_of(path) or "").splitlines():
        kind, *pairs = line.split()
        total = fields(pair.split("=") for pair in pairs).get("total")
        if kind == "some" and total is not None:
            return total / 1e6
    return None


def frequency(root: Path) -> Frequency | None:
    """Governors and limits of all cores; None where the kernel does not set the frequency, as in most guests."""
    policies = sorted((root / CPUS).glob("cpu[0-9]*/cpufreq"))
    governors = tuple(sorted({found for one in policies if (found := text_of(one / "scaling_governor"))}))
    if not governors:
        return None
    lowest = [khz for one in policies if (khz := number_of(one / "scaling_min_freq"))]
    highest = [khz for one in policies if (khz := number_of(one / "scaling_max_freq"))]
    return Frequency(
        governors,
        1e3 * min(lowest) if lowest else None,
        1e3 * max(highest) if highest else None,
        _turbo(root / CPUS),
    )


def _turbo(cpus: Path) -> bool | None:
    """By the switch of Intel's driver, or by the one that the other drivers share."""
    off = number_of(cpus / "intel_pstate/no_turbo")
    if off is not None:
        return off == 0
    on = number_of(cpus / "cpufreq/boost")
    return None if on is None else on == 1


def throttled(root: Path) -> int | None:
    """Thermal events, counted core by core, those of the package by each of its cores; None without counters."""
    counts = [
        count
        for path in (root / CPUS).glob("cpu[0-9]*/thermal_throttle/*_throttle_count")
        if (count := number_of(path)) is not None
    ]
    return sum(counts) if counts else None


def tracer(root: Path) -> int | None:
    """The process that traces this one (gdb, strace); 0 for none."""
    for line in (text_of(root / "proc/self/status") or "").splitlines():
        name, _, value = line.partition(":")
        if name == "TracerPid" and value.strip().isdigit():
            return int(value)
    return None


def layouts(root: Path) -> int | None:
    """How far addresses are drawn by chance: randomize_va_space, or 0 where this process is exempt."""
    try:
        if int(text_of(root / "proc/self/personality") or "0", 16) & NO_RANDOM_LAYOUT:
            return 0
    except ValueError:
        pass  # another architecture's way to write it: the machine's setting is what is known
    return number_of(root / "proc/sys/kernel/randomize_va_space")
