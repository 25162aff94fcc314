"""Runs, records and samples as rows of the store's tables, and back."""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import chain, zip_longest
from typing import Any

from sqlalchemy import ColumnElement, Connection, ScalarSelect, Table, func, insert, select, update

from harness.records.environment import Environment
from harness.records.record import Record
from harness.records.run import Run, Selection
from harness.records.sweep import Sweep
from harness.store import tables
from harness.timing.sampling import Samples

RUN_COLUMNS = tuple(column for column in tables.runs.c if column.name not in ("worker", "place"))
"""What runs have had in every schema version."""


def keep_environment(connection: Connection, environment: Environment) -> None:
    """Write an environment unless it is known."""
    known = select(tables.environments.c.id).where(tables.environments.c.id == environment.id)
    if connection.execute(known).first() is None:
        body = environment.model_dump_json()
        connection.execute(insert(tables.environments).values(id=environment.id, body=body))


def next_place(table: Table) -> ScalarSelect[int]:
    """The place after all that a table of runs or sweeps has."""
    return select(func.coalesce(func.max(table.c.place), 0) + 1).scalar_subquery()


def latest_of(connection: Connection, table: Table) -> str:
    """The latest date of the store's runs or sweeps; empty of none."""
    return connection.execute(select(func.max(table.c.started_at))).scalar() or ""


def place_by_date(connection: Connection, table: Table, started_at: str, latest: str) -> int | None:
    """The place of what was measured elsewhere: where its date says, or, later than `latest`, None, the last one."""
    if started_at > latest:
        return None
    earlier = select(func.coalesce(func.max(table.c.place), 0)).where(table.c.started_at <= started_at)
    return int(connection.execute(earlier).scalar_one())


def insert_with_environment(
    connection: Connection, table: Table, one: Run | Sweep, place: int | None, **columns: str
) -> None:
    """Write a run or a sweep and, unless it is known, its environment; `place`: the last by default."""
    keep_environment(connection, one.environment)
    connection.execute(
        insert(table).values(
            id=one.id,
            started_at=one.started_at,
            finished_at=one.finished_at,
            environment=one.environment.id,
            place=next_place(table) if place is None else place,
            **columns,
        )
    )


def insert_run(connection: Connection, run: Run, place: int | None = None) -> None:
    """Write a run as `insert_with_environment` does."""
    columns = {"command": run.command, "selection": run.selection.model_dump_json(), "planned": "\n".join(run.planned)}
    insert_with_environment(connection, tables.runs, run, place, **columns)


def end(connection: Connection, table: Table, key: str, finished_at: str | None, **columns: object) -> None:
    """Write down when a run or a sweep ended; nobody is at it any more."""
    idle = {} if "worker" not in table.c else {"worker": None}
    connection.execute(update(table).where(table.c.id == key).values(finished_at=finished_at, **idle, **columns))


def run_of(row: Mapping[Any, Any]) -> Run:
    """The run of a row of RUN_COLUMNS with its environment's `body`. Raises ValueError for a date that is none."""
    datetime.fromisoformat(row["started_at"])
    return Run(
        id=row["id"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        command=row["command"],
        selection=Selection.model_validate_json(row["selection"]),
        planned=tuple(filter(None, row["planned"].split("\n"))),
        environment=Environment.model_validate_json(row["body"]),
    )


def insert_body(connection: Connection, table: Table, **columns: object) -> int:
    """Write a row; its key."""
    key = connection.execute(insert(table).values(**columns)).inserted_primary_key
    assert key is not None  # noqa: S101  # an insert of one row has one
    return int(key[0])


def insert_record(connection: Connection, run_id: str, record: Record) -> int:
    """Write a record without its samples; its key."""
    return insert_body(
        connection,
        tables.records,
        run=run_id,
        case=record.case,
        problem=record.problem,
        solver=record.solver,
        status=record.status.value,
        sampling_error="",
        body=record.model_dump_json(exclude={"samples"}),
    )


def insert_samples(connection: Connection, key: int, samples: Samples) -> None:
    """Write the samples of a record and how many they are: from then on it is whole."""
    rows = [
        {"record": key, "round": i, "wall_s": wall, "cpu_s": cpu}
        for i, (wall, cpu) in enumerate(zip_longest(samples.wall_s, samples.cpu_s))
    ]
    if rows:
        connection.execute(insert(tables.samples), rows)
    whole = update(tables.records).where(tables.records.c.id == key)
    connection.execute(whole.values(rounds=len(rows), sampling_error=samples.error))


def read_records(connection: Connection, run_id: str) -> list[Record]:
    """The records of a run with their samples, in the order planned, else in that in which they came."""
    planned = connection.execute(select(tables.runs.c.planned).where(tables.runs.c.id == run_id)).scalar() or ""
    place = {case: i for i, case in enumerate(planned.split("\n"))}
    found = _read(connection, tables.records.c.run == run_id)
    return sorted(found, key=lambda record: place.get(record.case, len(place)))


def read_record(connection: Connection, key: int) -> Record:
    """One record with its samples."""
    return _read(connection, tables.records.c.id == key)[0]


def _read(connection: Connection, wanted: ColumnElement[bool]) -> list[Record]:
    """Records with their samples, in the order in which they came."""
    records, samples = tables.records.c, tables.samples.c
    rows = connection.execute(
        select(records.id, records.body, records.sampling_error).where(wanted).order_by(records.id)
    ).all()
    timed = connection.execute(
        select(samples.record, samples.wall_s, samples.cpu_s)
        .join(tables.records)
        .where(wanted)
        .order_by(samples.record, samples.round)
    ).all()
    taken: dict[int, list[tuple[float | None, float | None]]] = {}
    for key, wall, cpu in timed:
        taken.setdefault(key, []).append((wall, cpu))
    return [
        Record.model_validate_json(body).model_copy(update={"samples": samples_of(taken.get(key, ()), error)})
        for key, body, error in rows
    ]


def samples_of(timed: Sequence[tuple[float | None, float | None]], error: str) -> Samples:
    """Samples of their rows, wall and CPU seconds; where only one was measured the other is None.

    Raises ValueError for what is no number of seconds: SQLite keeps any kind of value in any column.
    """
    for value in chain.from_iterable(timed):
        if value is not None and not (isinstance(value, int | float) and math.isfinite(value)):
            raise ValueError(f"a sample of {value!r:.50} is no number of seconds")
    walls = tuple(wall for wall, _ in timed if wall is not None)
    return Samples(walls, tuple(cpu for _, cpu in timed if cpu is not None), error)
