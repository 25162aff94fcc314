"""Store, files and fits -> the page's evidence: one run and what is known around it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from harness.errors import CannotMeasureError, UsageError
from harness.judge.gate.expectations import Expectations
from harness.judge.gate.gate import gate
from harness.judge.history.series import History
from harness.judge.studies.findings import FindingLine
from harness.judge.studies.published import Line
from harness.measure.conditions import doubts_of
from harness.page.floors import floors
from harness.page.histories import histories
from harness.records.record import Record
from harness.records.run import Run, now
from harness.records.sweep import Cell, Sweep
from harness.report.figures.catalog import REMADE
from harness.report.figures.figure import Figure
from harness.report.html.evidence import Evidence
from harness.report.html.watch import Watched
from harness.report.render.ab_file import AbFile
from harness.store.store import Store
from harness.store.sweep_store import SweepStore


@dataclass(frozen=True)
class PageRequest:
    """What a page is to be of. None: the newest run; the newest earlier run of another commit.

    `expectations`: read from the file that `source` names; `command`: what made the page; `quick`: nothing is fitted or
    timed anew, so that the tutorials and the floors under the times are left out; `ab`: a comparison of two versions;
    `watched`: a store of asv's.
    """

    command: str
    expectations: Expectations
    source: str
    run: str | None = None
    baseline: str | None = None
    quick: bool = False
    ab: AbFile | None = None
    watched: Watched | None = None


def gather(store: Store, asked: PageRequest) -> Evidence:
    """The evidence of a run. Raises CannotMeasureError without any, UsageError for an unknown id or a bad file."""
    run = store.run(asked.run)
    records = tuple(store.records(run.id))
    runs = store.runs()
    baseline = baseline_of(runs, run, asked.baseline)
    sweep, cells = _newest_sweep(store)
    below, without = ((), "--quick times nothing") if asked.quick else floors(run, records)
    published, pictures = ((), {}) if asked.quick else _tutorials(records)
    return Evidence(
        made_at=now(),
        command=asked.command,
        run=run,
        records=records,
        gate=gate(run, records, asked.expectations),
        expectations=asked.source,
        baseline=baseline,
        baseline_records=() if baseline is None else tuple(store.records(baseline.id)),
        ab=asked.ab,
        doubts=doubts_of(store, run, records),
        sweep=sweep,
        cells=cells,
        published=published,
        pictures=pictures,
        histories=_histories(store, tuple(one.id for one in runs if one.finished_at is not None)),
        watched=asked.watched,
        findings=_findings(),
        floors=below,
        floors_missing=without,
    )


def baseline_of(runs: Sequence[Run], run: Run, named: str | None) -> Run | None:
    """The run of that id, or the last one before `run` in `runs` that is of another commit and shares a case with it.

    Where no commit is known, None. Raises UsageError for an unknown id, and for the run itself.
    """
    if named is not None:
        if named == run.id:
            raise UsageError(f"--baseline {named}: that is the run itself: name another, or none")
        found = {one.id: one for one in runs}.get(named)
        if found is None:
            raise UsageError(f"no run '{named}' to be the baseline: 'harness report --run' has the same ids")
        return found
    commit, planned = run.environment.commit, set(run.planned)
    before = runs[: [one.id for one in runs].index(run.id)]
    earlier = (
        one
        for one in reversed(before)
        if None not in (commit, one.environment.commit)
        and one.environment.commit != commit
        and not planned.isdisjoint(one.planned)
    )
    return next(earlier, None)


def _newest_sweep(store: Store) -> tuple[Sweep | None, tuple[Cell, ...]]:
    sweeps = SweepStore(store)
    found = sweeps.sweeps()
    return (found[-1], tuple(sweeps.cells(found[-1].id))) if found else (None, ())


def _tutorials(records: Sequence[Record]) -> tuple[tuple[Line, ...], Mapping[str, tuple[Figure, ...]]]:
    """Of the tutorials whose data the run is of: nothing of what was not asked for."""
    names = [name for name in REMADE if any(one.problem_name == name and not one.is_own for one in records)]
    if not names:
        return (), {}
    from harness.page.tutorials import remade  # where it is made only: it loads what fits

    return remade(names)


@lru_cache(maxsize=1)
def _histories(store: Store, _finished: tuple[str, ...]) -> tuple[History, ...]:
    """Judged again when another run has finished: a run that goes on would have every run read at each record."""
    return histories(store)


def _findings() -> tuple[FindingLine, ...]:
    """What the findings' files say of the versions that are installed here; nothing is run."""
    from harness.studies.findings import findings, survey

    try:
        return tuple(survey(findings()))
    except CannotMeasureError:
        return ()
