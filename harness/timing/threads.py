"""The number of threads, set for every library that has its own idea of it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits


@contextmanager
def limited(threads: int) -> Iterator[None]:
    """BLAS, OpenMP and torch at `threads` threads inside, as they were outside.

    Only libraries that are loaded when it is entered are bound: enter it after imports.
    """
    torch = sys.modules.get("torch")
    before = torch.get_num_threads() if torch else None
    with threadpool_limits(limits=threads):
        if torch:
            torch.set_num_threads(threads)
        try:
            yield
        finally:
            if torch:
                torch.set_num_threads(before)
