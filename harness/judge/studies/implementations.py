"""Where two implementations of one optimizer part: the first step whose difference rounding does not explain."""

from collections.abc import Sequence
from enum import StrEnum

import numpy as np
from pydantic import computed_field

from harness.judge.medians import Floats
from harness.judge.studies.finding import Finding
from harness.records.record import Kept


class Parting(StrEnum):
    """How two trainings from one start came out."""

    SAME = "same bits"
    ROUNDING = "within rounding"
    KNOWN = "known finding"
    FORMULA = "other formula"
    NEW = "new"
    UNSUPPORTED = "unsupported"


class Compared(Kept):
    """One implementation beside torch's plain loop.

    `step`: the first, from 1, whose difference is above the bound; None: none was. `difference`, `bound`: at the end,
    relative to the largest parameter; None where nothing was trained. `finding`: the id of the finding that says so.
    """

    problem: str
    optimizer: str
    dtype: str
    implementation: str
    beside: str = "forloop"
    steps: int = 0
    step: int | None = None
    difference: float | None = None
    bound: float | None = None
    status: Parting
    finding: str = ""
    reason: str = ""


def distance(one: Floats, other: Floats) -> Floats:
    """The largest difference of parameters (T, P) at each step, relative to the largest of `one`: (T,).

    A step at which one of the two is not finite and the other is, or that only one of them has, differs by inf.
    """
    steps = max(len(one), len(other))
    found = np.full(steps, np.inf)
    both = min(len(one), len(other))
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        size = np.max(np.abs(one[:both]), axis=1)
        off = np.max(np.abs(one[:both] - other[:both]), axis=1)
        relative = off / np.where(size > 0, size, 1.0)
    lost = ~np.isfinite(one[:both]).all(axis=1) & ~np.isfinite(other[:both]).all(axis=1)
    found[:both] = np.where(np.isfinite(relative), relative, np.where(lost, 0.0, np.inf))
    return found


def rounding(reference: Floats, rounded: Sequence[Floats]) -> Floats:
    """What rounding may do by each step: the largest distance so far of runs whose steps were rounded at random: (T,).

    The method is Monte Carlo arithmetic (Parker, Monte Carlo Arithmetic, 1997, UCLA CSD-970002).
    """
    spread = np.max([distance(reference, one)[: len(reference)] for one in rounded], axis=0)
    return np.asarray(np.maximum.accumulate(spread))


def first_parting(off: Floats, bound: Floats) -> int | None:
    """The first step at which a distance (T,) is above the bound (T',); its last value holds beyond it."""
    held = np.pad(bound, (0, max(0, len(off) - len(bound))), mode="edge")[: len(off)]
    beyond = np.flatnonzero(off > held)
    return int(beyond[0]) if len(beyond) else None


def finding_of(here: Sequence[Finding], optimizer: str, dtype: str, implementation: str) -> Finding | None:
    """Which of the findings that are here says that the implementation and the plain loop part."""
    said = (one for one in here if any(part.says(optimizer, dtype, implementation) for part in one.parts))
    return next(said, None)


class Partings(Kept):
    """Every pair that was looked at; `new`: how many parted without a finding or a documented formula to say so."""

    lines: tuple[Compared, ...]

    @computed_field  # type: ignore[prop-decorator]  # as pydantic has it
    @property
    def new(self) -> int:
        """How many are new."""
        return sum(one.status is Parting.NEW for one in self.lines)
