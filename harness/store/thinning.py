"""Samples of old runs, thinned where they are."""

from collections.abc import Sequence

from sqlalchemy import Connection, delete, select, update

from harness.records.record import Record
from harness.records.thinning import thinned
from harness.store import tables
from harness.store.rows import insert_samples, read_record
from harness.store.store import Store


def thin(store: Store, run_ids: Sequence[str]) -> int:
    """Thin the records of these runs (harness.records.thinning), a transaction a run; how many were not thin before.

    Raises what Store.write and Store.reading raise.
    """
    done = 0
    for run_id in run_ids:
        with store.reading() as connection:
            wanted = [(key, new) for key, old in _records(connection, run_id) if (new := thinned(old)) is not old]
        if wanted:
            with store.write() as connection:
                for key, record in wanted:
                    _replace(connection, key, record)
            done += len(wanted)
    return done


def _records(connection: Connection, run_id: str) -> list[tuple[int, Record]]:
    of_run = (tables.records.c.run == run_id) & tables.records.c.rounds.is_not(None)
    keys = connection.execute(select(tables.records.c.id).where(of_run)).scalars().all()
    return [(key, read_record(connection, key)) for key in keys]


def _replace(connection: Connection, key: int, record: Record) -> None:
    connection.execute(delete(tables.samples).where(tables.samples.c.record == key))
    row = update(tables.records).where(tables.records.c.id == key)
    connection.execute(row.values(body=record.model_dump_json(exclude={"samples"})))
    insert_samples(connection, key, record.samples)
