"""How the store speaks to PostgreSQL, so that what holds in SQLite (store.database) holds there.

- A commit is on the server's disk before it is reported (postgresql.org, wal-async-commit: unless its
  `synchronous_commit` is off), and a transaction is there whole or not at all.
- Who writes takes one lock when it begins, which the transaction's end lets go (explicit-locking, advisory locks):
  what it then finds, and acts upon, nobody else changes. Without it, of two processes that make the tables, or keep one
  environment, the second would fail. It reads what was committed while it waited (transaction-iso, read committed).
- Who holds the lock and says nothing for BUSY_TIMEOUT_MS (a machine that lost its power) loses it with all it wrote in
  that transaction (runtime-config-client, idle_in_transaction_session_timeout); else it would be kept for hours.
- Who reads sees one state of the database (transaction-iso, repeatable read), and can write nothing.
"""

from sqlalchemy import Connection, Engine, event

WRITING = "harness_writes"
"""The execution option of a connection that is going to write."""
BUSY_TIMEOUT_MS = 120_000
"""A writer holds the lock for milliseconds, an import or a merge for the seconds that one run of it takes."""
WRITERS_LOCK = int.from_bytes(b"harness", "big")
"""The lock's key, of a database: programs that share one choose different 64-bit integers."""


def prepare(engine: Engine) -> None:
    """Let every transaction of the engine begin so."""
    event.listen(engine, "begin", _begin)


def _begin(connection: Connection) -> None:
    if not connection.get_execution_options().get(WRITING):
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        return
    connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = {BUSY_TIMEOUT_MS}")
    connection.exec_driver_sql(f"SET LOCAL idle_in_transaction_session_timeout = {BUSY_TIMEOUT_MS}")
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITERS_LOCK})")
