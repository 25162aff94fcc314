"""What libraries a version requires, and what of that is not installed as it is wanted."""

import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from importlib.metadata import Distribution, distributions
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from harness.errors import CannotMeasureError, UsageError, without_credentials

ARCHIVES = (".whl", ".tar.gz", ".tgz", ".zip", ".tar", ".tar.bz2", ".tar.xz", ".egg")
AS_A_FILE = "'name @ file:///path/to.whl' is that file"

Installed = Mapping[str, Distribution]


def parsed(text: str) -> Requirement:
    """A requirement as pip takes it. Raises UsageError for anything else."""
    try:
        found = Requirement(text)
    except InvalidRequirement:
        wanted = "as scikit-learn==1.8.0, 'name @ file:///path/to.whl' or 'name @ git+https://...'"
        raise UsageError(f"'{without_credentials(text)}' is no requirement, {wanted}") from None
    if found.url is None and found.name.lower().endswith(ARCHIVES):
        raise UsageError(f"'{text}' is no requirement but a file's name, which an index may have too: {AS_A_FILE}")
    return found


def asked(text: str) -> Requirement:
    """A requirement that a person asked for. Raises UsageError too where its marker would have nothing installed."""
    found = parsed(text)
    if not holds(found):
        raise UsageError(f"'{shown(found)}': its marker does not hold here, and nothing would be installed: drop it")
    return found


def holds(requirement: Requirement, extra: str = "") -> bool:
    """Whether it is one here: its marker says so, or it has none."""
    return requirement.marker is None or requirement.marker.evaluate({"extra": extra})


def shown(requirement: Requirement) -> str:
    """The requirement for people and records, without a password or token of its URL."""
    return without_credentials(str(requirement))


def pins(constraints: str) -> dict[str, Requirement]:
    """The constraints that hold here, by canonical name. Raises CannotMeasureError naming a line that is none."""
    found: dict[str, Requirement] = {}
    for line in constraints.splitlines():
        text = line.partition("#")[0].strip()
        if text:
            try:
                pin = Requirement(text)
            except InvalidRequirement:
                raise CannotMeasureError(f"constraints.txt: '{text}' is no constraint") from None
            if holds(pin):
                name = canonicalize_name(pin.name)
                if name in found and pin.url is None:
                    pin.specifier &= found[name].specifier
                found[name] = pin
    return found


def installed(folders: Sequence[Path] = ()) -> dict[str, Distribution]:
    """What is installed, by canonical name: in `folders`, else in this interpreter."""
    found = installed_in(folders)
    for place in (Path(name).absolute() for name in sys.path):
        if place.exists():
            found |= {name: one for name, one in _kept(place, place.stat().st_mtime_ns).items() if name not in found}
    return found


@cache
def _kept(place: Path, _changed_ns: int) -> Installed:
    """What is installed there, read once: of two hundred libraries that takes a tenth of a second."""
    return installed_in([place])


@cache
def version_of(found: Distribution) -> str:
    """Its version, read once."""
    return found.version


def installed_in(folders: Sequence[Path]) -> dict[str, Distribution]:
    """What is installed in `folders`, by canonical name; of one that is in several the first."""
    found: dict[str, Distribution] = {}
    for distribution in distributions(path=[*map(str, folders)]):
        name = distribution.metadata["Name"]
        if name:
            found.setdefault(canonicalize_name(name), distribution)
    return found


def unsatisfied(
    wanted: Iterable[Requirement], pinned: Mapping[str, Requirement], here: Installed, by_url: Collection[str] = ()
) -> list[Requirement]:
    """Of what is wanted and whatever that requires: each library that is missing, or not as required and pinned.

    What is wanted by a URL is missing unless it is among `by_url`, which were installed so: nothing else stands for it.
    Raises CannotMeasureError where one of these is not what another library requires: an index has other code.
    """
    missing: dict[str, Requirement] = {}
    seen: set[str] = set()
    waiting = [(requirement, "") for requirement in wanted]
    while waiting:
        requirement, extra = waiting.pop()
        if str(requirement) in seen or not holds(requirement, extra):
            continue
        seen.add(str(requirement))
        name = canonicalize_name(requirement.name)
        found, pin = here.get(name), pinned.get(name)
        source = requirement if requirement.url is not None else pin if pin and pin.url is not None else None
        if source is not None and name not in by_url:
            _check_one_url(missing.get(name), source)
            missing[name] = source
            continue
        limits = [requirement] if name in by_url or pin is None else [requirement, pin]
        if found is None or not all(one.specifier.contains(found.version, prereleases=True) for one in limits):
            if name in by_url:
                version = found.version if found else "nothing"
                raise CannotMeasureError(f"{name} {version} of its URL is not what '{shown(requirement)}' wants")
            if name not in missing or missing[name].url is None:
                earlier = [missing[name].specifier] if name in missing else []
                missing[name] = _narrowed(name, [*earlier, *(one.specifier for one in limits)])
            continue
        for extra_name in ("", *requirement.extras):
            waiting += [(Requirement(text), extra_name) for text in found.requires or ()]
    return list(missing.values())


def _check_one_url(before: Requirement | None, source: Requirement) -> None:
    if before is not None and before.url not in (None, source.url):
        raise UsageError(f"'{shown(before)}' and '{shown(source)}' are two sources of one library: give one of them")


def _narrowed(name: str, specifiers: Iterable[object]) -> Requirement:
    return Requirement(f"{name}{','.join(filter(None, map(str, specifiers)))}")
