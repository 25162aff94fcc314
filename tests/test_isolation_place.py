"""The worker process seen from its parent: the same records, what it may take, how it ends."""

import gc
import os
import signal
import subprocess
import sys
import time
import weakref
from contextlib import closing, nullcontext, suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch

from harness.ab.launch import _status as status_of_version
from harness.cli.isolation import bytes_of
from harness.errors import CannotMeasureError, UsageError
from harness.measure.isolation.data import read_problem
from harness.measure.isolation.data_file import DataFile
from harness.measure.isolation.ending import how_it_ended, last_line
from harness.measure.isolation.isolated import Isolated
from harness.measure.isolation.limits import LEAST_S, Limits, default_timeout_s
from harness.measure.isolation.messages import Answer, case_order
from harness.measure.isolation.note import Note, new_page
from harness.measure.isolation.serving import Bench
from harness.measure.plan import Case, Request, single
from harness.measure.prepared import Outcome
from harness.measure.recording import failure, record_of
from harness.measure.run import execute, measure, new_run
from harness.measure.truth import wire_of
from harness.problems.catalog import load
from harness.problems.problem import Problem
from harness.records.observer import Observer
from harness.records.record import Record
from harness.solvers import catalog
from harness.solvers.options import Options
from harness.solvers.solver import Kind
from harness.solvers.status import Status
from harness.store.store import Store
from harness.timing.memory import Peak
from harness.timing.sampling import Effort, Samples
from harness.timing.transfer import Transfer
from harness.verify.reference import reference
from tests.conftest import RunCli
from tests.faults import HEALTHY, MODULE, FailsWhileItIsPrepared

FAST = Effort(warm_up_calls=0, calls_per_turn=1, min_calls=2, max_calls=2, budget_s=0)
MEASURED_ANEW = {"prepare_s", "peak_bytes", "samples"}
PATIENCE_S = 30.0
"""A generous deadline for what takes milliseconds: a process's end."""
ROOT = Path(__file__).resolve().parent.parent


def without_the_time(record: Record) -> dict[str, object]:
    """All that does not say when it was made: statsmodels' summary has the date and the time."""
    said = record.model_dump(exclude=MEASURED_ANEW)
    if record.solution is not None:
        lines = [line for line in record.solution.summary.splitlines() if not line.startswith(("Date:", "Time:"))]
        said["solution"]["summary"] = lines
    return said


def assert_alike(there: Record, here: Record) -> None:
    """MKL, which is torch's LAPACK, rounds by where the memory begins (Intel, oneMKL: conditional reproducibility)."""
    if here.solver.startswith("torch") and here.unit == "fit":
        assert (there.status, there.message, there.warnings) == (here.status, here.message, here.warnings)
        assert there.solution is not None
        assert here.solution is not None
        np.testing.assert_allclose(there.solution.computed, here.solution.computed, rtol=1e-12)
    else:
        assert without_the_time(there) == without_the_time(here), here.solver


def workers() -> list[psutil.Process]:
    """The worker processes that this process has started and that live, without the one for exact answers."""
    return started("harness.measure.isolation.serving")


def started(module: str) -> list[psutil.Process]:
    """The processes of this one that serve so and that live."""
    found = psutil.Process().children()
    return [one for one in found if one.status() != psutil.STATUS_ZOMBIE and module in one.cmdline()]


def gone(pid: int) -> bool:
    """Whether a process has ended, within PATIENCE_S."""
    until = time.monotonic() + PATIENCE_S
    with suppress(psutil.NoSuchProcess):
        while psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
            if time.monotonic() > until:
                return False
            time.sleep(0.02)
    return True


# The same answer as in this process


@pytest.mark.slow
@pytest.mark.usefixtures("one_thread")
def test_every_solver_of_the_default_grid_gives_the_same_record_in_a_worker() -> None:
    """To the last bit (torch's closed forms: to rounding); only times and memory are measured anew."""
    problem = load("auto_mpg")
    takes = [(solver, "epochs" in solver.takes) for solver in catalog.CORE if solver.kind is not Kind.CURVE]
    cases = [single(problem, solver, Options(epochs=20 if trained else None)) for solver, trained in takes]
    with closing(Isolated()) as place:
        isolated = [place.fit(case) for case in cases]
        assert place.waiting == len(cases)
        timed = place.time(FAST)
    for case, record, then in zip(cases, isolated, timed, strict=True):
        here = measure(case).record
        assert_alike(record, here)
        assert then == record.model_copy(update={"samples": then.samples})
        assert len(then.samples.wall_s) == 2


@pytest.mark.parametrize("spec", ["auto_mpg", "sine", "nist_noint1", "wide", "synthetic:n=30,noise=0.5", "own.csv"])
def test_a_problem_reaches_the_worker_as_it_is(spec: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rows = "\n".join(f"{i},{i * i},{'test' if i > 7 else 'train'},{3 * i}" for i in range(10))
    (tmp_path / "own.csv").write_text(f'"a, ""b""",c,split,y\n{rows}\n')
    sent = load(spec, target="y" if spec == "own.csv" else None)
    file = DataFile()
    with closing(file):
        file.write(load("synthetic:n=100"))  # longer than what follows
        file.write(sent)
        found = read_problem(file.descriptor)
        assert read_problem(file.descriptor).sha256 == sent.sha256  # a second worker reads it too
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.write(file.descriptor, b"x")
    for name in ("X", "y"):
        here, there = getattr(sent, name), getattr(found, name)
        assert here.tobytes() == there.tobytes()
        assert (there.dtype, there.flags.f_contiguous, there.flags.writeable) == (
            np.float64,
            here.flags.f_contiguous,
            False,
        )
    for name in ("train", "val", "test"):
        assert getattr(sent.split, name).tolist() == getattr(found.split, name).tolist()
    for name in (
        "label",
        "sha256",
        "features",
        "target",
        "intercept",
        "relation",
        "family",
        "title",
        "source",
        "truth",
    ):
        assert getattr(sent, name) == getattr(found, name), name
    for name in ("units", "recipe", "parameters"):
        assert dict(getattr(sent, name)) == dict(getattr(found, name)), name


def test_a_problem_that_finds_no_room_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    file = DataFile()
    monkeypatch.setattr("numpy.save", full)
    with closing(file), pytest.raises(CannotMeasureError, match=r"four_points .*No space left on device; make room"):
        file.write(load("four_points"))


# What a case may take


def case_of(spec: str, solver: str, **options: object) -> Case:
    return single(load(spec), catalog.get(solver), Options(**options))  # type: ignore[arg-type]


def test_the_default_timeout_grows_with_the_work() -> None:
    small = default_timeout_s(case_of("four_points", "numpy_lstsq"))
    assert small == pytest.approx(LEAST_S, abs=0.01)
    # 100 000 rows, 11 columns: 1.21e7 multiply-adds, at 1e7 a second.
    assert default_timeout_s(case_of("synthetic:n=100000", "numpy_lstsq")) == pytest.approx(LEAST_S + 1.21)
    # 1000 epochs of 1e5 rows by 11 weights, three times; and 1000 steps of 10 ms.
    full = default_timeout_s(case_of("synthetic:n=100000", "torch_sgd", epochs=1000))
    assert full == pytest.approx(LEAST_S + 330 + 10)
    # In batches of 100 it is a thousand times the steps.
    assert default_timeout_s(case_of("synthetic:n=100000", "torch_sgd", epochs=1000, batch=100)) > full + 9000
    assert Limits(timeout_s=0.5).allowed_s(case_of("four_points", "numpy_lstsq")) == 0.5
    assert Limits().allowed_s(case_of("four_points", "numpy_lstsq")) == small


@pytest.mark.parametrize(
    ("text", "found"), [("4GiB", 4 * 2**30), ("500MB", 500_000_000), ("1e9", 10**9), ("4096", 4096), ("1.5 kib", 1536)]
)
def test_bytes_as_people_write_them(text: str, found: int) -> None:
    assert bytes_of(text) == found


@pytest.mark.parametrize("text", ["", "0", "-1", "four", "4XB", "nan", "inf", "1e400", "-4GiB"])
def test_bytes_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"^--memory is a number of bytes, as 4GiB or 500MB, not "):
        bytes_of(text)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--timeout", "0"), "--timeout is a positive number of seconds, not 0"),
        (("--timeout", "nan"), "--timeout is a positive number of seconds, not nan"),
        (("--in-process", "--timeout", "5"), "--timeout and --memory need a worker process"),
        (("--in-process", "--memory", "1GiB"), "--timeout and --memory need a worker process"),
        (("--memory", "much"), "--memory is a number of bytes"),
    ],
)
def test_limits_that_cannot_be_kept_are_refused(run_cli: RunCli, words: tuple[str, ...], said: str) -> None:
    ended = run_cli("run", "--problem", "four_points", "--solver", "numpy_lstsq", *words)
    assert (ended.code, ended.stdout) == (2, "")
    assert said in ended.stderr
    assert ended.stderr.count("\n") == 1


@pytest.mark.slow
def test_the_command_says_what_took_too_long_and_exits_1(run_cli: RunCli, store_path: Path) -> None:
    one = ("run", "--problem", "four_points", "--solver", "numpy_lstsq", "--store", store_path)
    endless = ("run", "--problem", "four_points", "--solver", "torch_sgd", "--lr", "1e-4", "--epochs", "1000000")
    ended = run_cli(*endless, "--store", store_path, "--timeout", "0.3")
    assert ended.code == 1
    said = " ".join(ended.stdout.split())
    assert "it took longer than 0.3 s. Give the case more time" in said
    ended = run_cli(*one, "--memory", "1MB", "--json")
    assert ended.code == 1
    assert '"status":"out_of_memory"' in ended.stdout
    assert run_cli(*one, "--in-process").code == 0
    assert run_cli(*one).code == 0
    assert not workers() + started("harness.measure.isolation.answering")


@pytest.mark.slow
def test_accuracy_is_measured_in_a_worker_too(run_cli: RunCli, store_path: Path) -> None:
    one = ("accuracy", "--problem", "nist_norris", "--solver", "numpy_lstsq", "--store", store_path)
    assert "more than 1 MiB" in run_cli(*one, "--memory", "1MiB", "--json").stdout
    assert "more than" not in run_cli(*one, "--json").stdout
    assert run_cli(*one, "--in-process", "--memory", "1GB").code == 2


# How a worker ends


@pytest.mark.parametrize(
    ("code", "said", "oom_kills", "status", "line"),
    [
        (-11, b"", 0, Status.CRASHED, "the process ended with signal 11 (SIGSEGV)"),
        (
            -6,
            b"a\nfree(): invalid\n\n",
            0,
            Status.CRASHED,
            "the process ended with signal 6 (SIGABRT): free(): invalid",
        ),
        (-40, b"", 0, Status.CRASHED, "the process ended with signal 40"),
        (-9, b"", 0, Status.CRASHED, "the process ended with signal 9 (SIGKILL)"),
        (-9, b"", 1, Status.OUT_OF_MEMORY, "the kernel killed the process: the machine's memory was exhausted"),
        (
            3,
            b"\xff\x1b[31mred",
            1,
            Status.CRASHED,
            "the process ended with exit code 3: \N{REPLACEMENT CHARACTER} [31mred",
        ),
        (None, b"", 0, Status.CRASHED, "the process closed its answers"),
        (
            -6,
            b"what():  std::bad_alloc",
            0,
            Status.OUT_OF_MEMORY,
            "the host's memory is exhausted: what():  std::bad_alloc",
        ),
    ],
)
def test_how_a_process_ended_in_a_line(
    code: int | None, said: bytes, oom_kills: int, status: Status, line: str
) -> None:
    assert how_it_ended(code, said, oom_kills=oom_kills) == (status, line)


def test_a_last_line_is_no_page() -> None:
    assert len(last_line(b"x" * 10**6)) < 300
    assert last_line(b" \n\t\n") == ""


def healthy() -> Case:
    return single(load("synthetic:n=50,p=2"), HEALTHY, Options())


@pytest.mark.slow
def test_a_worker_that_is_killed_between_cases_costs_nobody_a_status() -> None:
    with closing(Isolated(solvers=MODULE)) as place:
        place.fit(healthy())
        (worker,) = workers()
        os.kill(worker.pid, signal.SIGKILL)
        assert gone(worker.pid)
        place.fit(healthy())
        records = place.time(FAST)
    assert [record.status for record in records] == [Status.OK, Status.OK]
    assert [len(record.samples.wall_s) for record in records] == [2, 2]


@pytest.mark.slow
def test_one_worker_serves_many_cases() -> None:
    with closing(Isolated(solvers=MODULE)) as place:
        seen = set()
        for spec in ("synthetic:n=50,p=2", "synthetic:n=60,p=2"):
            for _ in range(3):
                place.fit(single(load(spec), HEALTHY, Options()))
                seen |= {worker.pid for worker in workers()}
            place.time(FAST)
    assert len(seen) == 1
    assert gone(seen.pop())


@pytest.mark.slow
def test_a_worker_that_does_not_start_is_no_case_s_fault() -> None:
    with closing(Isolated(solvers="no.such.module")) as place, pytest.raises(CannotMeasureError) as caught:
        place.fit(healthy())
    assert "the worker process did not start" in str(caught.value)
    assert "No module named 'no'" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_a_solver_that_the_worker_does_not_know_is_an_error_row() -> None:
    with closing(Isolated()) as place:
        record = place.fit(healthy())
        assert place.time(FAST) == [record]
    assert (record.status, record.message) == (Status.ERROR, "KeyError: 'healthy'")


@pytest.mark.slow
def test_a_problem_that_no_worker_takes_is_every_case_s_status(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.measure.isolation.data_file.DataFile.write", lambda *_: None)
    with closing(Isolated(solvers=MODULE)) as place:
        problem = load("synthetic:n=50,p=2")
        records = [place.fit(single(problem, HEALTHY, Options())) for _ in range(3)]
        assert place.time(FAST) == records
    assert {record.status for record in records} == {Status.ERROR}
    why = (
        "its exact answer cannot be worked out: what was handed over is not the problem: EOFError: No data left in file"
    )
    assert {record.message for record in records} == {f"{problem.label}: {why}"}


class OnDevice(FailsWhileItIsPrepared):
    """It says that it runs on CUDA, and fails there."""

    devices = ("cpu", "cuda")


@pytest.mark.parametrize("raises", [True, False])
@pytest.mark.parametrize("lost", [True, False])
def test_a_device_in_an_error_state_retires_the_worker(
    lost: bool, raises: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a failed kernel every CUDA call of the process fails; here with a stand-in for the device.

    The error may show in nothing that fails the case, such as the copies that are timed.
    """
    bench, order = on_a_device(monkeypatch, lost=lost, raises=raises)
    answer = bench.fit(order)
    assert answer.record is not None
    ended = (Status.ERROR, "ValueError: no luck") if raises else (Status.OK, "")
    assert (answer.record.status, answer.record.message) == ended
    assert answer.retire == (LOST if lost else "")


@pytest.mark.parametrize("raises", [True, False])
def test_a_device_that_is_lost_while_a_case_is_prepared_again_retires_the_worker(
    raises: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench, order = on_a_device(monkeypatch, lost=True, raises=raises)
    answer = bench.prepare(order)
    assert (answer.retire, answer.failed) == (LOST, "ValueError: no luck" if raises else "")


LOST = "cuda is in an error state: RuntimeError: CUDA error: an illegal memory access was encountered"


def on_a_device(monkeypatch: pytest.MonkeyPatch, *, lost: bool, raises: bool) -> tuple[Bench, dict[str, object]]:
    """A worker's bench, and an order about a case on CUDA; a stand-in is waited for."""

    def synchronize() -> None:
        if lost:
            raise RuntimeError("CUDA error: an illegal memory access was encountered\nmore")

    def fail(_: object) -> None:
        if raises:
            raise ValueError("no luck")

    monkeypatch.setattr("harness.measure.isolation.serving.synchronizer", lambda _device: synchronize)
    for module in ("one_case", "prepared", "turns"):
        monkeypatch.setattr(f"harness.measure.{module}.synchronizer", lambda _device: lambda: None)
    monkeypatch.setattr("harness.measure.one_case.transfer_of", lambda *_: Transfer())
    monkeypatch.setattr("harness.measure.one_case.peak_memory", lambda _device: nullcontext(Peak()))
    solver, file = OnDevice("on_device", fail), DataFile()
    with closing(file):
        file.write(load("four_points"))
        bench = Bench({solver.name: solver}, Note(new_page()), file.descriptor)
        bench.problem({"group": 0, "truth": wire_of(reference(load("four_points")))})
    case = Case(load("four_points"), solver, Options(device="cuda", dtype="float64"))
    return bench, {"cases": [0], "group": 0, "solved": {}, **case_order(case)}


@pytest.mark.parametrize("devices", [("cpu", "cuda"), ("cuda", "cpu"), ("cpu", "cpu")])
@pytest.mark.parametrize("error", ["RuntimeError: CUDA error: device-side assert triggered", ""])
def test_any_case_on_a_lost_device_retires_the_worker(
    devices: tuple[str, str], error: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not only the first of its group, which with --device all is on the CPU; nor only one that has failed."""

    def synchronize(device: str) -> None:
        if device == "cuda":
            raise RuntimeError("CUDA error: device-side assert triggered")

    monkeypatch.setattr("harness.measure.isolation.serving.synchronizer", lambda device: partial(synchronize, device))
    failing = Samples(error=error)
    monkeypatch.setattr(
        "harness.measure.isolation.serving.time_together", lambda outcomes, *_: [failing] * len(outcomes)
    )
    problem = load("four_points")
    with closing(DataFile()) as file:
        file.write(problem)
        bench = Bench({HEALTHY.name: HEALTHY}, Note(new_page()), file.descriptor)
        bench.problem({"group": 0, "truth": {}})
        for key, device in enumerate(devices):
            case = Case(problem, HEALTHY, Options(device=device))
            bench._outcomes[key] = Outcome(case, record_of(case, Status.OK, ""))  # noqa: SLF001  # as if fitted
        answer = bench.time({"cases": [0, 1], "effort": asdict(FAST)})
    expected = "cuda is in an error state: RuntimeError: CUDA error: device-side assert triggered"
    assert answer.retire == (expected if "cuda" in devices else "")


class PoisonedOnce:
    """A Keeper whose workers are numbers: the device is lost when two cases are timed together, or `at` is prepared."""

    def __init__(self, at: int | None = None) -> None:
        self.worker, self.at_, self.asked = 0, at, list[tuple[int, str, list[int]]]()

    def at(self, _problem: Problem, _group: int) -> int:
        return self.worker

    def renew(self) -> None:
        self.worker += 1

    def ask(self, worker: int, order: dict[str, list[int]], *_: object, **__: object) -> Answer:
        assert worker == self.worker, "a worker that was lost is asked no more"
        what, cases = str(order["do"]), order["cases"]
        self.asked.append((worker, what, cases))
        lost = LOST if (what == "time" and len(cases) > 1) or (what == "prepare" and self.at_ in cases) else ""
        self.worker += bool(lost)
        if what == "prepare":
            return Answer(retire=lost, failed="AcceleratorError: CUDA error" if lost else "")
        return Answer(retire=lost, samples=(Samples((1.0,), (1.0,)),) * len(cases))


@pytest.mark.parametrize("lost_at", [None, 1])
def test_after_a_lost_device_each_of_the_rest_is_timed_alone_in_a_worker_that_is_not(
    lost_at: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper = PoisonedOnce(lost_at)
    monkeypatch.setattr("harness.measure.isolation.isolated.Keeper", lambda _: keeper)
    place = Isolated()
    for device in ("cpu", "cuda", "cuda"):
        place.prepare(Case(load("four_points"), HEALTHY, Options(device=device)))
    records = place.time(FAST)
    failed = [number for number, record in enumerate(records) if record.status.failed]
    assert failed == ([] if lost_at is None else [lost_at])
    assert [bool(record.samples.wall_s) for record in records] == [number not in failed for number in range(3)]
    alone = [cases for _, what, cases in keeper.asked if what == "time" and len(cases) == 1]
    assert alone == [[number] for number in range(3) if number not in failed]


@pytest.mark.parametrize(
    "line",
    [
        "CUDA error: out of memory",
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
        "cusolver error: CUSOLVER_STATUS_ALLOC_FAILED, when calling `cusolverDnCreate(handle)`",
        "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
        "CUDA driver error: CUDA_ERROR_OUT_OF_MEMORY",
        "RESOURCE_EXHAUSTED: Failed to allocate request for 16.0GiB (17179869184B) on device ordinal 0",
        "MPS backend out of memory (MPS allocated: 18.10 GB, other allocations: 1 MB, max allowed: 18.13 GB)",
        "more is in the second line\nCUDA error: out of memory",
    ],
)
def test_every_form_of_an_exhausted_device_is_out_of_memory(line: str) -> None:
    assert failure(RuntimeError(f"{line}\nCUDA kernel errors might be asynchronously reported"))[0] is (
        Status.OUT_OF_MEMORY
    )
    assert failure(RuntimeError("CUDA error: an illegal memory access was encountered"))[0] is Status.ERROR


def test_the_host_s_memory_is_exhausted_in_torch_s_words_too() -> None:
    with pytest.raises(RuntimeError) as raised:
        torch.empty(2**50)
    assert failure(raised.value)[0] is Status.OUT_OF_MEMORY


class Interrupting(Observer):
    """Ctrl-C as the second case begins."""

    def __init__(self) -> None:
        self.pids: list[int] = []

    def ended(self, record: Record) -> None:
        self.pids = [worker.pid for worker in workers()]
        raise KeyboardInterrupt


@pytest.mark.slow
def test_an_interrupt_ends_the_worker_at_once(store_path: Path) -> None:
    observer = Interrupting()
    with closing(Isolated(solvers=MODULE)) as place, pytest.raises(KeyboardInterrupt):
        execute(
            new_run(Request(), [healthy()]), [healthy()], Store(str(store_path)), observer, effort=FAST, place=place
        )
    (pid,) = observer.pids
    assert gone(pid)


ORPHAN = """
import os, psutil, signal
from harness.measure.isolation.isolated import Isolated
from harness.measure.plan import single
from harness.problems.catalog import load
from harness.solvers.options import Options
from tests.faults import HEALTHY, MODULE, FailsWhileItIsPrepared
place = Isolated(solvers=MODULE)
place.fit(single(load("synthetic:n=50,p=2"), HEALTHY, Options()))
print(*(child.pid for child in psutil.Process().children()), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.slow
def test_a_worker_ends_with_a_parent_that_is_killed() -> None:
    done = subprocess.run([sys.executable, "-c", ORPHAN], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    pids = list(map(int, done.stdout.split()))
    assert len(pids) == 2, "the worker, and the process for exact answers"
    assert all(map(gone, pids))


@pytest.mark.slow
def test_a_worker_lets_go_of_a_problem_before_it_reads_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two large problems at once would be twice the memory."""
    read: list[weakref.ref[Problem]] = []

    def reading(descriptor: int) -> Problem:
        gc.collect()
        assert [one for one in read if one() is not None] == []
        problem = read_problem(descriptor)
        read.append(weakref.ref(problem))
        return problem

    monkeypatch.setattr("harness.measure.isolation.serving.read_problem", reading)
    file = DataFile()
    with closing(file):
        bench = Bench({}, Note(new_page()), file.descriptor)
        for group, name in enumerate(("four_points", "noiseless_line", "four_points")):
            file.write(load(name))
            bench.problem({"group": group, "truth": {}})
    assert len(read) == 3
    assert read[-1]() is not None, "it is kept while it is worked on"


def test_an_exhausted_device_is_one_in_another_version_s_words() -> None:
    """`harness ab` asks versions that know fewer forms."""
    line = "RuntimeError: CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"
    assert status_of_version("error", line) is Status.OUT_OF_MEMORY
    assert (
        status_of_version("error", "RuntimeError: CUDA error: an illegal memory access was encountered") is Status.ERROR
    )
    assert status_of_version("a later version's own", "") is Status.ERROR
    assert status_of_version("timeout", "out of memory") is Status.TIMEOUT
