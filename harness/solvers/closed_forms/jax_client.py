"""jax's client of this process: made once, with a pool of threads that never changes."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from harness.errors import counted

PREALLOCATE = "XLA_PYTHON_CLIENT_PREALLOCATE"
"""Read when a CUDA client is made; unless it says false, jax takes 75 % of the device's memory away from torch."""
_made_with: list[int] = []
"""The threads that the client was made with; empty until it is."""


def cannot_change_to(threads: int) -> str | None:
    """Why jax cannot run with so many threads in this process, or None."""
    if _made_with and _made_with[0] != threads:
        started = counted(_made_with[0], "thread")
        return f"jax was started with {started} and cannot change to {threads}: use another process"
    return None


def device_of(name: str, threads: int) -> Any:
    """The device of jax named `cpu`, `cuda` or `cuda:1`; makes the client if there is none.

    XLA sizes the CPU's pool from NPROC, which harness/timing/threads.py sets around preparations. Where
    something else has made the client before, its size is not known. Raises RuntimeError, jax's, where jax
    has no such device.
    """
    import jax

    kind, _, place = name.partition(":")
    with _small():
        found = jax.local_devices(backend=kind)
    _made_with[:] = _made_with or [threads]
    return found[int(place or 0)]


@contextmanager
def _small() -> Iterator[None]:
    """A client made inside takes device memory as it needs it; what the environment says already holds."""
    before = os.environ.get(PREALLOCATE)
    os.environ[PREALLOCATE] = before or "false"
    try:
        yield
    finally:
        if before is None:
            del os.environ[PREALLOCATE]
