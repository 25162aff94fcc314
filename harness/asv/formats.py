"""Other tools' results as files of asv's: so that the gate and the history judge them by the same rules.

pytest-benchmark's JSON (--benchmark-json), google benchmark's (--benchmark_format=json), hyperfine's (--export-json),
and the plain list of github-action-benchmark, whose two names say which side is better.
"""

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, RootModel

from harness.asv.google_benchmark import Google, google
from harness.asv.imported import LOOSE, SECONDS, Imported, Number, extras, time_of
from harness.errors import UsageError
from harness.files.names import Name
from harness.files.reading import checked, json_of

RANGE = re.compile(r"\s*(?:±|\+/-|\+-)?\s*([0-9.eE+-]+)\s*(%?)\s*")
"""What github-action-benchmark's tools write beside a value."""


class _PytestStats(BaseModel):
    model_config = LOOSE
    median: float
    data: list[float] = []


class _PytestBenchmark(BaseModel):
    model_config = LOOSE
    fullname: Name
    stats: _PytestStats
    extra_info: dict[str, Any] = {}


class _PytestCommit(BaseModel):
    model_config = LOOSE
    id: str | None = None
    time: datetime | None = None
    dirty: bool | None = None


class _Pytest(BaseModel):
    model_config = LOOSE
    benchmarks: list[_PytestBenchmark]
    commit_info: _PytestCommit | None = None
    machine_info: dict[str, Any] | None = None
    when: datetime | None = Field(default=None, validation_alias="datetime")


class _HyperfineResult(BaseModel):
    model_config = LOOSE
    command: Name
    median: float
    times: list[float] = []
    parameters: dict[str, Any] = {}


class _Hyperfine(BaseModel):
    model_config = LOOSE
    results: list[_HyperfineResult]


class _Entry(BaseModel):
    model_config = LOOSE
    name: Name
    unit: str
    value: float
    range: str | float | None = None


class _Entries(RootModel[list[_Entry]]):
    """The plain list."""


def _pytest(file: _Pytest) -> Imported:
    commit, machine = file.commit_info or _PytestCommit(), file.machine_info or {}
    if commit.dirty:
        raise UsageError("it was measured with uncommitted changes: its commit is not what was measured")
    numbers = []
    for one in file.benchmarks:
        numbers.append(time_of(one.fullname, one.stats.median, one.stats.data))
        numbers += extras(one.fullname, one.extra_info)
    facts = {"arch": machine.get("machine"), "os": machine.get("system"), "python": machine.get("python_version")}
    said = {name: str(text) for name, text in facts.items() if text}
    return Imported(tuple(numbers), commit.id, commit.time or file.when, str(machine.get("node") or ""), said)


def _hyperfine(file: _Hyperfine) -> Imported:
    times = Counter(one.command for one in file.results)
    return Imported(
        tuple(
            time_of(_named(one) if times[one.command] > 1 else one.command, one.median, one.times)
            for one in file.results
        )
    )


def _named(one: _HyperfineResult) -> str:
    """With its parameters: a command in which none of them is written has one name for all of their values."""
    said = ", ".join(f"{name}={value}" for name, value in one.parameters.items())
    return f"{one.command} ({said})" if said else one.command


def _entries(direction: str, file: _Entries) -> Imported:
    return Imported(tuple(_entry(one, direction) for one in file.root))


def _entry(one: _Entry, direction: str) -> Number:
    """A time in seconds, since tools write the unit that suits its size; else the unit is a part of the version."""
    scale, interval = SECONDS.get(one.unit.replace("µ", "u")), _interval(one)
    if scale is None:
        return Number(one.name, one.value, one.unit, direction, interval=interval, version=f"in {one.unit}")
    ends = None if interval is None else (interval[0] * scale, interval[1] * scale)
    return Number(one.name, one.value * scale, "seconds", direction, interval=ends, version="in seconds")


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
    "google-benchmark": (Google, google),
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
