"""A PostgreSQL server of the tests' own: a new cluster in a temporary folder, spoken to over a socket in it."""

import os
import pwd
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from sqlalchemy import URL, make_url

PROGRAMS = ("initdb", "postgres")
KEEPER = str(Path(__file__).with_name("postgres_keeper.py"))
DEBIAN = Path("/usr/lib/postgresql")
"""Where Debian puts the programs of each version; they are not on PATH."""
ADMINISTRATOR = "admin"
DEADLINE_S = 120.0
"""Of a start, which takes a second: for the busiest machine."""
NUMBERS = count()


class Server(NamedTuple):
    """A running server: the folder of its socket, and its administrator's password."""

    folder: Path
    password: str

    def url(self, database: str, *, user: str = ADMINISTRATOR, password: str | None = None) -> str:
        """What a person gives as --store."""
        said = self.password if password is None else password
        made = URL.create("postgresql", user, said, database=database, query={"host": str(self.folder)})
        return made.render_as_string(hide_password=False)

    def sql(self, database: str, *statements: str) -> list[tuple[Any, ...]]:
        """What the last of the statements gives, each in a transaction of its own."""
        import psycopg

        rows: list[tuple[Any, ...]] = []
        asked = psycopg.connect(
            host=str(self.folder), user=ADMINISTRATOR, password=self.password, dbname=database, autocommit=True
        )
        with closing(asked) as connection:
            for statement in statements:
                cursor = connection.execute(statement.encode())
                rows = cursor.fetchall() if cursor.description else []
        return rows


class Database(NamedTuple):
    """An empty database of the server."""

    server: Server
    name: str

    @property
    def url(self) -> str:
        return self.server.url(self.name)

    def end_connections(self) -> None:
        """All but the one that asks, as a server does that goes down."""
        others = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        for (pid,) in self.sql(others):
            self.sql(f"SELECT pg_terminate_backend({pid}, 60000)")

    def sql(self, *statements: str) -> list[tuple[Any, ...]]:
        return self.server.sql(self.name, *statements)


@contextmanager
def running() -> Iterator[Server]:
    """A server until the end, or until this process is killed; skips, with what to install, where none is to be had."""
    pytest.importorskip("psycopg", reason="psycopg is not installed: pip install 'ls-harness[postgresql]'")
    words = [sys.executable, KEEPER, *(_program(name) for name in PROGRAMS), ADMINISTRATOR, *_unprivileged()]
    pipe = subprocess.PIPE
    # A session of its own: a terminal's Ctrl-C would reach it before the tests have let go of the server.
    with subprocess.Popen(words, text=True, start_new_session=True, stdin=pipe, stdout=pipe, stderr=pipe) as keeper:
        assert keeper.stdin is not None
        assert keeper.stdout is not None
        try:
            server = Server(Path(keeper.stdout.readline().rstrip("\n")), keeper.stdout.readline().rstrip("\n"))
            _wait_for(server, keeper)
            yield server
        finally:
            keeper.stdin.close()
            keeper.wait(DEADLINE_S)


def _program(name: str) -> str:
    places = [str(path.parent) for path in sorted(DEBIAN.glob(f"*/bin/{name}"), reverse=True)]
    found = shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), *places]))
    return found or pytest.skip(f"{name} is not here: install Debian's package postgresql, or have it on PATH")


def _unprivileged() -> tuple[str, ...]:
    """User and group that the server runs as where this is root, whom initdb and postgres refuse."""
    if os.geteuid():
        return ()
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    user = known.get("postgres") or known.get("nobody")
    if user is None:
        pytest.skip("PostgreSQL does not run as root, and there is no user postgres or nobody: make one")
    return str(user.pw_uid), str(user.pw_gid)


def _wait_for(server: Server, keeper: "subprocess.Popen[str]") -> None:
    import psycopg

    until = time.monotonic() + DEADLINE_S
    while True:
        try:
            server.sql("postgres")
        except psycopg.OperationalError:
            if keeper.poll() is not None or time.monotonic() > until:
                raise RuntimeError(keeper.stderr.read() if keeper.stderr and keeper.poll() else "no answer") from None
            time.sleep(0.05)
        else:
            return


@contextmanager
def database_of(server: Server) -> Iterator[Database]:
    """A new database, dropped at the end with whoever is still connected."""
    name = f"store_{next(NUMBERS)}"
    server.sql("postgres", f"CREATE DATABASE {name}")
    yield Database(server, name)
    server.sql("postgres", f"DROP DATABASE {name} WITH (FORCE)")


def parts_of(url: str) -> tuple[str, ...]:
    """A URL's password as it is, as it is written, and its two halves: none of it may be seen."""
    password = make_url(url).password or ""
    written = url.split(":")[2].split("@", maxsplit=1)[0]
    return (password, written, password[:8], password[-8:])
