"""jax's client of this process: made once, with a pool of threads that never changes."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from harness.errors import counted

PREALLOCATE = "XLA_PYTHON_CLIENT_PREALLOCATE"
"""Read when a CUDA client is made; unless it says false, jax takes 75 % of the device's memory away from torch."""
CPU = "cpu"
_made_with: list[int] = []
"""The threads that the client was made with; empty until it is."""
_made_for: list[str] = []
"""The kind of device that it was made for; one for the CPU knows no other."""


def cannot_change_to(threads: int) -> str | None:
    """Why jax cannot run with so many threads in this process, or None."""
    if _made_with and _made_with[0] != threads:
        started = counted(_made_with[0], "thread")
        return f"jax was started with {started} and cannot change to {threads}: use another process"
    return None


def device_of(name: str, threads: int) -> Any:
    """The device of jax named `cpu`, `cuda` or `cuda:1`; makes the client if there is none that has it.

    XLA sizes the CPU's pool from NPROC, which harness/timing/threads.py sets around preparations. Where
    something else has made the client before, its size is not known. Raises RuntimeError, jax's, where jax
    has no such device.
    """
    import jax
    import jax.extend.backend

    kind, _, place = name.partition(":")
    if _made_with and kind != CPU and _made_for == [CPU]:
        # What was compiled for the CPU stays right: it is compiled again when it is next called.
        jax.extend.backend.clear_backends()  # type: ignore[no-untyped-call]
        _made_for.clear()
    with _small(), _only(kind):
        found = jax.local_devices(backend=kind)
    _made_with[:], _made_for[:] = _made_with or [threads], _made_for or [kind]
    return found[int(place or 0)]


@contextmanager
def _only(kind: str) -> Iterator[None]:
    """A client made for the CPU starts no other: CUDA's takes a context and memory of the device, and seconds.

    What a person says (JAX_PLATFORMS) holds.
    """
    import jax

    config: Any = jax.config
    before = config.jax_platforms
    if kind == CPU and not before:
        config.update("jax_platforms", CPU)
    try:
        yield
    finally:
        config.update("jax_platforms", before)


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
