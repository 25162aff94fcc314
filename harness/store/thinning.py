"""Which samples of old runs are kept: few, and the medians stay what they were."""

from collections.abc import Sequence

from sqlalchemy import Connection, delete, select, update

from harness.records.record import Record
from harness.store import tables
from harness.store.rows import insert_samples, read_record
from harness.store.store import Store
from harness.timing.sampling import Samples

PAIRS = 4
"""Ranks kept below the middle of a record's samples, and as many above."""


def thin(store: Store, run_ids: Sequence[str]) -> int:
    """Thin the records of these runs, a transaction a run; how many were not thin before.

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


def thinned(record: Record) -> Record:
    """The record with 9 of its samples by each clock, of an even number 10; of so few or fewer itself.

    In the order of their size: the least, the largest, the middle one or two, and between them evenly spaced ranks, as
    many below the middle as above. So each clock's median, least and largest are what they were, to the last bit; which
    wall time belonged to which CPU time is not kept. `thinned_from` says how many there were.
    """
    before = record.samples
    count = max(len(before.wall_s), len(before.cpu_s))
    if record.thinned_from is not None or count <= 2 * PAIRS + 2:
        return record
    samples = Samples(_kept(before.wall_s), _kept(before.cpu_s), before.error)
    return record.model_copy(update={"samples": samples, "thinned_from": count})


def _kept(values: Sequence[float]) -> tuple[float, ...]:
    count, ordered = len(values), sorted(values)
    if count <= 2 * PAIRS + 2:
        return tuple(ordered)
    middle = {(count - 1) // 2, count // 2}
    below = {round(step * min(middle) / PAIRS) for step in range(PAIRS)}
    return tuple(ordered[rank] for rank in sorted(middle | below | {count - 1 - rank for rank in below}))
