"""A run that was cut off: the same cases again, less those that the store has whole.

A run in another environment is refused, where a sweep only says so: a run's records are read under its one
environment (`harness history` puts them beside its commit), so that times of two commits under it would show
steps where there are none. A sweep's cells are compared with one another, in one go.
"""

import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import get_type_hints

from harness.errors import UsageError, counted
from harness.measure.plan import Case, Request, plan
from harness.measure.run import environment_of
from harness.problems.table_options import options_of
from harness.records.differences import moved
from harness.records.environment import Environment
from harness.records.run import Run, Selection
from harness.solvers.options import Options
from harness.store.owner import alive, elsewhere
from harness.store.store import Store

AXES = ("n", "lr", "seed", "device")
PLANNED_ELSEWHERE = ("accuracy",)
"""Commands whose runs are not planned from a Request: they are made anew, as are those of data in memory (`python`)."""
FLAGS = frozenset(name for name, kind in get_type_hints(Options).items() if kind == bool | None)
"""JSON of a selection has 1 for True, and a case's key shows which it is."""


@dataclass(frozen=True)
class Resumed:
    """A run that goes on: `left` of its cases, and what a person should know (empty if nothing)."""

    run: Run
    left: tuple[Case, ...]
    note: str = ""


def take_up(store: Store, run_id: str | None = None) -> Resumed:
    """The run of that id, or the newest that was cut off here, with the cases that it lacks; nothing is written.

    Raises UsageError if there is none, it has finished, another process is at it, it was made in another
    environment or of other data, or what it planned can no longer be planned.
    """
    run = _unfinished(store, run_id)
    cases = _planned_again(run)
    # After the plan, as when the run began: what is imported shows in it.
    here = environment_of(cases)
    if changed := moved(run.environment, here):
        names = ", ".join(map(str, changed))
        raise UsageError(
            f"--resume: run {run.id} began with another {names}, and its records are read as of one environment: "
            f"go back to that, or start anew: {run.command}"
        )
    known = {record.problem: record.problem_sha256 for record in store.records(run.id)}
    check_data(known, cases, f"run {run.id}", run.command)
    return Resumed(run, tuple(_left(cases, store.done(run.id))), _note(run.environment, here))


def _unfinished(store: Store, run_id: str | None) -> Run:
    if run_id is not None:
        run = store.run(run_id)
        if run.finished_at is not None:
            raise UsageError(f"--resume: run {run.id} has finished: there is nothing left of it")
        if not _can_be_planned(run):
            raise UsageError(f"--resume: run {run.id} is another command's; start it anew: {run.command}")
        pid = alive(store.worker(run.id))
        if pid is not None:
            raise UsageError(f"--resume: run {run.id} is still going, in process {pid}: wait for it, or end it first")
        return run
    cut_off = [run for run in store.runs() if run.finished_at is None and _can_be_planned(run)]
    workers = {run.id: store.worker(run.id) for run in cut_off}
    idle = [run for run in cut_off if alive(workers[run.id]) is None and elsewhere(workers[run.id]) is None]
    if not idle:
        newest = cut_off[-1].id if cut_off else ""
        node = elsewhere(workers.get(newest))
        why = f"is of {node} and may be going on: its id takes it from there" if node else "is still going"
        going = f" ({newest} {why})" if cut_off else ""
        raise UsageError(f"--resume: no unfinished run in {store.url}{going}: start one with 'harness run'")
    return idle[-1]


def _can_be_planned(run: Run) -> bool:
    words = shlex.split(run.command)
    if words[1:2] == ["gate"] and "--fresh" in words and run.selection.problems is not None:
        return False  # its cases are those of an expectations file
    return words[:1] == ["harness"] and words[1:2] not in [[name] for name in PLANNED_ELSEWHERE]


def _planned_again(run: Run) -> list[Case]:
    """The cases of a run. Raises UsageError where they are others than those that the store names."""
    cases = plan(request_of(run.selection))
    if tuple(case.key for case in cases) != run.planned:
        changed = set(run.planned) ^ {case.key for case in cases}
        differ = counted(len(changed), "case differs", "cases differ")
        example = f", '{min(changed)}' among them" if changed else ""
        raise UsageError(
            f"--resume: run {run.id} can no longer be planned as it was: {differ}{example}; start anew: {run.command}"
        )
    return cases


def check_data(known: Mapping[str, str], cases: Sequence[Case], begun: str, command: str) -> None:
    """Raises UsageError where the data of a case are others than `known`, SHA-256 by label, of a run or a sweep."""
    for case in cases:
        if known.get(case.problem.label, case.problem.sha256) != case.problem.sha256:
            raise UsageError(
                f"--resume: the data of {case.problem.label} have changed since {begun} began: start anew: {command}"
            )


def request_of(selection: Selection) -> Request:
    """The request of which a selection was kept."""
    asked: Mapping[str, tuple[object, ...]] = selection.asked
    single = {name: values[0] for name, values in asked.items() if name not in AXES}
    given = {name: bool(value) if name in FLAGS else value for name, value in single.items()}
    device = selection.device or str(asked.get("device", ("auto",))[0])
    return Request(
        problems=selection.problems or (),
        solvers=selection.solvers or (),
        device=device,
        n=asked.get("n", ()),  # type: ignore[arg-type]  # the kinds of what was asked for were checked when it was
        lr=asked.get("lr", ()),  # type: ignore[arg-type]
        seeds=asked.get("seed", ()),  # type: ignore[arg-type]
        target=selection.target,
        weights=selection.weights,
        intercept=selection.intercept,
        table=options_of(selection.table),
        options=Options(threads=selection.threads, **given),  # type: ignore[arg-type]  # Options checks every value
    )


def _left(cases: list[Case], done: Counter[str]) -> list[Case]:
    """The cases that are not done; one that was asked for twice is done twice."""
    still = Counter(done)
    left = []
    for case in cases:
        if still[case.key] > 0:
            still[case.key] -= 1
        else:
            left.append(case)
    return left


def _note(then: Environment, here: Environment) -> str:
    """A working tree with changes may be another one, of the same commit; nobody can tell."""
    if not here.dirty:
        return ""
    before = "too" if then.dirty else "it had none"
    return f"the tree has changes that are in no commit (when the run began, {before}): its records may be of two trees"
