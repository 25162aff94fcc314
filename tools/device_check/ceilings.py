"""What a device can do at most: copies, launches, products, transfers, each synchronised; the Gram matrix's bar."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from harness.solvers.streaming.folded import folded_product
from harness.timing.clock import SystemClock
from harness.timing.device import CPU, synchronizer
from harness.timing.device_start import STARTS
from harness.timing.sampling import Effort, Samples, Work, sample_interleaved

EFFORT = Effort(warm_up_calls=2, calls_per_turn=5, min_calls=5, max_calls=50, budget_s=0.5)
BYTES, HOST_BYTES = 2**30, 2**26
"""Of what is copied and multiplied, on a device and in the dry run on the CPU."""
COLUMNS = (10, 32, 128)
SQUARE, HOST_SQUARE = 8192, 512
"""Rows of the square product that shows the arithmetic's rate."""
DTYPES = ("float64", "float32")
GRAM_LEAST = 0.6
"""Of what bandwidth and float64 arithmetic allow, whichever is less: the project's bar, for data of 1 GB and more."""
GIGA = 1e9


@dataclass(frozen=True)
class Ceiling:
    """One measurement: median wall `seconds` of a call that moves `bytes` and makes `operations`."""

    name: str
    seconds: float | None
    bytes: int = 0
    operations: float = 0.0
    note: str = ""

    @property
    def bytes_per_s(self) -> float | None:
        """None where nothing was measured, or nothing moved."""
        return self.bytes / self.seconds if self.seconds and self.bytes else None

    @property
    def operations_per_s(self) -> float | None:
        """The same of additions and multiplications."""
        return self.operations / self.seconds if self.seconds and self.operations else None

    @property
    def text(self) -> str:
        """In a line."""
        if self.seconds is None:
            return f"{self.name}: not measured: {self.note}"
        parts = [f"{self.seconds * 1e6:.4g} us"]
        parts += [f"{self.bytes_per_s / GIGA:.4g} GB/s"] if self.bytes_per_s else []
        parts += [f"{self.operations_per_s / GIGA:.4g} GFLOP/s"] if self.operations_per_s else []
        return f"{self.name}: {', '.join(parts)}"


def ceilings(device: str) -> Iterator[Ceiling]:
    """Every ceiling; what a device refuses is one without seconds, with the reason."""
    STARTS.start(device)
    size, square = (HOST_BYTES, HOST_SQUARE) if device == CPU else (BYTES, SQUARE)
    yield _measured("launch and synchronisation", device, lambda torch: torch.zeros(1, device=device).zero_)
    yield _measured("copy on the device", device, partial(_copy, device=device, size=size), 2 * size)
    for pinned in (False, True):
        name = f"upload of {'pinned' if pinned else 'pageable'} memory"
        if device == CPU:
            yield Ceiling(name, None, note="nothing is uploaded to the CPU")
        else:
            yield _measured(name, device, partial(_upload, device=device, size=size, pinned=pinned), size)
    for dtype in DTYPES:
        make = partial(_square, device=device, size=square, dtype=dtype)
        yield _measured(f"{dtype} product, {square} x {square}", device, make, operations=2.0 * square**3)
        for p in COLUMNS:
            rows = size // (8 * p)
            moved = rows * p * (8 if dtype == "float64" else 4)
            tall = partial(_gram, device=device, shape=(rows, p), dtype=dtype)
            yield _measured(f"{dtype} X'X, {rows} x {p}", device, tall, moved, 2.0 * rows * p**2)


def gram_bars(found: list[Ceiling]) -> list[dict[str, Any]]:
    """X'X in float64 against the smaller of the copy's bandwidth and the square product's rate."""
    copy = next((one.bytes_per_s for one in found if one.name.startswith("copy")), None)
    rate = next((one.operations_per_s for one in found if one.name.startswith("float64 product")), None)
    bars = []
    for one in found:
        if one.name.startswith("float64 X'X"):
            share = None
            if copy and rate and one.seconds:
                share = max(one.bytes / copy, one.operations / rate) / one.seconds
            held = None if share is None else share >= GRAM_LEAST
            bars.append({"name": one.name, "share": share, "least": GRAM_LEAST, "held": held})
    return bars


Make = Callable[[Any], Callable[[], object]]


def _measured(name: str, device: str, make: Make, moved: int = 0, operations: float = 0.0) -> Ceiling:
    import torch

    try:
        work = Work(make(torch), synchronizer(device), lambda: STARTS.busy(device))
        (samples,) = sample_interleaved([work], SystemClock(), EFFORT)
    except (RuntimeError, MemoryError, TypeError, NotImplementedError) as error:
        samples = Samples(error=f"{type(error).__name__}: {error}".splitlines()[0])
    seconds = None if samples.error else samples.median_wall_s
    return Ceiling(name, seconds, moved, operations, samples.error)


def _copy(torch: Any, device: str, size: int) -> Callable[[], object]:
    source, target = (torch.zeros(size, dtype=torch.uint8, device=device) for _ in range(2))
    return lambda: target.copy_(source)


def _upload(torch: Any, device: str, size: int, *, pinned: bool) -> Callable[[], object]:
    source = torch.zeros(size, dtype=torch.uint8)
    source = source.pin_memory() if pinned else source
    target = torch.empty(size, dtype=torch.uint8, device=device)
    return lambda: target.copy_(source, non_blocking=pinned)


def _square(torch: Any, device: str, size: int, dtype: str) -> Callable[[], object]:
    A = torch.ones(size, size, dtype=getattr(torch, dtype), device=device)
    return lambda: A @ A


def _gram(torch: Any, device: str, shape: tuple[int, int], dtype: str) -> Callable[[], object]:
    X = torch.ones(*shape, dtype=getattr(torch, dtype), device=device)
    return lambda: folded_product(X, X)
