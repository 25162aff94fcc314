"""A Dask cluster as a place: the same records as at home, whatever becomes of its workers."""

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from distributed import LocalCluster

from harness.errors import CannotMeasureError
from harness.measure.cluster import address, workers
from harness.measure.cluster.address import RESOURCE
from harness.measure.cluster.place import GroupJob
from harness.measure.plan import Request, plan
from harness.measure.recording import record_of
from harness.records.record import Record, Worker
from harness.solvers.status import Status
from harness.store.conditions import conditions_of
from harness.store.store import Store
from harness.store.sweep_store import SweepStore
from harness.sweep.measuring import InProcess
from harness.timing.sampling import UNTIMED, Effort
from tests.conftest import RunCli
from tests.test_isolation_sweep import result, swept

MEASURED_ANEW = {"prepare_s", "peak_bytes", "samples", "worker", "warnings"}
MINE = """
import os, pathlib, signal
import numpy as np

def fits(X, y):
    return np.linalg.lstsq(X, y, rcond=None)[0]

def kills(X, y):
    os.kill(os.getppid(), signal.SIGKILL)  # the worker of the cluster, whose child this process is
    return fits(X, y)

def kills_once(X, y):
    mark = pathlib.Path(os.environ["KILLED_ONCE"])
    if not mark.exists():
        mark.touch()
        os.kill(os.getppid(), signal.SIGKILL)
    return fits(X, y)
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of two workers that measure."""
    folder = tmp_path_factory.mktemp("cluster")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HARNESS_CACHE_DIR", str(folder))
        patch.setenv("KILLED_ONCE", str(folder / "killed"))
        with LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            resources={RESOURCE: 1},
            dashboard_address=":0",
            memory_limit=0,
            silence_logs=50,
            local_directory=str(folder),
        ) as made:
            yield made.scheduler_address


def without_the_time(record: Record) -> dict[str, object]:
    return record.model_dump(exclude=MEASURED_ANEW)


@pytest.mark.slow
def test_a_run_has_the_same_records_as_at_home_and_says_who_measured_them(
    cluster: str, run_cli: RunCli, store_path: Path
) -> None:
    asked = [f"--problem={name}" for name in ("everyday:n=50", "nist_longley")]
    asked += [f"--solver={name}" for name in ("sklearn", "scipy_gelsy")]
    assert run_cli("run", *asked, "--store", str(store_path), "--in-process").code == 1
    done = run_cli("run", *asked, "--store", str(store_path), "--on", cluster)
    assert done.code == 1, done.stderr
    store = Store(str(store_path))
    home, away = (store.records(run.id) for run in store.runs())
    assert list(map(without_the_time, home)) == list(map(without_the_time, away))
    assert all(len(record.samples.wall_s) > 1 for record in away)
    seen = {record.worker for record in away if record.worker is not None}
    assert len({record.worker for record in away[:2]}) == 1, "cases of a problem are timed in turn, by one worker"
    assert {one.environment for one in seen} <= set(store.environments())
    stretches = conditions_of(store, store.runs()[-1].id)
    assert len(stretches) == len({one.address for one in seen})
    assert all(one.after is not None and one.machine == os.uname().nodename for one in stretches)


@pytest.mark.slow
def test_a_worker_that_dies_costs_its_case_which_is_tried_again_elsewhere_once(
    cluster: str, run_cli: RunCli, store_path: Path, tmp_path: Path
) -> None:
    (tmp_path / "mine.py").write_text(MINE)
    solvers = [word for name in ("fits", "kills_once", "kills") for word in ("--solver", f"mine.py:{name}")]
    done = run_cli("run", "--problem", "four_points", *solvers, "--store", str(store_path), "--on", cluster)
    assert done.code == 1, done.stderr
    fits, once, always = Store(str(store_path)).records(Store(str(store_path)).runs()[0].id)
    assert (fits.status, once.status, always.status) == (Status.OK, Status.OK, Status.CRASHED)
    assert fits.samples.wall_s
    assert once.samples.wall_s
    assert "it was tried 2 times, and the workers were lost: tcp://" in always.message
    lost = [line for line in done.stderr.splitlines() if line.startswith("the worker tcp://")]
    assert [("kills_once" in line, "was lost at" in line) for line in lost] == [
        (True, True),
        (False, True),
        (False, True),
    ]
    assert fits.worker == once.worker, "what is timed in turn is of one worker"


@pytest.mark.slow
def test_a_sweep_is_shared_out_and_has_the_same_cells_as_at_home(
    cluster: str, run_cli: RunCli, store_path: Path
) -> None:
    words = [f"--optimizer={name}" for name in ("sgd", "adam")]
    words += ["--seeds=4", "--epochs=60", "--lr=1e-2:10:1/decade", "--no-widen"]
    done = run_cli("sweep", *words, "--store", str(store_path), "--on", cluster, "--quiet")
    assert done.code == 0, done.stderr
    kept = SweepStore(Store(str(store_path)))
    cells = kept.cells(kept.sweep().id)
    rates = tuple(sorted({cell.lr for cell in cells}))
    home = swept(
        InProcess(),
        problems=("auto_mpg",),
        optimizers=("sgd", "adam"),
        lr=rates,
        seeds=4,
        epochs=60,
    )
    found = {(cell.optimizer, cell.lr): cell for cell in cells}
    away = [result(found[cell.optimizer, cell.lr]) | {"worker": "None"} for cell in home]
    assert away == [result(cell) for cell in home]
    assert len(cells) == len(home)
    assert all(cell.loop_epoch.wall_s for cell in cells if cell.status is Status.OK)
    assert len({cell.worker.address for cell in cells if cell.worker is not None}) == 2


@pytest.mark.slow
def test_ctrl_c_withdraws_what_is_at_work_and_resume_goes_on(
    cluster: str, run_cli: RunCli, store_path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "slow.py").write_text(
        "import time, numpy as np\n"
        "def sleeps(X, y):\n"
        f"    time.sleep(0 if __import__('pathlib').Path({str(tmp_path / 'go')!r}).exists() else 600)\n"
        "    return np.linalg.lstsq(X, y, rcond=None)[0]\n"
    )
    asked = ("--problem", "four_points", "--solver", "numpy_lstsq", "--solver", "slow.py:sleeps")
    heard = workers.Workers._heard  # noqa: SLF001  # Ctrl-C comes while news are waited for

    def interrupted(self: Any, sent: dict[int, Any], listener: Any) -> Iterator[Any]:
        yield from heard(self, sent, listener)
        if any("sleeps" in one.doing for one in sent.values()):
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(workers.Workers, "_heard", interrupted)
        cut_off = run_cli("run", *asked, "--store", str(store_path), "--on", cluster)
    assert cut_off.code == 130
    assert "harness run --resume" in cut_off.stderr
    (tmp_path / "go").touch()
    before = time.monotonic()
    done = run_cli("run", "--resume", "--store", str(store_path), "--on", cluster)
    assert done.code == 0, done.stderr
    assert time.monotonic() - before < 300, "the case that slept for 600 s was ended"
    store = Store(str(store_path))
    assert [record.solver for record in store.records(store.run().id)] == ["numpy_lstsq", "slow.py:sleeps"]


@pytest.mark.slow
def test_workers_of_another_version_or_without_the_resource_are_refused_in_a_line(
    cluster: str, run_cli: RunCli, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ("run", "--problem", "four_points", "--solver", "numpy_lstsq", "--on", cluster)
    with monkeypatch.context() as patch:
        patch.setattr(np, "__version__", "1.26.0")
        done = run_cli(*asked)
    assert done.code == 2
    assert f"has numpy {np.__version__}, here it is 1.26.0: install the same on both" in done.stderr
    monkeypatch.setattr(workers, "measuring", lambda _: set())
    done = run_cli(*asked, "--connect-timeout", "0.3")
    assert done.code == 3
    assert f"no worker measures: start one with dask worker {cluster} --nthreads 1 --resources harness=1" in done.stderr


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--on", "127.0.0.1:8786"), 2, "--on takes a scheduler's address, as tcp://HOST:8786, or local:4"),
        (("--on", "local:0"), 2, "--on takes a scheduler's address"),
        (("--on", "local:2", "--in-process"), 2, "--on measures with workers, --in-process in this process"),
        (("--connect-timeout", "2"), 2, "--connect-timeout goes with --on"),
        (("--on", "local:2", "--connect-timeout", "0"), 2, "--connect-timeout is a positive number of seconds"),
        (("--on", "tls://127.0.0.1:9", "--connect-timeout", "1"), 2, "--on tls://127.0.0.1:9: TLS"),
        (("--on", "tcp://127.0.0.1:9", "--connect-timeout", "0.2"), 3, "no scheduler answers within 0.2 s"),
    ],
)
@pytest.mark.parametrize("command", ["run", "accuracy", "sweep"])
def test_an_address_that_is_none_is_a_line(
    command: str, words: tuple[str, ...], code: int, said: str, run_cli: RunCli
) -> None:
    problem = ("--problem", "auto_mpg" if command == "sweep" else "four_points")
    done = run_cli(command, *problem, *words)
    assert (done.code, done.stderr.count("\n")) == (code, 1)
    assert said in done.stderr


def test_an_event_loop_that_starts_late_is_tried_once_more() -> None:
    tries = iter([AssertionError, TimeoutError])

    def client(*_: object, **__: object) -> None:
        raise next(tries)

    with pytest.raises(TimeoutError):
        address._client(client, "tcp://127.0.0.1:9", 0.2)  # noqa: SLF001  # distributed's thread starts late by chance


def test_without_dask_a_line_names_the_extra(run_cli: RunCli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    done = run_cli("run", "--problem", "four_points", "--on", "local:2")
    assert done.code == 3
    assert "pip install 'ls-harness[dask]'" in done.stderr


class Kept:
    """A keeper that remembers."""

    def __init__(self) -> None:
        self.fitted_: list[tuple[int, Record]] = []
        self.noted_: list[str] = []
        self.at: list[str] = []

    def noted(self, line: str) -> None:
        self.noted_.append(line)

    def working(self, what: str) -> None:
        self.at.append(what)

    def fitted(self, index: int, record: Record) -> None:
        self.fitted_.append((index, record))


class Waits(workers.Workers):
    """Workers that come and go as they are given, a quarter of a minute a look, and never measure."""

    def __init__(self, looks: list[set[str]], patch: pytest.MonkeyPatch, **more: float) -> None:
        self.on, self.looks, self.sent_to = "tcp://a:1", looks, list[str]()
        self.restart_s = more.get("restart_s", address.RESTART_S)
        self.at_s = 0.0
        patch.setattr(time, "monotonic", lambda: self.at_s)

    def _there(self) -> set[str]:
        self.at_s += 15
        return self.looks.pop(0)

    def _send(self, job: Any, address: str, sent: dict[int, Any]) -> None:
        self.sent_to.append(address)
        if len(self.sent_to) > 1:
            job.over = True
            return
        sent[1] = workers._Sent(job, address, SimpleNamespace(cancel=lambda: None), doing="a case")  # noqa: SLF001

    def _heard(self, sent: dict[int, Any], listener: Any) -> Iterator[Any]:
        yield from ()


def test_where_all_workers_are_lost_another_one_has_minutes_to_start(monkeypatch: pytest.MonkeyPatch) -> None:
    told = Kept()
    job = SimpleNamespace(over=False, lost=lambda _: None)
    with monkeypatch.context() as patch:
        late = Waits([{"a"}, *[set[str]()] * 12, {"b"}], patch)  # three minutes
        assert list(late.each([job], told)) == []
    assert late.sent_to == ["a", "b"]
    assert told.at == ["no worker is left: waiting up to 300 s for another"]
    assert told.noted_ == ["the worker a was lost at a case: what started it says why"]


@pytest.mark.parametrize(("restart_s", "looks"), [(300.0, 22), (60.0, 6)])
def test_workers_that_do_not_come_back_are_a_line(
    restart_s: float, looks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = SimpleNamespace(over=False, lost=lambda _: None)
    with monkeypatch.context() as patch:
        gone = Waits([{"a"}, *[set[str]()] * looks], patch, restart_s=restart_s)
        with pytest.raises(CannotMeasureError, match=f"no worker is left that measures, for {restart_s:g} s: start"):
            list(gone.each([job], Kept()))
    assert gone.looks == [], "it waited as long as it says"


@pytest.mark.parametrize(
    ("effort", "lost_at", "left", "statuses"),
    [
        (Effort(), (1, 1), [0, 2], {1: Status.CRASHED}),
        (Effort(), (1, 2), [0, 1, 2], {}),
        (UNTIMED, (1, 1), [2], {0: Status.OK, 1: Status.CRASHED}),
        (Effort(), (3, 3), [], dict.fromkeys(range(3), Status.CRASHED)),  # while they were timed in turn
        (UNTIMED, (None, None), [], dict.fromkeys(range(3), Status.CRASHED)),  # before any was begun
    ],
)
def test_what_is_left_of_a_group_whose_worker_is_lost(
    effort: Effort, lost_at: tuple[int | None, ...], left: list[int], statuses: dict[int, Status]
) -> None:
    cases = plan(Request(problems=("four_points",), solvers=("sklearn", "numpy_lstsq", "scipy_gelsy")))
    job = GroupJob(cases, Kept(), effort)
    worker = Worker(address="tcp://a:1", machine="a", environment="0")
    for lost in lost_at:
        here = job.work()._sent.cases()  # noqa: SLF001
        names = [case.solver.name for case in here]
        for index in range(3 if lost is None else lost):
            at = next((i for i, name in enumerate(names) if name == cases[index].solver.name), None)
            if lost is not None and at is not None:
                job.heard("working", "", worker)
                job.heard("fitted", [at, record_of(cases[index], Status.OK, "").model_dump_json()], worker)
        if lost is not None:
            job.heard("working", "", worker)
        job.lost("tcp://a:1")
    assert job.over == (not left)
    if left:
        assert [case.solver.name for case in job.work()._sent.cases()] == [cases[i].solver.name for i in left]  # noqa: SLF001
    for index, status in statuses.items():
        assert job.records[index].status is status
