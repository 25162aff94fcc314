"""What was assigned to in modules and classes: the clock's, Python's own, numpy's, scipy's, torch's and the harness's.

An assignment to a module is seen by everybody in the process: a `numpy.linalg.qr` or a `time.perf_counter` of one
solver's would be the next one's, and the harness's. What was there is kept, and compared by identity.
"""

import builtins
import ctypes
import gc
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from operator import is_
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from harness.measure.isolation.state.item import Changes

WATCHED = (
    *("builtins", "time", "math", "cmath", "random", "statistics", "operator", "functools", "itertools", "contextlib"),
    *("fractions", "decimal", "gc", "os", "sys", "signal", "resource", "locale", "threading", "zlib"),
    *("json", "json.encoder", "json.decoder", "struct", "ctypes", "pathlib", "multiprocessing.connection"),
    *("numpy", "numpy.fft", "numpy.random", "scipy", "scipy.optimize", "scipy.special", "scipy.stats", "scipy.sparse"),
    *("torch", "torch.functional", "torch._C", "torch._tensor", "torch.random", "torch.linalg", "torch.cuda"),
    *("torch.nn", "torch.optim", "torch.autograd", "torch.utils._device", "threadpoolctl", "flint"),
    *("sklearn.linear_model", "statsmodels.api", "pandas", "polars", "jax", "jax.numpy"),
)
"""What solvers and the harness call by name, besides all modules below these."""
WITH_ALL_BELOW = (
    *("harness.", "numpy.linalg", "numpy._core.", "numpy.lib.", "scipy.linalg", "scipy.sparse.linalg"),
    *("torch.nn.", "torch.optim.", "torch.autograd."),
)
CONSTANTS = ("builtins", "math", "harness")
"""Packages whose ints and texts are no counters and modes: nobody assigns to them again."""
FOLLOWS_DTYPE = "torch.Storage"
"""torch assigns to it where the default dtype is set."""
MISSING = object()
VERSION_OFFSET = 24
"""Of ma_version_tag in PyDictObject (cpython, Include/cpython/dictobject.h): after ob_refcnt, ob_type and ma_used."""
IMMUTABLE, ON_HEAP = 1 << 8, 1 << 9
"""Py_TPFLAGS_IMMUTABLETYPE and _HEAPTYPE (cpython, Include/object.h): to most classes of C nothing can be assigned."""


def is_watched(module: str) -> bool:
    """Whether it is one of those."""
    return module in WATCHED or module.startswith(WITH_ALL_BELOW)


def _version_of(names: dict[str, Any]) -> Callable[[], int]:
    """What reads the number that CPython gives a dictionary anew whenever it is assigned to (PEP 509, up to 3.13).

    To compare 20 000 names by identity reads the head of as many objects, 2 ms where the caches are cold.
    """
    return partial(getattr, ctypes.c_uint64.from_address(id(names) + VERSION_OFFSET), "value")


def _has_versions() -> bool:
    """Whether this interpreter numbers them so."""
    tried = {"a": 0}
    version = _version_of(tried)
    before = version()
    tried["a"] = 1
    return version() != before


HAS_VERSIONS = _has_versions()


class Place:
    """A module or a class: what its names stand for now, and what they stood for."""

    def __init__(self, owner: Any) -> None:
        """It is as it should be."""
        self.owner: Any = owner
        self.now: Mapping[str, Any] = vars(owner)
        # Of a class `vars` is a view of the dictionary.
        self._names = self.now if isinstance(self.now, dict) else gc.get_referents(self.now)[0]
        self.version = _version_of(self._names)
        self.accept()

    def accept(self) -> None:
        """What it is now is as it should be."""
        self.kept, self.seen = dict(self.now), self.version()

    @property
    def name(self) -> str:
        """Dotted."""
        return f"{self.owner.__module__}.{self.owner.__qualname__}" if self.is_class else str(self.owner.__name__)

    @property
    def is_class(self) -> bool:
        """Whether it is a class."""
        return isinstance(self.owner, type)

    @property
    def differs(self) -> bool:
        """Whether any name stands for something else; by identity, since what was assigned may say that it is equal."""
        if HAS_VERSIONS and self.version() == self.seen:
            return False
        return len(self.now) != len(self.kept) or not all(map(is_, self.now.values(), self.kept.values()))

    def replaced(self) -> list[str]:
        """Names of what nobody assigns to again, and new ones that hide one of Python's or of a base class."""
        package = self.name.partition(".")[0]
        kinds = (type, ModuleType, float, *((int, str, tuple) if package in CONSTANTS else ()))
        names = [
            name
            for name, was in self.kept.items()
            if self.now.get(name, MISSING) is not was and (callable(was) or isinstance(was, kinds))
        ]
        hidden = [vars(one) for one in self.owner.__mro__[1:]] if self.is_class else [vars(builtins)]
        new = [name for name in self.now.keys() - self.kept.keys() if not name.startswith("__")]
        return names + [name for name in new if any(name in one for one in hidden)]

    def put_back(self, name: str) -> bool:
        """As it was; whether it is."""
        with suppress(AttributeError, TypeError):
            if name in self.kept:
                setattr(self.owner, name, self.kept[name])
            else:
                delattr(self.owner, name)
        return self.now.get(name, MISSING) is self.kept.get(name, MISSING)


class Kept:
    """Every watched module that is loaded, and the classes of its package that it names."""

    def __init__(self) -> None:
        self._places: list[Place] = []
        self._known: set[int] = set()
        self._modules: dict[str, Any] = {}
        self._watched: dict[str, Any] = {}
        self._accepted: list[Place] = []

    def keep_new(self) -> None:
        """Keep what has been loaded since."""
        for place in self._accepted:
            place.accept()
        self._accepted = []
        if len(sys.modules) == len(self._modules):
            return
        for name in sys.modules.keys() - self._modules.keys():
            module = sys.modules[name]
            if isinstance(module, ModuleType) and is_watched(name):
                self._keep(module)
                package = name.partition(".")[0]
                for value in list(vars(module).values()):
                    if type(value) is type and str(value.__module__).partition(".")[0] == package:
                        self._keep(value)
        self._modules = dict(sys.modules)
        self._watched = {name: module for name, module in self._modules.items() if is_watched(name)}

    def settle(self, changes: Changes) -> None:
        """Put back what was assigned to, and enter each by its name."""
        changes.unproven = any(name in sys.modules for name in WATCHED if name not in self._watched)
        for name, module in self._watched.items():
            if sys.modules.get(name) is not module:
                sys.modules[name] = module
                changes.enter(name, restored=True)
        for place in self._places:
            if place.differs:
                for name in place.replaced():
                    if not self._is_its_own(place, name) and f"{place.name}.{name}" != FOLLOWS_DTYPE:
                        changes.enter(f"{place.name}.{name}", restored=place.put_back(name))
                self._accepted.append(place)

    def _keep(self, owner: Any) -> None:
        fixed = isinstance(owner, type) and owner.__flags__ & (IMMUTABLE | ON_HEAP) != ON_HEAP
        if id(owner) not in self._known and not fixed:
            self._known.add(id(owner))
            self._places.append(Place(owner))

    def _is_its_own(self, place: Place, name: str) -> bool:
        """Whether a package has replaced a function of its own by a new one, as torch wraps each optimizer's step."""
        value = place.now.get(name)
        file = getattr(sys.modules.get(place.name.partition(".")[0]), "__file__", None)
        if not isinstance(value, FunctionType) or file is None:
            return False
        known = any(value is other for one in self._places for other in one.kept.values())
        return not known and Path(value.__code__.co_filename).is_relative_to(Path(file).parent)
