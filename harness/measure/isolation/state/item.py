"""One thing that a solver can change, and what was found changed."""

import operator
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Item:
    """One thing that can be changed: how it is read, and how it is put back (not at all if that is None).

    `read` gives None where the library is not loaded whose thing it is; `initial`: what such a library begins with.
    `by_imports`: a library changes it as it is imported, so that it says nothing where modules were loaded.
    `same`: whether what was read before and after is the same.
    """

    name: str
    read: Callable[[], Any]
    put_back: Callable[[Any], object] | None = None
    by_imports: bool = False
    same: Callable[[Any, Any], bool] = operator.eq
    initial: Any = None

    def now(self) -> Any:
        """What it is, to be compared later; None where that cannot be read, since no descriptor is left."""
        with suppress(OSError):
            return self.read()
        return None

    def settle(self, was: Any, changes: "Changes") -> None:
        """Compare with what was read before, put it back if it differs, and enter it."""
        was = self.initial if was is None else was
        if was is None or self._is(was):
            return
        if self.put_back is not None:
            with suppress(Exception):  # whatever refuses it, the comparison says so
                self.put_back(was)
        changes.enter(self.name, restored=self._is(was))

    def _is(self, was: Any) -> bool:
        """Whether it is as it was; what cannot be read is not."""
        try:
            now = self.read()
            return now is None or self.same(was, now)
        except Exception:  # noqa: BLE001  # without a descriptor left, nothing can be opened
            return False


@dataclass
class Changes:
    """What was changed and put back, what only a new process is rid of, and that the data were `written` to.

    `unproven`: a library was loaded by a call that nobody had announced, so that nobody knows what it was like.
    """

    restored: list[str] = field(default_factory=list)
    lasting: list[str] = field(default_factory=list)
    written: str = ""
    unproven: bool = False

    def enter(self, name: str, *, restored: bool) -> None:
        """Something was changed."""
        (self.restored if restored else self.lasting).append(name)

    def add(self, others: "Changes") -> None:
        """What was found around, too; what is loaded there is none of a solver's own calls' doing."""
        self.restored += others.restored
        self.lasting += others.lasting

    @property
    def retire(self) -> str:
        """Why the process must be replaced; empty where it need not be."""
        return self.written or ", ".join(self.lasting) or ("a call loaded a library" if self.unproven else "")

    @property
    def all(self) -> tuple[str, ...]:
        """Each once."""
        return tuple(dict.fromkeys((*self.restored, *self.lasting)))
