"""What a database or its driver says when something goes wrong, as one line for a person."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import ValidationError
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from harness.errors import CannotMeasureError, HarnessError, UsageError

GO_ON = "all that was reported is kept: make room, then harness run --resume"
FULL = f"the disk is full; {GO_ON}"
LOCKED = "another process has kept it locked for minutes: end that one, then go on"
DAMAGED = "is damaged: PostgreSQL's own tools say what of it can be saved (pg_amcheck, pg_dump, a backup)"
MEANINGS: tuple[tuple[str, type[HarnessError], str], ...] = (
    ("SQLITE_FULL", CannotMeasureError, FULL),
    ("SQLITE_IOERR_WRITE", CannotMeasureError, f"the disk takes no more; {GO_ON}"),
    ("SQLITE_BUSY", CannotMeasureError, LOCKED),
    ("SQLITE_PROTOCOL", CannotMeasureError, "too many processes open it at once: start fewer, then go on"),
    ("SQLITE_READONLY", UsageError, "cannot be written to: name another --store, or change its permissions"),
    ("SQLITE_CANTOPEN", UsageError, "cannot be opened: name another --store, or a folder that can be written to"),
    ("SQLITE_NOTADB", UsageError, "is no store, or its first page is lost, and with it where everything else is"),
    ("SQLITE_CORRUPT", CannotMeasureError, "is damaged: 'harness store check' says what can be saved"),
    ("53100", CannotMeasureError, FULL),
    ("55P03", CannotMeasureError, LOCKED),
    ("42501", UsageError, "its user may not do that: its owner grants CREATE on the schema, and the tables' rights"),
    ("25006", UsageError, "cannot be written to: name another --store, or the primary server"),
    ("XX001", CannotMeasureError, DAMAGED),
    ("XX002", CannotMeasureError, DAMAGED),
)
"""By the beginning of SQLite's name for the error (rescode.html) or of PostgreSQL's SQLSTATE (errcodes-appendix):
what a person is told, and the exit code's class."""
LOST = "the connection is lost; all that was reported is kept: harness run --resume goes on"
UNREACHED = (
    "cannot be connected to: see that the server runs and can be reached, that the database is there (createdb makes"
    " it), and that user and password are right (~/.pgpass keeps one)"
)
NO_DRIVER = "its driver is not here: pip install 'ls-harness[postgresql]'"


@contextmanager
def store_errors(url: str) -> Iterator[None]:
    """Turn what a database or a driver raises into one line that names the store.

    Raises CannotMeasureError where the machine or the connection fails, UsageError for everything else.
    """
    try:
        yield
    except (SQLAlchemyError, OSError, ImportError, sqlite3.Error) as error:
        cause = getattr(error, "orig", None) or error
        lines = str(cause).splitlines() or [type(cause).__name__]
        kind, meaning = _meant(error, cause)
        raise kind(f"store {url}: {meaning} ({lines[0]})" if meaning else f"store {url}: {lines[0]}") from None


STRANGE = (ValueError, TypeError, AttributeError, LookupError, ArithmeticError, RecursionError)
"""What the models, and code that counts on them, raise of rows that no harness wrote."""


@contextmanager
def reading_errors(url: str) -> Iterator[None]:
    """The same, and what is raised of contents that no harness wrote: CannotMeasureError."""
    try:
        with store_errors(url):
            yield
    except STRANGE as error:
        what = f"holds what no harness wrote ({said_of(error)}): 'harness store check' names it"
        raise CannotMeasureError(f"store {url}: {what}") from None


def said_of(error: BaseException) -> str:
    """What is wrong, on one line."""
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        return ": ".join(filter(None, (".".join(map(str, first["loc"])), first["msg"])))
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _meant(error: Exception, cause: BaseException) -> tuple[type[HarnessError], str]:
    """The class of the error and what is to be done; nothing of that where the cause says all that is known."""
    code = getattr(cause, "sqlite_errorname", None) or getattr(cause, "sqlstate", None) or ""
    for begins, kind, meaning in MEANINGS:
        if code.startswith(begins):
            return kind, meaning
    if isinstance(error, ImportError):
        return UsageError, NO_DRIVER
    if getattr(error, "connection_invalidated", False):
        return CannotMeasureError, LOST
    if isinstance(error, OperationalError) and not isinstance(cause, sqlite3.Error) and not code:
        return CannotMeasureError, UNREACHED  # libpq gives no code for a connection that was not made
    return UsageError, ""
