"""All of a store of asv's as one table: a row a series, a column a commit."""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from harness.records.asv_cells import AsvBenchmark, written
from harness.records.asv_results import AsvResults

Floats = NDArray[np.float64]
Rows = NDArray[np.int32]


@dataclass(frozen=True)
class AsvSeries:
    """What one row is of. Another version of a benchmark is another series; `names`: of its parameters."""

    machine: str
    environment: str
    name: str
    version: str
    texts: tuple[str, ...]
    names: tuple[str, ...] = ()
    unit: str = ""
    direction: str = ""

    @property
    def label(self) -> str:
        """The benchmark with its parameters, as asv writes it."""
        return written(self.name, self.texts)

    @property
    def full_name(self) -> str:
        """With the names of the parameters, as of a cell."""
        said = ", ".join(f"{name}={text}" for name, text in zip(self.names, self.texts, strict=True))
        return f"{self.name}({said})" if said else self.name


@dataclass(frozen=True)
class AsvTable:
    """The series of a store, (s, c) numbers, NaN where a commit has none.

    Commits are in the order of their dates, Unix milliseconds. `lows`, `highs`: the ends of asv's intervals; (0, 0)
    where they were not asked for.
    """

    commits: tuple[str, ...]
    dates_ms: tuple[int, ...]
    series: tuple[AsvSeries, ...]
    values: Floats
    lows: Floats
    highs: Floats


def table_of_store(results: Iterable[AsvResults], *, intervals: bool = False) -> AsvTable:
    """One table of all that is given; results are taken one at a time, and nothing else of them is kept."""
    growing = _Growing(("values", "lows", "highs") if intervals else ("values",))
    for one in results:
        growing.add(one)
    return growing.done()


@dataclass
class _Growing:
    kept: tuple[str, ...]
    rows: dict[AsvSeries, int] = field(default_factory=dict)
    known: dict[object, Rows] = field(default_factory=dict)
    dates_ms: dict[str, int] = field(default_factory=dict)
    columns: deque[tuple[str, Rows, list[Floats]]] = field(default_factory=deque)

    def add(self, results: AsvResults) -> None:
        if not results.benchmarks:
            return
        rows = np.concatenate([self._rows(results, benchmark) for benchmark in results.benchmarks])
        parts = [
            np.concatenate([_finite(getattr(benchmark, kept)) for benchmark in results.benchmarks])
            for kept in self.kept
        ]
        self.columns.append((results.commit, rows, parts))
        self.dates_ms[results.commit] = min(results.date_ms, self.dates_ms.get(results.commit, results.date_ms))

    def _rows(self, results: AsvResults, of: AsvBenchmark) -> Rows:
        """Of its cells. Parameters repeat from commit to commit, so that whole lists of them are known."""
        key = (results.machine, results.environment, of.name, of.version, of.texts, of.kept)
        if key not in self.known:
            series = (AsvSeries(*key[:4], texts, of.names, of.unit, of.direction) for texts in of.combinations)
            self.known[key] = np.array([self.rows.setdefault(one, len(self.rows)) for one in series], np.int32)
        return self.known[key]

    def done(self) -> AsvTable:
        commits = sorted(self.dates_ms, key=lambda commit: (self.dates_ms[commit], commit))
        place = {commit: at for at, commit in enumerate(commits)}
        filled = [np.full((len(self.rows), len(commits)), np.nan) for _ in self.kept]
        while self.columns:  # each is let go once it stands in the table: a store may have ten million numbers
            commit, rows, parts = self.columns.popleft()
            for table, part in zip(filled, parts, strict=True):
                table[rows, place[commit]] = part
        none = np.empty((0, 0))
        values, lows, highs = filled if len(filled) > 1 else (filled[0], none, none)
        dates_ms = tuple(self.dates_ms[commit] for commit in commits)
        return AsvTable(tuple(commits), dates_ms, tuple(self.rows), values, lows, highs)


def _finite(values: Sequence[float | None]) -> Floats:
    found = np.array(values, dtype=np.float64)
    found[~np.isfinite(found)] = np.nan
    return found
