"""Where each case of a run stands among those of its problem and device: how far behind the fastest that is right."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from harness.judge.grouped import grouped
from harness.judge.medians import Estimate, Floats, estimate, measurable, ratio
from harness.judge.speed.fit_times import fit_samples_s, without_n
from harness.records.record import Record
from harness.solvers.solver import Kind
from harness.solvers.status import Status

LEFT_OUT = ("lr", "seed")
"""Options that change what a training finds, and not the work of an epoch."""


@dataclass(frozen=True)
class TimedCase:
    """A record with the seconds of its whole fit; `differs`: options in which its solver's cases differ."""

    record: Record
    differs: tuple[tuple[str, str], ...]
    samples_s: Floats
    seconds: Estimate

    @property
    def label(self) -> str:
        """The solver, and each option in which the records of that solver on one problem differ."""
        return " ".join([self.record.label, *(f"{name}={value}" for name, value in self.differs)])

    @property
    def work(self) -> str:
        """The label without what leaves an epoch's work as it is."""
        return " ".join([self.record.label, *(f"{k}={v}" for k, v in self.differs if k not in LEFT_OUT)])

    @property
    def right(self) -> bool:
        """Whether the answer may be used: a wrong one and a training that did not get there may not."""
        return self.record.status is Status.OK


@dataclass(frozen=True)
class RankedCase:
    """A timed case beside the fastest right one of its problem and device; both None where there is none."""

    timed: TimedCase
    best: TimedCase | None
    ratio: Estimate | None


def timed(records: Sequence[Record]) -> list[TimedCase]:
    """Every record of a fit that has a time, in the order recorded; of a case recorded twice the last.

    A case that raised while it was timed, or has a sample that no clock can have measured, has none. A baseline is
    no fit.
    """
    latest = list({record.case: record for record in records if record.kind is not Kind.BASELINE}.values())
    found = []
    for record, differs in zip(latest, told_apart(latest), strict=True):
        samples = fit_samples_s(record)
        if len(samples) and not record.samples.error and measurable(samples):
            found.append(TimedCase(record, differs, samples, estimate(samples)))
    return found


def sized(cases: Sequence[TimedCase]) -> dict[str, list[TimedCase]]:
    """By problem without its n: the cases of those that were run at two sizes or more, those with most cases first."""
    groups = grouped(cases, lambda case: without_n(case.record))
    several = {name: found for name, found in groups.items() if len({case.record.n for case in found}) > 1}
    return dict(sorted(several.items(), key=lambda item: -len(item[1])))


def ranked_cases(cases: Sequence[TimedCase]) -> list[RankedCase]:
    """Each case beside the fastest right one, problem by problem and device by device, the fastest first."""
    found = []
    for members in grouped(cases, lambda case: (case.record.problem, case.record.device)).values():
        ordered = sorted(members, key=lambda case: case.seconds.value)
        best = next((case for case in ordered if case.right), None)
        found += [RankedCase(case, best, None if best is None else _to(case, best)) for case in ordered]
    return found


def _to(case: TimedCase, best: TimedCase) -> Estimate:
    if case is best:
        return Estimate(1.0, None, None, case.seconds.calls)
    return ratio(case.samples_s, best.samples_s)


def told_apart(records: Sequence[Record]) -> list[tuple[tuple[str, str], ...]]:
    """Of each record the options (and threads), as text, in which its solver's records of some one problem differ."""
    differing = _differing(records)
    return [
        tuple((name, value) for name, value in _options(record).items() if name in differing[record.label])
        for record in records
    ]


def _differing(records: Sequence[Record]) -> dict[str, set[str]]:
    """By solver: the options (and threads) in which its records of some one problem differ."""
    values: dict[tuple[str, str], dict[str, set[str]]] = {}
    for record in records:
        own = values.setdefault((record.label, record.problem), {})
        for name, value in _options(record).items():
            own.setdefault(name, set()).add(value)
    found: dict[str, set[str]] = {}
    for (label, _), own in values.items():
        found.setdefault(label, set()).update(name for name, options in own.items() if len(options) > 1)
    return found


def _options(record: Record) -> dict[str, str]:
    """Options as text; the engine is in the record's label."""
    options = {name: f"{value:g}" if isinstance(value, float) else str(value) for name, value in record.options.items()}
    options.pop("engine", None)
    return {**options, "threads": str(record.threads)}


def pareto(points: Sequence[tuple[float, float]]) -> tuple[bool, ...]:
    """Of points (cost, worth): whether none of the others is at least as good in both and better in one.

    Cost, seconds say, is better smaller, worth, digits say, larger (Pareto 1906, Manuale di economia politica). Equal
    points are both on the front or both not. One with a number that is NaN or infinite is neither on it nor beats any.
    """
    front = [False] * len(points)
    usable = [i for i, (cost, worth) in enumerate(points) if math.isfinite(cost) and math.isfinite(worth)]
    best, best_cost = -math.inf, math.inf
    for i in sorted(usable, key=lambda i: (points[i][0], -points[i][1])):
        cost, worth = points[i]
        front[i] = worth > best or (worth == best and cost == best_cost)
        if worth > best:
            best, best_cost = worth, cost
    return tuple(front)
