"""The workers of a cluster at work: each measures one job at a time, and what a lost one was at is begun anew."""

import secrets
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any, Protocol

from harness.errors import CannotMeasureError, HarnessError, UsageError, counted, said_by
from harness.measure.cluster.address import RESOURCE, RESTART_S, connected, measuring
from harness.measure.cluster.working import Order, Surroundings, Work, carry_out, versions
from harness.measure.isolation.limits import Limits
from harness.measure.place import Listener
from harness.records.environment import Environment
from harness.records.record import Worker
from harness.store.conditions import Conditions, Readings

POLL_S = 0.25
"""How often it is looked which workers there are."""
TOPIC = "harness-news"


class Job(Protocol):
    """What is done of the work, as the client sees it: `over` once nothing of it is left."""

    over: bool

    def work(self) -> Work:
        """What is left of it."""

    def heard(self, what: str, value: Any, worker: Worker) -> None:
        """News of a worker that is at it."""

    def ended(self, results: tuple[str, ...], worker: Worker) -> None:
        """A worker has done it."""

    def lost(self, address: str) -> None:
        """The worker that was at it is gone."""


@dataclass(frozen=True)
class _Arrived:
    """The worker that has begun a job, its environment and the readings before it."""

    worker: Worker
    environment: Environment
    before: Readings


@dataclass
class _Sent:
    """A job at a worker; `at` is known once it has begun."""

    job: Job
    address: str
    future: Any
    at: _Arrived | None = None
    doing: str = ""

    @property
    def loss(self) -> str:
        """What a person is told where its worker is gone."""
        return f"the worker {self.address} was lost{self.doing and f' at {self.doing}'}: what started it says why"


@dataclass
class Workers:
    """Those of the cluster `on` that measure; `surroundings`: what is asked about the environment of each.

    `seen` is told of each worker as it begins and after each of its jobs. `restart_s`: how long it waits for another
    one where all are lost.

    Raises UsageError and CannotMeasureError, one line each: no scheduler, no worker that measures, another version.
    """

    on: str
    connect_s: float
    limits: Limits
    restart_s: float = RESTART_S
    surroundings: Surroundings = field(default_factory=Surroundings)
    seen: Callable[[Worker, Environment, Conditions], None] = lambda *_: None
    _known: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._client, self._cluster = connected(self.on, self.connect_s)
        self._session, self._ticket = secrets.token_hex(8), 0
        self._last: set[str] = set()
        self._news: SimpleQueue[Any] = SimpleQueue()
        self._topic = f"{TOPIC}-{self._session}"
        self._client.subscribe_topic(self._topic, lambda event: self._news.put(event[1]))
        try:
            self._wait_for_workers()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the cluster; what was started here is ended."""
        with suppress(Exception):  # a scheduler that is gone has nothing to be told
            self._client.unsubscribe_topic(self._topic)
        for held in filter(None, (self._client, self._cluster)):
            with suppress(Exception):
                held.close(timeout=5)

    def each(self, jobs: Sequence[Job], listener: Listener) -> Iterator[Job]:
        """The jobs as they end. `listener` is told what the workers are at, and which one is lost, each in one line.

        Raises CannotMeasureError where no worker is left; what is at work is withdrawn if this is left early.
        """
        waiting, sent = deque(jobs), dict[int, _Sent]()
        empty_since: float | None = None
        try:
            while waiting or sent:
                there = self._there()
                empty_since = self._still_empty(there, empty_since, listener)
                for ticket in [ticket for ticket, one in sent.items() if one.address not in there]:
                    one = sent.pop(ticket)
                    one.future.cancel()
                    one.job.lost(one.address)
                    listener.noted(one.loss)
                    if one.job.over:
                        yield one.job
                    else:
                        waiting.appendleft(one.job)
                for address in there.difference(one.address for one in sent.values()):
                    if waiting:
                        self._send(waiting.popleft(), address, sent)
                yield from self._heard(sent, listener)
        finally:
            for one in sent.values():
                with suppress(Exception):
                    one.future.cancel()

    def _still_empty(self, there: set[str], since: float | None, listener: Listener) -> float | None:
        """Since when no worker is there, or None. Raises CannotMeasureError where that is too long."""
        if there:
            return None
        now = time.monotonic()
        if since is None:
            listener.working(f"no worker is left: waiting up to {self.restart_s:g} s for another")
            return now
        if now - since > self.restart_s:
            raise CannotMeasureError(
                f"--on {self.on}: no worker is left that measures, for {self.restart_s:g} s: start one"
            )
        return since

    def _send(self, job: Job, address: str, sent: dict[int, _Sent]) -> None:
        """Have one worker, and no other, do the job: where it is lost nobody but us begins it anew."""
        self._ticket += 1
        ticket = self._ticket
        order = Order(ticket, self._topic, self._session, self.limits, self.surroundings, job.work())
        future = self._client.submit(
            carry_out,
            order,
            workers=[address],
            allow_other_workers=False,
            resources={RESOURCE: 1},
            key=f"harness-{self._session}-{ticket}",
            pure=False,
        )
        sent[ticket] = _Sent(job, address, future)
        future.add_done_callback(lambda _: self._news.put((ticket, "done", None)))

    def _heard(self, sent: dict[int, _Sent], listener: Listener) -> Iterator[Job]:
        """Take what news there are, waiting a moment for the first; the jobs that have ended."""
        wait_s: float | None = POLL_S
        with suppress(Empty):
            while True:
                ticket, what, value = self._news.get(timeout=wait_s) if wait_s else self._news.get_nowait()
                wait_s = None
                one = sent.get(ticket)
                if one is None:
                    continue
                if what == "done":
                    if self._done(one):
                        del sent[ticket]
                        yield one.job
                elif what == "arrived":
                    self._arrived(one, *value)
                elif one.at is not None:
                    one.job.heard(what, value, one.at.worker)
                    if what == "working":
                        one.doing = value
                        listener.working(_at_work(sent))

    def _arrived(self, one: _Sent, machine: str, environment: str, readings: str) -> None:
        found, before = Environment.model_validate_json(environment), Conditions.model_validate_json(readings).before
        one.at = _Arrived(Worker(address=one.address, machine=machine, environment=found.id), found, before)
        self.seen(one.at.worker, found, Conditions(before=before, machine=machine))

    def _done(self, one: _Sent) -> bool:
        """Whether it has ended; one that was cancelled with its worker is seen to be lost instead."""
        if one.future.status == "error":
            error = one.future.exception()
            if isinstance(error, HarnessError):
                raise error
            raise CannotMeasureError(f"the worker {one.address} cannot measure: {said_by(error)}")
        if one.future.status != "finished":
            return False
        results, after = one.future.result()
        assert one.at is not None  # noqa: S101  # it has told so before it ended
        worker, ended = one.at.worker, Conditions.model_validate_json(after).before
        self.seen(worker, one.at.environment, Conditions(before=one.at.before, after=ended, machine=worker.machine))
        one.job.ended(results, worker)
        return True

    def _wait_for_workers(self) -> None:
        until = time.monotonic() + self.connect_s
        while not self._there():
            if time.monotonic() > until:
                raise CannotMeasureError(
                    f"--on {self.on}: no worker measures: start one with "
                    f"dask worker {self.on} --nthreads 1 --resources {RESOURCE}=1"
                )
            time.sleep(POLL_S)

    def _there(self) -> set[str]:
        """The workers that measure now. Raises UsageError for one that has another harness, numpy or Python."""
        try:
            there = measuring(self._client)
        except (OSError, TimeoutError):
            if self._client.status == "running":  # it is late: nothing is known of any worker
                return set(self._last)
            there = set()
        if new := sorted(there - self._known):
            said = self._client.run(versions, workers=new, on_error="return")
            self._known |= {address for address, found in said.items() if self._same(address, found)}
        self._last = there & self._known
        return set(self._last)

    def _same(self, address: str, said: Any) -> bool:
        here = versions()
        if isinstance(said, OSError):  # it has just gone
            return False
        if not isinstance(said, dict):
            raise UsageError(f"--on {self.on}: the worker {address} has no such harness: {said_by(said)}")
        for name, version in here.items():
            if said[name] != version:
                raise UsageError(
                    f"--on {self.on}: the worker {address} has {name} {said[name]}, here it is {version}: "
                    "install the same on both"
                )
        return True


def _at_work(sent: dict[int, _Sent]) -> str:
    doing = [one.doing for one in sent.values() if one.doing]
    return f"{counted(len(doing), 'worker')}: {'; '.join(doing)}"
