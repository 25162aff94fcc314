"""Cases -> records: the only place where problems, solvers, timing, verification and the store meet."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from harness.measure.isolation import apart
from harness.measure.one_case import measure, measure_alone
from harness.measure.place import InTurn, Place
from harness.measure.plan import Case, Request
from harness.measure.prepared import Outcome, only_prepared
from harness.measure.recording import again_record, timed_record
from harness.measure.turns import ask_again, clocks_of, time_together
from harness.records.environment import Environment, environment
from harness.records.observer import Observer
from harness.records.record import Record
from harness.records.run import Run, Selection, new_run_id, now, this_command
from harness.store.store import Store
from harness.timing.clock import SystemClock
from harness.timing.sampling import Effort

__all__ = ["InProcess", "Observer", "Outcome", "Place", "execute", "measure", "measure_alone", "new_run"]

INTERLEAVED_BYTES = 2**30
"""Cases are prepared together, to be timed in turn, as long as their data fit in this."""


class InProcess(InTurn):
    """Here, in this process: what a solver does to it, it does to the run."""

    def __init__(self) -> None:
        self._outcomes: list[Outcome] = []

    def fit(self, case: Case) -> Record:
        """Prepare, fit and verify one case, here."""
        self._outcomes.append(measure(case))
        return self._outcomes[-1].record

    def prepare(self, case: Case) -> None:
        """Prepare one case, here."""
        self._outcomes.append(only_prepared(case))

    @property
    def waiting(self) -> int:
        """How many cases wait to be timed."""
        return sum(outcome.prepared is not None for outcome in self._outcomes)

    def time(self, effort: Effort) -> list[Record]:
        """Time what waits, here, in turn."""
        outcomes, self._outcomes = self._outcomes, []
        sampled = time_together(outcomes, SystemClock(), effort)
        clocks = clocks_of(outcomes) if effort.max_calls else {}
        again = ask_again(outcomes, sampled) if outcomes else []
        return [
            again_record(timed_record(outcome.record, samples, clocks), asked)
            for outcome, samples, asked in zip(outcomes, sampled, again, strict=True)
        ]

    def close(self) -> None:
        """End the process that works out exact answers."""
        apart.shared().close()


def new_run(request: Request, cases: Sequence[Case], command: str | None = None) -> Run:
    """The run that these cases make, in the environment of this process; `command` is this process's by default."""
    return Run(
        id=new_run_id(),
        started_at=now(),
        command=command or this_command(),
        selection=Selection(
            problems=request.problems or None,
            solvers=request.solvers or None,
            asked=request.asked,
            device=request.device,
            target=request.target,
            weights=request.weights,
            intercept=request.intercept,
            table=request.table.given(),
            threads=request.options.threads,
            machine=request.machine,
        ),
        planned=tuple(case.key for case in cases),
        environment=environment_of(cases),
    )


def environment_of(cases: Sequence[Case]) -> Environment:
    """The environment of this process, as far as these cases depend on it."""
    return environment(
        (module for case in cases for module in case.solver.requires),
        with_torch=any(case.uses_torch for case in cases),
        devices=(case.options.device for case in cases),
    )


def execute(
    run: Run,
    cases: Sequence[Case],
    store: Store,
    observer: Observer | None = None,
    *,
    effort: Effort | None = None,
    place: Place | None = None,
) -> list[Record]:
    """Fit, verify, store and time every case of a run, in `place`: this process unless it is given.

    Each record is committed as soon as its fit is verified, its samples as soon as its group has been
    timed. Never raises for what a solver does: that is the record's status.
    """
    observer, place, effort = observer or Observer(), place or InProcess(), effort or Effort()
    store.start(run)
    groups = list(_groups(cases))
    keepers = [_Kept(run.id, store, observer) for _ in groups]
    ended: dict[int, list[Record]] = {}
    for number, records in place.measured(groups, keepers, effort):
        ended[number] = records
        keepers[number].timed(records)
    store.finish(run.id)
    return [record for number in sorted(ended) for record in ended[number]]


class _Kept:
    """What comes of a group of cases goes to the store at once, and is said."""

    def __init__(self, run_id: str, store: Store, observer: Observer) -> None:
        self._run_id, self._store, self._observer = run_id, store, observer
        self.noted, self.working = observer.noted, observer.working
        self._fitted: dict[int, tuple[int, Record]] = {}

    def fitted(self, index: int, record: Record) -> None:
        """Write it down, or over the record of a case that was begun anew."""
        if index in self._fitted:
            key, _ = self._fitted[index]
            self._store.revise(key, record)
        else:
            key = self._store.add(self._run_id, record)
            self._observer.fitted(record)
        self._fitted[index] = key, record

    def timed(self, records: Sequence[Record]) -> None:
        """Write the samples down, and what became of a case while it was timed."""
        for index, record in enumerate(records):
            key, before = self._fitted[index]
            if record.model_copy(update={"samples": before.samples}) != before:
                self._store.revise(key, record)
            self._store.add_samples(key, record.samples)
            self._observer.ended(record)


def _groups(cases: Sequence[Case]) -> Iterator[list[Case]]:
    """Cases of one problem, which are timed in turn, split where their data would not fit in memory together."""
    for _, members in groupby(cases, key=lambda case: case.problem.label):
        group: list[Case] = []
        held = 0
        for case in members:
            size = 2 * case.problem.X.nbytes
            if group and held + size > INTERLEAVED_BYTES:
                yield group
                group, held = [], 0
            group.append(case)
            held += size
        yield group
