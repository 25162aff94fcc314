"""One case over commits as it is kept: quantities, points, steps, series of one environment."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from statistics import median
from types import MappingProxyType

import numpy as np

from harness.errors import UsageError, unknown
from harness.judge.history.change_points import SHORTEST
from harness.judge.verdict import Verdict
from harness.records.environment import Environment

COMMIT, DATE = "commit", "date"
"""The axes: a point is a commit, whose launches are replications; or a run, in the order of the store."""
SHORT = 8
"""Digits of a hash that people read."""
EXCESS_FLOOR = 1e-10
"""Excess loss below it is rounding: where float32 trainings end, as the gate over asv's results has it."""


@dataclass(frozen=True)
class Quantity:
    """What a series is of. `scaled`: the value on the scale that is judged; `effect`: the smallest step on it.

    `noisy`: launches of one commit differ, so that levels are sought by change points; else every change counts.
    `relative`: steps are ratios, shown in per cent; else differences in `unit`.
    """

    name: str
    words: str
    unit: str
    scaled: Callable[[float], float]
    effect: float
    lower_is_better: bool = True
    noisy: bool = False
    relative: bool = False

    def in_units(self, change: float) -> float:
        """A step as people read it: per cent, or in `unit`."""
        return 100.0 * math.expm1(change) if self.relative else change

    def with_effect(self, effect: float | None) -> float:
        """The smallest step on the judged scale: of `effect` as people write it (0.03, half a digit), or the default.

        Raises UsageError unless it is finite and positive.
        """
        if effect is None:
            return self.effect
        if not (math.isfinite(effect) and effect > 0):
            raise UsageError(f"--effect is above 0 (0.03 is 3 %; of digits and decades 0.5), not {effect:g}")
        return math.log1p(effect) if self.relative else effect


def _decades(excess: float) -> float:
    return math.log10(max(excess, EXCESS_FLOOR))


QUANTITIES: Mapping[str, Quantity] = MappingProxyType(
    {
        # Fresh processes of the same code differ by 2 to 4 %.
        "time": Quantity("time", "one call", "s", math.log, math.log1p(0.03), noisy=True, relative=True),
        # Half a digit, a decade, a tenth: the gate's limits between two commits (harness.judge.gate.asv_gate).
        "digits": Quantity("digits", "correct digits", "digits", float, 0.5, lower_is_better=False),
        "excess_loss": Quantity("excess_loss", "excess loss", "decades", _decades, 1.0),
        "epochs_to": Quantity("epochs_to", "epochs to 1e-4", "epochs", math.log, math.log1p(0.1), relative=True),
    }
)


def quantity_of(name: str) -> Quantity:
    """The quantity of that name. Raises UsageError for an unknown one."""
    if name not in QUANTITIES:
        raise unknown("quantity", name, QUANTITIES)
    return QUANTITIES[name]


@dataclass(frozen=True)
class Point:
    """What one commit, or one run of whatever commit, measured in one environment.

    `place`: its place in the order of the axis; `date_s`: Unix seconds, of the commit or of the run; `values`: one a
    launch, in the quantity's own unit; empty where the newest launch has no number, and `why` says why. `data`: the
    content of the case's data; `source`: the hash of the source of a solver that somebody brought, whose edits no
    commit need tell. `run`: the id of the run that it is, empty of a commit's; `machine`: the name that a night's
    machine was given.
    """

    commit: str
    place: int
    date_s: float
    environment: Environment
    values: tuple[float, ...]
    why: str = ""
    data: str = ""
    source: str = ""
    run: str = field(default="", kw_only=True)
    machine: str = field(default="", kw_only=True)

    @property
    def date(self) -> str:
        """As people write it, in UTC."""
        return f"{datetime.fromtimestamp(self.date_s, UTC):%Y-%m-%d %H:%M}"

    @property
    def name(self) -> str:
        """What the axis calls it: the beginning of the commit's hash, or the date of the run."""
        return self.date if self.run else self.commit[:SHORT]

    @property
    def value(self) -> float | None:
        """The median over launches; None without a number."""
        return median(self.values) if self.values else None


@dataclass(frozen=True)
class Step:
    """A level that changed between two commits that were measured. `change`, `low`, `high`: as people read them.

    They are None where one of the two has no number; `untested`: commits between them, None where git cannot say.
    """

    old: Point
    new: Point
    verdict: Verdict
    change: float | None = None
    low: float | None = None
    high: float | None = None
    untested: int | None = None


@dataclass(frozen=True)
class Series:
    """The points of one machine, environment and content of the data in the order of the axis, and its steps."""

    environment: Environment
    points: tuple[Point, ...]
    steps: tuple[Step, ...]
    data: str = ""
    machine: str = ""

    @property
    def levels(self) -> list[tuple[Point, Point, float]]:
        """First and last point and the median of each stretch between steps, of points with a number."""
        places = {id(point): place for place, point in enumerate(self.points)}  # a commit has one for each source
        starts = [places[id(step.new)] for step in self.steps]
        measured = [point for point in self.points if point.value is not None]
        stretches = groupby(measured, key=lambda point: sum(start <= places[id(point)] for start in starts))
        found = [list(points) for _, points in stretches]
        return [(one[0], one[-1], float(np.median([p.value for p in one if p.value is not None]))) for one in found]


@dataclass(frozen=True)
class EnvironmentChange:
    """From one environment, or one content of the data, to the next: what differs, and the shift, no commit's doing.

    `commits`: measured in both, on which the shift is the environment's alone; 0: between the last level of the one
    and the first of the other, where commits changed as well. `of_data`: the data changed, so that it is another
    problem and nothing is compared. `same_commit`: no commit and no solver changed with it, as far as is recorded.
    """

    differs: tuple[str, ...]
    commits: int
    verdict: Verdict
    change: float | None = None
    low: float | None = None
    high: float | None = None
    of_data: bool = field(default=False, kw_only=True)
    same_commit: bool = field(default=False, kw_only=True)


@dataclass(frozen=True)
class History:
    """One case's whole history; `notes`: what was left out, how points were ordered; `by`: the axis, commit or date."""

    case: str
    quantity: Quantity
    effect: float
    series: tuple[Series, ...]
    changes: tuple[EnvironmentChange, ...]
    notes: tuple[str, ...] = ()
    by: str = COMMIT

    @property
    def fewest(self) -> int:
        """Commits with a number in one series without which no step of this quantity can be found."""
        return 2 * SHORTEST if self.quantity.noisy else 2

    @property
    def compared(self) -> bool:
        """Whether anything was compared: the commits of a series, or two environments."""
        enough = (
            series.steps or sum(point.value is not None for point in series.points) >= self.fewest
            for series in self.series
        )
        return any(enough) or any(change.verdict is not Verdict.UNDECIDED for change in self.changes)
