"""What is Python's own: its hooks, limits, generators, contexts and threads."""

import _thread
import decimal
import faulthandler
import gc
import locale
import random
import sys
import threading
import warnings
from collections.abc import Iterable
from functools import partial
from typing import Any

from harness.cores.crew import KEPT
from harness.measure.isolation.state.item import Item

_MONITORING = getattr(sys, "monitoring", None)
"""PEP 669, from Python 3.12 on."""
_TOOLS = 6
"""sys.monitoring has tools 0 to 5 (its documentation)."""


def _hooks() -> tuple[Any, ...]:
    """What is called at each call and line, by whom it was asked for; in this thread and in new ones."""
    new = getattr(threading, "getprofile", lambda: None)(), getattr(threading, "gettrace", lambda: None)()
    return sys.getprofile(), sys.gettrace(), *new


def _set_hooks(before: tuple[Any, ...]) -> None:
    setters = (sys.setprofile, sys.settrace, threading.setprofile, threading.settrace)
    for set_hook, was in zip(setters, before, strict=True):
        set_hook(was)


def _monitored() -> dict[int, tuple[str | None, int]]:
    """Tools and events of sys.monitoring."""
    if _MONITORING is None:
        return {}
    tools = {tool: _MONITORING.get_tool(tool) for tool in range(_TOOLS)}
    return {tool: (name, _MONITORING.get_events(tool) if name else 0) for tool, name in tools.items()}


def _set_monitored(before: dict[int, tuple[str | None, int]]) -> None:
    for tool, (name, events) in _monitored().items():
        was, wanted = before[tool]
        if was is None and name is not None:
            _MONITORING.set_events(tool, 0)  # type: ignore[union-attr]  # without it there is no tool
            _MONITORING.free_tool_id(tool)  # type: ignore[union-attr]  # same
        elif name is not None and events != wanted:
            _MONITORING.set_events(tool, wanted)  # type: ignore[union-attr]  # same


def _collector() -> tuple[Any, ...]:
    return gc.isenabled(), gc.get_threshold(), gc.get_debug(), tuple(gc.callbacks)


def _set_collector(before: tuple[Any, ...]) -> None:
    enabled, thresholds, debug, callbacks = before
    gc.set_threshold(*thresholds)
    gc.set_debug(debug)
    gc.callbacks[:] = callbacks
    (gc.enable if enabled else gc.disable)()


def _digits_of_texts() -> tuple[float, int]:
    return sys.getswitchinterval(), sys.get_int_max_str_digits()


def _set_digits_of_texts(before: tuple[float, int]) -> None:
    sys.setswitchinterval(before[0])
    sys.set_int_max_str_digits(before[1])


def _decimals() -> tuple[Any, ...]:
    """Of the context, without the flags, which each operation may raise; and of the context of new threads."""
    contexts = (decimal.getcontext(), decimal.DefaultContext)
    return tuple(
        (one.prec, one.rounding, one.Emin, one.Emax, one.capitals, one.clamp, tuple(one.traps.items()))
        for one in contexts
    )


def _set_decimals(before: tuple[Any, ...]) -> None:
    for context, (prec, rounding, least, most, capitals, clamp, traps) in zip(
        (decimal.getcontext(), decimal.DefaultContext), before, strict=True
    ):
        context.prec, context.rounding, context.Emin, context.Emax = prec, rounding, least, most
        context.capitals, context.clamp, context.traps = capitals, clamp, dict(traps)


def _importing() -> tuple[Any, ...]:
    return list(sys.path), list(sys.meta_path), list(sys.path_hooks)


def _set_importing(before: tuple[Any, ...]) -> None:
    sys.path[:], sys.meta_path[:], sys.path_hooks[:] = before


def _set_filters(before: Iterable[Any]) -> None:
    warnings.filters[:] = before  # type: ignore[index]  # a list, typed as a sequence


def _running() -> tuple[frozenset[int], int]:
    """Identities of the threads that `threading` knows, without those that C code has called back on; and how many run.

    What `_thread.start_new_thread` begins is only among the latter. The harness's own are in neither.
    """
    known = [one for one in threading.enumerate() if not isinstance(one, threading._DummyThread)]  # noqa: SLF001  # no public name
    others = _thread._count() - len(KEPT)  # noqa: SLF001  # documented by its docstring alone
    return frozenset(map(id, set(known) - KEPT)), others


def _streams() -> tuple[Any, ...]:
    return sys.stdin, sys.stdout, sys.stderr


def _set_streams(before: tuple[Any, ...]) -> None:
    sys.stdin, sys.stdout, sys.stderr = before


def _no_dump_to_come() -> bool:
    """Whether it is on. A dump after some seconds, which may end the process, nobody can ask for: it is called off."""
    faulthandler.cancel_dump_traceback_later()
    return faulthandler.is_enabled()


ITEMS = (
    Item("a profile or trace function", _hooks, _set_hooks),
    Item("sys.monitoring", _monitored, _set_monitored),
    Item("Python's random state", random.getstate, random.setstate),
    Item("the garbage collector", _collector, _set_collector),
    Item("the recursion limit", sys.getrecursionlimit, sys.setrecursionlimit),
    Item("the interpreter's limits", _digits_of_texts, _set_digits_of_texts),
    Item("the decimal context", _decimals, _set_decimals),
    Item("the locale", lambda: locale.setlocale(locale.LC_ALL), lambda name: locale.setlocale(locale.LC_ALL, name)),
    Item("standard streams", _streams, _set_streams),
    Item("the fault handler", _no_dump_to_come, lambda on: (faulthandler.enable if on else faulthandler.disable)()),
    Item("the import path", _importing, _set_importing, by_imports=True),
    Item("how warnings are shown", lambda: warnings.showwarning, partial(setattr, warnings, "showwarning")),
    Item("warnings filters", lambda: list(warnings.filters), _set_filters, by_imports=True),
    Item("threads left running", _running, same=lambda was, now: now[0] <= was[0] and now[1] <= was[1]),
)
