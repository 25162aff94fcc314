"""A cluster as a place of a run: the cases of a problem go to one worker, so that they are timed in turn there."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from harness.measure.cluster.address import CONNECT_S, RESTART_S
from harness.measure.cluster.parcel import Parcel, parcel
from harness.measure.cluster.workers import Workers
from harness.measure.cluster.working import Surroundings, Told
from harness.measure.conditions import SeenWorkers
from harness.measure.isolation.isolated import Isolated
from harness.measure.isolation.limits import Limits
from harness.measure.place import Keeper, measure_group
from harness.measure.plan import Case
from harness.measure.recording import failed_record, record_of
from harness.records.observer import Observer
from harness.records.record import Record, Worker
from harness.solvers.status import Status
from harness.store.store import Store
from harness.timing.sampling import Effort

TRIES = 2
"""A case whose worker is lost is tried again elsewhere, once."""
TIMING = -1
"""What a group is at when its cases are timed in turn."""


class Cluster:
    """The workers of a Dask cluster; a Place of `harness.measure.place`."""

    def __init__(self, on: str, connect_s: float | None, limits: Limits) -> None:
        """`on`: the scheduler's address, or local:N. Raises as `Workers`."""
        self.workers = Workers(on, connect_s or CONNECT_S, limits, restart_s=connect_s or RESTART_S)

    @contextmanager
    def watched(self, store: Store, run_id: str, *, timed: bool = True) -> Iterator[None]:
        """The conditions and the environment of each worker, whether or not anything is timed."""
        del timed
        self.workers.seen = SeenWorkers(store, run_id).seen
        yield

    def measured(
        self, groups: Sequence[Sequence[Case]], keepers: Sequence[Keeper], effort: Effort
    ) -> Iterator[tuple[int, list[Record]]]:
        """Each group by one worker, as many at once as there are workers."""
        self.workers.surroundings = surroundings_of([case for group in groups for case in group])
        jobs = [GroupJob(*one, effort) for one in zip(groups, keepers, strict=True)]
        for job in self.workers.each(jobs, keepers[0] if keepers else Observer()):
            assert isinstance(job, GroupJob)  # noqa: S101  # as they were given
            yield jobs.index(job), [job.records[index] for index in range(len(job.cases))]

    def close(self) -> None:
        """Let go of it."""
        self.workers.close()


def surroundings_of(cases: Sequence[Case]) -> Surroundings:
    """What the cases make the environment depend on."""
    return Surroundings(
        tuple(sorted({module for case in cases for module in case.solver.requires})),
        any(case.uses_torch for case in cases),
        tuple(sorted({case.options.device for case in cases})),
    )


class GroupWork:
    """The cases of a group, and by how much effort each is timed."""

    def __init__(self, sent: Parcel, effort: Effort) -> None:
        self._sent, self._effort = sent, effort

    @staticmethod
    def new_place(limits: Limits) -> Isolated:
        """A worker process for cases."""
        return Isolated(limits)

    def __call__(self, place: Isolated, told: Told) -> tuple[str, ...]:
        """The records of the cases, as JSON."""
        records = measure_group(place, self._sent.cases(), told, self._effort)
        return tuple(record.model_dump_json() for record in records)


class GroupJob:
    """A group on its way through the workers.

    What is lost with a worker is begun anew: the case that it was at, and those that were still to be timed there. What
    was lost with TRIES workers is `crashed`.
    """

    def __init__(self, cases: Sequence[Case], keeper: Keeper, effort: Effort) -> None:
        self.cases, self._keeper, self._effort = cases, keeper, effort
        self.over = False
        self.records: dict[int, Record] = {}
        self._left = list(range(len(cases)))
        self._fitted: list[int] = []
        self._begun = False
        self._losses: dict[int | None, list[str]] = {}

    def work(self) -> GroupWork:
        """The cases that are left."""
        self._fitted, self._begun = [], False
        return GroupWork(parcel([self.cases[index] for index in self._left]), self._effort)

    def heard(self, what: str, value: Any, worker: Worker) -> None:
        """A case has been begun, or fitted."""
        if what == "working":
            self._begun = True
        elif what == "fitted":
            self._enter(self._left[value[0]], value[1], worker)
            self._fitted.append(self._left[value[0]])

    def ended(self, results: tuple[str, ...], worker: Worker) -> None:
        """Enter the records, samples included."""
        for index, text in zip(self._left, results, strict=True):
            if index not in self.records:
                self._enter(index, text, worker)
            self.records[index] = of_worker(text, worker)
        self.over = True

    def lost(self, address: str) -> None:
        """Begin anew what it was at; of what was timed with others nobody knows which one it was."""
        remaining = [index for index in self._left if index not in self._fitted]
        at = None if not self._begun else remaining[0] if remaining else TIMING
        losses = self._losses.setdefault(at, [])
        losses.append(address)
        if not self._effort.max_calls:  # what is not timed is done
            self._left = remaining
        if len(losses) >= TRIES:
            self._crashed(self._left if at is None or at == TIMING else [at], lost_at(losses))
        self.over = not self._left

    def _crashed(self, guilty: Sequence[int], message: str) -> None:
        for index in guilty:
            before = self.records.get(index)
            record = (
                record_of(self.cases[index], Status.CRASHED, message)
                if before is None
                else failed_record(before, Status.CRASHED, f"while it was timed: {message}")
            )
            self._keeper.fitted(index, record)
            self.records[index] = record
        self._left = [index for index in self._left if index not in guilty]

    def _enter(self, index: int, text: str, worker: Worker) -> None:
        self.records[index] = of_worker(text, worker)
        self._keeper.fitted(index, self.records[index])


def lost_at(addresses: Sequence[str]) -> str:
    """What is said of what these workers were lost at."""
    return f"it was tried {len(addresses)} times, and the workers were lost: {' and '.join(addresses)}"


def of_worker(text: str, worker: Worker | None) -> Record:
    """The record that a worker has sent."""
    return Record.model_validate_json(text).model_copy(update={"worker": worker})
