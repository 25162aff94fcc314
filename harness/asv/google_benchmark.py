"""google benchmark's JSON (--benchmark_format=json).

A fit of the complexity (BigO, RMS) is no measurement, and is left out; so are aggregates beside their repetitions.
"""

import math
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from statistics import median

from pydantic import BaseModel

from harness.asv.imported import LOOSE, SECONDS, Imported, Number, extras, is_time
from harness.errors import UsageError
from harness.files.names import Name

NEVER_MEASURED = frozenset(
    {"family_index", "per_family_instance_index", "repetitions", "repetition_index", "threads", "iterations"}
)
"""Numbers of a google benchmark that say how it was run."""


class _GoogleBenchmark(BaseModel):
    model_config = LOOSE
    name: Name
    run_name: Name | None = None
    run_type: str = "iteration"
    aggregate_name: str = ""
    real_time: float | None = None
    cpu_time: float | None = None
    time_unit: str = "ns"
    error_occurred: bool = False
    skipped: bool = False


class _GoogleContext(BaseModel):
    model_config = LOOSE
    date: datetime | None = None
    host_name: str = ""


class Google(BaseModel):
    """The file."""

    model_config = LOOSE
    benchmarks: list[_GoogleBenchmark]
    context: _GoogleContext = _GoogleContext()


def google(file: Google) -> Imported:
    """Its numbers. Raises UsageError for a unit that is none, and a name that is there twice."""
    groups: dict[str, list[_GoogleBenchmark]] = {}
    for one in file.benchmarks:
        groups.setdefault(one.run_name or one.name, []).append(one)
    numbers: list[Number] = []
    for name, own in groups.items():
        # With --benchmark_report_aggregates_only there are no repetitions; one that failed is none of its aggregates.
        single = [one for one in own if one.run_type == "iteration"]
        numbers += _google_numbers(name, single or [one for one in own if one.aggregate_name == "median"])
    return Imported(
        tuple(numbers),
        date=file.context.date,
        machine=file.context.host_name,
    )


def _google_numbers(name: str, own: Sequence[_GoogleBenchmark]) -> Iterator[Number]:
    """The time that it was run by (wall where its name says so, else CPU), of each repetition, and its counters."""
    if not own:  # a fit of the complexity, or aggregates without a median
        return
    places = [(one.model_extra or {}).get("repetition_index") for one in own]
    if None not in places and len(set(places)) < len(places):
        raise UsageError(f"'{name}' is there {len(places)} times: give each a name of its own")
    if any(one.skipped for one in own):
        yield Number(name, math.nan, "seconds", "lower")
        return
    clock = "real_time" if re.search("/(real|manual)_time", name) else "cpu_time"
    samples = [_seconds(one, getattr(one, clock)) for one in own]
    if not all(map(is_time, samples)):
        yield Number(name, None, "seconds", "lower")
        return
    yield Number(name, median(samples), "seconds", "lower", samples if len(samples) > 1 else ())
    counters = {key: value for key, value in (own[0].model_extra or {}).items() if key not in NEVER_MEASURED}
    yield from extras(name, counters)


def _seconds(one: _GoogleBenchmark, time: float | None) -> float:
    """NaN where it failed. Each repetition has a unit of its own."""
    unit = SECONDS.get(one.time_unit)
    if unit is None:
        raise UsageError(f"{one.name}: '{one.time_unit}' is no unit of google benchmark's")
    return math.nan if one.error_occurred or time is None else time * unit
