"""The worker's side: fit, prepare and time cases as they are ordered, and leave the process as it was."""

import base64
import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from functools import partial
from importlib import import_module
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from harness.errors import said_by
from harness.measure.again import Again
from harness.measure.isolation.data import checksums, read_problem
from harness.measure.isolation.messages import Answer, options_of, with_changes
from harness.measure.isolation.note import Note
from harness.measure.isolation.state.guard import Guard
from harness.measure.isolation.state.item import Changes
from harness.measure.isolation.state.system import OPEN_FILES
from harness.measure.isolation.transport import LONGEST_ANSWER_BYTES
from harness.measure.one_case import measure
from harness.measure.plan import Case
from harness.measure.prepared import Outcome, import_libraries, only_prepared
from harness.measure.recording import failure, record_of
from harness.measure.truth import Given
from harness.measure.turns import ask_again, clocks_of, time_together
from harness.problems.problem import Problem
from harness.solvers import catalog
from harness.solvers.brought.parcel import unpacked
from harness.solvers.brought.solver import Brought
from harness.solvers.solver import Solver
from harness.solvers.status import Status
from harness.timing.clock import SystemClock
from harness.timing.device import synchronizer
from harness.timing.device_start import STARTS
from harness.timing.sampling import Effort, Samples

Order = Mapping[str, Any]
Say = Callable[[Answer], None]
Result = TypeVar("Result")


class Bench:
    """One problem at a time, and the cases of it that were prepared, by the keys that the parent gave them."""

    def __init__(self, solvers: Mapping[str, Solver], note: Note, data: int, say: Say = lambda _: None) -> None:
        """`data`: the descriptor of the file that problems come in; `say`: tells the parent the news."""
        self.works: dict[str, Callable[[Order], Answer]] = {
            "problem": self.problem,
            "bring": self.bring,
            "fit": self.fit,
            "prepare": self.prepare,
            "time": self.time,
        }
        self._solvers = dict(solvers)
        self._say = say
        self._note = note
        self._guard = Guard()
        self._data = data
        self._problem: Problem | None = None
        self._sums: tuple[int, ...] = ()
        self._outcomes: dict[int, Outcome] = {}
        self._group = 0
        self._devices: set[str] = set()
        self.truths = Given()

    def problem(self, order: Order) -> Answer:
        """Read the next problem; its exact answer is given, worked out where no solver runs."""
        self._enter(order["group"])
        self._problem = None
        self._problem = read_problem(self._data)
        self._sums = checksums(self._problem)
        self.truths.give(order["truth"])
        return Answer()

    def bring(self, order: Order) -> Answer:
        """Have a solver that is not in the catalog: it came with the order, or is at the place that its name says."""
        name, data = order["solver"], order["data"]
        with self._note.during(int(order["cases"][0])), self._guard.watched(Changes()):
            found = catalog.get(name) if data is None else unpacked(base64.b64decode(data))
            self._solvers[name] = found
        return Answer()

    def fit(self, order: Order) -> Answer:
        """Prepare, fit and verify a case."""
        case, key = self._case(order), int(order["cases"][0])
        self.truths.give_solved(order["solved"])

        def work(changes: Changes) -> Outcome:
            around = Changes()  # what is asked of somebody's solver besides its work: what it takes and predicts
            try:
                with nullcontext() if is_ours(case.solver) else self._guard.watched(around):
                    return measure(case, partial(self._guard.watched, changes), truths=self.truths)
            finally:
                changes.add(around)

        outcome, changes = self._guarded(key, case, work)
        if isinstance(outcome, str):
            outcome = Outcome(case, record_of(case, Status.ERROR, outcome))
        record = with_changes(outcome.record, changes.all)
        if outcome.prepared is not None:
            self._outcomes[key] = outcome
        retire = changes.retire or self.lost_device()
        return Answer(
            record=record,
            timed=outcome.prepared is not None,
            changed=changes.all,
            disturbed=changes.written,
            retire=retire,
        )

    def prepare(self, order: Order) -> Answer:
        """Prepare a case that is not to be fitted, or that another worker has fitted, and lost."""
        case, key = self._case(order), int(order["cases"][0])
        with suppress(Exception):  # prepare meets it again
            import_libraries(case)
        with self._note.during(key):
            outcome = only_prepared(case, partial(self._guard.watched, Changes()))
        self._outcomes[key] = outcome
        return Answer(failed=outcome.record.message, status=outcome.record.status, retire=self.lost_device())

    def time(self, order: Order) -> Answer:
        """Time prepared cases in turn."""
        keys = [int(key) for key in order["cases"]]
        outcomes = [self._outcomes[key] for key in keys]
        changes = Changes()
        with self._guard.watched(changes):
            samples = time_together(
                outcomes, SystemClock(), Effort(**order["effort"]), lambda i: self._note.during(keys[i])
            )
        again = self._ask_again(keys, outcomes, samples, changes)
        if written := self._written_to():
            changes.written = f"the solver wrote to the problem's {written} while it was timed"
        self._devices |= {one.case.options.device for one in outcomes}
        return Answer(
            samples=tuple(samples),
            again=tuple(again),
            changed=changes.all,
            disturbed=changes.written,
            clocks_hz=clocks_of(outcomes),
            retire=changes.retire or self.lost_device(),
        )

    def _ask_again(
        self, keys: Sequence[int], outcomes: Sequence[Outcome], samples: Sequence[Samples], changes: Changes
    ) -> list[Again]:
        if OPEN_FILES in changes.lasting:  # with no descriptor left nothing can be asked
            return [Again()] * len(keys)
        with self._guard.watched(changes):
            return ask_again(outcomes, samples, lambda i: self._note.during(keys[i]), self.truths)

    def lost_device(self) -> str:
        """Why this process is of no more use on a device: after an error of a kernel every call fails (sticky).

        Asked after every outcome, of every device that this process has been given a case for: an error may show
        in what is no failure of the case, such as the copies that are timed, and the group's other cases may be
        on the CPU, where nothing is ever lost.
        """
        for device in sorted(self._devices - {"cpu"}):
            try:
                synchronizer(device)()
            except Exception as error:  # noqa: BLE001  # torch's class for it has changed its name
                return f"{device} is in an error state: {said_by(error)}"
        return ""

    def _guarded(self, key: int, case: Case, work: Callable[[Changes], Result]) -> tuple[Result | str, Changes]:
        """What came of the case of that key, and what was changed; a line where something was raised or written to."""
        with suppress(Exception):  # who needs a library meets it again, and gives it its status
            import_libraries(case)
        changes = Changes()
        self._note.begin(key)
        try:
            result: Result | str = work(changes)
        except BaseException as error:  # noqa: BLE001  # KeyboardInterrupt too: nobody presses a key here
            result = said_by(error)
        self._note.end()
        if written := self._written_to():
            result = changes.written = f"the solver wrote to the problem's {written}, which every solver is given"
        return result, changes

    def _enter(self, group: int) -> None:
        """Another group lets go of what was prepared for the one before."""
        if group != self._group:
            self._outcomes.clear()
            self._group = group

    def _case(self, order: Order) -> Case:
        """The case that an order is about."""
        self._enter(order["group"])
        assert self._problem is not None  # noqa: S101  # the parent sends it first
        case = Case(self._problem, self._solvers[order["solver"]], options_of(order["options"]))
        self._devices.add(case.options.device)
        return case

    def _written_to(self) -> str:
        """Which array a solver has changed, through a pointer or by making it writeable; empty for none."""
        assert self._problem is not None  # noqa: S101  # there is one wherever there is a case
        found = checksums(self._problem)
        names = [name for name, was, now in zip(("X", "y", "split"), self._sums, found, strict=True) if was != now]
        return " and ".join(names)


def is_ours(solver: Solver) -> bool:
    """Whether it is one of the harness's own: what it takes is said, and what it predicts computed, by the harness."""
    return type(solver).__module__.startswith("harness.") and not isinstance(solver, Brought)


def serve(connection: Connection, note: int, data: int, solvers: str) -> None:
    """Say hello, then answer orders until they end.

    `solvers`: the module whose SOLVERS are known, by name, to its BENCH, or to a Bench where it has none.
    """
    worker, module = os.getpid(), import_module(solvers)

    def say(answer: Answer) -> None:
        if os.getpid() != worker:
            os._exit(0)  # a solver's forked child that came back from the solver
        said = answer.model_dump_json().encode()
        if len(said) > LONGEST_ANSWER_BYTES:
            raise ValueError(f"what the solver hands out takes {len(said)} bytes, more than {LONGEST_ANSWER_BYTES}")
        connection.send_bytes(said)

    bench = getattr(module, "BENCH", Bench)(module.SOLVERS, Note(note), data, say)
    say(Answer())
    with suppress(EOFError):  # the parent has gone
        while True:
            order = json.loads(connection.recv_bytes())
            STARTS.expect(order.get("free_bytes", {}))
            try:
                say(bench.works[order["do"]](order))
            except Exception as error:  # noqa: BLE001  # the parent knows what to make of it
                status, message = failure(error)
                say(Answer(failed=message, status=status))
