"""Somebody's own project, built from its files: by the commands of its asv.conf.json, as a wheel, or as it is."""

import shlex
import shutil
import sys
import tomllib
from importlib.metadata import distributions
from pathlib import Path

from packaging.requirements import Requirement

from harness.ab import building
from harness.ab.requirements import installed, unsatisfied
from harness.files.asv_settings import asv_settings

TREE, PACKAGE = "tree", "package"
"""What is kept of a side: its files, and what goes on sys.path."""
SETUPTOOLS = ("setuptools", "wheel")
"""What builds a project that does not say (PEP 518)."""


def is_harness(source: Path) -> bool:
    """Whether these files are a version of the harness itself, which is then what measures."""
    return (source / "harness" / "suite.py").is_file()


def build(source: Path, made: Path, what: str, log: Path) -> None:
    """Build the files in `source`: `made` gets them as `tree`, and what goes on sys.path as `package`.

    Raises BuildFailedError, and UsageError for an asv.conf.json that cannot be read.
    """
    tree, wheels = made / TREE, made / "wheels"
    shutil.copytree(source, tree, symlinks=True, ignore=shutil.ignore_patterns(".git"))
    wheels.mkdir()
    commands = _commands(source)
    for command in commands:
        building.logged(what + command[0], [_filled(word, source, wheels) for word in command], log, source)
    found = sorted(wheels.glob("*.whl"))
    if found:
        building.install(found, made / PACKAGE, what, log)
    elif not commands and any((source / name).is_file() for name in ("pyproject.toml", "setup.py")):
        building.install([source], made / PACKAGE, what, log, isolated=not _can_build_here(source))
    else:  # in place: its modules are in the folder of the project, or in src
        here = source / "src" if (source / "src").is_dir() else source
        shutil.copytree(here, made / PACKAGE, symlinks=True, ignore=shutil.ignore_patterns(".git"))
    shutil.rmtree(wheels)


def requirements(package: Path) -> tuple[str, ...]:
    """What a built project requires, by its metadata."""
    return tuple(text for one in distributions(path=[str(package)]) for text in one.requires or ())


def name_of(package: Path) -> tuple[str, ...]:
    """The names of the distributions in a folder: the project's, to record its version."""
    return tuple(str(one.metadata["Name"]) for one in distributions(path=[str(package)]))


def modules(package: Path) -> tuple[str, ...]:
    """The top-level modules in a folder, which must be imported from there."""
    found = [path.name for path in package.iterdir() if path.is_dir() and (path / "__init__.py").is_file()]
    found += [path.name.partition(".")[0] for path in package.iterdir() if path.suffix in (".py", ".so")]
    return tuple(sorted(set(found) - {"setup", "conftest"}))


def _can_build_here(source: Path) -> bool:
    """Whether everything that builds it is installed: then pip fetches nothing."""
    path = source / "pyproject.toml"
    said = tomllib.loads(path.read_text()).get("build-system", {}) if path.is_file() else {}
    wanted = [Requirement(text) for text in said.get("requires", SETUPTOOLS)]
    return not unsatisfied(wanted, {}, installed())


def _commands(source: Path) -> list[list[str]]:
    """The build commands of asv.conf.json, in words; none where it names none."""
    said = asv_settings(source).get("build_command", [])
    listed = [said] if isinstance(said, str) else said
    return [shlex.split(one) for one in listed]


def _filled(word: str, source: Path, wheels: Path) -> str:
    """A word of a command with asv's variables in it; its python is this one."""
    known = {"build_dir": source, "build_cache_dir": wheels, "conf_dir": source, "env_dir": sys.prefix}
    for name, value in known.items():
        word = word.replace(f"{{{name}}}", str(value))
    return sys.executable if word in ("python", "python3") else word
