"""A git revision, or what is not committed, built and unpacked, once for the same files; the checkout is only read."""

import platform
import shutil
import tomllib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from packaging.specifiers import SpecifierSet

from harness.ab import building, project
from harness.ab.building import Notify
from harness.ab.sources import Source
from harness.errors import CannotMeasureError


@dataclass(frozen=True)
class Built:
    """A side's build: `package` goes on sys.path, `requirements` it declares, `constraints` it was tested with.

    `tree`: its files, of somebody's project, in whose folder it is measured; None of a version of the harness.
    """

    commit: str | None
    package: Path
    requirements: tuple[str, ...]
    constraints: str = ""
    tree: Path | None = None


def built(source: Source, notify: Notify) -> Built:
    """The harness, or the project, that a source is: from the cache, or built into it.

    Raises BuildFailedError where it does not build, CannotMeasureError where it is a harness for another Python than
    this, or none that can be built.
    """
    target = building.folder("commits") / source.key
    if not target.is_dir():
        notify(f"building {source.shown}")
        with building.complete_folder(target) as made:
            _build(source, made)
    if (target / project.TREE).is_dir():
        package = target / project.PACKAGE
        return Built(source.commit, package, project.requirements(package), tree=target / project.TREE)
    declared = _project(target, source.shown)
    constraints = target / "constraints.txt"
    return Built(
        commit=source.commit,
        package=target / project.PACKAGE,
        requirements=tuple(declared.get("dependencies", ())),
        constraints=constraints.read_text() if constraints.is_file() else "",
    )


def _build(origin: Source, made: Path) -> None:
    """Export the files and install what they build: everything below `made` and in a temporary folder."""
    what = f"{origin.shown} does not build: "
    log = building.folder("logs") / f"{origin.key}.log"
    with TemporaryDirectory(prefix="harness-ab-") as temporary:
        source = Path(temporary) / "source"
        log.write_text("")
        origin.write(source, log)
        if not project.is_harness(source):
            project.build(source, made, what, log)
            return
        _project(source, origin.shown)
        # Isolated, pip fetches hatchling anew; with it here nothing is fetched.
        isolated = find_spec("hatchling") is None
        building.install([source], made / project.PACKAGE, what, log, isolated=isolated)
        for name in ("pyproject.toml", "constraints.txt"):
            if (source / name).is_file():
                shutil.copy(source / name, made / name)


def _project(folder: Path, shown: str) -> dict[str, Any]:
    """The table [project] of a harness. Raises CannotMeasureError where there is none, or it is for another Python."""
    try:
        declared: dict[str, Any] = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
        needed = SpecifierSet(declared.get("requires-python", ""))
    except (OSError, LookupError, ValueError) as error:
        raise CannotMeasureError(
            f"{shown} has no [project] in a pyproject.toml ({error}): it is no version of the harness"
        ) from None
    here = platform.python_version()
    if not needed.contains(here, prereleases=True):
        raise CannotMeasureError(f"{shown} needs Python {needed}, this is {here}: run another one's harness")
    return declared
