"""Expectations brought to what a run measured, less the stated margins."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.items import AoT, InlineTable

from harness.files.reading import LARGEST_TOML_BYTES, text_of
from harness.files.writing import write
from harness.judge.gate.expectations import Expectation, Expectations, Floor, Margins, read_expectations
from harness.judge.gate.matching import has_data, is_named, matches
from harness.judge.grouped import grouped
from harness.records.labels import file_of, parameters_of
from harness.records.record import Record, Status


@dataclass(frozen=True)
class Change:
    """One limit as it was and as it is now; `entry` says which expectation's."""

    entry: str
    limit: str
    before: str
    after: str


FIRST = """\
# What is expected of these fits: 'harness gate' judges a run by this file, 'harness gate --update' sets its limits.

schema_version = 1
default_problems = []

[margins]
digits = 1.0
excess_loss = 100.0
r2 = 0.001
mse = 0.005
"""
"""A file that expects nothing yet; the margins are those of the package's own."""
DATA_CHARACTERS = 16
"""Of a hash: 64 bits, which no two files of one name share by chance."""
MEASURED = "measured less the margin"


def update_file(path: Path, records: Sequence[Record]) -> list[Change]:
    """Write the new limits of `updated` into the file, which is made if it is missing; what changed.

    Raises UsageError if it cannot be read or written.
    """
    if path.exists():
        text, expectations = text_of(path, LARGEST_TOML_BYTES), read_expectations(path)
    else:
        text, expectations = FIRST, Expectations.model_validate(tomlkit.parse(FIRST).unwrap())
    text, changes = updated(text, expectations, records)
    write(path, text)
    return changes


def updated(text: str, expectations: Expectations, records: Sequence[Record]) -> tuple[str, list[Change]]:
    """The file's text with each limit it has replaced by the worst measurement less the margin, and what changed.

    Comments and order stay. A pinned entry stays as it is, one that no record with its expected status
    matches too, and so does a limit whose quantity was not measured: an update never drops a limit.

    Records of one's own data that no entry is about get their first, and so do all where the file expects nothing yet;
    a case that failed does not: a failure is expected only if somebody writes down why.
    """
    document = tomlkit.parse(text)
    tables: Any = document.get("expect", [])  # tomlkit types every item as any item
    changes = []
    for table, entry in zip(tables, expectations.expect, strict=True):
        if entry.pinned:
            continue
        found = [record for record in _about(entry, expectations, records) if record.status in entry.status]
        for name, part, value in _limits(entry, found, expectations.margins):
            place = table[name] if part else table
            key = part or name
            if place[key] != value:
                changes.append(Change(entry.label, f"{name} {part}".strip(), str(place[key]), str(value)))
                place[key] = value
    first = list(_first_entries(expectations, records))
    if first:
        changes += [change for entry in first for change in _added(entry)]
        _append(document, first)
    return tomlkit.dumps(document), changes


def _about(entry: Expectation, expectations: Expectations, records: Sequence[Record]) -> list[Record]:
    return [
        record
        for problem in expectations.problems_of(entry)
        for solver in expectations.solvers_of(entry)
        for record in records
        if matches(entry, record, problem, solver) and has_data(entry, record)
    ]


def _first_entries(expectations: Expectations, records: Sequence[Record]) -> Iterator[dict[str, Any]]:
    """An entry a case that none is about, as TOML has it, with limits below what all of its records measured."""
    known = {record.case for entry in expectations.expect for record in _about(entry, expectations, records)}
    new = [record for record in records if record.case not in known and (record.is_own or not expectations.expect)]
    for members in grouped(new, lambda one: (one.case, one.data_sha256)).values():
        last = members[-1]
        if last.status.measured and all(record.status is last.status for record in members):
            entry = _unlimited(last)
            limits = _limits(Expectation.model_validate(entry), members, expectations.margins)
            for name, part, value in limits:
                if part:
                    entry[name][part] = value
                else:
                    entry[name] = value
            yield entry


def _unlimited(record: Record) -> dict[str, Any]:
    """What names a case, and a limit that holds whatever is measured for each quantity that it has."""
    named: dict[str, Any] = (
        {"data": record.data_sha256[:DATA_CHARACTERS]} if record.is_own else {"parameters": _parameters(record)}
    )
    options = {name: value for name, value in record.options.items() if not isinstance(value, tuple)}
    # A file is named by its path and target, by which it can be run again.
    problem = record.problem if record.is_own and file_of(record.problem)[1] else record.problem_name
    entry: dict[str, Any] = {"problem": problem, **named, "solver": record.solver, "device": record.device}
    entry |= {"options": options}
    if record.status is not Status.OK:
        entry |= {"status": record.status.value, "expected_failure": _reason(record)}
    accuracy = record.accuracy
    if record.status is Status.OK and record.optimizer is None and _finite([accuracy.digits]):
        entry["digits_min"] = 0.0
        if _finite([accuracy.standard_error_digits]):
            entry["standard_error_digits_min"] = 0.0
    if record.optimizer is not None and _finite([accuracy.excess_loss]):
        entry["excess_loss_max"] = 0.0
    entry["r2"] = {part: [0.0, 0.0] for part, value in accuracy.r2.items() if math.isfinite(value)}
    return {name: value for name, value in entry.items() if value not in ("", {})} | {"source": MEASURED}


def _parameters(record: Record) -> dict[str, float]:
    return {name: float(value) for name, value in parameters_of(record.problem)[1].items()}


def _reason(record: Record) -> str:
    """Why the case does not end as ok."""
    named = "; ".join(one.text for one in record.dependences)
    return f"the data do not determine every coefficient: {named}" if named else record.message or record.advice


def _added(entry: Mapping[str, Any]) -> Iterator[Change]:
    label = Expectation.model_validate(entry).label
    for name in ("digits_min", "standard_error_digits_min", "excess_loss_max", "status"):
        if name in entry:
            yield Change(label, name, "none", str(entry[name]))
    for part, band in entry.get("r2", {}).items():
        yield Change(label, f"r2 {part}", "none", str(band))


def _append(document: tomlkit.TOMLDocument, entries: Sequence[Mapping[str, Any]]) -> None:
    """Add tables at the end, or to an array that is written in one line."""
    tables: Any = document.get("expect")
    if not tables:
        document.pop("expect", None)
        tables = tomlkit.aot()
    for entry in entries:
        table = tomlkit.table() if isinstance(tables, AoT) else tomlkit.inline_table()
        for name, value in entry.items():
            table.add(name, _inline(value) if isinstance(value, Mapping) else value)
        tables.append(table)
    if "expect" not in document:
        document.add(tomlkit.nl())
        document.add("expect", tables)


def _inline(values: Mapping[str, Any]) -> InlineTable:
    table = tomlkit.inline_table()
    table.update(values)
    return table


def _limits(
    entry: Expectation, records: Sequence[Record], margins: Margins
) -> Iterator[tuple[str, str, float | list[float]]]:
    """Each limit of the entry that the records can set: its name, its split or '', its new value."""
    yield from _floors("digits_min", entry.digits_min, margins, [(r, r.accuracy.digits) for r in records])
    errors = [(r, r.accuracy.standard_error_digits) for r in records]
    yield from _floors("standard_error_digits_min", entry.standard_error_digits_min, margins, errors)
    excess = _finite([record.accuracy.excess_loss for record in records])
    if entry.excess_loss_max is not None and excess:
        yield "excess_loss_max", "", _rounded(max(excess) * margins.excess_loss, up=True)
    for part in entry.r2:
        values = _finite([record.accuracy.r2.get(part) for record in records])
        if values:
            low, high = min(values) - margins.r2, max(values) + margins.r2
            yield "r2", part, [_rounded(low, up=False), min(1.0, _rounded(high, up=True))]
    for part in entry.mse:
        values = _finite([record.accuracy.mse.get(part) for record in records])
        if values:
            low, high = min(values) * (1 - margins.mse), max(values) * (1 + margins.mse)
            yield "mse", part, [_rounded(low, up=False), _rounded(high, up=True)]


def _floors(
    name: str, limit: Floor | None, margins: Margins, measured: Sequence[tuple[Record, float | None]]
) -> Iterator[tuple[str, str, float]]:
    """The floor below the worst of all records, or, where it is given by problem, of each problem's."""
    groups = (
        {"": measured}
        if isinstance(limit, float)
        else {name: [one for one in measured if is_named(one[0], name)] for name in limit or ()}
    )
    for problem, members in groups.items():
        digits = _finite([value for _, value in members])
        if digits:
            yield name, problem, max(0.0, math.floor(10 * (min(digits) - margins.digits)) / 10)


def _finite(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None and math.isfinite(value)]


def _rounded(value: float, *, up: bool) -> float:
    """Outward to four significant digits, so that rounding never tightens a limit."""
    if value == 0:
        return 0.0
    unit = 10.0 ** (math.floor(math.log10(abs(value))) - 3)
    whole = math.ceil(value / unit) if up else math.floor(value / unit)
    return float(f"{whole * unit:.4g}")
