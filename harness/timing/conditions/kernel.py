"""What Linux says in /proc and /sys beyond psutil. Functions take the file system's root; None is unknown.

The files are described in the kernel's Documentation: accounting/psi, admin-guide/cgroup-v2, scheduler/sched-bwc,
admin-guide/pm/cpufreq, admin-guide/thermal/intel_thermal_throttle; and in man 5 proc.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from harness.timing.conditions.readings import Frequency, Quota, Stalls

CPUS = "sys/devices/system/cpu"
NO_RANDOM_LAYOUT = 0x0040000
"""ADDR_NO_RANDOMIZE of a process's personality (man 2 personality): `setarch -R`, and debuggers."""


def text_of(path: Path) -> str | None:
    """A small file without its last newline; None where it cannot be read."""
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return None


def number_of(path: Path) -> int | None:
    """The whole number in a file; None where there is none."""
    try:
        return int(text_of(path) or "")
    except ValueError:
        return None


def stalls(root: Path) -> Stalls:
    """Seconds of `some` in /proc/pressure, which has microseconds."""
    return Stalls(_stalled_s(root / "proc/pressure/cpu"), _stalled_s(root / "proc/pressure/memory"))


def _stalled_s(path: Path) -> float | None:
    for line in (text_of(path) or "").splitlines():
        kind, *pairs = line.split()
        total = _fields(pair.split("=") for pair in pairs).get("total")
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


def quota(root: Path) -> Quota | None:
    """What all control groups that this process is in allow together; None where there are no such groups."""
    found = [one for folder in _groups(root) if (one := _quota(folder))]
    if not found:
        return None
    limits = [one.cores for one in found if one.cores is not None]
    return Quota(min(limits, default=None), sum(one.stops for one in found), sum(one.stopped_s for one in found))


def _groups(root: Path) -> Iterator[Path]:
    """The folders of this process's groups that rule CPU time, each with those above it, which bind it too.

    A container sees its own group where the machine's root would be, so that folders below may be absent.
    """
    for line in (text_of(root / "proc/self/cgroup") or "").splitlines():
        _, _, rest = line.partition(":")
        controllers, _, group = rest.partition(":")
        if controllers and "cpu" not in controllers.split(","):
            continue
        names = (controllers, "cpu") if controllers else (".", "unified")
        base = next((found for name in names if (found := root / "sys/fs/cgroup" / name / "cpu.stat").is_file()), None)
        if base is not None:
            parts = [part for part in PurePosixPath(group).parts if part not in {"/", ".."}]
            yield from (base.parent.joinpath(*parts[:depth]) for depth in range(len(parts), -1, -1))


def _quota(folder: Path) -> Quota | None:
    """The quota of one group, by the files of the second version of control groups or of the first; None without it."""
    if (counted := text_of(folder / "cpu.stat")) is None:
        return None
    counts = _fields(line.split(maxsplit=1) for line in counted.splitlines())
    stopped_s = counts.get("throttled_usec", 0) / 1e6 + counts.get("throttled_time", 0) / 1e9
    limit, _, period = (text_of(folder / "cpu.max") or "max").partition(" ")
    if limit == "max":  # no limit, or the first version
        limit, period = (text_of(folder / f"cpu.cfs_{name}_us") or "" for name in ("quota", "period"))
    bound = limit.isdigit() and period.isdigit() and int(period) > 0
    return Quota(int(limit) / int(period) if bound else None, counts.get("nr_throttled", 0), stopped_s)


def _fields(pairs: Iterable[Sequence[str]]) -> dict[str, int]:
    """Names and whole numbers; what is no such pair is left out."""
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) > 1 and pair[1].isdigit()}
