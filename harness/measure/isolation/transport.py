"""The transport to a worker process: messages of strict JSON over a connection of its own, and its end.

`multiprocessing.connection` carries bytes; nothing is pickled. A worker needs the standard library only: its last
argument is the descriptor of its `Connection`.
"""

import json
import os
import secrets
import socket
import struct
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from typing import Any

from harness.measure.isolation.ending import WorkerLostError, end, how_it_ended, oom_kills
from harness.solvers.status import Status

START_S = 120.0
"""Seconds for what is not the case's own: to start (0.5 s if it is quiet), to import a library, to take an order."""
STALLED_S = 30
"""Between two parts of one message: a process that is stopped while it writes one has ended."""
PATIENCE_S = 1.0
"""Seconds between the end of a process's answers and its own."""
CHUNK_BYTES = 65536
PIPE_BYTES = 2**20
"""The most that a pipe holds (man 7 pipe, pipe-max-size)."""
LONGEST_ANSWER_BYTES = 2**28
KEPT_BYTES = 65536
"""Of what a process writes to standard error; it is read all the time, so that a flood neither blocks nor piles up."""


class Child:
    """A process in a session of its own, so that it and its children can be ended together.

    Its standard output goes nowhere, of its standard error the end is kept: neither can disturb a message.
    """

    def __init__(
        self, command: Sequence[str], *, passed: Sequence[int] = (), environment: Mapping[str, str] | None = None
    ) -> None:
        """Start it; it is not waited for. `passed`: descriptors that it inherits. Raises OSError where it cannot be."""
        here, there = socket.socketpair()
        self._mark = f"HARNESS_CHILD_{secrets.token_hex(8)}"  # a name of its own: a child of a child has both
        with there:
            for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
                here.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", STALLED_S, 0))
            self.connection = Connection(here.detach())
            self._process = subprocess.Popen(  # noqa: S603  # an interpreter and our own script
                [*command, str(there.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                pass_fds=(there.fileno(), *passed),
                env={**(os.environ if environment is None else environment), self._mark: ""},
                start_new_session=True,
            )
        assert self._process.stderr is not None  # noqa: S101  # it is a pipe
        self._errors: int | None = self._process.stderr.fileno()
        os.set_blocking(self._errors, False)
        self._ended = os.pidfd_open(self._process.pid)
        self._oom_kills = oom_kills()
        self._last_words = b""
        self._loss: WorkerLostError | None = None

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    @property
    def watched(self) -> "list[Connection[Any, Any] | int]":
        """What `multiprocessing.connection.wait` finds ready when `receive` has something to do."""
        return [self.connection, self._ended, *([] if self._errors is None else [self._errors])]

    def send(self, message: Mapping[str, object]) -> None:
        """Write a message; of a process that has died meanwhile `receive` tells how. Raises WorkerLostError."""
        if self._loss is not None:
            raise self._loss
        with suppress(OSError):
            self.connection.send_bytes(json.dumps(message, allow_nan=False).encode())

    def receive(self, wait_s: float) -> bytes | None:
        """The next message; None where none came within `wait_s` seconds. Raises WorkerLostError where it has ended."""
        if self._loss is not None:
            raise self._loss
        until = time.monotonic() + wait_s
        while True:
            ready = wait(self.watched, max(0.0, until - time.monotonic()))
            if self._errors in ready:
                self._keep_last_words()
            if self.connection in ready:
                try:
                    return self.connection.recv_bytes(LONGEST_ANSWER_BYTES)
                except (EOFError, OSError):
                    raise self._died() from None
            if self._ended in ready:  # what it has started may still hold the connection
                raise self._died()
            if time.monotonic() >= until:
                return None

    def lost(self, status: Status, message: str) -> WorkerLostError:
        """End it; the error that says so, now and whenever it is asked again."""
        self.stop()
        self._loss = WorkerLostError(status, message)
        return self._loss

    def stop(self) -> None:
        """End it at once: it has nothing to tidy up. Twice is once."""
        if not self.connection.closed:
            end(self._process, self._mark)
            self.connection.close()
            os.close(self._ended)
            if self._process.stderr is not None:
                self._process.stderr.close()

    def _died(self) -> WorkerLostError:
        """How it ended by itself."""
        try:
            code: int | None = self._process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:  # its answers are closed, and it goes on
            code = None
        end(self._process, self._mark)  # what it has started may still write
        for _ in range(PIPE_BYTES // CHUNK_BYTES):
            self._keep_last_words()
        return self.lost(*how_it_ended(code, self._last_words, oom_kills=oom_kills() - self._oom_kills))

    def _keep_last_words(self) -> None:
        if self._errors is None:
            return
        with suppress(BlockingIOError):
            chunk = os.read(self._errors, CHUNK_BYTES)
            self._last_words = (self._last_words + chunk)[-KEPT_BYTES:]
            if not chunk:
                self._errors = None
