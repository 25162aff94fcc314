"""Where a store is: a SQLite file, or a PostgreSQL database by its URL."""

from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from harness.config import config
from harness.errors import UsageError, without_password

POSTGRESQL = "postgresql+psycopg"
HOW = "name the path of a SQLite file, or postgresql://USER@HOST/DATABASE"


def store_url(text: str | None) -> str:
    """A SQLAlchemy URL: `text` if it is one, the SQLite file it names if it is a path, else what the repository says.

    Raises UsageError as `config` does, where `text` is None.
    """
    said = text or config().store
    return said if "://" in said else URL.create("sqlite", database=str(Path(said))).render_as_string()


def parsed(url: str) -> URL:
    """The URL in its parts, PostgreSQL's with the driver that is tested (SQLAlchemy before 2.1 would take another).

    Raises UsageError for what is no URL, and for databases and drivers on which the tests are not run: MySQL, for
    one, takes no key of unbounded text.
    """
    try:
        found = make_url(url)
    except (ArgumentError, ValueError):  # a port that is no number is a ValueError
        raise UsageError(f"store {url.partition('://')[0]}://...: is no URL that can be read: {HOW}") from None
    if found.drivername in ("postgresql", POSTGRESQL):
        if "@" in (found.host or ""):
            raise UsageError(f"store {without_password(url)}: an @ in a user's name or password is written %40")
        return found.set(drivername=POSTGRESQL)
    if found.get_backend_name() != "sqlite":
        raise UsageError(f"store {without_password(url)}: no store can be there: {HOW}")
    return found
