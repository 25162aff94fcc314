"""A place where cases are measured in a worker process: what one does to it, no other case sees."""

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from itertools import count

from harness.errors import UsageError
from harness.measure.again import Again
from harness.measure.isolation.begun import CATALOG
from harness.measure.isolation.ending import WorkerLostError
from harness.measure.isolation.keeper import Keeper
from harness.measure.isolation.limits import Limits
from harness.measure.isolation.member import Member
from harness.measure.isolation.messages import Answer, News, case_order
from harness.measure.isolation.process import WorkerProcess
from harness.measure.isolation.transport import START_S
from harness.measure.place import InTurn
from harness.measure.plan import Case
from harness.measure.recording import record_of
from harness.measure.truth import KeptAnswerWarning
from harness.problems.problem import Problem
from harness.records.observer import Observer
from harness.records.record import Record, Status
from harness.solvers.brought.origin import source_of
from harness.solvers.brought.parcel import packed
from harness.timing.sampling import Effort

UNEXPLAINED = (Status.ERROR, Status.CRASHED, Status.OUT_OF_MEMORY)
"""What another solver may have brought about: such a case is tried again in a worker that has seen no other."""


class Isolated(InTurn):
    """One worker, reused while it behaves and replaced when it does not; a Place of `harness.measure.place`.

    A solver that hangs is `timeout`, one that ends the process `crashed`, one that takes more memory than it may
    `out_of_memory`; one that writes to the problem's data is `error`; one that changes the process's state has it
    put back, or the worker replaced, and its record says so. What a worker had prepared when it was lost is prepared
    again in the next.
    """

    def __init__(self, limits: Limits | None = None, *, solvers: str = CATALOG) -> None:
        """Start a worker, without waiting for it. `solvers`: the module whose SOLVERS the cases name.

        Raises CannotMeasureError where no process can be started.
        """
        self._limits = limits or Limits()
        self._keeper = Keeper(solvers)
        self._members: list[Member] = []
        self._keys, self._group = count(), 0
        self._serving: WorkerProcess | None = None
        self._served: set[int] = set()  # the keys of the cases whose solvers were called in that worker

    def fit(self, case: Case) -> Record:
        """Prepare, fit and verify one case of a group. Raises CannotMeasureError where no worker can be had."""
        member = Member(next(self._keys), case, record_of(case, Status.ERROR, ""))
        self._members.append(member)

        while not self._fitted(member):
            self._keeper.renew()
        member.retried = False  # as it is timed others are in its worker, too
        return member.record

    def _fitted(self, member: Member) -> bool:
        """Enter the record of a case; whether it is settled, and need not be tried again in a fresh worker."""
        case = member.case

        def ask(worker: WorkerProcess) -> Answer:
            member.worker = worker
            return self._ask(worker, "fit", [member])

        try:
            answer = self._asked(case.problem, ask)
        except WorkerLostError as lost:
            advice = self._limits.memory_advice(case) if lost.status is Status.OUT_OF_MEMORY else ""
            member.record = record_of(case, lost.status, f"{lost}{advice}")
            answer = Answer()
        else:
            member.record = answer.record or record_of(case, Status.ERROR, answer.failed)
        if note := self._keeper.truths.note(case.problem):
            warned = (*member.record.warnings, f"{KeptAnswerWarning.__name__}: {note}")
            member.record = member.record.model_copy(update={"warnings": warned})
        member.timed, member.alone = answer.timed, bool(answer.changed)
        unexplained = member.record.status in UNEXPLAINED and not answer.disturbed
        return not (unexplained and member.is_suspect(self._served))

    def prepare(self, case: Case) -> None:
        """Add a case that is only timed; it is prepared then."""
        self._members.append(Member(next(self._keys), case, record_of(case, Status.OK, ""), timed=True))

    @property
    def waiting(self) -> int:
        """How many cases wait to be timed."""
        return sum(member.timed for member in self._members)

    def time(self, effort: Effort) -> list[Record]:
        """Time what waits, in turn; those that disturb others each by itself, after them."""
        members, self._members = self._members, []
        if effort.max_calls:
            self._time([member for member in members if member.timed and not member.alone], effort)
            self._time_each([member for member in members if member.timed and member.alone], effort)
        self._group += 1  # the worker lets go of what was prepared when the next group's first case comes
        return [member.record for member in members]

    def close(self) -> None:
        """End the worker at once."""
        self._keeper.close()

    def _asked(self, problem: Problem, ask: Callable[[WorkerProcess], Answer]) -> Answer:
        """What a worker that knows the problem answers; one that is lost before it comes to a case is replaced once."""
        for last in (False, True):
            try:
                return ask(self._keeper.at(problem, self._group))
            except WorkerLostError as lost:
                if last or lost.case is not None:
                    raise
        raise AssertionError  # the second time it is returned or raised

    def _time(self, members: Sequence[Member], effort: Effort, *, last: bool = False) -> None:
        """Time members together; whoever goes wrong has that as its status, and the others are timed again.

        Of one alone it is nobody's fault that a worker is lost before it comes to it, unless it is the `last` time.
        """
        suspects: list[Member] = []
        while members:
            try:
                worker = self._keeper.at(members[0].case.problem, self._group)
                for member in members:
                    self._prepare_again(worker, member)
                members = [member for member in members if member.timed]
                answer = self._ask(worker, "time", members, effort) if members else Answer()
            except WorkerLostError as lost:
                guilty = [one for one in members if last or one.key == lost.case]
                if not guilty:
                    self._time_each(members, effort, last=len(members) == 1)
                    break
                members = [member for member in members if member.timed and member is not guilty[0]]
                if lost.status in UNEXPLAINED and guilty[0].is_suspect(self._served):
                    suspects.append(guilty[0])
                else:
                    guilty[0].failed(lost.status, str(lost))
                continue
            if len(members) > 1 and (answer.changed or answer.disturbed or answer.failed or answer.retire):
                self._time_each(members, effort)
            else:
                suspects += self._take(answer, members)
            break
        for member in suspects:
            self._keeper.renew()
            self._time([member], effort, last=True)

    def _time_each(self, members: Sequence[Member], effort: Effort, *, last: bool = False) -> None:
        """By itself each shows what it does; together nobody knows who did it."""
        for member in members:
            self._time([member], effort, last=last)

    def _prepare_again(self, worker: WorkerProcess, member: Member) -> None:
        """Prepare a case in this worker, unless it is there. Raises WorkerLostError where that ends the worker."""
        if member.worker is worker:
            return
        answer = self._ask(worker, "prepare", [member])
        if answer.retire:
            status = answer.status if answer.failed else Status.ERROR
            raise WorkerLostError(status, answer.failed or answer.retire, member.key)
        if answer.failed:
            member.failed(answer.status, answer.failed)
        member.worker = worker

    def _take(self, answer: Answer, members: Sequence[Member]) -> list[Member]:
        """Enter the samples, or what went wrong; the members for which another solver may be to blame.

        What is wrong with all is wrong with one: several are then timed each by itself.
        """
        wrong, suspects = answer.disturbed or answer.failed, []
        again = answer.again or (Again(),) * len(members)
        if wrong:
            for member in members:
                member.failed(Status.ERROR, wrong)
            return []
        for member, samples, asked in zip(members, answer.samples, again, strict=True):
            failed = samples.error or (asked.status in UNEXPLAINED and member.record.status.measured)
            if failed and member.is_suspect(self._served):
                suspects.append(member)
            else:
                member.sampled(samples, asked, answer)
        return suspects

    def _ask(self, worker: WorkerProcess, what: str, members: Sequence[Member], effort: Effort | None = None) -> Answer:
        """Order something about the members. A turn is an untimed call and timed ones: each may take its seconds."""
        if self._serving is not worker:
            self._serving, self._served = worker, set()
        for member in members:
            self._served.add(member.key)
            self._bring(worker, member.case, member.key)
        order: dict[str, object] = {"cases": [member.key for member in members]}
        calls = 1
        if effort is None:
            order |= case_order(members[0].case)
            if what == "fit":
                order["solved"] = self._keeper.truths.solved_wire(members[0].case.problem, members[0].case.trained)
        else:
            order["effort"] = asdict(effort)
            calls += effort.calls_per_turn
        return self._order(worker, what, order, {one.key: calls * self._limits.allowed_s(one.case) for one in members})

    def _bring(self, worker: WorkerProcess, case: Case, key: int) -> None:
        """Let the worker have a solver that is not in the catalog, once. Raises WorkerLostError where it cannot."""
        solver = case.solver
        source = source_of(solver)
        if source is None or solver.name in worker.brought:
            return
        try:
            data = None if source.spec else base64.b64encode(packed(solver, source)).decode()
        except UsageError as error:
            raise WorkerLostError(Status.ERROR, str(error), key) from None
        order = {"cases": [key], "solver": solver.name, "data": data}
        answer = self._order(worker, "bring", order, {key: START_S})
        if answer.failed:
            raise WorkerLostError(answer.status, answer.failed, key)
        worker.brought.add(solver.name)

    def _order(
        self,
        worker: WorkerProcess,
        what: str,
        order: Mapping[str, object],
        allowed_s: Mapping[int, float],
        observer: Observer | None = None,
    ) -> Answer:
        """The worker's answer to an order of the group; an observer is given the news. Raises WorkerLostError."""

        def hear(news: News) -> None:
            getattr(observer, news[0])(news[1])

        order = {"do": what, "group": self._group, **order}
        return self._keeper.ask(worker, order, allowed_s, memory_bytes=self._limits.memory_bytes, hear=hear)
