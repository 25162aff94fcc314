"""A store's database, open: made or checked, read and written in transactions."""

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Column, Connection, Engine, Table, insert, inspect

from harness.errors import CannotMeasureError, UsageError, without_password
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


class OpenStore:
    """The database of a store; `started`: the ids of the runs and sweeps that this process measures."""

    def __init__(self, url: str | None = None, *, create: bool = True) -> None:
        """Open the store; `create` False raises CannotMeasureError if there is none yet."""
        address = store_url(url)
        self.url = without_password(address)  # for people
        self.started: set[str] = set()
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

    def order_of(self, table: Table) -> list[Column[Any]]:
        """By what runs or sweeps are in order; a store of an older version, which is only read, has their dates."""
        return [*([table.c.place] if self.has_places else []), table.c.started_at, table.c.id]

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that reads one state of the store; raises as reading_errors does."""
        with reading_errors(self.url), self.engine.connect() as connection:
            yield connection


def _fill(engine: Engine) -> None:
    """The tables of an empty database, unless another process has made them meanwhile."""
    with begin_writing(engine) as connection:
        if not inspect(connection).has_table(tables.meta.name):
            tables.metadata.create_all(connection)
            connection.execute(insert(tables.meta).values(schema_version=VERSION))
