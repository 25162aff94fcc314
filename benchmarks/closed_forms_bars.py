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
    map; digits against the exact solution; note: the solver's message, or why it was not run.
    """

    shape: str
    name: str
    samples: Samples = field(default_factory=Samples)
    digits: float | None = None
    extra_memory: float | None = None
    extra_bytes: int | None = None
    note: str = ""

    def timed(self, samples: Samples) -> "SpeedLine":
        """The line with its samples."""
        return replace(self, samples=samples, note=samples.error or self.note)

    @property
    def median_s(self) -> float | None:
        """Median CPU seconds of one call; None if it was not run."""
        return self.samples.median_cpu_s


@dataclass(frozen=True)
class SpeedBar:
    """`streaming` takes at most `most` times the seconds of `against` at `shape`."""

    shape: str
    against: str
    most: float


BARS = (
    SpeedBar("1e5x10", "sklearn", 1 / 4),
    SpeedBar("1e5x10", "statsmodels_pinv", 1 / 10),
    *(SpeedBar(shape, "sklearn", 1 / 5) for shape in ("1e6x10", "1e6x50")),
    *(SpeedBar(shape, "statsmodels_pinv", 1 / 15) for shape in ("1e6x10", "1e6x50")),
    *(SpeedBar(shape, "onedal", 1.0) for shape in ("1e6x10", "1e6x50", "1e5x500")),
    SpeedBar("1e5x500", PRODUCT, 1.3),
    SpeedBar("1e7x10 memory map", SUM, 4.0),
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
    shapes = {line.shape for line in lines}
    for bar in BARS:
        if bar.shape in shapes:
            found = ratio(lines, bar.shape, "streaming", bar.against)
            text = f"{bar.shape}: streaming takes at most {bar.most:.3g} of {bar.against}'s time"
            measured = "not run" if found is None else f"{found:.3g}"
            yield SpeedVerdict(text, measured, None if found is None else found <= bar.most)
    for line in lines:
        if line.extra_bytes is not None:
            text = f"{line.shape}: at most {MEMORY_MAP_BYTES // 2**20} MiB of extra memory"
            yield SpeedVerdict(text, f"{line.extra_bytes / 2**20:.1f} MiB", line.extra_bytes <= MEMORY_MAP_BYTES)
