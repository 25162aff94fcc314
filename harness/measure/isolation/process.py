"""A worker process seen from its parent: each answer within its time and memory."""

import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import CannotMeasureError
from harness.measure.isolation.ending import WorkerLostError
from harness.measure.isolation.note import NOTHING, Note, new_page
from harness.measure.isolation.transport import START_S, Child
from harness.solvers.status import Status

if TYPE_CHECKING:
    from harness.measure.isolation.messages import Answer, News

    Hear = Callable[[News], object]

SCRIPT = Path(__file__).with_name("worker.py")
SERVING = "harness.measure.isolation.serving"
LOOK_EVERY_S = 0.05
"""How often the worker's memory is looked at where there is a limit: a core fills some 100 MB meanwhile."""
BEGINS_S = 0.2
"""How often it is looked at whether a case has begun: by so much it may exceed its time."""
MIB = 2**20


class WorkerProcess(Child):
    """A worker with a page that both see: the case that it is at, and since when.

    `brought`: the solvers outside the catalog that it has, by name.
    """

    def __init__(self, solvers: str, data: int) -> None:
        """Start it; it is not waited for. `solvers`: the module of its SOLVERS; `data`: the file of problems.

        Raises CannotMeasureError where no process can be started.
        """
        page = new_page()
        self._note = Note(page)
        try:
            super().__init__([sys.executable, "-P", str(SCRIPT), SERVING, str(page), str(data)], passed=(page, data))
        except OSError as error:
            raise CannotMeasureError(f"no worker process can be started: {error.strerror}; try --in-process") from None
        finally:
            os.close(page)
        self._greeted = False
        self.brought: set[str] = set()
        paths = [path or str(Path.cwd()) for path in sys.path]
        self.send({"paths": paths, "arguments": {"solvers": solvers}})

    def ask(
        self,
        order: Mapping[str, object],
        allowed_s: Mapping[int, float],
        *,
        own_s: float = START_S,
        memory_bytes: int | None = None,
        hear: "Hear" = lambda _: None,
    ) -> "Answer":
        """Give an order and wait for its answer; until it comes, `hear` is given what news there are.

        `allowed_s` maps the case that is going on to its seconds; `own_s` is for what the worker does between
        cases; `memory_bytes` is how much it may hold while a case is going on. Raises WorkerLostError, the worker
        having been ended; CannotMeasureError where it has never started.
        """
        if not self._greeted:
            try:
                self._answer(allowed_s, START_S, None)
            except WorkerLostError as error:
                raise CannotMeasureError(f"the worker process did not start: {error}; try --in-process") from None
            self._greeted = True
        self.send(order)
        while (answer := self._answer(allowed_s, own_s, memory_bytes)).news is not None:
            hear(answer.news)
        return answer

    def lost(self, status: Status, message: str) -> WorkerLostError:
        """End it; the error names the case that it was at."""
        case, _ = self._note.read()
        loss = super().lost(status, message)
        loss.case = None if case == NOTHING else case
        return loss

    def _answer(self, allowed_s: Mapping[int, float], own_s: float, memory_bytes: int | None) -> "Answer":
        from pydantic import ValidationError  # heavy, and needed only now: the process begins before

        from harness.measure.isolation.messages import Answer

        idle_since, message = time.monotonic(), None
        while message is None:
            case, since = self._note.read()
            now = time.monotonic()
            if case != NOTHING and since > now:
                raise self.lost(Status.CRASHED, "the process wrote over what says since when it is at a case")
            if case == NOTHING:
                left_s, why = idle_since + own_s - now, f"the worker did not answer within {own_s:g} s"
                look_s = BEGINS_S
            else:
                idle_since, most_s = now, allowed_s.get(case, own_s)
                left_s, why = since + most_s - now, f"it took longer than {most_s:g} s"
                look_s = left_s if memory_bytes is None else LOOK_EVERY_S
                self._check_memory(memory_bytes)
            message = self.receive(max(0.0, min(left_s, look_s)))
            if message is None and left_s <= 0:  # though it had answered while this process was stopped
                raise self.lost(Status.TIMEOUT, why)
        self._check_memory(memory_bytes)  # a short case has ended before anybody looked
        try:
            return Answer.model_validate_json(message)
        except ValidationError:
            raise self.lost(Status.CRASHED, "the worker's answer cannot be read") from None

    def _check_memory(self, limit: int | None) -> None:
        if limit is None:
            return
        import psutil

        try:
            held = int(psutil.Process(self.pid).memory_info().rss)
        except psutil.Error:  # it has just ended: the next read says how
            return
        if held > limit:
            words = f"the process held {held / MIB:.0f} MiB, more than {limit / MIB:.0f} MiB"
            raise self.lost(Status.OUT_OF_MEMORY, words)
