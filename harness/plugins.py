"""Entry points of installed packages: solvers, optimizers and problems that other people's packages bring.

A package names them in its metadata, as `[project.entry-points."harness.solvers"] name = "package.module:thing"`.
Nothing is imported until it is asked for.
"""

import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points, version
from pathlib import Path
from types import ModuleType
from typing import Any

from harness.errors import UsageError

SOLVERS, OPTIMIZERS, PROBLEMS = "harness.solvers", "harness.optimizers", "harness.problems"
OURS = "ls-harness"
IMPORT_S = 120.0
"""Seconds to import a module: as long as a worker process may take to start."""
TRIED = frozenset({"harness", "numpy", "scipy", "sklearn", "statsmodels", "torch", "pandas"})
"""What is imported here in any case."""
_WORD = b"harness: done"
_PATH = "import os, sys; sys.path[:] = sys.argv[2:]"
_DONE = f"sys.stdout.flush(); os.write(1, {_WORD!r}); os._exit(0)"
_IMPORT = "__import__(sys.argv[1])"
RUN_FILE = "import runpy; runpy.run_path(sys.argv[1], run_name='brought')"


@dataclass(frozen=True)
class Plugin:
    """One entry point; `package` and `version`: of the distribution that it comes with."""

    name: str
    value: str
    package: str
    version: str
    requires: tuple[str, ...] = ()

    @property
    def origin(self) -> str:
        """The package and its version, as a list shows them."""
        return f"{self.package} {self.version}".strip()

    @property
    def incompatible(self) -> str:
        """Why it is of another version of the harness; empty where it says nothing against this one."""
        from packaging.requirements import InvalidRequirement, Requirement

        for text in self.requires:
            try:
                wanted = Requirement(text)
            except InvalidRequirement:
                continue
            ours = re.sub(r"[-_.]+", "-", wanted.name).lower() == OURS
            if ours and wanted.marker is None and not wanted.specifier.contains(version(OURS), prereleases=True):
                return f"{self.origin} needs {OURS} {wanted.specifier}, and this is {version(OURS)}"
        return ""

    def load(self) -> Any:
        """The thing itself. Raises UsageError, one line that names the package, where it cannot be had."""
        if reason := self.incompatible:
            raise UsageError(reason)
        module = self.value.partition(":")[0].strip()
        if reason := ends_a_process(module, _IMPORT):
            raise UsageError(f"{self.name} of {self.origin} cannot be imported: {reason}")
        try:
            with printing_aside():
                return EntryPoint(self.name, self.value, "").load()
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001  # a module may raise anything, SystemExit too
            raise UsageError(f"{self.name} of {self.origin} cannot be imported: {last_line_of(error)}") from None


@cache
def plugins(group: str) -> tuple[Plugin, ...]:
    """The entry points of a group, by name; two packages may have one name."""
    found = {
        Plugin(
            one.name,
            one.value,
            "" if one.dist is None else one.dist.name,
            "" if one.dist is None else one.dist.version,
            tuple((one.dist and one.dist.requires) or ()),
        )
        for one in entry_points(group=group)
    }
    return tuple(sorted(found, key=lambda one: (one.name, one.origin)))


def plugin(group: str, name: str) -> Plugin | None:
    """The entry point of that name, or None. Raises UsageError where two packages have one of it."""
    found = [one for one in plugins(group) if one.name == name]
    if len(found) > 1:
        packages = " and ".join(one.origin for one in found)
        raise UsageError(f"'{name}' is in {packages}: uninstall one, or say which by its place: '{found[0].value}'")
    return found[0] if found else None


def imported(name: str, text: str) -> ModuleType:
    """The module of that name, for what a person typed; the working folder is looked in last.

    Not under `-P`, as Python itself: there a version's modules must be its own (harness.ab.worker).
    Raises UsageError, one line with the last line of what it raised.
    """
    here = str(Path.cwd())
    if here not in sys.path and not sys.flags.safe_path:
        sys.path.append(here)
    if reason := ends_a_process(name, _IMPORT):
        raise UsageError(f"'{text}': {name} cannot be imported: {reason}")
    try:
        with printing_aside():
            return importlib.import_module(name)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001  # a module may raise anything, SystemExit too
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if missing is not None and (name == missing or name.startswith(f"{missing}.")):
            raise UsageError(f"'{text}': there is no module {missing}") from None
        raise UsageError(f"'{text}': {name} cannot be imported: {last_line_of(error)}") from None


@contextmanager
def printing_aside() -> Iterator[None]:
    """What somebody's module prints goes to standard error: standard output has what the command was asked for."""
    with redirect_stdout(sys.stderr):
        yield


@cache
def ends_a_process(what: str, how: str) -> str:
    """What becomes of a process that runs `how` on `what`, a module or a file; empty where it goes on after it.

    Nobody's import ends or hangs the process that a person talks to: it is tried in another one first. Not in our own
    children, which may end, and not of what is loaded, or is a library that the harness itself needs.
    """
    if sys.flags.safe_path or what in sys.modules or what.partition(".")[0] in TRIED:
        return ""
    command = [sys.executable, "-c", f"{_PATH}\ntry:\n    {how}\nfinally:\n    {_DONE}", what, *filter(None, sys.path)]
    try:
        ended = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, timeout=IMPORT_S, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        return f"it took longer than {IMPORT_S:g} s"
    if ended.stdout.endswith(_WORD):
        return ""
    code = ended.returncode
    return f"it ended the process with signal {-code}" if code < 0 else f"it ended the process with exit code {code}"


def last_line_of(error: BaseException) -> str:
    """The class and the last line of what was raised, as a traceback ends."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[-1]}" if lines else type(error).__name__
