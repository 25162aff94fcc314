# ruff: noqa: S608  # the statements are this file's own
"""A SQLite file that somebody made to hang, crash or deceive is refused in one line, by every command."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from harness.cli.completing import _runs
from harness.errors import CannotMeasureError, UsageError
from harness.files.reading import LARGEST_JSON_BYTES
from harness.store.salvage import salvaging
from harness.store.store import Store
from harness.store.sweep_store import SweepStore
from harness.store.tables import metadata
from tests.commands import WORDS, Runs, leaves

ENDLESS = "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c) SELECT"
DISGUISED = f"CREATE VIEW records AS {ENDLESS} i AS id, 'r' AS run, '{{}}' AS body FROM c"
PROGRAMS: Mapping[str, tuple[str, ...]] = {
    **{
        f"a view for {name}": (
            f"DROP TABLE {name}",
            f"CREATE VIEW {name} AS {ENDLESS} " + ", ".join(f"i AS '{one.name}'" for one in table.columns) + " FROM c",
        )
        for name, table in metadata.tables.items()
    },
    "a trigger that makes records ok": (
        "CREATE TRIGGER t AFTER INSERT ON records BEGIN UPDATE records SET status = 'ok' WHERE id = new.id; END",
    ),
    "an endless trigger": (f"CREATE TRIGGER t BEFORE UPDATE ON runs BEGIN INSERT INTO meta {ENDLESS} i FROM c; END",),
    "a trigger on another table": ("CREATE TRIGGER t AFTER INSERT ON meta BEGIN SELECT 1; END",),
    "a virtual table": ("CREATE VIRTUAL TABLE other USING fts5(body)",),
    "a column that is computed": ("ALTER TABLE records ADD COLUMN more AS (printf('%.*c', 900000000, 'x'))",),
    "a check": ("CREATE TABLE other (a TEXT CHECK (length(hex(zeroblob(100000000))) > 0))",),
    "an index that computes": ("CREATE INDEX other ON records (length(body))",),
    "a view that is called a table": (
        "PRAGMA writable_schema=ON",
        f"UPDATE sqlite_schema SET sql = '{DISGUISED.replace(chr(39), chr(39) * 2)}' WHERE name = 'records'",
    ),
    "a view that is called an index": (
        "PRAGMA writable_schema=ON",
        f"INSERT INTO sqlite_schema VALUES ('index', 'other', 'other', 0, '{DISGUISED.replace(chr(39), chr(39) * 2)}')",
    ),
    "keys that are texts": ("DROP TABLE samples", "CREATE TABLE samples (record TEXT, round INTEGER, wall_s FLOAT)"),
    "a table without rows' numbers": (
        "DROP TABLE conditions",
        "CREATE TABLE conditions (id TEXT PRIMARY KEY, run TEXT, body TEXT) WITHOUT ROWID",
    ),
    "thousands of tables": tuple(f"CREATE TABLE t{i} (a)" for i in range(1001)),
}
DEEP = "[" * 100_000
TOO_LONG = LARGEST_JSON_BYTES + 1
MEASURED = "(SELECT id FROM records WHERE run = 'of b')"
CONTENTS: Mapping[str, tuple[str, ...]] = {
    "text for seconds": (f"UPDATE samples SET wall_s = 'long' WHERE record IN {MEASURED}",),
    "bytes for seconds": (f"UPDATE samples SET cpu_s = x'ff' WHERE record IN {MEASURED}",),
    "infinite seconds": (f"UPDATE samples SET wall_s = 9e999 WHERE record IN {MEASURED}",),
    "a huge count of samples": (f"UPDATE records SET rounds = 1000000000000 WHERE id IN {MEASURED}",),
    "a huge number": (f"UPDATE records SET body = json_set(body, '$.n', json('1{'0' * 400}')) WHERE id IN {MEASURED}",),
    "a text for a number": (f"UPDATE records SET body = json_set(body, '$.threads', 'one') WHERE id IN {MEASURED}",),
    "a deep record": (f"UPDATE records SET body = '{DEEP}' WHERE id IN {MEASURED}",),
    "a deep environment": (f"UPDATE environments SET body = '{DEEP}'",),
    "a deep selection": (f"UPDATE runs SET selection = '{DEEP}'",),
    "a deep sweep": (f"UPDATE sweeps SET body = '{DEEP}'",),
    "a deep cell": (f"UPDATE sweep_cells SET body = '{DEEP}'",),
    "a list for a sweep": ("UPDATE sweeps SET body = '[1]'",),
    "a number for a date": ("UPDATE runs SET started_at = 1e300",),
    "bytes for a plan": ("UPDATE runs SET planned = x'00ff'",),
    "a status that is another": (f"UPDATE records SET status = 'wrong' WHERE id IN {MEASURED}",),
    "a record that is too long": (f"UPDATE records SET body = zeroblob({TOO_LONG}) WHERE id IN {MEASURED}",),
    "another version": ("UPDATE meta SET schema_version = 9e999",),
}
READ_BY: Mapping[str, tuple[str, ...]] = {
    "a deep sweep": ("sweep", "report"),
    "a deep cell": ("sweep", "report"),
    "a list for a sweep": ("sweep", "report"),
    "a huge count of samples": (),
    "a status that is another": (),
}
"""Commands that cannot do without what is wrong; of others gate, compare and report."""
RUN_READERS = ("gate", "compare", "report")
ALIKE: tuple[tuple[str, ...], ...] = (
    ("text for seconds", "bytes for seconds", "infinite seconds"),
    ("a huge number", "a text for a number", "a deep record", "a record that is too long"),
    ("a deep sweep", "a list for a sweep"),
)
"""Kinds that are wrong where one function reads them: a command meets one kind of each row, in its turn."""
OPENING = sorted(name for name, one in leaves() if any("--store" in each.opts for each in one.params))
COSTLY = ("run", "accuracy", "plot")
"""Two measure cases of their own into it, whatever other runs it holds; `plot` gathers the evidence of `report`."""
MORE = {
    "run --resume": ("run", "--resume", "--store", "store.sqlite"),
    "merge from it": ("store", "merge", "store.sqlite"),
}


def spoil(folder: Path, statements: tuple[str, ...]) -> Path:
    """The folder's store after these statements."""
    path = folder / "store.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA legacy_alter_table=ON")
        for statement in statements:
            connection.execute(statement)
    return path


def words_of(name: str) -> tuple[str, ...]:
    """The words of a command, or of one of MORE, with the store that is spoilt."""
    if name == "merge from it":
        return (*MORE[name], "--store", "other.sqlite")
    return MORE.get(name) or (*name.split(), *WORDS[name])


@pytest.mark.slow
@pytest.mark.parametrize("kind", PROGRAMS)
def test_a_store_that_is_a_program_is_no_store(kind: str, folder: Path) -> None:
    path = spoil(folder, PROGRAMS[kind])
    for create in (True, False):
        with pytest.raises((UsageError, CannotMeasureError)) as refused:
            Store(str(path), create=create)
        assert len(str(refused.value).splitlines()) == 1
    with pytest.raises((UsageError, CannotMeasureError)), salvaging(str(path)) as found:
        list(found.entries())


IN_TURN = ("a view for records", "a trigger that makes records ok", "a view that is called an index")


@pytest.mark.slow
@pytest.mark.parametrize("name", [*OPENING, *MORE])
def test_every_command_refuses_a_program_in_one_line(name: str, folder: Path, runs: Runs) -> None:
    """A command meets one kind, each in its turn: what opens a store, for all of them, has met every kind above."""
    kind = IN_TURN[[*OPENING, *MORE].index(name) % len(IN_TURN)]
    path = spoil(folder, PROGRAMS[kind])
    before = path.read_bytes()
    ended = runs(folder, words_of(name))
    assert ended.code in (2, 3), ended
    assert "store.sqlite" in ended.stderr
    assert "sound" not in ended.stdout
    assert len(ended.stderr.splitlines()) == 1
    assert path.read_bytes() == before


@pytest.mark.slow
@pytest.mark.parametrize("kind", CONTENTS)
def test_contents_that_no_harness_wrote_are_one_line_or_named(kind: str, folder: Path, runs: Runs) -> None:
    spoil(folder, CONTENTS[kind])
    checked = runs(folder, ("store", "check", "--store", "store.sqlite"))
    assert checked.code in (1, 2, 3), checked
    assert "\nsound" not in checked.stdout
    assert "Traceback" not in checked.stderr
    exported = runs(folder, ("store", "export", "saved.jsonl", "--store", "store.sqlite"))
    assert exported.code in (1, 2, 3), exported
    assert "Traceback" not in exported.stderr
    for name in READ_BY.get(kind, RUN_READERS):
        ended = runs(folder, words_of(name))
        assert ended.code in (2, 3), (name, ended)
        assert len(ended.stderr.splitlines()) == 1


@pytest.mark.slow
@pytest.mark.parametrize("kind", CONTENTS)
def test_no_contents_end_in_a_traceback(kind: str, folder: Path, runs: Runs) -> None:
    """A kind meets one of COSTLY, each in its turn, `plot` where `report` was not asked above, and others by ALIKE."""
    spoil(folder, CONTENTS[kind])
    seen = {*RUN_READERS, *COSTLY, "store check", "store export", "ab", "bisect"}
    seen -= {COSTLY[list(CONTENTS).index(kind) % len(COSTLY)]}
    if "report" not in READ_BY.get(kind, RUN_READERS):
        seen -= {"plot"}
    (row,) = [row for row in ALIKE if kind in row] or [(kind,)]
    for place, name in enumerate([*OPENING, *MORE]):
        if name not in seen and (name in COSTLY or row[place % len(row)] == kind):
            ended = runs(folder, words_of(name))
            assert ended.code in (0, 1, 2, 3), (name, ended)
            assert "Traceback" not in ended.stderr, name


@pytest.mark.slow
def test_a_completion_does_not_wait_for_a_view(store_path: Path) -> None:
    Store(str(store_path)).close()
    with closing(sqlite3.connect(store_path, isolation_level=None)) as connection:
        for statement in PROGRAMS["a view for runs"]:
            connection.execute(statement)

    line = SimpleNamespace(params={"store": str(store_path)})
    with pytest.raises(sqlite3.OperationalError, match="interrupted"):
        _runs(line)  # type: ignore[arg-type]  # all that it asks of typer's


@pytest.mark.parametrize("place", ["/dev/zero", "/dev/null", "fifo", "folder"])
@pytest.mark.parametrize("create", [True, False])
def test_a_store_is_a_regular_file(place: str, create: bool, tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "folder").mkdir()
    with pytest.raises((UsageError, CannotMeasureError)) as refused:
        Store(str(tmp_path / place), create=create)
    assert len(str(refused.value).splitlines()) == 1


def test_a_sound_store_opens(furnished: Path) -> None:
    store = Store(str(furnished / "store.sqlite"), create=False)
    assert store.run().id == "of b"
    assert SweepStore(store).sweep().id == "s"
