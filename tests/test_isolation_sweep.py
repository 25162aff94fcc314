"""Faults that take a process along, under `harness sweep`: what is trained together has them, the rest is done."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import pytest

from harness.measure.isolation.limits import LEAST_S, default_timeout_s
from harness.records.observer import Observer
from harness.records.run import exit_code
from harness.records.sweep import Cell
from harness.solvers.status import Status
from harness.solvers.training.engine import TOGETHER
from harness.store.store import Store
from harness.store.sweep_store import SweepStore
from harness.sweep.isolated import Isolated
from harness.sweep.measuring import InProcess, Place
from harness.sweep.plan import SweepRequest, candidates, new_sweep
from harness.sweep.run import execute
from tests.conftest import RunCli
from tests.faulty_sweep import LIMITS, MODULE, PLANTED, UNTIMED
from tests.test_isolation_place import gone, workers

pytestmark = pytest.mark.usefixtures("one_thread")
SMALL = {"problems": ("four_points",), "lr": (0.01, 0.1), "seeds": 3, "epochs": 20, "optimizers": ("sgd",)}


def swept(place: Place, observer: Observer | None = None, **asked: Any) -> list[Cell]:
    """The cells of a small sweep in a place."""
    request = SweepRequest.model_validate(SMALL | asked)
    planned, kept = candidates(request), SweepStore(Store("sqlite://"))
    made = new_sweep(request, planned)
    kept.start(made)
    cells = execute(made, planned, kept, observer, place=place)
    assert [cell.model_dump_json() for cell in kept.cells(made.id)] == [cell.model_dump_json() for cell in cells]
    return cells


def result(cell: Cell) -> dict[str, object]:
    """All of a cell but what the clock said; NaN is equal to itself as text."""
    return {name: str(value) for name, value in cell if name not in ("engine_s", "loop_epoch")}


@pytest.fixture(scope="module", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """For workers that several tests share: they start before a test has a cache folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HARNESS_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def beside() -> list[str]:
    """Each optimizer with a fault, one that is well after it, and at the end one whose epoch cannot be timed."""
    pairs = [(f"sgd:weight_decay={number}", f"adam:weight_decay={number}") for number in range(1, len(PLANTED) + 1)]
    return [*sum(pairs, ()), f"sgd:weight_decay={UNTIMED:g}"]


@pytest.fixture(scope="module")
def cells(beside: list[str]) -> dict[str, Cell]:
    """One sweep with every fault, by optimizer; its worker is replaced where it must be."""
    with closing(Isolated(LIMITS, solvers=MODULE)) as place:
        return {cell.optimizer: cell for cell in swept(place, optimizers=beside, lr=(0.1,))}


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status", "message"), [(i, *rest) for i, (_, *rest) in enumerate(PLANTED, 1)])
def test_a_fault_is_typed_and_the_next_optimizer_is_untouched(
    number: int, status: Status, message: str, cells: dict[str, Cell]
) -> None:
    fault, healthy = (cells[f"{name}:weight_decay={number}"] for name in ("sgd", "adam"))
    assert fault.status is status, fault.message
    assert message in fault.message
    assert "\n" not in fault.message
    assert bool(fault.final) == (status is Status.OK)
    assert exit_code([fault, healthy]) == (0 if status is Status.OK else 1)
    (here,) = swept(InProcess(), optimizers=(healthy.optimizer,), lr=(0.1,))
    assert result(healthy) == result(here)
    assert healthy.loop_epoch.wall_s


@pytest.mark.slow
def test_an_epoch_that_ends_the_process_is_not_timed_and_its_trainings_and_the_others_are(
    cells: dict[str, Cell], beside: list[str]
) -> None:
    assert [name for name, cell in cells.items() if cell.loop_epoch.error] == [beside[-1]]
    untimed = cells[beside[-1]]
    assert untimed.status is Status.OK
    assert "SIGSEGV" in untimed.loop_epoch.error


@pytest.fixture(scope="module")
def place() -> Iterator[Isolated]:
    """One for several sweeps: what one leaves behind, the next one finds."""
    with closing(Isolated()) as isolated:
        yield isolated


@pytest.mark.slow
@pytest.mark.parametrize(
    "asked",
    [
        {"optimizers": ("sgd", "momentum", "adam"), "lr": (0.01, 0.1, 10.0), "epochs": 400},
        {"engine": "oracle", "dtype": "float64", "optimizers": ("nesterov", "adam")},
        {"engine": "loop", "batch": 2},
        {"problems": ("four_points", "nist_noint1", "deficient:n=20,p=4,rank=2", "everyday:n=50")},
        {"problems": ("sine",), "seeds": 2},
    ],
    ids=str,
)
def test_a_sweep_is_the_same_in_both_places(asked: dict[str, Any], place: Isolated) -> None:
    there, here = swept(place, **asked), swept(InProcess(), **asked)
    assert list(map(result, there)) == list(map(result, here))
    assert [len(cell.loop_epoch.wall_s) > 0 for cell in there] == [len(cell.loop_epoch.wall_s) > 0 for cell in here]


@pytest.mark.slow
def test_one_worker_serves_a_sweep_in_which_nothing_was_trained_before_its_target_and_its_observer_hears_of_it(
    place: Isolated, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(TOGETHER, "mlp", 2)
    heard: dict[str, list[object]] = {"noted": [], "working": [], "trained": [], "pids": []}

    class Hearing(Observer):
        def noted(self, line: str) -> None:
            heard["noted"].append(line)

        def working(self, what: str) -> None:
            heard["working"].append(what)
            heard["pids"] += [worker.pid for worker in workers()]

        def trained(self, epochs: int) -> None:
            heard["trained"].append(epochs)

    swept(place)
    (before,) = workers()
    swept(place, Hearing(), problems=("sine",), hidden=(4,), seeds=2)
    (pid,) = set(heard["pids"])
    assert pid != before.pid
    assert any("no stored target: making one" in str(line) for line in heard["noted"])
    assert any("its target, " in str(line) for line in heard["working"])
    assert heard["trained"]


class Aimless(Isolated):
    """Its worker is killed as it is told what the aim is."""

    def aim(self, candidate: Any, observer: Any) -> Any:
        found = super().aim(candidate, observer)
        for worker in workers():
            os.kill(worker.pid, signal.SIGKILL)
            assert gone(worker.pid)
        return found


@pytest.mark.slow
def test_a_worker_that_is_killed_between_chunks_costs_no_cell_its_status() -> None:
    with closing(Aimless()) as place:
        cells = swept(place, lr=(0.1,))
    assert {cell.status for cell in cells} == {Status.OK}
    assert all(cell.loop_epoch.wall_s for cell in cells)


@pytest.mark.slow
def test_what_no_worker_survives_before_it_trains_is_every_cell_s_status() -> None:
    with closing(Isolated(LIMITS.__class__(memory_bytes=2**20), solvers=MODULE)) as place:
        cells = swept(place)
    assert {cell.status for cell in cells} == {Status.OUT_OF_MEMORY}


# What it may take


@pytest.mark.parametrize(
    ("engine", "dtype", "turns"), [("batched", None, 1), ("loop", None, 8), ("oracle", "float64", 1)]
)
def test_a_unit_may_take_what_its_trainings_take_and_a_step_is_one_of_all(
    engine: str, dtype: str | None, turns: int
) -> None:
    asked = SweepRequest.model_validate(SMALL | {"engine": engine, "dtype": dtype, "seeds": 8})
    candidate = candidates(asked)[0].at((0.1,))
    assert candidate.batches == turns
    alone, together = default_timeout_s(candidate), default_timeout_s(candidate, 8, turns)
    assert default_timeout_s(candidate, 1, 1) == alone
    assert LEAST_S < alone < together <= LEAST_S + 8 * (alone - LEAST_S)


# The command


@pytest.mark.slow
def test_the_command_says_what_took_too_long(run_cli: RunCli, store_path: Path) -> None:
    words = ("--problem", "four_points", "--seeds", 2, "--lr", 0.1, "--optimizer", "sgd", "--store", store_path)
    ended = run_cli("sweep", *words, "--engine", "loop", "--epochs", 10**6, "--timeout", 1)
    assert ended.code == 1
    said = " ".join(ended.stdout.split())
    assert "it took longer than 1 s. Give the case more time with --timeout" in said
    assert not workers()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--timeout", "0"), "--timeout is a positive number of seconds, not 0"),
        (("--in-process", "--memory", "1GiB"), "--timeout and --memory need a worker process"),
        (("--show", "--timeout", "5"), "--show takes a sweep as it was asked for: drop --timeout"),
        (("--make-target", "x", "--in-process"), "in this process: drop --in-process"),
    ],
)
def test_limits_that_cannot_be_kept_are_refused(run_cli: RunCli, words: tuple[str, ...], said: str) -> None:
    ended = run_cli("sweep", *words)
    assert (ended.code, ended.stdout) == (2, "")
    assert said in ended.stderr
    assert ended.stderr.count("\n") == 1


PATIENCE_S = 120.0


@pytest.mark.slow
def test_ctrl_c_during_a_training_shows_what_there_is_and_resume_goes_on(run_cli: RunCli, store_path: Path) -> None:
    """The first learning rate's chunk is in the store, and stays; the others take seconds."""
    words = ["--problem", "four_points", "--optimizer", "sgd", "--engine", "loop", "--seeds", "1", "--no-widen"]
    words += ["--lr", "1e-3:0.1:6", "--epochs", "2000", "--store", str(store_path)]
    command = [sys.executable, "-m", "harness", "sweep", *words]
    going = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + PATIENCE_S
    while not stored(store_path):
        assert time.monotonic() < until
        assert going.poll() is None, going.communicate()
        time.sleep(0.05)
    children = psutil.Process(going.pid).children()
    going.send_signal(signal.SIGINT)
    out, err = going.communicate(timeout=PATIENCE_S)
    assert len(children) == 2, "the worker, and the process for exact answers"
    assert all(gone(child.pid) for child in children)
    assert going.returncode == 130, err
    assert "four_points" in out
    assert f"unfinished: harness sweep --resume --store {store_path} goes on" in err
    before = stored(store_path)
    assert run_cli("sweep", "--resume", "--in-process", "--store", store_path).code == 0
    after = stored(store_path)
    assert len(after) == 6 > len(before)
    assert list(map(result, after[: len(before)])) == list(map(result, before))


def stored(path: Path) -> list[Cell]:
    """The cells of the newest sweep in a store, if there are any."""
    if not path.exists():
        return []
    kept = SweepStore(Store(str(path), create=False))
    return kept.cells(kept.sweep().id) if kept.sweeps() else []
