"""Other tools' results as files of asv's: so that the gate and the history judge them by the same rules.

pytest-benchmark's JSON (--benchmark-json), google benchmark's (--benchmark_format=json), hyperfine's (--export-json),
and the plain list of github-action-benchmark, whose two names say which side is better.
"""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, RootModel

from harness.errors import UsageError
from harness.files.names import Name
from harness.files.reading import checked, json_of

SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
"""google benchmark's time units."""
NEVER_MEASURED = frozenset(
    {"family_index", "per_family_instance_index", "repetitions", "repetition_index", "threads", "iterations"}
)
"""Numbers of a google benchmark that say how it was run."""
RANGE = re.compile(r"\s*(?:±|\+/-|\+-)?\s*([0-9.eE+-]+)\s*(%?)\s*")
"""What github-action-benchmark's tools write beside a value."""


@dataclass(frozen=True)
class Number:
    """One number of a benchmark. None: it failed; NaN: it was skipped.

    `direction`: lower, higher, or empty where only name and unit say.
    """

    name: str
    value: float | None
    unit: str
    direction: str = ""
    samples: Sequence[float] = ()
    interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class Imported:
    """A file's numbers, with what it says of where they are from; None and empty where it says nothing."""

    numbers: tuple[Number, ...]
    commit: str | None = None
    date: datetime | None = None
    machine: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)


class _Loose(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True)


class _PytestStats(_Loose):
    median: float
    data: list[float] = []


class _PytestBenchmark(_Loose):
    fullname: Name
    stats: _PytestStats
    extra_info: dict[str, Any] = {}


class _PytestCommit(_Loose):
    id: str | None = None
    time: datetime | None = None
    dirty: bool | None = None


class _Pytest(_Loose):
    benchmarks: list[_PytestBenchmark]
    commit_info: _PytestCommit = _PytestCommit()
    machine_info: dict[str, Any] = {}
    when: datetime | None = Field(default=None, validation_alias="datetime")


class _GoogleBenchmark(_Loose):
    name: Name
    run_name: Name | None = None
    run_type: str = "iteration"
    aggregate_name: str = ""
    real_time: float | None = None
    cpu_time: float | None = None
    time_unit: str = "ns"
    error_occurred: bool = False
    skipped: bool = False


class _GoogleContext(_Loose):
    date: datetime | None = None
    host_name: str = ""


class _Google(_Loose):
    benchmarks: list[_GoogleBenchmark]
    context: _GoogleContext = _GoogleContext()


class _HyperfineResult(_Loose):
    command: Name
    median: float
    times: list[float] = []
    parameters: dict[str, Any] = {}


class _Hyperfine(_Loose):
    results: list[_HyperfineResult]


class _Entry(_Loose):
    name: Name
    unit: str
    value: float
    range: str | float | None = None


class _Entries(RootModel[list[_Entry]]):
    """The plain list."""


def _pytest(file: _Pytest) -> Imported:
    if file.commit_info.dirty:
        raise UsageError("it was measured with uncommitted changes: its commit is not what was measured")
    numbers = []
    for one in file.benchmarks:
        numbers.append(Number(one.fullname, one.stats.median, "seconds", "lower", one.stats.data))
        numbers += _extras(one.fullname, one.extra_info)
    machine = file.machine_info
    facts = {"arch": machine.get("machine"), "os": machine.get("system"), "python": machine.get("python_version")}
    said = {name: str(text) for name, text in facts.items() if text}
    return Imported(
        tuple(numbers), file.commit_info.id, file.commit_info.time or file.when, str(machine.get("node") or ""), said
    )


def _google(file: _Google) -> Imported:
    groups: dict[str, list[_GoogleBenchmark]] = {}
    for one in file.benchmarks:
        groups.setdefault(one.run_name or one.name, []).append(one)
    numbers: list[Number] = []
    for name, own in groups.items():
        # With --benchmark_report_aggregates_only there are no repetitions; one that failed is none of its aggregates.
        single = [one for one in own if one.run_type == "iteration"]
        numbers += _google_numbers(name, single or [one for one in own if one.aggregate_name == "median"])
    return Imported(tuple(numbers), date=file.context.date, machine=file.context.host_name)


def _google_numbers(name: str, own: Sequence[_GoogleBenchmark]) -> Iterator[Number]:
    """The time that it was run by (wall where its name says so, else CPU), of each repetition, and its counters."""
    if not own:  # a fit of the complexity, or aggregates without a median
        return
    if any(one.skipped for one in own):
        yield Number(name, math.nan, "seconds", "lower")
        return
    clock = "real_time" if re.search("/(real|manual)_time", name) else "cpu_time"
    times = [getattr(one, clock) for one in own]
    if any(one.error_occurred or time is None for one, time in zip(own, times, strict=True)):
        yield Number(name, None, "seconds", "lower")
        return
    unit = SECONDS.get(own[0].time_unit)
    if unit is None:
        raise UsageError(f"{name}: '{own[0].time_unit}' is no unit of google benchmark's")
    samples = [time * unit for time in times]
    yield Number(name, median(samples), "seconds", "lower", samples if len(samples) > 1 else ())
    counters = {key: value for key, value in (own[0].model_extra or {}).items() if key not in NEVER_MEASURED}
    yield from _extras(name, counters)


def _extras(name: str, values: Mapping[str, Any]) -> list[Number]:
    """Numbers that were kept beside the time: rates; of others the name and rules say which side is better."""
    return [
        Number(f"{name}:{key}", float(value), "1/s" if key.endswith("_per_second") else "")
        for key, value in values.items()
        if isinstance(value, int | float) and math.isfinite(value)
    ]


def _hyperfine(file: _Hyperfine) -> Imported:
    times = Counter(one.command for one in file.results)
    return Imported(
        tuple(
            Number(_named(one) if times[one.command] > 1 else one.command, one.median, "seconds", "lower", one.times)
            for one in file.results
        )
    )


def _named(one: _HyperfineResult) -> str:
    """With its parameters: a command in which none of them is written has one name for all of their values."""
    said = ", ".join(f"{name}={value}" for name, value in one.parameters.items())
    return f"{one.command} ({said})" if said else one.command


def _entries(direction: str, file: _Entries) -> Imported:
    numbers = (Number(one.name, one.value, one.unit, direction, interval=_interval(one)) for one in file.root)
    return Imported(tuple(numbers))


def _interval(entry: _Entry) -> tuple[float, float] | None:
    found = RANGE.fullmatch(str(entry.range)) if entry.range is not None else None
    try:
        width = float(found[1]) if found else math.nan
    except ValueError:
        return None
    width = abs(entry.value) * width / 100 if found and found[2] else width
    return (entry.value - width, entry.value + width) if math.isfinite(width) and width >= 0 else None


FORMATS: Mapping[str, tuple[type[BaseModel], Callable[[Any], Imported]]] = {
    "pytest-benchmark": (_Pytest, _pytest),
    "google-benchmark": (_Google, _google),
    "hyperfine": (_Hyperfine, _hyperfine),
    "customBiggerIsBetter": (_Entries, partial(_entries, "higher")),
    "customSmallerIsBetter": (_Entries, partial(_entries, "lower")),
}


def read_format(name: str, path: Path) -> Imported:
    """A file of another tool's. Raises UsageError, one line, for what is none of it, and where it has no number."""
    model, imported = FORMATS[name]
    file = checked(model, json_of(path, constants=True), f"{path}: is no file of {name}")
    try:
        found = imported(file)
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from None
    if not found.numbers:
        raise UsageError(f"{path}: holds no benchmark")
    name, times = Counter(one.name for one in found.numbers).most_common(1)[0]
    if times > 1:
        raise UsageError(f"{path}: '{name}' is there {times} times: give each a name of its own")
    return found
