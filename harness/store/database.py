"""How the store speaks to its database: SQLite's durability, and who waits for whom.

What holds in SQLite, by sqlite.org:

- A commit is on the disk before it is reported: with a write-ahead log and `synchronous=FULL` the log is synced
  at every commit (pragma.html, synchronous: under NORMAL a power cut may take the last commits back, under FULL it
  does not; a process that dies takes none back under either). So neither kill -9 nor a power cut loses what
  was reported, if the disk keeps what it says it has synced.
- A transaction is there whole or not at all (atomiccommit.html).
- Writers take the write lock when they begin (`BEGIN IMMEDIATE`, lang_transaction.html). One that began by reading
  would be refused at once, however patient, if another had written since (rescode.html, SQLITE_BUSY_SNAPSHOT).
- Who finds the lock taken waits for `BUSY_TIMEOUT_MS` (pragma.html, busy_timeout).

The same of PostgreSQL: store.postgresql.
"""

import os
import shutil
import sqlite3
import tempfile
import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event

from harness.errors import CannotMeasureError, UsageError, without_password
from harness.files.writing import beside, clear_strays
from harness.store import postgresql
from harness.store.address import parsed, store_url
from harness.store.errors import store_errors
from harness.store.postgresql import BUSY_TIMEOUT_MS, WRITING
from harness.store.shape import check_shape, secure


class NoStoreError(CannotMeasureError):
    """There is no store yet at that place."""


def sqlite_file(engine: Engine) -> Path | None:
    """The file of a SQLite database; None for one in memory, one that a file: URI names, and other databases."""
    database = engine.url.database
    if engine.dialect.name != "sqlite" or not database or database == ":memory:" or "uri" in engine.url.query:
        return None
    return Path(database)


def open_engine(url: str, *, create: bool, forgiving: bool = False) -> Engine:
    """The engine of a URL, the folders above a SQLite file made; a `forgiving` one reads what is damaged, only.

    Raises CannotMeasureError, unless `create`, where there is no file or an empty one; UsageError as `parsed` does,
    for what is no regular file, and at the first connection as `check_shape` does.
    """
    address = parsed(url)
    if address.get_backend_name() == "postgresql":
        engine = create_engine(address, pool_pre_ping=True)  # a firewall or a restart may have ended an idle connection
        postgresql.prepare(engine)
        return engine
    engine = create_engine(address)
    path = sqlite_file(engine)
    if path is not None:
        if path.exists() and not (path.is_file() or path.is_dir()):
            raise UsageError(f"store {path}: is no regular file: name another --store")
        if not create and not (path.exists() and path.stat().st_size):
            raise NoStoreError(f"{path}: no store there yet: 'harness run' makes one")
        if create:
            path.parent.mkdir(parents=True, exist_ok=True)
        elif not os.access(path.parent, os.W_OK):
            engine = _read_only(path) or engine
    shown = without_password(url)
    event.listen(engine, "connect", lambda connection, _: _prepare_sqlite(connection, shown, forgiving=forgiving))
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _read_only(path: Path) -> Engine | None:
    """An engine for a file in a folder in which SQLite can make neither a log nor a lock; None if it needs none there.

    wal.html, read-only databases: such a file is read as one that nobody changes. What only its log has is not in it:
    then it is a copy of both that is read, with SQLite's permission to take the log up.
    """
    with suppress(sqlite3.OperationalError), closing(sqlite3.connect(path)) as connection:
        connection.execute("SELECT count(*) FROM sqlite_schema")
        return None
    logs = [log for ending in ("-wal", "-journal") if (log := path.with_name(path.name + ending)).is_file()]
    if not any(log.stat().st_size for log in logs):
        return create_engine(f"sqlite:///{path.absolute().as_uri()}?mode=ro&immutable=1&uri=true")
    folder = tempfile.TemporaryDirectory(prefix="harness-store-")
    for one in (path, *logs):
        Path(shutil.copyfile(one, Path(folder.name) / one.name)).chmod(OWNERS)
    engine = create_engine(store_url(str(Path(folder.name) / path.name)))
    weakref.finalize(engine, folder.cleanup)
    return engine


def _prepare_sqlite(connection: Any, url: str, *, forgiving: bool) -> None:
    """Patience with other writers, every commit on the disk, transactions that begin where we say, and no program.

    A `forgiving` connection writes nothing, and reads a file that is shorter than it says, which SQLite else refuses
    as a whole (pragma.html, writable_schema: it goes on where it would report corruption while it reads the schema).
    """
    connection.isolation_level = None
    if forgiving:
        connection.execute("PRAGMA writable_schema=ON")
        connection.execute("PRAGMA query_only=ON")
    connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    secure(connection)
    with suppress(sqlite3.DatabaseError) if forgiving else nullcontext():
        check_shape(connection, url)


def _begin_sqlite(connection: Connection) -> None:
    """Who will write takes the lock now."""
    writes = connection.get_execution_options().get(WRITING)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def writing(engine: Engine, url: str) -> Iterator[Connection]:
    """A transaction that writes: committed at the end, else rolled back. Raises what store_errors does."""
    with store_errors(url), begin_writing(engine) as connection:
        yield connection


def begin_writing(engine: Engine) -> AbstractContextManager[Connection]:
    """A transaction that takes the writers' lock when it begins."""
    return engine.execution_options(**{WRITING: True}).begin()


def write_ahead(engine: Engine) -> None:
    """Give a SQLite file the write-ahead log, which is a property of the file; of other databases nothing."""
    if engine.dialect.name == "sqlite":
        with closing(engine.raw_connection()) as connection, closing(connection.cursor()) as cursor:
            cursor.execute("PRAGMA journal_mode=WAL")


OWNERS = 0o600
"""The mode of a store that is made: its owner's alone. SQLite gives its log, and the log's index, the file's mode."""


def make_whole(path: Path, fill: Callable[[Engine], None]) -> None:
    """Make a SQLite file appear at `path` at once, filled, unless something is there.

    It is filled under another name beside it and then linked, so that nobody ever sees a part of it and of
    several processes that make it one succeeds. Nothing is made where files have no links: `path` stays free.
    """
    if path.exists():
        clear_strays(path)
        return
    with beside(path, OWNERS) as made:
        engine = open_engine(store_url(str(made)), create=True)
        try:
            write_ahead(engine)
            fill(engine)
        finally:
            engine.dispose()  # the last connection moves the log into the file
        with suppress(OSError):  # another process was first, or there are no links: the caller looks
            path.hardlink_to(made)
        _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """A new name is on the disk once its folder has been synced (fsync(2))."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def peek_version(path: Path) -> object:
    """The schema version in a SQLite file, read without a lock, a log or any other trace; None if it shows none.

    Raises UsageError as `check_shape` does.

    What other processes have only in the log is not seen: whoever goes on reads again.
    """
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
            secure(connection)
            check_shape(connection, str(path))
            found = connection.execute("SELECT schema_version FROM meta").fetchone()
    except sqlite3.Error:
        return None
    return found[0] if found else None


Files = tuple[tuple[int, int] | None, tuple[int, int] | None]


def files_of(path: Path) -> Files:
    """Which files a store's path and its log's name now, by device and inode; None for one that is not there."""
    return _file_of(path), _file_of(path.with_name(f"{path.name}-wal"))


def _file_of(path: Path) -> tuple[int, int] | None:
    try:
        state = path.stat()
    except OSError:
        return None
    return state.st_dev, state.st_ino
