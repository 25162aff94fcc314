"""Whether a SQLite file has the shape of a store, asked before anything else of it: a file may come from anybody.

Views, triggers, virtual tables, generated columns, checks and indices of expressions are programs, which SQLite runs
when a table is read, written or checked (lang_createview.html, lang_createtrigger.html, vtab.html, gencol.html): one
need not end, and one may write what nobody measured. A store has ordinary tables and indices of columns alone.
"""

import re
import sqlite3

from sqlalchemy.dialects import sqlite

from harness.errors import UsageError
from harness.files.reading import LARGEST_JSON_BYTES
from harness.store import tables

MADE = re.compile(r"CREATE (?:UNIQUE )?(\w+)", re.IGNORECASE)
CHECKS = re.compile(r"\bCHECK\b", re.IGNORECASE)
MOST = 1000
"""Tables and indices; a store has 8 and as many."""


def secure(connection: sqlite3.Connection) -> None:
    """Let a connection trust nothing that a file says of itself, and hold no text that would fill the memory.

    security.html; SQLite itself takes texts of a gigabyte (limits.html).
    """
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LARGEST_JSON_BYTES)
    connection.execute("PRAGMA trusted_schema=OFF")
    connection.execute("PRAGMA cell_size_check=ON")


def check_shape(connection: sqlite3.Connection, url: str) -> None:
    """Raise UsageError where a file computes anything by itself, or has a table of ours with other columns.

    Only the list of what is in the file is read. Raises sqlite3.Error where it cannot be.
    """
    found = connection.execute("SELECT type, name, sql FROM sqlite_schema LIMIT ?", (MOST + 1,)).fetchall()
    if len(found) > MOST:
        raise UsageError(f"store {url}: has more than {MOST} tables and indices: no harness made it")
    for kind, name, text in found:
        made = MADE.match(text) if isinstance(text, str) else None
        said = made[1].lower() if made else "index" if text is None else "something"
        # SQLite goes by the text, whatever kind the row says.
        if said != kind or kind not in ("table", "index"):
            raise UsageError(f"store {url}: has the {said} '{name}', and a store has tables only: no harness made it")
        why = _computed_index(connection, name) if kind == "index" else _strange_table(connection, name, text)
        if why:
            raise UsageError(f"store {url}: the {kind} '{name}' {why}: no harness made it")


def _computed_index(connection: sqlite3.Connection, name: str) -> bool | str:
    computed = connection.execute("SELECT 1 FROM pragma_index_xinfo(?) WHERE cid = -2", (name,)).fetchone()
    return "computes something" if computed else ""


def _strange_table(connection: sqlite3.Connection, name: str, text: str) -> str:
    columns = connection.execute("SELECT name, type, pk, hidden FROM pragma_table_xinfo(?)", (name,)).fetchall()
    if CHECKS.search(text) or any(hidden for *_, hidden in columns):
        return "computes something"
    ours = tables.metadata.tables.get(name)
    for column, kind, key, _ in columns:
        expected = None if ours is None else ours.columns.get(column)
        if expected is not None:
            wanted = (expected.type.compile(sqlite.dialect()), expected.primary_key)
            if (kind.upper(), bool(key)) != wanted:
                return f"has another kind of column '{column}' than ours"
    return ""
