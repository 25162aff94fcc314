"""Where a store is said to be: what cannot be is one line that says what to do, and no password is ever shown."""

import json
import re
import sys
from pathlib import Path

import pytest

import harness
from harness.errors import CannotMeasureError, UsageError, without_password
from harness.report.terminal.live import Live
from harness.store.store import Store
from tests.conftest import Ended, RunCli
from tests.postgres import Database, parts_of, running
from tests.test_durability import GRID
from tests.test_store_exchange import filled

pytestmark = pytest.mark.usefixtures("in_process")

SECRET = "Pa55-w0rd"  # noqa: S105  # what must not be seen
NOWHERE = f"postgresql://me:{SECRET}@/x?host=/nonexistent"
COMMANDS = (
    ("run", *GRID),
    ("run", "--resume"),
    ("gate",),
    ("gate", "--fresh"),
    ("compare", "--by", "solver"),
    ("doctor", "--run", "newest"),
    ("history", "four_points", "numpy_lstsq"),
    ("report", "--quick", "-o", "page.html"),
    ("plot", "verdict", "-o", "a.png"),
    ("sweep", "--show"),
    ("accuracy",),
    ("store", "check"),
    ("store", "export", "a.jsonl"),
    ("store", "merge", "b.sqlite"),
)

LONG = (("gate", "--fresh"), ("accuracy",))


def one_line(ended: Ended, code: int, *pieces: str) -> None:
    assert (ended.code, ended.stdout) == (code, ""), ended
    assert ended.stderr.startswith("harness: ")
    assert ended.stderr.count("\n") == 1
    for piece in pieces:
        assert piece in ended.stderr


# No password


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://me:pw@host/db", "postgresql://me:***@host/db"),
        ("postgresql://:pw@host/db", "postgresql://:***@host/db"),
        ("postgresql://me@corp:pw@host/db", "postgresql://me@corp:***@host/db"),
        ("postgresql://me:p@w@host/db", "postgresql://me:***@host/db"),
        ("postgresql://me:p/w?#&=: w@host/db", "postgresql://me:***@host/db"),
        ("postgresql://me:pw@host:port/db", "postgresql://me:***@host:port/db"),
        ("postgresql:///db?user=me&password=pw&host=h", "postgresql:///db?user=me&password=***&host=h"),
        ("postgresql:///db?sslpassword=pw", "postgresql:///db?sslpassword=***"),
        ("--store=postgresql://me:pw@host/db", "--store=postgresql://me:***@host/db"),
        ("postgresql://me:***@host/db: write a@b", None),
        ("postgresql://me:12/pw@host/db", "postgresql://me:***@host/db"),
        ("postgresql:/me:pw pw@host/db", "postgresql:/me:***@host/db"),
        ("postgresql://h:5432/db: name another: postgresql://USER@HOST", None),
        ("postgresql://...: is no URL: write postgresql://USER@HOST", None),
        ("postgresql://me@host:5432/db", None),
        ("sqlite:////a:b@c/d.sqlite", None),
        ("results/a:b@c.sqlite", None),
    ],
)
def test_a_url_is_shown_without_its_password(text: str, shown: str | None) -> None:
    """None: as it is."""
    expected = text if shown is None else shown
    assert without_password(text) == expected
    assert without_password(expected) == expected


@pytest.mark.slow
def test_no_command_shows_or_keeps_a_password(
    database: Database, tmp_path: Path, run_cli: RunCli, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupting(_self: Live, _record: object) -> None:
        raise KeyboardInterrupt

    where = ("--store", database.url)
    words = ("--problem", "four_points", "--optimizer", "sgd", "--lr", "0.1", "--seeds", "2", "--epochs", "3")
    ended = [run_cli("run", *GRID, *where), run_cli("sweep", *words, *where)]
    ended += [run_cli(*command, *where) for command in COMMANDS if command not in LONG]
    ended += [run_cli(*command, "--json", *where) for command in (("run", *GRID), ("gate",), ("sweep", "--show"))]
    ended += [run_cli("store", "merge", database.url), run_cli("gate", database.url), run_cli("run", database.url)]
    ended += [run_cli("fit", database.url, "numpy_lstsq"), run_cli("store", "import", database.url)]
    with monkeypatch.context() as patch:
        patch.setattr(Live, "ended", interrupting)
        cut = run_cli("run", *GRID, *where)
    assert "harness run --resume" in cut.stderr
    page = (tmp_path / "page.html").read_text()
    files = [path.read_text(errors="replace") for path in tmp_path.rglob("*") if path.is_file()]
    kept = [repr(database.sql(f"SELECT * FROM {name}")) for name in ("runs", "sweeps", "records")]  # noqa: S608
    assert "postgresql://admin:***@/" in kept[0]
    assert "postgresql://admin:***@/" in page
    seen = [*(one.stdout + one.stderr for one in (*ended, cut)), page, *files, *kept]
    for secret in parts_of(database.url):
        assert not [text for text in seen if secret in text]


# What cannot be


@pytest.mark.slow
@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_server_that_is_down_is_one_line(words: tuple[str, ...], run_cli: RunCli, tmp_path: Path) -> None:
    pytest.importorskip("psycopg", reason="psycopg is not installed: pip install 'ls-harness[postgresql]'")
    filled(tmp_path / "b.sqlite").close()
    ended = run_cli(*words, "--store", NOWHERE)
    one_line(ended, 3, "postgresql://me:***@/x", "see that the server runs", "No such file or directory")
    assert SECRET not in ended.stderr


def test_a_port_where_nobody_listens_is_one_line(run_cli: RunCli) -> None:
    pytest.importorskip("psycopg", reason="psycopg is not installed: pip install 'ls-harness[postgresql]'")
    ended = run_cli("gate", "--store", f"postgresql://me:{SECRET}@127.0.0.1:1/x")
    one_line(ended, 3, "me:***@127.0.0.1:1/x", "see that the server runs", "refused")


@pytest.mark.slow
def test_a_wrong_password_a_wrong_user_and_no_database_are_one_line(database: Database, run_cli: RunCli) -> None:
    server = database.server
    wrong = {
        "password authentication failed": server.url(database.name, password=SECRET),
        'authentication failed for user "nobody"': server.url(database.name, user="nobody"),
        '"no such" does not exist': server.url("no such"),
    }
    for said, url in wrong.items():
        for words in (("run", *GRID), ("gate",), ("store", "check")):
            ended = run_cli(*words, "--store", url)
            one_line(ended, 3, said, "the database is there", "user and password are right")
            assert not [part for part in parts_of(url) if part in ended.stderr]


@pytest.mark.parametrize("scheme", ["postgres", "mysql+pymysql", "postgresql+pg8000", "mariadb", "oracle", "paper"])
def test_another_database_or_driver_is_one_line(scheme: str, run_cli: RunCli) -> None:
    ended = run_cli("gate", "--store", f"{scheme}://me:{SECRET}@desk/x")
    one_line(ended, 2, f"{scheme}://me:***@desk/x", "no store can be there: name", "postgresql://USER@HOST/DATABASE")
    assert SECRET not in ended.stderr


@pytest.mark.parametrize("rest", [f"me:{SECRET}@h:port/x", f"me:{SECRET}", f"h:{SECRET}/x", f"[me:{SECRET}"])
def test_what_is_no_url_is_one_line(rest: str, run_cli: RunCli) -> None:
    ended = run_cli("gate", "--store", f"postgresql://{rest}")
    assert (ended.code, ended.stdout, ended.stderr.count("\n")) == (2, "", 1)
    assert "is no URL" in ended.stderr
    assert SECRET not in ended.stderr


def test_an_at_sign_in_a_password_is_said_before_its_end_is_looked_up_as_a_host(run_cli: RunCli) -> None:
    ended = run_cli("gate", "--store", "postgresql://me:Pa55@w0rd@localhost/x")
    one_line(ended, 2, "is written %40")
    assert "w0rd" not in ended.stderr


def test_a_driver_that_is_not_installed_is_one_line(run_cli: RunCli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    for url in (NOWHERE, NOWHERE.replace("postgresql:", "postgresql+psycopg:")):
        ended = run_cli("gate", "--store", url)
        one_line(ended, 2, "its driver is not here: pip install 'ls-harness[postgresql]'")
        assert SECRET not in ended.stderr


# Who may do what


@pytest.mark.slow
def test_a_user_without_rights_and_one_that_only_reads(database: Database, run_cli: RunCli) -> None:
    reader = database.server.url(database.name, user=f"reader_{database.name}", password=SECRET)
    name = f"reader_{database.name}"
    database.sql(f"CREATE ROLE {name} LOGIN PASSWORD '{SECRET}'")
    try:
        one_line(run_cli("run", *GRID, "--store", reader), 2, "permission denied for schema public", "grants CREATE")
        assert run_cli("run", *GRID, "--store", database.url).code == 0
        one_line(run_cli("gate", "--store", reader), 2, "permission denied for table")
        database.sql(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {name}")
        assert run_cli("gate", "--store", reader).code in {0, 1}
        assert run_cli("store", "check", "--store", reader).code == 0
        one_line(run_cli("run", *GRID, "--store", reader), 2, "permission denied for table")
        database.sql(f"ALTER DATABASE {database.name} SET default_transaction_read_only = on")
        one_line(run_cli("run", *GRID, "--store", database.url), 2, "or the primary server", "read-only")
    finally:
        database.sql("SET default_transaction_read_only = off", f"ALTER DATABASE {database.name} RESET ALL")
        database.sql(f"DROP OWNED BY {name}", f"DROP ROLE {name}")


@pytest.mark.slow
def test_a_database_of_another_program_is_refused_and_keeps_its_tables(database: Database, run_cli: RunCli) -> None:
    database.sql("CREATE TABLE plants (name TEXT)")
    one_line(run_cli("run", *GRID, "--store", database.url), 2, "holds other tables and is no harness store")
    one_line(run_cli("gate", "--store", database.url), 3, "nothing is stored there yet")
    assert database.sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'") == [("plants",)]


# From Python


@pytest.mark.slow
def test_python_runs_loads_compares_and_judges_there(database: Database) -> None:
    made = harness.run("four_points", ["numpy_lstsq", "sklearn_tol0"], store=database.url)
    loaded = harness.load(store=database.url)
    assert loaded.equals(made)
    assert loaded.run_id == made.run_id
    assert len(harness.compare(made.run_id, by="solver", store=database.url))
    json.dumps(loaded.attrs, default=str)
    assert not [part for part in parts_of(database.url) if part in repr(loaded.attrs) + repr(loaded)]


@pytest.mark.slow
def test_python_says_the_same(database: Database) -> None:
    with pytest.raises(CannotMeasureError, match=re.escape(Store(database.url).url)) as none:
        harness.load(store=database.url)
    with pytest.raises(CannotMeasureError) as wrong:
        harness.load(store=database.server.url(database.name, password=SECRET))
    with pytest.raises(UsageError) as other:
        harness.run("four_points", ["numpy_lstsq"], store=f"mysql+pymysql://me:{SECRET}@desk/x")
    said = " ".join(str(error.value) for error in (none, wrong, other))
    assert not [part for part in (SECRET, *parts_of(database.url)) if part in said]


# Where there is no server to be had


@pytest.mark.slow
def test_a_server_that_cannot_be_had_is_a_skip_that_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("psycopg", reason="psycopg is not installed: pip install 'ls-harness[postgresql]'")
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setattr("tests.postgres.DEBIAN", Path("/nonexistent"))
    with pytest.raises(pytest.skip.Exception, match="initdb is not here: install Debian's package postgresql"):
        running().__enter__()
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(pytest.skip.Exception, match="pip install 'ls-harness\\[postgresql\\]'"):
        running().__enter__()
