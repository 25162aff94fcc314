"""What a store holds, handed around: exports, imports, merges; strict, by id, nothing twice, nothing overwritten."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import astuple
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.errors import CannotMeasureError, UsageError
from harness.records.sweep import Cell, Sweep
from harness.solvers.status import Status
from harness.store import entries as lines
from harness.store.entries import Entry, RecordEntry, lines_of, parsed
from harness.store.exchange import Taken, take
from harness.store.exchange_files import read_entries, write_entries
from harness.store.salvage import salvaging
from harness.store.store import Store
from harness.store.sweep_store import SweepStore
from harness.verify.accuracy import Accuracy
from tests.conftest import RunCli
from tests.writers import record_of, run_of

FORMATS = pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])


def cell_of(lr: float, message: str = "") -> Cell:
    """A cell of four seeds that were not trained, with a loss that is no number."""
    return Cell(
        problem="four_points",
        problem_name="four_points",
        problem_sha256="00",
        n=4,
        p=1,
        solver="torch_sgd",
        optimizer="sgd",
        lr=lr,
        seeds=(0, 1, 2, 3),
        epochs=10,
        engine="batched",
        device="cpu",
        options={},
        status=Status.OK,
        message=message,
        loss=((float("nan"), float("inf"), 0.1, -0.0),),
    )


@cache
def _made_once() -> bytes:
    """The file of such a store: to make it takes as long as most tests of it."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "filled.sqlite"
        _filled(str(path)).close()
        return path.read_bytes()


def filled(path: Path | str) -> Store:
    """A finished run, one that was cut off with a record that waits, and a sweep; with numbers that JSON lacks."""
    if isinstance(path, str):  # the URL of another database
        return _filled(path)
    path.write_bytes(_made_once())
    return Store(str(path))


def _filled(path: str) -> Store:
    store = Store(path)
    odd = Accuracy(digits=float("nan"), excess_loss=float("inf"), digits_by_term=(5e-324, 0.1))
    odd_record = record_of("a", rounds=3).model_copy(update={"accuracy": odd})
    store.start(run_of("ended", ("a", "b")))
    for record in (odd_record, record_of("b")):
        store.add_samples(store.add("ended", record), record.samples)
    store.finish("ended")
    store.start(run_of("cut off", ("c", "d"), "2026-01-02T00:00:00.000000+00:00"))
    store.add_samples(store.add("cut off", record_of("c", rounds=2)), record_of("c", rounds=2).samples)
    store.add("cut off", record_of("d"))
    environment = run_of("x", ()).environment
    sweep = Sweep(id="s", started_at="2026-01-03", command="harness sweep", asked={"seeds": 4}, environment=environment)
    sweeps = SweepStore(store)
    sweeps.start(sweep)
    sweeps.add("s", [cell_of(0.1), cell_of(0.01)])
    sweeps.finish("s")
    return store


def contents(path: Path | str) -> list[str]:
    """All of a store, to the last bit."""
    with salvaging(str(path)) as found:
        kept = list(lines_of(found.entries()))
        assert found.troubles == []
    return kept


@pytest.fixture
def full(store_path: Path) -> Path:
    """The file of a store with something of everything."""
    filled(store_path).close()
    return store_path


def altered(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(statement)
        connection.commit()


# There and back


@FORMATS
def test_what_is_exported_is_imported_to_the_last_bit(suffix: str, full: Path, tmp_path: Path, run_cli: RunCli) -> None:
    file, other = tmp_path / f"all{suffix}", tmp_path / "other.sqlite"
    ended = run_cli("store", "export", file, "--store", full)
    assert (ended.code, ended.stderr) == (0, "")
    assert "2 runs (4 records)" in ended.stdout
    assert "1 sweep (2 cells)" in ended.stdout
    ended = run_cli("store", "import", file, "--store", other)
    assert (ended.code, ended.stderr) == (0, "")
    assert "took 2 runs (4 records)" in ended.stdout
    assert "0 entries" in ended.stdout
    assert contents(other) == contents(full)
    assert Store(str(other)).done("cut off") == {"c": 1}
    again = run_cli("store", "import", file, "--store", other)
    assert "took 0 runs (0 records)" in again.stdout
    assert "0 sweeps (0 cells)" in again.stdout
    assert "9 entries" in again.stdout
    assert contents(other) == contents(full)


def test_a_parquet_export_can_be_read_by_people(full: Path, tmp_path: Path, run_cli: RunCli) -> None:
    import pandas as pd

    assert run_cli("store", "export", tmp_path / "all.parquet", "--store", full).code == 0
    frame = pd.read_parquet(tmp_path / "all.parquet")
    records = frame[frame["case"].notna()]
    assert list(records["case"]) == ["a", "b", "c", "d"]
    assert list(records["run"]) == ["ended"] * 2 + ["cut off"] * 2
    assert list(records["wall_s"].iloc[0]) == [0.0, 1.0, 2.0]


def test_a_merge_takes_what_the_other_store_has_and_does_so_once(full: Path, tmp_path: Path, run_cli: RunCli) -> None:
    ours = tmp_path / "ours.sqlite"
    store = Store(str(ours))
    store.start(run_of("mine", ("m",)))
    store.close()
    before = contents(full)
    assert run_cli("store", "merge", full, "--store", ours).code == 0
    merged = contents(ours)
    assert set(merged) == {*contents(full), *merged[:2]}
    assert len(merged) == len(before) + 1
    again = run_cli("store", "merge", full, "--store", ours)
    assert "took 0 runs (0 records)" in again.stdout
    assert "0 sweeps (0 cells)" in again.stdout
    assert contents(ours) == merged
    assert contents(full) == before


def test_a_run_that_went_on_elsewhere_brings_what_it_has_more(full: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.sqlite"
    with salvaging(str(full)) as found:
        take(Store(str(other)), lambda: list(found.entries()), "full")
    elsewhere = Store(str(other))
    elsewhere.start(elsewhere.run("cut off"))
    record = record_of("d", rounds=4)
    elsewhere.add_samples(elsewhere.add("cut off", record), record.samples)
    elsewhere.finish("cut off")
    elsewhere.close()
    with salvaging(str(other)) as found:
        taken = take(Store(str(full)), found.entries, "other")
    assert (taken.runs, taken.records) == (0, 1)
    assert contents(full) == contents(other)
    with salvaging(str(full)) as found:  # and the older state of it takes nothing back
        again = take(Store(str(other)), found.entries, "full")
    assert (again.runs, again.records) == (0, 0)


# Refused


@pytest.mark.slow
@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("UPDATE runs SET command = 'harness run --lr 1' WHERE id = 'ended'", "run ended"),
        ("UPDATE runs SET finished_at = '2027' WHERE id = 'ended'", "run ended"),
        ("UPDATE records SET body = replace(body, '\"n\":4', '\"n\":5') WHERE \"case\" = 'b'", "run ended"),
        ("UPDATE samples SET wall_s = 9 WHERE round = 1", "run ended"),
        ("UPDATE sweep_cells SET body = replace(body, '\"p\":1', '\"p\":2')", "sweep s"),
        ("UPDATE sweeps SET started_at = 's', body = replace(body, 'harness', 'another')", "sweep s"),
    ],
)
def test_other_contents_under_one_id_are_refused_by_name_and_nothing_is_taken(
    statement: str, name: str, full: Path, tmp_path: Path, run_cli: RunCli
) -> None:
    ours = tmp_path / "ours.sqlite"
    Store(str(ours)).close()
    assert run_cli("store", "merge", full, "--store", ours).code == 0
    altered(ours, statement)
    store = Store(str(full))
    store.keep(run_of("a newer one", ()), [])
    store.close()
    before = contents(ours)
    ended = run_cli("store", "merge", full, "--store", ours)
    assert (ended.code, ended.stdout) == (2, "")
    assert ended.stderr.count("\n") == 1
    assert name in ended.stderr
    assert "nothing of it was taken" in ended.stderr
    assert contents(ours) == before


def exported(full: Path) -> list[str]:
    return contents(full)


def changed(at: int, change: Callable[[dict[str, Any]], object]) -> Callable[[list[str]], list[str]]:
    """Lines with one of them changed as a JSON object."""

    def apply(kept: list[str]) -> list[str]:
        entry = json.loads(kept[at])
        change(entry)
        return [*kept[:at], json.dumps(entry), *kept[at + 1 :]]

    return apply


def put(kind: str, **values: object) -> Callable[[dict[str, Any]], object]:
    return lambda entry: entry[kind].update(values)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda kept: [], "is empty"),
        (lambda kept: kept[1:], "line 1: the format is named on the first line"),
        (lambda kept: [kept[0], *kept], "line 2: the format is named on the first line"),
        (changed(0, lambda entry: entry.update(version=2)), "line 1: version"),
        (changed(0, lambda entry: entry.update(format="csv")), "line 1: format"),
        (lambda kept: [kept[0], *kept[2:]], "line 2: does not follow its run ended"),
        (lambda kept: [*kept, kept[1]], "run ended comes twice"),
        (lambda kept: [*kept, kept[2]], "does not follow its run ended"),
        (lambda kept: [*kept[:-1], kept[-1][:-20]], "cannot be read as JSON"),
        (lambda kept: [*kept, ""], "cannot be read as JSON"),
        (lambda kept: [*kept, "[]"], "is none of"),
        (lambda kept: [*kept, '{"mood": 1}'], "is none of"),
        (lambda kept: [*kept, "[" * 100_000], "cannot be read as JSON"),
        (lambda kept: [*kept, '{"run": ' * 50_000], "cannot be read as JSON"),
        (changed(1, put("run", mood="good")), "line 2: run.mood"),
        (changed(2, put("record", mood="good")), "line 3: record.mood"),
        (changed(2, put("record", n="4")), "line 3: record.n"),
        (changed(2, put("record", n=4.5)), "line 3: record.n"),
        (changed(2, put("record", n=True)), "line 3: record.n"),
        (changed(2, put("record", status="splendid")), "line 3: record.status"),
        (changed(2, put("record", samples={"wall_s": ["1"], "cpu_s": [], "error": ""})), "line 3: record.samples"),
        (changed(2, put("record", samples={"wall_s": [], "mood": 1})), "line 3: record.samples.mood"),
        (changed(2, put("record", accuracy={"digits": 1.0, "mood": 1})), "line 3: record.accuracy.mood"),
        (changed(2, put("record", schema_version=2)), "line 3: record.schema_version"),
        (
            lambda kept: [*kept[:2], kept[2].replace('"n":4', '"n":4,"n":5')],
            "line 3: cannot be read as JSON: the key 'n'",
        ),
        (lambda kept: [*kept[:2], kept[2].replace('"n":4', '"n":NaN')], "line 3: cannot be read as JSON: NaN"),
        (lambda kept: [*kept[:2], kept[2].replace('"n":4', '"n":' + "9" * 5000)], "line 3: cannot be read as JSON"),
        (lambda kept: [*kept[:2], kept[2].replace('"n":4', '"n":1e999')], "line 3: cannot be read as JSON: 1e999"),
    ],
)
def test_a_file_that_is_not_as_we_write_it_is_one_line_and_makes_no_store(
    damage: Callable[[list[str]], list[str]], said: str, full: Path, tmp_path: Path, run_cli: RunCli
) -> None:
    file, other = tmp_path / "bad.jsonl", tmp_path / "other.sqlite"
    file.write_text("".join(line + "\n" for line in damage(exported(full))))
    ended = run_cli("store", "import", file, "--store", other)
    assert (ended.code, ended.stdout) == (2, "")
    assert ended.stderr.count("\n") == 1
    assert said in ended.stderr
    assert not other.exists()


def test_a_line_that_is_too_long_is_not_held(full: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "long.jsonl"
    monkeypatch.setattr("harness.store.exchange_files.LONGEST_LINE_BYTES", 1000)
    monkeypatch.setattr(lines, "LONGEST_LINE_BYTES", 1000)
    file.write_text(exported(full)[0] + "\n" + "x" * 10_000)
    with pytest.raises(UsageError, match="line 2: is longer than 1000 bytes"):
        list(read_entries(file))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(at=st.integers(0, 10**6), removed=st.integers(0, 40), added=st.binary(max_size=20))
def test_whatever_is_done_to_a_file_it_is_read_or_refused_in_one_line(
    at: int, removed: int, added: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    text = sample_file(tmp_path_factory)
    place = at % len(text)
    harmed = text[:place] + added + text[place + removed :]
    try:
        read: list[Entry] = list(parsed(harmed.splitlines(keepends=True), "harmed"))
    except UsageError as error:
        assert len(str(error).splitlines()) == 1  # noqa: PT017  # either way is right
    else:
        again = [line.encode() for line in lines_of(read)]
        assert list(lines_of(parsed(again, "written again"))) == [line.decode() for line in again]


KEPT: list[bytes] = []


def sample_file(factory: pytest.TempPathFactory) -> bytes:
    """An export, made once."""
    if not KEPT:
        path = factory.mktemp("kept") / "s.sqlite"
        filled(path).close()
        KEPT.append("\n".join(contents(path)).encode())
    return KEPT[0]


def no_parquet(path: Path) -> None:
    path.write_bytes(b"PAR1 but not really PAR1")


def other_parquet(path: Path) -> None:
    import pandas as pd

    pd.DataFrame({"x": [1.0]}).to_parquet(path)


def numbers_for_lines(path: Path) -> None:
    import pandas as pd

    pd.DataFrame({"line": [1.0]}).to_parquet(path)


def no_lines(path: Path) -> None:
    import pandas as pd

    pd.DataFrame({"line": pd.Series([None, None], dtype="string")}).to_parquet(path)


@pytest.mark.parametrize("make", [no_parquet, other_parquet, numbers_for_lines, no_lines])
def test_a_parquet_file_that_is_not_ours_is_one_line(
    make: Callable[[Path], None], tmp_path: Path, run_cli: RunCli
) -> None:
    file = tmp_path / "bad.parquet"
    make(file)
    ended = run_cli("store", "import", file, "--store", tmp_path / "other.sqlite")
    assert (ended.code, ended.stdout) == (2, "")
    assert ended.stderr.count("\n") == 1
    assert str(file) in ended.stderr
    assert not (tmp_path / "other.sqlite").exists()


@pytest.mark.parametrize("command", ["import", "export"])
@pytest.mark.parametrize("name", ["all.csv", "all", "absent/all.jsonl"])
def test_a_file_that_cannot_be_is_one_line(command: str, name: str, full: Path, run_cli: RunCli) -> None:
    ended = run_cli("store", command, full.parent / name, "--store", full)
    assert (ended.code, ended.stdout) == (2, "")
    assert ended.stderr.count("\n") == 1
    assert name in ended.stderr


def test_an_export_that_fails_leaves_the_file_that_was_there(full: Path, tmp_path: Path) -> None:
    file = tmp_path / "all.jsonl"
    file.write_text("mine")

    def failing() -> object:
        yield RecordEntry(record=record_of("a"), of="r")
        raise OSError(28, "No space left on device")

    with pytest.raises(CannotMeasureError, match="No space left"):
        write_entries(file, failing())  # type: ignore[arg-type]  # a generator of entries
    assert file.read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["all.jsonl", full.name]


def test_nothing_is_taken_from_nothing(store_path: Path) -> None:
    assert astuple(take(Store(str(store_path)), list, "nothing")) == astuple(Taken())
