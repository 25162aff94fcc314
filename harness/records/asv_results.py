"""asv's result files, read strictly: one cell for each benchmark and parameter combination of a commit.

Format 2 (asv.results.Results, asv 0.5 and later): `results` maps a benchmark to a list whose columns `result_columns`
names; `params` holds the combinations of which `result` is the product, in order. Format 1 (before): it maps it to a
number, or to `result`, `params`, `stats` and `samples`. A failed benchmark is null, a skipped one NaN.

What cannot be read of one benchmark is named, and costs no other.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from harness.errors import CannotMeasureError, UsageError, unknown
from harness.files.names import Name
from harness.files.reading import checked
from harness.records.asv_cells import AsvBenchmark, AsvCell
from harness.records.asv_columns import MOST_CELLS, benchmark_of, columns_of, columns_of_format_1
from harness.records.asv_listing import LISTING, Listed, Listing, Wanted, listing_of, object_of

MACHINE = "machine.json"
FILE_NAME = re.compile(r"([0-9a-f]{6,64})-.+\.json")
"""Of a result file: asv shortens the commit to eight digits."""
LAST_DATE_MS = 253_402_300_799_999
"""The end of the year 9999, after which Python has no dates."""
MOST_COMMITS_NAMED = 20


def _as_text(params: dict[str, Any]) -> dict[str, str]:
    """What asv says of a machine is free text; some wrote numbers. Raises ValueError for what is neither."""
    for name, value in params.items():
        if not isinstance(value, str | int | float | None):
            raise ValueError(f"{name} is {type(value).__name__}, no text")  # noqa: TRY004  # what pydantic takes
    return {name: "" if value is None else str(value) for name, value in params.items()}


Texts = Annotated[dict[Name, Any], AfterValidator(_as_text)]


class _ResultFile(BaseModel):
    """What is read of a result file; formats and plugins keep keys of their own beside it."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    commit_hash: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{6,64}$")]
    env_name: Name = "unnamed"
    date: Annotated[int, Field(ge=0, le=LAST_DATE_MS)]
    params: Texts = {}
    python: str | None = None
    requirements: Texts = {}
    result_columns: list[str] = []
    results: dict[str, Any]
    benchmark_version: dict[str, Any] = {}
    version: int = 1


@dataclass(frozen=True)
class AsvResults:
    """The benchmarks of one commit in one environment on one machine; `date_ms` is the commit's, Unix milliseconds.

    `unreadable`: a line for each benchmark that could not be read.
    """

    commit: str
    environment: str
    machine: str
    date_ms: int
    python: str
    requirements: dict[str, str]
    machine_params: dict[str, str]
    benchmarks: tuple[AsvBenchmark, ...]
    unreadable: tuple[str, ...] = ()

    @cached_property
    def cells(self) -> tuple[AsvCell, ...]:
        """Every number of every benchmark."""
        return tuple(cell for benchmark in self.benchmarks for cell in benchmark.cells())

    def narrowed(self, wanted: Wanted) -> "AsvResults":
        """Only what is wanted of each benchmark; one of which nothing is wanted is left out."""
        kept = ((one, wanted(one.name, one.texts)) for one in self.benchmarks)
        return replace(self, benchmarks=tuple(one.narrowed(places) for one, places in kept if places))


def read_results(
    folder: Path, machine: str | None = None, commit: str | None = None, problems: list[str] | None = None
) -> list[AsvResults]:
    """Every environment's results of a commit: the one whose hash begins with `commit`, or the newest.

    `problems` gets a line for each file that cannot be read, where another can; without it the first one is raised.

    Raises CannotMeasureError if there are none, UsageError for two machines and none named, an unknown
    machine, a commit that is ambiguous, a file that is not asv's.
    """
    files = _files(folder, machine)
    if commit is None:
        return _newest(_every(files, folder, problems))
    mine = [path for path in files if _may_be_of(path, commit)]
    matching = [results for results in _every(mine, folder, problems) if results.commit.startswith(commit)]
    if not matching:
        found = sorted({path.name.partition("-")[0] for path in files})
        known = ", ".join(found[:MOST_COMMITS_NAMED]) + (", ..." if len(found) > MOST_COMMITS_NAMED else "")
        raise CannotMeasureError(f"{folder}: no results for commit {commit[:12]}; there are some for {known}")
    if len({results.commit for results in matching}) > 1:
        raise UsageError(f"commit {commit} is ambiguous: give more of its hash")
    return matching


def _newest(found: Iterator[AsvResults]) -> list[AsvResults]:
    """All of the commit with the latest date; what is older is let go at once."""
    newest: list[AsvResults] = []
    for results in found:
        if newest and results.commit != newest[0].commit:
            if results.date_ms <= newest[0].date_ms:
                continue
            newest = []
        newest.append(results)
    return newest


def _may_be_of(path: Path, commit: str) -> bool:
    named = FILE_NAME.fullmatch(path.name)
    return named is None or named[1].startswith(commit) or commit.startswith(named[1])


def read_every_commit(folder: Path, machine: str | None = None) -> list[AsvResults]:
    """Every environment's results of every commit of one machine. Raises as read_results does."""
    return list(_every(_files(folder, machine), folder, None))


def every_commit(folder: Path, machine: str | None, problems: list[str]) -> Iterator[AsvResults]:
    """Every result of every machine, or of the one that is named, one file after another.

    `problems` gets a line for each file that cannot be read. Raises CannotMeasureError where there are no results,
    UsageError for an unknown machine, and for the first file where none can be read.
    """
    files = [path for found in _machines(folder, machine).values() for path in found]
    yield from _every(files, folder, problems)


def _every(files: list[Path], folder: Path, problems: list[str] | None) -> Iterator[AsvResults]:
    """What can be read; a line in `problems` for what cannot, which is raised where nothing can or nobody listens."""
    listing, read = cache(lambda: listing_of(folder)), False
    for path in files:
        try:
            results = _read(path, listing)
        except UsageError as error:
            if problems is None or (not read and path == files[-1]):
                raise
            problems.append(str(error))
            continue
        read = True
        yield results


def _files(folder: Path, machine: str | None) -> list[Path]:
    """The result files of one machine."""
    with_results = _machines(folder, machine)
    if len(with_results) > 1:
        raise UsageError(f"{folder} has results of {', '.join(sorted(with_results))}: name one with --machine")
    return next(iter(with_results.values()))


def _machines(folder: Path, machine: str | None) -> dict[str, list[Path]]:
    """The machines that have results, or the one that is named, with their result files; one at least."""
    if not folder.is_dir():
        raise CannotMeasureError(f"{folder}: no such folder: --results names asv's results_dir")
    folders = {path.name: path for path in sorted(folder.iterdir()) if path.is_dir()}
    found = {name: _result_files(path) for name, path in folders.items()}
    known = [name for name, files in found.items() if files or (folders[name] / MACHINE).is_file()]
    if machine is not None and machine not in known:
        raise unknown("machine", machine, known)
    with_results = {name: found[name] for name in known if found[name] and machine in (None, name)}
    if not with_results:
        raise CannotMeasureError(f"{folder}: no asv results there: 'asv run' makes some")
    return with_results


def _result_files(folder: Path) -> list[Path]:
    """All JSON files of a machine's folder; without a machine.json, those that are called as asv calls results."""
    found = sorted(path for path in folder.glob("*.json") if path.name not in (MACHINE, LISTING))
    return found if (folder / MACHINE).is_file() else [path for path in found if FILE_NAME.fullmatch(path.name)]


def _read(path: Path, listing: Callable[[], Listing]) -> AsvResults:
    file = checked(_ResultFile, object_of(path), path)
    if file.version not in (1, 2):
        raise UsageError(f"{path}: asv's format {file.version}; this reads 1 and 2")
    known, unreadable = _known(path, listing)
    benchmarks, count = [], 0
    for name, row in file.results.items():
        try:
            if file.version == 1:
                held = columns_of_format_1(row, file.benchmark_version.get(name))
            else:
                held = columns_of(row, file.result_columns)
            benchmarks.append(benchmark_of(name, held, known.get(name, {})))
        except UsageError as error:
            unreadable.append(str(UsageError(f"{path}: {name}: {error}")))
            continue
        count += len(benchmarks[-1].values)
        if count > MOST_CELLS:
            raise UsageError(f"{path}: holds more than {MOST_CELLS} numbers")
    return AsvResults(
        commit=file.commit_hash,
        environment=file.env_name,
        machine=path.parent.name,
        date_ms=file.date,
        python=file.python or "",
        requirements=file.requirements,
        machine_params=file.params,
        benchmarks=tuple(benchmarks),
        unreadable=tuple(unreadable),
    )


def _known(path: Path, listing: Callable[[], Listing]) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """What is known of the benchmarks beside their numbers in `path`, and a line for all that cannot be read of it."""
    try:
        listed = listing()
    except UsageError as error:
        return {}, [f"{path}: without what {error}"]
    known = {name: one.model_dump() for name, one in listed.items() if isinstance(one, Listed)}
    return known, [f"{path}: {name}: without what {one}" for name, one in listed.items() if isinstance(one, UsageError)]
