"""The two sides of a comparison, made ready: revisions, interpreters, or sets of libraries."""

import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.ab import libraries, revisions
from harness.ab.building import Notify
from harness.ab.version import Version
from harness.errors import UsageError, counted
from harness.git import commit_of
from harness.records.bisection import SHORT

INSTALLED = "as installed"


@dataclass(frozen=True)
class Sides:
    """Base and head, ready to be started. `notes`: what a person should know; `same`: why only noise is measured."""

    base: Version
    head: Version
    notes: tuple[str, ...] = ()
    same: str = ""


def of_revisions(base: str, head: str, checkout: Path, notify: Notify) -> Sides:
    """Two git revisions, each with the libraries that its constraints name.

    Raises UsageError for an unknown revision, BuildFailedError where one does not build, CannotMeasureError where
    one is no version of the harness, or for another Python.
    """
    commits = [commit_of(name, checkout) for name in (base, head)]
    notes = []
    changed = revisions.changes(checkout)
    if changed:
        files = counted(changed, "changed file is", "changed files are")
        notes.append(f"{files} in the checkout but in neither side: only what is committed is built")
    same = f"{base} and {head} are the same commit, {commits[0][:SHORT]}" if commits[0] == commits[1] else ""
    made = [_revision(name, commit, checkout, notify) for name, commit in zip((base, head), commits, strict=True)]
    return Sides(made[0], made[1], tuple(notes), same)


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


def _revision(name: str, commit: str, checkout: Path, notify: Notify) -> Version:
    built = revisions.built(commit, checkout, notify)
    wanted = [libraries.parsed(text) for text in built.requirements]
    return Version(
        name,
        Path(sys.executable),
        commit=commit,
        package=built.package,
        libraries=libraries.stand_ins(wanted, built.constraints, notify),
    )
