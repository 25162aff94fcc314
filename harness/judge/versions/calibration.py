"""How often the verdicts of `harness ab` err on one machine: counted, where the truth is planted."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, PositiveFloat, model_validator
from scipy import stats

from harness.errors import UsageError
from harness.files.names import Name
from harness.files.reading import NoSuchFileError, read_json
from harness.files.writing import write
from harness.judge.verdict import Verdict
from harness.judge.versions.ab_speed import judge_speeds
from harness.records.ab import AbCell, Condition
from harness.records.environment import Environment
from harness.records.record import Kept

Finite = Annotated[PositiveFloat, Field(allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0, le=10**9)]
"""Far above what a machine measures in its life, and far below what scipy's exact interval cannot take (10^30)."""

CONFIDENCE = 0.95
NO_EFFECT = 1.0


class Rate(Kept):
    """`count` of `total`; total 0 says nothing: 0 to 1."""

    count: int
    total: int

    @property
    def share(self) -> float:
        """As a fraction; 0 of none."""
        return self.count / self.total if self.total else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """95 %, exact: Clopper and Pearson, Biometrika 26 (1934). It takes cells as independent of each other."""
        if not self.total:
            return 0.0, 1.0
        found = stats.binomtest(self.count, self.total).proportion_ci(CONFIDENCE, method="exact")
        return float(found.low), float(found.high)

    def __str__(self) -> str:
        """For example 0.8 % [0.1, 3.0]."""
        low, high = self.interval
        return f"{100 * self.share:.1f} % [{100 * low:.1f}, {100 * high:.1f}]"


class Arm(Kept):
    """Counts of cells, by their speed's verdict, whose head was slowed by `factor`; `busy`: other cores were too.

    An alarm is false at factor 1 if it is a regression or an improvement, elsewhere if it is an improvement.
    """

    factor: Finite
    busy: bool = False
    repeats: Count
    cells: Count
    regressions: Count
    improvements: Count
    unchanged: Count
    undecided: Count
    repeats_with_a_false_alarm: Count = 0

    @model_validator(mode="after")
    def _counts_add_up(self) -> Self:
        if self.regressions + self.improvements + self.unchanged + self.undecided != self.cells:
            raise ValueError(f"the verdicts are not those of {self.cells} cells")
        if self.repeats_with_a_false_alarm > self.repeats:
            raise ValueError(f"more false alarms than {self.repeats} repeats")
        return self

    @property
    def caught(self) -> Rate:
        """Cells that were called a regression."""
        return Rate(count=self.regressions, total=self.cells)

    @property
    def false_alarms(self) -> Rate:
        """Cells that were called what they are not: anything at factor 1, faster at another."""
        wrong = self.improvements + (self.regressions if self.factor == NO_EFFECT else 0)
        return Rate(count=wrong, total=self.cells)


class Calibration(Kept):
    """The error rates of one machine; `measured_at` ISO 8601, `budget_s` of each repeat, `effect` as judged."""

    schema_version: Literal[1] = 1
    environment: Environment
    measured_at: Name
    budget_s: Finite
    effect: Finite
    arms: tuple[Arm, ...]

    def arm(self, factor: float, *, busy: bool = False) -> Arm | None:
        """The arm of a planted factor; None if it was not measured."""
        here = (arm for arm in self.arms if arm.busy is busy and math.isclose(arm.factor, factor))
        return next(here, None)


def error_rates(arms: Mapping[Condition, Sequence[Sequence[AbCell]]], *, effect: float) -> tuple[Arm, ...]:
    """Every repeat of every condition, judged as `judge_ab` judges speed; `arms`: repeats of cells by condition."""
    return tuple(_count(condition, repeats, effect) for condition, repeats in arms.items())


def _count(condition: Condition, repeats: Sequence[Sequence[AbCell]], effect: float) -> Arm:
    factor = condition.planted
    found = [[one.verdict for one in judge_speeds(cells, effect)] for cells in repeats]
    every = [verdict for repeat in found for verdict in repeat]
    false = {Verdict.IMPROVEMENT} | ({Verdict.REGRESSION} if factor == NO_EFFECT else set())
    return Arm(
        factor=factor,
        busy=condition.busy,
        repeats=len(found),
        cells=len(every),
        regressions=every.count(Verdict.REGRESSION),
        improvements=every.count(Verdict.IMPROVEMENT),
        unchanged=every.count(Verdict.UNCHANGED),
        undecided=every.count(Verdict.UNDECIDED),
        repeats_with_a_false_alarm=sum(not false.isdisjoint(repeat) for repeat in found),
    )


def read_calibration(path: Path) -> Calibration | None:
    """The calibration that was stored at `path`; None if there is none. Raises UsageError if it is something else."""
    try:
        return read_json(Calibration, path)
    except NoSuchFileError:
        return None
    except UsageError as error:
        raise UsageError(f"{error}: it is no calibration: make it again with harness ab --calibrate") from None


def write_calibration(calibration: Calibration, path: Path) -> None:
    """Store it as JSON, folders made as needed. Raises UsageError if it cannot be written."""
    write(path, calibration.model_dump_json(indent=1) + "\n", make_folder=True)
