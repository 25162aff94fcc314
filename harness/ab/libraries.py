"""The libraries that a version was tested with: the interpreter's own where they are those, others in front of them.

A requirement with a URL reaches pip as it was given: what an index has under the same name is another library.

A library whose version differs is installed alone into a folder that goes before the interpreter's own on sys.path,
with whatever it requires in another version than what is there. Everything else stays the same for both sides, and
nothing is installed twice: a whole environment is 1.3 GB and 40 s, scikit-learn in a folder 40 MB and a few seconds.
"""

import base64
import csv
import hashlib
import json
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse
from uuid import uuid4

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from harness.ab import building
from harness.ab.building import Notify
from harness.errors import CannotMeasureError, UsageError, without_credentials
from harness.files.strict_json import parsed_json
from harness.records.ab import Library

MOST_PASSES = 6
"""A library's requirements are seen once it is installed: so many times, or they contradict one another."""
REPORT = "installed.json"
"""In a folder of libraries: what pip said of each (pip.pypa.io, Installation Report)."""
MADE_BY = "report 1"
"""Another text wherever what is kept of a folder changes, so that older ones are not used."""

OF_AN_INSTALL = re.compile(r"^\.\./|^bin/|\.dist-info/|\.pyc$")
"""Files that differ from one install of the same wheel to the next."""

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
    if found.marker and not found.marker.evaluate({"extra": ""}):
        raise UsageError(f"'{shown(found)}': its marker does not hold here, and nothing would be installed: drop it")
    return found


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
            if not pin.marker or pin.marker.evaluate({"extra": ""}):
                name = canonicalize_name(pin.name)
                if name in found and pin.url is None:
                    pin.specifier &= found[name].specifier
                found[name] = pin
    return found


def installed(folders: Sequence[Path] = ()) -> dict[str, Distribution]:
    """What is installed, by canonical name: in `folders`, else in this interpreter."""
    return installed_in([*folders, *map(Path, sys.path)])


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
        if str(requirement) in seen or (requirement.marker and not requirement.marker.evaluate({"extra": extra})):
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


def held(folders: Sequence[Path], asked_for: Iterable[str]) -> tuple[Library, ...]:
    """The libraries of canonical names that were asked for, then what else is in the folders, as they are imported."""
    here = installed(folders)
    report = {name: one for folder in folders for name, one in _report(folder).items()}
    others = sorted(installed_in(folders).keys() - set(asked_for))
    return tuple(_library(name, here.get(name), report.get(name)) for name in (*asked_for, *others))


def alike(base: Sequence[Library], head: Sequence[Library]) -> bool:
    """Whether two sides hold the same: each library's files, whatever it came from; of unknown ones nobody can tell."""
    one, other = ({lib.name: (lib.version, lib.files_sha256) for lib in side} for side in (base, head))
    known = all(version == "" or files for side in (one, other) for version, files in side.values())
    return known and one == other


def _library(name: str, found: Distribution | None, said: Mapping[str, Any] | None) -> Library:
    if found is None:
        return Library(name=name)
    # PEP 610; pip's report has the same of what came from an index.
    source = said or parsed_json(found.read_text("direct_url.json") or "{}")
    hashes = source.get("archive_info", {}).get("hashes", {})
    return Library(
        name=name,
        version=found.version,
        origin=without_credentials(str(source.get("url", ""))),
        commit=str(source.get("vcs_info", {}).get("commit_id", "")),
        sha256=str(hashes.get("sha256", "")),
        files_sha256=_files_sha256(found),
    )


def _files_sha256(found: Distribution) -> str:
    """Of the hashes of what is imported, by its RECORD, of the files where that has none; empty without a RECORD."""
    kept = []
    for name, said, *_ in csv.reader((found.read_text("RECORD") or "").splitlines()):
        path = Path(str(found.locate_file(name)))
        if not OF_AN_INSTALL.search(name) and (said or path.is_file()):
            kept.append((name, said.removeprefix("sha256=") or _sha256_of(path)))
    return hashlib.sha256(repr(sorted(kept)).encode()).hexdigest() if kept else ""


def _sha256_of(path: Path) -> str:
    """As a RECORD has it."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _report(folder: Path) -> dict[str, Mapping[str, Any]]:
    """By canonical name where pip got each library of a folder from."""
    path = folder / REPORT
    found: dict[str, Mapping[str, Any]] = parsed_json(path.read_text()) if path.is_file() else {}
    return found


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
    return (building.cached("libraries", content_of, lambda made, log: _install(made, wanted, pinned, log, notify)),)


def _content_of(url: str) -> str:
    """What tells the content behind a URL from an earlier one's; where only a download could, nothing ever does."""
    path = Path(unquote(urlparse(url).path))
    if url.startswith("file:") and path.is_file():
        return hashlib.sha256(path.read_bytes()).hexdigest()
    return uuid4().hex


def _install(
    made: Path, wanted: Sequence[Requirement], pinned: Mapping[str, Requirement], log: Path, notify: Notify
) -> None:
    origins: dict[str, Any] = {}
    by_url: set[str] = set()
    for _ in range(MOST_PASSES):
        missing = unsatisfied(wanted, pinned, installed([made]), by_url)
        if not missing:
            (made / REPORT).write_text(json.dumps(origins))
            return
        names = ", ".join(map(shown, missing))
        notify(f"installing {names}")
        with tempfile.TemporaryDirectory() as folder:
            report, step = Path(folder) / REPORT, Path(folder) / "step"
            step.mkdir()
            options = ("--no-deps", "--target", str(step), "--report", str(report))
            building.logged(f"pip install {names}", building.pip("install", *options, *map(str, missing)), log)
            said = parsed_json(report.read_text())["install"] if report.is_file() else []
            _take(step, made)
        origins |= {canonicalize_name(one["metadata"]["name"]): one["download_info"] for one in said}
        by_url |= {canonicalize_name(one.name) for one in missing if one.url is not None}
    raise CannotMeasureError(f"{names} cannot be had together with {', '.join(map(shown, wanted))}: the log is {log}")


def _take(step: Path, made: Path) -> None:
    """What one pass installed joins what the others did.

    pip itself replaces a folder that is there: of a namespace that several libraries share, as CUDA's libraries share
    `nvidia`, the last pass would be all that is left.
    """
    before = installed_in([made])
    for name in installed_in([step]).keys() & before.keys():
        for file in before[name].files or ():
            path = Path(str(before[name].locate_file(file)))
            if path.resolve().is_relative_to(made.resolve()):  # a script's is outside, where pip moved it from
                path.unlink(missing_ok=True)
    shutil.copytree(step, made, symlinks=True, dirs_exist_ok=True)
