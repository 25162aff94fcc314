"""Two versions side by side: the raw samples of every cell, launch by launch, round by round."""

from typing import Any, NamedTuple

from pydantic import Field, model_serializer, model_validator

from harness.records.record import Count, Kept, Number, Samples, Solution
from harness.solvers.status import Status


class Library(Kept):
    """A library of one of two versions as it is installed.

    `origin`: the URL that it came from, an index's too, without passwords; empty where its installer kept none.
    `sha256`: of the file that was installed; `commit`: of a repository; `files_sha256`: of the files that are imported
    (their hashes in its RECORD, PyPA's specification of recorded installs). Each is empty where it is not known.
    """

    name: str
    version: str = ""
    origin: str = ""
    commit: str = ""
    sha256: str = ""
    files_sha256: str = ""


class Side(Kept):
    """One of two versions: what a person called it, the commit if it is one, and what its interpreter holds.

    `libraries`: those that were asked for, and those that were installed for it.
    """

    name: str
    commit: str | None = None
    python: str = ""
    versions: dict[str, str] = Field(default_factory=dict)
    libraries: tuple[Library, ...] = ()


SAMPLED = {f"{side}_{clock}": (side, clock) for side in ("base", "head") for clock in ("wall_s", "cpu_s")}
"""A launch's keys in JSON: whose samples by which clock."""


class Launch(Kept):
    """One fresh process of each version: entry i of each of their samples is of the same round.

    Launches are the unit of replication: where libraries are mapped makes fresh processes differ by 3 %.
    In JSON the four lists of seconds are side by side, as SAMPLED names them.
    """

    base: Samples = Samples()
    head: Samples = Samples()

    @model_validator(mode="before")
    @classmethod
    def _from_lists(cls, given: Any) -> Any:
        if not isinstance(given, dict) or not SAMPLED.keys() & given.keys():
            return given
        nested: dict[str, Any] = {name: value for name, value in given.items() if name not in SAMPLED}
        for name in SAMPLED.keys() & given.keys():
            side, clock = SAMPLED[name]
            nested.setdefault(side, {})[clock] = given[name]
        return nested

    @model_serializer
    def _as_lists(self) -> dict[str, tuple[float, ...]]:
        return {name: getattr(getattr(self, side), clock) for name, (side, clock) in SAMPLED.items()}


FAILED_IMPORT = "failed to import: "
"""What the message of a version begins with in which a library is there and cannot be imported (harness.ab.worker)."""


class Measured(Kept):
    """How well one version did on a cell; `status` error with a message where it could not be run at all.

    `values`: what a benchmark that is no time gave, a number a launch.

    `problem_sha256`: of the training rows that it was given; empty of versions and results from before it was kept.

    `rank`: what the solver found; `rank_of_data`: what the data determine; `r2`: by split; `solution`: the coefficients
    and the exact ones. None or empty where a version does not tell them.
    """

    status: Status = Status.OK
    message: str = ""
    digits: Number | None = None
    excess_loss: Number | None = None
    problem_sha256: str = ""
    values: tuple[Number, ...] = ()
    rank: Count | None = None
    rank_of_data: Count | None = None
    r2: dict[str, Number] = Field(default_factory=dict)
    solution: Solution | None = None

    @property
    def import_failed(self) -> bool:
        """Whether a library that it needs is there and cannot be imported."""
        return self.message.startswith(FAILED_IMPORT)


class AbCell(Kept):
    """One case in both versions. `case` names problem, solver and options as records do.

    Of an asv benchmark `case` is its name with its parameters, `problem` its name, and there is no solver. Where it has
    `values` and no times, they are in `unit`. `left`: why nobody looked at it, or looked on; empty where somebody did.
    `spreads`: the standard deviation of each column of the training rows, by name.
    """

    case: str
    problem: str
    solver: str
    device: str = "cpu"
    threads: int = 1
    base: Measured = Measured()
    head: Measured = Measured()
    launches: tuple[Launch, ...] = ()
    params: tuple[tuple[str, str], ...] = ()
    unit: str = ""
    left: str = ""
    spreads: dict[str, float] = Field(default_factory=dict)

    @property
    def data_changed(self) -> bool:
        """Whether the versions were given other data for the same problem; they cannot be compared then."""
        both = {self.base.problem_sha256, self.head.problem_sha256} - {""}
        return len(both) > 1


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
