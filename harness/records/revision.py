"""A stored record said anew: a solver that was right when it was fitted may end otherwise when it is timed."""

from sqlalchemy import update

from harness.records import tables
from harness.records.record import Record
from harness.records.store import Store, one_line


def revise(store: Store, key: int, record: Record) -> None:
    """Write the record in the place of the one that `store.add` returned `key` for; samples are left as they are.

    Raises UsageError, one line, if the store cannot be written.
    """
    row = update(tables.records).where(tables.records.c.id == key)
    with one_line(store.url), store.engine.begin() as connection:
        connection.execute(row.values(status=record.status.value, body=record.model_dump_json(exclude={"samples"})))
