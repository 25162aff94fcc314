"""A store that is damaged says what is lost and what can be saved, and what can be is saved."""

import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from harness.store.store import Store
from tests.conftest import RunCli
from tests.writers import record_of, run_of

RUNS, CASES = 6, 25


@pytest.fixture
def kept(store_path: Path) -> Path:
    """A store of some runs and many records, in one file."""
    store = Store(str(store_path))
    for i in range(RUNS):
        cases = tuple(f"run {i}, case {j}" for j in range(CASES))
        store.keep(
            run_of(f"run-{i}", cases).model_copy(update={"finished_at": "2026-01-01T01:00:00+00:00"}),
            [record_of(case, rounds=5) for case in cases],
        )
    store.close()
    return store_path


def sql(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


@pytest.mark.slow
def test_a_sound_store_is_said_to_be(kept: Path, run_cli: RunCli) -> None:
    before = kept.read_bytes()
    ended = run_cli("store", "check", "--store", kept)
    assert (ended.code, ended.stderr) == (0, "")
    assert ended.stdout.startswith(f"sqlite:///{kept}: schema version 3; 6 runs (150 records), 0 sweeps (0 cells)")
    assert ended.stdout.endswith("sound\n")
    assert kept.read_bytes() == before


@pytest.mark.slow
def test_a_run_that_was_cut_off_is_no_damage(kept: Path, run_cli: RunCli) -> None:
    store = Store(str(kept))
    store.start(run_of("cut off", ("a", "b", "c")))
    store.add_samples(store.add("cut off", record_of("a")), record_of("a").samples)
    store.add("cut off", record_of("b"))
    store.close()
    ended = run_cli("store", "check", "--store", kept)
    assert ended.code == 0
    assert "wait for samples" in ended.stdout
    assert "run cut off" in ended.stdout
    assert "2 cases to go" in ended.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("statement", "said", "saved"),
    [
        ("DELETE FROM samples WHERE record = 7 AND round = 2", "record 7 is torn: it has 4 samples of 5", 149),
        ("INSERT INTO samples VALUES (7, 5, 0.1, 0.1)", "record 7 is torn: it has 6 samples of 5", 149),
        ("UPDATE records SET rounds = NULL WHERE id = 7", "record 7 is torn: it has 5 samples of 0", 149),
        ("UPDATE records SET body = substr(body, 1, 100) WHERE id = 7", "run run-0: record 7", 149),
        ("UPDATE records SET body = x'ff' WHERE id = 7", "run run-0: record 7", 149),
        ("UPDATE records SET rounds = 'many' WHERE id = 7", "run run-0: record 7", 149),
        ("UPDATE runs SET selection = '{' WHERE id = 'run-2'", "run run-2 and its 25 records", 125),
        ("UPDATE environments SET body = '[]'", "run run-0 and its 25 records", 0),
        ("DELETE FROM runs WHERE id = 'run-3'", "25 records are of run run-3, which cannot be read", 125),
        ("DELETE FROM records WHERE id = 7", "run-0 has finished, but 1 record is lost of 25", 149),
    ],
)
def test_what_is_wrong_is_named_and_the_rest_is_saved(
    statement: str, said: str, saved: int, kept: Path, tmp_path: Path, run_cli: RunCli
) -> None:
    sql(kept, statement)
    check_and_save(kept, tmp_path, run_cli, said, saved)


def check_and_save(path: Path, folder: Path, run_cli: RunCli, said: str, saved: int | None = None) -> int:
    """`check` says so, and an export of what is left can be imported; how many records it has."""
    checked = run_cli("store", "check", "--store", path)
    assert checked.code == 1
    assert said in checked.stdout
    assert "what can be saved: " in checked.stdout
    file, other = folder / "saved.jsonl", folder / "saved.sqlite"
    exported = run_cli("store", "export", file, "--store", path)
    assert exported.code == 1
    assert all(line.startswith("lost: ") for line in exported.stderr.splitlines())
    assert run_cli("store", "import", file, "--store", other).code == 0
    store = Store(str(other))
    records = [record for run in store.runs() for record in store.records(run.id)]
    store.close()
    assert all(record == record_of(record.case, rounds=5) for record in records)
    assert saved in (None, len(records))
    return len(records)


def page_size(path: Path) -> int:
    return int.from_bytes(path.read_bytes()[16:18], "big")


def pages_of(path: Path, table: str) -> list[int]:
    """The leaves of a table, by number from 1, from dbstat or, where that is not built in, by what is on them."""
    size, data = page_size(path), path.read_bytes()
    return [
        i // size + 1
        for i in range(size, len(data), size)
        if data[i] == 13 and table.encode() in data[i : i + size]  # 13: a leaf of a table (fileformat2.html, 1.6)
    ]


def overwrite(path: Path, page: int, text: bytes | None = None) -> None:
    """One page, by random bytes unless said."""
    size = page_size(path)
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(text or random.Random(0).randbytes(size))  # noqa: S311  # damage


@pytest.mark.slow
def test_an_overwritten_page_of_records_costs_what_was_on_it(kept: Path, tmp_path: Path, run_cli: RunCli) -> None:
    pages = pages_of(kept, '"numpy_lstsq"')
    assert len(pages) > 20
    overwrite(kept, pages[len(pages) // 2])
    saved = check_and_save(kept, tmp_path, run_cli, "table records: database disk image is malformed")
    assert 0.8 * RUNS * CASES < saved < RUNS * CASES


@pytest.mark.slow
def test_a_truncated_store_says_what_can_be_saved(kept: Path, tmp_path: Path, run_cli: RunCli) -> None:
    with kept.open("r+b") as file:
        file.truncate(kept.stat().st_size * 7 // 10)
    assert check_and_save(kept, tmp_path, run_cli, "damaged: ") > 0


READERS = (("gate",), ("compare", "--by", "solver"), ("store", "check"), ("store", "export", "saved.jsonl"))
WRITER = ("run", "--problem", "four_points")
HARMS: dict[str, Callable[[Path], object]] = {
    "another first page": lambda path: overwrite(path, 1),
    "random bytes": lambda path: path.write_bytes(random.Random(1).randbytes(50_000)),  # noqa: S311  # damage
    "a piece of the first page": lambda path: path.write_bytes(path.read_bytes()[:1000]),
    "an empty first page": lambda path: path.write_bytes(path.read_bytes()[:100] + b"\0" * 4000),
    "nothing": lambda path: path.write_bytes(b""),
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("harm", "words"),
    # An empty file is where a run may make a store.
    [(harm, words) for harm in HARMS for words in (*READERS, WRITER) if (harm, words) != ("nothing", WRITER)],
)
def test_a_store_without_its_first_page_is_one_line(
    harm: str, words: tuple[str, ...], kept: Path, run_cli: RunCli
) -> None:
    HARMS[harm](kept)
    before = kept.read_bytes()
    ended = run_cli(*words, "--store", kept)
    assert ended.code in (1, 2, 3)
    assert "Traceback" not in ended.stderr
    said = ended.stderr or ended.stdout
    assert str(kept) in said
    if ended.stderr:
        assert ended.stderr.count("\n") == 1
    assert kept.read_bytes() == before
