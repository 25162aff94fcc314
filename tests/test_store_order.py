"""The newest run is the one that ended last in the store's order, whatever a clock said; a lost store is noticed."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from harness.errors import CannotMeasureError
from harness.page.gather import baseline_of
from harness.records.run import Run
from harness.records.sweep import Sweep
from harness.store.exchange import take
from harness.store.exchange_files import read_entries, write_entries
from harness.store.salvage import salvaging
from harness.store.store import Store
from harness.store.sweep_store import SweepStore
from tests.conftest import RunCli
from tests.test_store_exchange import cell_of
from tests.writers import record_of, run_of

LATE, EARLY = "2026-06-01T00:00:00.000000+00:00", "2020-01-01T00:00:00.000000+00:00"


def made(store: Store, name: str, at: str, *, ends: bool = True) -> Run:
    """A run of one case in the store, by a clock that says `at`."""
    run = run_of(name, ("a",), at)
    store.start(run)
    store.add_samples(store.add(name, record_of("a", rounds=2)), record_of("a", rounds=2).samples)
    if ends:
        store.finish(name)
    return run


def ids(store: Store) -> list[str]:
    return [run.id for run in store.runs()]


def test_a_clock_that_was_set_back_changes_no_order(any_store: str) -> None:
    store = Store(any_store)
    made(store, "first", LATE)
    made(store, "second", EARLY)
    assert ids(store) == ["first", "second"]
    assert store.run().id == "second"


def test_who_ends_last_is_the_newest(any_store: str) -> None:
    store = Store(any_store)
    made(store, "long", EARLY, ends=False)
    made(store, "short", LATE)
    assert store.run().id == "short"
    store.finish("long")
    assert store.run().id == "long"
    made(store, "goes on", EARLY, ends=False)
    assert store.run().id == "goes on"


def test_sweeps_are_in_the_same_order(any_store: str) -> None:
    store = Store(any_store)
    sweeps = SweepStore(store)
    for name, at in (("first", LATE), ("second", EARLY)):
        sweep = {"command": "harness sweep", "asked": {}, "environment": run_of("x", ()).environment}
        sweeps.start(sweep_of(name, at, sweep))
        sweeps.add(name, [cell_of(0.1)])
    assert sweeps.unfinished().id == "second"
    sweeps.finish("second")
    sweeps.finish("first")
    assert sweeps.sweep().id == "first"


def sweep_of(name: str, at: str, rest: dict[str, object]) -> Sweep:
    return Sweep.model_validate({"id": name, "started_at": at, **rest})


@pytest.mark.slow
def test_an_export_keeps_the_order_and_an_import_goes_by_date(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "ours.sqlite"))
    made(store, "first", LATE)
    made(store, "second", EARLY)
    store.close()
    with salvaging(str(tmp_path / "ours.sqlite")) as found:
        write_entries(tmp_path / "ours.jsonl", found.entries())

    def entries() -> object:
        return read_entries(tmp_path / "ours.jsonl")

    again = Store(str(tmp_path / "again.sqlite"))
    take(again, entries, "ours")  # type: ignore[arg-type]  # an iterator of entries
    assert ids(again) == ["first", "second"]
    other = Store(str(tmp_path / "other.sqlite"))
    made(other, "newer", "2027-01-01T00:00:00.000000+00:00")
    take(other, entries, "ours")  # type: ignore[arg-type]
    assert other.run().id == "newer"
    other.keep(run_of("older", ("a",), EARLY).model_copy(update={"finished_at": EARLY}), [record_of("a")])
    assert other.run().id == "newer"


@pytest.mark.slow
def test_gate_compare_report_resume_and_completion_take_the_same(store_path: Path, run_cli: RunCli) -> None:
    from types import SimpleNamespace

    from harness.cli.completing import _runs

    store = Store(str(store_path))
    made(store, "first", LATE)
    made(store, "second", EARLY)
    store.close()
    judged = run_cli("gate", "--json", "--store", store_path)
    assert '"run": "second"' in judged.stdout
    asked = SimpleNamespace(params={"store": str(store_path)})
    assert list(_runs(asked)) == ["second", "first"]  # type: ignore[arg-type]  # all that it asks of typer's


def test_the_baseline_is_the_run_before_in_the_store() -> None:
    def of(name: str, commit: str, at: str) -> Run:
        run = run_of(name, ("a",), at)
        return run.model_copy(update={"environment": run.environment.model_copy(update={"commit": commit * 40})})

    before, now, after = of("before", "a", LATE), of("now", "b", EARLY), of("after", "c", EARLY)
    assert baseline_of([before, now, after], now, None) is before


GONE: dict[str, tuple[str, Callable[[Path], object]]] = {
    "deleted": ("deleted", lambda path: path.unlink()),
    "replaced": ("replaced", lambda path: Path(shutil.copy(path, path.with_name("x"))).replace(path)),
    "without its log": ("robbed of its log", lambda path: path.with_name(f"{path.name}-wal").unlink()),
    "in another folder": ("deleted", lambda path: path.parent.rename(path.parent.with_name("moved"))),
    "in a folder that is gone": ("deleted", lambda path: shutil.rmtree(path.parent)),
}


@pytest.mark.slow
@pytest.mark.parametrize("how", GONE)
@pytest.mark.parametrize("when", ["between two cases", "before the end"])
def test_a_store_that_goes_during_a_run_is_3_and_what_was_measured_is_beside_it(
    how: str, when: str, tmp_path: Path
) -> None:
    path = tmp_path / "folder" / "store.sqlite"
    said, go = GONE[how]
    before = Store(str(path))
    made(before, "older", EARLY)
    before.close()
    store = Store(str(path))
    store.start(run_of("r", ("a", "b"), LATE))
    store.add_samples(store.add("r", record_of("a", rounds=2)), record_of("a", rounds=2).samples)
    go(path)
    next_step = (lambda: store.add("r", record_of("b"))) if when == "between two cases" else lambda: store.finish("r")
    with pytest.raises(CannotMeasureError, match=f"was {said} while it was written to") as lost:
        next_step()
    assert lost.value.exit_code == 3
    beside = path.with_name("store.r.jsonl")
    assert str(beside) in str(lost.value)
    other = Store(str(tmp_path / "other.sqlite"))
    take(other, lambda: read_entries(beside), "beside")
    assert ids(other) == ["r"]
    assert other.records("r")[0] == record_of("a", rounds=2)


def test_a_sweep_that_goes_is_written_beside_too(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    sweeps = SweepStore(Store(str(path)))
    sweep = {"command": "harness sweep", "asked": {}, "environment": run_of("x", ()).environment}
    sweeps.start(sweep_of("s", LATE, sweep))
    sweeps.add("s", [cell_of(0.1)])
    path.unlink()
    with pytest.raises(CannotMeasureError, match=r"store\.s\.jsonl"):
        sweeps.add("s", [cell_of(0.01)])


def test_an_interrupted_transaction_is_no_lost_store(store_path: Path) -> None:
    """SQLAlchemy closes its connection then, and with the last one SQLite takes the log away."""
    store = Store(str(store_path))
    made(store, "first", LATE)

    def interrupted() -> None:
        with store.write() as connection:
            connection.invalidate()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    made(store, "second", LATE)
    assert ids(store) == ["first", "second"]


def test_a_store_that_is_closed_may_be_replaced(store_path: Path) -> None:
    store = Store(str(store_path))
    made(store, "first", LATE)
    store.close()
    Path(shutil.copy(store_path, store_path.with_name("x"))).replace(store_path)
    made(store, "second", LATE)
    assert ids(store) == ["first", "second"]


@pytest.mark.slow
@pytest.mark.parametrize("log", ["moved into the file", "beside it"])
def test_a_store_that_nobody_may_write_to_is_read_checked_and_exported(log: str, tmp_path: Path) -> None:
    """As another user, whom modes stop: these tests may run as root."""
    import os

    folder = tmp_path / "disk"
    store = Store(str(folder / "store.sqlite"))
    made(store, "first", LATE)
    if log == "moved into the file":
        store.close()
    else:
        shutil.copytree(folder, tmp_path / "copied")
        store.close()
        folder = tmp_path / "copied"
        assert (folder / "store.sqlite-wal").stat().st_size
    before = sorted(folder.iterdir())
    for one in folder.iterdir():
        one.chmod(0o444)
    folder.chmod(0o555)
    for above in (tmp_path, *list(tmp_path.parents)[:3]):
        above.chmod(above.stat().st_mode | 0o755)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine").chmod(0o777)
    pid = os.fork()
    if not pid:
        code = 70
        try:
            if not os.getuid():
                os.setuid(65534)
            read = Store(str(folder / "store.sqlite"), create=False)
            assert ids(read) == ["first"]
            assert read.records("first") == [record_of("a", rounds=2)]
            with salvaging(str(folder / "store.sqlite")) as found:
                write_entries(tmp_path / "mine" / "out.jsonl", found.entries())
                found.integrity()
                assert found.troubles == []
            code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert len(list(read_entries(tmp_path / "mine" / "out.jsonl"))) == 2
    folder.chmod(0o755)
    assert sorted(folder.iterdir()) == before


def test_a_store_is_its_owner_s_alone(store_path: Path) -> None:
    store = Store(str(store_path))
    made(store, "first", LATE)
    with closing(sqlite3.connect(store_path)) as connection:
        connection.execute("SELECT 1 FROM meta")
        modes = {one.name: one.stat().st_mode & 0o777 for one in store_path.parent.glob("store.sqlite*")}
    assert modes == dict.fromkeys(("store.sqlite", "store.sqlite-wal", "store.sqlite-shm"), 0o600)
