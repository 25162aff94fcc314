import gc
import math
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict
from functools import cache
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel
from sqlalchemy import event

from harness.errors import CannotMeasureError, HarnessError, UsageError
from harness.measure.plan import Case, Request, single
from harness.measure.run import execute, new_run
from harness.problems import catalog as problems
from harness.records.environment import Environment
from harness.records.observer import Observer
from harness.records.record import HeadRow, Record, Solution, TraceRecord
from harness.records.run import Run
from harness.solvers import catalog as solvers
from harness.solvers.options import Options
from harness.solvers.status import Status
from harness.store.migrations import VERSION
from harness.store.store import Store
from harness.timing.sampling import Effort, Samples
from harness.verify.accuracy import Accuracy

QUICK = Effort(warm_up_calls=0, calls_per_turn=1, min_calls=3, max_calls=3)


def exact(value: object) -> object:
    """A value in which equal floats, NaN among them, are equal, and different ones are not (-0.0 is not 0.0)."""
    if isinstance(value, BaseModel):
        return exact(dict(value))
    if isinstance(value, Accuracy | Samples):
        return exact(asdict(value))
    if isinstance(value, dict):
        return {name: exact(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [exact(part) for part in value]
    return value.hex() if isinstance(value, float) else value


@cache
def cases() -> tuple[Case, ...]:
    """A closed form with a summary, trainings with and without a held-out part, one that overflows, one refused."""
    few = Options(epochs=5)
    asked = [
        ("auto_mpg", "statsmodels_pinv", Options()),
        ("four_points", "torch_sgd", few),
        ("noiseless_line", "torch_adam", few),
        ("auto_mpg", "torch_sgd", Options(lr=1e30, scale="raw", epochs=5)),
        ("sine", "mlp_adam", Options(epochs=2, hidden=(3, 2))),
        ("four_points", "numpy_lstsq", Options(device="cuda")),
    ]
    return tuple(single(problems.load(problem), solvers.get(solver), options) for problem, solver, options in asked)


@cache
def small_run() -> Run:
    """A run of the first case."""
    return new_run(Request(problems=("auto_mpg",), n=(5, 6), lr=(0.1,)), cases()[:1])


@cache
def small_record() -> Record:
    """The first case's record with three samples."""
    (record,) = execute(small_run(), cases()[:1], Store("sqlite://"), effort=QUICK)
    return record


def another_run(run_id: str) -> Run:
    return small_run().model_copy(update={"id": run_id})


def refused(kind: type[HarnessError], call: Callable[[], object], *pieces: str) -> None:
    with pytest.raises(kind) as error:
        call()
    text = str(error.value)
    assert len(text.splitlines()) == 1
    for piece in pieces:
        assert piece in text


def fill(path: Path, *statements: str, wal: bool = False) -> None:
    """A database made by these statements."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        if wal:
            connection.execute("PRAGMA journal_mode=WAL")
        for statement in statements:
            connection.execute(statement)


# What is written is read


@pytest.mark.slow
def test_a_run_and_its_records_come_back_to_the_last_bit(any_store: str) -> None:
    made = new_run(Request(problems=("a", "b"), device="cpu", lr=(1e-3,), options=Options(hidden=(3, 2))), cases())
    records = execute(made, cases(), Store(any_store), effort=QUICK)
    assert [record.status for record in records].count(Status.DIVERGED) == 1
    assert records[-1].status is Status.UNSUPPORTED
    assert not any(map(math.isfinite, records[3].solution.computed if records[3].solution else ()))

    opened = Store(any_store, create=False)
    assert exact(opened.records(made.id)) == exact(records)
    found = opened.run(made.id)
    assert found.finished_at is not None
    assert found.model_copy(update={"finished_at": None}) == made
    assert found.environment.id == made.environment.id
    assert found.planned == tuple(case.key for case in cases())


def test_an_environment_keeps_its_id() -> None:
    """Stores and what people exported name environments by it: 64 of SHA-256's bits, of every field in this order."""
    ran_on = Environment(
        cpu="one",
        cores=2,
        memory_bytes=8_000_000_000,
        system="Linux 6.1 x86_64",
        python="CPython 3.11.9",
        blas=("mkl 2024.2", "openblas 0.3.27"),
        versions={"numpy": "2.1.0", "torch": "2.5.1"},
    )
    assert ran_on.id == "fb2fc6f2bb4b4907"
    assert ran_on.model_copy(update={"dirty": True}).id != ran_on.id


NUMBERS = st.floats(allow_nan=True, allow_infinity=True, allow_subnormal=True)
SECONDS = st.floats(min_value=0, allow_infinity=False)
RUN_NUMBERS = count()


@pytest.mark.slow
@given(
    kept=st.lists(NUMBERS, min_size=6, max_size=6),
    timed=st.lists(st.tuples(SECONDS, SECONDS), max_size=5),
    error=st.sampled_from(["", "ValueError: no luck"]),
)
def test_every_number_of_a_record_comes_back_to_the_last_bit(
    kept: list[float], timed: list[tuple[float, float]], error: str
) -> None:
    a, b, c, d, e, f = kept
    record = small_record().model_copy(
        update={
            "accuracy": Accuracy(digits=a, digits_by_term=(b, c), excess_loss=d, r2={"train": e}, mse={"train": f}),
            "solution": Solution(terms=("x",), computed=(a, b), exact=(c,), statistics={"aic": d}),
            "trace": TraceRecord(epochs=1, epoch=(0,), train_loss=(e,), val_loss=(f,), excess_loss=(a,)),
            "head": (HeadRow(x=(b,), y=c, predicted=d),),
            "samples": Samples(tuple(wall for wall, _ in timed), tuple(cpu for _, cpu in timed), error),
        }
    )
    store, run = shared_store(), another_run(f"drawn-{next(RUN_NUMBERS)}")
    store.start(run)
    store.add_samples(store.add(run.id, record), record.samples)
    assert exact(store.records(run.id)) == exact([record])


@cache
def shared_store() -> Store:
    """One store in memory for all the examples."""
    return Store("sqlite://")


def test_an_environment_is_kept_once_and_shared_by_its_runs(store_path: Path) -> None:
    store = Store(str(store_path))
    for name in ("one", "two"):
        store.start(another_run(name))
    with closing(sqlite3.connect(store_path)) as connection:
        assert connection.execute("SELECT id FROM environments").fetchall() == [(small_run().environment.id,)]
    assert [run.environment for run in store.runs()] == [small_run().environment] * 2


def test_records_of_another_run_are_not_handed_out(any_store: str) -> None:
    store = Store(any_store)
    for name, samples in (("one", 1), ("two", 2)):
        store.start(another_run(name))
        store.add_samples(store.add(name, small_record()), Samples((0.5,) * samples, (0.25,) * samples))
    assert [record.samples.wall_s for record in store.records("one")] == [(0.5,)]
    assert [record.samples.wall_s for record in store.records("two")] == [(0.5, 0.5)]
    assert store.records("three") == []


# Which run


@pytest.mark.slow
def test_the_newest_run_is_the_one_that_came_last_though_the_clock_was_set_back(any_store: str) -> None:
    store = Store(any_store)
    for name, started in (("b", "2026-02-01T00:00:01+00:00"), ("c", "2026-02-01T00:00:00+00:00")):
        store.start(another_run(name).model_copy(update={"started_at": started}))
    assert [run.id for run in store.runs()] == ["b", "c"]
    assert store.run().id == "c"
    assert store.run("b").id == "b"


@pytest.mark.slow
def test_an_unknown_run_is_refused_with_the_newest_ones_id(any_store: str) -> None:
    store = Store(any_store)
    refused(UsageError, lambda: store.run("mine"), "no run 'mine'", store.url, "none")
    store.start(small_run())
    refused(UsageError, lambda: store.run("mine"), "no run 'mine'", store.url, small_run().id)


@pytest.mark.slow
def test_an_empty_store_has_no_newest_run(any_store: str) -> None:
    store = Store(any_store)
    refused(CannotMeasureError, store.run, store.url, "harness run")


# A run that is cut off


@pytest.mark.slow
def test_a_record_is_kept_before_its_samples_and_before_its_run_ends(any_store: str) -> None:
    store = Store(any_store)
    store.start(small_run())
    key = store.add(small_run().id, small_record())
    # Another process opens the file while the first lives, as after its death.
    others = Store(any_store, create=False)
    without = small_record().model_copy(update={"samples": Samples()})
    assert exact(others.records(small_run().id)) == exact([without])
    assert others.run().finished_at is None
    store.add_samples(key, small_record().samples)
    assert exact(others.records(small_run().id)) == exact([small_record()])


@pytest.mark.slow
def test_a_run_that_is_interrupted_keeps_the_cases_that_were_fitted(any_store: str) -> None:
    class Interrupting(Observer):
        def working(self, what: str) -> None:
            if what == cases()[1].key:
                raise KeyboardInterrupt

    made = new_run(Request(), cases()[:2])
    with pytest.raises(KeyboardInterrupt):
        execute(made, cases()[:2], Store(any_store), Interrupting(), effort=QUICK)
    opened = Store(any_store, create=False)
    assert [record.case for record in opened.records(made.id)] == [cases()[0].key]
    assert opened.run().finished_at is None
    assert len(opened.run().planned) == 2


@pytest.mark.slow
def test_two_stores_that_write_to_one_database_in_turn_lose_nothing(any_store: str) -> None:
    stores = {"one": Store(any_store), "two": Store(any_store)}
    for name, store in stores.items():
        store.start(another_run(name))
    keys: dict[str, list[int]] = {"one": [], "two": []}
    for i in range(10):
        for name, store in stores.items():
            record = small_record().model_copy(update={"case": f"{name} {i}"})
            keys[name].append(store.add(name, record))
    for i in range(10):
        for name, store in stores.items():
            store.add_samples(keys[name][i], Samples((float(i),), (0.0,)))
    third = Store(any_store, create=False)
    for name in stores:
        found = [(record.case, record.samples.wall_s) for record in third.records(name)]
        assert found == [(f"{name} {i}", (float(i),)) for i in range(10)]


@pytest.mark.slow
def test_a_store_that_nobody_closes_closes_its_connections(store_path: Path) -> None:
    store = Store(str(store_path))
    closed: list[object] = []
    event.listen(store.engine, "close", lambda connection, _: closed.append(connection))
    assert store.runs() == []
    assert not closed
    del store
    gc.collect()
    assert closed


def test_a_store_writes_ahead_so_that_readers_and_writers_do_not_block_each_other(store_path: Path) -> None:
    store = Store(str(store_path))
    with closing(sqlite3.connect(store_path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM runs").fetchone()  # a reader in the midst of its transaction
        store.start(small_run())
        assert connection.execute("SELECT count(*) FROM runs").fetchone() == (0,)
    assert store.run().id == small_run().id


# What is refused


@pytest.mark.parametrize("below", ["", "deeper/still"])
def test_a_store_is_made_with_the_folders_above_it(below: str, tmp_path: Path) -> None:
    path = tmp_path / below / "store.sqlite"
    Store(str(path))
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT schema_version FROM meta").fetchall() == [(VERSION,)]
    assert Store(str(path)).runs() == []


@pytest.mark.parametrize("name", ["store.sqlite", "absent/store.sqlite"])
def test_a_missing_store_that_is_only_read_is_not_made(name: str, tmp_path: Path) -> None:
    refused(CannotMeasureError, lambda: Store(str(tmp_path / name), create=False), name, "harness run")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("create", [True, False])
def test_a_store_of_another_schema_version_is_refused_and_left_as_it_is(create: bool, store_path: Path) -> None:
    statements = ("CREATE TABLE meta (schema_version INTEGER NOT NULL)", "INSERT INTO meta VALUES (7)")
    fill(store_path, *statements, wal=True)
    before = store_path.read_bytes()
    refused(
        UsageError, lambda: Store(str(store_path), create=create), str(store_path), "version is 7", f"has {VERSION}"
    )
    assert store_path.read_bytes() == before


@pytest.mark.parametrize(
    "statements",
    [
        ["CREATE TABLE plants (name TEXT)", "INSERT INTO plants VALUES ('fern')"],
        ["CREATE TABLE plants (name TEXT)", "INSERT INTO plants VALUES ('fern')", "CREATE TABLE meta (key TEXT)"],
    ],
    ids=["other tables", "another table named meta"],
)
def test_a_database_of_another_program_is_refused_and_keeps_its_tables(
    statements: Sequence[str], store_path: Path
) -> None:
    fill(store_path, *statements, wal=True)
    before = store_path.read_bytes()
    refused(UsageError, lambda: Store(str(store_path)), str(store_path))
    assert store_path.read_bytes() == before


@pytest.mark.parametrize("create", [True, False])
def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(create: bool, store_path: Path) -> None:
    text = "measured by hand: 3.2 s\n" * 100
    store_path.write_text(text)
    refused(UsageError, lambda: Store(str(store_path), create=create), str(store_path), "not a database")
    assert store_path.read_text() == text


@pytest.mark.parametrize("name", ["file/store.sqlite", "file/deeper/store.sqlite", "folder"])
def test_a_path_where_no_file_can_be_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a regular file")
    (tmp_path / "folder").mkdir()
    refused(UsageError, lambda: Store(str(tmp_path / name)), str(tmp_path / name))
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "folder"]


@pytest.mark.parametrize("url", ["paper://desk", "://", "sqlite+nothing:///a"])
def test_a_url_that_no_driver_knows_is_refused(url: str) -> None:
    refused(UsageError, lambda: Store(url), url)


def test_a_store_without_a_name_is_the_one_in_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Store()
    assert (tmp_path / "results" / "harness.sqlite").is_file()


@pytest.mark.slow
def test_samples_of_no_record_are_refused(any_store: str) -> None:
    store = Store(any_store)
    refused(UsageError, lambda: store.add_samples(17, Samples((1.0,), (1.0,))), store.url)
    refused(UsageError, lambda: store.add("no such run", small_record()), store.url)
