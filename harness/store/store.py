"""The store: runs, records and raw samples over SQLAlchemy Core, SQLite unless asked otherwise."""

import weakref
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy import Column, Connection, Engine, Table, delete, func, insert, inspect, select, update

from harness.errors import CannotMeasureError, UsageError, without_password
from harness.records.environment import Environment
from harness.records.record import Record
from harness.records.run import Run, now
from harness.records.sweep import Sweep
from harness.store import tables
from harness.store.address import store_url
from harness.store.database import (
    Files,
    begin_writing,
    files_of,
    make_whole,
    open_engine,
    peek_version,
    sqlite_file,
    write_ahead,
    writing,
)
from harness.store.errors import reading_errors, store_errors
from harness.store.migrations import VERSION, check_version, migrate, version_of
from harness.store.owner import alive, this_process
from harness.store.rows import (
    RUN_COLUMNS,
    insert_record,
    insert_run,
    insert_samples,
    latest_of,
    next_place,
    place_by_date,
    read_records,
    run_of,
)
from harness.timing.sampling import Samples

ChangeToken = tuple[int | str | None, ...]
Stored = TypeVar("Stored", Run, Sweep)


class Store:
    """Runs and their records. Every record is committed as its case ends.

    `started`: the ids of the runs and sweeps that this process measures.

    Raises UsageError, one line, if the URL cannot be opened or written or has a schema version that cannot be
    read; CannotMeasureError where the machine fails (a full disk).
    """

    def __init__(self, url: str | None = None, *, create: bool = True) -> None:
        """Open the store; `create` False raises CannotMeasureError if there is none yet."""
        address = store_url(url)
        self.url = without_password(address)  # for people
        self.started: set[str] = set()
        self._workers: dict[str, str] = {}
        self._files: Files | None = None
        with store_errors(self.url):
            self.engine = open_engine(address, create=create)
            try:
                self._prepare(create=create)
            except BaseException:
                self.engine.dispose()  # no log is left beside a file that is not ours
                raise
        weakref.finalize(self, self.engine.dispose)  # a command ends without close(), of which Python 3.13 warns

    def close(self) -> None:
        """Let go of the database; the store opens it again when it is next used."""
        self._files = None
        self.engine.dispose()

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that writes; raises as store_errors does.

        Raises CannotMeasureError where the file is no longer the one that was opened: what is written to it is lost
        once this process ends, and what `started` measured is written beside it first.
        """
        self._check_there()
        with writing(self.engine, self.url) as connection:
            yield connection
        self._check_there(with_log=True)

    def _check_there(self, *, with_log: bool = False) -> None:
        """Its log is there as long as a connection is open, which one is after a transaction."""
        path = sqlite_file(self.engine)
        if path is None:
            return
        before, now_there = self._files or files_of(path), files_of(path)
        self._files = (before[0], before[1] or now_there[1])
        replaced = now_there[0] != before[0]
        if replaced or (with_log and before[1] is not None and now_there[1] is None):
            from harness.store.rescue import rescued

            how = "deleted" if now_there[0] is None else "replaced" if replaced else "robbed of its log"
            raise CannotMeasureError(f"store {self.url}: was {how} while it was written to: {rescued(self, path)}")

    def _prepare(self, *, create: bool) -> None:
        """Make the tables, or check and, if it may be written to, migrate those that are there."""
        path = sqlite_file(self.engine)
        if path is not None:
            found = peek_version(path)
            if found is not None:
                check_version(found, self.url)
            if create:
                make_whole(path, _fill)  # clears what a process that was killed has left, too
        present = set(inspect(self.engine).get_table_names())
        if "meta" not in present:
            if not create:
                raise CannotMeasureError(f"{self.url}: nothing is stored there yet: 'harness run' fills it")
            if present:
                raise UsageError(f"{self.url}: holds other tables and is no harness store: name another --store")
            write_ahead(self.engine)
            _fill(self.engine)
            self.has_places = True
            return
        with self.engine.connect() as connection:
            found = version_of(connection)
        check_version(found, self.url)
        self.has_places = create or found == VERSION
        if create and (found != VERSION or not present.issuperset(tables.metadata.tables)):
            with self.write() as connection:
                migrate(connection, self.url)
                tables.metadata.create_all(connection)

    def start(self, run: Run) -> None:
        """Write a run that is about to begin, or take one up that is there and was cut off.

        From then on nobody who had it before can add to it; its records that waited for samples are made again.
        Raises UsageError if it has finished, or another process of this machine is at it.
        """
        worker = this_process()
        with self.write() as connection:
            if not self._is_there(connection, run):
                insert_run(connection, run.model_copy(update={"finished_at": None}))
            waiting = (tables.records.c.run == run.id) & tables.records.c.rounds.is_(None)
            of_them = tables.samples.c.record.in_(select(tables.records.c.id).where(waiting))
            connection.execute(delete(tables.samples).where(of_them))
            connection.execute(delete(tables.records).where(waiting))
            begun = update(tables.runs).where(tables.runs.c.id == run.id)
            connection.execute(begun.values(worker=worker, place=next_place(tables.runs)))
        self._workers[run.id] = worker
        self.started.add(run.id)

    def _is_there(self, connection: Connection, run: Run) -> bool:
        row = connection.execute(select(tables.runs).where(tables.runs.c.id == run.id)).mappings().first()
        if row is None:
            return False
        if row["finished_at"] is not None or row["started_at"] != run.started_at:
            raise UsageError(f"{self.url}: run {run.id} is there already")
        pid = alive(row["worker"])
        if pid is not None:
            raise UsageError(f"run {run.id} is still going, in process {pid}: wait for it, or end it first")
        return True

    def _check_mine(self, connection: Connection, run_id: str) -> None:
        """Raises UsageError if another process has taken up a run that was started here."""
        mine = self._workers.get(run_id)
        at_it = select(tables.runs.c.worker).where(tables.runs.c.id == run_id)
        if mine is not None and connection.execute(at_it).scalar() != mine:
            raise UsageError(f"{self.url}: another process has taken up run {run_id}: this one stops")

    def _run_of(self, connection: Connection, key: int) -> str:
        run_id = connection.execute(select(tables.records.c.run).where(tables.records.c.id == key)).scalar()
        if run_id is None:
            raise UsageError(f"{self.url}: holds no record {key}")
        return str(run_id)

    def finish(self, run_id: str) -> None:
        """Mark a run as having gone through all its cases."""
        with self.write() as connection:
            self._check_mine(connection, run_id)
            ended = update(tables.runs).where(tables.runs.c.id == run_id)
            connection.execute(ended.values(finished_at=now(), worker=None, place=next_place(tables.runs)))

    def add(self, run_id: str, record: Record) -> int:
        """Write a record whose samples are still to come; its key for add_samples."""
        with self.write() as connection:
            self._check_mine(connection, run_id)
            return insert_record(connection, run_id, record)

    def add_samples(self, key: int, samples: Samples) -> None:
        """Write the raw samples of a record, which is whole from then on."""
        with self.write() as connection:
            self._check_mine(connection, self._run_of(connection, key))
            insert_samples(connection, key, samples)

    def revise(self, key: int, record: Record) -> None:
        """Write the record in the place of the one that `add` returned `key` for; samples are left as they are.

        A solver that was right when it was fitted may end otherwise when it is timed.
        """
        with self.write() as connection:
            self._check_mine(connection, self._run_of(connection, key))
            row = update(tables.records).where(tables.records.c.id == key)
            body = record.model_dump_json(exclude={"samples"})
            connection.execute(row.values(status=record.status.value, body=body))

    def keep(self, run: Run, records: Sequence[Record]) -> None:
        """Write a run that has ended elsewhere with all its records: all of it or nothing. Its date says its place."""
        with self.write() as connection:
            latest = latest_of(connection, tables.runs)
            insert_run(connection, run, place_by_date(connection, tables.runs, run.started_at, latest))
            for record in records:
                insert_samples(connection, insert_record(connection, run.id, record), record.samples)

    def runs(self) -> list[Run]:
        """Every run, the one last that ended last, or began last and has not ended: whatever a clock said."""
        joined = (
            select(*RUN_COLUMNS, tables.environments.c.body)
            .join_from(tables.runs, tables.environments)
            .order_by(*self.order_of(tables.runs))
        )
        with self.reading() as connection:
            return [run_of(row) for row in connection.execute(joined).mappings()]

    def environments(self) -> dict[str, Environment]:
        """Every environment that is known, by its id: those of runs and sweeps, and those of a cluster's workers."""
        with self.reading() as connection:
            rows = connection.execute(select(tables.environments.c.id, tables.environments.c.body)).all()
            return {key: Environment.model_validate_json(body) for key, body in rows}

    def order_of(self, table: Table) -> list[Column[Any]]:
        """By what runs or sweeps are in order; a store of an older version, which is only read, has their dates."""
        return [*([table.c.place] if self.has_places else []), table.c.started_at, table.c.id]

    def run(self, run_id: str | None = None) -> Run:
        """The run of that id, or the newest. Raises CannotMeasureError without any, UsageError for an unknown id."""
        return named_or_newest(self.runs(), run_id, "run", self.url)

    def records(self, run_id: str) -> list[Record]:
        """The records of a run with their samples, in the order planned, else in that in which they came."""
        with self.reading() as connection:
            return read_records(connection, run_id)

    def done(self, run_id: str) -> Counter[str]:
        """How often each case of a run is there whole, samples included (a case may have been asked for twice)."""
        whole = (tables.records.c.run == run_id) & tables.records.c.rounds.is_not(None)
        with self.reading() as connection:
            return Counter(connection.execute(select(tables.records.c.case).where(whole)).scalars())

    def worker(self, run_id: str) -> str | None:
        """The process that was last at a run; None if it has finished."""
        with self.reading() as connection:
            return connection.execute(select(tables.runs.c.worker).where(tables.runs.c.id == run_id)).scalar()

    def change_token(self) -> ChangeToken:
        """Another value whenever a run or a record has come, a record is complete or a run has ended.

        Counted by indices, without reading what the store holds. Raises UsageError if it cannot be read.
        """
        runs, records = tables.runs.c, tables.records.c
        counts = (
            select(func.count(runs.id), func.count(runs.finished_at), func.max(runs.started_at)),
            select(func.count(records.id), func.count(records.rounds), func.max(records.id)),
        )
        with self.reading() as connection:
            return tuple(value for one in counts for value in connection.execute(one).one())

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that reads one state of the store; raises as reading_errors does."""
        with reading_errors(self.url), self.engine.connect() as connection:
            yield connection


def named_or_newest(found: Sequence[Stored], wanted: str | None, kind: str, url: str) -> Stored:
    """The run or sweep of that id, or the newest. Raises as `Store.run` does."""
    if wanted is None:
        if not found:
            raise CannotMeasureError(f"{url}: no {kind} is stored there yet: 'harness {kind}' makes one")
        return found[-1]
    newest = f"the newest is {found[-1].id}" if found else "it holds none"
    named = next((one for one in found if one.id == wanted), None)
    if named is None:
        raise UsageError(f"no {kind} '{wanted}' in {url}: {newest}")
    return named


def _fill(engine: Engine) -> None:
    """The tables of an empty database, unless another process has made them meanwhile."""
    with begin_writing(engine) as connection:
        if not inspect(connection).has_table(tables.meta.name):
            tables.metadata.create_all(connection)
            connection.execute(insert(tables.meta).values(schema_version=VERSION))
