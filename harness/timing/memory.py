"""Peak memory of one call: resident memory of the host, and the allocator's of the device."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_STATUS = Path("/proc/self/status")
_CLEAR_REFS = Path("/proc/self/clear_refs")
_RESET_PEAK = "5"
"""Writing 5 to clear_refs resets the peak resident size (man 5 proc_pid_clear_refs)."""


@dataclass
class Peak:
    """Bytes above what was held at the start; None where it cannot be measured.

    `device_held_bytes`: what torch's allocator had handed out at the start: the data and what was prepared, of other
    cases too, and the workspaces of libraries.
    """

    host_bytes: int | None = None
    device_bytes: int | None = None
    device_held_bytes: int | None = None


def _resident(field: str) -> int:
    """VmHWM (peak) or VmRSS (now) in bytes."""
    for line in _STATUS.read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    raise OSError(f"{_STATUS} has no {field}")


@contextmanager
def peak_memory(device: str) -> Iterator[Peak]:
    """Measures the extra memory that is used inside; read the Peak afterwards.

    Memory that an allocator already held and reuses does not show, so the first call of a case is
    the one to measure.
    """
    peak = Peak()
    start, allocator = _start_host(), _allocator(device)
    if allocator is not None:
        allocator.reset_peak_memory_stats(device)
        peak.device_held_bytes = int(allocator.memory_allocated(device))
    yield peak
    if start is not None:
        with suppress(OSError):  # what was called may have left no descriptor to open it with
            peak.host_bytes = max(0, _resident("VmHWM") - start)
    if allocator is not None and peak.device_held_bytes is not None:
        peak.device_bytes = int(allocator.max_memory_allocated(device)) - peak.device_held_bytes


def device_requests(device: str) -> int | None:
    """How often torch's allocator was asked for memory of a device in this process; None where it does not say.

    Where this number stays, whoever worked there has an allocator of its own, and torch's peak says nothing of it.
    """
    allocator = _allocator(device)
    return None if allocator is None else int(allocator.memory_stats(device).get("allocation.all.allocated", 0))


def _allocator(device: str) -> Any:
    """Torch's module that knows the memory of a device; None on the CPU, where nothing was allocated, or not by torch.

    mps has no peak, and an allocator that was plugged in no counts.
    """
    torch, kind = sys.modules.get("torch"), device.partition(":")[0]
    module: Any = getattr(torch, kind, None) if kind != "cpu" else None
    if not hasattr(module, "max_memory_allocated"):
        return None
    try:
        module.memory_stats(device)
    except (RuntimeError, AssertionError, AttributeError):
        return None
    return module


def _start_host() -> int | None:
    """Reset the peak and say what is resident now; None where the kernel does not offer it."""
    try:
        _CLEAR_REFS.write_text(_RESET_PEAK)
        return _resident("VmRSS")
    except OSError:
        return None
