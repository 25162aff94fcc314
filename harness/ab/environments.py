"""The two sides of a comparison, made ready: revisions, interpreters, or sets of libraries."""

import shutil
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import canonicalize_name

from harness.ab import libraries, project, pythons, revisions
from harness.ab import sources as sources_
from harness.ab.building import Notify
from harness.ab.requirements import asked, parsed, shown
from harness.ab.version import Version
from harness.errors import CannotMeasureError, UsageError, counted
from harness.git import commit_of, printed
from harness.records.ab import Side
from harness.records.bisection import SHORT
from harness.solvers import catalog

INSTALLED = "as installed"
UNCOMMITTED = "uncommitted changes"


@dataclass(frozen=True)
class Sides:
    """Base and head, ready to be started. `notes`: what a person should know; `same`: why only noise is measured."""

    base: Version
    head: Version
    notes: tuple[str, ...] = ()
    same: str = ""


def of_revisions(base: str, head: str | None, checkout: Path, notify: Notify) -> Sides:
    """Two git revisions of the harness, or of somebody's project; `head` None: the working tree as it is.

    A harness has the libraries that its constraints name, a project those that it requires; a project is measured by
    this harness, the same in both sides.

    Raises UsageError for an unknown revision, BuildFailedError where one does not build, CannotMeasureError where
    one cannot be built, or is for another Python, and where one is a harness and the other is none.
    """
    sources = [sources_.of_commit(commit_of(base, checkout), checkout)]
    if head is None:
        name = f"{UNCOMMITTED} on {commit_of('HEAD', checkout)[:SHORT]}"
        sources.append(sources_.of_working_tree(checkout))
    else:
        name = head
        sources.append(sources_.of_commit(commit_of(head, checkout), checkout))
    notes = []
    changed = sources_.changes(checkout)
    if changed and head is not None:
        files = counted(changed, "changed file is", "changed files are")
        notes.append(f"{files} in the checkout but in neither side: only what is committed is built; --dirty takes it")
    same = f"{base} and {name} are the same commit, {sources[0].shown}" if sources[0] == sources[1] else ""
    if not same and len({printed(checkout, "rev-parse", f"{one.commit}^{{tree}}") or one.key for one in sources}) == 1:
        same = f"{base} and {name} hold the same files"
    made = [_side(one, source, notify) for one, source in zip((base, name), sources, strict=True)]
    if (made[0].tree is None) != (made[1].tree is None):
        raise CannotMeasureError(f"{base} and {name}: one is a version of the harness, the other is none")
    return Sides(made[0], made[1], tuple(notes), same)


def imported_from(sides: Sides) -> None:
    """Let this process import the head's project too, which names the cases; nothing of a version of the harness."""
    if sides.head.tree is not None:
        sys.path[:0] = sides.head.paths


def importable(sides: Sides, places: Sequence[str]) -> None:
    """Let this process import the solvers at these places, which name the cases, where only a side has their package.

    The base's, or the head's where the base's cannot be imported. Raises CannotMeasureError where neither can.
    """
    for place in places:
        for version in (None, sides.base, sides.head):
            paths = [] if version is None else list(version.paths)
            sys.path[:0] = paths
            try:
                catalog.get(place)
                break
            except UsageError as error:
                del sys.path[: len(paths)]
                why = str(error)
        else:
            raise CannotMeasureError(f"neither here nor in base and head: {why}")


def of_interpreters(base: str, head: str) -> Sides:
    """Two interpreters as they are, each with a harness installed. Raises UsageError for one that is not there."""
    found = []
    for name in (base, head):
        path = shutil.which(name)
        if path is None:
            raise UsageError(f"no interpreter '{name}': give the path of a python that has the harness installed")
        # Not resolved: a virtual environment's python is a link, and the link is the environment.
        found.append(Version(name, Path(path).absolute()))
    same = "both sides are the same interpreter" if found[0].python == found[1].python else ""
    return Sides(found[0], found[1], same=same)


def alike(base: Side, head: Side) -> str:
    """Why two interpreters that were asked what they hold are alike as far as versions tell; empty if they are not."""
    same = base.commit is None and head.commit is None and not (base.libraries or head.libraries)
    same = same and (base.python, base.versions) == (head.python, head.versions)
    return "both sides have the same Python and the same versions of all libraries that are looked at" if same else ""


def of_libraries(base: Sequence[str], head: Sequence[str], notify: Notify) -> Sides:
    """The installed harness with two sets of libraries; an empty set is what is installed.

    Raises UsageError for what is no requirement, BuildFailedError where pip cannot install one.
    """
    wanted = [[asked(text) for text in texts] for texts in (base, head)]
    names = tuple(dict.fromkeys(canonicalize_name(one.name) for side in wanted for one in side))
    made = []
    for requirements in wanted:
        folders = libraries.stand_ins(requirements, "", notify)
        name = " ".join(map(shown, requirements)) or INSTALLED
        held = libraries.held(folders, names)
        made.append(Version(name, Path(sys.executable), libraries=folders, held=held))
    alike = libraries.alike(*(version.held for version in made))
    return Sides(made[0], made[1], same="both sides have the same libraries" if alike else "")


def of_upgrade(
    base: Sequence[str],
    head: Sequence[str],
    notify: Notify,
    *,
    python: str | None = None,
    solvers: Collection[str] = (),
) -> Sides:
    """What is installed here, or has the requirements `base`, and the same with those of `head`, or in another Python.

    `solvers`: which the other Python must have the libraries of. Raises
    CannotMeasureError for a Python that is not here, and what `of_libraries` raises.
    """
    if python is None:
        return of_libraries(base, head, notify)
    sides = of_libraries(base, (), notify)
    wanted = [asked(text) for text in head]
    return Sides(sides.base, pythons.other_python(python, wanted, solvers, notify))


def _side(name: str, source: sources_.Source, notify: Notify) -> Version:
    built = revisions.built(source, notify)
    wanted = [parsed(text) for text in built.requirements]
    folders = libraries.stand_ins(wanted, built.constraints, notify)
    names = () if built.tree is None else tuple(map(canonicalize_name, project.name_of(built.package)))
    return Version(
        name,
        Path(sys.executable),
        commit=source.commit,
        tree=built.tree,
        package=built.package,
        libraries=folders,
        held=libraries.held(folders if built.tree is None else (built.package, *folders), names),
    )
