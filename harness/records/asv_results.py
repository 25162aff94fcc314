"""asv's result files, read strictly: one cell for each benchmark and parameter combination of a commit.

The format is asv's, version 2 (asv.results.Results, asv 0.6): `results` maps a benchmark to a list whose
columns `result_columns` names; `params` holds the combinations of which `result` is the product, in order;
a failed benchmark is null, a skipped one NaN.
"""

import ast
import json
import math
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from harness.errors import CannotMeasureError, UsageError, unknown

VERSION = 2
LARGEST_FILE_BYTES = 200 * 2**20
"""A file of one commit is kilobytes; one larger than this is not read into memory."""


class _ResultFile(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)
    commit_hash: str
    env_name: str
    date: int
    params: dict[str, str | None]
    python: str
    requirements: dict[str, str | None]
    result_columns: list[str]
    results: dict[str, list[Any] | None]
    version: int


class _Benchmark(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)
    param_names: list[str]


@dataclass(frozen=True)
class AsvCell:
    """One number of one benchmark. `value` None: it failed; NaN: it was skipped, or is not a number.

    `name` is module.Class.method, `metric` the method, `params` its parameters as Python values.
    """

    name: str
    params: tuple[tuple[str, str | int | float], ...]
    value: float | None
    samples: tuple[float, ...] = ()

    @property
    def metric(self) -> str:
        """`time_fit`, `track_digits_lost`, ..."""
        return self.name.rpartition(".")[2]

    @property
    def skipped(self) -> bool:
        """NaN: asv writes it for a skip."""
        return self.value is not None and math.isnan(self.value)

    @property
    def label(self) -> str:
        """Module, class and parameters, for a person; the metric stands beside it."""
        return " ".join([self.name.rpartition(".")[0], *(str(value) for _, value in self.params)])


@dataclass(frozen=True)
class AsvResults:
    """The cells of one commit in one environment on one machine; `date_ms` is the commit's, Unix milliseconds."""

    commit: str
    environment: str
    machine: str
    date_ms: int
    python: str
    requirements: dict[str, str]
    machine_params: dict[str, str]
    cells: tuple[AsvCell, ...]


def read_results(folder: Path, machine: str | None = None, commit: str | None = None) -> list[AsvResults]:
    """Every environment's results of a commit: the one whose hash begins with `commit`, or the newest.

    Raises CannotMeasureError if there are none, UsageError for two machines and none named, an unknown
    machine, a commit that is ambiguous, a file that is not asv's.
    """
    found = read_every_commit(folder, machine)
    if commit is None:
        newest = max(found, key=lambda results: results.date_ms)
        return [results for results in found if results.commit == newest.commit]
    matching = [results for results in found if results.commit.startswith(commit)]
    if not matching:
        known = ", ".join(sorted({results.commit[:8] for results in found}))
        raise CannotMeasureError(f"{folder}: no results for commit {commit[:12]}; there are some for {known}")
    if len({results.commit for results in matching}) > 1:
        raise UsageError(f"commit {commit} is ambiguous: give more of its hash")
    return matching


def read_every_commit(folder: Path, machine: str | None = None) -> list[AsvResults]:
    """Every environment's results of every commit. Raises as read_results does."""
    return [_read(path, folder) for path in _files(folder, machine)]


def _files(folder: Path, machine: str | None) -> list[Path]:
    if not folder.is_dir():
        raise CannotMeasureError(f"{folder}: no asv results there: 'make asv' makes some, or name --results")
    machines = sorted(path.parent.name for path in folder.glob("*/machine.json"))
    if machine is not None and machine not in machines:
        raise unknown("machine", machine, machines)
    with_results = {name: _result_files(folder / name) for name in machines if machine in (None, name)}
    candidates = [name for name, files in with_results.items() if files]
    if not candidates:
        raise CannotMeasureError(f"{folder}: no asv results there: 'make asv' makes some")
    if len(candidates) > 1:
        raise UsageError(f"{folder} has results of {', '.join(candidates)}: name one with --machine")
    return with_results[candidates[0]]


def _result_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.json") if path.name != "machine.json")


def _load(path: Path) -> Any:
    """The JSON of a file. Raises UsageError, one line, if it is unreadable, too large, cut off or no object."""
    try:
        if path.stat().st_size > LARGEST_FILE_BYTES:
            raise UsageError(f"{path}: {path.stat().st_size} bytes is no result file of asv's")
        loaded = json.loads(path.read_text())
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{path}: cannot be read as JSON: {str(error).splitlines()[0]}") from None
    if not isinstance(loaded, dict):
        raise UsageError(f"{path}: is no result file of asv's: it holds no object")
    return loaded


def _read(path: Path, folder: Path) -> AsvResults:
    try:
        file = _ResultFile.model_validate(_load(path))
        if file.version != VERSION:
            raise UsageError(f"{path}: asv's format {file.version}; this reads {VERSION}")
        names = _param_names(folder)
        cells = [
            cell for name, row in file.results.items() for cell in _cells(path, name, row, file.result_columns, names)
        ]
    except ValidationError as error:
        first = error.errors()[0]
        raise UsageError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    return AsvResults(
        commit=file.commit_hash,
        environment=file.env_name,
        machine=path.parent.name,
        date_ms=file.date,
        python=file.python,
        requirements={name: text or "" for name, text in file.requirements.items()},
        machine_params={name: text or "" for name, text in file.params.items()},
        cells=tuple(cells),
    )


def listed_benchmarks(folder: Path) -> frozenset[str]:
    """The benchmarks that the suite has, by benchmarks.json, which asv writes anew at each run."""
    return frozenset(_param_names(folder))


def _param_names(folder: Path) -> dict[str, list[str]]:
    path = folder / "benchmarks.json"
    listed = _load(path)
    return {
        name: _Benchmark.model_validate(body).param_names for name, body in listed.items() if isinstance(body, dict)
    }


def _cells(
    path: Path, name: str, row: list[Any] | None, columns: list[str], names: dict[str, list[str]]
) -> list[AsvCell]:
    """One cell a combination; a benchmark that benchmarks.json no longer lists has parameters without names.

    Raises UsageError for results of a suite with other parameters than benchmarks.json's.
    """
    columns_of = dict(zip(columns, row or [], strict=False))
    params = columns_of.get("params") or []
    named = names.get(name) or [f"parameter {i}" for i in range(len(params))]
    if len(params) != len(named):
        raise UsageError(f"{path}: {name} has other parameters than benchmarks.json says: run the suite again")
    combinations = list(product(*params))
    values = columns_of.get("result")
    if values is None:
        values = [None] * len(combinations)
    if not isinstance(values, list) or len(values) != len(combinations):
        raise UsageError(f"{path}: {name} has other parameters than results: run the suite again")
    samples = columns_of.get("samples") or [None] * len(combinations)
    return [
        AsvCell(
            name=name,
            params=tuple(zip(named, map(_value, combination), strict=True)),
            value=_number(value),
            samples=tuple(map(float, taken or ())),
        )
        for combination, value, taken in zip(combinations, values, samples, strict=True)
    ]


def _value(text: str) -> str | int | float:
    """A parameter as asv writes it, by repr."""
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
    return value if isinstance(value, str | int | float) else text


def _number(value: object) -> float | None:
    if value is None:
        return None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
