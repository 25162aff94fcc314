"""asv's results for the gate and the store."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.asv.records import as_run, case_key
from harness.errors import UsageError, unknown
from harness.git import resolve_commit
from harness.judge.gate.asv_gate import judge_against, judge_cells, judge_listed
from harness.judge.gate.expectations import Expectations
from harness.judge.gate.gate import GateReport, gate
from harness.judge.verdict import Judgement
from harness.records.asv_results import AsvResults, listed_benchmarks, read_results
from harness.records.record import Record
from harness.records.run import Run
from harness.solvers.status import Status
from harness.store.store import Store

DEFAULT_FOLDER = Path("results/asv")


@dataclass(frozen=True)
class AsvSelection:
    """Which results: `commit` None is the newest; `env` and `base_env` are parts of an environment's name.

    With `base_env` and no `base`, two environments of one commit are compared: a library's upgrade.
    `bench`, a regular expression, narrows everything to the benchmarks whose name it is found in, as asv's does.
    """

    machine: str | None = None
    commit: str | None = None
    base: str | None = None
    env: str | None = None
    base_env: str | None = None
    bench: str | None = None

    def __post_init__(self) -> None:
        """Raise UsageError if `bench` is no regular expression."""
        try:
            re.compile(self.bench or "")
        except re.error as error:
            raise UsageError(f"--bench '{self.bench}' is no regular expression: {error}") from None

    def wants(self, name: str) -> bool:
        """Whether a benchmark of that name is asked for."""
        return self.bench is None or re.search(self.bench, name) is not None


def gate_asv(
    folder: Path, expectations: Expectations, asked: AsvSelection
) -> list[tuple[AsvResults, AsvResults | None, GateReport]]:
    """Judge every environment's results of a commit, and where `base` is given against that commit's too.

    One (results, the base's or None, report) an environment.

    Raises what read_results raises, and UsageError for an unknown commit.
    """
    chosen = _environments(_read(folder, asked, asked.commit), asked.env)
    listed = frozenset(filter(asked.wants, listed_benchmarks(folder)))
    judged = []
    for results in chosen:
        base = _base(folder, asked, results)
        missing = (f"{asked.base} in the environment {results.environment}",) if asked.base and base is None else ()
        judged.append((results, base, _judge(results, base, listed, expectations, missing)))
    return judged


def _read(folder: Path, asked: AsvSelection, commit: str | None) -> list[AsvResults]:
    """A commit's results, narrowed to the benchmarks that are asked for."""
    return [one.narrowed(asked.wants) for one in read_results(folder, asked.machine, resolve_commit(commit))]


def _environments(results: Sequence[AsvResults], wanted: str | None) -> list[AsvResults]:
    """Those whose environment has `wanted` in its name, all of them for None. Raises UsageError if none has."""
    found = [r for r in results if wanted is None or wanted in r.environment]
    if not found:
        raise unknown("environment", str(wanted), [r.environment for r in results])
    return found


def _base(folder: Path, asked: AsvSelection, results: AsvResults) -> AsvResults | None:
    """What to compare with: the base commit's results in the same environment, or in the one asked for."""
    if asked.base is None and asked.base_env is None:
        return None
    candidates = _read(folder, asked, asked.base or results.commit)
    if asked.base_env is None:
        return next((r for r in candidates if r.environment == results.environment), None)
    return _environments(candidates, asked.base_env)[0]


def _judge(
    results: AsvResults,
    base: AsvResults | None,
    listed: frozenset[str],
    expectations: Expectations,
    missing: tuple[str, ...],
) -> GateReport:
    cells = results.cells
    run, records = as_run(results)
    report = gate(run, records, expectations, partial=True)
    excused = {known.case for known in report.known_failures if known.expected == Status.UNSUPPORTED}
    unsupported = {cell.params for cell in cells if cell.skipped and case_key(dict(cell.params)) in excused}
    against = judge_against(cells, base.cells) if base is not None else []
    if base is not None and not against:
        missing = (*missing, f"a number of {base.commit[:8]} {base.environment} that is gated")
    judgements: list[Judgement] = [
        *report.judgements,
        *judge_cells([cell for cell in cells if cell.params not in unsupported]),
        *judge_listed(cells, listed),
        *against,
    ]
    return GateReport(tuple(judgements), missing, report.unjudged)


def import_asv(folder: Path, store: Store, machine: str | None, commit: str | None) -> list[tuple[Run, list[Record]]]:
    """Bring a commit's results into the store, a run for each environment that is not there yet."""
    known = {run.id for run in store.runs()}
    imported = []
    for results in read_results(folder, machine, resolve_commit(commit)):
        run, records = as_run(results)
        if run.id in known:
            continue
        store.keep(run, records)
        imported.append((run, records))
    return imported


def existing_folder(folder: Path | None) -> Path:
    """The results folder that was named, or results/asv. Raises UsageError if a named one is no folder."""
    if folder is not None and not folder.is_dir():
        raise UsageError(f"no folder {folder}: --results names asv's results_dir")
    return folder or DEFAULT_FOLDER
