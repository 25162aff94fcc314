"""harness ab over somebody's asv suite and plain callables: a planted project with a suite, two commits apart."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import pytest

from harness.ab import benchmarks, discovery
from harness.ab.cells import Benchmark, CellSpec
from harness.ab.discovery import Suite
from harness.ab.environments import Sides
from harness.ab.measure import Allowance, Measurement
from harness.ab.version import Version
from harness.errors import UsageError
from harness.files.asv_settings import ASV
from harness.judge.gate.rules import Rule
from harness.judge.verdict import Verdict
from harness.judge.versions.ab import AbReport, decided, judge_ab
from harness.records.ab import AbCell, Measured
from harness.solvers.status import Status
from tests.ab_sides import lost
from tests.conftest import RunCli
from tests.git_checkout import GitCheckout
from tests.test_ab import Fakes

pytestmark = pytest.mark.usefixtures("shared_builds")

MODULE = """
import sys, time
SCORE, STEPS = {score}, 3

def work(n):
    total = 0
    for i in range({factor} * n):
        total += i
    return total

def waits():
    time.sleep({factor} * 0.0005)

def swells():
    return bytearray({factor} * 40_000_000)
"""
SUITE = """
import pathlib
import planted_of_the_tests as planted
from asv_runner.benchmarks.mark import skip_for_params

class Suite:
    params = ([1000, 2000], ["a", "b"])
    param_names = ["n", "kind"]

    def setup_cache(self):
        with open("calls", "a") as file:
            file.write("made ")
        return {"made": pathlib.Path("calls").read_text()}

    def setup(self, cache, n, kind):
        assert cache["made"] == "made "
        if kind == "b":
            raise NotImplementedError("no b")
        self.ready = 1

    def teardown(self, cache, n, kind):
        self.ready = 0

    def time_work(self, cache, n, kind):
        assert self.ready == 1
        self.ready = 2  # a second call without a setup would fail
        planted.work(n)

def time_same():
    sum(range(500))

def time_breaks():
    raise ValueError("broken in both")

def time_hangs():
    import time
    time.sleep(600)
time_hangs.timeout = 0.5

def timeraw_import():
    return "import json"

def track_score():
    return planted.SCORE

def track_steps():
    return planted.STEPS

def peakmem_swells():
    return planted.swells()
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two commits: the second takes twice the time and memory, and its score falls."""
    made = GitCheckout(tmp_path_factory.mktemp("planted") / "project")
    made.write(ASV, '{\n// where asv looks\n"benchmark_dir": "asv_bench",\n}')
    (made.path / "asv_bench").mkdir()
    made.write("asv_bench/__init__.py", "")
    made.write("asv_bench/suite.py", SUITE)
    for factor, score in ((1, 0.95), (2, 0.11)):
        made.write("planted_of_the_tests.py", MODULE.format(factor=factor, score=score))
        made.commit(f"factor {factor}")
    return made.path


@pytest.fixture
def checkout(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GitCheckout:
    """A copy of that, for a test to change."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    made = GitCheckout(Path(shutil.copytree(project, tmp_path / "project")))
    monkeypatch.chdir(made.path)
    return made


def ab(run_cli: RunCli, *words: object) -> tuple[int, dict[str, Any]]:
    ended = run_cli("ab", "HEAD~1", "HEAD", *words, "--json", "--quiet")
    assert ended.stdout, ended.stderr
    return ended.code, {one["case"]: one for one in json.loads(ended.stdout)["cells"]}


@pytest.mark.slow
def test_a_planted_slowdown_of_a_suite_is_found(run_cli: RunCli, checkout: GitCheckout) -> None:
    """And what breaks, hangs, returns a number or takes memory is judged beside it."""
    code, cells = ab(run_cli, "--asv-suite", "--bench", "time_work|track|breaks|hangs|peakmem", "--budget", "60")
    assert code == 1
    assert cells["suite.time_hangs"]["base"]["status"] == "timeout"
    assert cells["suite.peakmem_swells"]["verdict"] == "regression"
    work = {case: one for case, one in cells.items() if "time_work" in case}
    assert sorted(work) == [f"suite.Suite.time_work(n={n}, kind='{kind}')" for n in (1000, 2000) for kind in "ab"]
    for case, one in work.items():
        if "'b'" in case:
            assert one["why"] == "skipped by the suite in both versions"
            assert not one["could_not_measure"]
        else:
            assert one["verdict"] == "regression"
            assert 1.5 < one["speed"]["ratio"] < 2.6
            assert one["speed"]["clock"] == "wall"
    assert cells["suite.time_breaks"]["why"] == "status: neither version could run it: ValueError: broken in both"
    assert cells["suite.track_score"]["verdict"] == "regression"
    assert set(cells["suite.track_score"]["head"]["values"]) == {0.11}
    assert cells["suite.track_score"]["unit"] == "unit"
    assert "track_score: 0.84 worse than the base's 0.95" in cells["suite.track_score"]["why"]
    assert cells["suite.track_steps"]["verdict"] == "undecided"
    assert "no direction known: add a rule" in cells["suite.track_steps"]["why"]


@pytest.mark.slow
def test_what_the_budget_has_no_time_for_is_named_and_never_unchanged(run_cli: RunCli, checkout: GitCheckout) -> None:
    _, cells = ab(run_cli, "--asv-suite", "--bench", "time_work|time_same", "--budget", "0.001")
    assert all(one["verdict"] == "undecided" for one in cells.values())
    assert any(one["why"] == "not looked at: the budget of 0.001 s was spent" for one in cells.values())


@pytest.mark.slow
def test_a_plain_callable(run_cli: RunCli, checkout: GitCheckout) -> None:
    code, cells = ab(run_cli, "--call", "planted_of_the_tests:waits", "--budget", "60")
    assert code == 1
    assert 1.5 < cells["planted_of_the_tests:waits"]["speed"]["ratio"] < 2.5


@pytest.mark.slow
def test_what_cannot_be_is_one_line(run_cli: RunCli, checkout: GitCheckout) -> None:
    for words, message in {
        ("--asv-suite", "--bench", "nothing"): "mem_ or peakmem_ benchmark in which 'nothing' is found",
        ("--asv-suite", "--bench", "("): "--bench '(' is no regular expression",
        ("--bench", "x"): "--bench narrows a suite",
        ("--call", "math.sqrt"): "write it as package.module:function",
        ("--asv-suite", "--call", "a:b"): "one of them",
        ("--asv-suite", "--solver", "sklearn"): "have no problem, solver or option",
        ("--asv-suite", "--instructions"): "are about the harness's own cases",
    }.items():
        ended = run_cli("ab", "HEAD~1", "HEAD", *words)
        assert ended.code == 2, words
        assert message in ended.stderr
        assert "Traceback" not in ended.stderr


@pytest.mark.slow
def test_a_suite_that_cannot_be_imported_is_one_line(run_cli: RunCli, checkout: GitCheckout) -> None:
    checkout.write("asv_bench/suite.py", "import no_such_module_of_anybody")
    ended = run_cli("ab", "HEAD~1", "HEAD", "--asv-suite")
    assert ended.code == 2
    assert "cannot be imported with HEAD" in ended.stderr
    assert "'no_such_module" in ended.stderr
    (checkout.path / ASV).unlink()
    assert "there is no asv.conf.json" in run_cli("ab", "HEAD~1", "HEAD", "--asv-suite").stderr


def valued(base: list[float], head: list[float], unit: str = "unit", name: str = "m.track_score") -> AbCell:
    return AbCell(case=name, problem=name, solver="", unit=unit, base=Measured(values=base), head=Measured(values=head))


@pytest.mark.parametrize(
    ("cell", "verdict"),
    [
        (valued([0.95] * 2, [0.11] * 2), Verdict.REGRESSION),
        (valued([0.11] * 2, [0.95] * 2), Verdict.IMPROVEMENT),
        (valued([0.95] * 2, [0.95] * 2), Verdict.UNCHANGED),
        (valued([0.95], [0.11]), Verdict.UNDECIDED),
        (valued([0.9, 0.91, 0.92, 0.93], [0.1, 0.11, 0.12, 0.13]), Verdict.UNDECIDED),
        (valued([0.9, 0.91, 0.92, 0.93, 0.94], [0.1, 0.11, 0.12, 0.13, 0.14]), Verdict.REGRESSION),
        (valued([0.9, 0.91, 0.92, 0.93, 0.1], [0.1, 0.11, 0.12, 0.13, 0.14]), Verdict.UNDECIDED),
        (valued([0.95] * 2, [float("nan")] * 2), Verdict.REGRESSION),
        (valued([1.0] * 2, [2.0] * 2, name="m.track_steps"), Verdict.UNDECIDED),
        (valued([1e8] * 2, [1.2e8] * 2, "bytes", "m.peakmem_fit"), Verdict.REGRESSION),
        (valued([1e8] * 2, [1.05e8] * 2, "bytes", "m.peakmem_fit"), Verdict.UNCHANGED),
    ],
)
def test_values_are_judged_with_direction(cell: AbCell, verdict: Verdict) -> None:
    (found,) = judge_ab([cell]).cells
    assert found.verdict is verdict, found.why
    assert found.verdict is not Verdict.UNDECIDED or found.why


def test_a_rule_gives_a_value_its_direction() -> None:
    cell = valued([100.0] * 2, [130.0] * 2, name="m.track_steps")
    rule = Rule.model_validate({"match": "track_steps", "direction": "lower", "factor": 1.2})
    report = judge_ab([cell], rules=[rule])
    assert report.exit_code == 1
    assert np.isclose(report.cells[0].cell.head.values[0], 130.0)


def asked(budget_s: float) -> Fakes:
    """Twenty benchmarks that are alike and one that takes twice the time in the head, measured by fake workers."""
    names = [*(f"same{i}" for i in range(20)), "slower"]
    specs = [CellSpec(name, name, "", name, "any", benchmark=Benchmark({"benchmark": name})) for name in names]
    slower = {"status": "ok", "wall_s": [0.02], "cpu_s": [0.02]}
    fakes = Fakes(specs, fate={("head", "time", "slower"): slower})
    fakes.measurement.run(Allowance(budget_s))
    return fakes


def test_an_early_look_drops_what_is_plainly_unchanged_and_does_not_count_itself() -> None:
    fakes = asked(40.0)
    cells = {cell.case: cell for cell in fakes.measurement.cells}
    launches = fakes.measurement.spent.launches
    assert launches >= 3
    assert len(cells["slower"].launches) == launches - 1
    dropped = [cell for name, cell in cells.items() if name != "slower"]
    assert {cell.left for cell in dropped} == {
        "dropped at the early look: x 1.000 in one launch; a larger --budget judges it"
    }
    assert not any(cell.launches for cell in dropped)
    assert {one.verdict for one in judge_ab(dropped).cells} == {Verdict.UNDECIDED}
    assert fakes.said.count(("head", "prepare", "same3")) == 1


def test_nothing_is_dropped_where_five_launches_of_all_fit() -> None:
    fakes = asked(400.0)
    assert all(len(cell.launches) == fakes.measurement.spent.launches >= 5 for cell in fakes.measurement.cells)


def test_one_benchmark_at_a_time_is_set_up_timed_and_torn_down() -> None:
    head = [
        (do, cell) for side, do, cell in asked(0.001).said if side == "head" and do in {"prepare", "time", "release"}
    ]
    assert head[0] == ("prepare", head[0][1])
    assert {cell for _, cell in head} == {head[0][1]}  # the budget is spent with the first
    assert [do for do, _ in head] == ["prepare", *["time"] * (len(head) - 2), "release"]
    assert len(head) > 4


def test_bench_narrows_by_parameters_as_asvs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As asv writes them, without their names (asv/benchmarks.py)."""
    found: dict[str, Any] = {
        "name": "m.time_fit",
        "place": {"module": "benchmarks.m", "holder": "", "attribute": "time_fit"},
        "type": "time",
        "unit": "seconds",
        "timeout_s": None,
        "cache_timeout_s": None,
        "params": [["'svd'", "'qr'"], ["10", "1000"]],
        "param_names": ["solver", "n"],
    }
    monkeypatch.setattr(benchmarks, "discovered", lambda _version, _root: Suite({"m.time_fit": found}))
    (tmp_path / ASV).write_text("{}")
    (tmp_path / "benchmarks").mkdir()
    version = Version("HEAD", Path(sys.executable))
    wanted = r"time_fit\('qr', 1000\)|time_fit\(.*, 10\)"
    cases = [spec.case for spec in benchmarks.of_suite(Sides(version, version), tmp_path, wanted)[0]]
    assert cases == [
        f"m.time_fit(solver={solver}, n={n})" for solver, n in (("'svd'", 10), ("'qr'", 10), ("'qr'", 1000))
    ]


def test_a_suite_without_asv_runner_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Without:
        answers: ClassVar = [{"status": "ok"}, {"status": "error", "message": "No module named 'asv_runner'"}]

        def __init__(self, _version: Version) -> None:
            self.left = iter(self.answers)

        def __enter__(self) -> Self:
            return self

        def greeting(self) -> dict[str, str]:
            return next(self.left)

        def __exit__(self, *_: object) -> None:
            pass

        def order(self, _order: object) -> None:
            pass

        def answer(self, _deadline_s: float) -> dict[str, str]:
            return next(self.left)

    monkeypatch.setattr(discovery, "Process", Without)
    (tmp_path / ASV).write_text("{}")
    (tmp_path / "benchmarks").mkdir()
    version = Version("HEAD", Path("/a/python"))
    with pytest.raises(UsageError, match=r"needs asv_runner: /a/python -m pip install 'ls-harness\[asv\]'"):
        benchmarks.of_suite(Sides(version, version), tmp_path, None)


FILES = {
    "__init__.py": "",
    "sound.py": """
import os, sys
import parted_of_the_tests as parted

class Sizes:
    params = parted.SIZES
    param_names = ["size"]

    def track_size_lost(self, size):
        return float(size)

class Strange:
    params = [[(object(), 1), (object(), 2)]]

    def track_strange_lost(self, pair):
        return float(pair[1])

class NoInstance:
    def __init__(self):
        raise RuntimeError("no instance")

    def time_no_instance(self):
        pass

if hasattr(parted, "old"):
    def track_of_the_base():
        return 1.0

def wrapped(function):
    def wrapper():
        return function()
    return wrapper

@wrapped
def track_wrapped_lost():
    return 7.0

def track_no_unit_lost():
    return 2.0
track_no_unit_lost.unit = None

def track_exits():
    os._exit(4)

def time_no_timeout():
    pass
time_no_timeout.timeout = "soon"

def mem_list():
    return [0] * 1000 * parted.FACTOR

def timeraw_own():
    return f"import parted_of_the_tests as parted; assert parted.FACTOR == {parted.FACTOR}"
timeraw_own.timeout = 30
""",
    "absent.py": "import no_such_module_of_anybody\n",
    "ends.py": "import os\nos._exit(5)\n",
    "in_base.py": "from parted_of_the_tests import old\n\ndef track_old():\n    return 1.0\n",
    "in_head.py": "from parted_of_the_tests import new\n\ndef track_new():\n    return 1.0\n",
    "inner/__init__.py": "def track_inner_lost():\n    return 3.0\n",
}


@pytest.fixture
def parted(tmp_path: Path) -> Sides:
    """Two versions of a module beside a suite, of which some files are sound in one of them, or in neither."""
    for name, text in FILES.items():
        file = tmp_path / "benchmarks" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    (tmp_path / ASV).write_text("{}")
    sides = []
    for name, text in (("base", "FACTOR, SIZES, old = 1, [1, 3], 0"), ("head", "FACTOR, SIZES, new = 2, [2, 3], 0")):
        folder, scratch = tmp_path / name, tmp_path / f"{name}_scratch"
        folder.mkdir()
        scratch.mkdir()
        (folder / "parted_of_the_tests.py").write_text(text)
        sides.append(Version(name, Path(sys.executable), package=folder, scratch=scratch))
    base, head = sides
    return Sides(base, head)


def reported(sides: Sides, specs: list[CellSpec]) -> AbReport:
    measurement = Measurement((sides.base, sides.head), specs)
    return judge_ab(measurement.run(Allowance(120.0), decided))


@pytest.mark.slow
def test_a_file_that_cannot_be_imported_is_named_and_the_others_are_measured(parted: Sides, tmp_path: Path) -> None:
    specs, notes = benchmarks.of_suite(parted, tmp_path, None)
    assert not notes
    found = {one.cell.case: one for one in reported(parted, [one for one in specs if "timeraw" not in one.case]).cells}
    for case, why in {
        "benchmarks/absent.py": "No module named 'no_such_module_of_anybody'",
        "benchmarks/ends.py": "exit code 5",
        "sound.NoInstance.time_no_instance": "RuntimeError: no instance",
        "sound.time_no_timeout": "ValueError: could not convert string to float",
        "sound.track_exits": "exit code 4",
    }.items():
        assert found[case].why.startswith("status: neither version could run it: ")
        assert why in found[case].why
        assert (found[case].verdict, found[case].could_not_measure) == (Verdict.UNDECIDED, True)
    for case, why in {
        "in_base.track_old": "cannot import name 'old'",
        "sound.track_of_the_base": "the suite has no such benchmark with this version",
        "sound.Sizes.track_size_lost(size=1)": "it has no such parameters with this version: they are 2, 3",
    }.items():
        assert found[case].verdict is Verdict.REGRESSION
        assert why in found[case].why
    for case in ("in_head.track_new", "sound.Sizes.track_size_lost(size=2)"):
        assert found[case].why.startswith("status: new: the base could not run it")
    same = {
        "sound.Sizes.track_size_lost(size=3)": 3.0,
        "sound.Strange.track_strange_lost(param1=(<object object>, 1))": 1.0,
        "sound.Strange.track_strange_lost(param1=(<object object>, 2))": 2.0,
        "sound.track_no_unit_lost": 2.0,
        "inner.track_inner_lost": 3.0,
    }
    for case, value in same.items():
        assert found[case].verdict is Verdict.UNCHANGED, found[case].why
        assert set(found[case].cell.head.values) == {value}
    assert set(found["sound.wrapper"].cell.head.values) == {7.0}
    assert found["sound.mem_list"].verdict is Verdict.REGRESSION
    assert len(found) == len(same) + 12


@pytest.mark.slow
def test_what_a_benchmark_starts_imports_its_own_version(parted: Sides, tmp_path: Path) -> None:
    specs, notes = benchmarks.of_suite(parted, tmp_path, "timeraw_own")
    assert [one.case for one in specs] == ["sound.timeraw_own"]
    assert len(notes) == 4, notes
    assert "benchmarks/absent.py is not in --bench, and what it has is not known: ModuleNotFound" in " ".join(notes)
    measurement = Measurement((parted.base, parted.head), specs)
    cells = measurement.run(Allowance(1e6, asked_from=1), lambda found: {one.case for one in found})
    assert (cells[0].base.message, cells[0].head.message) == ("", "")
    assert len(cells[0].launches) == 1


@pytest.mark.parametrize("do", ["value", "time"])
def test_what_ends_both_versions_is_of_both_whichever_is_asked_first(do: str) -> None:
    fate = {(side, do, "ends"): lost(Status.CRASHED) for side in ("base", "head")}
    what = Benchmark({"benchmark": "ends"}, is_time=do == "time")
    for seed in range(6):
        fakes = Fakes([CellSpec("ends", "ends", "", "ends", "any", benchmark=what)], fate=fate)
        (cell,) = fakes.measurement.run(Allowance(10.0, seed))
        assert (cell.base.status, cell.head.status) == (Status.CRASHED, Status.CRASHED)
        assert judge_ab([cell]).exit_code == 3


def test_a_value_that_nobody_looked_at_is_not_unchanged() -> None:
    cell = AbCell(case="m.track_score", problem="m.track_score", solver="", unit="unit", left="not looked at")
    report = judge_ab([cell])
    assert (report.cells[0].verdict, report.cells[0].why) == (Verdict.UNDECIDED, "not looked at")
    assert report.exit_code == 3


@pytest.mark.parametrize("name", ["m.time_fit", "package.module:function"])
def test_no_advice_names_what_runs_no_suite(name: str) -> None:
    broken = Measured(status=Status.ERROR, message="it broke")
    alone = [AbCell(case=name, problem=name, solver="", base=base, head=broken) for base in (Measured(), broken)]
    worse = valued([0.95] * 2, [0.11] * 2)
    advice = [found.advice for one in judge_ab([*alone, worse]).cells for found in one.accuracy if found.advice]
    assert len(advice) == 3
    assert not any("bisect" in one for one in advice)
    assert ("asv run" in advice[1]) == (":" not in name)
