"""Which runs of a store are the nights of a machine, and what harness.toml says of nights."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from harness.errors import UsageError
from harness.files.names import Name
from harness.records.record import Record
from harness.records.run import Run
from harness.store.store import Store

MOST = 100
"""Nights that are read, the newest: a season's."""


class NightlyTable(BaseModel):
    """The table `nightly` of harness.toml.

    machine: what this machine is called, whose nights are one series; its host's name by default. webhook: where a
    message is sent, as JSON, or with `slack` in Slack's form. whole: how many of the newest nights keep all samples.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    machine: Name | None = None
    webhook: Name | None = None
    slack: bool = False
    whole: int = Field(default=60, ge=1)


@dataclass(frozen=True)
class Night:
    """A run of `harness nightly` with its records."""

    run: Run
    records: tuple[Record, ...]


def runs_of(store: Store, machine: str) -> list[Run]:
    """The runs of a machine's nights, in the order of the store."""
    return [run for run in store.runs() if run.selection.machine == machine]


def night_of(store: Store, run_id: str) -> Run:
    """A night by its id. Raises UsageError for an unknown one, and for a run that is no night."""
    run = store.run(run_id)
    if not run.selection.machine:
        raise UsageError(f"run {run_id} is no night: 'harness nightly' makes them, and 'harness history' has every run")
    return run


def before(store: Store, night: Run) -> tuple[list[Run], Mapping[str, int]]:
    """The newest MOST nights of a night's machine up to that one, and how many each other machine has by then."""
    until = store.runs()
    nights = [run for run in until[: [run.id for run in until].index(night.id) + 1] if run.selection.machine]
    machine = night.selection.machine
    elsewhere = Counter(run.selection.machine for run in nights if run.selection.machine != machine)
    return [run for run in nights if run.selection.machine == machine][-MOST:], elsewhere
