"""A case's points, out of the store's runs or asv's results, in the order of commits or of nights."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from itertools import pairwise
from pathlib import Path

from harness.asv.records import as_run
from harness.errors import CannotMeasureError, UsageError, counted, unknown
from harness.git import resolve_commit
from harness.history.commits import Commits
from harness.judge.grouped import grouped
from harness.judge.history.history import identity
from harness.judge.history.series import COMMIT, DATE, Point, Quantity
from harness.judge.history.values import value_of
from harness.records.asv_results import read_every_commit
from harness.records.content import contents
from harness.records.differences import of_record
from harness.records.environment import Environment
from harness.records.record import Record
from harness.records.run import Run
from harness.store.store import Store

LEFT_OUT = "left out: of uncommitted changes, of no commit, or cut off"


@dataclass(frozen=True)
class Launch:
    """One record with the run, a fresh process, that made it."""

    run: Run
    record: Record
    measured_in: Environment | None = None

    @cached_property
    def environment(self) -> Environment:
        """The run's, or that of the worker that measured it, as far as it can have anything to do with the record.

        A worker's machine is part of its processor: the times of two are no series.
        """
        worker, found = self.record.worker, self.measured_in or self.run.environment
        if worker is not None:
            found = found.model_copy(update={"cpu": f"{found.cpu} of {worker.machine}"})
        return of_record(found, self.record)


def stored(store: Store) -> Iterator[Launch]:
    """Every record of every run of a store, in its order."""
    known = store.environments()
    for run in store.runs():
        for record in store.records(run.id):
            yield Launch(run, record, None if record.worker is None else known.get(record.worker.environment))


def in_asv(folder: Path, machine: str | None) -> Iterator[Launch]:
    """Every commit's results in asv's folder, as records, by date. Raises what read_every_commit raises."""
    for results in sorted(read_every_commit(folder, machine), key=lambda results: results.date_ms):
        run, records = as_run(results)
        yield from (Launch(run, record) for record in records)


@dataclass(frozen=True)
class OrderedPoints:
    """Points in the order of the axis `by`, the commits as git knows them, and notes for a person."""

    points: tuple[Point, ...]
    commits: Commits
    notes: tuple[str, ...]
    by: str = COMMIT


def points_of(
    launches: Sequence[Launch],
    quantity: Quantity,
    since: str | None = None,
    commits: Commits | None = None,
    by: str | None = None,
) -> OrderedPoints:
    """The points of an axis: `by` commit, by date, or for None by commit where two can be told apart, else by date.

    By commit one point a commit, machine, environment, content of the data and source of the solver; its launches are
    replications. By date one a run, of whatever commit, in the order of the store, whatever a clock said.
    `commits`: those of many cases, asked of git once; the launches' own unless given.

    Raises CannotMeasureError if there are not two points to compare; UsageError for an unknown axis and for a `since`
    that is neither a date nor a commit.
    """
    if by not in (None, COMMIT, DATE):
        raise unknown("axis", by, (COMMIT, DATE))
    if by is None:
        told = {(_commit(one), identity(one.environment), one.record.source_sha256) for one in launches if _clean(one)}
        by = COMMIT if len(told) > 1 else DATE
    kept = [one for one in launches if (_clean(one) if by == COMMIT else not cut_off(one.run, one.record))]
    notes, every = [], counted(len(launches), "launch", "launches")
    left = LEFT_OUT if by == COMMIT else "left out: cut off"
    if len(kept) < len(launches):
        notes.append(f"{len(launches) - len(kept)} of {every} {left}")
    if not kept:
        raise CannotMeasureError(f"no history: {len(launches)} of {every} {left}")
    commits = commits or Commits(_commit(one) for one in kept)
    order = _order(kept, commits, notes) if by == COMMIT else _runs_in_order(kept, notes)
    points = _since(_points(kept, quantity, order, by), since, commits)
    told_apart = {(one.commit, one.run, one.machine, identity(one.environment), one.data, one.source) for one in points}
    if len(told_apart) < 2:  # noqa: PLR2004  # before, after
        held = f"one {'run' if by == DATE else 'commit'} only, {points[0].name}" if points else f"nothing since {since}"
        raise CannotMeasureError(f"no history: {held}; run the case again, later or on another commit")
    return OrderedPoints(tuple(points), commits, tuple(notes), by)


def _clean(launch: Launch) -> bool:
    """Whether it is of a commit as it is, and was timed."""
    return bool(_commit(launch)) and not launch.run.environment.dirty and not cut_off(launch.run, launch.record)


def _commit(launch: Launch) -> str:
    return launch.run.environment.commit or ""


def cut_off(run: Run, record: Record) -> bool:
    """Whether its run ended before the case was timed."""
    return run.finished_at is None and record.call_s is None


def started_s(run: Run) -> float:
    """Unix seconds at which it began, by its clock."""
    when = datetime.fromisoformat(run.started_at)
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()


def _order(launches: Sequence[Launch], commits: Commits, notes: list[str]) -> dict[str, tuple[int, float]]:
    """Place and date of every commit: git's where it has them all, else by date, git's or the first run's."""
    first: dict[str, float] = {}
    for launch in launches:
        first[_commit(launch)] = min(started_s(launch.run), first.get(_commit(launch), math.inf))
    dates = {commit: commits.date_s(commit) if commits.knows(commit) else at for commit, at in first.items()}
    strange = sum(not commits.knows(commit) for commit in dates)
    if strange:
        notes.append(f"ordered by date: git has not heard of {strange} of {counted(len(dates), 'commit')} here")
    places = sorted(dates, key=lambda commit: (dates[commit] if strange else commits.place(commit), first[commit]))
    return {commit: (place, dates[commit]) for place, commit in enumerate(places)}


def _runs_in_order(launches: Sequence[Launch], notes: list[str]) -> dict[str, tuple[int, float]]:
    """Place and date of every run, in the order in which they come; a clock that was set back is said."""
    dates = {launch.run.id: started_s(launch.run) for launch in launches}
    back = sum(new < old for old, new in pairwise(dates.values()))
    if back:
        notes.append(f"the clock was set back {counted(back, 'time')}: the order is that of the store")
    return {run: (place, date_s) for place, (run, date_s) in enumerate(dates.items())}


def _points(
    launches: Sequence[Launch], quantity: Quantity, order: dict[str, tuple[int, float]], by: str
) -> list[Point]:
    content = contents(launch.record for launch in launches)

    def key(launch: Launch) -> tuple[str, str, object, str, str]:
        record, at = launch.record, launch.run.id if by == DATE else _commit(launch)
        machine = launch.run.selection.machine
        return at, machine, identity(launch.environment), content(record), record.source_sha256

    points = []
    for (at, machine, _, data, source), members in grouped(launches, key).items():
        numbers = [value_of(member.record, quantity) for member in members]
        # The newest launch decides: a case that has stopped working is not saved by what it once measured.
        why = numbers[-1][1]
        values = () if why else tuple(value for value, _ in numbers if value is not None)
        place, date_s = order[at]
        commit, run = _commit(members[-1]), at if by == DATE else ""
        points.append(
            Point(commit, place, date_s, members[-1].environment, values, why, data, source, run=run, machine=machine)
        )
    return sorted(points, key=lambda point: point.place)


def _since(points: list[Point], since: str | None, commits: Commits) -> list[Point]:
    """Points from a date (ISO 8601) or a commit on."""
    if since is None:
        return points
    try:
        when = datetime.fromisoformat(since)
    except ValueError:
        return _since_commit(points, since, commits)
    from_s = (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
    return [point for point in points if point.date_s >= from_s]


def _since_commit(points: list[Point], since: str, commits: Commits) -> list[Point]:
    wanted = resolve_commit(since) or since
    measured = [point.place for point in points if point.commit.startswith(wanted) or wanted.startswith(point.commit)]
    if measured:
        return [point for point in points if point.place >= min(measured)]
    known = Commits([wanted, *(point.commit for point in points)])
    if not known.knows(wanted) or not all(commits.knows(point.commit) for point in points):
        raise UsageError(f"--since {since}: git cannot place it among what was measured: give a date")
    return [point for point in points if known.place(point.commit) >= known.place(wanted)]
