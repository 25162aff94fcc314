"""harness ab: workers of two versions, launch by launch, under a budget; no version can end its parent."""

import json
import math
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from harness.ab import worker
from harness.ab.calibrate import (
    BUSY,
    CONDITIONS,
    REPEATS,
    calibrate,
    calibration_file,
    others_busy,
    stored,
    write_ratios,
)
from harness.ab.cells import CellSpec, cells
from harness.ab.environments import Sides
from harness.ab.launch import Manner, quietest_core
from harness.ab.layout import Layout, switch
from harness.ab.measure import MIN_LAUNCHES, Allowance, Measurement, Task, nobody_decided
from harness.ab.process import Process, identify
from harness.ab.progress import Progress
from harness.ab.version import Version
from harness.cores import usable
from harness.cores.usable import all_cores
from harness.errors import CannotMeasureError, UsageError
from harness.judge.versions.ab_cell import CPU, WALL, judged_clock
from harness.measure.isolation.ending import WorkerLostError
from harness.records.ab import AbCell, Comparison, Condition, Measured, Side
from harness.records.environment import Environment
from harness.report.render.ab_file import read_ab
from harness.solvers.options import Options
from harness.solvers.status import Status
from tests.ab_cells import launch_of
from tests.ab_sides import FakeClock, FakeWorker, lost, package, spec, version
from tests.conftest import RunCli

A, B = Version("base", Path("python")), Version("head", Path("python"))
TWO = (spec("one"), spec("two"))
DEADLINE_S = 60.0


class Fakes:
    """A measurement with fake workers, and everything that they were told."""

    def __init__(self, specs: Sequence[CellSpec] = TWO, manner: Manner | None = None, **fate: Any) -> None:
        self.clock = FakeClock()
        self.said: list[tuple[str, str, str]] = []
        self.layouts: list[Layout | None] = []
        self.fate = fate.get("fate", {})
        self.measurement = Measurement(
            (A, B), specs, manner=manner, clock=self.clock, start=self.start, quietest=lambda _: 5
        )

    def start(self, one: Version, layout: Layout | None) -> FakeWorker:
        self.layouts.append(layout)
        return FakeWorker(one, self.clock, self.said, self.fate)

    def timed(self, cell: str | None = None) -> list[str]:
        return [side for side, do, key in self.said if do == "time" and cell in (None, key)]


def test_versions_alternate_in_both_orders_and_rounds_are_pairs() -> None:
    fakes = Fakes()
    found = fakes.measurement.run(Allowance(60.0))
    turns = fakes.timed()
    pairs = {tuple(turns[i : i + 2]) for i in range(0, len(turns), 2)}
    assert pairs == {("base", "head"), ("head", "base")}
    for cell in found:
        assert len(cell.launches) >= MIN_LAUNCHES
        for launch in cell.launches:
            lengths = {len(one) for side in (launch.base, launch.head) for one in (side.wall_s, side.cpu_s)}
            assert len(lengths) == 1
            assert lengths.pop() >= 4


def test_the_budget_ends_it_and_a_launch_that_would_not_fit_is_not_begun() -> None:
    fakes = Fakes()
    fakes.measurement.run(Allowance(60.0))
    spent = fakes.measurement.spent
    assert spent.total_s <= 60.0
    assert spent.total_s + spent.longest_s > 60.0


def test_a_budget_too_small_for_two_launches_gives_one() -> None:
    (cell, _) = Fakes().measurement.run(Allowance(0.5))
    assert len(cell.launches) == 1
    assert cell.base.digits == 9.0


def test_decided_cells_stop_and_the_others_get_the_time() -> None:
    fakes = Fakes()
    asked: list[int] = []

    def decide(found: Sequence[AbCell]) -> set[str]:
        asked.append(len(found[0].launches))
        return {"one solver"}

    one, two = fakes.measurement.run(Allowance(90.0), decide)
    assert asked[0] == MIN_LAUNCHES
    assert len(one.launches) == MIN_LAUNCHES
    assert len(two.launches) > MIN_LAUNCHES


def test_nothing_more_is_launched_once_everything_is_decided() -> None:
    fakes = Fakes()
    fakes.measurement.run(Allowance(1e6), lambda found: {cell.case for cell in found})
    assert fakes.measurement.spent.launches == MIN_LAUNCHES


def test_accuracy_is_asked_for_once() -> None:
    fakes = Fakes()
    found = fakes.measurement.run(Allowance(60.0))
    assert [do for _, do, _ in fakes.said].count("accuracy") == 2 * len(found)
    assert found[0].head.digits == 9.0


def test_a_case_that_is_gone_in_the_head_is_its_status_and_the_others_go_on() -> None:
    gone = {("head", "prepare", "one solver"): {"status": "error", "message": "unknown problem 'one'"}}
    one, two = Fakes(fate=gone).measurement.run(Allowance(60.0))
    assert (one.head.status, one.head.message) == (Status.ERROR, "unknown problem 'one'")
    assert one.base.status is Status.OK
    assert not one.launches
    assert len(two.launches) >= MIN_LAUNCHES


@pytest.mark.parametrize("do", ["prepare", "time", "accuracy"])
@pytest.mark.parametrize("status", [Status.CRASHED, Status.TIMEOUT])
def test_a_worker_that_ends_loses_the_cell_that_it_was_at_and_no_other(do: str, status: Status) -> None:
    one, two = Fakes(fate={("base", do, "one solver"): lost(status)}).measurement.run(Allowance(90.0))
    assert one.base.status is status
    assert two.base.status is Status.OK
    assert two.head.status is Status.OK
    assert len(two.launches) >= MIN_LAUNCHES


def test_every_worker_is_stopped_whatever_happens() -> None:
    fakes = Fakes(fate={("base", "time", "one solver"): lost()})
    fakes.measurement.run(Allowance(60.0))
    assert [do for _, do, _ in fakes.said].count("stop") == 2 * fakes.measurement.spent.launches


def test_a_status_of_another_version_that_is_not_known_here_is_an_error() -> None:
    strange = {("head", "accuracy", "one solver"): {"status": "bewildered", "message": "?"}}
    one, _ = Fakes(fate=strange).measurement.run(Allowance(60.0))
    assert one.head.status is Status.ERROR


def test_both_versions_are_kept_to_the_quietest_core_while_they_are_timed() -> None:
    fakes = Fakes(manner=Manner(cores=(2, 5, 7)))
    fakes.measurement.run(Allowance(60.0))
    placed = [do for _, do, _ in fakes.said if do.startswith("cores")]
    # The first launch ends with the accuracy, on all cores.
    assert placed[:4] == ["cores 5", "cores 5", "cores 2 5 7", "cores 2 5 7"]
    assert set(placed[4:]) == {"cores 5"}


def test_a_duet_is_on_two_cores_that_are_exchanged_by_chance() -> None:
    fakes = Fakes(manner=Manner(duet=True, cores=(0, 1)))
    one, _ = fakes.measurement.run(Allowance(90.0))
    assert len(one.launches[0].base.cpu_s) == len(one.launches[0].head.cpu_s) > 0
    placed = [(side, do) for side, do, _ in fakes.said if do in ("cores 0", "cores 1")]
    pairs = {tuple(placed[i : i + 2]) for i in range(0, len(placed), 2)}
    assert pairs == {
        (("base", "cores 0"), ("head", "cores 1")),
        (("base", "cores 1"), ("head", "cores 0")),
    }


def test_the_quietest_core_is_the_one_that_idles(monkeypatch: pytest.MonkeyPatch) -> None:
    idle = iter([(5.0, 5.0, 5.0), (5.01, 5.15, 5.1)])
    monkeypatch.setattr("psutil.cpu_times", lambda percpu: [SimpleNamespace(idle=one) for one in next(idle)])
    monkeypatch.setattr("time.sleep", lambda _: None)
    assert quietest_core((0, 1, 2)) == 1
    assert quietest_core((2,)) == 2


@pytest.mark.parametrize(("fastest", "figure"), [(False, 0.02), (True, 0.01)])
def test_a_round_is_the_median_of_its_calls_or_the_fastest(fastest: bool, figure: float) -> None:
    calls = {"status": "ok", "wall_s": [0.5, 0.02, 0.01], "cpu_s": [0.01, 0.5, 0.02]}
    fate = {(side, "time", "one solver"): calls for side in ("base", "head")}
    one, _ = Fakes(manner=Manner(fastest=fastest), fate=fate).measurement.run(Allowance(1.0))
    assert set(one.launches[0].head.cpu_s) == set(one.launches[0].base.wall_s) == {figure}


def test_both_versions_of_a_launch_have_one_layout_and_each_launch_another() -> None:
    fakes = Fakes()
    fakes.measurement.run(Allowance(60.0))
    pairs = [fakes.layouts[i : i + 2] for i in range(0, len(fakes.layouts), 2)]
    assert all(base == head for base, head in pairs)
    if switch():
        assert len({base for base, _ in pairs}) == len(pairs) > 1


@pytest.mark.slow
def test_a_worker_answers_whatever_its_solver_prints_or_reads(tmp_path: Path) -> None:
    with Process(version(package(tmp_path))) as process:
        assert process.answer(DEADLINE_S)["status"] == "ok"
        for problem in ("fine", "reads"):
            process.order({"do": "prepare", **spec(problem).order})
            process.order({"do": "time", "cell": f"{problem} solver", "calls": 4})
            assert process.answer(DEADLINE_S) == {"status": "ok"}
            answer = process.answer(DEADLINE_S)
            assert len(answer["wall_s"]) == len(answer["cpu_s"]) == 4


@pytest.mark.slow
def test_a_worker_hands_on_options_and_accuracy(tmp_path: Path) -> None:
    with Process(version(package(tmp_path))) as process:
        process.order({"do": "prepare", **spec("fine", digits=7.5, hidden=[8, 8]).order})
        process.order({"do": "accuracy", "cell": "fine solver"})
        process.answer(DEADLINE_S)
        process.answer(DEADLINE_S)
        answer = process.answer(DEADLINE_S)
    assert answer["digits"] == 7.5
    assert answer["excess_loss"] == "nan"
    assert math.isnan(Measured(excess_loss=answer["excess_loss"]).excess_loss or 0.0)


@pytest.mark.slow
def test_a_case_that_fails_keeps_the_status_that_its_version_gave_it(tmp_path: Path) -> None:
    with Process(version(package(tmp_path))) as process:
        process.order({"do": "prepare", **spec("fails").order})
        process.order({"do": "accuracy", "cell": "fails solver"})
        process.answer(DEADLINE_S)
        process.answer(DEADLINE_S)
        assert process.answer(DEADLINE_S) == {"status": "diverged", "message": "it went up"}


@pytest.mark.parametrize(
    ("problem", "status", "message"),
    [
        ("gone", "error", "ValueError: unknown problem 'gone'"),
        ("elsewhere", "unsupported", "it cannot run here"),
        ("large", "out_of_memory", "the host's memory is exhausted"),
    ],
)
@pytest.mark.slow
def test_what_cannot_be_prepared_is_a_status(tmp_path: Path, problem: str, status: str, message: str) -> None:
    with Process(version(package(tmp_path))) as process:
        process.answer(DEADLINE_S)
        process.order({"do": "prepare", **spec(problem).order})
        assert process.answer(DEADLINE_S) == {"status": status, "message": message}


@pytest.mark.slow
def test_real_workers_that_die_and_raise_are_errors_of_their_cells(tmp_path: Path) -> None:
    one = version(package(tmp_path))
    specs = [spec(problem) for problem in ("fine", "dies", "dies at once", "raises")]
    found = {cell.problem: cell for cell in Measurement((one, one), specs).run(Allowance(20.0), _after_two)}
    assert found["dies"].base.status is Status.CRASHED or found["dies"].head.status is Status.CRASHED
    assert "signal 11 (SIGSEGV): the last words" in found["dies"].base.message + found["dies"].head.message
    assert found["dies at once"].base.status is Status.CRASHED
    assert found["dies at once"].base.message.startswith("the process ended with exit code 7")
    assert "RuntimeError: no more" in (found["raises"].base.message, found["raises"].head.message)
    assert found["fine"].base.status is Status.OK
    assert found["fine"].launches


def _after_two(found: Sequence[AbCell]) -> set[str]:
    return {cell.case for cell in found if len(cell.launches) > 1}


@pytest.mark.slow
def test_a_worker_that_hangs_is_ended_at_its_deadline(tmp_path: Path) -> None:
    with Process(version(package(tmp_path))) as process:
        process.answer(DEADLINE_S)
        process.order({"do": "prepare", **spec("hangs").order})
        process.answer(DEADLINE_S)
        process.order({"do": "time", "cell": "hangs solver", "calls": 1})
        with pytest.raises(WorkerLostError, match="no answer within 0 s") as raised:
            process.answer(0.1)
        assert raised.value.status is Status.TIMEOUT
        with pytest.raises(WorkerLostError):
            process.order({"do": "stop"})


@pytest.mark.slow
def test_a_version_says_what_it_runs_on(tmp_path: Path) -> None:
    side = identify(version(package(tmp_path), "mine"))
    assert side.name == "mine"
    assert side.python.endswith(sys.version.split()[0])
    assert side.versions["numpy"]


@pytest.mark.slow
def test_another_harness_than_the_versions_own_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CannotMeasureError, match=f"not {tmp_path}/harness"):
        identify(version(tmp_path))


@pytest.mark.slow
def test_a_version_from_before_the_suite_is_one_line(tmp_path: Path) -> None:
    old = package(tmp_path)
    (old / "harness/suite.py").unlink()
    with pytest.raises(CannotMeasureError, match=r"base has no harness.suite to measure with: ModuleNotFoundError"):
        identify(version(old))


def test_an_interpreter_that_cannot_be_started_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(CannotMeasureError, match="cannot be started"):
        identify(Version("base", tmp_path / "python"))


def test_a_planted_slowdown_is_a_factor_of_each_calls_own_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a clock where a call takes a second and a reading a thousandth."""
    now = 0.0

    def reading() -> float:
        nonlocal now
        now += 0.001
        return now

    class Case:
        def __init__(self, problem: str, solver: str, device: str) -> None:
            pass

        def run(self) -> None:
            nonlocal now
            now += 1.0

    monkeypatch.setattr("time.perf_counter", reading)
    monkeypatch.setattr("time.process_time", reading)
    prepared = worker.Cells(type("Suite", (), {"SuiteCase": Case}))
    for factor in (1.0, 1.05, 1.5):
        prepared.prepare({**spec("any").order, "slow": factor})
        found = prepared.time({"cell": "any solver", "calls": 3})
        assert found["cpu_s"] == pytest.approx([factor] * 3, abs=0.004)


def test_a_slowdown_is_planted_in_the_head_only() -> None:
    said = []

    class Listening(FakeWorker):
        def order(self, order: Any) -> None:
            if order["do"] == "prepare":
                said.append((self.version.name, order["cell"], order["slow"]))
            super().order(order)

    clock = FakeClock()
    manner = Manner(slow={"one solver": 1.05})
    start = lambda one, _layout: Listening(one, clock, [])  # noqa: E731  # a start of this test
    Measurement((A, B), TWO, manner=manner, clock=clock, start=start).run(Allowance(1.0))
    assert set(said) == {
        ("base", "one solver", 1.0),
        ("base", "two solver", 1.0),
        ("head", "one solver", 1.05),
        ("head", "two solver", 1.0),
    }


def test_cells_are_twelve_unless_said_with_the_keys_of_records() -> None:
    found = cells()
    assert len({one.case for one in found}) == 12
    assert found[0].case == "synthetic:n=1000,p=10,noise=1,seed=0 numpy_lstsq cpu threads=1 dtype=float64"
    assert found[0].spec == "synthetic:n=1000"


def test_cells_are_every_problem_with_every_solver() -> None:
    found = cells(["four_points", "everyday"], ["sklearn", "numpy_lstsq"])
    assert [(one.spec, one.solver) for one in found] == [
        ("four_points", "sklearn"),
        ("four_points", "numpy_lstsq"),
        ("everyday", "sklearn"),
        ("everyday", "numpy_lstsq"),
    ]
    (trained,) = cells(["auto_mpg"], ["torch_sgd"], Options(epochs=3))
    assert trained.order["options"] == {"epochs": 3}
    assert "epochs=3" in trained.case


def test_threads_are_the_case_s_and_its_wall_time_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    """CPU seconds are spent by all of its threads: by them two would look no quicker than one."""
    monkeypatch.setattr(usable, "usable_cores", lambda: 2)
    one, two = (cells(["four_points"], ["numpy_lstsq"], Options(threads=threads))[0] for threads in (1, 2))
    assert (one.order["options"], two.order["options"]) == ({}, {"threads": 2})
    assert "threads=2" in two.case
    assert [judged_clock(Progress(spec).cell) for spec in (one, two)] == [CPU, WALL]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (partial(cells, ["nosuch"]), "unknown problem 'nosuch'"),
        (partial(cells, (), ["nosuch"]), "unknown solver 'nosuch'"),
        (partial(cells, (), (), Options(threads=10**6)), "threads is at most"),
        (partial(cells, (), ["sklearn"], Options(epochs=3)), "sklearn takes no epochs"),
    ],
)
def test_cells_that_cannot_be_are_refused(asked: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        asked()


SIDE = Side(name="same", python="CPython 3.11")


def _task(budget_s: float = 60.0) -> Task:
    return Task(Sides(A, A), (SIDE, SIDE), TWO, Allowance(budget_s), Manner())


Asked = list[tuple[Condition, int]]


def _compare(done: Asked, task: Task, *_: object, condition: Condition, repeat: int) -> Comparison:
    done.append((condition, repeat))
    times = launch_of(base_wall_s=(1.0, 2.0), base_cpu_s=(1.0, 2.0), head_wall_s=(1.1, 2.2), head_cpu_s=(1.1, 2.2))
    kept = tuple(AbCell(case=s.case, problem=s.problem, solver=s.solver, launches=(times,)) for s in task.specs)
    return Comparison(
        base=SIDE,
        head=SIDE,
        cells=kept,
        budget_s=task.allowance.budget_s,
        spent_s=1.0,
        planted=condition.planted,
        busy=condition.busy,
        repeat=repeat,
    )


def _calibrated(path: Path, task: Task) -> tuple[Asked, dict[Condition, list[Comparison]]]:
    done: Asked = []
    return done, calibrate(task, path, nobody_decided, lambda _: None, partial(_compare, done))


@pytest.mark.slow
def test_a_calibration_measures_every_condition_in_turn_and_keeps_each(tmp_path: Path) -> None:
    path = tmp_path / "folder/machine.jsonl"
    done, found = _calibrated(path, _task())
    assert done == [(condition, repeat) for repeat in range(REPEATS) for condition in CONDITIONS]
    assert {condition: len(repeats) for condition, repeats in found.items()} == dict.fromkeys(CONDITIONS, REPEATS)
    assert [(one.condition, one.repeat) for one in stored(path)] == done
    write_ratios(found, tmp_path / "ratios.csv")
    head, first, *rest = (tmp_path / "ratios.csv").read_text().splitlines()
    assert head == "planted,busy,repeat,case,launch,base_cpu_s,head_cpu_s,ratio"
    assert first == "1.0,0,0,one solver,0,1.5,1.65,1.10000"
    assert len(rest) + 1 == len(CONDITIONS) * REPEATS * len(TWO)


def test_busy_is_a_loop_for_every_core_but_one_and_none_is_left() -> None:
    def loops() -> list[psutil.Process]:
        living = [one for one in psutil.Process().children() if one.status() != psutil.STATUS_ZOMBIE]
        while not all(one.cmdline() for one in living):  # the kernel has none until a process has begun its program
            time.sleep(0.01)
        return [one for one in living if one.cmdline()[1:] == list(BUSY[1:])]

    with others_busy(True):
        assert len(loops()) == len(all_cores()) - 1
    with others_busy(False):
        assert not loops()


def test_a_calibrations_file_is_named_after_the_processor_and_the_manner() -> None:
    here = Environment(
        cpu="A/../B (TM)", cores=2, memory_bytes=1, system="", python="", blas=(), versions={}, tf32=False
    )
    assert calibration_file(here, Manner()).name == "a-b-tm-2-cores.json"
    assert calibration_file(here, Manner(fastest=True)).name == "a-b-tm-2-cores-fastest.json"


@pytest.mark.slow
def test_a_calibration_that_was_cut_off_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "machine.jsonl"
    _calibrated(path, _task())
    lines = path.read_text().splitlines()
    path.write_text("\n".join(lines[:-3]) + "\n")
    done, found = _calibrated(path, _task())
    assert len(done) == 3
    assert all(len(repeats) == REPEATS for repeats in found.values())


@pytest.mark.slow
def test_a_calibration_of_another_budget_does_not_count(tmp_path: Path) -> None:
    path = tmp_path / "machine.jsonl"
    _calibrated(path, _task())
    done, found = _calibrated(path, _task(30.0))
    assert len(done) == len(CONDITIONS) * REPEATS
    assert {one.budget_s for repeats in found.values() for one in repeats} == {30.0}


def test_a_calibrations_file_that_is_none_is_named(tmp_path: Path) -> None:
    path = tmp_path / "machine.jsonl"
    path.write_text("{}\n")
    with pytest.raises(UsageError, match=r"machine\.jsonl, line 1"):
        _calibrated(path, _task())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "say what to compare"),
        (("HEAD", "--python-a", "x"), "one of these"),
        (("--python-a", "x"), "go together"),
        (("--python-a", "/nowhere/a", "--python-b", "/nowhere/b"), "no interpreter '/nowhere/a'"),
        (("--with", "a=="), "'a==' is no requirement"),
        (("HEAD", "--budget", "0"), "--budget"),
        (("HEAD", "--effect", "1"), "--effect"),
        (("--python-a", sys.executable, "--python-b", sys.executable, "--problem", "nosuch"), "unknown problem"),
        (("A", "B", "--calibrate"), "--calibrate compares one version with itself"),
        (("HEAD",), "is no git checkout"),
    ],
)
def test_a_request_that_cannot_be_is_one_line(run_cli: RunCli, words: Sequence[str], message: str) -> None:
    ended = run_cli("ab", *words)
    assert ended.code == 2
    assert message in ended.stderr
    assert ended.stderr.strip().count("\n") == 0
    assert not ended.stdout


@pytest.mark.slow
def test_two_interpreters_end_to_end(run_cli: RunCli, tmp_path: Path) -> None:
    words = ("--python-a", sys.executable, "--python-b", sys.executable, "--problem", "four_points")
    ended = run_cli(
        "ab", *words, "--solver", "numpy_lstsq", "--budget", "2", "--json", "--markdown", tmp_path / "ab.md"
    )
    (cell,) = json.loads(ended.stdout)["cells"]
    assert ended.code == json.loads(ended.stdout)["exit_code"]
    (tmp_path / "ab.json").write_text(ended.stdout, encoding="utf-8")
    assert read_ab(tmp_path / "ab.json").base.python
    assert cell["case"].startswith("four_points numpy_lstsq cpu")
    assert cell["base"]["status"] == cell["head"]["status"] == "ok"
    assert cell["base"]["digits"] > 10
    assert len(cell["launches"][0]["base_cpu_s"]) == len(cell["launches"][0]["head_cpu_s"]) > 0
    assert "the same interpreter" in ended.stderr
    assert "| base | head | ratio |" in (tmp_path / "ab.md").read_text()


def test_orders_of_turns_follow_from_the_seed() -> None:
    first, again, other = Fakes(), Fakes(), Fakes()
    for fakes, seed in ((first, 1), (again, 1), (other, 2)):
        fakes.measurement.run(Allowance(30.0, seed))
    assert first.said == again.said != other.said
