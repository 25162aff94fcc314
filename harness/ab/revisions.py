"""A git revision's harness, built as a wheel and unpacked, once a commit; the checkout is only read."""

import platform
import shutil
import tomllib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from packaging.specifiers import SpecifierSet

from harness.ab import building
from harness.ab.building import Notify
from harness.errors import CannotMeasureError
from harness.git import git
from harness.records.bisection import SHORT


@dataclass(frozen=True)
class Built:
    """A commit's harness: `package` goes on sys.path, `requirements` it declares, `constraints` it was tested with."""

    commit: str
    package: Path
    requirements: tuple[str, ...]
    constraints: str


def changes(checkout: Path) -> int:
    """How many files of the checkout differ from HEAD."""
    return len(git(checkout, "status", "--porcelain").stdout.splitlines())


def built(commit: str, checkout: Path, notify: Notify) -> Built:
    """The commit's harness from the cache, or built into it.

    Raises BuildFailedError where it does not build, CannotMeasureError where it is no project of this kind or for
    another Python than this.
    """
    target = building.folder("commits") / commit
    if not target.is_dir():
        notify(f"building {commit[:SHORT]}")
        with building.complete_folder(target) as made:
            _build(commit, checkout, made)
    project = _project(target, commit)
    constraints = target / "constraints.txt"
    return Built(
        commit=commit,
        package=target / "package",
        requirements=tuple(project.get("dependencies", ())),
        constraints=constraints.read_text() if constraints.is_file() else "",
    )


def _build(commit: str, checkout: Path, made: Path) -> None:
    """Export the commit, make a wheel of it, unpack that: everything below `made` and in a temporary folder."""
    what = f"{commit[:SHORT]} does not build: "
    log = building.folder("logs") / f"{commit}.log"
    with TemporaryDirectory(prefix="harness-ab-") as temporary:
        source, wheels = Path(temporary) / "source", Path(temporary) / "wheels"
        archive = Path(temporary) / "source.zip"
        top = git(checkout, "rev-parse", "--show-toplevel").stdout.strip()
        archived = git(Path(top), "archive", "--format=zip", f"--output={archive}", commit)
        log.write_text(archived.stderr)
        if archived.returncode:
            raise building.BuildFailedError(what + "git archive", archived.returncode, log)
        shutil.unpack_archive(archive, source)
        _project(source, commit)
        # Isolated, pip fetches hatchling anew; with it here nothing is fetched.
        isolation = ["--no-build-isolation"] if find_spec("hatchling") else []
        wheel = building.pip("wheel", "--no-deps", *isolation, "--wheel-dir", str(wheels), str(source))
        building.logged(what + "pip wheel", wheel, log)
        unpack = building.pip("install", "--no-deps", "--target", str(made / "package"), *map(str, wheels.iterdir()))
        building.logged(what + "pip install", unpack, log)
        for name in ("pyproject.toml", "constraints.txt"):
            if (source / name).is_file():
                shutil.copy(source / name, made / name)


def _project(folder: Path, commit: str) -> dict[str, Any]:
    """The table [project] of a commit. Raises CannotMeasureError where there is none, or it is for another Python."""
    try:
        project: dict[str, Any] = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
        needed = SpecifierSet(project.get("requires-python", ""))
    except (OSError, LookupError, ValueError) as error:
        raise CannotMeasureError(
            f"{commit[:SHORT]} has no [project] in a pyproject.toml ({error}): it is no version of the harness"
        ) from None
    here = platform.python_version()
    if not needed.contains(here, prereleases=True):
        raise CannotMeasureError(f"{commit[:SHORT]} needs Python {needed}, this is {here}: run another one's harness")
    return project
