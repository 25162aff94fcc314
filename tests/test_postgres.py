"""The store in PostgreSQL: what is written is read, nothing is lost, old stores come along; to SQLite and back.

Tests of the store that hold in every database run in this one too: `any_store` (test_store.py, test_durability.py).
"""

import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path

import psutil
import pytest
from sqlalchemy import text

from harness.errors import CannotMeasureError, UsageError
from harness.records.record import HeadRow, Solution
from harness.records.sweep import Sweep
from harness.store import tables
from harness.store.migrations import VERSION
from harness.store.salvage import salvaging
from harness.store.store import ChangeToken, Store
from harness.store.sweep_store import SweepStore
from harness.timing.sampling import Samples
from tests.conftest import RunCli
from tests.history_site import Planted
from tests.old_stores import BEFORE_SWEEPS, CUT_OFF, FINISHED, SWEEPS, version_1
from tests.postgres import Database, Server
from tests.test_durability import DEADLINE_S, GRID, GRID_CASES, cut_off, python
from tests.test_store import exact
from tests.test_store_exchange import cell_of, contents, filled
from tests.writers import record_of, run_of

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("in_process")]


def everything(database: Database) -> dict[str, object]:
    """Each table with its columns, its indices and its rows."""
    names = [name for (name,) in database.sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
    shape = "SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns"
    return {
        "columns": sorted(database.sql(f"{shape} WHERE table_schema = 'public'")),
        "indices": sorted(database.sql("SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'")),
        **{name: sorted(map(repr, database.sql(f"SELECT * FROM {name}"))) for name in names},  # noqa: S608  # a table's
    }


# What is written is read


def test_whatever_is_in_names_and_numbers_comes_back(database: Database) -> None:
    noise = random.Random(0)  # noqa: S311  # a text that cannot be compressed
    long = "".join(chr(noise.randrange(0x4E00, 0x9FFF)) for _ in range(30_000))
    terms = tuple(f"x\0{i}" for i in range(100_000))
    odd = (float("nan"), float("inf"), -float("inf"), -0.0, 5e-324, 1.7976931348623157e308)
    records = [
        record_of("a").model_copy(update={"case": case, "problem": case, "message": "NUL \0, \x1b[31m, 🐘, \u202eabc"})
        for case in (long, "naïve 🐘 e\u0301 \u202e'; DROP TABLE runs; --", " ", "\\x41 %s {} $1 :name")
    ]
    solution = Solution(terms=terms, computed=(odd * 20_000)[: len(terms)])
    huge = record_of("huge").model_copy(
        update={"solution": solution, "head": (HeadRow(x=odd, y=odd[0], predicted=odd[1]),)}
    )
    records.append(huge)
    records[0] = records[0].model_copy(update={"samples": Samples((0.1, 5e-324), (1e-300, 3.0))})
    run = run_of("r", tuple(record.case for record in records))
    store = Store(database.url)
    store.keep(run, records)
    assert [exact(record) for record in store.records("r")] == [exact(record) for record in records]
    assert store.run() == run


def test_a_name_with_a_nul_is_one_line_and_nothing_of_its_run_is_kept(database: Database) -> None:
    store = Store(database.url)
    with pytest.raises(UsageError, match="NUL") as refused:
        store.keep(run_of("r", ()), [record_of("fine"), record_of("a").model_copy(update={"case": "a\0b"})])
    assert len(str(refused.value).splitlines()) == 1
    assert store.runs() == []


def test_stores_in_two_schemas_are_two(database: Database, run_cli: RunCli) -> None:
    database.sql("CREATE SCHEMA team", "CREATE TABLE plants (name TEXT)")
    url = f"{database.url}&options=-csearch_path%3Dteam"
    filled(url).close()
    assert run_cli("store", "check", "--store", url).code == 0
    with pytest.raises(UsageError, match="holds other tables"):
        Store(database.url)


def test_two_machines_have_a_series_each_and_their_old_samples_are_thinned(
    database: Database, run_cli: RunCli, tmp_path: Path
) -> None:
    (tmp_path / "harness.toml").write_text("[nightly]\nwhole = 1\n")
    planted = Planted(Store(database.url), calls=30)
    for machine in ("bench", "laptop", "bench", "laptop"):
        planted.machine = machine
        planted.launch("a" * 40, 1e-3 if machine == "bench" else 5e-3)
    runs = planted.store.runs()
    for run in runs[2:]:
        ended = run_cli("nightly", "--run", run.id, "--store", database.url)
        assert (ended.code, "compared with 1 night before" in ended.stdout) == (0, True), ended.stderr
    kept = [len(planted.store.records(run.id)[0].samples.wall_s) for run in runs]
    assert kept == [10, 10, 30, 30]


def test_whether_something_is_new_is_seen(database: Database) -> None:
    store = Store(database.url)

    def seen(change: Callable[[], object]) -> ChangeToken:
        change()
        assert store.change_token() == store.change_token()
        return store.change_token()

    changes: list[Callable[[], object]] = [
        partial(store.start, run_of("r", ("a",))),
        partial(store.add, "r", record_of("a")),
        partial(store.add_samples, 1, Samples((1.0,), (1.0,))),
        partial(store.finish, "r"),
    ]
    assert len({store.change_token(), *map(seen, changes)}) == 5


def test_a_cell_comes_once_whatever_its_problem_is_called(database: Database) -> None:
    kept = SweepStore(Store(database.url))
    environment = run_of("x", ()).environment
    kept.start(Sweep(id="s", started_at="2026-01-03", command="harness sweep", environment=environment))
    cell = cell_of(0.1).model_copy(update={"problem": random.Random(0).randbytes(20_000).hex()})  # noqa: S311
    kept.add("s", [cell, cell.model_copy(update={"problem": "another"})])
    with pytest.raises(UsageError, match="duplicate key"):
        kept.add("s", [cell_of(0.01), cell])
    assert len(kept.cells("s")) == 2


# The commands


def test_runs_are_made_shown_compared_and_judged(database: Database, run_cli: RunCli) -> None:
    where = ("--store", database.url)
    assert run_cli("run", *GRID, *where).code == 0
    store = Store(database.url, create=False)
    assert sum(store.done(store.run().id).values()) == GRID_CASES
    compared = run_cli("compare", "--by", "solver", *where)
    assert compared.code == 0
    assert "four_points" in compared.stdout
    assert run_cli("gate", *where).code in {0, 1}
    assert run_cli("doctor", "--run", "newest", *where).code == 0
    words = (
        "--problem",
        "four_points",
        "--optimizer",
        "sgd",
        "--lr",
        "0.1",
        "--seeds",
        "2",
        "--epochs",
        "3",
        "--quiet",
    )
    assert run_cli("sweep", *words, *where).code in {0, 1}
    assert "four_points" in run_cli("sweep", "--show", *where).stdout
    assert run_cli("store", "check", *where).stdout.endswith("sound\n")


def test_a_run_that_was_cut_off_goes_on(database: Database, run_cli: RunCli, monkeypatch: pytest.MonkeyPatch) -> None:
    cut_off(monkeypatch, run_cli, database.url)
    store = Store(database.url)
    first = store.records(store.run().id)
    resumed = run_cli("run", "--resume", "--store", database.url)
    assert resumed.code == 0, resumed.stderr
    assert "3 cases are there, 1" in resumed.stderr
    (run,) = store.runs()
    assert run.finished_at is not None
    assert store.records(run.id)[:3] == first[:3]
    assert run_cli("store", "check", "--store", database.url).code == 0


def test_a_run_of_another_machine_is_only_taken_up_by_its_name(database: Database, run_cli: RunCli) -> None:
    assert run_cli("run", *GRID, "--store", database.url).code == 0
    run_id = Store(database.url).run().id
    database.sql("UPDATE runs SET finished_at = NULL, worker = 'elsewhere 7 1700000000 ab'")
    newest = run_cli("run", "--resume", "--store", database.url)
    assert (newest.code, newest.stdout) == (2, "")
    assert f"({run_id} is of elsewhere" in newest.stderr
    assert run_cli("run", "--resume", run_id, "--store", database.url).code == 0


# Between databases


def altogether(name: str) -> list[str]:
    """All of a store; runs come in the order in which its database keeps them."""
    return sorted(contents(name))


def test_a_store_goes_to_postgresql_and_back_to_the_last_bit(
    database: Database, store_path: Path, tmp_path: Path, run_cli: RunCli
) -> None:
    filled(store_path).close()
    there, back = tmp_path / "there.jsonl", tmp_path / "back.parquet"
    for words, where in (
        (("export", there), store_path),
        (("import", there), database.url),
        (("export", back), database.url),
        (("import", back), tmp_path / "again.sqlite"),
        (("merge", database.url), tmp_path / "merged.sqlite"),
    ):
        ended = run_cli("store", *words, "--store", where)
        assert (ended.code, ended.stderr) == (0, "")
        assert "2 runs (4 records)" in ended.stdout
        assert "1 sweep (2 cells)" in ended.stdout
    for name in (database.url, str(tmp_path / "again.sqlite"), str(tmp_path / "merged.sqlite")):
        assert altogether(name) == altogether(str(store_path))
    for words in (("merge", store_path), ("import", there), ("merge", database.url)):
        again = run_cli("store", *words, "--store", database.url)
        assert "0 runs (0 records)" in again.stdout
        assert "0 sweeps (0 cells)" in again.stdout
        assert "9 entries" in again.stdout


def test_other_contents_under_one_id_are_refused(database: Database, store_path: Path, run_cli: RunCli) -> None:
    filled(store_path).close()
    assert run_cli("store", "merge", store_path, "--store", database.url).code == 0
    database.sql("UPDATE samples SET wall_s = 9 WHERE round = 1")
    before = everything(database)
    ended = run_cli("store", "merge", store_path, "--store", database.url)
    assert (ended.code, ended.stdout) == (2, "")
    assert "run ended" in ended.stderr
    assert "another record" in ended.stderr
    assert everything(database) == before


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("DELETE FROM samples WHERE round = 2", "is torn: it has 2 samples of 3"),
        ("UPDATE records SET body = left(body, 100) WHERE id = 1", "run ended: record 1"),
        ("UPDATE runs SET selection = '{' WHERE id = 'ended'", "run ended and its 2 records"),
    ],
)
def test_what_is_wrong_is_named(statement: str, said: str, database: Database, run_cli: RunCli) -> None:
    filled(database.url).close()
    database.sql(statement)
    checked = run_cli("store", "check", "--store", database.url)
    assert checked.code == 1
    assert said in checked.stdout


# Schema versions


def version_1_in(database: Database, folder: Path, *, sweeps: bool) -> None:
    """What a store of version 1 in SQLite holds, in tables as SQLAlchemy made them in PostgreSQL."""
    path = folder / "old.sqlite"
    version_1(path, sweeps=sweeps)
    database.sql((BEFORE_SWEEPS + (SWEEPS if sweeps else "")).replace("id INTEGER NOT NULL", "id SERIAL NOT NULL"))
    with closing(sqlite3.connect(path)) as connection:
        for (name,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY rowid"
        ).fetchall():
            copy_rows(connection, database, name)
    database.sql("SELECT setval(pg_get_serial_sequence('records', 'id'), max(id)) FROM records")


def copy_rows(connection: sqlite3.Connection, database: Database, name: str) -> None:
    for row in connection.execute(f"SELECT * FROM {name}"):  # noqa: S608  # the same
        values = ", ".join("NULL" if value is None else "'" + str(value).replace("'", "''") + "'" for value in row)
        database.sql(f"INSERT INTO {name} VALUES ({values})")  # noqa: S608  # the rows of tests/old_stores.py


@pytest.mark.parametrize("sweeps", [False, True], ids=["before sweeps", "with sweeps"])
def test_a_store_of_version_1_is_read_as_it_is_and_migrated_once(
    sweeps: bool, database: Database, tmp_path: Path, run_cli: RunCli
) -> None:
    version_1_in(database, tmp_path, sweeps=sweeps)
    before = everything(database)
    old = Store(database.url, create=False)
    seen = {run: old.records(run) for run in (FINISHED, CUT_OFF)}
    assert run_cli("store", "check", "--store", database.url).code == 0
    assert everything(database) == before
    with ThreadPoolExecutor(4) as pool:
        counted = list(pool.map(lambda _: sum(Store(database.url).done(FINISHED).values()), range(8)))
    assert counted == [3] * 8
    assert database.sql("SELECT schema_version FROM meta") == [(VERSION,)]
    after = Store(database.url)
    assert {run: after.records(run) for run in (FINISHED, CUT_OFF)} == seen
    assert after.done(CUT_OFF) == {"timed": 1}
    after.keep(run_of("new", ("a",)), [record_of("a", rounds=2)])
    assert after.records("new") == [record_of("a", rounds=2)]
    assert SweepStore(after).sweeps() == []


@pytest.mark.parametrize("words", [("check",), ("export", "a.jsonl"), ("import", "b.jsonl"), ("merge", "c.sqlite")])
def test_a_newer_store_is_refused_and_nothing_of_it_changes(
    words: tuple[str, ...], database: Database, tmp_path: Path, run_cli: RunCli
) -> None:
    filled(database.url).close()
    assert run_cli("store", "export", tmp_path / "b.jsonl", "--store", database.url).code == 0
    Store(str(tmp_path / "c.sqlite")).close()
    database.sql(f"UPDATE meta SET schema_version = {VERSION + 1}", "ALTER TABLE runs ADD COLUMN mood TEXT")  # noqa: S608
    before = everything(database)
    ended = run_cli("store", *words, "--store", database.url)
    assert ended.code == 2
    assert ended.stderr.count("\n") == 1
    assert f"version is {VERSION + 1}," in ended.stderr
    assert f"harness has {VERSION}" in ended.stderr
    for create in (True, False):
        with pytest.raises(UsageError, match="newer harness"):
            Store(database.url, create=create)
    assert everything(database) == before


# Several at once


def test_a_reader_sees_one_state_and_writes_nothing(database: Database) -> None:
    store, other = Store(database.url), Store(database.url)
    with store.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM runs")).scalar() == 0
        other.keep(run_of("r", ("a",)), [record_of("a", rounds=3)])
        assert connection.execute(text("SELECT count(*) FROM samples")).scalar() == 0
    assert store.records("r") == [record_of("a", rounds=3)]
    with pytest.raises(UsageError, match="read-only"), store.reading() as connection:
        connection.execute(text("DELETE FROM samples"))


def test_a_writer_sees_what_was_committed_while_it_waited(database: Database) -> None:
    store, other, seen = Store(database.url), Store(database.url), []

    def second() -> None:
        with other.write() as connection:
            seen.append(connection.execute(text("SELECT count(*) FROM runs")).scalar())

    waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    with store.write() as connection:
        thread = threading.Thread(target=second)
        thread.start()
        while database.sql(waiting) != [(1,)]:
            assert thread.is_alive()
        connection.execute(tables.environments.insert().values(id="e", body="{}"))
        row = {"id": "r", "started_at": "", "command": "", "selection": "{}", "planned": "", "environment": "e"}
        connection.execute(tables.runs.insert().values(**row))
    thread.join()
    assert seen == [1]


def test_a_writer_waits_so_long_and_then_says_so(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    store, other = Store(database.url), Store(database.url)
    with other.write():
        monkeypatch.setattr("harness.store.postgresql.BUSY_TIMEOUT_MS", 50)
        with pytest.raises(CannotMeasureError, match="another process has kept it locked"):
            store.start(run_of("r", ()))
    store.start(run_of("r", ()))


def test_a_writer_that_says_nothing_more_loses_the_lock(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    silent, other = Store(database.url), Store(database.url)
    sessions = "FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'"

    def falling_silent() -> None:
        with silent.write() as connection:
            connection.execute(tables.environments.insert().values(id="e", body="{}"))
            while database.sql(f"SELECT count(*) {sessions}") != [(0,)]:
                time.sleep(0.05)

    with monkeypatch.context() as patch:
        patch.setattr("harness.store.postgresql.BUSY_TIMEOUT_MS", 500)
        with pytest.raises(CannotMeasureError, match="the connection is lost"):
            falling_silent()
    other.start(run_of("r", ("a",)))
    assert len(database.sql("SELECT id FROM environments")) == 1


KILLED = """
import os, signal, sys
from harness.store.store import Store
from tests.writers import record_of, run_of
store = Store(sys.argv[1])
store.start(run_of("r", ("a", "b")))
store.add_samples(store.add("r", record_of("a", rounds=3)), record_of("a", rounds=3).samples)
with store.write() as connection:
    connection.exec_driver_sql("DELETE FROM samples")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_kill_9_takes_back_what_was_not_committed_and_lets_go_of_the_lock(database: Database) -> None:
    killed = python("-c", KILLED, database.url)
    assert killed.communicate(timeout=DEADLINE_S) == ("", "")
    assert killed.returncode == -signal.SIGKILL
    store = Store(database.url)
    assert store.records("r") == [record_of("a", rounds=3)]
    store.start(store.run("r"))  # waits for no lock, and nobody is at it
    store.add_samples(store.add("r", record_of("b")), Samples((1.0,), (1.0,)))
    assert store.done("r") == {"a": 1, "b": 1}


def test_a_connection_that_was_idle_and_is_gone_is_made_again(database: Database) -> None:
    store = Store(database.url)
    store.start(run_of("r", ("a",)))
    database.end_connections()
    store.add_samples(store.add("r", record_of("a")), Samples((1.0,), (1.0,)))
    assert store.done("r") == {"a": 1}


def test_a_connection_that_is_lost_while_it_writes_is_one_line_and_loses_that_alone(database: Database) -> None:
    store = Store(database.url)
    store.start(run_of("r", ("a",)))

    def losing() -> None:
        with store.write() as connection:
            connection.execute(text("DELETE FROM runs"))
            database.end_connections()
            connection.execute(text("SELECT 1"))

    with pytest.raises(CannotMeasureError, match="the connection is lost") as lost:
        losing()
    assert len(str(lost.value).splitlines()) == 1
    assert [run.id for run in store.runs()] == ["r"]


def test_salvage_of_an_empty_database_says_that_nothing_is_there(database: Database, run_cli: RunCli) -> None:
    ended = run_cli("store", "check", "--store", database.url)
    assert (ended.code, ended.stdout) == (3, "")
    assert "nothing is stored there yet" in ended.stderr
    with pytest.raises(CannotMeasureError, match="nothing is stored there yet"), salvaging(database.url) as found:
        list(found.entries())


# The tests' own server

HELD = """
import signal
from tests.postgres import running
with running() as server:
    print(server.folder, flush=True)
    signal.pause()
"""
"""A run of the tests that is in the middle of one that needs a server."""


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_tests_that_a_signal_ends_leave_no_server_and_no_folder(ending: signal.Signals, postgres: Server) -> None:
    assert postgres.folder.is_dir()  # a server is to be had here
    root = Path(__file__).parents[1]
    holder = subprocess.Popen(
        [sys.executable, "-c", HELD], cwd=root, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    with holder:
        assert holder.stdout is not None
        folder = Path(holder.stdout.readline().rstrip("\n"))
        server = psutil.Process(int((folder / "data" / "postmaster.pid").read_text().split()[0]))
        assert server.is_running()
        holder.send_signal(ending)
        assert holder.wait(DEADLINE_S) != 0
    until = time.monotonic() + DEADLINE_S
    while folder.exists() and time.monotonic() < until:
        time.sleep(0.05)
    assert not folder.exists()
    assert not server.is_running()
