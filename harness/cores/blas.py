"""BLAS on one thread each, while several threads of our own call it."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock
from typing import Any

from threadpoolctl import ThreadpoolController


class _Inside:
    """How many are inside `one_blas_thread`, and what the first of them found: the limit is the whole process's."""

    lock = Lock()
    count = 0
    found: Any = None


@cache
def _libraries() -> ThreadpoolController:
    """The BLAS libraries that are loaded: to look for them takes milliseconds, which is done once."""
    return ThreadpoolController().select(user_api="blas")


SMALL_PRODUCTS = frozenset({"SkylakeX", "Cooperlake", "SapphireRapids"})
"""OpenBLAS' names for the processors for which it has kernels of small products in float64: those of AVX-512."""


@cache
def has_small_products() -> bool:
    """Whether numpy's BLAS multiplies small matrices without packing them first, on this processor."""
    found = {getattr(one, "architecture", None) for one in _libraries().lib_controllers}
    return bool(found) and found <= SMALL_PRODUCTS


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Each call of BLAS inside runs on the thread that makes it; the last to leave puts back what the first found.

    numpy's and scipy's libraries must be loaded before it is first entered.
    """
    with _Inside.lock:
        if not _Inside.count and any(one.get_num_threads() != 1 for one in _libraries().lib_controllers):
            _Inside.found = _libraries().limit(limits=1)
        _Inside.count += 1
    try:
        yield
    finally:
        with _Inside.lock:
            _Inside.count -= 1
            if not _Inside.count and _Inside.found is not None:
                _Inside.found.restore_original_limits()
                _Inside.found = None
