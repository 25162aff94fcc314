"""Which records an expectation is about, by names, data, parameters and options, and what a run should hold."""

import math
from collections.abc import Sequence

from harness.judge.gate.expectations import Expectation, Expectations, Floor, band_of
from harness.records.labels import file_of, model_of, parameters_of
from harness.records.record import Record
from harness.records.run import Run

DRAWN = "synthetic"
"""The one problem of a run for which sizes were asked for and no problem was named."""


def is_named(record: Record, name: str) -> bool:
    """Whether an entry that names this problem means the record's, whatever its data are."""
    if not record.is_own:
        return record.problem_name == name
    path, target = file_of(record.problem)
    named, wanted = file_of(name)
    near = path == named or ("." in named and (path.endswith(f"/{named}") or named.endswith(f"/{path}")))
    at = bool(target) and near and wanted in ("", target) and model_of(record.problem)[1] == model_of(name)[1]
    return at or name in (record.problem_name, record.problem)


def is_meant(entry: Expectation, record: Record, name: str) -> bool:
    """The same, and of an entry that says which data: a file of the same content and target by another path."""
    if is_named(record, name):
        return True
    target = file_of(name)[1]
    said = bool(entry.data and target) and record.is_own and has_data(entry, record)
    return said and file_of(record.problem)[1] == target


def has_data(entry: Expectation, record: Record) -> bool:
    """Whether the record's data are those that the entry is about; it is about any unless it says which."""
    return (record.data_sha256 or record.problem_sha256).startswith(entry.data)


def floor_of(entry: Expectation, quantity: str, record: Record) -> float | None:
    """The entry's `digits_min` or `standard_error_digits_min` for a record; None: not limited there."""
    floors: Floor | None = getattr(entry, quantity)
    if not isinstance(floors, dict):
        return floors
    return next((floor for name, floor in floors.items() if is_named(record, name)), None)


def draws(entry: Expectation, label: str) -> bool:
    """Whether the problem of this label has the parameters that the entry is about, or no such ones."""
    given = parameters_of(label)[1]
    bands = ((band_of(wanted), given[name]) for name, wanted in entry.parameters.items() if name in given)
    return all(low <= _number(value) <= high for (low, high), value in bands)


def _number(text: str) -> float:
    """NaN, which is in no band, for what is no number."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def matches(entry: Expectation, record: Record, problem: str, solver: str) -> bool:
    """Whether a record is one that the entry, for this problem and solver, is about, as far as names go.

    `has_data` says whether it is of the same data.
    """
    if record.solver != solver or not is_meant(entry, record, problem):
        return False
    if not draws(entry, record.problem) or entry.device not in (None, record.device):
        return False
    return all(record.options.get(name, value) == value for name, value in entry.options.items())


def in_scope(
    expectations: Expectations, entry: Expectation, run: Run, records: Sequence[Record], problem: str, solver: str
) -> bool:
    """Whether a run should hold a record for the entry; of data of one's own, where it holds any of the same data.

    Asking for another learning rate, size, device or number of epochs than the entry is about takes
    the entry out of scope; it does not make its case vanish.
    """
    selection = run.selection
    if selection.problems is not None:
        held = {spec.partition(":")[0] for spec in selection.problems}
    elif "n" in selection.asked:
        held = {DRAWN}
    else:
        held = set(expectations.default_problems)
    held = {name + selection.model for name in held}
    own = any(record.is_own and is_meant(entry, record, problem) and has_data(entry, record) for record in records)
    if not (problem in held or own) or (selection.solvers is not None and solver not in selection.solvers):
        return False
    drawn = [label for label in {case.partition(" ")[0] for case in run.planned} if label.startswith(f"{problem}:")]
    if drawn and not any(draws(entry, label) for label in drawn):
        return False
    narrows = entry.narrows()
    return all(narrows[name] in values for name, values in selection.asked.items() if name in narrows)
