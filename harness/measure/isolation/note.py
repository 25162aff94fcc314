"""What a worker writes for its parent to see when it cannot answer any more: the case it is at, and since when.

A page that both map. The worker needs nothing but the standard library for it.
"""

import fcntl
import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic_ns

NOTHING = -1
"""Between cases."""
NS = 1e9


class Note:
    """Two numbers of 8 bytes in a shared page: the case's key or NOTHING, and when it began (ns, CLOCK_MONOTONIC).

    Each is written by one aligned store, the time first, so that a reader never sees half of one.
    """

    def __init__(self, descriptor: int) -> None:
        """`descriptor` is that of a file of at least a page."""
        self._numbers = memoryview(mmap.mmap(descriptor, mmap.PAGESIZE)).cast("q")
        self._owner = os.getpid()

    def begin(self, case: int) -> None:
        """A case begins now."""
        self._end_if_forked()
        self._numbers[1] = monotonic_ns()
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
        """The case's key, or NOTHING, and when it began (s); if it was written over, two other numbers."""
        return self._numbers[0], self._numbers[1] / NS

    def _end_if_forked(self) -> None:
        """A solver's forked child that returned from the solver is no worker: it must not speak for one."""
        if os.getpid() != self._owner:
            os._exit(0)


def new_page() -> int:
    """The descriptor of a page that says NOTHING, in memory only; it is inherited where it is passed on."""
    descriptor = os.memfd_create("harness-note", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(descriptor, mmap.PAGESIZE)
    # Whoever reads a page beyond the end of its file is killed (SIGBUS): a worker must not make it shorter.
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)
    Note(descriptor).end()
    return descriptor
