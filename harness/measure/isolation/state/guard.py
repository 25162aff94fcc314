"""All that is watched, around a solver's own calls."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from harness.measure.isolation.state import arithmetic, interpreter, system, torch_switches
from harness.measure.isolation.state.item import Changes
from harness.measure.isolation.state.modules import Kept

ITEMS = (*torch_switches.ITEMS, *arithmetic.ITEMS, *interpreter.ITEMS, *system.ITEMS)


class Guard:
    """Knows what the process is like, and that it stays so."""

    def __init__(self) -> None:
        self._kept = Kept()

    @contextmanager
    def watched(self, changes: Changes) -> Iterator[None]:
        """Everything inside leaves the state as it was, however it ends; what it changed is entered into `changes`.

        What was assigned to in modules is put back first: all that follows is read through them.
        """
        self._kept.keep_new()
        before, modules = [item.now() for item in ITEMS], len(sys.modules)
        try:
            yield
        finally:
            self._kept.settle(changes)
            loaded = len(sys.modules) > modules
            for item, was in zip(ITEMS, before, strict=True):
                if not (item.by_imports and loaded):
                    item.settle(was, changes)
