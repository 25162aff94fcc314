"""The libraries that a version was tested with: the interpreter's own where they are those, others in front of them.

A requirement with a URL reaches pip as it was given: what an index has under the same name is another library.

A library whose version differs is installed alone into a folder that goes before the interpreter's own on sys.path,
with whatever it requires in another version than what is there. Everything else stays the same for both sides, and
nothing is installed twice: a whole environment is 1.3 GB and 40 s, scikit-learn in a folder 40 MB and a few seconds.
"""

import hashlib
import platform
import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import Distribution, distributions
from pathlib import Path
from urllib.parse import unquote, urlparse
from uuid import uuid4

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from harness.ab import building
from harness.ab.building import Notify
from harness.errors import CannotMeasureError, UsageError, without_password
from harness.files.strict_json import parsed_json
from harness.records.bisection import SHORT

MOST_PASSES = 6
"""A library's requirements are seen once it is installed: so many times, or they contradict one another."""

Installed = Mapping[str, Distribution]


def parsed(text: str) -> Requirement:
    """A requirement as pip takes it. Raises UsageError for anything else."""
    try:
        return Requirement(text)
    except InvalidRequirement:
        wanted = "as scikit-learn==1.8.0, 'name @ file:///path/to.whl' or 'name @ git+https://...'"
        raise UsageError(f"'{text}' is no requirement, {wanted}") from None


def pins(constraints: str) -> dict[str, Requirement]:
    """The constraints by canonical name. Raises CannotMeasureError naming a line that is none."""
    found: dict[str, Requirement] = {}
    for line in constraints.splitlines():
        text = line.partition("#")[0].strip()
        if text:
            try:
                pin = Requirement(text)
            except InvalidRequirement:
                raise CannotMeasureError(f"constraints.txt: '{text}' is no constraint") from None
            found[canonicalize_name(pin.name)] = pin
    return found


def installed(folders: Sequence[Path] = ()) -> dict[str, Distribution]:
    """What is installed, by canonical name: in `folders`, else in this interpreter."""
    found: dict[str, Distribution] = {}
    for distribution in distributions(path=[*map(str, folders), *sys.path]):
        name = distribution.metadata["Name"]
        if name:
            found.setdefault(canonicalize_name(name), distribution)
    return found


def unsatisfied(wanted: Iterable[Requirement], pinned: Mapping[str, Requirement], here: Installed) -> list[Requirement]:
    """Of what is wanted and whatever that requires: each library that is missing, or not as required and pinned."""
    missing: dict[str, Requirement] = {}
    seen: set[str] = set()
    waiting = [(requirement, "") for requirement in wanted]
    while waiting:
        requirement, extra = waiting.pop()
        if str(requirement) in seen or (requirement.marker and not requirement.marker.evaluate({"extra": extra})):
            continue
        seen.add(str(requirement))
        name = canonicalize_name(requirement.name)
        found = here.get(name)
        if requirement.url is not None and (found is None or origin_of(found) != requirement.url):
            missing[name] = requirement
            continue
        limits = [one for one in (requirement, pinned.get(name)) if one is not None]
        if found is None or not all(one.specifier.contains(found.version, prereleases=True) for one in limits):
            if name in missing and missing[name].url is not None:
                continue  # its version is looked at once it is installed
            earlier = [missing[name].specifier] if name in missing else []
            missing[name] = _narrowed(name, [*earlier, *(one.specifier for one in limits)])
            continue
        for extra_name in ("", *requirement.extras):
            waiting += [(Requirement(text), extra_name) for text in found.requires or ()]
    return list(missing.values())


def origin_of(found: Distribution) -> str:
    """The URL that a library was installed from (PEP 610), its revision with it; empty where it came from an index."""
    recorded = parsed_json(found.read_text("direct_url.json") or "{}")
    url = str(recorded.get("url", ""))
    vcs = recorded.get("vcs_info")
    if vcs:
        asked = vcs.get("requested_revision")
        return f"{vcs['vcs']}+{url}" + (f"@{asked}" if asked else "")
    return url


def described(name: str, folders: Sequence[Path]) -> str:
    """A library as it will be imported: name, version and, unless an index had it, where it came from and its hash."""
    found = installed(folders).get(canonicalize_name(name))
    if found is None:
        return f"{name}: not installed"
    origin = origin_of(found)
    recorded = parsed_json(found.read_text("direct_url.json") or "{}")
    commit = recorded.get("vcs_info", {}).get("commit_id", "")
    digest = recorded.get("archive_info", {}).get("hashes", {}).get("sha256", "")
    exact = f", commit {commit[:SHORT]}" if commit else f", sha256 {digest[:SHORT]}" if digest else ""
    return f"{name} {found.version}" + (f" from {without_password(origin)}{exact}" if origin else "")


def _narrowed(name: str, specifiers: Iterable[object]) -> Requirement:
    return Requirement(f"{name}{','.join(filter(None, map(str, specifiers)))}")


def stand_ins(wanted: Sequence[Requirement], constraints: str, notify: Notify) -> tuple[Path, ...]:
    """The folders of libraries that go before the interpreter's own; none where it has what is wanted.

    Cached by what is wanted, the constraints, and what was missing here. Raises BuildFailedError where pip fails and
    CannotMeasureError where the requirements contradict one another.
    """
    pinned = pins(constraints)
    missing = unsatisfied(wanted, pinned, installed())
    if not missing:
        return ()
    interpreter = [sys.version, platform.machine(), *sorted(f"{n}=={d.version}" for n, d in installed().items())]
    content = [_content_of(one.url) for one in wanted if one.url is not None]
    content_of = "\n".join([*interpreter, constraints, *sorted(map(str, wanted)), *sorted(map(str, missing)), *content])
    key = hashlib.sha256(content_of.encode()).hexdigest()[:16]
    target = building.folder("libraries") / key
    if not target.is_dir():
        log = building.folder("logs") / f"{key}.log"
        log.write_text("")
        with building.complete_folder(target) as made:
            _install(made, wanted, pinned, log, notify)
    return (target,)


def _content_of(url: str) -> str:
    """What tells the content behind a URL from an earlier one's; where only a download could, nothing ever does."""
    path = Path(unquote(urlparse(url).path))
    if url.startswith("file:") and path.is_file():
        return hashlib.sha256(path.read_bytes()).hexdigest()
    return uuid4().hex


def _install(
    made: Path, wanted: Sequence[Requirement], pinned: Mapping[str, Requirement], log: Path, notify: Notify
) -> None:
    for _ in range(MOST_PASSES):
        missing = unsatisfied(wanted, pinned, installed([made]))
        if not missing:
            return
        names = ", ".join(map(str, missing))
        notify(f"installing {names}")
        words = building.pip("install", "--no-deps", "--upgrade", "--target", str(made), *map(str, missing))
        building.logged(f"pip install {names}", words, log)
    raise CannotMeasureError(f"{names} cannot be had together with {', '.join(map(str, wanted))}: the log is {log}")
