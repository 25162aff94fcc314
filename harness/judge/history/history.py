"""One case over commits: what each commit measured, where the level changed, and which commit did it.

Change points are sought within one environment and one content of the data: another processor, another library or other
data are not a commit's doing, and are told apart as an EnvironmentChange.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from harness.judge.grouped import grouped
from harness.judge.history.change_points import change_points, penalty_of, shift
from harness.judge.history.series import COMMIT, DATE, EnvironmentChange, History, Point, Quantity, Series, Step
from harness.judge.medians import Floats
from harness.judge.verdict import Verdict
from harness.records.content import SHOWN
from harness.records.differences import STATE_OF, compared_by, differences
from harness.records.environment import Environment

IGNORED = ("system", "commit", "ls-harness")
"""The package's version changes with the commits: it is what is measured, not what it is measured on."""

HARDWARE = ("cpu", "cores", "gpu", "driver")
"""Of what environments are compared by: another machine, whose times are not the other's."""

Untested = Callable[[str, str], int | None]
"""How many commits lie between two."""


def judge_history(
    case: str,
    quantity: Quantity,
    points: Sequence[Point],
    untested: Untested,
    *,
    effect: float | None = None,
    notes: Sequence[str] = (),
    by: str = COMMIT,
) -> History:
    """Points split by machine, environment and data, each with its steps, in the order in which these first appear."""
    smallest = quantity.with_effect(effect)
    ordered = sorted(points, key=lambda point: (point.place, point.date_s))
    split = grouped(ordered, lambda point: (point.machine, identity(point.environment), point.data))
    series = [_series(found, steps_of(found, quantity, smallest, untested)) for found in split.values()]
    changes = tuple(_environment_change(old, new, quantity, smallest, by) for old, new in neighbours(series))
    return History(case, quantity, smallest, tuple(series), changes, tuple(notes), by)


def _series(points: Sequence[Point], steps: tuple[Step, ...]) -> Series:
    first = points[0]
    return Series(first.environment, tuple(points), steps, first.data, first.machine)


def neighbours(series: Sequence[Series]) -> list[tuple[Series, Series]]:
    """Each series with the one that comes next on its machine: two machines are never compared."""
    machines = dict.fromkeys(one.machine for one in series)
    return [pair for name in machines for pair in pairwise([one for one in series if one.machine == name])]


def steps_of(points: Sequence[Point], quantity: Quantity, effect: float, untested: Untested) -> tuple[Step, ...]:
    """Steps of the level, and every change from a number to none or back: a number that is lost is a regression."""
    measured = [point for point in points if point.value is not None]
    values = _scaled(measured, quantity)
    spans = (
        _noisy(values, effect, [len(point.values) for point in measured]) if quantity.noisy else _exact(values, effect)
    )
    found = [_step(measured[at - 1], measured[at], quantity, span, untested) for at, span in spans]
    lost = [
        Step(
            old,
            new,
            Verdict.IMPROVEMENT if new.values else Verdict.REGRESSION,
            untested=untested(old.commit, new.commit),
        )
        for old, new in pairwise(points)
        if bool(old.values) != bool(new.values)
    ]
    return tuple(sorted([*found, *lost], key=lambda step: step.new.place))


Span = tuple[float, float, float]
"""Change, low and high on the judged scale."""


def _scaled(points: Sequence[Point], quantity: Quantity) -> Floats:
    return np.array([quantity.scaled(point.value) for point in points if point.value is not None])


def _noisy(values: Floats, effect: float, launches: Sequence[int]) -> list[tuple[int, Span]]:
    penalty = penalty_of(float(np.median(launches)) if launches else 1.0)
    return [(one.at, (one.change, one.low, one.high)) for one in change_points(values, effect, penalty)]


def _exact(values: Floats, effect: float) -> list[tuple[int, Span]]:
    """Where a value leaves the first one of its level by `effect` or more: what is not noisy needs no statistics."""
    found, level = [], values[0] if len(values) else 0.0
    for at, value in enumerate(values):
        change = float(value - level)
        if abs(change) >= effect:
            found.append((at, (change, change, change)))
            level = value
    return found


def _step(old: Point, new: Point, quantity: Quantity, span: Span, untested: Untested) -> Step:
    change, low, high = map(quantity.in_units, span)
    return Step(old, new, _verdict(span[0], quantity), change, low, high, untested(old.commit, new.commit))


def _verdict(change: float, quantity: Quantity) -> Verdict:
    return Verdict.REGRESSION if (change > 0) == quantity.lower_is_better else Verdict.IMPROVEMENT


def _environment_change(old: Series, new: Series, quantity: Quantity, effect: float, by: str) -> EnvironmentChange:
    """On the commits that both measured; without any, and of nights, from the old's last level to the new's first."""
    differs = differences_of(old, new)
    if old.data != new.data:
        return EnvironmentChange(differs, 0, Verdict.UNDECIDED, of_data=True)
    before, after = _common(old, new) if by == COMMIT else ([], [])
    commits = len(before)
    if not commits:
        before, after = _level(old, last=True), _level(new, last=False)
    if not (before and after):
        return EnvironmentChange(differs, commits, Verdict.UNDECIDED)
    told = {(point.commit, point.source) for point in (before[-1], after[0])}
    same = by == DATE and len(told) == 1
    span = shift(_scaled(before, quantity), _scaled(after, quantity))
    if not quantity.noisy:
        span = (span[0],) * 3
    change, low, high = map(quantity.in_units, span)
    verdict = _span_verdict(span, quantity, effect)
    return EnvironmentChange(differs, commits, verdict, change, low, high, same_commit=same)


def _span_verdict(span: Span, quantity: Quantity, effect: float) -> Verdict:
    """Undecided where it is large enough but its interval holds 0."""
    change, low, high = span
    if abs(change) < effect:
        return Verdict.UNCHANGED
    return Verdict.UNDECIDED if low <= 0 <= high else _verdict(change, quantity)


def _common(old: Series, new: Series) -> tuple[list[Point], list[Point]]:
    theirs = {point.commit: point for point in old.points if point.values}
    mine = [point for point in new.points if point.values and point.commit in theirs]
    return [theirs[point.commit] for point in mine], mine


def _level(series: Series, *, last: bool) -> list[Point]:
    levels = series.levels
    if not levels:
        return []
    first, final, _ = levels[-1 if last else 0]
    return [p for p in series.points if p.values and first.place <= p.place <= final.place]


def identity(environment: Environment) -> tuple[tuple[str, str], ...]:
    """What must be equal for two times to be comparable. Not the kernel's release, memory or the commit."""
    return tuple(sorted(compared_by(environment, IGNORED).items()))


def labels(found: Sequence[Series]) -> list[str]:
    """What tells each of several series from the others: `scikit-learn 1.9.1`; empty where nothing does."""
    parts = [
        dict(identity(series.environment)) | {"data": series.data[:SHOWN], "machine": series.machine}
        for series in found
    ]
    names = [
        name for name in dict.fromkeys(n for found in parts for n in found) if len({p.get(name) for p in parts}) > 1
    ]
    return [", ".join(f"{name} {found.get(name, 'none')}" for name in names) for found in parts]


def differences_of(old: Series, new: Series) -> tuple[str, ...]:
    """What differs between two series: their data, as `data 1a2b3c4d → 5e6f7a8b`, and their environments."""
    return (*hashes("data", old.data, new.data), *changes_between(old.environment, new.environment))


@dataclass(frozen=True)
class Moved:
    """What is recorded to have changed from one point to the next.

    `code`: the commit, the source of a solver; `around`: the data and the environment, which are no commit's doing;
    `machine`: whether the hardware is among them.
    """

    code: tuple[str, ...]
    around: tuple[str, ...]
    machine: bool = False

    @property
    def all(self) -> tuple[str, ...]:
        """All of it."""
        return (*self.code, *self.around)


def moved(old: Point, new: Point) -> Moved:
    """All that is recorded to have changed: commit, source, data, environment."""
    tree = ("uncommitted changes",) if new.environment.dirty else ()
    found = differences(old.environment, new.environment, IGNORED)
    return Moved(
        code=(*hashes("commit", old.commit, new.commit), *hashes("source", old.source, new.source), *tree),
        around=(*hashes("data", old.data, new.data), *changes_between(old.environment, new.environment)),
        machine=any(one.name in HARDWARE or one.name.startswith(STATE_OF) for one in found),
    )


def hashes(name: str, old: str, new: str) -> tuple[str, ...]:
    """`name 1a2b3c4d → 5e6f7a8b`; nothing where both are the same."""
    return () if old == new else (f"{name} {old[:SHOWN] or 'none'} → {new[:SHOWN] or 'none'}",)


def changes_between(old: Environment, new: Environment) -> tuple[str, ...]:
    """For example `numpy 2.3.1 → 2.4.6`; `none` where one of both has no record of it."""
    found = sorted(differences(old, new, IGNORED), key=lambda difference: difference.name)
    return tuple(f"{one.name} {one.then or 'none'} → {one.here or 'none'}" for one in found)
