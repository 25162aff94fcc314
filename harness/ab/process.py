"""A worker process seen from its parent: orders, answers with a deadline, and an end whatever happens."""

import json
import os
import selectors
import subprocess
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol, Self

from harness.ab.layout import Layout, laid_out
from harness.ab.version import Version
from harness.errors import CannotMeasureError
from harness.measure.isolation.ending import STOP_S, WorkerLostError, end, how_it_ended
from harness.records.ab import Side
from harness.records.environment import LIBRARIES
from harness.solvers.status import Status
from harness.timing.threads import SIZED_ONCE

SCRIPT = Path(__file__).with_name("worker.py")
ONE_THREAD = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    *SIZED_ONCE,
)
STRANGE = ("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP")
"""What would put other modules than the version's own on sys.path."""
START_S = 120.0
"""Seconds that a worker has to say hello: importing the harness takes 0.3 s on a quiet machine, 3 s on a busy one."""
CHUNK_BYTES = 65536

Answer = dict[str, Any]


class Worker(Protocol):
    """Whatever takes orders and answers each; tests put a fake one here."""

    def order(self, order: Mapping[str, object]) -> None:
        """Give an order. Raises WorkerLostError."""

    def answer(self, deadline_s: float) -> Answer:
        """The next answer. Raises WorkerLostError."""

    def stop(self) -> None:
        """End it, whatever it does."""


class Process:
    """A worker in a process of its own, in a session of its own, so that it and its children can be ended together."""

    def __init__(self, version: Version, layout: Layout | None = None) -> None:
        """Start it; it is not waited for. Raises CannotMeasureError where the interpreter cannot be started."""
        names = [*dict.fromkeys((*LIBRARIES, *version.shown))]
        setup = {"paths": version.paths, "libraries": names, "pages": layout.pages if layout else 0}
        command, environment = laid_out([str(version.python), "-P", str(SCRIPT)], _environment(), layout)
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  # closed by stop
        try:
            self._process = subprocess.Popen(  # noqa: S603  # the side's interpreter, our own script
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                env=environment,
                start_new_session=True,
            )
        except OSError as error:
            self._errors.close()
            raise CannotMeasureError(f"{version.name}: {version.python} cannot be started: {error.strerror}") from None
        assert self._process.stdin is not None  # noqa: S101  # both are pipes
        assert self._process.stdout is not None  # noqa: S101
        self._orders, self._answers = self._process.stdin, self._process.stdout
        self._unread = b""
        self._ready = selectors.DefaultSelector()
        self._ready.register(self._answers, selectors.EVENT_READ)
        with suppress(WorkerLostError):  # whoever waits for its greeting hears how it ended
            self.order(setup)

    def __enter__(self) -> Self:
        """Nothing more: it has been started."""
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        self.stop()

    def order(self, order: Mapping[str, object]) -> None:
        """Give an order. Raises WorkerLostError where nobody takes it."""
        try:
            self._orders.write(json.dumps(order).encode() + b"\n")
            self._orders.flush()
        except OSError:
            raise self._lost() from None

    def answer(self, deadline_s: float) -> Answer:
        """The next answer, waited for `deadline_s` seconds. Raises WorkerLostError; a late worker is ended."""
        until = time.monotonic() + deadline_s
        while b"\n" not in self._unread:
            if not self._ready.select(max(0.0, until - time.monotonic())):
                end(self._process)
                raise WorkerLostError(Status.TIMEOUT, f"no answer within {deadline_s:.0f} s")
            chunk = os.read(self._answers.fileno(), CHUNK_BYTES)
            if not chunk:
                raise self._lost()
            self._unread += chunk
        line, _, self._unread = self._unread.partition(b"\n")
        answer: Answer = json.loads(line)
        return answer

    def stop(self) -> None:
        """End it at once: it has nothing to tidy up, and torch's own end takes 0.2 s."""
        end(self._process)
        with suppress(OSError):
            self._orders.close()
        self._ready.close()
        self._answers.close()
        self._errors.close()

    def _lost(self) -> WorkerLostError:
        """How it ended, with its last line on standard error."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_S)
        end(self._process)
        self._errors.seek(0)
        return WorkerLostError(*how_it_ended(self._process.returncode, self._errors.read()))


def _environment() -> dict[str, str]:
    """The environment of this process, with one thread for every library and nothing that changes sys.path."""
    kept = {name: value for name, value in os.environ.items() if name not in STRANGE}
    return kept | dict.fromkeys(ONE_THREAD, "1")


def identify(version: Version) -> Side:
    """Start the version once: what it runs on.

    Raises CannotMeasureError where it does not start, has no harness to measure with, or another than its own.
    """
    with Process(version) as worker:
        try:
            greeting = worker.answer(START_S)
        except WorkerLostError as error:
            raise CannotMeasureError(f"{version.name}: {error}") from None
    if greeting["status"] != "ok":
        hint = "" if version.package else f"; install the harness into {version.python}"
        raise CannotMeasureError(f"{version.name} has no harness.suite to measure with: {greeting['message']}{hint}")
    found = Path(greeting["file"]).resolve()
    if version.package is not None and version.package.resolve() not in found.parents:
        raise CannotMeasureError(f"{version.name}: {version.python} imports {found}, not {version.package}/harness")
    return Side(
        name=version.name, commit=version.commit, python=greeting["python"], versions=dict(greeting["versions"])
    )
