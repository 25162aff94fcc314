"""A thing of somebody else's by its place: `package.module:name` or `path/to/file.py:name`, and settings after it."""

import hashlib
import importlib.util
import inspect
import re
import sys
from dataclasses import dataclass
from functools import partial
from importlib.machinery import SourceFileLoader
from operator import attrgetter
from pathlib import Path
from types import CodeType, MappingProxyType, ModuleType
from typing import Any

from harness.errors import UsageError, unknown
from harness.plugins import RUN_FILE, ends_a_process, imported, last_line_of, printing_aside

Setting = float | bool | str | None | tuple[float | bool | str | None, ...]
WORDS = MappingProxyType({"true": True, "false": False, "none": None})
_SPEC = re.compile(r"(?P<place>.*?\.py|[^:]+):(?P<name>[^:]*)(?::(?P<settings>.*))?", re.DOTALL)


@dataclass(frozen=True)
class Spec:
    """`place`: a module's dotted name, or a file's path; `name`: what is in it, dotted where it is nested.

    `settings`: of its constructor, as `betas=0.9,0.99,eps=1e-8`; `text`: the whole, as it was typed.
    """

    text: str
    place: str
    name: str
    settings: MappingProxyType[str, Setting]

    @property
    def is_file(self) -> bool:
        """Whether the place is a file."""
        return self.place.endswith(".py")

    def load(self) -> Any:
        """The thing itself, without its settings. Raises UsageError, one line, where it cannot be had."""
        module = _file_module(Path(self.place), self.text) if self.is_file else imported(self.place, self.text)
        try:
            return attrgetter(self.name)(module)
        except AttributeError:
            known = [one for one, it in vars(module).items() if not one.startswith("_") and not inspect.ismodule(it)]
            raise unknown(f"name in {self.place}", self.name, known) from None

    def made(self) -> Any:
        """The thing with its settings: a class called with them, a function with them filled in.

        Raises UsageError as `load` does, and for what refuses them.
        """
        found = self.load()
        if not self.settings:
            return found
        if not callable(found):
            raise UsageError(f"'{self.text}': {self.name} is not callable, and so takes no settings")
        try:
            with printing_aside():
                return found(**self.settings) if inspect.isclass(found) else partial(found, **self.settings)
        except Exception as error:  # noqa: BLE001  # somebody's constructor may raise anything
            raise UsageError(f"'{self.text}': {self.name} refuses its settings: {last_line_of(error)}") from None


def is_spec(text: str) -> bool:
    """Whether a name says a place, or the file of one."""
    return ":" in text or text.endswith(".py")


def parse(text: str) -> Spec:
    """What a text says. Raises UsageError where it is no place and name."""
    found = _SPEC.fullmatch(text)
    if found is None or not all(part.isidentifier() for part in found["name"].split(".")):
        raise UsageError(f"'{text}' is no package.module:name and no path/to/file.py:name")
    return Spec(text, found["place"], found["name"], MappingProxyType(settings_of(found["settings"] or "", text)))


def settings_of(text: str, whole: str) -> dict[str, Setting]:
    """`betas=0.9,0.99,eps=1e-8`: what has no name goes on with the value before it."""
    values: dict[str, list[float | bool | str | None]] = {}
    name = ""
    for part in filter(None, text.split(",")):
        if "=" in part:
            name, _, part = part.partition("=")  # noqa: PLW2901  # the rest is its value
            if name in values:
                raise UsageError(f"'{whole}' says {name} twice")
            values[name] = []
        if not name.isidentifier():
            raise UsageError(f"'{whole}': a setting is NAME=VALUE, not '{part}'")
        values[name].append(_value(part))
    return {name: given[0] if len(given) == 1 else tuple(given) for name, given in values.items()}


def _value(text: str) -> float | bool | str | None:
    """A number, true, false, none, or the text."""
    if text.lower() in WORDS:
        return WORDS[text.lower()]
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text


class _Compiled(SourceFileLoader):
    """Compiles the file each time: Python's own cache takes two texts of one length, saved in one second, for one."""

    def get_code(self, fullname: str) -> CodeType:
        return self.source_to_code(self.get_data(self.path), self.path)


def _file_module(path: Path, text: str) -> ModuleType:
    """The module that a file is; its folder is looked in for what it imports, as that of a script is.

    A file that was edited since is another module: what is measured is what the record's source says.
    """
    if not path.is_file():
        raise UsageError(f"'{text}': there is no file {path}")
    whole = path.resolve()
    name = f"{whole.stem}_{hashlib.sha256(str(whole).encode() + whole.read_bytes()).hexdigest()[:8]}"
    if name in sys.modules:
        return sys.modules[name]
    if str(whole.parent) not in sys.path:
        sys.path.append(str(whole.parent))
    if reason := ends_a_process(str(whole), RUN_FILE):
        raise UsageError(f"'{text}': {path} cannot be imported: {reason}")
    loader = _Compiled(name, str(whole))
    found = importlib.util.spec_from_loader(name, loader)
    assert found is not None  # noqa: S101  # only a loader of namespaces finds none
    module = importlib.util.module_from_spec(found)
    sys.modules[name] = module
    try:
        with printing_aside():
            loader.exec_module(module)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001  # a file may raise anything, SystemExit too
        del sys.modules[name]
        raise UsageError(f"'{text}': {path} cannot be imported: {last_line_of(error)}{_of_package(whole)}") from None
    return module


def _of_package(path: Path) -> str:
    """How a file is named that is a module of a package: alone it finds nothing of what it imports from there."""
    parts = [] if path.stem == "__init__" else [path.stem]
    folder = path.parent
    while (folder / "__init__.py").is_file() and folder.name.isidentifier():
        parts.insert(0, folder.name)
        folder = folder.parent
    return f"; it is a module of a package: say {'.'.join(parts)}:NAME" if folder != path.parent else ""
