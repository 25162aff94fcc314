"""What a worker writes for its parent to see when it cannot answer any more: the case it is at, and since when.

A page that both map. The worker needs nothing but the standard library for it.
"""

import mmap
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

NOTHING = -1
"""Between cases."""


class Note:
    """Two doubles in a shared page: the case's key or NOTHING, and when it began (s, CLOCK_MONOTONIC).

    Each is written by one aligned store of 8 bytes, the time first, so that a reader never sees half of one.
    """

    def __init__(self, descriptor: int) -> None:
        """`descriptor` is that of a file of at least a page."""
        self._numbers = memoryview(mmap.mmap(descriptor, mmap.PAGESIZE)).cast("d")
        self._owner = os.getpid()

    def begin(self, case: int) -> None:
        """A case begins now."""
        self._end_if_forked()
        self._numbers[1] = time.monotonic()
        self._numbers[0] = case

    def end(self) -> None:
        """It has ended."""
        self._end_if_forked()
        self._numbers[0] = NOTHING

    @contextmanager
    def during(self, case: int) -> Iterator[None]:
        """A case is going on inside; what ends the worker inside, or nearly, leaves its name."""
        self.begin(case)
        try:
            yield
        except Exception:
            self.end()
            raise
        self.end()

    def read(self) -> tuple[int, float]:
        """The case's key, or NOTHING, and when it began."""
        return int(self._numbers[0]), self._numbers[1]

    def _end_if_forked(self) -> None:
        """A solver's forked child that returned from the solver is no worker: it must not speak for one."""
        if os.getpid() != self._owner:
            os._exit(0)


def new_page() -> int:
    """The descriptor of a page that says NOTHING, in memory only; it is inherited where it is passed on."""
    descriptor = os.memfd_create("harness-note", os.MFD_CLOEXEC)
    os.ftruncate(descriptor, mmap.PAGESIZE)
    Note(descriptor).end()
    return descriptor
