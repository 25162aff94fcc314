"""Peak memory of one call: resident memory of the host, and the allocator's of the device."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_STATUS = Path("/proc/self/status")
_CLEAR_REFS = Path("/proc/self/clear_refs")
_RESET_PEAK = "5"
"""Writing 5 to clear_refs resets the peak resident size (man 5 proc_pid_clear_refs)."""


@dataclass
class Peak:
    """Bytes above what was held at the start; None where it cannot be measured."""

    host_bytes: int | None = None
    device_bytes: int | None = None


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
    start = _start_host()
    torch = sys.modules.get("torch") if device.startswith("cuda") else None
    held = 0
    if torch:
        torch.cuda.reset_peak_memory_stats(device)
        held = torch.cuda.memory_allocated(device)
    yield peak
    if start is not None:
        peak.host_bytes = max(0, _resident("VmHWM") - start)
    if torch:
        peak.device_bytes = int(torch.cuda.max_memory_allocated(device)) - held


def _start_host() -> int | None:
    """Reset the peak and say what is resident now; None where the kernel does not offer it."""
    try:
        _CLEAR_REFS.write_text(_RESET_PEAK)
        return _resident("VmRSS")
    except OSError:
        return None
