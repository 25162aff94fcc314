"""The number of threads, set for every library that has its own idea of it."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from threadpoolctl import ThreadpoolController

SIZED_ONCE = ("POLARS_MAX_THREADS", "RAYON_NUM_THREADS", "NPROC")
"""What polars (at its import), Rust's rayon and XLA (at their first use) read, once, to size their pools."""
ONE_THREAD = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    *SIZED_ONCE,
)
"""What else sizes a pool, as its library is loaded: BLAS, OpenMP."""


@contextmanager
def pools_of(threads: int) -> Iterator[None]:
    """Pools that a library makes inside and never changes have `threads` threads; the environment is put back.

    Enter it around imports and preparations: `limited` cannot bind these libraries.
    """
    before = {name: os.environ.get(name) for name in SIZED_ONCE}
    os.environ.update(dict.fromkeys(SIZED_ONCE, str(threads)))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def limited(threads: int) -> Iterator[None]:
    """BLAS, OpenMP and torch at `threads` threads inside, as they were outside.

    Only libraries that are loaded when it is entered are bound: enter it after imports.
    """
    torch = sys.modules.get("torch")
    before = torch.get_num_threads() if torch else None
    with loaded_pools().limit(limits=threads):
        if torch:
            torch.set_num_threads(threads)
        try:
            yield
        finally:
            if torch:
                torch.set_num_threads(before)


def loaded_pools() -> ThreadpoolController:
    """BLAS and OpenMP libraries that are loaded; to find them takes milliseconds, and they come along with modules."""
    return _found(len(sys.modules))


@lru_cache(maxsize=1)
def _found(_modules: int) -> ThreadpoolController:
    return ThreadpoolController()
