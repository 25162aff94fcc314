"""The rule of a night's times on recorded noise: how many cases it calls changed, and how many doublings it finds."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import fmean, median
from typing import Any

from harness.judge.history.night_times import CaseNights, beyond_level
from harness.judge.history.series import Point
from harness.judge.verdict import Verdict
from harness.records.environment import Environment
from harness.records.record import Record, Samples
from harness.solvers.status import Status

CASES = (1, 2, 4)
"""How many of the recorded cells are measured each night."""
NIGHTS = (4, 8, 13, 20)
APART = (1, 3)
"""Launches from a night to the next."""
NOWHERE = Environment(cpu="", cores=1, memory_bytes=1, system="", python="", blas=(), versions={})


def table(noise: Path) -> Iterator[str]:
    """A row a number of cases and nights: per cent of cases that were called changed, and of doublings found."""
    cells = json.loads(noise.read_text())["cells"]
    yield "cases  nights  called changed, %  doubled and found, %"
    for cases in CASES:
        for nights in NIGHTS:
            drawn = [one for apart in APART for one in _drawn(cells[:cases], nights, apart)]
            if len(drawn[0][0].level) * cases < 2 * NIGHTS[0]:
                continue
            called = 100 * fmean(len(beyond_level(one)) / cases for one in drawn)
            found = 100 * fmean(map(_found, drawn))
            yield f"{cases:5}  {nights:6}  {called:17.1f}  {found:20.0f}"


def _drawn(cells: Sequence[Any], nights: int, apart: int) -> Iterator[list[CaseNights]]:
    launches = len(cells[0]["launches"])
    for first in range(launches - nights * apart):
        places = range(first, first + nights * apart + 1, apart)
        yield [_case(cell, [cell["launches"][place]["wall_ns"] for place in places]) for cell in cells]


def _case(cell: Any, calls_ns: Sequence[Sequence[float]]) -> CaseNights:
    *before, tonight = ([one / 1e9 for one in calls] for calls in calls_ns)
    samples = Samples(tuple(tonight), tuple(tonight))
    name = f"{cell['problem']} {cell['solver']}"
    said: dict[str, Any] = {"case": name, "samples": samples, "unit": "fit", "epochs_per_call": 1, "status": Status.OK}
    record = Record.model_construct(**said)  # of a record only what the rule looks at
    level = tuple(median(calls) for calls in before)
    return CaseNights(record, Point("", 0, 0.0, NOWHERE, ()), level=level)


def _found(cases: Sequence[CaseNights]) -> float:
    """The share of cases that are called slower where each alone has doubled."""
    hits = 0
    for one in cases:
        doubled = tuple(2 * value for value in one.record.samples.wall_s)
        slower = one.record.model_copy(update={"samples": Samples(doubled, doubled)})
        planted = CaseNights(slower, one.point, level=one.level)
        found = beyond_level([planted if other is one else other for other in cases]).get(slower.case)
        hits += found is not None and found.verdict is Verdict.REGRESSION
    return hits / len(cases)
