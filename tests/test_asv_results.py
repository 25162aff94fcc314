"""asv's files read strictly, and judged: every bad file is one line, every missing number a failure."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.asv.records import as_run
from harness.errors import CannotMeasureError, HarnessError, UsageError
from harness.judge.gate.asv_gate import judge_against, judge_cells
from harness.judge.gate.rules import LIMITS
from harness.judge.verdict import Verdict
from harness.records.asv_cells import AsvCell
from harness.records.asv_listing import listed_benchmarks
from harness.records.asv_results import every_commit, read_results
from harness.solvers.status import Status
from tests.conftest import RunCli
from tools import asv_machine

COMMIT = "a" * 40
OTHER = "b" * 40
DIGITS = "closed_forms.Digits.track_digits_lost"
TIME = "closed_forms.Fit.time_fit"

Body = dict[str, Any]


def body(commit: str = COMMIT, digits: object = 4.4, date: int = 1_700_000_000_000) -> Body:
    return {
        "commit_hash": commit,
        "env_name": "virtualenv-py3.11",
        "date": date,
        "params": {"machine": "here", "num_cpu": "2", "ram": "1000", "cpu": "any", "os": "Linux", "arch": "x86_64"},
        "python": "3.11",
        "requirements": {"scikit-learn": "1.9.1"},
        "env_vars": {},
        "result_columns": ["result", "params", "version"],
        "results": {
            DIGITS: [[digits], [["'numpy_lstsq'"], ["'everyday'"], ["'cpu'"]], "1"],
            TIME: [[1e-3, math.nan], [["'torch_gels'"], ["1000"], ["'cpu'", "'cuda'"]], "1"],
        },
        "version": 2,
    }


BENCHMARKS = {
    DIGITS: {"param_names": ["solver", "problem", "device"]},
    TIME: {"param_names": ["solver", "n", "device"]},
    "version": 2,
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "asv"
    write(folder, "here", body())
    (folder / "benchmarks.json").write_text(json.dumps(BENCHMARKS))
    return folder


def write(folder: Path, machine: str, content: Body) -> Path:
    (folder / machine).mkdir(parents=True, exist_ok=True)
    (folder / machine / "machine.json").write_text("{}")
    path = folder / machine / f"{content['commit_hash'][:8]}-env.json"
    path.write_text(json.dumps(content))
    return path


def test_every_combination_is_a_cell_with_its_parameters(folder: Path) -> None:
    (results,) = read_results(folder)
    assert [(cell.label, cell.metric) for cell in results.cells] == [
        ("closed_forms.Digits numpy_lstsq everyday cpu", "track_digits_lost"),
        ("closed_forms.Fit torch_gels 1000 cpu", "time_fit"),
        ("closed_forms.Fit torch_gels 1000 cuda", "time_fit"),
    ]
    assert dict(results.cells[1].params)["n"] == 1000
    assert results.cells[2].skipped


def test_cells_become_records_and_a_skipped_device_none(folder: Path) -> None:
    run, records = as_run(read_results(folder)[0])
    assert run.environment.versions == {"scikit-learn": "1.9.1"}
    digits, timed = records
    assert (digits.problem_name, digits.solver, digits.accuracy.digits) == ("everyday", "numpy_lstsq", 10.6)
    assert (timed.n, timed.unit, timed.samples.cpu_s, timed.samples.wall_s) == (1000, "fit", (1e-3,), ())
    assert timed.fit_s == 1e-3


@pytest.mark.parametrize(("value", "status"), [(None, Status.ERROR), (4.4, Status.OK)])
def test_a_failed_benchmark_is_an_error(folder: Path, value: float | None, status: Status) -> None:
    write(folder, "here", body(digits=value))
    record = as_run(read_results(folder)[0])[1][0]
    assert record.status is status
    assert record.message == ("a benchmark of this case failed" if value is None else "")


def test_the_newest_commit_is_taken_and_another_can_be_named(folder: Path) -> None:
    write(folder, "here", body(OTHER, date=1_800_000_000_000))
    assert read_results(folder)[0].commit == OTHER
    assert read_results(folder, commit="aaaa")[0].commit == COMMIT


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "cannot be read as JSON"),
        (json.dumps(body())[:300], "cannot be read as JSON"),
        ("[" * 100_000, "cannot be read as JSON"),
        ("[]", "no file of asv's"),
        ("{}", "Field required"),
        (json.dumps(body() | {"version": 3}), "format 3"),
        (json.dumps(body() | {"results": [1]}), "results"),
    ],
)
def test_a_file_that_is_not_asv_s_is_one_line(folder: Path, content: str, words: str) -> None:
    path = folder / "here" / f"{COMMIT[:8]}-env.json"
    path.write_text(content)
    with pytest.raises(UsageError) as caught:
        read_results(folder)
    assert words in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_format_1_is_read_as_asv_reads_it(folder: Path) -> None:
    """Numbers alone, lists, statistics, null; the versions of benchmarks beside them."""
    results = {
        "a.time_one": {"result": [0.2], "stats": [{"ci_99": [0.1, 0.3], "q_25": 0.15}]},
        "a.time_two": {"result": [0.2, None], "params": [["'x'", "'y'"]], "stats": [{"ci_99": [0.1, 0.3]}, None]},
        "a.time_sampled": {"result": 0.2, "samples": [0.1, 0.2, 0.3]},
        "a.peakmem": 70615040,
        "a.failed": None,
        "a.time_strange": {"result": [0.2], "stats": [{"ci_99": [0.1]}]},
    }
    old = body() | {"version": 1, "results": results, "benchmark_version": {"a.time_one": "v1"}, "profiles": {}}
    del old["result_columns"], old["env_vars"]
    write(folder, "here", old)
    (found,) = read_results(folder)
    cells = {(cell.name, cell.texts): cell for cell in found.cells}
    assert {key: cell.value for key, cell in cells.items()} == {
        ("a.time_one", ()): 0.2,
        ("a.time_two", ("'x'",)): 0.2,
        ("a.time_two", ("'y'",)): None,
        ("a.time_sampled", ()): 0.2,
        ("a.peakmem", ()): 70615040.0,
        ("a.failed", ()): None,
    }
    assert cells["a.time_one", ()].interval == (0.1, 0.3)
    assert cells["a.time_two", ("'y'",)].interval is None
    assert cells["a.time_sampled", ()].samples == (0.1, 0.2, 0.3)
    assert [cells[name, ()].version for name in ("a.time_one", "a.peakmem")] == ["v1", ""]
    assert ["a.time_strange" in line for line in found.unreadable] == [True]


def test_any_parameter_is_told_apart_and_a_suite_that_grew_is_read(folder: Path) -> None:
    rows = {
        "a.time_it": [[1.0, 2.0, 3.0, 4.0], [["True", "1", "<f>", "<f>"]], "1"],
        DIGITS: [[1.0], [["'numpy_lstsq'"], ["'cpu'"]], "1"],
        "a.track_converged": [[True, False], [["'p'", "'q'"]], "1"],
    }
    write(folder, "here", body() | {"results": rows})
    (found,) = read_results(folder)
    assert found.unreadable == ()
    assert len({cell.identity for cell in found.cells}) == 7
    assert [dict(cell.params) for cell in found.cells if cell.name == DIGITS] == [
        {"parameter 0": "numpy_lstsq", "parameter 1": "cpu"}
    ]
    assert [cell.value for cell in found.cells if cell.metric == "track_converged"] == [1.0, 0.0]
    assert as_run(found)[1] == [], "none of them is a case of the harness"


@pytest.mark.parametrize(
    ("said", "cores", "memory"),
    [
        ({"num_cpu": "4 (8 threads)", "ram": "16GB"}, 1, 0),
        ({"num_cpu": 4, "ram": None}, 4, 0),
        ({"num_cpu": "8", "ram": "9" * 30}, 8, 0),
        ({}, 1, 0),
    ],
)
def test_what_asv_says_of_a_machine_is_free_text(
    folder: Path, said: dict[str, object], cores: int, memory: int
) -> None:
    write(folder, "here", body() | {"params": said})
    run, _ = as_run(read_results(folder)[0])
    assert (run.environment.cores, run.environment.memory_bytes) == (cores, memory)


def test_a_folder_without_machine_json_and_a_suite_without_its_list_are_read(folder: Path) -> None:
    (folder / "here" / "machine.json").unlink()
    (folder / "benchmarks.json").unlink()
    (folder / "here" / "notes.json").write_text("[]")
    assert len(read_results(folder)[0].cells) == 3


def test_a_file_that_cannot_be_read_costs_no_other_where_all_are_read(folder: Path) -> None:
    write(folder, "here", body(OTHER))
    write(folder, "there", body())
    (folder / "here" / f"{COMMIT[:8]}-env.json").write_text("{")
    problems: list[str] = []
    found = [(one.machine, one.commit) for one in every_commit(folder, None, problems)]
    assert found == [("here", OTHER), ("there", COMMIT)]
    assert len(problems) == 1
    (folder / "here" / f"{OTHER[:8]}-env.json").write_text("{")
    with pytest.raises(UsageError, match="cannot be read as JSON"):
        list(every_commit(folder, "here", []))


@pytest.mark.parametrize(
    ("act", "error", "words"),
    [
        (lambda f: read_results(f / "nowhere"), CannotMeasureError, "no such folder: --results names"),
        (lambda f: read_results(f, commit="c" * 40), CannotMeasureError, "there are some for aaaaaaaa"),
        (lambda f: read_results(f, machine="heer"), UsageError, "did you mean 'here'"),
    ],
)
def test_what_is_not_there_is_one_line(
    folder: Path, act: Callable[[Path], object], error: type[HarnessError], words: str
) -> None:
    with pytest.raises(error) as caught:
        act(folder)
    assert words in str(caught.value)


def test_what_the_list_says_wrongly_of_one_benchmark_costs_its_names_alone(folder: Path) -> None:
    wrong = {"param_names": "solver", "params": 7, "unit": 3}
    (folder / "benchmarks.json").write_text(json.dumps(BENCHMARKS | {DIGITS: wrong}))
    (results,) = read_results(folder)
    assert dict(results.cells[0].params) == {
        "parameter 0": "numpy_lstsq",
        "parameter 1": "everyday",
        "parameter 2": "cpu",
    }
    assert len(results.cells) == 3
    (line,) = results.unreadable
    assert f"{DIGITS}: without what benchmarks.json: param_names" in line
    assert listed_benchmarks(folder) == {DIGITS, TIME}


def test_two_machines_and_none_named_is_one_line(folder: Path) -> None:
    write(folder, "there", body())
    with pytest.raises(UsageError, match="has results of here, there: name one with --machine"):
        read_results(folder)
    assert read_results(folder, machine="there")[0].machine == "there"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--commit", "no-such-branch"), 2),
        (("--commit", "c" * 40), 3),
        (("--machine", "nobody"), 2),
        (("--env", "uv"), 2),
        (("--results", "nowhere"), 2),
        (("--fresh",), 2),
        (("--bench", "["), 2),
    ],
)
def test_bad_requests_end_with_their_code(folder: Path, run_cli: RunCli, words: tuple[str, ...], code: int) -> None:
    results = () if "--results" in words else ("--results", folder)
    ended = run_cli("gate", "--asv", *results, *words)
    assert ended.code == code
    assert ended.stderr.startswith("harness: ")
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize("option", ["--commit", "--base", "--machine", "--env", "--bench"])
def test_options_of_asv_are_refused_without_it(run_cli: RunCli, option: str) -> None:
    ended = run_cli("gate", option, "x")
    assert ended.code == 2
    assert f"{option} goes with --asv" in ended.stderr


def test_results_without_a_listed_benchmark_fail(folder: Path, run_cli: RunCli) -> None:
    listed = BENCHMARKS | {"mlp.Epoch.time_epoch": {"param_names": ["solver"]}}
    (folder / "benchmarks.json").write_text(json.dumps(listed))
    ended = run_cli("gate", "--asv", "--results", folder)
    assert ended.code == 1
    assert "the suite lists it" in ended.stdout


def test_a_base_without_results_could_not_be_judged(folder: Path, run_cli: RunCli) -> None:
    write(folder, "here", body(OTHER) | {"env_name": "another"})
    ended = run_cli("gate", "--asv", "--results", folder, "--commit", COMMIT, "--base", OTHER)
    assert ended.code == 3


def cell(metric: str, value: float | None, device: str = "cpu") -> AsvCell:
    return AsvCell(f"family.Class.{metric}", (("solver", "numpy_lstsq"), ("device", device)), value)


@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf, -1.0])
def test_a_number_that_is_none_fails(value: float | None) -> None:
    (judged,) = judge_cells([cell("track_digits_lost", value)])
    assert judged.verdict is Verdict.REGRESSION


def test_a_skip_on_a_device_that_is_not_there_is_no_failure() -> None:
    assert judge_cells([cell("time_fit", math.nan, "cuda")]) == []
    assert judge_cells([cell("time_fit", None, "cuda")])[0].verdict is Verdict.REGRESSION


@pytest.mark.parametrize(
    ("metric", "then", "fine", "worse"),
    [
        ("track_digits_lost", 4.0, 4.5, 4.6),
        ("track_excess_loss", 1e-9, 9e-9, 1.1e-8),
        ("track_excess_loss", 1e-16, 1e-11, 2e-10),
        ("track_unexplained_variance", 0.35, 0.3509, 0.352),
        ("track_epochs_to_tolerance", 100.0, 112.0, 113.0),
        ("track_wrong", 0.0, 0.0, 1.0),
    ],
)
def test_a_loss_beyond_its_limit_fails_and_a_smaller_one_does_not(
    metric: str, then: float, fine: float, worse: float
) -> None:
    base = [cell(metric, then)]
    assert judge_against([cell(metric, fine)], base)[0].verdict is Verdict.UNCHANGED
    assert judge_against([cell(metric, worse)], base)[0].verdict is Verdict.REGRESSION
    assert judge_against([cell(metric, math.nan)], base)[0].verdict is Verdict.REGRESSION
    assert judge_against([cell(metric, None)], base)[0].verdict is Verdict.REGRESSION
    assert judge_against([], base)[0].verdict is Verdict.REGRESSION
    assert judge_against([cell(metric, 0.0)], base)[0].verdict is Verdict.UNCHANGED


def test_times_are_shown_not_gated() -> None:
    assert not [metric for metric in LIMITS if metric.startswith(("time_", "peakmem_"))]
    assert judge_against([cell("time_fit", 9.0)], [cell("time_fit", 1.0)]) == []


def test_the_committed_versions_show_scikit_learn_s_fall(run_cli: RunCli) -> None:
    """1.9.1 against 1.8.0 on the same commit: every digit of the everyday case is lost."""
    from harness.paths import results_folder

    words = ("gate", "--asv", "--results", results_folder() / "versions", "--bench", "scikit_learn")
    assert run_cli(*words, "--env", "1.8.0").code == 0
    ended = run_cli(*words, "--env", "1.9.1", "--base-env", "1.8.0", "--json")
    assert ended.code == 1
    breaches = [j for j in json.loads(ended.stdout)["judgements"] if j["verdict"] != "unchanged"]
    lost = next(j for j in breaches if j["quantity"] == "track_digits_lost")
    assert lost["case"] == "scikit_learn.Digits sklearn everyday cpu"
    assert lost["measured"] == "15"


def test_asv_s_pins_are_the_constraints() -> None:
    import re

    root = Path(__file__).resolve().parent.parent
    pinned = dict(re.findall(r"^([\w.-]+)==(.+)$", (root / "constraints.txt").read_text(), flags=re.MULTILINE))
    named = re.findall(r'"(?:pip\+)?([\w-]+)": \["([\d.]+)"\]', (root / "asv.conf.json").read_text())
    assert dict(named) == {name: pinned[name] for name, _ in named}
    assert len(named) == 6


def test_advice_is_given_where_something_is_to_be_done_and_nowhere_else() -> None:
    fine, lost = cell("track_digits_lost", 1.0), cell("track_digits_lost", math.nan)
    assert [bool(judged.advice) for judged in judge_cells([fine, lost, fine])] == [False, True, False]
    assert "--show-stderr" in judge_cells([lost])[0].advice
    worse, gone = cell("track_digits_lost", 2.0), cell("track_wrong", 0.0)
    held, broken, vanished = judge_against([fine, worse], [fine, cell("track_digits_lost", 1.0), gone])[:3]
    assert {bool(one.advice) == (one.verdict is Verdict.REGRESSION) for one in (held, broken, vanished)} == {True}
    assert "harness bisect" in judge_against([worse], [fine])[0].advice
    assert judge_against([fine], [fine])[0].advice == ""


def test_the_listing_beside_committed_results_counts_until_asv_writes_its_own(folder: Path) -> None:
    before, listed = repr(read_results(folder)), listed_benchmarks(folder)  # a NaN is not itself, its text is
    (folder / "benchmarks.json").rename(folder / "here" / "benchmarks.json")
    assert (repr(read_results(folder)), listed_benchmarks(folder)) == (before, listed)
    newer = BENCHMARKS | {"mlp.Epoch.time_epoch": {"param_names": ["solver"]}}
    (folder / "benchmarks.json").write_text(json.dumps(newer))
    assert listed_benchmarks(folder) == listed | {"mlp.Epoch.time_epoch"}


def test_what_asv_writes_at_each_run_is_not_committed() -> None:
    root = Path(__file__).resolve().parents[1]
    assert "results/asv/benchmarks.json" in (root / ".gitignore").read_text().splitlines()
    assert listed_benchmarks(root / "results" / "asv")


def test_asv_is_told_of_this_machine_under_any_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    asv_machine.main("mine")
    asv_machine.main("other")
    known = json.loads((tmp_path / ".asv-machine.json").read_text())
    assert {name for name in known if name != "version"} == {"mine", "other"}
    assert known["mine"]["machine"] == "mine"
    assert known["mine"]["num_cpu"]
    known["mine"]["cpu"] = "by hand"
    (tmp_path / ".asv-machine.json").write_text(json.dumps(known))
    asv_machine.main("mine")
    assert json.loads((tmp_path / ".asv-machine.json").read_text())["mine"]["cpu"] == "by hand"
