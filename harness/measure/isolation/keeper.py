"""The one worker that is at work: started, told the problem, replaced when it is lost or of no more use."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from harness.measure.isolation.apart import Apart
from harness.measure.isolation.begun import taken
from harness.measure.isolation.ending import WorkerLostError
from harness.measure.isolation.messages import Answer
from harness.measure.isolation.process import WorkerProcess
from harness.measure.isolation.transport import START_S
from harness.measure.truth import Wire
from harness.problems.problem import Problem
from harness.solvers.status import Status

if TYPE_CHECKING:
    from harness.measure.isolation.process import Hear


class Keeper:
    """Hands out a worker that knows a problem; there is one at a time, and it is asked one thing at a time."""

    def __init__(self, solvers: str) -> None:
        """Start a worker, without waiting for it; the imports go on meanwhile. `solvers`: as WorkerProcess has it."""
        self._solvers = solvers
        self._data, worker = taken(solvers)
        self._worker: WorkerProcess | None = worker
        self.truths = Apart(self._data)
        self._known: Problem | None = None
        self._refused: tuple[Problem, WorkerLostError] | None = None
        self._used = False
        self._free_bytes: dict[str, int] = {}

    def at(self, problem: Problem, group: int) -> WorkerProcess:
        """A worker that knows the problem, its exact answer included; it keeps what is prepared for the group.

        Raises WorkerLostError where two in a row were lost over it, and again for as long as it is asked about
        it; CannotMeasureError where no worker can be started or the problem cannot be handed over.
        """
        if self._refused is not None and self._refused[0] is problem:
            raise WorkerLostError(self._refused[1].status, str(self._refused[1]))
        truth: Wire = {}
        if self._known is not problem:
            try:
                truth = self.truths.wire(problem)
            except WorkerLostError as lost:
                self._refused = problem, lost
                raise
        try:
            return self._knowing(problem, group, truth)
        except WorkerLostError:
            pass
        try:
            return self._knowing(problem, group, truth)
        except WorkerLostError as lost:
            self._refused = problem, WorkerLostError(lost.status, f"before any solver was called: {lost}")
            raise self._refused[1] from None

    def ask(
        self,
        worker: WorkerProcess,
        order: Mapping[str, object],
        allowed_s: Mapping[int, float],
        *,
        own_s: float = START_S,
        memory_bytes: int | None = None,
        hear: "Hear" = lambda _: None,
    ) -> Answer:
        """The worker's answer; one that says that it must retire has been ended. Raises WorkerLostError.

        What is free of a device's memory after the first worker has started it the later ones wait for: the driver
        takes back what a killed process held, but it may take seconds.
        """
        if self._free_bytes:
            order = {"free_bytes": self._free_bytes, **order}
        try:
            self._used = self._used or order["do"] not in ("problem", "aim")
            answer = worker.ask(order, allowed_s, own_s=own_s, memory_bytes=memory_bytes, hear=hear)
        except WorkerLostError:
            self._forget()
            raise
        self._free_bytes = answer.free_bytes | self._free_bytes
        if answer.retire:
            self._forget()
        return answer

    def renew(self) -> None:
        """Have a worker in which no solver has run."""
        if self._used:
            self._forget()

    def close(self) -> None:
        """End the worker at once."""
        self._forget()
        self.truths.close()
        self._data.close()

    def _knowing(self, problem: Problem, group: int, truth: Wire) -> WorkerProcess:
        if self._worker is None:
            self._worker = WorkerProcess(self._solvers, self._data.descriptor)
            self._data.held = None  # the last one may have written to it
        self._data.hold(problem)
        if self._known is not problem:
            worker = self._worker
            answer = self.ask(worker, {"do": "problem", "group": group, "truth": truth}, {})
            if answer.failed:
                self._forget()
                raise WorkerLostError(Status.ERROR, answer.failed)
            self._known = problem
            return worker
        return self._worker

    def _forget(self) -> None:
        if self._worker is not None:
            self._worker.stop()
        self._worker = self._known = None
        self._used = False
