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
import os
import platform
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import Distribution
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse
from uuid import uuid4

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from harness.ab import building
from harness.ab.building import Notify, without_building
from harness.ab.requirements import installed, installed_in, pins, shown, unsatisfied, version_of
from harness.errors import CannotMeasureError, without_credentials
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
        origin=without_credentials(without_building(str(source.get("url", "")))),
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


def stand_ins(wanted: Sequence[Requirement], constraints: str, notify: Notify) -> tuple[Path, ...]:
    """The folders of libraries that go before the interpreter's own; none where it has what is wanted.

    Cached by what is wanted, the constraints, and what was missing here. Raises BuildFailedError where pip fails and
    CannotMeasureError where the requirements contradict one another.
    """
    pinned = pins(constraints)
    here = installed()
    missing = unsatisfied(wanted, pinned, here)
    if not missing:
        return ()
    interpreter = [sys.version, platform.machine(), *sorted(f"{n}=={version_of(d)}" for n, d in here.items())]
    content = [_content_of(one.url) for one in wanted if one.url is not None]
    content_of = "\n".join(
        [MADE_BY, *interpreter, constraints, *sorted(map(str, wanted)), *sorted(map(str, missing)), *content]
    )
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
            origins |= origins_in(report) if report.is_file() else {}
            _take(step, made)
        by_url |= {canonicalize_name(one.name) for one in missing if one.url is not None}
    raise CannotMeasureError(f"{names} cannot be had together with {', '.join(map(shown, wanted))}: the log is {log}")


def origins_in(report: Path) -> dict[str, Any]:
    """Where pip got each library from, by canonical name, as its own report says."""
    said = parsed_json(report.read_text())["install"]
    return {canonicalize_name(one["metadata"]["name"]): one["download_info"] for one in said}


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
    # importlib.metadata knows what is in a folder by the time of its last change, which ticks in milliseconds.
    os.utime(made, ns=(time.time_ns(), time.time_ns()))
