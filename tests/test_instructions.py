"""Instruction counts by difference, under valgrind where it is there; no version can end its parent."""

import gc
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.ab.cells import CellSpec, cells
from harness.ab.instructions import Work, count, count_and_judge
from harness.ab.version import Version
from harness.errors import CannotMeasureError
from harness.judge.verdict import Verdict
from harness.judge.versions.instructions import judge_instructions
from harness.records.instructions import InstructionCell, InstructionCount
from harness.solvers.status import Status
from harness.timing.instructions import CountError, CountingPlan, Valgrind, command, counted, total_in

REPEATABILITY = 1e-3
"""The bar of the counts: they repeat to a tenth of a per cent."""
SUITE = """
import os, signal, sys
from itertools import repeat

class SuiteCase:
    def __init__(self, problem, solver, device="cpu", **options):
        if problem == "raises":
            raise ValueError("unknown problem 'raises'")
        if problem == "dies":
            os.kill(os.getpid(), signal.SIGILL)
        self.problem, self.calls = problem, 0

    def run(self):
        print("a solver talks")
        self.calls += 1
        while self.problem == "hangs":
            pass
        # No int is made: in some layouts one that is its pool's last costs 14 more instructions a turn.
        for _ in repeat(None, 8000 if self.problem != "long" else 800_000):
            pass
"""
QUICK = CountingPlan(block_instructions=1e6, layouts=2)
needs_valgrind = pytest.mark.skipif(shutil.which("valgrind") is None, reason="valgrind is not installed")


class Ledger:
    """A counter that is told what was executed; reading it costs 19 000, as a fork does."""

    def __init__(self) -> None:
        self.now, self.calls = 1_000_000, 0
        self.marks: list[int] = []

    def work(self, instructions: int) -> None:
        self.calls += 1
        self.now += instructions

    def mark(self) -> int:
        self.now += 19_000
        self.marks.append(self.now)
        return len(self.marks) - 1

    def total(self, mark: int) -> int:
        return self.marks[mark]


def version(folder: Path, suite: str = SUITE, name: str = "base") -> Version:
    """A harness of one module, run by this interpreter."""
    (folder / "harness").mkdir(parents=True)
    (folder / "harness/__init__.py").write_text("")
    (folder / "harness/suite.py").write_text(suite)
    return Version(name, Path(sys.executable), package=folder)


def spec(problem: str, device: str = "cpu") -> CellSpec:
    return CellSpec(f"{problem} mean", problem, "mean", problem, device)


def one(spec: CellSpec, version: Version) -> InstructionCount:
    return count([Work(version, [spec], effort=QUICK)], print)[0][spec.case]


def fake_valgrind(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Put a shell script in valgrind's place."""
    path = folder / "bin/valgrind"
    path.parent.mkdir()
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{path.parent}:/usr/bin:/bin")


@pytest.mark.slow
def test_a_count_is_a_difference_without_its_reading_and_without_each_layouts_first_block() -> None:
    ledger = Ledger()
    seeds: list[int] = []

    def prepare() -> Callable[[], None]:
        calls = 0

        def call() -> None:
            nonlocal calls
            calls += 1
            ledger.work(1000 + 10 * len(seeds) + (500 if calls < 60 else 0))

        return call

    def in_place(seed: int, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        seeds.append(seed)
        return work()

    counts = counted(prepare, ledger, CountingPlan(block_instructions=1e5, layouts=3), in_place)
    assert counts.layouts == ((1010.0, 1010.0), (1020.0, 1020.0), (1030.0, 1030.0))
    assert seeds == [0, 1, 2]
    assert counts.reading == 19_000
    assert counts.calls == 67  # the call that was counted alone was still warming


@pytest.mark.slow
def test_a_reading_is_the_median_of_five_without_the_first_two_which_load_what_a_fork_needs() -> None:
    costs = iter([0, 90_000, 80_000, 19_000, 19_001, 19_004, 19_006, 19_009])

    class Loading(Ledger):
        def mark(self) -> int:
            self.now += next(costs, 19_000) - 19_000
            return super().mark()

    ledger = Loading()
    counts = counted(lambda: lambda: ledger.work(10**7), ledger, CountingPlan(layouts=1), lambda _, work: work())
    assert counts.reading == 19_004


@pytest.mark.slow
def test_a_call_that_is_too_long_is_refused_before_it_is_repeated() -> None:
    ledger = Ledger()
    with pytest.raises(CountError, match="one call is 1e"):
        counted(lambda: lambda: ledger.work(10**10), ledger, CountingPlan(), lambda _, work: work())
    assert ledger.calls == CountingPlan().warm_up_calls + 1


@pytest.mark.slow
def test_a_layout_without_an_answer_is_no_count() -> None:
    ledger = Ledger()
    with pytest.raises(CountError, match="layout 0: it died") as caught:
        counted(
            lambda: lambda: ledger.work(10**7),
            ledger,
            CountingPlan(),
            lambda _seed, _work: {"status": "crashed", "message": "it died"},
        )
    assert caught.value.status == "crashed"


@pytest.mark.slow
def test_the_collector_is_as_it_was_after_a_count_and_after_an_error() -> None:
    before = gc.isenabled(), gc.get_threshold()
    outside = (before[0], before[1][0])
    seen = []

    def call() -> None:
        seen.append((gc.isenabled(), gc.get_threshold()[0]))
        if len(seen) > 10:
            raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        counted(lambda: call, Ledger(), CountingPlan(most_instructions=1e12), lambda _, work: work())
    assert (gc.isenabled(), gc.get_threshold()) == before
    warm = CountingPlan().warm_up_calls
    assert seen == [outside] * warm + [(False, 2**31 - 1)] * (len(seen) - warm)


@pytest.mark.slow
def test_a_collector_that_was_off_stays_off() -> None:
    ledger, was = Ledger(), gc.isenabled()
    gc.disable()
    try:
        counted(lambda: lambda: ledger.work(10**7), ledger, CountingPlan(), lambda _, work: work())
        assert not gc.isenabled()
    finally:
        if was:
            gc.enable()


@pytest.mark.parametrize(
    "words", ["==9== I   refs:      2,186,510,223", "==9== \n==9== I refs:          2,186,510,223\n"]
)
def test_a_total_is_read_from_the_words_of_either_cachegrind(tmp_path: Path, words: str) -> None:
    (tmp_path / "9.log").write_text(f"==9== Cachegrind, a high-precision profiler\n{words}\n")
    assert total_in(tmp_path / "9.log") == 2_186_510_223


def test_a_log_that_is_missing_or_without_a_total_is_no_count(tmp_path: Path) -> None:
    with pytest.raises(CountError, match="no total: No such file"):
        Valgrind(tmp_path).total(9)
    (tmp_path / "9.log").write_text("==9== D refs: 12\n")
    with pytest.raises(CountError, match="without a total"):
        Valgrind(tmp_path).total(9)


def test_without_valgrind_there_is_a_reason_and_no_measurement(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CountError, match="valgrind is not installed"):
        command(["python"], tmp_path)
    here = version(tmp_path)
    found = one(spec("any"), here)
    assert found.status is Status.UNSUPPORTED
    assert "valgrind is not installed" in found.message
    assert found.per_call is None
    with pytest.raises(CannotMeasureError, match="valgrind is not installed"):
        count_and_judge(here, here, [spec("any")], print)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "status", "message"),
    [
        (
            "echo 'unhandled instruction bytes: 0x62' >&2; kill -ILL $$",
            Status.CRASHED,
            "under valgrind the process ended with signal 4 (SIGILL): unhandled",
        ),
        ("exit 3", Status.CRASHED, "under valgrind the process ended with exit code 3"),
        ('while case $1 in --*) true;; *) false;; esac; do shift; done; exec "$@"', Status.UNSUPPORTED, "no total"),
    ],
    ids=["illegal instruction", "ends", "counts nothing"],
)
def test_a_valgrind_that_does_not_count_is_a_status_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, status: Status, message: str
) -> None:
    fake_valgrind(tmp_path, monkeypatch, script)
    found = one(spec("any"), version(tmp_path))
    assert found.status is status
    assert message in found.message


@pytest.mark.slow
def test_a_version_without_a_suite_says_so_for_every_cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_valgrind(tmp_path, monkeypatch, 'while case $1 in --*) true;; *) false;; esac; do shift; done; exec "$@"')
    two = [spec("any"), spec("other")]
    found = count([Work(version(tmp_path, suite="import not_there"), two)], print)[0]
    assert {(c.status, c.message) for c in found.values()} == {
        (Status.ERROR, "failed to import: No module named 'not_there'")
    }


@pytest.mark.slow
@needs_valgrind
def test_one_per_cent_more_is_seen_and_a_cell_that_dies_loses_only_itself(tmp_path: Path) -> None:
    specs = [spec("dies"), spec("raises"), spec("gpu", "cuda"), spec("long"), spec("steady")]
    here = version(tmp_path)
    # A steady call is 0.6 to 0.7 million instructions on CPython 3.11 to 3.13, a long one a hundred times that.
    quick = CountingPlan(block_instructions=1e7, layouts=4, most_instructions=3e8)
    # A busy machine takes more CPU time for the same instructions: only what hangs, and what needs none, has a limit.
    hanging = [spec("hangs"), spec("raises")]
    plain, cut_off, planted = count(
        [
            Work(here, specs, effort=quick),
            Work(here, hanging, effort=quick, limit_s=2.0),
            Work(here, specs[-1:], slow=1.01, effort=quick),
        ],
        print,
    )
    assert cut_off["raises mean"].message == plain["raises mean"].message
    plain |= {"hangs mean": cut_off["hangs mean"]}
    said = {case: (c.status, c.message) for case, c in plain.items()}
    assert said["dies mean"] == (Status.CRASHED, "died under valgrind of SIGILL")
    assert said["hangs mean"] == (Status.TIMEOUT, "not counted within 2 s of CPU time under valgrind")
    assert said["raises mean"] == (Status.ERROR, "ValueError: unknown problem 'raises'")
    assert said["gpu mean"] == (Status.UNSUPPORTED, "valgrind counts what the CPU does, not what cuda does")
    assert said["long mean"][0] is Status.UNSUPPORTED
    assert "take a smaller problem" in said["long mean"][1]
    steady = plain["steady mean"]
    assert steady.status is Status.OK
    assert steady.repeatability is not None
    assert steady.repeatability <= REPEATABILITY
    cell = InstructionCell(case="steady mean", problem="", solver="", base=steady, head=planted["steady mean"])
    (line,) = judge_instructions([cell])
    assert line.verdict is Verdict.REGRESSION
    assert line.ratio == pytest.approx(1.01, abs=REPEATABILITY)


@pytest.mark.slow
@needs_valgrind
def test_numpy_repeats_to_a_tenth_of_a_per_cent() -> None:
    (chosen,) = cells(["synthetic:n=100,p=3"], ["numpy_lstsq"])
    work = Work(Version("here", Path(sys.executable)), [chosen], effort=CountingPlan(block_instructions=1e7, layouts=3))
    found = count([work], print)[0][chosen.case]
    assert found.status is Status.OK, found.message
    assert found.repeatability is not None
    assert found.repeatability <= REPEATABILITY
    assert found.per_call is not None
    assert found.per_call * found.calls == pytest.approx(1e7, rel=0.2)
    assert found.kernels
