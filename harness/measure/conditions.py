"""The conditions of a run or a sweep, read before and after it, kept beside it and judged; and the machine's now."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from harness.errors import HarnessError
from harness.git import head_of
from harness.judge.machine.conditions import judge_now, judge_run, judge_sweep
from harness.judge.machine.doubts import Doubt
from harness.records.environment import Environment
from harness.records.record import Record, Worker
from harness.records.run import Run
from harness.records.sweep import Cell, Sweep
from harness.store.conditions import Conditions, begin, conditions_of, end
from harness.store.rows import keep_environment
from harness.store.store import Store
from harness.store.sweep_store import SweepStore
from harness.timing.conditions import snapshot
from harness.timing.conditions.readings import Readings

PROBE_S = 1.0
"""How long the machine is watched where no run does it: a hundred of the kernel's ticks, so that a tenth is ten."""
Read = Callable[[], Readings]


@contextmanager
def watched(store: Store, run_id: str, read: Read | None = None) -> Iterator[None]:
    """Read the machine before and after what is done inside, and keep both with the run, however it ends.

    `read`: harness.timing.conditions.snapshot.read unless planted.
    Raises UsageError if the store cannot be written; after something else has been raised, that goes first.
    """
    look = read or snapshot.read
    before = look()
    key = begin(store, run_id, Conditions(before=before))
    try:
        yield
    except BaseException:
        with suppress(HarnessError):
            end(store, key, Conditions(before=before, after=look()))
        raise
    end(store, key, Conditions(before=before, after=look()))


class SeenWorkers:
    """The environments of a cluster's workers, and the conditions under which each measured, kept with a run."""

    def __init__(self, store: Store, run_id: str) -> None:
        self._store, self._run_id = store, run_id
        self._stretches: dict[str, int] = {}

    def seen(self, worker: Worker, environment: Environment, conditions: Conditions) -> None:
        """Write down what a worker was found to be; what it is found to be later is written over that."""
        if worker.address in self._stretches:
            end(self._store, self._stretches[worker.address], conditions)
            return
        with self._store.write() as connection:
            keep_environment(connection, environment)
        self._stretches[worker.address] = begin(self._store, self._run_id, conditions)


def doubts_of(store: Store, run: Run, records: Sequence[Record] | None = None) -> tuple[Doubt, ...]:
    """What a run of the store is to be doubted for, fine checks among it; `records` saves reading them again.

    Raises UsageError if the store cannot be read.
    """
    taken = store.records(run.id) if records is None else records
    return judge_run(conditions_of(store, run.id), taken, dirty=run.environment.dirty)


def doubts_of_sweep(store: Store, sweep: Sweep, cells: Sequence[Cell] | None = None) -> tuple[Doubt, ...]:
    """The same of a sweep."""
    taken = SweepStore(store).cells(sweep.id) if cells is None else cells
    return judge_sweep(conditions_of(store, sweep.id), taken, dirty=sweep.environment.dirty)


def doubts_in(store: Store, run_id: str | None) -> tuple[str, tuple[Doubt, ...]]:
    """The id and the doubts of a run or a sweep; of the newest run for None.

    Raises CannotMeasureError if the store has no run, UsageError for an unknown id.
    """
    for sweep in SweepStore(store).sweeps() if run_id else ():
        if sweep.id == run_id:
            return sweep.id, doubts_of_sweep(store, sweep)
    run = store.run(run_id)
    return run.id, doubts_of(store, run)


def probe(seconds: float = PROBE_S) -> Conditions:
    """The machine watched for so long, while this process does nothing."""
    before = snapshot.read()
    time.sleep(seconds)
    return Conditions(before=before, after=snapshot.read())


def doubts_now(watching: Conditions) -> tuple[Doubt, ...]:
    """What a run that began now would be doubted for, in the checkout of the working folder."""
    return judge_now(watching, dirty=head_of(Path.cwd())[1])
