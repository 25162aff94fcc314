"""The two sides of a comparison, made ready: revisions, interpreters, or sets of libraries."""

import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.ab import libraries, project, revisions
from harness.ab import sources as sources_
from harness.ab.building import Notify
from harness.ab.version import Version
from harness.errors import CannotMeasureError, UsageError, counted
from harness.git import commit_of
from harness.records.bisection import SHORT

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
    made = [_side(one, source, notify) for one, source in zip((base, name), sources, strict=True)]
    if (made[0].tree is None) != (made[1].tree is None):
        raise CannotMeasureError(f"{base} and {name}: one is a version of the harness, the other is none")
    return Sides(made[0], made[1], tuple(notes), same)


def imported_from(sides: Sides) -> None:
    """Let this process import the head's project too, which names the cases; nothing of a version of the harness."""
    if sides.head.tree is not None:
        sys.path[:0] = sides.head.paths


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


def of_libraries(base: Sequence[str], head: Sequence[str], notify: Notify) -> Sides:
    """The installed harness with two sets of libraries; an empty set is what is installed.

    Raises UsageError for what is no requirement, BuildFailedError where pip cannot install one.
    """
    wanted = [[libraries.parsed(text) for text in texts] for texts in (base, head)]
    shown = tuple(dict.fromkeys(one.name for side in wanted for one in side))
    made = [
        Version(
            " ".join(texts) or INSTALLED,
            Path(sys.executable),
            libraries=libraries.stand_ins(requirements, "", notify),
            shown=shown,
        )
        for texts, requirements in zip((base, head), wanted, strict=True)
    ]
    held = [tuple(libraries.described(name, version.libraries) for name in shown) for version in made]
    notes = [f"{side} has {', '.join(names)}" for side, names in zip(("base", "head"), held, strict=True) if names]
    same = "both sides have the same libraries" if held[0] == held[1] else ""
    return Sides(made[0], made[1], tuple(notes), same)


def _side(name: str, source: sources_.Source, notify: Notify) -> Version:
    built = revisions.built(source, notify)
    wanted = [libraries.parsed(text) for text in built.requirements]
    return Version(
        name,
        Path(sys.executable),
        commit=source.commit,
        tree=built.tree,
        shown=() if built.tree is None else project.name_of(built.package),
        package=built.package,
        libraries=libraries.stand_ins(wanted, built.constraints, notify),
    )
