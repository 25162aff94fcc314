"""A cluster as a place of a sweep: the chunks of its grid are shared out over the workers."""

from collections.abc import Iterator, Sequence
from typing import Any

from harness.measure.cluster import place
from harness.measure.cluster.parcel import Parcel, parcel
from harness.measure.cluster.working import Told
from harness.measure.isolation.limits import Limits
from harness.measure.plan import Case
from harness.measure.recording import record_of
from harness.records.observer import Observer
from harness.records.record import Record, Worker
from harness.records.sweep import Cell
from harness.solvers.status import Status
from harness.sweep.candidate import Candidate
from harness.sweep.cells import without_result
from harness.sweep.isolated import Isolated
from harness.timing.sampling import Effort


class Cluster(place.Cluster):
    """The workers of a Dask cluster; a Place of `harness.sweep.measuring`."""

    def aim(self, candidate: Candidate, observer: Observer) -> tuple[Status, str] | None:
        """Find it at one worker; the others find it again when they train."""
        (job,) = self._done([_Job(AimWork(candidate), observer)], [candidate], observer)
        if job.message:
            return Status.CRASHED, job.message
        status, why = job.results or ("", "")
        return (Status(status), why) if status else None

    def timed(self, cases: Sequence[Case], observer: Observer) -> list[Record]:
        """Time the cases in turn, all at one worker."""
        if not cases:
            return []
        (job,) = self._done([_Job(TimeWork(cases), observer)], cases, observer)
        if job.message:
            return [record_of(case, Status.CRASHED, job.message) for case in cases]
        return [place.of_worker(text, job.worker) for text in job.results]

    def learned(self, chunks: Sequence[Candidate], observer: Observer) -> Iterator[tuple[Candidate, list[Cell]]]:
        """As many chunks at once as there are workers."""
        jobs = [_Job(LearnWork(chunk), observer) for chunk in chunks]
        of = {id(job): chunk for job, chunk in zip(jobs, chunks, strict=True)}
        for job in self._done(jobs, chunks, observer):
            chunk = of[id(job)]
            if job.message:
                yield chunk, without_result(chunk, Status.CRASHED, job.message)
            else:
                cells = (Cell.model_validate_json(text) for text in job.results)
                yield chunk, [cell.model_copy(update={"worker": job.worker}) for cell in cells]

    def _done(self, jobs: "Sequence[_Job]", cases: Sequence[Case], observer: Observer) -> "Iterator[_Job]":
        self.workers.surroundings = place.surroundings_of(cases)
        for job in jobs:
            job.told = lambda: observer.trained(sum(one.epochs for one in jobs if not one.over))
        for ended in self.workers.each(jobs, observer):
            assert isinstance(ended, _Job)  # noqa: S101  # as they were given
            yield ended


class _Work:
    """A part of a sweep; a worker process for all of them."""

    @staticmethod
    def new_place(limits: Limits) -> Isolated:
        """That of sweeps."""
        return Isolated(limits)


class TimeWork(_Work):
    """Cases to be timed in turn."""

    def __init__(self, cases: Sequence[Case]) -> None:
        self._sent: Parcel = parcel(cases)

    def __call__(self, at: Isolated, told: Told) -> tuple[str, ...]:
        """Their records."""
        told.working("timing the loop")
        for case in self._sent.cases():
            at.prepare(case)
        return tuple(record.model_dump_json() for record in at.time(Effort()))


class AimWork(_Work):
    """What a candidate's trainings are judged by, to be found."""

    def __init__(self, candidate: Candidate) -> None:
        self._sent, self._optimizer, self._grid = parcel([candidate]), candidate.optimizer, candidate.grid
        self._own = {name: getattr(candidate, name) for name in ("suite", "target", "trials", "max_s")}

    @property
    def candidate(self) -> Candidate:
        """What was sent."""
        (case,) = self._sent.cases()
        return Candidate(case.problem, case.solver, case.options, self._optimizer, self._grid, **self._own)  # type: ignore[arg-type]  # as sent

    def __call__(self, at: Isolated, told: Told) -> tuple[str, ...]:
        """Empty, or the status and why nothing was found."""
        candidate = self.candidate
        told.working(f"{candidate.problem.label}: what it is judged by")
        missed = at.aim(candidate, told)
        return () if missed is None else (missed[0].value, missed[1])


class LearnWork(AimWork):
    """A chunk to be trained."""

    def __call__(self, at: Isolated, told: Told) -> tuple[str, ...]:
        """Its cells."""
        candidate = self.candidate
        told.working(candidate.doing)
        return tuple(cell.model_dump_json() for cell in at.learn(candidate, told))


class _Job:
    """A part of a sweep on its way through the workers; `message`: why there are no results."""

    def __init__(self, work: _Work, observer: Observer) -> None:
        self._work, self._observer = work, observer
        self.over, self.message, self.epochs = False, "", 0
        self.results: tuple[str, ...] = ()
        self.worker: Worker | None = None
        self.told: Any = lambda: None
        self._losses: list[str] = []

    def work(self) -> Any:
        """All of it."""
        return self._work

    def heard(self, what: str, value: Any, _worker: Worker) -> None:
        """How far it is."""
        if what == "noted":
            self._observer.noted(value)
        elif what == "trained":
            self.epochs = value
            self.told()

    def ended(self, results: tuple[str, ...], worker: Worker) -> None:
        """It is done."""
        self.results, self.worker, self.over = results, worker, True

    def lost(self, address: str) -> None:
        """It is tried again elsewhere, once."""
        self.epochs = 0
        self._losses.append(address)
        if len(self._losses) == place.TRIES:
            self.message, self.over = place.lost_at(self._losses), True
