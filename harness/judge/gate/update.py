"""Expectations brought to what a run measured, less the stated margins."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomlkit

from harness.files.reading import LARGEST_TOML_BYTES, text_of
from harness.files.writing import write
from harness.judge.gate.expectations import Expectation, Expectations, Floor, Margins, matches, read_expectations
from harness.records.record import Record


@dataclass(frozen=True)
class Change:
    """One limit as it was and as it is now; `entry` says which expectation's."""

    entry: str
    limit: str
    before: str
    after: str


def update_file(path: Path, records: Sequence[Record]) -> list[Change]:
    """Write the new limits of `updated` into the file; what changed. Raises UsageError if it cannot be written."""
    text, changes = updated(text_of(path, LARGEST_TOML_BYTES), read_expectations(path), records)
    write(path, text)
    return changes


def updated(text: str, expectations: Expectations, records: Sequence[Record]) -> tuple[str, list[Change]]:
    """The file's text with each limit it has replaced by the worst measurement less the margin, and what changed.

    Comments and order stay. A pinned entry stays as it is, one that no record with its expected status
    matches too, and so does a limit whose quantity was not measured: an update never drops a limit.
    """
    document = tomlkit.parse(text)
    tables: Any = document["expect"]  # tomlkit types every item as any item
    changes = []
    for table, entry in zip(tables, expectations.expect, strict=True):
        if entry.pinned:
            continue
        found = [
            record
            for problem in expectations.problems_of(entry)
            for solver in expectations.solvers_of(entry)
            for record in records
            if matches(entry, record, problem, solver) and record.status in entry.status
        ]
        for name, part, value in _limits(entry, found, expectations.margins):
            place = table[name] if part else table
            key = part or name
            if place[key] != value:
                changes.append(Change(entry.label, f"{name} {part}".strip(), str(place[key]), str(value)))
                place[key] = value
    return tomlkit.dumps(document), changes


def _limits(
    entry: Expectation, records: Sequence[Record], margins: Margins
) -> Iterator[tuple[str, str, float | list[float]]]:
    """Each limit of the entry that the records can set: its name, its split or '', its new value."""
    yield from _floors("digits_min", entry.digits_min, margins, [(r.problem_name, r.accuracy.digits) for r in records])
    errors = [(r.problem_name, r.accuracy.standard_error_digits) for r in records]
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
    name: str, limit: Floor | None, margins: Margins, measured: Sequence[tuple[str, float | None]]
) -> Iterator[tuple[str, str, float]]:
    """The floor below the worst of all records, or, where it is given by problem, of each problem's."""
    groups = (
        {"": measured} if isinstance(limit, float) else {p: [m for m in measured if m[0] == p] for p in limit or ()}
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
