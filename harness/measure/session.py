"""A run from its planned cases to its records: placed, watched and executed; the one way of command and Python."""

import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass

from harness.cores.usable import thread_count
from harness.errors import UsageError
from harness.measure.isolation.isolated import Isolated
from harness.measure.isolation.limits import Limits
from harness.measure.plan import Case, Request
from harness.measure.run import InProcess, Place, execute, new_run
from harness.records.observer import Observer
from harness.records.record import Record
from harness.records.run import Run
from harness.store.store import Store
from harness.timing.sampling import Effort

Around = Callable[[Run, Sequence[Case]], AbstractContextManager[Observer | None]]
"""What surrounds the measuring of a run's cases and gives who watches it: the progress, what Ctrl-C does."""


@dataclass(frozen=True)
class Where:
    """Where cases are measured: a worker process that can be killed, this process, or the workers of a cluster.

    `timeout_s`: what a case may take; `memory_bytes`: what the worker may hold; by the size of the case if None.
    `on`: a scheduler's address, or local:N; `connect_s`: how long it and its first worker are waited for.
    Raises UsageError for a limit that is none, or that nothing could enforce.
    """

    timeout_s: float | None = None
    memory_bytes: int | None = None
    in_process: bool = False
    on: str | None = None
    connect_s: float | None = None

    def __post_init__(self) -> None:
        if self.on is not None and self.in_process:
            raise UsageError("--on measures with workers, --in-process in this process: give one of them")
        if self.on is None and self.connect_s is not None:
            raise UsageError("--connect-timeout goes with --on")
        if self.in_process and (self.timeout_s is not None or self.memory_bytes is not None):
            raise UsageError("--timeout and --memory need a worker process: drop --in-process, or them")
        limits = (
            ("--timeout", self.timeout_s, "seconds"),
            ("--memory", self.memory_bytes, "bytes"),
            ("--connect-timeout", self.connect_s, "seconds"),
        )
        for name, value, unit in limits:
            if value is not None and not (math.isfinite(value) and value > 0):
                raise UsageError(f"{name} is a positive number of {unit}, not {value:g}")

    @property
    def limits(self) -> Limits:
        """What a worker may take."""
        return Limits(self.timeout_s, self.memory_bytes)

    def check_threads(self, threads: int) -> None:
        """Raises UsageError for more threads than cores here; the workers of a scheduler have cores of their own."""
        if self.on is None or self.on.startswith("local"):
            thread_count(threads)

    def place(self) -> Place:
        """The place, to be closed. Raises CannotMeasureError where no worker can be had."""
        if self.on is not None:
            from harness.measure.cluster.place import Cluster

            return Cluster(self.on, self.connect_s, self.limits)
        return self.here()

    def here(self) -> InProcess | Isolated:
        """The place on this machine, to be closed. Raises CannotMeasureError where no worker process can be started."""
        return InProcess() if self.in_process else Isolated(self.limits)


def run_request(
    request: Request,
    cases: Sequence[Case],
    store: Store,
    where: Where,
    around: Around,
    *,
    command: str | None = None,
    effort: Effort | None = None,
) -> tuple[Run, list[Record]]:
    """Measure the planned cases of a request, each stored as it ends: the finished run with its records.

    `command`: what made the run, this process's by default; `effort`: of the timing, the usual by default. Raises
    CannotMeasureError where nothing can be measured.
    """
    # The worker imports its libraries while this process looks at its environment.
    with closing(where.place()) as place:
        return measure_cases(new_run(request, cases, command), cases, store, place, around, effort)


def measure_cases(
    made: Run, cases: Sequence[Case], store: Store, place: Place, around: Around, effort: Effort | None = None
) -> tuple[Run, list[Record]]:
    """Measure cases of a run, timed between two readings of the machine; the run, finished, with all its records."""
    timed = effort is None or effort.max_calls > 0
    with around(made, cases) as observer, place.watched(store, made.id, timed=timed):
        execute(made, cases, store, observer, effort=effort, place=place)
    return store.run(made.id), store.records(made.id)
