"""Store, files and fits -> the page's evidence: one run and what is known around it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from harness.errors import CannotMeasureError, UsageError
from harness.judge.gate.expectations import Expectations
from harness.judge.gate.gate import gate
from harness.judge.history.night import NightReport
from harness.judge.history.series import History
from harness.judge.studies.finding import Finding
from harness.judge.studies.findings import FindingLine, judge
from harness.judge.studies.published import Line
from harness.judge.studies.shown import shown
from harness.judge.versions.upgrade.answer import UpgradeAnswer
from harness.measure.conditions import doubts_of
from harness.page.floors import floors
from harness.page.histories import histories
from harness.records.record import Record
from harness.records.run import Run, now
from harness.records.sweep import Sweep
from harness.report.figures.catalog import REMADE
from harness.report.figures.figure import Figure
from harness.report.html.evidence import Evidence
from harness.report.html.watch import Watched
from harness.report.purpose import Purpose
from harness.report.render.ab_file import AbFile
from harness.store.store import Store
from harness.store.sweep_store import SweepStore


@dataclass(frozen=True)
class PageRequest:
    """What a page is to be of. None: the newest run or sweep; the newest earlier run of another commit.

    `expectations`: read from the file that `source` names; `command`: what made the page; `quick`: nothing is fitted or
    timed anew, so that the tutorials and the floors under the times are left out; `ab`: a comparison of two versions;
    `watched`: a store of asv's;
    `upgrade`: the answer about one, of which the page is then; `suite`: of the newest sweep of that suite;
    `night`: what was told of the run as a night.
    """

    command: str
    expectations: Expectations
    source: str
    run: str | None = None
    baseline: str | None = None
    quick: bool = False
    ab: AbFile | None = None
    watched: Watched | None = None
    upgrade: UpgradeAnswer | None = None
    title: str = ""
    purpose: Purpose = Purpose.RACE
    suite: str | None = None
    night: NightReport | None = None

    @property
    def is_of_asv(self) -> bool:
        """Whether asv's results are all that is asked for by name."""
        return self.watched is not None and not any((self.run, self.baseline, self.ab, self.suite))


def gather(store: Store | None, asked: PageRequest) -> Evidence:
    """The evidence of a run, or of a sweep. Raises CannotMeasureError without any, UsageError for an unknown id.

    An answer about an upgrade needs no `store`, nor do asv's results where there is no run to show beside them.
    """
    if asked.upgrade is not None:
        return _of_upgrade(asked)
    if store is None or (asked.is_of_asv and not (store.runs() or SweepStore(store).sweeps())):
        return Evidence(now(), asked.command, None, (), title=asked.title, watched=asked.watched)
    sweep = _asked_sweep(store, asked)
    return _of_run(store, asked, store.run(asked.run)) if sweep is None else _of_sweep(store, asked, sweep)


def _of_run(store: Store, asked: PageRequest, run: Run) -> Evidence:
    records = tuple(store.records(run.id))
    runs = store.runs()
    baseline = baseline_of(runs, run, asked.baseline)
    below, without = ((), "--quick times nothing") if asked.quick else floors(run, records)
    published, pictures = ((), {}) if asked.quick else _tutorials(records)
    finished = tuple(one.id for one in runs if one.finished_at is not None)
    lines, shows = _findings(run, records)
    return Evidence(
        made_at=now(),
        command=asked.command,
        run=run,
        records=records,
        title=asked.title,
        purpose=asked.purpose,
        gate=gate(run, records, asked.expectations),
        expectations=asked.source,
        baseline=baseline,
        baseline_records=() if baseline is None else tuple(store.records(baseline.id)),
        ab=asked.ab,
        doubts=doubts_of(store, run, records),
        **_swept(store, {one.problem for one in records}),
        published=published,
        pictures=pictures,
        histories=_histories(store, finished, frozenset(one.case for one in records)),
        watched=asked.watched,
        night=asked.night,
        findings=lines,
        shown=shows,
        floors=below,
        floors_missing=without,
    )


def _asked_sweep(store: Store, asked: PageRequest) -> Sweep | None:
    """The sweep that is named, or the newest where it is newer than each run; None where a run is meant."""
    sweeps = SweepStore(store).sweeps()
    if asked.suite is not None:
        found = [one for one in sweeps if one.suite.get("name") == asked.suite]
        if not found:
            what = f"no sweep of {asked.suite} in {store.url}"
            raise CannotMeasureError(f"{what}: 'harness sweep --suite {asked.suite}' makes one")
        return found[-1]
    if asked.run is not None:
        return next((one for one in sweeps if one.id == asked.run), None)
    if not sweeps or asked.purpose is not Purpose.RACE or asked.ab is not None:
        return None
    newest = sweeps[-1]
    return None if any(run.started_at > newest.started_at for run in store.runs()) else newest


def _of_upgrade(asked: PageRequest) -> Evidence:
    """The answer, with the findings that it names: those that a case here lost by."""
    answer = asked.upgrade
    after = {} if answer is None else {one.name: one.after for one in answer.packages}
    names = () if answer is None else tuple(one.id for one in answer.known if one.shown)
    lines = tuple(judge(one, after.get(one.library)) for one in _every_finding() if one.id in names)
    given = {"title": asked.title, "purpose": Purpose.UPGRADE, "upgrade": answer, "findings": lines}
    return Evidence(now(), asked.command, None, (), **given)  # type: ignore[arg-type]  # fields of Evidence


def _of_sweep(store: Store, asked: PageRequest, sweep: Sweep) -> Evidence:
    cells = tuple(SweepStore(store).cells(sweep.id))
    given = {"title": asked.title, "sweep": sweep, "cells": cells, "watched": asked.watched}
    return Evidence(now(), asked.command, None, (), **given)  # type: ignore[arg-type]  # fields of Evidence


def _swept(store: Store, problems: Collection[str]) -> dict[str, Any]:
    """The newest sweep over a problem of the run: of another one nobody has asked."""
    sweeps = SweepStore(store)
    for sweep in reversed(sweeps.sweeps()):
        cells = tuple(sweeps.cells(sweep.id))
        if any(cell.problem in problems for cell in cells):
            return {"sweep": sweep, "cells": cells}
    return {}


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


def _tutorials(records: Sequence[Record]) -> tuple[tuple[Line, ...], Mapping[str, tuple[Figure, ...]]]:
    """Of the tutorials whose data the run is of: nothing of what was not asked for."""
    names = [name for name in REMADE if any(one.problem_name == name and not one.is_own for one in records)]
    if not names:
        return (), {}
    from harness.page.tutorials import remade  # where it is made only: it loads what fits

    return remade(names)


@lru_cache(maxsize=1)
def _histories(store: Store, _finished: tuple[str, ...], cases: frozenset[str]) -> tuple[History, ...]:
    """Judged again when another run has finished: a run that goes on would have every run read at each record."""
    return histories(store, cases=cases)


def _findings(run: Run, records: Sequence[Record]) -> tuple[tuple[FindingLine, ...], dict[str, tuple[str, ...]]]:
    """The findings that cases of the run show, by the versions that it ran with; nothing is run."""
    known = _every_finding()
    versions = run.environment.versions
    found = shown(known, records, versions)
    seen = {name for names in found.values() for name in names}
    return tuple(judge(one, versions.get(one.library)) for one in known if one.id in seen), found


def _every_finding() -> list[Finding]:
    from harness.studies.findings import findings

    try:
        return findings()
    except CannotMeasureError:
        return []
