"""A checkout with commits, and a store with records of them, planted: no clock, no fit."""

import os
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count
from pathlib import Path

from harness.measure.plan import Request, plan
from harness.measure.run import measure
from harness.records.environment import Environment
from harness.records.record import Record
from harness.records.run import Run, Selection
from harness.store.store import Store
from harness.timing.sampling import Samples

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HERE = Environment(
    cpu="planted",
    cores=2,
    memory_bytes=2**30,
    system="Linux",
    python="CPython 3.11",
    blas=("openblas",),
    versions={"numpy": "2.3.1", "ls-harness": "0.1.0"},
)


@cache
def record(problem: str = "four_points", solver: str = "numpy_lstsq") -> Record:
    """A real record, to be copied with other samples."""
    return measure(plan(Request(problems=(problem,), solvers=(solver,), device="cpu"))[0]).record


def make_commits(folder: Path, count: int) -> list[str]:
    """A repository of so many empty commits, an hour apart, oldest first."""
    git(folder, "init", "--quiet", "--initial-branch=main")
    return [commit(folder, i) for i in range(count)]


def commit(folder: Path, hour: int) -> str:
    """One more empty commit; its hash."""
    when = (NOON + timedelta(hours=hour)).isoformat()
    person = {f"GIT_{who}_{what}": f"a{what}" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    dates = {"GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when}
    git(folder, "commit", "--quiet", "--allow-empty", "-m", f"commit {hour}", **person, **dates)
    return git(folder, "rev-parse", "HEAD")


def git(folder: Path, *words: str, **environment: str) -> str:
    """What git prints, without the settings of the user or the machine."""
    alone = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(
        ["git", "-C", str(folder), *words],  # noqa: S607  # the git on PATH
        env={**os.environ, **alone, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@dataclass
class Planted:
    """A store that is filled launch by launch, a minute apart; `machine`: of nights, its name; `calls`: a record's."""

    store: Store
    launches: int = field(default=0)
    machine: str = ""
    calls: int = 3
    ids: Iterator[int] = field(default_factory=count)

    def launch(
        self,
        commit: str | None,
        wall_s: float | Sequence[float] | None,
        *,
        environment: Environment = HERE,
        dirty: bool = False,
        finished: bool = True,
        records: Sequence[Record] = (),
        **changed: object,
    ) -> None:
        """One run of `records`, else of one, whose calls took `wall_s`, or each its own; `changed`: of the record."""
        self.launches += 1
        at = (NOON + timedelta(minutes=self.launches)).isoformat()
        own = records or (record().model_copy(update=changed),)
        made = Run(
            id=f"run-{next(self.ids):04}",
            started_at=at,
            command="harness run",
            selection=Selection(machine=self.machine),
            planned=tuple(one.case for one in own),
            environment=environment.model_copy(update={"commit": commit, "dirty": dirty}),
        )
        self.store.start(made)
        each = list(wall_s) if isinstance(wall_s, Sequence) else [wall_s] * len(own)
        for one, call_s in zip(own, each, strict=True):
            key = self.store.add(made.id, one)
            if call_s is not None:
                self.store.add_samples(key, Samples((call_s,) * self.calls, (call_s,) * self.calls))
        if finished:
            self.store.finish(made.id)
