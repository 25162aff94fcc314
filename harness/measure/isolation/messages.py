"""What a worker answers, and a case as an order names it: JSON both ways."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Literal

from pydantic import Field

from harness.measure.again import Again
from harness.measure.plan import Case
from harness.records.record import Kept, Record, Samples
from harness.records.sweep import Cell
from harness.solvers.options import Options
from harness.solvers.status import Status

News = tuple[Literal["noted", "working", "trained"], str | int]
"""What an Observer hears: the name of its method, and what it is given."""


class Answer(Kept):
    """`record`: of a fit, its samples to come; `timed`: whether there is something to time.

    `changed`: what of the process's state the solver changed; `retire`: why the worker must be replaced, if it
    must. `samples` and `again`: of the cases timed, in their order; `disturbed`: why they cannot be relied on;
    `clocks_hz`: of the devices that they were timed on. `free_bytes`: of each device's memory, after the worker had
    started it.
    `cells`: of trainings. `failed` and `status`: what was raised instead. `news`: this is no answer yet.
    """

    record: Record | None = None
    timed: bool = False
    changed: tuple[str, ...] = ()
    retire: str = ""
    samples: tuple[Samples, ...] = ()
    again: tuple[Again, ...] = ()
    disturbed: str = ""
    clocks_hz: dict[str, float] = Field(default_factory=dict)
    free_bytes: dict[str, int] = Field(default_factory=dict)
    cells: tuple[Cell, ...] = ()
    failed: str = ""
    status: Status = Status.ERROR
    news: News | None = None


def case_order(case: Case) -> dict[str, object]:
    """A case as an order names it: its solver, and every option by name."""
    options = {field.name: getattr(case.options, field.name) for field in fields(case.options)}
    return {"solver": case.solver.name, "options": options}


def options_of(given: Mapping[str, object]) -> Options:
    """The options that were said so."""
    return Options(**{name: tuple(v) if isinstance(v, list) else v for name, v in given.items()})  # type: ignore[arg-type]


def with_changes(record: Record, changed: tuple[str, ...]) -> Record:
    """The record with a warning that names what its solver changed."""
    if not changed:
        return record
    return record.model_copy(update={"warnings": tuple(dict.fromkeys((*record.warnings, changes_said(changed))))})


def changes_said(changed: tuple[str, ...]) -> str:
    """What of the process's state was changed, in a line; empty for nothing."""
    return f"StateChanged: the solver changed {', '.join(changed)}; the next case does not see it" if changed else ""
