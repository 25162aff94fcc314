"""Instructions of one call in two versions: the raw counts of every cell."""

import statistics

from harness.records.record import Kept, Number
from harness.solvers.status import Status


class InstructionCount(Kept):
    """One version's count of a cell; any other status than ok has the reason in `message`, and no counts.

    `layouts`: instructions of one call, block by block in each memory layout, the loop that calls it with it; `calls`:
    of a block; `reading`: instructions of reading the counter, subtracted from each block; `kernels`: which code BLAS
    and torch chose for the processor that valgrind presents; `cpu_s`: CPU seconds of preparing and counting under it.
    """

    status: Status = Status.OK
    message: str = ""
    layouts: tuple[tuple[Number, ...], ...] = ()
    calls: int = 0
    reading: Number = 0.0
    kernels: tuple[str, ...] = ()
    cpu_s: Number = 0.0

    @property
    def by_layout(self) -> tuple[float, ...]:
        """Mean of each layout's blocks."""
        return tuple(statistics.mean(blocks) for blocks in self.layouts if blocks)

    @property
    def per_call(self) -> float | None:
        """Mean over the layouts; None without any."""
        return statistics.mean(self.by_layout) if self.by_layout else None

    @property
    def repeatability(self) -> float | None:
        """(largest - smallest) / mean of the blocks of one layout, the median layout's; None without two blocks."""
        spreads = [_spread(blocks) for blocks in self.layouts if len(blocks) > 1 and statistics.mean(blocks)]
        return statistics.median(spreads) if spreads else None

    @property
    def layout_spread(self) -> float | None:
        """(largest - smallest) / mean over the layouts; None without two."""
        return _spread(self.by_layout) if len(self.by_layout) > 1 and self.per_call else None


class InstructionCell(Kept):
    """One case counted in both versions; `planted`: the factor of a slowdown that was planted in the head."""

    case: str
    problem: str
    solver: str
    base: InstructionCount = InstructionCount()
    head: InstructionCount = InstructionCount()
    planted: float = 1.0


def _spread(values: tuple[float, ...]) -> float:
    return (max(values) - min(values)) / statistics.mean(values)
