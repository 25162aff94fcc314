"""The rows that section 3 draws and tabulates: one flat mapping a point, a ratio, a member of a front."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from harness.judge.grouped import grouped
from harness.judge.history.series import EXCESS_FLOOR
from harness.judge.medians import Estimate, estimate
from harness.judge.speed.floors import PRODUCT, SUM, Floor, floor_at
from harness.judge.speed.ranking import TimedCase, pareto, sized
from harness.records.record import Record
from harness.report.figures.rows import CASE, CLOCK_PLACES, Row, row_of, short
from harness.solvers.solver import Kind

CPU = "cpu"
FLOORS = {PRODUCT: "floor at page time: one product X'X", SUM: "floor at page time: one pass over X"}
"""The series that are no solver, as the figure names them: measured when the page is made, in another state of the
machine than the run's."""


def interval(found: Estimate | None, prefix: str) -> dict[str, Any]:
    """An estimate as three keys: `prefix`, `prefix_low`, `prefix_high`."""
    if found is None:
        return {prefix: None, f"{prefix}_low": None, f"{prefix}_high": None}
    ends = {"": found.value, "_low": found.low, "_high": found.high}
    return {f"{prefix}{name}": short(value, CLOCK_PLACES) for name, value in ends.items()}


def series_name(case: TimedCase) -> str:
    """A line of the figure: the solver with what its work depends on, and the device unless it is the CPU."""
    return case.work if case.record.device == CPU else f"{case.work} on {case.record.device}"


def time_rows(cases: Sequence[TimedCase], floors: Sequence[Floor]) -> list[Row]:
    """A point a series and size, panel by panel, then the floors of each panel.

    A training's learning rates and seeds do the same work an epoch: their calls are pooled. `rank`: the slowest series
    at a panel's largest n comes first, as lines end from top to bottom.
    """
    rows: list[Row] = []
    for place, (panel, members) in enumerate(sized(cases).items()):
        points = grouped(members, lambda case: (series_name(case), case.record.n))
        head: dict[str, Any] = {"panel": panel, "place": place}
        drawn = [head | _point(series, found) for (series, _), found in points.items()]
        last = {row["series"]: (row["n"], row["seconds"]) for row in sorted(drawn, key=lambda row: row["n"])}
        ranks = {series: rank for rank, series in enumerate(sorted(last, key=lambda name: last[name], reverse=True))}
        rows += [row | {"rank": ranks[row["series"]]} for row in drawn]
        on_cpu = {case.record.problem: case.record for case in members if case.record.device == CPU}
        rows += [head | row for record in on_cpu.values() for row in _floor_rows(floors, record)]
    return rows


def _point(series: str, pooled: Sequence[TimedCase]) -> dict[str, Any]:
    found = estimate(np.concatenate([case.samples_s for case in pooled]))
    row = {key: value for key, value in row_of(pooled[0].record).items() if len(pooled) == 1 or key not in ("lr", CASE)}
    wrong = any(case.record.failed for case in pooled)
    return row | {
        "series": series,
        "floor": False,
        "state": "wrong" if wrong else "right",
        "calls": found.calls,
        **interval(found, "seconds"),
    }


def _floor_rows(floors: Sequence[Floor], record: Record) -> Iterable[dict[str, Any]]:
    for name, series in FLOORS.items():
        found = floor_at(floors, name, record.n, record.p)
        if found is not None:
            how = "measured" if found.scaled_from is None else f"scaled up from n = {found.scaled_from:,}"
            yield {
                "problem": record.problem,
                "device": CPU,
                "n": record.n,
                "series": series,
                "floor": True,
                "state": how,
                "calls": found.seconds.calls,
                **interval(found.seconds, "seconds"),
            }


def digit_rows(cases: Sequence[TimedCase]) -> list[Row]:
    """A point a case that has digits, with whether it is on its problem's front; panels by what they have to show."""
    found = []
    for case in cases:
        digits = short(case.record.accuracy.digits, CLOCK_PLACES)
        if digits is not None:
            worth = None if case.record.failed else digits
            found.append(_point_of(case) | {"digits": digits, "worth": worth, **interval(case.seconds, "seconds")})
    return _with_fronts(found)


def excess_rows(cases: Sequence[TimedCase]) -> list[Row]:
    """A point for each tolerance that a training reached, at the seconds it took to, and one for where it ended.

    An epoch's seconds are those of the training's learning rates and seeds together, which do the same work. The
    excess loss at the end is no lower than where rounding begins.
    """
    trained = (
        case
        for case in cases
        if case.record.kind is Kind.ITERATIVE and short(case.record.accuracy.excess_loss, CLOCK_PLACES) is not None
    )
    pooled = grouped(trained, lambda case: (case.record.problem, case.work, case.record.device))
    return _with_fronts([row for held in pooled.values() for row in _training_rows(held)])


def _training_rows(pooled: Sequence[TimedCase]) -> Iterable[dict[str, Any]]:
    whole_s = float(np.median(np.concatenate([case.samples_s for case in pooled])))
    for case in pooled:
        accuracy, epochs = case.record.accuracy, int(str(case.record.options.get("epochs", 1)))
        end = max(accuracy.excess_loss or 0.0, EXCESS_FLOOR)
        reached = [(float(name), at) for name, at in accuracy.epochs_to.items() if at is not None]
        for excess, at in [*reached, (end, epochs)]:
            worth = None if case.record.failed else -math.log10(excess)
            seconds = {"seconds": short(whole_s * at / epochs, CLOCK_PLACES), "seconds_low": None, "seconds_high": None}
            yield _point_of(case) | seconds | {"excess": excess, "epochs": at, "worth": worth}


def _point_of(case: TimedCase) -> dict[str, Any]:
    record = case.record
    return row_of(record, panel=record.problem, label=case.label, status=record.status.value)


def _with_fronts(rows: Sequence[Row]) -> list[Row]:
    """The rows problem by problem, with `front`; first the problems on whose fronts more is gained by more time.

    `worth` is what the front is of; None for a case that ended wrong, which is on no front.
    """
    groups = grouped(rows, lambda row: str(row["panel"]))
    flags = {
        name: pareto([(row["seconds"], math.nan if row["worth"] is None else row["worth"]) for row in held])
        for name, held in groups.items()
    }
    gains = {
        name: _gain([row["worth"] for row, on in zip(groups[name], flags[name], strict=True) if on]) for name in flags
    }
    order = sorted(groups, key=lambda name: -gains[name])
    return [
        {**row, "place": place, "front": on_front}
        for place, name in enumerate(order)
        for row, on_front in zip(groups[name], flags[name], strict=True)
    ]


def _gain(worths: Sequence[float]) -> float:
    return max(worths) - min(worths) if worths else 0.0


def fronts_of(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """By panel the rows on its front, the fastest first."""
    fronts = grouped((row for row in rows if row["front"]), lambda row: str(row["panel"]))
    return {panel: sorted(front, key=lambda row: row["seconds"]) for panel, front in fronts.items()}


def front_rows(rows: Sequence[Row]) -> list[Row]:
    """The members of each problem's front by time, each with its time over the fastest's."""
    return [
        {**row, "dearer": row["seconds"] / front[0]["seconds"]} for front in fronts_of(rows).values() for row in front
    ]
