"""Nothing that was reported is lost: kill -9, Ctrl-C, a full disk, a store that cannot be written, many writers."""

import json
import os
import platform
import re
import resource
import shlex
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import psutil
import pytest
from sqlalchemy import Engine, event

from harness.errors import CannotMeasureError, UsageError
from harness.measure.plan import Request
from harness.measure.resume import request_of, take_up
from harness.measure.run import new_run
from harness.records.record import Record
from harness.report.terminal.live import Live
from harness.solvers.options import Options
from harness.store.database import make_whole
from harness.store.owner import alive, this_process
from harness.store.store import Store
from tests.conftest import RunCli
from tests.writers import PROCESSES, RECORDS, cases_of, record_of, run_of
from tools.kill_loop import Tally, digest, look

pytestmark = pytest.mark.usefixtures("in_process")  # what is killed is a process of its own, with a worker

REPOSITORY = Path(__file__).resolve().parent.parent
GRID = (
    "--problem",
    "four_points",
    "--problem",
    "noiseless_line",
    "--solver",
    "numpy_lstsq",
    "--solver",
    "sklearn_tol0",
)
GRID_CASES = 4
DEADLINE_S = 300.0
"""Of what takes seconds: for the busiest machine."""


def python(*words: object, folder: Path = REPOSITORY, **more: str) -> "subprocess.Popen[str]":
    """Another interpreter, in `folder`, with the project to import."""
    paths = f"{REPOSITORY}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    return subprocess.Popen(
        [sys.executable, *map(str, words)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1", **more},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def cut_off(monkeypatch: pytest.MonkeyPatch, run_cli: RunCli, where: object) -> str:
    """A run of GRID into a store that Ctrl-C cut off as its third case ended: its id."""
    ended: list[Record] = []

    def interrupting(_self: Live, record: Record) -> None:
        ended.append(record)
        if len(ended) == 3:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Live, "ended", interrupting)
        assert run_cli("run", *GRID, "--store", where).code == 130
    return Store(str(where)).run().id


CUT_OFF: list[tuple[str, Path]] = []


@pytest.fixture
def cut_short(
    monkeypatch: pytest.MonkeyPatch, run_cli: RunCli, store_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """The id of a run that was cut off: made once, and copied into the store of each test."""
    if not CUT_OFF:
        made = tmp_path_factory.mktemp("cut") / "store.sqlite"
        CUT_OFF.append((cut_off(monkeypatch, run_cli, made), made))
    ((run_id, made),) = CUT_OFF
    with closing(sqlite3.connect(made)) as kept, closing(sqlite3.connect(store_path)) as copied:
        kept.backup(copied)
    return run_id


# Kill -9


@pytest.mark.slow
def test_kill_9_at_random_moments_loses_nothing_leaves_nothing_by_halves_and_every_resume_completes(
    tmp_path: Path,
) -> None:
    """Two fifths of the kills fall on runs, the rest on the other commands that write."""
    loop = python("-m", "tools.kill_loop", 8, "--seed", time.time_ns() % 10**6, HARNESS_CACHE_DIR=str(tmp_path))
    said, errors = loop.communicate(timeout=DEADLINE_S)
    assert loop.returncode == 0, said + errors
    tally = json.loads(said)
    assert tally["kills"] == 8
    assert sum(tally["of_commands"].values()) == 5
    assert tally["completed"] == tally["stores"] > 0
    # A kill may come between a record's commit and its report: that one is kept, and nobody is told.
    assert 16 * tally["stores"] - 4 <= tally["reported"] <= 16 * tally["stores"]
    assert [tally[name] for name in ("lost", "torn", "doubled", "troubles", "stray")] == [0, 0, 0, [], []]


def test_the_kill_loop_would_see_a_loss_a_tear_and_a_double(store_path: Path) -> None:
    store = Store(str(store_path))
    store.start(run_of("r", ("a", "b", "c")))
    for case in ("a", "b"):
        record = record_of(case, rounds=3)
        store.add_samples(store.add("r", record), record.samples)
    reported = {case: digest(record_of(case, rounds=3)) for case in ("a", "b")}
    store.close()

    def seen(said: dict[str, str]) -> tuple[int, int, int]:
        tally = Tally(0)
        assert look(store_path, said, tally)
        return tally.lost, tally.torn, tally.doubled

    assert seen(reported) == (0, 0, 0)
    assert seen(reported | {"c": "0"}) == (1, 0, 0)
    assert seen(reported | {"b": digest(record_of("b", rounds=2))}) == (1, 0, 0)
    with closing(sqlite3.connect(store_path)) as connection:
        connection.execute("DELETE FROM samples WHERE record = 2 AND round = 1")
        connection.commit()
    assert seen(reported) == (1, 1, 0)
    with closing(sqlite3.connect(store_path)) as connection:
        body = connection.execute("SELECT body FROM records WHERE id = 1").fetchone()[0]
        row = ("r", "a", "four_points", "numpy_lstsq", "ok", "", body)
        columns = '(run, "case", problem, solver, status, sampling_error, body)'
        connection.execute(f"INSERT INTO records {columns} VALUES (?, ?, ?, ?, ?, ?, ?)", row)  # noqa: S608  # constants
        connection.commit()
    assert seen(reported) == (1, 1, 1)


def test_every_connection_syncs_each_commit_to_the_disk_and_writes_ahead(store_path: Path) -> None:
    store = Store(str(store_path))
    store.close()
    with store.engine.connect() as one, store.engine.connect() as other:
        for connection in (one, other):
            asked = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("synchronous", "journal_mode")]
            assert asked == [2, "wal"]  # 2 is FULL


def test_a_store_that_is_cut_off_while_it_is_made_is_not_there(tmp_path: Path) -> None:
    def fail(engine: Engine) -> None:
        with engine.begin() as connection:
            connection.exec_driver_sql("CREATE TABLE half (made TEXT)")
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        make_whole(tmp_path / "s.sqlite", fail)
    assert list(tmp_path.iterdir()) == []


# Ctrl-C


@pytest.mark.slow
def test_ctrl_c_prints_the_table_of_what_there_is_and_the_command_that_goes_on(
    monkeypatch: pytest.MonkeyPatch, run_cli: RunCli, store_path: Path
) -> None:
    def interrupting(_self: Live, _record: Record) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Live, "ended", interrupting)
    ended = run_cli("run", *GRID, "--store", store_path)
    run = Store(str(store_path)).run()
    assert ended.code == 130
    assert "four_points" in ended.stdout
    assert f"harness run --resume {run.id} --store {store_path} goes on" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert run.finished_at is None


@pytest.mark.slow
def test_ctrl_c_with_json_prints_json(monkeypatch: pytest.MonkeyPatch, run_cli: RunCli, store_path: Path) -> None:
    def interrupting(_self: Live, _record: Record) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Live, "ended", interrupting)
    ended = run_cli("run", *GRID, "--json", "--store", store_path)
    assert ended.code == 130
    assert [record["problem_name"] for record in json.loads(ended.stdout)] == ["four_points"] * 2


@pytest.mark.slow
def test_a_real_interrupt_ends_a_real_run_with_130_and_says_how_it_goes_on(tmp_path: Path, store_path: Path) -> None:
    going = python("-m", "harness", "run", "--problem", "auto_mpg", "--store", store_path, folder=tmp_path)
    until = time.monotonic() + DEADLINE_S
    while time.monotonic() < until and not kept(store_path):
        time.sleep(0.05)
    going.send_signal(signal.SIGINT)
    _, errors = going.communicate(timeout=DEADLINE_S)
    assert going.returncode == 130, errors
    assert "Traceback" not in errors
    (words,) = re.findall(r"unfinished: harness (run --resume .*) goes on", errors)
    run = Store(str(store_path)).run()
    assert shlex.split(words) == ["run", "--resume", run.id, "--store", str(store_path)]
    assert run.finished_at is None
    assert 0 < len(Store(str(store_path)).records(run.id)) < len(run.planned)


def kept(path: Path) -> int:
    """How many records a store has while another process writes them."""
    if not path.exists():
        return 0
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("SELECT count(*) FROM records").fetchone()[0])


STUCK = """
import numpy as np
from harness.cli.interrupting import interruptible
rows = np.random.default_rng(0).normal(size=(4000, 4000))
with interruptible(lambda: print("hushed", flush=True), lambda: print("last words", flush=True)):
    print("stuck", flush=True)
    np.linalg.svd(rows)
print("back", flush=True)
"""
"""A minute in LAPACK, which sees no interrupt; the deadline would pass long before it came back."""


@pytest.mark.slow
def test_ctrl_c_ends_a_run_that_is_deep_in_foreign_code() -> None:
    stuck = python("-c", STUCK)
    assert stuck.stdout is not None
    assert stuck.stdout.readline() == "stuck\n"
    time.sleep(0.2)  # so that it is in LAPACK, if it is quick; it is right if it is not
    stuck.send_signal(signal.SIGINT)
    said, errors = stuck.communicate(timeout=DEADLINE_S)
    assert (stuck.returncode, said, errors) == (130, "hushed\nlast words\n", "")


# Resume


@pytest.mark.slow
def test_a_resumed_run_does_only_what_is_left_and_replaces_what_had_no_samples(
    cut_short: str, store_path: Path, run_cli: RunCli, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = Store(str(store_path))
    first = before.records(cut_short)
    assert sum(before.done(cut_short).values()) == 3
    assert [bool(record.samples.wall_s) for record in first] == [True, True, True, False]
    began: list[str] = []
    monkeypatch.setattr(Live, "fitted", lambda _self, record: began.append(record.case))
    ended = run_cli("run", "--resume", "--store", store_path)
    assert ended.code == 0, ended.stderr
    assert cut_short in ended.stderr
    assert "3 cases are there, 1" in ended.stderr
    after = Store(str(store_path))
    (run,) = after.runs()
    assert run.id == cut_short
    assert run.finished_at is not None
    records = after.records(cut_short)
    assert began == [run.planned[-1]]
    assert records[:3] == first[:3]
    assert [record.case for record in records] == list(run.planned)
    assert all(record.samples.wall_s for record in records)
    assert ended.stdout.count("four_points") == 1  # one section a problem, whenever its cases came
    assert run_cli("store", "check", "--store", store_path).code == 0


@pytest.mark.slow
def test_a_run_with_nothing_left_is_finished_by_its_resume(cut_short: str, store_path: Path, run_cli: RunCli) -> None:
    assert run_cli("run", "--resume", cut_short, "--store", store_path).code == 0
    with closing(sqlite3.connect(store_path)) as connection:  # killed just before it said that it had ended
        connection.execute("UPDATE runs SET finished_at = NULL")
        connection.commit()
    ended = run_cli("run", "--resume", "--json", "--store", store_path)
    assert ended.code == 0
    assert len(json.loads(ended.stdout)) == GRID_CASES
    assert Store(str(store_path)).run().finished_at is not None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--resume", "nothing"], 2, "no run 'nothing'"),
        (["nothing"], 2, "goes with --resume"),
        (["--resume", "--problem", "auto_mpg"], 2, "takes a run as it was asked for"),
        (["--resume", "--threads", "2"], 2, "takes a run as it was asked for"),
    ],
)
def test_what_cannot_be_resumed_is_one_line(
    words: list[str], code: int, said: str, cut_short: str, store_path: Path, run_cli: RunCli
) -> None:
    ended = run_cli("run", *words, "--store", store_path)
    assert (ended.code, ended.stdout) == (code, "")
    assert re.fullmatch(rf"harness: .*{said}.*\n", ended.stderr)


@pytest.mark.slow
def test_a_finished_run_is_not_resumed(cut_short: str, store_path: Path, run_cli: RunCli) -> None:
    assert run_cli("run", "--resume", "--store", store_path).code == 0
    named = run_cli("run", "--resume", cut_short, "--store", store_path)
    assert (named.code, named.stdout) == (2, "")
    assert "has finished" in named.stderr
    newest = run_cli("run", "--resume", "--store", store_path)
    assert (newest.code, newest.stdout) == (2, "")
    assert "no unfinished run" in newest.stderr


def test_a_cut_off_run_of_another_command_is_not_taken_up(store_path: Path) -> None:
    """`harness accuracy` plans its cases itself, whatever its options."""
    store = Store(str(store_path))
    for command in ("harness accuracy", "harness accuracy --ladder", "python harness.run four_points numpy_lstsq"):
        store.start(new_run(Request(), [], command))
        with pytest.raises(UsageError, match="is another command's"):
            take_up(store, store.run().id)


def test_there_is_nothing_to_resume_where_no_store_is(tmp_path: Path, run_cli: RunCli) -> None:
    ended = run_cli("run", "--resume", "--store", tmp_path / "none.sqlite")
    assert ended.code == 3
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("part", ["commit", "cpu", "python"])
def test_a_run_of_another_environment_is_refused_by_what_differs(
    part: str, cut_short: str, store_path: Path, run_cli: RunCli
) -> None:
    with closing(sqlite3.connect(store_path)) as connection:
        connection.execute(f"UPDATE environments SET body = json_set(body, '$.{part}', 'another')")  # noqa: S608
        connection.commit()
    ended = run_cli("run", "--resume", "--store", store_path)
    assert (ended.code, ended.stdout) == (2, "")
    assert f"began with another {part}," in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert sum(Store(str(store_path)).done(cut_short).values()) == 3


@pytest.mark.slow
def test_a_run_whose_plan_is_another_now_is_refused(cut_short: str, store_path: Path, run_cli: RunCli) -> None:
    with closing(sqlite3.connect(store_path)) as connection:
        connection.execute("UPDATE runs SET planned = replace(planned, 'numpy_lstsq', 'numpy_solve')")
        connection.commit()
    ended = run_cli("run", "--resume", cut_short, "--store", store_path)
    assert (ended.code, ended.stdout) == (2, "")
    assert "can no longer be planned" in ended.stderr


@pytest.mark.slow
def test_a_run_whose_data_have_changed_is_refused(
    monkeypatch: pytest.MonkeyPatch, store_path: Path, tmp_path: Path, run_cli: RunCli
) -> None:
    def interrupting(_self: Live, _record: Record) -> None:
        raise KeyboardInterrupt

    data = tmp_path / "mine.csv"
    data.write_text("a,b\n1,2\n2,4.5\n3,5.5\n4,8\n")
    with monkeypatch.context() as patch:
        patch.setattr(Live, "ended", interrupting)
        words = ("--problem", data, "--target", "b", "--solver", "numpy_lstsq", "--solver", "sklearn")
        assert run_cli("run", *words, "--store", store_path).code == 130
    text = data.read_text()
    data.write_text(text.replace("8", "9"))
    ended = run_cli("run", "--resume", "--store", store_path)
    assert (ended.code, ended.stdout) == (2, "")
    assert "have changed" in ended.stderr
    data.write_text(text)
    assert run_cli("run", "--resume", "--store", store_path).code == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    "request_",
    [
        Request(),
        Request(problems=("auto_mpg", "synthetic"), solvers=("torch_sgd",), device="cpu", n=(100, 200), lr=(0.1, 1.0)),
        Request(problems=("four_points",), device="all", seeds=(0, 1), options=Options(epochs=3, hidden=(3, 2))),
        Request(
            problems=("cars.csv",),
            target="mpg",
            options=Options(threads=2, momentum=0.5, nesterov=True, weight_decay=0.0, minimum_norm=True),
        ),
    ],
)
def test_a_request_comes_back_from_what_a_run_keeps_of_it(request_: Request, any_store: str) -> None:
    made = new_run(request_, [])
    Store(any_store).start(made)
    again = request_of(Store(any_store).run().selection)
    assert again == request_
    assert again.options.nesterov is request_.options.nesterov


# Two at once


def live_worker() -> str:
    """Another process that lives: the one that started this one."""
    parent = psutil.Process(os.getppid())
    return f"{platform.node()} {parent.pid} {parent.create_time():.0f} 00"


def test_a_worker_is_alive_while_its_process_is() -> None:
    assert alive(live_worker()) == os.getppid()
    node, pid, started, tail = live_worker().split()
    assert alive(this_process()) is None  # it is nobody else
    assert alive(f"elsewhere {pid} {started} {tail}") is None
    assert alive(f"{node} {pid} {float(started) - 3600:.0f} {tail}") is None  # the id, of another process
    assert alive(None) is None
    assert alive("") is None


@pytest.mark.slow
def test_a_run_that_is_still_going_is_not_resumed(cut_short: str, store_path: Path, run_cli: RunCli) -> None:
    with closing(sqlite3.connect(store_path)) as connection:
        connection.execute("UPDATE runs SET worker = ?", (live_worker(),))
        connection.commit()
    named = run_cli("run", "--resume", cut_short, "--store", store_path)
    assert (named.code, named.stdout) == (2, "")
    assert f"in process {os.getppid()}" in named.stderr
    newest = run_cli("run", "--resume", "--store", store_path)
    assert (newest.code, newest.stdout) == (2, "")
    assert f"{cut_short} is still going" in newest.stderr
    with pytest.raises(UsageError, match="still going"):
        Store(str(store_path)).start(Store(str(store_path)).run())


def test_who_has_lost_a_run_to_another_cannot_add_to_it(any_store: str) -> None:
    first, second, run = Store(any_store), Store(any_store), run_of("r", ("a", "b"))
    first.start(run)
    waiting = first.add("r", record_of("a"))
    second.start(run)
    for late in (
        lambda: first.add("r", record_of("b")),
        lambda: first.add_samples(waiting, record_of("a", rounds=2).samples),
        lambda: first.finish("r"),
    ):
        with pytest.raises(UsageError):
            late()
    assert second.records("r") == []
    second.add_samples(second.add("r", record_of("a", rounds=2)), record_of("a", rounds=2).samples)
    assert second.done("r") == {"a": 1}
    with pytest.raises(UsageError, match="is there already"):
        first.start(run.model_copy(update={"started_at": "2026-01-01T00:00:00.000001+00:00"}))


@pytest.mark.slow
def test_eight_processes_write_to_one_store_and_nothing_is_lost(
    any_store: str, tmp_path: Path, run_cli: RunCli
) -> None:
    writers = python("-m", "tests.writers", any_store)
    said, errors = writers.communicate(timeout=DEADLINE_S)
    assert (writers.returncode, said, errors) == (0, "", "")
    store = Store(any_store, create=False)
    assert sorted(run.id for run in store.runs()) == [f"run-{i}" for i in range(PROCESSES)]
    for i in range(PROCESSES):
        expected = [record_of(case, rounds=3) for case in cases_of(f"run-{i}", RECORDS)]
        assert store.records(f"run-{i}") == expected
    assert run_cli("store", "check", "--store", any_store).code == 0
    assert list(tmp_path.glob(".*")) == []  # what was made beside it is gone


def test_a_lock_that_is_not_let_go_is_one_line_that_says_so(store_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Store(str(store_path)).close()
    monkeypatch.setattr("harness.store.database.BUSY_TIMEOUT_MS", 50)
    store = Store(str(store_path))
    with closing(sqlite3.connect(store_path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(CannotMeasureError, match="another process has kept it locked") as refused:
            store.start(run_of("r", ()))
        other.execute("ROLLBACK")
    assert len(str(refused.value).splitlines()) == 1
    store.start(run_of("r", ()))


def test_a_reader_that_has_begun_does_not_make_a_writer_fail(store_path: Path) -> None:
    """Who reads and then writes in one transaction is refused at once if another wrote meanwhile; ours take turns."""
    one, other = Store(str(store_path)), Store(str(store_path))
    with one.engine.connect() as reading:
        reading.exec_driver_sql("SELECT count(*) FROM runs").all()
        other.start(run_of("a", ()))
        one.start(run_of("b", ()))
    assert {run.id for run in one.runs()} == {"a", "b"}


# A disk that takes no more


def fill_up(store: Store) -> int:
    """Add records until the disk is full; how many were added."""
    for i in range(10_000):
        record = record_of(f"case {i}", rounds=30)
        try:
            store.add_samples(store.add("r", record), record.samples)
        except CannotMeasureError as error:
            assert len(str(error).splitlines()) == 1  # noqa: PT017  # which error is what fill_up is about
            assert "all that was reported is kept" in str(error)  # noqa: PT017
            return i
    raise AssertionError("the disk was never full")


def check_kept(path: Path, added: int, run_cli: RunCli) -> None:
    """All that was added is there, and the store takes more."""
    assert run_cli("store", "check", "--store", path).code == 0
    store = Store(str(path))
    assert sum(store.done("r").values()) == added > 0
    assert store.records("r")[:added] == [record_of(f"case {i}", rounds=30) for i in range(added)]
    store.start(run_of("r", ()))
    store.add_samples(store.add("r", record_of("one more")), record_of("one more").samples)
    assert store.done("r")["one more"] == 1


@pytest.mark.slow
def test_a_full_database_keeps_what_was_reported_and_takes_more_once_there_is_room(
    store_path: Path, run_cli: RunCli
) -> None:
    Store(str(store_path)).close()
    store = Store(str(store_path))
    store.close()

    def small(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA max_page_count=60")

    event.listen(store.engine, "connect", small)
    store.start(run_of("r", ()))
    added = fill_up(store)
    store.close()
    check_kept(store_path, added, run_cli)


@pytest.mark.slow
def test_a_full_disk_keeps_what_was_reported_and_takes_more_once_there_is_room(
    store_path: Path, run_cli: RunCli
) -> None:
    """A file that may grow no further: the system refuses the write, as a quota does (setrlimit(2), EFBIG)."""
    store = Store(str(store_path))
    store.start(run_of("r", ()))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, before[1]))
    try:
        added = fill_up(store)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    store.close()
    check_kept(store_path, added, run_cli)


@pytest.mark.slow
def test_a_run_on_a_full_disk_ends_with_3_and_goes_on_when_there_is_room(
    store_path: Path, run_cli: RunCli, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("harness.store.store.insert_samples", full_after(1))
        ended = run_cli("run", *GRID, "--store", store_path)
    assert (ended.code, ended.stdout) == (3, "")
    assert re.fullmatch(r"harness: store .*: the disk is full; .*\n", ended.stderr)
    assert run_cli("run", "--resume", "--store", store_path).code == 0
    run = Store(str(store_path)).run()
    assert Store(str(store_path)).done(run.id) == dict.fromkeys(run.planned, 1)


def full_after(calls: int) -> object:
    """What stands in for writing samples: after so many calls SQLite says that the database is full."""
    from harness.store.rows import insert_samples

    made = []

    def insert(connection: object, *rest: object) -> None:
        made.append(rest)
        if len(made) > calls:
            connection.exec_driver_sql("PRAGMA max_page_count=1")  # type: ignore[attr-defined]  # a connection
            connection.exec_driver_sql("CREATE TABLE filler AS SELECT zeroblob(1000000)")  # type: ignore[attr-defined]
        insert_samples(connection, *rest)  # type: ignore[arg-type]

    return insert


# A store that cannot be written


@pytest.mark.slow
def test_a_store_that_cannot_be_written_is_one_line(store_path: Path, run_cli: RunCli) -> None:
    """SQLite refuses by the mode in the URL, as by a file's: tests may run as root, whom no mode stops."""
    Store(str(store_path)).close()
    before = store_path.read_bytes()
    ended = run_cli("run", *GRID, "--store", f"sqlite:///file:{store_path}?mode=ro&uri=true")
    assert (ended.code, ended.stdout) == (2, "")
    assert re.fullmatch(r"harness: store .*: cannot be written to: .*\n", ended.stderr)
    assert store_path.read_bytes() == before


def test_a_place_where_no_store_can_be_is_one_line(tmp_path: Path, run_cli: RunCli) -> None:
    (tmp_path / "file").write_text("a regular file")
    ended = run_cli("run", *GRID, "--store", tmp_path / "file" / "store.sqlite")
    assert (ended.code, ended.stdout) == (2, "")
    assert ended.stderr.count("\n") == 1
