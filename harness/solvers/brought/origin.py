"""Where something that was brought comes from: the module to import, its package, and the hash of its source."""

import hashlib
import inspect
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, partial
from importlib.machinery import ModuleSpec
from operator import attrgetter
from pathlib import Path
from typing import Any

SOURCES = (".py", ".pyx", ".so", ".pyd")
"""What a package is made of, its compiled parts too."""


@dataclass(frozen=True)
class Origin:
    """`module`: its dotted name where another process can import it, else empty; `sha256`: of the source.

    The source is every file of a package that is worked on, the one file of a script or of an installed package
    (whose version says the rest), the lines of what was typed in a notebook, or the code of a lambda.
    """

    module: str
    sha256: str


@dataclass
class Source:
    """What was brought, and the name by which another process finds it; without `spec` it goes there by cloudpickle.

    `made_with`: the text of its settings. `given` may be several things in a tuple.
    """

    given: Any
    spec: str = ""
    made_with: str = ""

    @cached_property
    def origin(self) -> Origin:
        """Where it comes from."""
        parts = self.given if isinstance(self.given, tuple) else (self.given,)
        found = [origin_of(part, self.made_with) for part in parts if part is not None]
        if len(found) == 1:
            return found[0]
        return Origin("", hashlib.sha256("".join(one.sha256 for one in found).encode()).hexdigest())


def source_of(solver: object) -> Source | None:
    """Of a solver that somebody brought; None of the harness's own."""
    found = getattr(solver, "source", None)
    return found if isinstance(found, Source) else None


def origin_of(given: Any, made_with: str = "") -> Origin:
    """Of an object, by its class; of a class or a function, by itself. `made_with`: its settings, hashed too."""
    thing = _defined(given)
    module = str(getattr(thing, "__module__", None) or "")
    digest = hashlib.sha256(made_with.encode())
    for part in _source(thing, module):
        digest.update(part)
    return Origin(module if is_importable(module) else "", digest.hexdigest())


def place_of(given: Any) -> str:
    """`package.module:name` of a class or a function that another process can import; empty where it cannot."""
    module, name = getattr(given, "__module__", None), getattr(given, "__qualname__", None)
    if not (isinstance(module, str) and isinstance(name, str) and is_importable(module)):
        return ""
    with suppress(AttributeError):
        if attrgetter(name)(sys.modules[module]) is given:
            return f"{module}:{name}"
    return ""


def is_importable(module: str) -> bool:
    """Whether a new process, given this one's sys.path, finds this very module by its name."""
    loaded = sys.modules.get(module)
    if not module or module == "__main__" or loaded is None:
        return False
    path: Any = None
    found: ModuleSpec | None = None
    for end in range(1, module.count(".") + 2):
        name = ".".join(module.split(".")[:end])
        found = next(filter(None, (_found_by(finder, name, path) for finder in sys.meta_path)), None)
        if found is None:
            return False
        path = found.submodule_search_locations
    origin = getattr(loaded, "__file__", None)
    return found is not None and (origin is None or origin == found.origin)


def _found_by(finder: Any, name: str, path: Any) -> ModuleSpec | None:
    with suppress(Exception):  # what one finder cannot say another may
        found: ModuleSpec | None = finder.find_spec(name, path)
        return found
    return None


def _defined(given: Any) -> Any:
    """What has the source: the function of a partial or of what a decorator made, an object's class."""
    while isinstance(given, partial):
        given = given.func
    given = inspect.unwrap(given) if callable(given) else given
    return given if inspect.isclass(given) or inspect.isroutine(given) else type(given)


def _source(thing: Any, module: str) -> Iterator[bytes]:
    """The bytes that say what it does, as many of them as can be had."""
    top = sys.modules.get(module.partition(".")[0])
    file = getattr(sys.modules.get(module), "__file__", None)
    with suppress(OSError):
        folder = _worked_on(top) if module != "__main__" else None
        if folder is not None:
            for path in sorted(one for one in folder.rglob("*") if one.suffix in SOURCES and one.is_file()):
                yield str(path.relative_to(folder)).encode()
                yield path.read_bytes()
            return
        if file is not None and module != "__main__":
            yield Path(file).read_bytes()
            return
    with suppress(OSError, TypeError):
        yield inspect.getsource(thing).encode()
        return
    for part in [thing] if inspect.isfunction(thing) else vars(thing).values() if inspect.isclass(thing) else []:
        code = getattr(part, "__code__", None)
        if code is not None:
            yield code.co_code
            yield repr([constant for constant in code.co_consts if not inspect.iscode(constant)]).encode()


def _worked_on(package: Any) -> Path | None:
    """The folder of a package that is not among the installed ones, whose files may change under one version."""
    places = list(getattr(package, "__path__", []))
    if len(places) != 1:
        return None
    folder = Path(places[0]).resolve()
    installed = {Path(sysconfig.get_path(name)).resolve() for name in ("purelib", "platlib", "stdlib")}
    inside = any(place in folder.parents for place in installed)
    return None if inside or {"site-packages", "dist-packages"} & set(folder.parts) else folder
