"""asv's result files, read strictly: one cell for each benchmark and parameter combination of a commit.

The format is asv's, version 2 (asv.results.Results, asv 0.6): `results` maps a benchmark to a list whose
columns `result_columns` names; `params` holds the combinations of which `result` is the product, in order;
a failed benchmark is null, a skipped one NaN.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from harness.errors import CannotMeasureError, UsageError, unknown
from harness.files.reading import Name, checked, json_of
from harness.records.asv_cells import MOST_CELLS, AsvCell, cells_of, columns_of

__all__ = ["AsvCell", "AsvResults", "listed_benchmarks", "read_every_commit", "read_results"]

VERSION = 2
LISTING = "benchmarks.json"
"""What the suites hold: asv writes it anew at each run, into the folder of all machines, so that it is not committed
there; beside committed results it is in their machine's own folder, where asv does not look."""
LAST_DATE_MS = 253_402_300_799_999
"""The end of the year 9999, after which Python has no dates."""
WHOLE = ("num_cpu", "ram")
"""What asv says of a machine in whole numbers, as text."""


def _whole_where_it_must_be(params: dict[str, str | None]) -> dict[str, str | None]:
    for name in WHOLE:
        text = params.get(name) or "0"
        if not (text.isascii() and text.isdigit() and len(text) < 19):  # noqa: PLR2004  # fewer digits than 2**63 has
            raise ValueError(f"{name} is '{text[:40]}', no whole number")
    return params


class _ResultFile(BaseModel):
    """All keys that asv writes in format 2 (asv 0.6, Results.save); another is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    commit_hash: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{6,40}$")]
    env_name: Name
    date: Annotated[int, Field(ge=0, le=LAST_DATE_MS)]
    params: Annotated[dict[Name, str | None], AfterValidator(_whole_where_it_must_be)]
    python: str
    requirements: dict[Name, str | None]
    env_vars: dict[str, str | None] = {}
    result_columns: list[str]
    results: dict[Name, list[Any] | None]
    durations: dict[str, Any] = {}
    version: int


class _Benchmark(BaseModel):
    """What is read of a benchmark; asv's kinds and plugins keep keys of their own beside it."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    param_names: list[Name]


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
    return sorted(path for path in folder.glob("*.json") if path.name not in ("machine.json", LISTING))


def _load(path: Path) -> dict[str, Any]:
    """The JSON of a file; asv writes NaN for a skip. Raises UsageError as json_of does, and if it is no object."""
    loaded = json_of(path, constants=True)
    if not isinstance(loaded, dict):
        raise UsageError(f"{path}: is no result file of asv's: it holds no object")
    return loaded


def _read(path: Path, folder: Path) -> AsvResults:
    loaded = _load(path)
    if loaded.get("version", VERSION) != VERSION:
        raise UsageError(f"{path}: asv's format {loaded['version']}; this reads {VERSION}")
    file = checked(_ResultFile, loaded, path)
    names = _param_names(folder)
    cells: list[AsvCell] = []
    for name, row in file.results.items():
        where = f"{path}: {name}"
        cells += cells_of(where, name, columns_of(where, row, file.result_columns), names)
        if len(cells) > MOST_CELLS:
            raise UsageError(f"{path}: holds more than {MOST_CELLS} numbers")
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
    """The benchmarks that the suite has, by the LISTING of the folder's newest run."""
    return frozenset(_param_names(folder))


def _param_names(folder: Path) -> dict[str, list[str]]:
    written = folder / LISTING
    committed = [] if written.is_file() else sorted(folder.glob(f"*/{LISTING}"))
    return {
        name: checked(_Benchmark, body, f"{path}: {name}").param_names
        for path in committed or [written]
        for name, body in _load(path).items()
        if isinstance(body, dict)
    }
