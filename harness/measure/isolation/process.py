"""A worker process seen from its parent: orders, answers within their time and memory, and an end whatever happens."""

import json
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil
from pydantic import ValidationError

from harness.errors import CannotMeasureError
from harness.measure.isolation.ending import WorkerLostError, end, how_it_ended, oom_kills
from harness.measure.isolation.messages import Answer, News
from harness.measure.isolation.note import NOTHING, Note, new_page
from harness.solvers.status import Status

SCRIPT = Path(__file__).with_name("worker.py")
START_S = 120.0
"""Seconds for what is not the case's own: to start (0.5 s if it is quiet), to import a library, to take an order."""
TRUTH_S = 3600.0
"""Seconds for the exact answer to a problem, which no solver is to blame for."""
LOOK_EVERY_S = 0.05
"""How often the worker's memory is looked at where there is a limit: a core fills some 100 MB meanwhile."""
BEGINS_S = 0.2
"""How often it is looked at whether a case has begun: by so much it may exceed its time."""
PATIENCE_S = 1.0
"""Seconds between the end of a process's answers and its own."""
CHUNK_BYTES = 65536
PIPE_BYTES = 2**20
"""The most that a pipe holds (man 7 pipe, pipe-max-size)."""
LONGEST_ANSWER_BYTES = 2**28
KEPT_BYTES = 65536
"""Of what a worker writes to standard error; it is read all the time, so that a flood neither blocks nor piles up."""

Hear = Callable[[News], object]


def nobody_hears(_: News) -> None:
    """Nothing."""


class WorkerProcess:
    """A worker, in a session of its own, so that it and its children can be ended together.

    The harness keeps three things of it: answers, a shared page with the case that it is at, and the end of its
    standard error. Its standard output goes nowhere.
    """

    def __init__(self, solvers: str, data: int) -> None:
        """Start it; it is not waited for. `solvers`: the module of its SOLVERS; `data`: the file of problems."""
        orders, self._orders = os.pipe()
        self._answers, answers = os.pipe()
        note = new_page()
        passed = (orders, answers, note, data)
        try:
            self._process = subprocess.Popen(  # noqa: S603  # our own interpreter and script
                [sys.executable, "-P", str(SCRIPT), *map(str, passed)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                pass_fds=passed,
                start_new_session=True,
            )
        except OSError as error:
            raise CannotMeasureError(f"no worker process can be started: {error.strerror}; try --in-process") from None
        finally:
            self._note = Note(note)
            for descriptor in (orders, answers, note):
                os.close(descriptor)
        assert self._process.stderr is not None  # noqa: S101  # it is a pipe
        self._errors = self._process.stderr.fileno()
        self._ended = os.pidfd_open(self._process.pid)
        self._unread, self._said = b"", b""
        self._oom_kills = oom_kills()
        self._ready = selectors.DefaultSelector()
        for descriptor in (self._answers, self._errors):
            os.set_blocking(descriptor, False)
            self._ready.register(descriptor, selectors.EVENT_READ)
        self._ready.register(self._ended, selectors.EVENT_READ)
        os.set_blocking(self._orders, False)
        self._greeted = False
        self._setup = {"paths": [path or str(Path.cwd()) for path in sys.path], "solvers": solvers}
        self._send(self._setup)

    def ask(
        self,
        order: Mapping[str, object],
        allowed_s: Mapping[int, float],
        *,
        own_s: float = START_S,
        memory_bytes: int | None = None,
        hear: Hear = nobody_hears,
    ) -> Answer:
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
        self._send(order)
        while (answer := self._answer(allowed_s, own_s, memory_bytes)).news is not None:
            hear(answer.news)
        return answer

    def stop(self) -> None:
        """End it at once: it has nothing to tidy up. Twice is once."""
        if self._orders >= 0:
            end(self._process)
            self._ready.close()
            for descriptor in (self._orders, self._answers, self._ended):
                os.close(descriptor)
            if self._process.stderr is not None:
                self._process.stderr.close()
            self._orders = -1

    def _send(self, order: Mapping[str, object]) -> None:
        left = memoryview(json.dumps(order).encode() + b"\n")
        until = time.monotonic() + START_S
        with selectors.DefaultSelector() as room:
            room.register(self._orders, selectors.EVENT_WRITE)
            while left:
                if not room.select(until - time.monotonic()):
                    raise self._lost(Status.TIMEOUT, "the worker took no order")
                try:
                    left = left[os.write(self._orders, left) :]
                except BlockingIOError:
                    continue
                except OSError:  # it has died since its last answer: whoever waits for the next one hears how
                    return

    def _answer(self, allowed_s: Mapping[int, float], own_s: float, memory_bytes: int | None) -> Answer:
        idle_since = time.monotonic()
        while b"\n" not in self._unread:
            now = time.monotonic()
            case, since = self._note.read()
            if case == NOTHING:
                left_s, why = idle_since + own_s - now, f"the worker did not answer within {own_s:g} s"
            else:
                idle_since = now
                most_s = allowed_s.get(case, own_s)
                left_s, why = since + most_s - now, f"it took longer than {most_s:g} s"
            if left_s <= 0:
                before = len(self._unread)
                self._read(0.0)  # it may have answered while this process was stopped
                if len(self._unread) > before:
                    continue
                raise self._lost(Status.TIMEOUT, why)
            if case == NOTHING:
                left_s = min(left_s, BEGINS_S)
            elif memory_bytes is not None:
                self._check_memory(memory_bytes)
                left_s = min(left_s, LOOK_EVERY_S)
            self._read(left_s)
        if memory_bytes is not None:
            self._check_memory(memory_bytes)  # a short case has ended before anybody looked
        line, _, self._unread = self._unread.partition(b"\n")
        try:
            return Answer.model_validate_json(line)
        except ValidationError:
            raise self._lost(Status.CRASHED, "the worker's answer cannot be read") from None

    def _read(self, wait_s: float) -> None:
        """Take what there is to read, waiting for it; raises WorkerLostError where nothing more can come."""
        ready = {key.fd for key, _ in self._ready.select(wait_s)}
        if self._errors in ready:
            self._said = (self._said + self._chunk(self._errors))[-KEPT_BYTES:]
        if self._answers in ready or self._ended in ready:
            chunk = self._chunk(self._answers)
            self._unread += chunk
            if not chunk or len(self._unread) > LONGEST_ANSWER_BYTES:
                raise self._died()

    def _chunk(self, descriptor: int) -> bytes:
        try:
            chunk = os.read(descriptor, CHUNK_BYTES)
        except BlockingIOError:
            return b""
        if not chunk and descriptor in self._ready.get_map():
            self._ready.unregister(descriptor)  # its end has been read
        return chunk

    def _check_memory(self, limit: int) -> None:
        try:
            held = int(psutil.Process(self._process.pid).memory_info().rss)
        except psutil.Error:  # it has just ended: the next read says how
            return
        if held > limit:
            mib = 2**20
            raise self._lost(
                Status.OUT_OF_MEMORY, f"the process held {held / mib:.0f} MiB, more than {limit / mib:.0f} MiB"
            )

    def _died(self) -> WorkerLostError:
        """How it ended by itself."""
        try:
            code: int | None = self._process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:  # its answers are closed, and it goes on
            code = None
        end(self._process)  # what it has started may still write
        for _ in range(PIPE_BYTES // CHUNK_BYTES):
            self._said = (self._said + self._chunk(self._errors))[-KEPT_BYTES:]
        return self._lost(*how_it_ended(code, self._said, oom_kills=oom_kills() - self._oom_kills))

    def _lost(self, status: Status, message: str) -> WorkerLostError:
        """End it, and say at which case."""
        case, _ = self._note.read()
        self.stop()
        return WorkerLostError(status, message, None if case == NOTHING else case)
