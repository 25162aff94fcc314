"""The store: runs, records and raw samples over SQLAlchemy Core, SQLite unless asked otherwise."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, insert, inspect, select, update
from sqlalchemy.exc import SQLAlchemyError

from harness.errors import CannotMeasureError, UsageError
from harness.records import tables
from harness.records.environment import Environment
from harness.records.record import SCHEMA_VERSION, Record
from harness.records.run import Run, Selection, now
from harness.timing.sampling import Samples

DEFAULT_PATH = Path("results/harness.sqlite")
BUSY_TIMEOUT_MS = 30_000


def store_url(text: str | None) -> str:
    """A SQLAlchemy URL: `text` if it is one, the SQLite file it names if it is a path, else the default's."""
    if text and "://" in text:
        return text
    return URL.create("sqlite", database=str(Path(text) if text else DEFAULT_PATH)).render_as_string()


class Store:
    """Runs and their records. Every record is committed as its case ends.

    Raises UsageError, one line, if the URL cannot be opened or written or has another schema version.
    """

    def __init__(self, url: str | None = None, *, create: bool = True) -> None:
        """Open the store; `create` False raises CannotMeasureError if there is none yet."""
        self.url = store_url(url)
        with one_line(self.url):
            self.engine = _engine(self.url, create=create)
            present = set(inspect(self.engine).get_table_names())
            if "meta" in present:
                self._check_version()
                if create:
                    # A store made before a table was thought of gets it; one that is only read is not written to.
                    tables.metadata.create_all(self.engine)
            elif not create:
                raise CannotMeasureError(f"{self.url}: nothing is stored there yet: 'harness run' fills it")
            else:
                self._create(present)

    def _check_version(self) -> None:
        with self.engine.connect() as connection:
            found = connection.execute(select(tables.meta.c.schema_version)).scalar()
        if found != SCHEMA_VERSION:
            raise UsageError(
                f"{self.url}: its schema version is {found}, this harness has {SCHEMA_VERSION}: name another --store"
            )

    def _create(self, present: set[str]) -> None:
        if present:
            raise UsageError(f"{self.url}: holds other tables and is no harness store: name another --store")
        if self.engine.dialect.name == "sqlite":
            # The write-ahead log is a property of the file: only a store of ours is given it.
            with self.engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA journal_mode=WAL")
        with self.engine.begin() as connection:
            tables.metadata.create_all(connection)
            connection.execute(insert(tables.meta).values(schema_version=SCHEMA_VERSION))

    def start(self, run: Run) -> None:
        """Write a run that is about to begin."""
        with one_line(self.url), self.engine.begin() as connection:
            keep_environment(connection, run.environment)
            connection.execute(
                insert(tables.runs).values(
                    id=run.id,
                    started_at=run.started_at,
                    command=run.command,
                    selection=run.selection.model_dump_json(),
                    planned="\n".join(run.planned),
                    environment=run.environment.id,
                )
            )

    def finish(self, run_id: str) -> None:
        """Mark a run as having gone through all its cases."""
        with one_line(self.url), self.engine.begin() as connection:
            connection.execute(update(tables.runs).where(tables.runs.c.id == run_id).values(finished_at=now()))

    def add(self, run_id: str, record: Record) -> int:
        """Write a record whose samples are still to come; its key for add_samples."""
        with one_line(self.url), self.engine.begin() as connection:
            done = connection.execute(
                insert(tables.records).values(
                    run=run_id,
                    case=record.case,
                    problem=record.problem,
                    solver=record.solver,
                    status=record.status.value,
                    sampling_error="",
                    body=record.model_dump_json(exclude={"samples"}),
                )
            )
            key = done.inserted_primary_key
        assert key is not None  # noqa: S101  # an insert of one row has one
        return int(key[0])

    def add_samples(self, key: int, samples: Samples) -> None:
        """Write the raw samples of a record."""
        rows = [
            {"record": key, "round": i, "wall_s": wall, "cpu_s": cpu}
            for i, (wall, cpu) in enumerate(zip_longest(samples.wall_s, samples.cpu_s))
        ]
        with one_line(self.url), self.engine.begin() as connection:
            if rows:
                connection.execute(insert(tables.samples), rows)
            if samples.error:
                connection.execute(
                    update(tables.records).where(tables.records.c.id == key).values(sampling_error=samples.error)
                )

    def runs(self) -> list[Run]:
        """Every run, oldest first."""
        joined = (
            select(tables.runs, tables.environments.c.body)
            .join(tables.environments)
            .order_by(tables.runs.c.started_at, tables.runs.c.id)
        )
        with one_line(self.url), self.engine.connect() as connection:
            return [_run(row) for row in connection.execute(joined).mappings()]

    def run(self, run_id: str | None = None) -> Run:
        """The run of that id, or the newest. Raises CannotMeasureError without any, UsageError for an unknown id."""
        runs = self.runs()
        if run_id is None:
            if not runs:
                raise CannotMeasureError(f"{self.url}: no run is stored there yet: 'harness run' makes one")
            return runs[-1]
        for run in runs:
            if run.id == run_id:
                return run
        newest = f"the newest is {runs[-1].id}" if runs else "it holds none"
        raise UsageError(f"no run '{run_id}' in {self.url}: {newest}")

    def records(self, run_id: str) -> list[Record]:
        """The records of a run with their samples, in the order they ended."""
        with one_line(self.url), self.engine.connect() as connection:
            rows = connection.execute(
                select(tables.records.c.id, tables.records.c.body, tables.records.c.sampling_error)
                .where(tables.records.c.run == run_id)
                .order_by(tables.records.c.id)
            ).all()
            timed = connection.execute(
                select(tables.samples.c.record, tables.samples.c.wall_s, tables.samples.c.cpu_s)
                .join(tables.records)
                .where(tables.records.c.run == run_id)
                .order_by(tables.samples.c.record, tables.samples.c.round)
            ).all()
        walls: dict[int, list[float]] = {}
        cpus: dict[int, list[float]] = {}
        for key, wall, cpu in timed:
            if wall is not None:
                walls.setdefault(key, []).append(wall)
            if cpu is not None:
                cpus.setdefault(key, []).append(cpu)
        return [
            Record.model_validate_json(body).model_copy(
                update={"samples": Samples(tuple(walls.get(key, ())), tuple(cpus.get(key, ())), error)}
            )
            for key, body, error in rows
        ]


def keep_environment(connection: Connection, environment: Environment) -> None:
    """Write an environment unless it is known."""
    known = select(tables.environments.c.id).where(tables.environments.c.id == environment.id)
    if connection.execute(known).first() is None:
        body = environment.model_dump_json()
        connection.execute(insert(tables.environments).values(id=environment.id, body=body))


def _run(row: Any) -> Run:
    return Run(
        id=row["id"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        command=row["command"],
        selection=Selection.model_validate_json(row["selection"]),
        planned=tuple(filter(None, row["planned"].split("\n"))),
        environment=Environment.model_validate_json(row["body"]),
    )


def _engine(url: str, *, create: bool) -> Engine:
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":
        database = engine.url.database
        if database and database != ":memory:":
            path = Path(database)
            if not create and not (path.exists() and path.stat().st_size):
                raise CannotMeasureError(f"{path}: no store there yet: 'harness run' makes one")
            if create:
                path.parent.mkdir(parents=True, exist_ok=True)
        event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    """Patience with other writers, and every commit on the disk."""
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


@contextmanager
def one_line(url: str) -> Iterator[None]:
    """Turn what a database or a driver raises into one line that names the store."""
    try:
        yield
    except (SQLAlchemyError, OSError, ImportError) as error:
        cause = getattr(error, "orig", None) or error
        raise UsageError(f"store {url}: {str(cause).splitlines()[0]}") from None
