"""Exact answers from a process of their own, started when the first is asked for that is not kept."""

import atexit
import json
import os
import sys
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from harness.errors import CannotMeasureError
from harness.measure.isolation.data_file import DataFile
from harness.measure.isolation.ending import WorkerLostError
from harness.measure.isolation.transport import Child
from harness.measure.truth import Truths, Wire, failed_wire, reference_from, solved_from, wire_of
from harness.problems.problem import Problem
from harness.solvers.status import Status
from harness.solvers.training.trained import Trained
from harness.timing.threads import ONE_THREAD
from harness.verify import reference_cache
from harness.verify.least_absolute import LeastAbsolute
from harness.verify.reference import Reference

SCRIPT = Path(__file__).with_name("worker.py")
ANSWERING = "harness.measure.isolation.answering"
TRUTH_S = 3600.0
"""Seconds for the exact answer to a problem, which no solver is to blame for."""


class Apart(Truths):
    """What is kept on disk, if it is proved; else worked out in a process in which no solver runs, on one thread.

    A process that is started has the default floating-point state, whatever its parent's is. It ends with its parent.
    """

    def __init__(self, data: DataFile | None = None) -> None:
        """`data`: the file that problems are handed over in; one of its own if None."""
        self._data, self._owns_data = data, data is None
        self._child: Child | None = None
        self._owner = os.getpid()
        self._references: dict[str, Reference] = {}
        self._notes: dict[str, str] = {}

    def reference(self, problem: Problem) -> Reference:
        """Proved or worked out, once for the same numbers. Raises WorkerLostError where the process is lost."""
        key = problem.sha256
        if key not in self._references:
            known, note = reference_cache.read(problem)
            self._references[key] = known or reference_from(self._answer(problem))
            self._notes[key] = note
        return self._references[key]

    def wire(self, problem: Problem) -> Wire:
        """The reference as JSON, or why there is none. Raises WorkerLostError where the process is lost."""
        try:
            return wire_of(self.reference(problem))
        except (ValueError, MemoryError) as error:
            return failed_wire(error)

    def solved(self, problem: Problem, trained: Trained) -> Reference | LeastAbsolute | None:
        """Worked out. Raises WorkerLostError where the process is lost."""
        return solved_from(self.solved_wire(problem, trained))

    def solved_wire(self, problem: Problem, trained: Trained | None) -> Wire:
        """The same as JSON, or why there is none."""
        plain = trained is None or (trained.loss == "mse" and not trained.weight_decay)
        return {} if plain or trained is None else self._answer(problem, trained=asdict(trained))

    def note(self, problem: Problem) -> str:
        """Why what was kept is not believed."""
        return self._notes.pop(problem.sha256, "")

    def close(self) -> None:
        """End the process; it is started again if need be."""
        if self._child is not None and self._owner == os.getpid():
            self._child.stop()
        self._child = None
        if self._owns_data and self._data is not None:
            self._data.close()
            self._data = None

    def _answer(self, problem: Problem, **asked: Any) -> Wire:
        """The process's answer; a process that has ended is replaced once, data that were written to also."""
        if self._owner != os.getpid():  # a fork of this process: the connection is the parent's
            self._child, self._data, self._owner = None, None, os.getpid()
        for last in (False, True):
            try:
                return self._asked(problem, asked)
            except WorkerLostError as lost:
                self._child = None
                if last:
                    said = f"{problem.label}: its exact answer cannot be worked out: {lost}"
                    raise WorkerLostError(lost.status, said) from None
        raise AssertionError  # the second time it is returned or raised

    def _asked(self, problem: Problem, asked: dict[str, Any]) -> Wire:
        if self._data is None:
            self._data = DataFile()
        self._data.hold(problem)
        child = self._child = self._child or _started(self._data.descriptor)
        try:
            child.send({"cache": str(reference_cache.folder().parent), "sha256": problem.sha256, **asked})
            message = child.receive(TRUTH_S)
        except KeyboardInterrupt:  # its answer would be taken for the next one
            child.stop()
            self._child = None
            raise
        if message is None:
            raise child.lost(Status.TIMEOUT, f"no answer within {TRUTH_S:g} s")
        found: Wire = json.loads(message)
        if "changed" in found:
            self._data.held = None
            raise child.lost(Status.ERROR, f"what was handed over is not the problem: {found['changed']}")
        return found


def _started(data: int) -> Child:
    """Raises CannotMeasureError where no process can be started."""
    try:
        child = Child(
            [sys.executable, "-P", str(SCRIPT), ANSWERING, str(data)],
            passed=(data,),
            environment={**os.environ, **dict.fromkeys(ONE_THREAD, "1")},
        )
    except OSError as error:
        raise CannotMeasureError(f"no process for exact answers can be started: {error.strerror}") from None
    paths = [path or str(Path.cwd()) for path in sys.path]
    child.send({"paths": paths, "arguments": {}})
    return child


@cache
def shared() -> Apart:
    """That of this process, for solvers that run in it; its own process ends with this one."""
    made = Apart()
    atexit.register(made.close)
    return made
