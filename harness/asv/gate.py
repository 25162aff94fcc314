"""asv's results for the gate and the store."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from harness.asv.formats import FORMATS
from harness.asv.records import as_run, case_key, is_own_name, parted
from harness.asv.selection import AsvSelection
from harness.config import config
from harness.errors import CannotMeasureError, UsageError, unknown
from harness.git import resolve_commit
from harness.judge.gate.asv_cell import FIND_IT
from harness.judge.gate.asv_gate import AS_BEFORE, AnySuite, judge_against, judge_cells, judge_listed
from harness.judge.gate.asv_noise import Noise, Pair, judge_noise
from harness.judge.gate.expectations import Expectations
from harness.judge.gate.gate import GateReport, NotJudged, gate
from harness.judge.gate.rules import Rule, Rules
from harness.judge.verdict import Judgement
from harness.records.asv_cells import AsvCell
from harness.records.asv_history import AsvTable, table_of_store
from harness.records.asv_listing import listed_benchmarks
from harness.records.asv_results import AsvResults, every_commit, read_results
from harness.records.record import Record
from harness.records.run import Run
from harness.solvers.status import Status
from harness.store.store import Store

DEFAULT_FOLDER = Path("results/asv")


def gate_asv(
    folder: Path, expectations: Expectations, asked: AsvSelection, rules: Sequence[Rule] = ()
) -> list[tuple[AsvResults, AsvResults | None, GateReport]]:
    """Judge every environment's results of a commit; one (results, the base's or None, report) an environment.

    The cases of the harness's own suites are judged by `expectations`, and against `base` where it is given; every
    other benchmark by `rules` and those of the expectations, against `base` or the commit before.

    Raises what read_results raises, UsageError for an unknown commit, CannotMeasureError where there is no benchmark,
    or none that is asked for.
    """
    problems: list[str] = []
    chosen = _environments(_read(folder, asked, asked.commit, problems), asked.env)
    listed = listed_benchmarks(folder, asked.wanted)
    rules = (*rules, *expectations.asv.rules)
    judged = []
    for results in chosen:
        earlier = _Earlier(folder, asked, results, problems)
        base = _base(folder, asked, results)
        missing = (f"{asked.base} in the environment {results.environment}",) if asked.base and base is None else ()
        own, others = parted(results)
        mine = frozenset(name for name in listed if own.benchmarks and is_own_name(name))
        reports = []
        if own.benchmarks:
            reports.append(_judge_own(own, base and parted(base)[0], mine, expectations, missing))
        if others.benchmarks or not own.benchmarks:
            base = base or (earlier.newest if asked.base is None else None)
            then = base and parted(base)[1]
            reports.append(_judge_any(others, then, listed - mine, rules, earlier, () if own.benchmarks else missing))
        judged.append((results, base, _joined(reports, (*results.unreadable, *dict.fromkeys(problems)))))
    if not any(_says_something(report) for _, _, report in judged):
        which = "" if asked.bench is None else f" in which --bench '{asked.bench}' is found"
        raise CannotMeasureError(f"{folder}: the results of {chosen[0].commit[:8]} have no benchmark{which}")
    return judged


def _says_something(report: GateReport) -> bool:
    return bool(report.judgements or report.not_judged or report.incomplete or report.notes)


def _joined(reports: Sequence[GateReport], notes: tuple[str, ...]) -> GateReport:
    """Of the harness's own cases and of all others: one report."""
    return GateReport(
        tuple(one for report in reports for one in report.judgements),
        tuple(one for report in reports for one in report.incomplete),
        sum(report.unjudged for report in reports),
        tuple(one for report in reports for one in report.not_judged),
        (*(one for report in reports for one in report.notes), *notes),
    )


def _judge_any(
    results: AsvResults,
    base: AsvResults | None,
    listed: frozenset[str],
    rules: Sequence[Rule],
    earlier: "_Earlier",
    missing: tuple[str, ...],
) -> GateReport:
    suite = AnySuite(
        rules, None if base is None else base.cells, listed, earlier.noise, is_asked=earlier.asked.has_base
    )
    suite.judge(results.cells)
    if not (suite.judgements or suite.not_judged):
        return GateReport((), missing, 0)
    if suite.is_asked and base is not None and not suite.compared:
        missing = (*missing, f"a number of {base.commit[:8]} {base.environment} that can be compared")
    judgements = tuple(
        replace(one, advice=_advice(results, base)) if one.advice == FIND_IT else one for one in suite.judgements
    )
    notes = (_compared_with(base, suite.compared), suite.rates)
    return GateReport(judgements, missing, 0, tuple(suite.not_judged), tuple(filter(None, notes)))


def _compared_with(base: AsvResults | None, compared: int) -> str:
    if base is None:
        return "compared with nothing: there is no earlier commit in this environment"
    name = f"{base.commit[:8]}, {base.environment}"
    return f"compared with {name}" if compared else f"no number could be compared with {name}"


def _advice(results: AsvResults, base: AsvResults | None) -> str:
    """What to do about a number that is worse, of a suite that harness bisect cannot run."""
    if base is None:
        return "Read what limits it: the rule, or the expectations file."
    if base.commit == results.commit:
        return "Find which library differs between the two environments, and what its changelog says."
    if results.environment in FORMATS:
        return "Measure both commits again, one right after the other, before you believe it."
    pair = f"{base.commit[:8]} {results.commit[:8]}"
    return f"Measure both side by side before you believe it: harness ab {pair} --asv-suite, in the project's checkout."


@dataclass
class _Earlier:
    """The results before a commit's in the same environment: read once, when they are first asked for."""

    folder: Path
    asked: AsvSelection
    results: AsvResults
    problems: list[str] = field(default_factory=list)
    _newest: AsvResults | None = None

    @property
    def newest(self) -> AsvResults | None:
        """The last of them."""
        return self._newest if self.table is not None else None

    def noise(self, pairs: Sequence[Pair]) -> Noise:
        """Judges numbers by how far they differ from commit to commit."""
        return judge_noise(pairs, self.table)

    @cached_property
    def table(self) -> AsvTable:
        return table_of_store(self._read(), intervals=True)

    def _read(self) -> Iterator[AsvResults]:
        for one in every_commit(self.folder, self.results.machine, self.problems):
            if one.environment == self.results.environment and one.date_ms < self.results.date_ms:
                narrowed = self.asked.narrowed(one)
                if narrowed.benchmarks and (self._newest is None or one.date_ms > self._newest.date_ms):
                    self._newest = narrowed
                yield narrowed


def _read(folder: Path, asked: AsvSelection, commit: str | None, problems: list[str]) -> list[AsvResults]:
    """A commit's results, narrowed to what is asked for."""
    found = read_results(folder, asked.machine, resolve_commit(commit), problems)
    return [asked.narrowed(one) for one in found]


def _environments(results: Sequence[AsvResults], wanted: str | None) -> list[AsvResults]:
    """Those whose environment has `wanted` in its name, all of them for None. Raises UsageError if none has."""
    found = [r for r in results if wanted is None or wanted in r.environment]
    if not found:
        raise unknown("environment", str(wanted), [r.environment for r in results])
    return found


def _base(folder: Path, asked: AsvSelection, results: AsvResults) -> AsvResults | None:
    """What to compare with: the base commit's results in the same environment, or in the one asked for."""
    if not asked.has_base:
        return None
    candidates = _read(folder, asked, asked.base or results.commit, [])
    if asked.base_env is None:
        return next((r for r in candidates if r.environment == results.environment), None)
    return _environments(candidates, asked.base_env)[0]


def _judge_own(
    results: AsvResults,
    base: AsvResults | None,
    listed: frozenset[str],
    expectations: Expectations,
    missing: tuple[str, ...],
) -> GateReport:
    before = {cell.identity: cell for cell in (base.cells if base is not None else ())}
    never = {cell.identity for cell in results.cells if cell.number is None and _has_none(before.get(cell.identity))}
    cells = [cell for cell in results.cells if cell.identity not in never]
    run, records = as_run(results, cells)
    report = gate(run, records, expectations, partial=True)
    excused = {known.case for known in report.known_failures if known.expected == Status.UNSUPPORTED}
    unsupported = {cell.params for cell in cells if cell.skipped and case_key(dict(cell.params)) in excused}
    against = judge_against(cells, list(before.values()))
    if base is not None and not against:
        missing = (*missing, f"a number of {base.commit[:8]} {base.environment} that is gated")
    judgements: list[Judgement] = [
        *report.judgements,
        *judge_cells([cell for cell in cells if cell.params not in unsupported]),
        *judge_listed(results.cells, listed),
        *against,
    ]
    left = [NotJudged(cell.label, cell.metric, AS_BEFORE) for cell in results.cells if cell.identity in never]
    return GateReport(tuple(judgements), missing, report.unjudged, tuple(left))


def _has_none(then: AsvCell | None) -> bool:
    return then is not None and then.number is None


def import_asv(
    folder: Path, store: Callable[[], Store], machine: str | None, commit: str | None
) -> list[tuple[Run, list[Record]]]:
    """Bring a commit's results into the store, a run for each environment that is not there yet.

    A run without a record, of another project's suite, is not kept; nothing is written for what cannot be read.
    """
    found = [as_run(results) for results in read_results(folder, machine, resolve_commit(commit))]
    if not any(records for _, records in found):
        return found
    opened = store()
    known = {run.id for run in opened.runs()}
    new = [(run, records) for run, records in found if run.id not in known]
    for run, records in new:
        if records:
            opened.keep(run, records)
    return new


def rules_of_repository() -> tuple[Rule, ...]:
    """Those of the repository around the working folder: [asv] in its harness.toml. Raises what Config.table raises."""
    return config().table("asv", Rules).rules


def existing_folder(folder: Path | None) -> Path:
    """The results folder that was named, or results/asv. Raises UsageError if a named one is no folder."""
    if folder is not None and not folder.is_dir():
        raise UsageError(f"no folder {folder}: --results names asv's results_dir")
    return folder or DEFAULT_FOLDER
