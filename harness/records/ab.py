"""Two versions side by side: the raw samples of every cell, launch by launch, round by round."""

from typing import NamedTuple

from pydantic import Field

from harness.records.record import Kept, Number
from harness.solvers.status import Status


class Side(Kept):
    """One of two versions: what a person called it, the commit if it is one, and what its interpreter holds."""

    name: str
    commit: str | None = None
    python: str = ""
    versions: dict[str, str] = Field(default_factory=dict)


class Launch(Kept):
    """One fresh process of each version; entry i of each list is of the same round, seconds of one call.

    Launches are the unit of replication: where libraries are mapped makes fresh processes differ by 3 %.
    """

    base_wall_s: tuple[float, ...] = ()
    base_cpu_s: tuple[float, ...] = ()
    head_wall_s: tuple[float, ...] = ()
    head_cpu_s: tuple[float, ...] = ()


class Measured(Kept):
    """How well one version did on a cell; `status` error with a message where it could not be run at all."""

    status: Status = Status.OK
    message: str = ""
    digits: Number | None = None
    excess_loss: Number | None = None


class AbCell(Kept):
    """One case in both versions. `case` names problem, solver and options as records do."""

    case: str
    problem: str
    solver: str
    device: str = "cpu"
    base: Measured = Measured()
    head: Measured = Measured()
    launches: tuple[Launch, ...] = ()


class Condition(NamedTuple):
    """Of a calibration: the factor of a slowdown that is planted in the head, and whether other cores are kept busy."""

    planted: float
    busy: bool = False


class Comparison(Kept):
    """A whole comparison: both sides, every cell, and how it was measured.

    `spent_s`: wall seconds once the versions were built; `duet`: both versions at once, one on each core; `fastest`:
    each figure is the fastest of a turn's calls, not their median; `started_s` and `visited_s`: of the newest launch,
    until both workers were prepared, and with all its cells; `planted`: the factor of a slowdown that was planted in
    every cell of the head; `busy`: every other core was kept busy; `repeat`: of its condition, in a calibration.
    """

    base: Side
    head: Side
    cells: tuple[AbCell, ...]
    budget_s: float
    spent_s: float
    seed: int = 0
    duet: bool = False
    fastest: bool = False
    launches: int = 0
    started_s: float = 0.0
    visited_s: float = 0.0
    planted: float = 1.0
    busy: bool = False
    repeat: int = 0

    @property
    def condition(self) -> Condition:
        """Under which condition of a calibration it was measured."""
        return Condition(self.planted, self.busy)
