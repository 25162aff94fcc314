"""How numbers are computed: the floating-point control words, numpy, the threads of libraries."""

import ctypes
import platform
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import numpy as np

from harness.measure.isolation.state.item import Item
from harness.timing.threads import loaded_pools

_LIBM = ctypes.CDLL(None)
_FENV_BYTES = 256
"""More than fenv_t takes anywhere: 32 with glibc on x86-64, 8 on AArch64."""
_CONTROL_WORDS: Mapping[str, tuple[tuple[int, int, int], ...]] = {
    "x86_64": ((0, 2, 0xFFFF), (28, 4, 0xFFC0)),
    "aarch64": ((0, 4, 0xFFFFFFFF),),
}
"""Offset, bytes and mask in fenv_t of what says how to round, to flush and to trap (glibc, bits/fenv.h): x87's control
word, and MXCSR without its six flags of what has happened; AArch64's FPCR. Elsewhere only rounding is looked at."""


def _environment() -> "ctypes.Array[ctypes.c_char]":
    found = ctypes.create_string_buffer(_FENV_BYTES)
    _LIBM.fegetenv(found)
    return found


def _control() -> tuple[int, ...]:
    """The rounding mode, and the control words with it."""
    raw, words = _environment().raw, _CONTROL_WORDS.get(platform.machine(), ())
    return _LIBM.fegetround(), *(int.from_bytes(raw[at : at + size], "little") & mask for at, size, mask in words)


def _set_control(before: tuple[int, ...]) -> None:
    rounding, *values = before
    _LIBM.fesetround(rounding)
    found = _environment()
    for (at, size, mask), value in zip(_CONTROL_WORDS.get(platform.machine(), ()), values, strict=True):
        other = int.from_bytes(found.raw[at : at + size], "little") & ~mask
        ctypes.memmove(ctypes.addressof(found) + at, (value | other).to_bytes(size, "little"), size)
    _LIBM.fesetenv(found)


def _numpy_errors() -> tuple[Any, ...]:
    return np.geterr(), np.geterrcall(), np.getbufsize()


def _set_numpy_errors(before: tuple[Any, ...]) -> None:
    state, call, size = before
    np.seterr(**state)
    np.seterrcall(call)
    np.setbufsize(size)


def _numpy_random() -> tuple[Any, ...]:
    name, key, *rest = np.random.get_state()  # noqa: NPY002  # the global generator is what is looked at
    return (name, np.asarray(key).tobytes(), *rest)


def _set_numpy_random(state: tuple[Any, ...]) -> None:
    name, key, *rest = state
    np.random.set_state((name, np.frombuffer(key, dtype=np.uint32), *rest))  # noqa: NPY002  # same


def _threads() -> dict[str, int]:
    """Threads by library: torch's own number, and each pool's."""
    torch = sys.modules.get("torch")
    pools = {pool.filepath: pool.num_threads for pool in loaded_pools().lib_controllers}
    return pools | ({"torch": torch.get_num_threads()} if torch else {})


def _set_threads(before: Mapping[str, int]) -> None:
    if "torch" in before:
        sys.modules["torch"].set_num_threads(before["torch"])
    for pool in loaded_pools().lib_controllers:
        if pool.filepath in before:
            pool.set_num_threads(before[pool.filepath])


def _same_threads(was: Mapping[str, int], now: Mapping[str, int]) -> bool:
    """A library that was not loaded before has not been changed."""
    return all(now.get(name) == threads for name, threads in was.items())


def _sklearn() -> dict[str, Any] | None:
    sklearn: Any = sys.modules.get("sklearn")
    return sklearn and dict(sklearn.get_config())


def _set_sklearn(before: Mapping[str, Any]) -> None:
    with suppress(KeyError):
        sys.modules["sklearn"].set_config(**before)


ITEMS = (
    Item("the floating-point environment", _control, _set_control),
    Item("numpy's error state", _numpy_errors, _set_numpy_errors),
    Item("numpy's print options", np.get_printoptions, lambda options: np.set_printoptions(**options)),
    Item("numpy's random state", _numpy_random, _set_numpy_random),
    Item("thread counts", _threads, _set_threads, same=_same_threads),
    Item("scikit-learn's configuration", _sklearn, _set_sklearn),
)
