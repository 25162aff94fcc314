"""What a store holds, as lines of JSON that can be handed around.

One for each run, record, sweep, cell and stretch of conditions. The first line names the format. A run's line comes
before those of its records, a sweep's before those of its cells, and what they were measured under among these.
Lines are read strictly: an unknown key, a key twice, a value of another kind, NaN written as a number and a line
longer than LONGEST_LINE_BYTES are refused, by the number of the line.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

from pydantic import ValidationError

from harness.errors import UsageError
from harness.files.strict_json import parsed_json
from harness.records.record import Kept, Record
from harness.records.run import Run
from harness.records.sweep import Cell, Sweep
from harness.store.conditions import Conditions
from harness.store.errors import said_of

LONGEST_LINE_BYTES = 32 * 2**20
"""A line is held in memory. A record's length grows with its terms, at some hundred bytes each: so many are 1e5."""


class Header(Kept):
    """The first line."""

    format: Literal["harness-store"] = "harness-store"
    version: Literal[1] = 1


class RunEntry(Kept):
    """A run with its environment."""

    run: Run


class RecordEntry(Kept):
    """A record `of` a run; not `whole` where its run was cut off before it had samples."""

    record: Record
    of: str
    whole: bool = True


class SweepEntry(Kept):
    """A sweep with its environment."""

    sweep: Sweep


class CellEntry(Kept):
    """A cell `of` a sweep."""

    cell: Cell
    of: str


class ConditionsEntry(Kept):
    """A stretch of measuring `of` a run or a sweep: what its times were taken under."""

    conditions: Conditions
    of: str


Entry = RunEntry | RecordEntry | SweepEntry | CellEntry | ConditionsEntry


def belongs_to(entry: Entry) -> str:
    """The id of the run or sweep that an entry is, or is of."""
    match entry:
        case RunEntry(run=run):
            return run.id
        case SweepEntry(sweep=sweep):
            return sweep.id
        case _:
            return entry.of


KINDS: Mapping[str, type[Header | Entry]] = {
    "format": Header,
    "run": RunEntry,
    "record": RecordEntry,
    "sweep": SweepEntry,
    "cell": CellEntry,
    "conditions": ConditionsEntry,
}
"""By the key that only this kind of line has."""


def lines_of(entries: Iterable[Entry]) -> Iterator[str]:
    """The header, then a line for each entry, without their ends."""
    yield Header().model_dump_json()
    for entry in entries:
        yield entry.model_dump_json()


def parsed(lines: Iterable[bytes], source: str) -> Iterator[Entry]:
    """The entries of lines that `lines_of` made. Raises UsageError, by line, for anything else."""
    above: list[str] = []
    number = 0
    for number, line in enumerate(lines, 1):
        where = f"{source}, line {number}"
        entry = _entry(line, where)
        if isinstance(entry, Header) != (number == 1):
            raise UsageError(f"{where}: the format is named on the first line, and only there")
        if isinstance(entry, Header):
            continue
        _check_place(entry, above, where)
        yield entry
    if not number:
        raise UsageError(f"{source}: is empty: 'harness store export' makes such files")


def _check_place(entry: Entry, above: list[str], where: str) -> None:
    """Raises UsageError for a run that comes twice, and for a record that does not follow its run."""
    match entry:
        case RunEntry() | SweepEntry():
            name = f"run {entry.run.id}" if isinstance(entry, RunEntry) else f"sweep {entry.sweep.id}"
            if name in above:
                raise UsageError(f"{where}: {name} comes twice")
            above.append(name)
        case RecordEntry() | CellEntry():
            name = f"{'run' if isinstance(entry, RecordEntry) else 'sweep'} {entry.of}"
            if above[-1:] != [name]:
                raise UsageError(f"{where}: does not follow its {name}")
        case ConditionsEntry():
            if not above or above[-1] not in (f"run {entry.of}", f"sweep {entry.of}"):
                raise UsageError(f"{where}: does not follow {entry.of}, of which it is")


def _entry(line: bytes, where: str) -> Header | Entry:
    if len(line) > LONGEST_LINE_BYTES:
        raise UsageError(f"{where}: is longer than {LONGEST_LINE_BYTES} bytes: no store of ours wrote it")
    try:
        given = parsed_json(line.decode())
        kind = next((kind for key, kind in KINDS.items() if isinstance(given, dict) and key in given), None)
        if kind is None:
            raise UsageError(f"{where}: is none of: {', '.join(KINDS)}")
        entry = kind.model_validate_json(line)
    except ValidationError as error:
        raise UsageError(f"{where}: {said_of(error)}") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{where}: cannot be read as JSON: {said_of(error)}") from None
    lost = _lost(given, json.loads(entry.model_dump_json()))
    if lost is not None:
        raise UsageError(f"{where}: {lost or 'the line'} is not as the harness writes it")
    return entry


def _lost(given: Any, taken: Any) -> str | None:
    """Where `given` says what `taken` does not: the path of the first such place; None if there is none.

    What an older harness did not know yet is in `taken` alone, with its default.
    """
    if isinstance(given, dict) and isinstance(taken, dict):
        parts = [(str(key), value, taken.get(key, _Nothing)) for key, value in given.items()]
    elif isinstance(given, list) and isinstance(taken, list) and len(given) == len(taken):
        parts = [(str(i), *pair) for i, pair in enumerate(zip(given, taken, strict=True))]
    else:
        same_kind = isinstance(given, bool) == isinstance(taken, bool)
        return None if given == taken and same_kind else ""
    for name, one, other in parts:
        inner = _lost(one, other)
        if inner is not None:
            return f"{name}.{inner}".rstrip(".")
    return None


class _Nothing:
    """Where nothing was taken."""
