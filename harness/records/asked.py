"""Which records a person means by a problem: its name, its label, or a file with what is said of it."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from harness.problems.labels import absolute, file_of, read_label
from harness.problems.model import ANY, Model
from harness.problems.problem import FILE_SUFFIXES
from harness.records.record import Record


@dataclass(frozen=True)
class _Said:
    """What a label and the options beside it say of a problem, but for where it is from; by default nothing."""

    target: str | None = None
    weights: str | None = None
    intercept: bool = True
    features: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    missing: str | None = None

    def allows(self, other: "_Said") -> bool:
        """Whether all that is said here is so of the other too."""
        said = [one.name for one in fields(self) if getattr(self, one.name) != one.default]
        return all(getattr(self, name) == getattr(other, name) for name in said)


def _read(label: str, model: Model = ANY) -> tuple[str, _Said]:
    """The source, of a file its whole path, and what is said."""
    plain, own = read_label(label)
    file, target = file_of(plain)
    table = model.table if model.table.given() else own.table
    said = _Said(
        model.target or target or None,
        model.weights or own.weights,
        model.intercept and own.intercept,
        table.features,
        table.drop,
        table.missing,
    )
    return absolute(Path(file)) if file.lower().endswith(FILE_SUFFIXES) else file, said


def of_problem(records: Sequence[Record], named: str, model: Model = ANY) -> list[Record]:
    """The records that somebody means who names a problem and says this of it; empty where there is none.

    By label or name, with or without parameters; of a file by its path from here. What is not said may be anything,
    unless some records are of the problem with nothing more said of it: then these.
    """
    found = [one for one in records if model == ANY and named in (one.problem, one.problem_name)]
    if found:
        return found
    source, said = _read(named, model)
    near = [(one, theirs) for one in records for whose, theirs in [_read(one.problem)] if _is_from(source, whose)]
    same = [one for one, theirs in near if theirs == said]
    return same or [one for one, theirs in near if said.allows(theirs)]


def _is_from(source: str, other: str) -> bool:
    """Whether it is the same source, or one of those that are drawn by `source` with more parameters."""
    return other == source or other.startswith((f"{source}:", f"{source},"))
