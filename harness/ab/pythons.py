"""Another Python with the libraries that are installed here: an environment of its own, as wheels are for one Python.

Everything that a worker needs is installed in the version that it has here, but for what is asked for; the libraries of
solvers that are not measured are left out, and what draws.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Collection, Sequence
from importlib.metadata import packages_distributions, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version as Release

import harness
from harness.ab import building, libraries
from harness.ab.building import Notify
from harness.ab.requirements import holds, installed, shown
from harness.ab.touching import own
from harness.ab.version import Version
from harness.errors import CannotMeasureError
from harness.plugins import OURS
from harness.solvers import catalog

DRAWING = frozenset({"altair", "vl-convert-python"})
ALWAYS = frozenset({"numpy", "scipy", "pandas"})
"""Libraries of solvers that the harness itself computes and reads with."""
PARQUET = "pyarrow"
ANSWER_S = 20.0
"""Seconds in which an interpreter says which one it is."""
HERE = "here"
"""The folder that goes on sys.path: this harness, and nothing else that is installed for this Python."""
NAME = "import platform; print(platform.python_version())"


def other_python(asked: str, wanted: Sequence[Requirement], solvers: Collection[str], notify: Notify) -> Version:
    """The Python `asked` for, 3.13 or a path, with what is installed here and with what is `wanted`, for these solvers.

    Cached by all that it is made of. Raises CannotMeasureError where there is no such interpreter, BuildFailedError
    where pip cannot install for it.
    """
    interpreter, release = _interpreter(asked)
    needed = sorted(_needed(solvers, {canonicalize_name(one.name) for one in wanted}))
    others = installed().keys() - {canonicalize_name(one.name) for one in wanted}
    pinned = sorted(map(_pin, others))
    content = json.dumps([str(interpreter), release, sys.version, needed, pinned, [str(one) for one in wanted]])
    target = building.cached(
        "pythons",
        content,
        lambda made, log: _make(made, interpreter, [*needed, *map(str, wanted)], pinned, log, notify),
    )
    (site,) = target.glob("lib/python*/site-packages")
    name = " ".join([f"Python {release}", *map(shown, wanted)])
    names = tuple(dict.fromkeys(canonicalize_name(one.name) for one in wanted))
    held = libraries.held((site,), names)[: len(names)]
    return Version(name, target / "bin/python", libraries=(target / HERE,), held=held)


def _make(
    made: Path, interpreter: Path, wanted: Sequence[str], pinned: Sequence[str], log: Path, notify: Notify
) -> None:
    """The environment, its libraries, and this harness in a folder of its own."""
    notify(f"installing {len(wanted)} libraries for {interpreter.name}")
    building.logged("venv", [str(interpreter), "-m", "venv", "--without-pip", str(made)], log)
    constraints = made / "constraints.txt"
    constraints.write_text("\n".join(pinned))
    report = made / libraries.REPORT
    words = building.pip("--python", str(made / "bin/python"), "install", "--constraint", str(constraints))
    building.logged("pip install", [*words, "--report", str(report), *wanted], log)
    (site,) = made.glob("lib/python*/site-packages")
    (site / libraries.REPORT).write_text(json.dumps(libraries.origins_in(report)))
    (made / HERE).mkdir()
    (made / HERE / "harness").symlink_to(Path(harness.__file__).parent)


def _interpreter(asked: str) -> tuple[Path, str]:
    """The interpreter and its release. Raises CannotMeasureError where none of that version starts."""
    named = [asked] if os.sep in asked else [f"python{asked}", f"python{asked.rpartition('.')[0]}"]
    found = [Path(where) for name in named if (where := shutil.which(name))]
    found += sorted(Path.home().glob(f".pyenv/versions/{asked}*/bin/python"))
    for path in found:
        done = subprocess.run(  # noqa: S603  # an interpreter that a person named
            [path, "-c", NAME], capture_output=True, text=True, check=False, timeout=ANSWER_S
        )
        release = done.stdout.strip()
        if done.returncode == 0 and (os.sep in asked or f"{release}.".startswith(f"{asked}.")):
            return path, release
    raise CannotMeasureError(
        f"no Python {asked} starts here: install it, or give its path, as --python /usr/bin/python3"
    )


def _needed(solvers: Collection[str], wanted: Collection[str]) -> set[str]:
    """The distributions that a worker needs, by canonical names, without those that are wanted in another version."""
    tops = packages_distributions()
    ours = [Requirement(text) for text in requires(OURS) or ()]
    every = {canonicalize_name(one.name) for one in ours if holds(one)}
    of_solvers = {name for solver in catalog.ALL for name in own(solver, tops)} - ALWAYS
    measured = {name for solver in solvers for name in own(catalog.get(solver), tops)}
    parquet = {PARQUET} & installed().keys()
    return (every - of_solvers - DRAWING | measured | parquet) - set(wanted)


def _pin(name: str) -> str:
    """The version that is installed here, without what a build of its own adds: an index has no such one."""
    return f"{name}=={Release(installed()[name].version).public}"
