"""Records side by side along one axis, as ratios to a named baseline."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from operator import attrgetter

from harness.errors import CannotMeasureError, unknown
from harness.judge.medians import measurable
from harness.judge.speed.fit_times import fit_samples_s
from harness.records.content import SHOWN, contents
from harness.records.labels import file_of, model_of
from harness.records.record import Record

PREFERRED = {"solver": "numpy_lstsq", "device": "cpu", "optimizer": "sgd", "lr": "0.01"}
"""The baseline of an axis where it is there and no other is asked for; else the first in order."""


@dataclass(frozen=True)
class Row:
    """One record beside its group's baseline. Ratios are record / baseline; None where one is missing or says nothing.

    time_ratio: of whole fits in wall seconds; digits_difference: record less baseline; excess_ratio:
    of relative excess losses; epochs_to, seconds_to: of the record itself, None where censored.
    """

    group: str
    value: str
    baseline: str
    time_ratio: float | None
    digits_difference: float | None
    excess_ratio: float | None
    record: Record


def _solver(record: Record) -> str:
    shown = [f"{name}={record.options[name]}" for name in ("lr", "seed") if record.options.get(name)]
    return " ".join([record.label, *shown])


def _lr(record: Record) -> str | None:
    return str(record.options["lr"]) if "lr" in record.options else None


AXES: dict[str, Callable[[Record], str | None]] = {
    "solver": _solver,
    "device": attrgetter("device"),
    "optimizer": attrgetter("optimizer"),
    "lr": _lr,
    "size": lambda record: str(record.n),
    "threads": lambda record: str(record.threads),
}


def _group(record: Record, by: str) -> str:
    """What all records of a group share: everything but the axis (and what the axis brings with it)."""
    name = record.problem if file_of(record.problem)[1] else record.problem_name
    problem = f"{name} p={record.p}" if by == "size" else record.problem
    model = record.kind.value if by == "optimizer" else record.solver
    device = "" if by == "device" else record.device
    if record.threads > 1 and by != "threads":
        device = f"{device} threads={record.threads}"
    if by == "solver":
        return f"{problem} {device}"
    left_out = {"lr": ("lr",), "optimizer": ("momentum",)}.get(by, ())
    options = [f"{name}={value}" for name, value in record.options.items() if name not in left_out]
    return " ".join([problem, model, device, *options])


def _data(record: Record, content: Callable[[Record], str]) -> tuple[object, ...]:
    """The same for one content of one's own by whatever path, if target and model are the same."""
    target = file_of(record.problem)[1]
    if not (record.is_own and target):
        return (record.problem,)
    return (target, content(record), repr(model_of(record.problem)[1]))


def check_axis(by: str) -> None:
    """Raises UsageError for an unknown axis."""
    if by not in AXES:
        raise unknown("axis", by, AXES)


def compare(records: Sequence[Record], by: str, baseline: str | None = None) -> list[Row]:
    """Rows for every group with at least two values of the axis, ordered as recorded.

    Raises UsageError for an unknown axis or a baseline that is nowhere, CannotMeasureError if no group
    has two values to compare.
    """
    check_axis(by)
    groups: dict[str, dict[str, Record]] = {}
    content = contents(records)
    known: dict[str, set[str]] = {}
    for record in records:
        known.setdefault(record.problem, set()).add(content(record))
    first_named: dict[tuple[object, ...], str] = {}
    for record in records:
        value = AXES[by](record)
        if value is not None:
            problem = record.problem if by == "size" else first_named.setdefault(_data(record, content), record.problem)
            several = by != "size" and len(known[problem]) > 1
            data = f" (data {content(record)[:SHOWN]})" if several else ""
            members = groups.setdefault(_group(record.model_copy(update={"problem": problem}), by) + data, {})
            members[_unused(value, members)] = record
    groups = {name: members for name, members in groups.items() if len(members) > 1}
    if not groups:
        changed = [problem for problem, several in known.items() if len(several) > 1]
        raise nothing_to_compare(by, changed)
    values = dict.fromkeys(value for members in groups.values() for value in members)
    if baseline is not None and baseline not in values:
        raise unknown(f"{by} for a baseline", baseline, values)
    return [
        _row(name, value, record, *_baseline(members, by, baseline))
        for name, members in groups.items()
        for value, record in members.items()
    ]


def any_compared(rows: Sequence[Row]) -> bool:
    """Whether a row beside its baseline has any number to compare with it."""
    others = [row for row in rows if row.value != row.baseline]
    return any((row.time_ratio, row.digits_difference, row.excess_ratio) != (None, None, None) for row in others)


def nothing_to_compare(by: str, changed: Sequence[str] = ()) -> CannotMeasureError:
    """The error where no two cases differ in the axis alone; by device it says how to get them.

    `changed`: problems whose data are not the same in all of these runs.
    """
    data = f"; the data of {', '.join(changed)} changed between the runs" if changed else ""
    how = {
        "device": "; 'harness run --device all' on a machine with CUDA makes them",
        "threads": "; run the same once more with --threads 2, and compare both runs: --run ID --run ID",
    }.get(by, "")
    return CannotMeasureError(
        f"nothing to compare by {by}: the run has no two cases that differ in it alone{data}{how}"
    )


def _unused(value: str, members: dict[str, Record]) -> str:
    """The value, numbered from the second record of that value on: none replaces another."""
    numbered = (value if i == 1 else f"{value} ({i})" for i in count(1))
    return next(name for name in numbered if name not in members)


def _baseline(members: dict[str, Record], by: str, wanted: str | None) -> tuple[str, Record]:
    """The group's baseline: the one asked for, the preferred one, or the first that was measured."""
    for name in (wanted, PREFERRED.get(by)):
        if name in members:
            return name, members[name]
    timed = [name for name, record in members.items() if record.fit_s is not None]
    name = (timed or list(members))[0]
    return name, members[name]


def _row(group: str, value: str, record: Record, baseline: str, base: Record) -> Row:
    mine, theirs = record.accuracy, base.accuracy
    return Row(
        group=group,
        value=value,
        baseline=baseline,
        time_ratio=_ratio(record.fit_s, base.fit_s) if _timed(record) and _timed(base) else None,
        digits_difference=None if mine.digits is None or theirs.digits is None else mine.digits - theirs.digits,
        excess_ratio=_ratio(mine.excess_loss, theirs.excess_loss),
        record=record,
    )


def _timed(record: Record) -> bool:
    return measurable(fit_samples_s(record))


def _ratio(a: float | None, b: float | None) -> float | None:
    ratio = a / b if a is not None and b else math.nan
    return ratio if math.isfinite(ratio) else None
