"""The speed lines of one run, and the bars that `streaming` is held to: ratios of medians within the run."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from harness.judge.speed.floors import PRODUCT, SUM
from harness.timing.sampling import Samples

MEMORY_MAP_BYTES = 64 * 2**20


@dataclass(frozen=True)
class SpeedLine:
    """One solver or floor at one shape: raw seconds of single calls, what the first call told.

    extra_memory: peak above the start over the bytes of X; extra_bytes: the same in bytes, of a memory
    map; digits against the exact solution; note: the solver's message, or why it was not run. by_wall: it is beside
    lines of other numbers of threads, which CPU seconds do not tell apart.
    """

    shape: str
    name: str
    samples: Samples = field(default_factory=Samples)
    digits: float | None = None
    extra_memory: float | None = None
    extra_bytes: int | None = None
    note: str = ""
    by_wall: bool = False

    def timed(self, samples: Samples) -> "SpeedLine":
        """The line with its samples."""
        return replace(self, samples=samples, note=samples.error or self.note)

    @property
    def median_s(self) -> float | None:
        """Median seconds of one call, CPU or wall; None if it was not run."""
        return self.samples.median_wall_s if self.by_wall else self.samples.median_cpu_s


STREAMING, ONEDAL = "streaming", "onedal"
THREAD_SHAPES = ("2e6x10", "5e5x50", "50000x500")


@dataclass(frozen=True)
class SpeedBar:
    """`name` takes at most `most` times the seconds of `against` at `shape`."""

    shape: str
    against: str
    most: float
    name: str = STREAMING


def on(name: str, threads: int) -> str:
    """A solver's line with so many threads."""
    return name if threads == 1 else f"{name}, {threads} threads"


BARS = (
    SpeedBar("1e5x10", "sklearn", 1 / 4),
    SpeedBar("1e5x10", "statsmodels_pinv", 1 / 10),
    *(SpeedBar(shape, "sklearn", 1 / 5) for shape in ("1e6x10", "1e6x50")),
    *(SpeedBar(shape, "statsmodels_pinv", 1 / 15) for shape in ("1e6x10", "1e6x50")),
    *(SpeedBar(shape, "onedal", 1.0) for shape in ("1e6x10", "1e6x50", "1e5x500")),
    SpeedBar("1e5x500", PRODUCT, 1.3),
    SpeedBar("1e7x10 memory map", SUM, 3.5),
    *(SpeedBar(shape, STREAMING, 1 / 1.7, on(STREAMING, 2)) for shape in THREAD_SHAPES),
    SpeedBar("5e5x50", STREAMING, 1 / 10, on(STREAMING, 16)),
    *(SpeedBar(shape, on(ONEDAL, k), 1.0, on(STREAMING, k)) for shape in THREAD_SHAPES for k in (1, 2, 4, 8, 16)),
)
"""Set by the project for its own solver: what makes it worth using beside the libraries."""


@dataclass(frozen=True)
class SpeedVerdict:
    """A bar with what was measured; held is None where one side was not run."""

    text: str
    measured: str
    held: bool | None


def ratio(lines: Sequence[SpeedLine], shape: str, name: str, against: str) -> float | None:
    """Median seconds of `name` over those of `against` at a shape; None if either was not run."""
    found = {line.name: line.median_s for line in lines if line.shape == shape}
    top, bottom = found.get(name), found.get(against)
    return None if top is None or not bottom else top / bottom


def judge_speed(lines: Sequence[SpeedLine]) -> Iterator[SpeedVerdict]:
    """Every bar whose shape was measured."""
    there = {(line.shape, line.name) for line in lines}
    for bar in BARS:
        if (bar.shape, bar.name) in there:
            found = ratio(lines, bar.shape, bar.name, bar.against)
            text = f"{bar.shape}: {bar.name} takes at most {bar.most:.3g} of the time of {bar.against}"
            measured = "not run" if found is None else f"{found:.3g}"
            yield SpeedVerdict(text, measured, None if found is None else found <= bar.most)
    for line in lines:
        if line.extra_bytes is not None:
            text = f"{line.shape}: at most {MEMORY_MAP_BYTES // 2**20} MiB of extra memory"
            yield SpeedVerdict(text, f"{line.extra_bytes / 2**20:.1f} MiB", line.extra_bytes <= MEMORY_MAP_BYTES)
