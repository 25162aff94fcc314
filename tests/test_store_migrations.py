"""The store's schema versions: each is brought to today's, a newer one is refused as it is."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection

from harness.errors import UsageError
from harness.store import tables
from harness.store.migrations import STEPS, VERSION
from harness.store.store import Store
from harness.store.sweep_store import SweepStore
from tests.conftest import RunCli
from tests.old_stores import CASES, CUT_OFF, FINISHED, version_1, version_2

OLD = pytest.mark.parametrize("sweeps", [False, True], ids=["before sweeps", "with sweeps"])


def shape(path: Path) -> dict[str, set[tuple[object, ...]]]:
    """Each table's columns: name, type, whether not null, place in the primary key."""
    with closing(sqlite3.connect(path)) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {
            name: {(row[1], row[2], row[3], row[5]) for row in connection.execute(f"PRAGMA table_info({name})")}
            for name in names
        }


def version_in(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("SELECT schema_version FROM meta").fetchone()[0])


def test_there_is_a_step_from_every_released_version() -> None:
    assert sorted(STEPS) == list(range(1, VERSION))


@pytest.mark.slow
@OLD
def test_a_store_of_version_1_becomes_one_of_today(sweeps: bool, tmp_path: Path) -> None:
    old, new = tmp_path / "old.sqlite", tmp_path / "new.sqlite"
    version_1(old, sweeps=sweeps)
    before = Store(str(old), create=False)
    seen = {run: before.records(run) for run in (FINISHED, CUT_OFF)}
    before.close()
    Store(str(old)).close()
    Store(str(new)).close()
    assert version_in(old) == VERSION
    assert shape(old) == shape(new)
    after = Store(str(old), create=False)
    assert {run: after.records(run) for run in (FINISHED, CUT_OFF)} == seen
    assert [record.case for record in after.records(FINISHED)] == list(CASES)
    assert after.records(FINISHED)[0].samples.wall_s == (0.5, 1.5, 2.5)
    with after.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []


@pytest.mark.slow
def test_a_store_of_version_2_becomes_one_of_today_with_its_runs_in_order(store_path: Path, tmp_path: Path) -> None:
    version_2(store_path)
    before = Store(str(store_path), create=False)
    seen = [(run.id, before.records(run.id)) for run in before.runs()]
    before.close()
    Store(str(store_path)).close()
    Store(str(tmp_path / "new.sqlite")).close()
    assert version_in(store_path) == VERSION
    assert shape(store_path) == shape(tmp_path / "new.sqlite")
    after = Store(str(store_path), create=False)
    assert [(run.id, after.records(run.id)) for run in after.runs()] == seen
    assert [run for run, _ in seen] == [FINISHED, CUT_OFF]
    with after.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT place FROM runs ORDER BY id").scalars().all() == [1, 2]


@pytest.mark.slow
@OLD
def test_after_the_migration_a_record_without_samples_in_a_run_that_was_cut_off_is_to_be_made_again(
    sweeps: bool, store_path: Path
) -> None:
    version_1(store_path, sweeps=sweeps)
    store = Store(str(store_path))
    assert store.done(FINISHED) == {"timed": 1, "unsupported": 1, "cut off": 1}
    assert store.done(CUT_OFF) == {"timed": 1}


@pytest.mark.slow
@OLD
def test_a_store_of_version_1_that_is_only_read_is_left_as_it_is(
    sweeps: bool, store_path: Path, run_cli: RunCli
) -> None:
    version_1(store_path, sweeps=sweeps)
    before = store_path.read_bytes()
    store = Store(str(store_path), create=False)
    assert [run.id for run in store.runs()] == [FINISHED, CUT_OFF]
    assert len(store.records(CUT_OFF)) == 3
    assert SweepStore(store).sweeps() == []
    store.close()
    assert run_cli("store", "check", "--store", store_path).code == 0
    assert store_path.read_bytes() == before
    assert list(store_path.parent.iterdir()) == [store_path]


@pytest.mark.slow
def test_a_migration_that_fails_leaves_the_old_store(store_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    version_1(store_path, sweeps=False)

    step = STEPS[1]

    def fail(connection: Connection) -> None:
        step(connection)
        raise RuntimeError("the power is gone")

    monkeypatch.setattr("harness.store.migrations.STEPS", {**STEPS, 1: fail})
    before = shape(store_path)
    with pytest.raises(RuntimeError):
        Store(str(store_path))
    assert version_in(store_path) == 1
    assert shape(store_path) == before
    monkeypatch.undo()
    assert Store(str(store_path)).done(CUT_OFF) == {"timed": 1}


@pytest.mark.slow
def test_several_that_migrate_one_store_at_once_do_it_once(store_path: Path) -> None:
    version_1(store_path, sweeps=True)
    with ThreadPoolExecutor(4) as pool:
        counted = list(pool.map(lambda _: sum(Store(str(store_path)).done(FINISHED).values()), range(8)))
    assert counted == [3] * 8
    assert version_in(store_path) == VERSION


@pytest.mark.parametrize("create", [True, False])
def test_a_newer_store_is_refused_and_not_a_byte_of_it_changes(create: bool, store_path: Path) -> None:
    Store(str(store_path)).close()
    with closing(sqlite3.connect(store_path)) as connection:
        connection.execute("UPDATE meta SET schema_version = ?", (VERSION + 1,))
        connection.execute("ALTER TABLE runs ADD COLUMN mood TEXT")
        connection.commit()
    before = store_path.read_bytes()
    with pytest.raises(UsageError) as refused:
        Store(str(store_path), create=create)
    assert f"schema version is {VERSION + 1}, this harness has {VERSION}" in str(refused.value)
    assert store_path.read_bytes() == before
    assert list(store_path.parent.iterdir()) == [store_path]


@pytest.mark.slow
@pytest.mark.parametrize("command", ["check", "export", "import", "merge"])
def test_no_command_reads_or_writes_a_newer_store(command: str, store_path: Path, run_cli: RunCli) -> None:
    Store(str(store_path)).close()
    other = store_path.with_name("other.jsonl")
    assert run_cli("store", "export", other, "--store", store_path).code == 0
    with closing(sqlite3.connect(store_path)) as connection:
        connection.execute("UPDATE meta SET schema_version = ?", (VERSION + 1,))
        connection.commit()
    before = store_path.read_bytes()
    words = {"export": [other], "import": [other], "merge": [store_path.with_name("ours.sqlite")]}.get(command, [])
    if command == "merge":
        Store(str(words[0])).close()
    ended = run_cli("store", command, *words, "--store", store_path)
    assert ended.code == 2
    assert ended.stderr.count("\n") == 1
    assert "newer harness" in ended.stderr
    assert store_path.read_bytes() == before


def test_the_tables_have_not_changed_since_their_version() -> None:
    """Who changes a table adds a version, its step, and its SQL to tests/old_stores.py; then this list."""
    columns = {table.name: [column.name for column in table.columns] for table in tables.metadata.sorted_tables}
    assert VERSION == 3
    assert columns == {
        "environments": ["id", "body"],
        "meta": ["schema_version"],
        "runs": [
            "id",
            "started_at",
            "finished_at",
            "command",
            "selection",
            "planned",
            "environment",
            "worker",
            "place",
        ],
        "sweeps": ["id", "started_at", "finished_at", "body", "environment", "place"],
        "records": ["id", "run", "case", "problem", "solver", "status", "sampling_error", "body", "rounds"],
        "sweep_cells": ["id", "sweep", "problem", "optimizer", "lr", "status", "body"],
        "samples": ["record", "round", "wall_s", "cpu_s"],
        "conditions": ["id", "run", "body"],
    }
