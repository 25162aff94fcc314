"""The histories that are worth showing: of the store, and of asv's results that are committed."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path

from packaging.version import InvalidVersion, Version

from harness.errors import HarnessError
from harness.history.commits import Commits
from harness.history.sources import Launch, in_asv, points_of
from harness.judge.grouped import grouped
from harness.judge.history.changes import level_changes, rank
from harness.judge.history.history import identity, judge_history
from harness.judge.history.series import QUANTITIES, History, Quantity
from harness.paths import results_folder
from harness.store.store import Store

MOST = 24
"""Of histories: more than a reader goes through, few enough to be judged and drawn within seconds."""
MOST_RUNS = 200
"""The newest of the store that are read."""
FEWEST = 4
"""Points of a history without a step: of fewer no step of time is sought (harness.judge.history.change_points)."""
FOLDERS = ("asv", "versions")
"""Of results/: the suite over commits, and over the versions of a library."""


def histories(
    store: Store | None, results: Path | None = None, *, cases: Collection[str] | None = None
) -> tuple[History, ...]:
    """At most MOST histories, those with the worst steps first; what has no history is left out.

    `cases`: the only ones to look at, all by default. `results`: the folder that has asv's results in FOLDERS; results/
    by default. A folder that is missing or cannot be read, and a case that was measured once, have none: nothing is
    raised for them.
    """
    folder = results or results_folder()
    stored = [one for one in _stored(store) if _wanted(one.record.case, cases)] if store is not None else []
    found = [*_of(stored), *(h for name in FOLDERS for h in _in(folder / name) if _wanted(h.case, cases))]
    return tuple(sorted(found, key=rank)[:MOST])


def _wanted(case: str, cases: Collection[str] | None) -> bool:
    """Whether a case is among the only ones that are asked for."""
    return cases is None or case in cases


def _stored(store: Store) -> list[Launch]:
    """The launches of the newest runs of a commit; where that is one commit or none, of the newest nights."""
    every = store.runs()
    runs = [run for run in every if run.environment.commit and not run.environment.dirty][-MOST_RUNS:]
    if len({(run.environment.commit, identity(run.environment)) for run in runs}) < 2:  # noqa: PLR2004  # before, after
        runs = [run for run in every if run.selection.machine][-MOST_RUNS:]
    return [Launch(run, record) for run in runs for record in store.records(run.id)]


@cache
def _in(folder: Path) -> tuple[History, ...]:
    """Of a folder of asv's results; once a process, for a page that is made again and again."""
    try:
        launches = sorted(in_asv(folder, None), key=_when)
    except HarnessError:
        return ()
    return tuple(_of(launches))


def _when(launch: Launch) -> tuple[str, list[tuple[str, Version]]]:
    """By the commit's date, then by the versions of libraries as numbers: 1.10 comes after 1.9."""
    return launch.run.started_at, sorted(_versions(launch.run.environment.versions.items()))


def _versions(named: Iterable[tuple[str, str]]) -> Iterator[tuple[str, Version]]:
    for name, text in named:
        try:
            yield name, Version(text)
        except InvalidVersion:
            yield name, Version("0")


def _of(launches: Sequence[Launch]) -> Iterator[History]:
    commits = Commits({launch.run.environment.commit or "" for launch in launches})
    for case, own in grouped(launches, lambda launch: launch.record.case).items():
        for quantity in QUANTITIES.values():
            found = _judged(case, quantity, own, commits)
            if found is not None and _worth_showing(found):
                yield found


def _worth_showing(history: History) -> bool:
    """Whether it has a step, or enough points to have had one."""
    measured = sum(point.value is not None for series in history.series for point in series.points)
    return measured >= FEWEST or bool(level_changes(history))


def _judged(case: str, quantity: Quantity, launches: Sequence[Launch], commits: Commits) -> History | None:
    try:
        found = points_of(launches, quantity, commits=commits)
    except HarnessError:
        return None
    return judge_history(case, quantity, found.points, found.commits.untested, notes=found.notes, by=found.by)
