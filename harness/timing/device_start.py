"""A device made ready before anything on it is measured: started, its memory given back, its clock up.

The first work on a device makes a context and loads libraries, which takes seconds and memory: it belongs to no case.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from harness.timing.device import CPU, CUDA, kind_of, synchronizer

BUSY_S = 0.05
"""How long a device works before each turn: an idle H200 runs at 345 MHz and a busy one at 1980 MHz (NVML's SM clock),
and takes some ten milliseconds to get there."""
BUSY_SIZE = 1024
"""Rows of the square product that it works on: 2 GFLOP, some 50 us of a GPU's time, so that the end is hit closely."""
BUSY_LAUNCHES = 8
"""Products between two looks at the clock."""
HELD_SHARE = 0.98
"""Of the memory that was free before: what libraries hold differs a little from process to process."""
PATIENCE_S = 10.0
"""How long memory that an ended process held is waited for: the driver takes it back in seconds."""
LOOK_EVERY_S = 0.1


@dataclass(frozen=True)
class Start:
    """How a device was started in this process.

    `seconds`: the context, the libraries and a first product of each dtype; `free_bytes`: of its memory, afterwards, or
    None where nobody says; `waited_s`: for memory that an ended process still held; `missing_bytes`: of what was free
    before, what did not come back in that time.
    """

    seconds: float
    free_bytes: int | None = None
    waited_s: float = 0.0
    missing_bytes: int = 0

    def note(self, device: str) -> str:
        """What a person should know of it; empty where it did not wait."""
        if not self.waited_s:
            return ""
        missing = f"; {self.missing_bytes / 2**20:.0f} MiB have not come back" if self.missing_bytes else ""
        return f"waited {self.waited_s:.1f} s for the memory of {device} that an ended process still held{missing}"


class Starts:
    """The devices that this process has started, each once."""

    def __init__(self) -> None:
        self._made: dict[str, Start] = {}
        self._operands: dict[str, Any] = {}
        self._expected: dict[str, int] = {}
        self._untold: set[str] = set()

    def expect(self, free_bytes: Mapping[str, int]) -> None:
        """What was free by device after the start of a process before this one, which has ended."""
        self._expected |= free_bytes

    @property
    def free_bytes(self) -> dict[str, int]:
        """What was free by device after its start, where that is known."""
        return {device: made.free_bytes for device, made in self._made.items() if made.free_bytes is not None}

    def of(self, device: str) -> Start | None:
        """How it was started; None if it was not."""
        return self._made.get(device)

    def news(self, device: str) -> str:
        """Said once, for the first case on the device: that its memory was waited for; empty where it was not."""
        untold, self._untold = device in self._untold, self._untold - {device}
        return self._made[device].note(device) if untold else ""

    def start(self, device: str) -> None:
        """Make its context, load its libraries by a product of each dtype and wait for its memory; once a process.

        The first product takes cuBLAS's workspace (32 MiB on an H200, for as long as the process lives), which is
        then in no case's peak. Never raises: what is wrong with a device is told by whoever uses it.
        """
        if device == CPU or device in self._made:
            return
        with suppress(Exception):
            self._made[device] = self._start(device)
            self._untold.add(device)

    def keep_busy(self, device: str, seconds: float = BUSY_S) -> None:
        """Let a device that was started work for so long, so that its clock is up; nothing for the CPU."""
        operand, until = self._operands.get(device), time.perf_counter() + seconds
        if operand is None:
            return
        synchronize = synchronizer(device)
        while True:
            for _ in range(BUSY_LAUNCHES):
                operand @ operand
            synchronize()
            if time.perf_counter() >= until:
                return

    @contextmanager
    def busy(self, device: str) -> Iterator[None]:
        """What is inside follows BUSY_S of work on the device."""
        self.keep_busy(device)
        yield

    def _start(self, device: str) -> Start:
        import torch

        before = time.perf_counter()
        free = memory_free(torch, device)
        waited_s, missing_bytes = wait_for(free, self._expected.get(device, 0))
        for dtype in (torch.float32, torch.float64):
            with suppress(TypeError):  # mps has no float64
                _product(torch.ones(BUSY_SIZE, BUSY_SIZE, dtype=dtype, device=device))
        self._operands[device] = torch.ones(BUSY_SIZE, BUSY_SIZE, device=device)
        synchronizer(device)()
        seconds, free_bytes = time.perf_counter() - before - waited_s, None
        with suppress(Exception):  # not every device's memory is known
            free_bytes = free()
        return Start(seconds, free_bytes, waited_s, missing_bytes)


def _product(A: Any) -> None:
    """By cuBLAS, and by cuBLASLt, which a bias goes to."""
    import torch

    torch.nn.functional.linear(A @ A, A, A[0])


def memory_free(torch: Any, device: str) -> Callable[[], int]:
    """Asks for the free bytes of a device's memory. The call raises where nobody knows."""
    if kind_of(device) == CUDA:
        return lambda: int(torch.cuda.mem_get_info(device)[0])
    return lambda: int(torch.accelerator.get_memory_info(device)[0])


def wait_for(
    free: Callable[[], int],
    expected: int,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], object] = time.sleep,
) -> tuple[float, int]:
    """Wait until nearly the `expected` bytes are free, PATIENCE_S at most: the seconds, and the bytes still missing.

    A device so full that it cannot even answer (out of memory) is one that is waited for. Nothing is waited for where
    nothing is expected.
    """
    began, missing = clock(), expected
    while expected:
        with suppress(Exception):
            missing = max(0, expected - free())
        if missing <= (1 - HELD_SHARE) * expected:
            missing = 0
            break
        if clock() - began >= PATIENCE_S:
            break
        sleep(LOOK_EVERY_S)
    waited = clock() - began
    return (waited if waited >= LOOK_EVERY_S or missing else 0.0), missing


STARTS = Starts()
"""Of this process."""
