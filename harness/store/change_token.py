"""Whether a store holds something new, asked often and answered without reading what it holds."""

from sqlalchemy import func, select

from harness.store import tables
from harness.store.errors import one_line
from harness.store.store import Store

Stamp = tuple[int | str | None, ...]


def stamp(store: Store) -> Stamp:
    """Another value whenever a run or a record has come, a record is whole or a run has ended; counted by indices.

    Raises UsageError, one line, if the store cannot be read.
    """
    runs, records = tables.runs.c, tables.records.c
    counts = (
        select(func.count(runs.id), func.count(runs.finished_at), func.max(runs.started_at)),
        select(func.count(records.id), func.count(records.rounds), func.max(records.id)),
    )
    with one_line(store.url), store.engine.connect() as connection:
        return tuple(value for one in counts for value in connection.execute(one).one())
