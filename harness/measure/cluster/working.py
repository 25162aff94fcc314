"""The side of a cluster's worker: orders carried out in a worker process of its own, and told of as they go."""

import os
import platform
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import psutil

from harness.measure.isolation.isolated import Isolated
from harness.measure.isolation.limits import Limits
from harness.measure.isolation.process import SCRIPT
from harness.measure.isolation.relay import Relay
from harness.records.environment import Environment, environment
from harness.records.record import Record
from harness.store.conditions import Conditions
from harness.timing.conditions import snapshot

IDLE_S = 60.0
"""A worker process that nobody has asked for so long is ended; the next order starts another."""
LOOK_EVERY_S = 0.5
"""How often it is looked whether the order still stands."""

News = tuple[str, Any]


class Work(Protocol):
    """What a worker of a cluster does of one order."""

    def new_place(self, limits: Limits) -> Isolated:
        """The worker process that it needs."""

    def __call__(self, place: Any, told: "Told") -> tuple[str, ...]:
        """Do it: its results as JSON."""


@dataclass(frozen=True)
class Surroundings:
    """What the environment is asked about: modules that solvers need, whether torch is used, the devices."""

    modules: tuple[str, ...] = ()
    with_torch: bool = False
    devices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Order:
    """`ticket` and `topic`: under which it is told of; `session`: of the client; its orders share a worker process."""

    ticket: int
    topic: str
    session: str
    limits: Limits
    surroundings: Surroundings
    work: Work


class WithdrawnError(BaseException):
    """The client does not want it any more."""


class Told(Relay):
    """Tells the client, as Dask's events, what goes on."""

    def __init__(self, tell: Callable[[News], object]) -> None:
        super().__init__(tell)
        self._say = tell
        self.withdrawn = threading.Event()

    def working(self, what: str) -> None:
        """Pass it on. Raises WithdrawnError where nobody wants to hear it."""
        if self.withdrawn.is_set():
            raise WithdrawnError
        super().working(what)

    def fitted(self, index: int, record: Record) -> None:  # type: ignore[override]  # with its place in the group
        """Pass it on."""
        self._say(("fitted", [index, record.model_dump_json()]))


def carry_out(order: Order) -> tuple[tuple[str, ...], str]:
    """Do the work of an order in this worker's own process: its results, and a reading of the machine after it."""
    from distributed import get_worker

    worker = get_worker()

    def tell(news: News) -> None:
        worker.log_event(order.topic, [order.ticket, *news])

    told = Told(tell)
    tell(("arrived", list(_arrived(order.session, order.surroundings))))
    with _stands(worker, told), _place(order) as place:
        results = order.work(place, told)
    return results, _reading()


def versions() -> dict[str, str]:
    """What must be the same on both sides: an answer of another version is another answer."""
    import numpy as np

    from harness import __version__

    return {"harness": __version__, "numpy": np.__version__, "Python": ".".join(platform.python_version_tuple()[:2])}


@lru_cache(maxsize=4)
def _arrived(_session: str, asked: Surroundings) -> tuple[str, str, str]:
    """The name of the machine, its environment and a reading of it, before the first order of a session."""
    found: Environment = environment(asked.modules, with_torch=asked.with_torch, devices=asked.devices)
    return platform.node(), found.model_dump_json(), _reading()


def _reading() -> str:
    return Conditions(before=snapshot.read()).model_dump_json()


@contextmanager
def _stands(worker: Any, told: Told) -> Iterator[None]:
    """While an order stands. One that the client withdraws, or whose client is gone, is ended with its processes."""
    task, done = worker.get_current_task(), threading.Event()

    def watch() -> None:
        while not done.wait(LOOK_EVERY_S):
            state = worker.state.tasks.get(task)
            if state is None or state.state != "executing":
                told.withdrawn.set()
                for child in psutil.Process().children():
                    _end(child)

    watcher = threading.Thread(target=watch, name="withdrawn", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


def _end(child: psutil.Process) -> None:
    """End a process of ours: it leads a group of its own."""
    try:
        if str(SCRIPT) in child.cmdline():
            os.killpg(child.pid, 9)
    except (psutil.Error, OSError):  # it has just ended
        return


class _Kept:
    """The worker process between two orders of a session, and when it is ended."""

    key: tuple[str, object, Limits] | None = None
    place: Isolated | None = None
    timer: threading.Timer | None = None
    lock = threading.Lock()


@contextmanager
def _place(order: Order) -> Iterator[Isolated]:
    """The worker process of the session's last order of this kind, or a new one; kept for the next."""
    key = (order.session, order.work.new_place, order.limits)
    place = _taken(key) or order.work.new_place(order.limits)
    try:
        yield place
    except BaseException:
        place.close()
        raise
    with _Kept.lock:
        _Kept.key, _Kept.place = key, place
        _Kept.timer = threading.Timer(IDLE_S, _taken, [None])
        _Kept.timer.daemon = True
        _Kept.timer.start()


def _taken(key: tuple[str, object, Limits] | None) -> Isolated | None:
    """What was kept, if it is of this key; of another it is ended."""
    with _Kept.lock:
        found, known = _Kept.place, _Kept.key
        _Kept.place = None
        if _Kept.timer is not None:
            _Kept.timer.cancel()
    if found is not None and known != key:
        found.close()
        return None
    return found
