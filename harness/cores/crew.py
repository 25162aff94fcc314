"""Work shared out over threads, so that more of them are never slower than one."""

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from threading import Condition, Thread, current_thread
from time import perf_counter
from typing import Generic, TypeVar

from harness.cores import usable
from harness.cores.usable import thread_count

T = TypeVar("T")
R = TypeVar("R")

LEAST_ITEMS = 4
"""Fewer pieces of work are not shared out: on two cores one of two may end as late as both."""
MOST_THREADS = 64
LEAST_PATIENCE_S = 0.001
"""What a thread needs to be woken, and more: nothing is done twice before."""


class Crew:
    """So many threads, the calling one among them; the others start when work is first shared out, and stay.

    numpy's loops over more than 500 numbers and `numpy.dot` run side by side, since they release the interpreter's
    lock; `numpy.matmul` does not where the result has fewer than 500 numbers (numpy 2.4), however long its sums are.
    """

    def __init__(self, threads: int | None = None, most: int | None = None) -> None:
        """All usable cores that are free now if None; no more than `most`.

        Beside other work two threads may take longer than one: whoever holds the interpreter's lock may lose its core.
        Raises UsageError as harness.cores.usable.thread_count.
        """
        asked = thread_count(threads)
        self.threads = asked if most is None else min(asked, most)
        if threads is None and self.threads > 1:
            self.threads = min(self.threads, usable.free_cores())

    def results(self, work: Callable[[T], R], items: Sequence[T], *, least: int = LEAST_ITEMS) -> Iterator[tuple[T, R]]:
        """Each item with what `work` makes of it, in the order in which they end; raises what it raises.

        `work` is a pure function: the calling thread takes its share, and where another thread that began an item is
        held up, by other processes that want its core, it does that item too and the first result counts. Fewer than
        `least` items are not shared out.
        """
        if self.threads == 1 or len(items) < least:
            yield from ((item, work(item)) for item in items)
            return
        shared = _Shared(work, items)
        try:
            for _ in range(min(self.threads, len(items)) - 1):
                _pool().submit(shared.help)
            left, patience_s = len(items), LEAST_PATIENCE_S
            while left:
                number = shared.begin()
                number = shared.late(patience_s) if number is None else number
                if number is not None:
                    start = perf_counter()
                    shared.do(number)
                    patience_s = max(LEAST_PATIENCE_S, 2 * (perf_counter() - start))
                for number, ended in shared.ended():
                    left -= 1
                    if isinstance(ended, _Raised):
                        raise ended.error
                    yield items[number], ended
        finally:
            shared.stop()


KEPT: set[Thread] = set()
"""The threads beside the calling ones: they wait for work until the process ends."""


@cache
def _pool() -> ThreadPoolExecutor:
    """Kept, since a thread that is started anew gets no core of its own on a busy machine.

    It starts a thread only where none is idle, so that the limit is not reached.
    """
    return ThreadPoolExecutor(
        max(MOST_THREADS, os.cpu_count() or 1), "least-squares", initializer=lambda: KEPT.add(current_thread())
    )


def _forget() -> None:
    """A child that was forked has none of its parent's threads."""
    _pool.cache_clear()
    KEPT.clear()


os.register_at_fork(after_in_child=_forget)


@dataclass(frozen=True)
class _Raised:
    error: Exception


class _Shared(Generic[T, R]):
    """Items that several threads take one by one, and their results."""

    def __init__(self, work: Callable[[T], R], items: Sequence[T]) -> None:
        self._work, self._items = work, items
        self._next = 0
        self._begun: dict[int, None] = {}
        self._ended: deque[tuple[int, R | _Raised]] = deque()
        self._changed = Condition()

    def help(self) -> None:
        """Do one item after another until none is left."""
        while (number := self.begin()) is not None:
            self.do(number)

    def begin(self) -> int | None:
        """The next item that nobody has begun."""
        with self._changed:
            if self._next >= len(self._items):
                return None
            number = self._next
            self._next += 1
            self._begun[number] = None
            return number

    def do(self, number: int) -> None:
        """Work on an item; its result counts if there is none yet."""
        ended: R | _Raised
        try:
            ended = self._work(self._items[number])
        except Exception as error:  # noqa: BLE001  # raised again in the calling thread
            ended = _Raised(error)
        with self._changed:
            if number in self._begun:
                del self._begun[number]
                self._ended.append((number, ended))
                self._changed.notify()

    def late(self, patience_s: float) -> int | None:
        """The item that was begun first, if nothing ends within `patience_s`; None if something has ended."""
        with self._changed:
            if self._changed.wait_for(lambda: self._ended, patience_s):
                return None
            return next(iter(self._begun))

    def ended(self) -> Iterator[tuple[int, R | _Raised]]:
        """The results since the last call."""
        while self._ended:
            yield self._ended.popleft()

    def stop(self) -> None:
        """Begin no item any more."""
        with self._changed:
            self._next = len(self._items)
            self._begun.clear()
