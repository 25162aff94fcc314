"""The store's schema versions, and the step from each to the next.

| version | since | what it holds |
|---|---|---|
| 1 | the first store | environments, runs, records, samples; the tables of sweeps where one was made |
| 2 | `harness run --resume` | `records.rounds` and `runs.worker`, by which a cut-off run goes on; `conditions` |
| 3 | clocks that are set back | `runs.place` and `sweeps.place`, their order |

A store that is opened to be written to is brought to VERSION in one transaction. One that is only read is left as
it is: what readers select has been there since version 1. One of a newer version is refused, its file unchanged.
"""

from collections.abc import Callable, Mapping

from sqlalchemy import Connection, func, inspect, select, text, update

from harness.errors import UsageError
from harness.store import tables

VERSION = 3
OLDEST = 1


def version_of(connection: Connection) -> object:
    """What the store says its version is; None if it says nothing."""
    return connection.execute(select(tables.meta.c.schema_version)).scalar()


def check_version(found: object, url: str) -> None:
    """Raises UsageError unless this harness can read the version that was found."""
    if isinstance(found, int) and found > VERSION:
        raise UsageError(
            f"{url}: its schema version is {found}, this harness has {VERSION}: "
            "a newer harness made it: use that one, or name another --store"
        )
    if not isinstance(found, int) or found < OLDEST:
        raise UsageError(f"{url}: its schema version is {found}, which never was: name another --store")


def migrate(connection: Connection, url: str) -> None:
    """Bring a store to VERSION, in the caller's transaction; of two processes one waits and then finds it done.

    Raises UsageError for a version that cannot be read.
    """
    found = version_of(connection)
    check_version(found, url)
    assert isinstance(found, int)  # noqa: S101  # checked above
    for version in range(found, VERSION):
        STEPS[version](connection)
        connection.execute(update(tables.meta).values(schema_version=version + 1))


def _count_the_samples(connection: Connection) -> None:
    """From 1 to 2: how many samples each record has.

    A record without samples in a run that was cut off may have been waiting for some, or have had none to come: it
    is taken to have waited, so that a resumed run makes it again.
    """
    # A store from before there were sweeps lacks their tables, which have not changed since version 1.
    tables.metadata.create_all(connection, tables=[tables.sweeps, tables.sweep_cells])
    has_some = "EXISTS (SELECT 1 FROM samples WHERE samples.record = records.id)"
    ended = "run IN (SELECT id FROM runs WHERE finished_at IS NOT NULL)"
    counted = "(SELECT count(*) FROM samples WHERE samples.record = records.id)"
    for statement in (
        "ALTER TABLE runs ADD COLUMN worker TEXT",
        "ALTER TABLE records ADD COLUMN rounds INTEGER",
        f"UPDATE records SET rounds = {counted} WHERE sampling_error <> '' OR {has_some} OR {ended}",  # noqa: S608  # no data
    ):
        connection.execute(text(statement))


ADD_PLACES = (
    (tables.runs, "ALTER TABLE runs ADD COLUMN place INTEGER"),
    (tables.sweeps, "ALTER TABLE sweeps ADD COLUMN place INTEGER"),
)


def _give_places(connection: Connection) -> None:
    """From 2 to 3: the order of runs and of sweeps, by their dates, which are all that was kept of it."""
    for table, adding in ADD_PLACES:
        if "place" not in {column["name"] for column in inspect(connection).get_columns(table.name)}:
            connection.execute(text(adding))
        by_date = func.row_number().over(order_by=(table.c.started_at, table.c.id))
        ordered = select(table.c.id, by_date.label("place")).subquery()
        numbering = update(table).values(place=ordered.c.place).where(table.c.id == ordered.c.id)
        connection.execute(numbering)


STEPS: Mapping[int, Callable[[Connection], None]] = {1: _count_the_samples, 2: _give_places}
"""By the version that a step starts from."""
