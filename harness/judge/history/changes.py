"""What happened in a case's history, each with how grave it is: the steps of its commits and those of its upgrades."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from harness.judge.history.series import EnvironmentChange, History, Step
from harness.judge.verdict import Verdict

DECIDED = (Verdict.REGRESSION, Verdict.IMPROVEMENT)


@dataclass(frozen=True)
class LevelChange:
    """A step of a commit or a change of environment that is a regression or an improvement.

    `severity`: its size over the smallest step that counts, infinite where a number was lost or came back; so a loss
    of digits and a slowdown can be put in one order.
    """

    history: History
    found: Step | EnvironmentChange
    severity: float

    @property
    def worse(self) -> bool:
        """Whether it is a regression."""
        return self.found.verdict is Verdict.REGRESSION


def level_changes(history: History) -> list[LevelChange]:
    """Every decided change of a history, in no particular order."""
    found: list[Step | EnvironmentChange] = [step for series in history.series for step in series.steps]
    found += history.changes
    return [LevelChange(history, one, _severity(history, one.change)) for one in found if one.verdict in DECIDED]


def worst_first(changes: Iterable[LevelChange]) -> list[LevelChange]:
    """Regressions before improvements, the gravest first."""
    return sorted(changes, key=lambda change: (not change.worse, -change.severity))


def _severity(history: History, change: float | None) -> float:
    if change is None:
        return math.inf
    size = math.log1p(max(change / 100.0, -0.999)) if history.quantity.relative else change
    return abs(size) / history.effect


def rank(history: History) -> tuple[int, float, int]:
    """For sorting: histories with regressions first, the gravest at the front, then improvements, then the longest."""
    changes = worst_first(level_changes(history))
    points = sum(point.value is not None for series in history.series for point in series.points)
    if not changes:
        return 2, 0.0, -points
    return int(not changes[0].worse), -changes[0].severity, -points
