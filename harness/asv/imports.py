"""What another tool measured, kept as asv keeps its results: one more file of a folder of them."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from harness.asv.formats import FORMATS, read_format
from harness.asv.imported import Imported, Number
from harness.errors import UsageError, unknown
from harness.files.names import Identifier
from harness.files.reading import json_of
from harness.files.writing import write
from harness.git import HASH, head_of, printed, resolve_commit
from harness.records.asv_listing import LISTING
from harness.records.asv_results import MACHINE
from harness.report.render.objects import dumps

COLUMNS = ("result", "params", "version", "stats_ci_99_a", "stats_ci_99_b", "samples")
"""Of those that asv writes, what the formats have."""


def import_format(
    name: str, path: Path, folder: Path, commit: str | None = None, machine: str | None = None
) -> tuple[Path, Sequence[Number]]:
    """Write a file's numbers into `folder`; the file that was written, and the numbers that are new in it.

    Numbers of the same commit, machine and format are joined. The commit is the one that is named, the file's, or that
    of the checkout around the working folder.

    Raises UsageError for an unknown format, a file that is none of it, and where nobody says which commit was measured.
    """
    if name not in FORMATS:
        raise unknown("format", name, ("asv", *FORMATS))
    imported = read_format(name, path)
    measured = _commit(imported, path, commit)
    where = _machine(imported, machine)
    target = folder / where / f"{measured[:8]}-{name}.json"
    results = _held(target, measured) | {number.name: _row(number) for number in imported.numbers}
    facts = {"machine": where, **imported.facts}
    content = {
        "commit_hash": measured,
        "env_name": name,
        "date": _date_ms(imported, measured),
        "params": facts,
        "python": imported.facts.get("python", ""),
        "requirements": {},
        "env_vars": {},
        "result_columns": COLUMNS,
        "results": results,
        "durations": {},
        "version": 2,
    }
    write(target, json.dumps(content), make_folder=True)  # NaN as asv writes it, for a skip
    if not (target.parent / MACHINE).exists():
        write(target.parent / MACHINE, dumps(facts | {"version": 1}))
    listing = folder / LISTING
    listed = json_of(listing, constants=True) if listing.is_file() else {"version": 2}
    write(listing, dumps(listed | {number.name: _listed(number) for number in imported.numbers}))
    return target, imported.numbers


def _row(number: Number) -> list[Any]:
    low, high = number.interval or (None, None)
    samples = [list(number.samples)] if number.samples else None
    ends = [None if low is None else [low], None if high is None else [high]]
    return [[number.value], [], number.version, *ends, samples]


def _listed(number: Number) -> dict[str, Any]:
    return {
        "name": number.name,
        "code": "",
        "param_names": [],
        "params": [],
        "type": "track",
        "unit": number.unit,
        "direction": number.direction,
        "version": number.version,
    }


def _held(target: Path, commit: str) -> dict[str, Any]:
    """What an earlier import of the same commit wrote."""
    if not target.is_file():
        return {}
    held = json_of(target, constants=True)
    if not isinstance(held, dict) or held.get("commit_hash") != commit or held.get("result_columns") != list(COLUMNS):
        raise UsageError(f"{target}: is there, and is none of this commit that harness import wrote")
    return dict(held["results"])


def _commit(imported: Imported, path: Path, asked: str | None) -> str:
    found = resolve_commit(asked) or imported.commit or head_of(Path())[0]
    if found is None or not HASH.fullmatch(found):
        raise UsageError(f"{path} does not say which commit was measured: add --commit")
    return found


def _machine(imported: Imported, asked: str | None) -> str:
    """The folder's name: as asked, as the file says. Raises UsageError for what names no folder."""
    name = asked or imported.machine or "unnamed"
    try:
        return TypeAdapter(Identifier).validate_python(name)
    except ValidationError:
        raise UsageError(f"the machine is called '{name}': name it with letters and digits by --machine") from None


def _date_ms(imported: Imported, commit: str) -> int:
    """The commit's by git; else as the file says; else now. Unix milliseconds."""
    committed = printed(Path(), "show", "--no-patch", "--format=%ct", commit)
    if committed is not None and committed.strip().isdigit():
        return 1000 * int(committed)
    when = imported.date or datetime.now(UTC)
    return int((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() * 1000)
