"""What a solver can change for everybody in its process: read before it, compared and put back after it."""

import gc
import locale
import operator
import os
import random
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

State = dict[str, Any]


@dataclass(frozen=True)
class Item:
    """One thing that can be changed: how it is read, and how it is put back (not at all if that is None).

    `by_imports`: a library changes it as it is imported, so that it says nothing where modules were loaded.
    `same`: whether what was read before and after is the same.
    """

    name: str
    read: Callable[[], Any]
    put_back: Callable[[Any], object] | None = None
    by_imports: bool = False
    same: Callable[[Any, Any], bool] = operator.eq


@dataclass
class Changes:
    """What was changed and put back, what only a new process is rid of, and that the data were `written` to."""

    restored: list[str] = field(default_factory=list)
    lasting: list[str] = field(default_factory=list)
    written: str = ""

    @property
    def retire(self) -> str:
        """Why the process must be replaced; empty where it need not be."""
        return self.written or ", ".join(self.lasting)

    @property
    def all(self) -> tuple[str, ...]:
        """Each once."""
        return tuple(dict.fromkeys((*self.restored, *self.lasting)))


def read_state() -> State:
    """Every item as it is now; None for one of a library that is not loaded."""
    return {item.name: item.read() for item in ITEMS} | {"modules": len(sys.modules)}


def put_back(before: State, changes: Changes) -> None:
    """Compare, put back what differs, and enter it into `changes`."""
    loaded = len(sys.modules) > before["modules"]
    for item in ITEMS:
        was, now = before[item.name], item.read()
        if was is None or item.same(was, now) or (item.by_imports and loaded):
            continue
        if item.put_back is not None:
            with suppress(Exception):  # whatever refuses it, the comparison says so
                item.put_back(was)
        (changes.restored if item.same(was, item.read()) else changes.lasting).append(item.name)


@contextmanager
def watched(changes: Changes) -> Iterator[None]:
    """Everything inside leaves the state as it was, however it ends."""
    before = read_state()
    try:
        yield
    finally:
        put_back(before, changes)


def _torch() -> Any:
    return sys.modules.get("torch")


def _numpy_random() -> tuple[Any, ...]:
    name, key, *rest = np.random.get_state()  # noqa: NPY002  # the global generator is what is looked at
    return (name, np.asarray(key).tobytes(), *rest)


def _set_numpy_random(state: tuple[Any, ...]) -> None:
    name, key, *rest = state
    np.random.set_state((name, np.frombuffer(key, dtype=np.uint32), *rest))  # noqa: NPY002  # same


def _torch_random() -> bytes | None:
    torch = _torch()
    return torch.get_rng_state().numpy().tobytes() if torch else None


def _set_torch_random(state: bytes) -> None:
    torch = _torch()
    torch.set_rng_state(torch.frombuffer(bytearray(state), dtype=torch.uint8))


def _torch_dtype() -> Any:
    torch = _torch()
    return torch.get_default_dtype() if torch else None


def _set_environment(before: Mapping[str, str]) -> None:
    for name in set(os.environ) - set(before):
        del os.environ[name]
    os.environ.update(before)


@lru_cache(maxsize=1)
def _pools(_modules: int) -> list[Any]:
    """BLAS and OpenMP libraries; to find them takes milliseconds, and they are loaded along with modules."""
    from threadpoolctl import ThreadpoolController

    return list(ThreadpoolController().lib_controllers)


def _threads() -> dict[str, int]:
    """Threads by library: torch's own number, and each pool's."""
    torch = _torch()
    pools = {pool.filepath: pool.num_threads for pool in _pools(len(sys.modules))}
    return pools | ({"torch": torch.get_num_threads()} if torch else {})


def _set_threads(before: Mapping[str, int]) -> None:
    if "torch" in before:
        _torch().set_num_threads(before["torch"])
    for pool in _pools(len(sys.modules)):
        if pool.filepath in before:
            pool.set_num_threads(before[pool.filepath])


def _same_threads(was: Mapping[str, int], now: Mapping[str, int]) -> bool:
    """A library that was not loaded before has not been changed."""
    return all(now.get(name) == threads for name, threads in was.items())


def _folder() -> str | None:
    with suppress(FileNotFoundError):
        return str(Path.cwd())
    return ""


def _handlers() -> dict[int, Any]:
    return {number: signal.getsignal(number) for number in signal.valid_signals()}


def _set_handlers(before: Mapping[int, Any]) -> None:
    for number, handler in _handlers().items():
        if handler != before[number]:
            signal.signal(number, before[number])


def _collector() -> tuple[Any, ...]:
    return gc.isenabled(), gc.get_threshold()


def _set_collector(before: tuple[Any, ...]) -> None:
    enabled, thresholds = before
    gc.set_threshold(*thresholds)
    (gc.enable if enabled else gc.disable)()


def _left_running() -> frozenset[int]:
    """Identities of Python's threads that run, without those that C code has called back on."""
    return frozenset(id(one) for one in threading.enumerate() if not isinstance(one, threading._DummyThread))  # noqa: SLF001  # no public name


def _has_children() -> bool:
    """Whether this process has any child, ended or not; none is waited for."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def _set_path(before: Iterable[str]) -> None:
    sys.path[:] = before


def _set_filters(before: Iterable[Any]) -> None:
    warnings.filters[:] = before  # type: ignore[index]  # a list, typed as a sequence


ITEMS = (
    Item("numpy's error state", np.geterr, lambda state: np.seterr(**state)),
    Item("numpy's random state", _numpy_random, _set_numpy_random),
    Item("Python's random state", random.getstate, random.setstate),
    Item("torch's random state", _torch_random, _set_torch_random),
    Item("torch's default dtype", _torch_dtype, lambda dtype: _torch().set_default_dtype(dtype)),
    Item("thread counts", _threads, _set_threads, same=_same_threads),
    Item("the environment", lambda: dict(os.environ), _set_environment),
    Item("the working folder", _folder, os.chdir),
    Item("the locale", lambda: locale.setlocale(locale.LC_ALL), lambda name: locale.setlocale(locale.LC_ALL, name)),
    Item("signal handlers", _handlers, _set_handlers),
    Item("an alarm", lambda: signal.getitimer(signal.ITIMER_REAL)[0] > 0, lambda _: signal.alarm(0)),
    Item("the garbage collector", _collector, _set_collector),
    Item("the recursion limit", sys.getrecursionlimit, sys.setrecursionlimit),
    Item("the processor affinity", lambda: os.sched_getaffinity(0), lambda cores: os.sched_setaffinity(0, cores)),
    Item("the import path", lambda: list(sys.path), _set_path, by_imports=True),
    Item("warnings filters", lambda: list(warnings.filters), _set_filters, by_imports=True),
    Item("threads left running", _left_running, same=lambda was, now: now <= was),
    Item("processes left behind", _has_children, same=lambda was, now: was or not now),
)
