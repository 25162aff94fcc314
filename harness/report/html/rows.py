"""The beginning of a record's row: what it is filtered by, and the case that it opens."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from harness.records.labels import parameters_of
from harness.records.record import Record
from harness.report.html.section import CASE


def row_of(record: Record, **more: object) -> dict[str, Any]:
    """The keys of FILTERS and CASE, then whatever else is said."""
    return {
        "solver": record.label,
        "problem": record.problem,
        "device": record.device,
        "n": record.n,
        "lr": record.options.get("lr"),
        CASE: record.case,
        **more,
    }


def names_of(records: Sequence[Record]) -> dict[str, str]:
    """A name for each case: the solver's label, the device where it is another than the CPU, and what tells it apart.

    That are the options in which the solver's cases on one problem and device differ: the learning rate, the dtype.
    """
    values: dict[tuple[str, str, str, str], set[object]] = defaultdict(set)
    for record in records:
        for option, value in record.options.items():
            values[record.label, record.problem, record.device, option].add(value)
    differs = {(label, option) for (label, _, _, option), found in values.items() if len(found) > 1}
    return {
        record.case: " ".join(
            [record.label, *([] if record.device == "cpu" else [record.device])]
            + [f"{name} {value}" for name, value in record.options.items() if (record.label, name) in differs]
        )
        for record in records
    }


def short_problems(labels: Iterable[str]) -> dict[str, str]:
    """A short name for each problem's label: of a generator's parameters those in which its problems here differ.

    `synthetic:n=1000,p=10,seed=0` is `synthetic n=1000` beside `synthetic:n=10000,p=10,seed=0`.
    """
    parts = {label: parameters_of(label) for label in dict.fromkeys(labels)}
    values: dict[tuple[str, str], set[str]] = defaultdict(set)
    for name, parameters in parts.values():
        for key, value in parameters.items():
            values[name, key].add(value)
    short = {
        label: " ".join([name, *(f"{key}={value}" for key, value in own.items() if len(values[name, key]) > 1)])
        for label, (name, own) in parts.items()
    }
    return short if len(set(short.values())) == len(short) else {label: label for label in short}
