"""The store: runs, records and raw samples over SQLAlchemy Core, SQLite unless asked otherwise."""

from collections import Counter
from collections.abc import Sequence
from typing import TypeVar

from sqlalchemy import Connection, delete, func, select, update

from harness.errors import CannotMeasureError, UsageError
from harness.records.environment import Environment
from harness.records.record import Record
from harness.records.run import Run, now
from harness.records.sweep import Sweep
from harness.store import tables
from harness.store.open_store import OpenStore
from harness.store.owner import alive, this_process
from harness.store.rows import (
    RUN_COLUMNS,
    end,
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


class Store(OpenStore):
    """Runs and their records. Every record is committed as its case ends.

    Raises UsageError, one line, if the URL cannot be opened or written or has a schema version that cannot be
    read; CannotMeasureError where the machine fails (a full disk).
    """

    def __init__(self, url: str | None = None, *, create: bool = True) -> None:
        """Open the store; `create` False raises CannotMeasureError if there is none yet."""
        super().__init__(url, create=create)
        self._workers: dict[str, str] = {}

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
            end(connection, tables.runs, run_id, now(), place=next_place(tables.runs))

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
