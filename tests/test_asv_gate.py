"""Anybody's asv suite through the gate: directions, rules, noise, and what cannot be judged is said."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError

from harness.judge.gate.asv_gate import (
    AS_BEFORE,
    NO_DIRECTION,
    NO_NUMBER_BEFORE,
    OTHER_PARAMETERS,
    OTHER_VERSION,
    TOO_SHORT,
    WITHIN_NOISE,
)
from harness.judge.gate.rules import ASV_FACTOR, Direction, Limit, Rule, limit_of
from tests.asv_store import store
from tests.conftest import Ended, RunCli
from tests.test_asv_results import COMMIT, OTHER, body, write
from tests.test_json_keys import check, printed

Floats = NDArray[np.float64]
Rows = dict[str, list[Any]]
NAN = math.nan


def two_commits(folder: Path, base: Rows, now: Rows, **listed: object) -> Path:
    """A store of a base, then of what is judged. Rows as asv's: numbers, parameters, version, then interval's ends."""
    columns = ["result", "params", "version", "stats_ci_99_a", "stats_ci_99_b"]
    for commit, rows, date in ((OTHER, base, 1_700_000_000_000), (COMMIT, now, 1_700_000_900_000)):
        write(folder, "here", body(commit, date=date) | {"results": rows, "result_columns": columns})
    names = listed or {**base, **now}
    (folder / "benchmarks.json").write_text(json.dumps({name: {"param_names": ["task"]} for name in names}))
    return folder


def gated(run_cli: RunCli, folder: Path, *words: str) -> tuple[Ended, dict[str, Any]]:
    ended = run_cli("gate", "--asv", "--results", folder, "--json", *words)
    return ended, json.loads(ended.stdout)


def verdicts(report: dict[str, Any]) -> dict[str, str]:
    return {f"{one['quantity']} {one['case']}".strip(): one["verdict"] for one in report["judgements"]}


def reasons(report: dict[str, Any]) -> dict[str, str]:
    return {f"{one['quantity']} {one['case']}".strip(): one["reason"] for one in report["not_judged"]}


TASKS = [["'a'", "'b'"]]


def test_a_score_that_falls_and_a_time_ten_times_as_long_fail(tmp_path: Path, run_cli: RunCli) -> None:
    """Without a base named: against the commit before."""
    base = {"fit.S.track_score": [[0.92, 0.95], TASKS, "1"], "fit.S.time_fit": [[0.01, 0.02], TASKS, "1"]}
    now = {"fit.S.track_score": [[0.92, 0.11], TASKS, "1"], "fit.S.time_fit": [[0.01, 0.2], TASKS, "1"]}
    folder = two_commits(tmp_path / "asv", base, now)
    for words in ((), ("--base", OTHER)):
        ended, report = gated(run_cli, folder, *words)
        assert ended.code == 1
        assert verdicts(report) == {
            "track_score fit.S a": "unchanged",
            "track_score fit.S b": "regression",
            "time_fit fit.S a": "unchanged",
            "time_fit fit.S b": "regression",
        }
    assert gated(run_cli, folder, "--commit", OTHER)[0].code == 0
    assert gated(run_cli, folder, "--commit", OTHER, "--base", OTHER)[0].code == 0
    shown = run_cli("gate", "--asv", "--results", folder).stdout
    assert "10 times the base's 0.02" in shown
    assert "is not known: the store has 0 pairs" in shown
    assert "harness ab bbbbbbbb aaaaaaaa --asv-suite" in " ".join(shown.split())


def test_what_cannot_be_compared_is_named_and_no_failure(tmp_path: Path, run_cli: RunCli) -> None:
    base: Rows = {
        "a.time_version": [[1.0], [["'a'"]], "1"],
        "a.track_loss": [[1.0], [["'a'"]], "1"],
        "a.time_skipped": [[NAN, None], TASKS, "1"],
        "a.track_what": [[1.0], [["'a'"]], "1"],
        "a.time_gone": [[1.0], [["'a'"]], "1"],
        "a.time_same": [[1.0], [["'a'"]], "1"],
    }
    now: Rows = {
        "a.time_version": [[9.0], [["'a'"]], "2"],
        "a.track_loss": [[9.0], [["'b'"]], "1"],
        "a.time_skipped": [[None, NAN], TASKS, "1"],
        "a.track_what": [[9.0], [["'a'"]], "1"],
        "a.time_new": [[None], [["'a'"]], "1"],
        "a.time_same": [[1.05], [["'a'"]], ""],
        "a.strange": [["x"], [["'a'"]], "1"],
    }
    listed: dict[str, object] = dict.fromkeys([*now, "a.time_unrun"])
    ended, report = gated(run_cli, two_commits(tmp_path / "asv", base, now, **listed), "--base", OTHER)
    assert ended.code == 0
    assert verdicts(report) == {"time_same a a": "unchanged"}
    assert reasons(report) == {
        "time_version a a": OTHER_VERSION,
        "track_loss a b": OTHER_PARAMETERS,
        "track_loss a a": "not comparable: the benchmark has other parameters now",
        "time_skipped a a": AS_BEFORE,
        "time_skipped a b": AS_BEFORE,
        "track_what a a": NO_DIRECTION,
        "time_new a a": "failed, and nothing to compare with",
        "time_gone a a": "not comparable: the suite does not list the benchmark any more",
        "presence a.time_unrun": "the suite lists it, and it has no result",
        "presence a.strange": "the suite lists it, and it has no result",
    }
    assert any("a.strange" in note and "is no number" in note for note in report["notes"])
    check("gate --asv", printed(ended.stdout))
    shown = run_cli("gate", "--asv", "--results", tmp_path / "asv", "--base", OTHER).stdout
    assert "10 numbers not judged" in " ".join(shown.split())


@pytest.mark.parametrize(("now", "verdict", "code"), [(None, "regression", 1), (NAN, "regression", 1)])
def test_a_number_that_is_lost_is_worse(
    tmp_path: Path, run_cli: RunCli, now: float | None, verdict: str, code: int
) -> None:
    base, lost = {"a.time_x": [[1.0], [["'a'"]], "1"]}, {"a.time_x": [[now], [["'a'"]], "1"]}
    ended, report = gated(run_cli, two_commits(tmp_path / "asv", base, lost))
    assert (ended.code, verdicts(report)) == (code, {"time_x a a": verdict})


def test_a_benchmark_that_is_listed_and_did_not_run_is_undecided(tmp_path: Path, run_cli: RunCli) -> None:
    base: Rows = {"a.time_x": [[1.0], [["'a'"]], "1"], "a.time_y": [[1.0], [["'a'"]], "1"]}
    folder = two_commits(tmp_path / "asv", base, {"a.time_x": base["a.time_x"]})
    ended, report = gated(run_cli, folder)
    assert (ended.code, verdicts(report)) == (3, {"time_x a a": "unchanged", "time_y a a": "undecided"})
    assert gated(run_cli, folder, "--bench", "time_x")[0].code == 0


@pytest.mark.parametrize(
    ("bench", "judged"),
    [
        (r"time_x\(.*'b'", {"time_x s.T a b"}),
        (r"time_x\('a', 'b'\)$|^s\.track_loss$", {"time_x s.T a b", "track_loss s"}),
        ("s.T.time_x", {"time_x s.T a a", "time_x s.T a b"}),
        (r"^s.T.time_x$", set()),
    ],
)
def test_bench_reaches_into_parameters_as_asvs_in_every_command(
    tmp_path: Path, run_cli: RunCli, bench: str, judged: set[str]
) -> None:
    """As asv prints a benchmark, without the parameters' names (asv/benchmarks.py)."""
    rows: Rows = {"s.T.time_x": [[1.0, 1.0], [["'a'"], ["'a'", "'b'"]], "1"], "s.track_loss": [[1.0], [], "1"]}
    slower: Rows = rows | {"s.T.time_x": [[9.0, 1.0], [["'a'"], ["'a'", "'b'"]], "1"]}
    folder = two_commits(tmp_path / "asv", rows, slower)
    listed = {"param_names": ["m", "n"], "params": [["'a'"], ["'a'", "'b'"]]}
    (folder / "benchmarks.json").write_text(json.dumps({"s.T.time_x": listed, "s.track_loss": {}, "version": 2}))
    ended = run_cli("gate", "--asv", "--results", folder, "--json", "--bench", bench)
    watched = run_cli("history", "--asv", "--all", "--results", folder, "--json", "--bench", bench)
    if not judged:
        for one in (ended, watched):
            assert (one.code, one.stdout, one.stderr.count("\n")) == (3, "", 1)
            assert f"in which --bench '{bench}' is found" in one.stderr
        return
    report = json.loads(ended.stdout)
    assert set(verdicts(report)) == judged
    assert reasons(report) == {}
    assert ended.code == (1 if "time_x s.T a a" in judged else 0)
    assert json.loads(watched.stdout)["series"] == len(judged)


def test_other_benchmarks_beside_the_harness_s_own_are_judged_by_the_rules_for_any(
    tmp_path: Path, run_cli: RunCli
) -> None:
    """A suite over harness.suite may hold benchmarks of its project's, of which a number below 0 is no failure."""
    own = [[1e-3], [["'numpy_lstsq'"], ["1000"], ["'cpu'"]], "1"]
    base: Rows = {"m.Fit.time_fit": own, "m.X.track_r2": [[-0.05], [], "1"], "m.X.time_y": [[1.0], [], "1"]}
    base["m.X.track_what"] = [[1.0], [], "1"]
    now = base | {"m.X.time_y": [[9.0], [], "1"], "m.X.track_what": [[-1.0], [], "1"]}
    folder = two_commits(tmp_path / "asv", base, now)
    listed: dict[str, Any] = {name: {} for name in (*base, "m.X.time_z")}
    listed["m.Fit.time_fit"] = {"param_names": ["solver", "n", "device"]}
    (folder / "benchmarks.json").write_text(json.dumps(listed))
    ended, report = gated(run_cli, folder)
    assert ended.code == 1
    assert verdicts(report) == {
        "status synthetic:n=1000,p=10,noise=1,seed=0 numpy_lstsq cpu": "unchanged",
        "time_fit m.Fit numpy_lstsq 1000 cpu": "unchanged",
        "track_r2 m.X": "unchanged",
        "time_y m.X": "regression",
    }
    assert reasons(report) == {
        "track_what m.X": NO_DIRECTION,
        "presence m.X.time_z": "the suite lists it, and it has no result",
    }


@pytest.mark.parametrize("name", ["a.time_x", "a.B.timeraw_x", "a.mem_x", "a.peakmem_x"])
def test_a_time_or_a_memory_below_0_has_failed(tmp_path: Path, run_cli: RunCli, name: str) -> None:
    """It is no improvement, and in the base nothing to compare with; a tracked number may be negative."""
    rows: dict[float, Rows] = {
        value: {name: [[value], [["'a'"]], "1"], "a.track_r2": [[-0.5], [["'a'"]], "1"]} for value in (-1.5, 1.5)
    }
    ended, report = gated(run_cli, two_commits(tmp_path / "worse", rows[1.5], rows[-1.5]))
    case = f"{name.rpartition('.')[2]} {name.rpartition('.')[0]} a"
    assert (ended.code, verdicts(report)) == (1, {case: "regression", "track_r2 a a": "unchanged"})
    ended, report = gated(run_cli, two_commits(tmp_path / "back", rows[-1.5], rows[1.5]))
    assert ended.code == 0
    assert reasons(report) == {case: NO_NUMBER_BEFORE}


def test_why_a_number_is_not_compared_is_said(tmp_path: Path, run_cli: RunCli) -> None:
    """One that is new where the base failed is no other parameter; and that nothing was compared is said."""
    base: Rows = {"a.time_x": [[None, NAN], TASKS, "1"]}
    folder = two_commits(tmp_path / "asv", base, {"a.time_x": [[1.0, 1.0], TASKS, "1"]})
    ended, report = gated(run_cli, folder)
    assert (ended.code, set(reasons(report).values())) == (0, {NO_NUMBER_BEFORE})
    assert report["notes"][0] == "no number could be compared with bbbbbbbb, virtualenv-py3.11"
    assert gated(run_cli, folder, "--base", OTHER)[0].code == 3


def test_results_without_a_benchmark_are_one_line(tmp_path: Path, run_cli: RunCli) -> None:
    ended = run_cli("gate", "--asv", "--results", two_commits(tmp_path / "asv", {}, {}))
    assert (ended.code, ended.stdout, ended.stderr.count("\n")) == (3, "", 1)
    assert "the results of aaaaaaaa have no benchmark" in ended.stderr


def test_a_single_commit_is_read_and_said_to_be_compared_with_nothing(tmp_path: Path, run_cli: RunCli) -> None:
    rows: Rows = {"a.track_r2": [[-0.05], [["'a'"]], "1"], "a.track_flag": [[True, False], TASKS, "1"]}
    write(tmp_path / "asv", "here", body() | {"results": rows})
    ended, report = gated(run_cli, tmp_path / "asv")
    assert (ended.code, verdicts(report)) == (0, {"track_r2 a a": "unchanged"})
    assert set(reasons(report).values()) == {NO_DIRECTION}
    assert report["notes"] == ["compared with nothing: there is no earlier commit in this environment"]


def test_a_file_that_cannot_be_read_costs_no_other_commit(tmp_path: Path, run_cli: RunCli) -> None:
    rows: Rows = {"a.time_x": [[1.0], [["'a'"]], "1"]}
    folder = two_commits(tmp_path / "asv", rows, rows)
    (folder / "here" / f"{'c' * 8}-env.json").write_text("{")
    ended, report = gated(run_cli, folder)
    assert (ended.code, verdicts(report)) == (0, {"time_x a a": "unchanged"})
    assert sum("cccccccc-env.json" in note for note in report["notes"]) == 1
    assert run_cli("gate", "--asv", "--results", folder, "--commit", "c" * 40).code == 2


def test_rules_of_the_repository_and_of_the_expectations_decide(
    tmp_path: Path, run_cli: RunCli, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = {"a.track_what": [[1.0, 1.0], TASKS, "1"], "a.track_score": [[0.5], [["'a'"]], "1"]}
    now = {"a.track_what": [[1.2, 1.2], TASKS, "1"], "a.track_score": [[0.6], [["'a'"]], "1"]}
    folder = two_commits(tmp_path / "asv", base, now)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "harness.toml").write_text(
        """
[[asv.rules]]
match = "track_what.*task='b'"
direction = "lower"
factor = 1.1
[[asv.rules]]
match = "track_score"
direction = "lower"
ceiling = 0.55
"""
    )
    ended, report = gated(run_cli, folder)
    assert ended.code == 1
    assert verdicts(report)["track_what a b"] == "regression"
    assert reasons(report) == {"track_what a a": NO_DIRECTION}
    assert [one["expected"] for one in report["judgements"] if one["quantity"] == "track_score"] == [
        "<= 0.55",
        "<= 0.55",
    ]
    (tmp_path / "harness.toml").write_text('[[asv.rules]]\nmatch = "("\ndirection = "lower"\n')
    ended = run_cli("gate", "--asv", "--results", folder)
    assert ended.code == 2
    assert "harness.toml: asv: rules.0.match:" in ended.stderr
    assert "'('" in ended.stderr
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "unit", "direction"),
    [
        ("a.time_x", "seconds", "lower"),
        ("a.timeraw_import", "seconds", "lower"),
        ("a.peakmem_x", "bytes", "lower"),
        ("a.mem_x", "bytes", "lower"),
        ("a.track_score", "unit", "higher"),
        ("a.track_test_r2", "", "higher"),
        ("a.TrackAccuracy.track_it", "unit", ""),
        ("a.track_testAccuracy", "unit", "higher"),
        ("a.track_digits", "unit", "higher"),
        ("a.track_digits_lost", "unit", "lower"),
        ("a.track_validation_loss", "", "lower"),
        ("a.track_RMSE", "", "lower"),
        ("a.track_accuracy_error", "", "lower"),
        ("a.track_glossary", "", ""),
        ("a.track_x", "seconds", "lower"),
        ("a.track_x", "MiB", "lower"),
        ("a.track_x", "items/s", "higher"),
        ("a.track_x", "digits", "higher"),
        ("a.track_x", "unit", ""),
        ("a.track_iterations", "unit", ""),
        ("a.track_x", "R2", "higher"),
        ("a.track_x", "R²", "higher"),
        ("a.track_x", "Accuracy (%)", "higher"),
        ("a.track_x", "relative error", "lower"),
        ("a.track_score", "seconds", ""),
        ("a.track_loss", "items/s", ""),
        ("a.track_score_time", "seconds", "lower"),
        ("a.track_score_time", "", ""),
        ("a.track_accuracy_std", "%", ""),
    ],
)
def test_the_direction_is_known_where_name_or_unit_is_plain(name: str, unit: str, direction: str) -> None:
    found = limit_of(name, name, unit, "", ())
    assert ("" if found is None else found.direction) == direction


def limit(**said: Any) -> Limit:
    found = limit_of("a.track_x", "a.track_x", "", "", [Rule(match="x", **said)])
    assert found is not None
    return found


def exceeds(found: Limit, base: float, now: float) -> bool:
    return bool(found.badness(now) > found.allowed(base))


def test_a_limit_is_relative_to_the_size_of_the_base_in_either_direction() -> None:
    for base in (2.0, -2.0):
        assert not exceeds(limit(direction="lower", factor=1.5), base, base + 0.99)
        assert exceeds(limit(direction="lower", factor=1.5), base, base + 1.01)
        assert not exceeds(limit(direction="higher", factor=1.5, add=0.1), base, base - 1.09)
        assert exceeds(limit(direction="higher", factor=1.5, add=0.1), base, base - 1.11)
    near = limit(direction="near", near=3.0, add=0.5)
    assert not exceeds(near, 3.0, 2.6)
    assert exceeds(near, 3.0, 3.6)
    decades = limit(direction="lower", digits=0.5)
    assert (exceeds(decades, 1e-9, 3.1e-9), exceeds(decades, 1e-9, 3.2e-9)) == (False, True)
    assert limit(direction="higher").factor == ASV_FACTOR
    assert limit(direction="near", near=2.0, digits=3).shared_digits(2.002) == pytest.approx(3.0)
    assert not limit(direction="near", near=2.0, digits=3).compares


@pytest.mark.parametrize(
    "said",
    [
        {"direction": "up"},
        {"direction": "near"},
        {"near": 1.0},
        {"direction": "higher", "digits": 1.0},
        {"factor": 1.1},
        {"direction": "lower", "factor": 0.9},
        {},
        {"direction": "lower", "surprise": 1},
        {"floor": math.nan},
    ],
)
def test_a_rule_that_says_nothing_or_two_things_is_refused(said: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Rule(match="x", **said)
    assert Rule(match="x", floor=1.0).direction is Direction.UNKNOWN


def noisy_store(folder: Path, last: Floats, rows: int = 60, commits: int = 50, sd: float = 0.03) -> Path:
    """Times that flicker, half of them ten times as much; the last commit's are the typical ones times `last`."""
    rng = np.random.default_rng(0)
    scale = np.where(np.arange(rows) < rows // 2, sd, 10 * sd)
    values = np.exp(rng.normal(0, 1, (commits, rows)) * scale)
    values[-1] = last
    return store(folder, {"a.time_x": values})


@pytest.mark.slow
def test_times_are_judged_by_how_far_the_store_s_own_unchanged_commits_differ(tmp_path: Path, run_cli: RunCli) -> None:
    """A time half as long again is worse where times differ by 3 %, and says nothing where they differ by 30 %."""
    last = np.ones(60)
    last[[0, 1, 2, 50]] = 1.5
    ended, report = gated(run_cli, noisy_store(tmp_path / "asv", last))
    assert ended.code == 1
    worse = {one["case"] for one in report["judgements"] if one["verdict"] == "regression"}
    assert worse == {"a 0", "a 1", "a 2"}
    assert [one["reason"] for one in report["not_judged"] if one["case"] == "a 50"] == [WITHIN_NOISE]
    assert any("pairs of neighbouring commits without a step" in note for note in report["notes"])


@pytest.mark.slow
def test_one_flaky_number_hides_no_other_s_change(tmp_path: Path, run_cli: RunCli) -> None:
    """A constant score once had another value: it is no measure of how far times differ, nor of the other scores."""
    rng = np.random.default_rng(2)
    times = np.exp(rng.normal(0, 0.01, (50, 40)))
    times[-1, :3] *= 3.0
    scores = np.full((50, 4), 0.9)
    scores[12, 0] = 0.2
    scores[-1, :2] = 0.4
    ended, report = gated(run_cli, store(tmp_path / "asv", {"a.time_x": times, "a.track_score": scores}))
    assert ended.code == 1
    worse = {name for name, verdict in verdicts(report).items() if verdict == "regression"}
    assert worse == {"time_x a 0", "time_x a 1", "time_x a 2", "track_score a 1"}
    assert reasons(report) == {"track_score a 0": WITHIN_NOISE}


@pytest.mark.slow
def test_unchanged_commits_of_a_noisy_store_pass(tmp_path: Path, run_cli: RunCli) -> None:
    """One in twenty may err where the history is shortest: of these ten, one at most."""
    rng = np.random.default_rng(1)
    folder = noisy_store(tmp_path / "asv", np.exp(rng.normal(0, 0.03, 60)), commits=55)
    codes = [gated(run_cli, folder, "--commit", f"{at:08x}" + "0" * 32)[0].code for at in range(45, 55)]
    assert codes.count(1) <= 1
    assert codes.count(0) >= 9


def test_a_time_of_a_store_without_history_must_be_far_off(tmp_path: Path, run_cli: RunCli) -> None:
    """With intervals apart twice as long, with a bare number five times; memory and scores by their limits."""
    base: Rows = {
        "a.time_bare": [[1.0, 1.0], TASKS, "1"],
        "a.time_apart": [[1.0, 1.0], TASKS, "1", [0.9, 0.9], [1.1, 1.1]],
        "a.time_wide": [[1.0], [["'a'"]], "1", [0.5], [2.5]],
        "a.peakmem_x": [[1000], [["'a'"]], "1"],
    }
    now: Rows = {
        "a.time_bare": [[4.9, 5.1], TASKS, "1"],
        "a.time_apart": [[1.9, 2.1], TASKS, "1", [1.8, 2.0], [2.0, 2.2]],
        "a.time_wide": [[3.0], [["'a'"]], "1", [2.4], [4.0]],
        "a.peakmem_x": [[1200], [["'a'"]], "1"],
    }
    _, report = gated(run_cli, two_commits(tmp_path / "asv", base, now))
    assert {name for name, verdict in verdicts(report).items() if verdict == "regression"} == {
        "time_bare a b",
        "time_apart a b",
        "peakmem_x a a",
    }
    assert reasons(report) == {"time_bare a a": TOO_SHORT, "time_apart a a": TOO_SHORT}


def test_several_environments_are_one_json_document(tmp_path: Path, run_cli: RunCli) -> None:
    folder = two_commits(tmp_path / "asv", {"m.time_fit": [[1.0], [], "1"]}, {"m.time_fit": [[1.0], [], "1"]})
    one, report = gated(run_cli, folder)
    assert set(report) > {"run", "exit_code", "judgements"}
    written = next(file for file in (folder / "here").glob("*.json") if COMMIT[:8] in file.name)
    other = json.loads(written.read_text()) | {"env_name": "another"}
    (folder / "here" / f"{COMMIT[:8]}-another.json").write_text(json.dumps(other))
    ended, found = gated(run_cli, folder)
    assert isinstance(found, list)
    assert report in found
    assert sorted(one["run"].split()[1] for one in found) == sorted(["another", report["run"].split()[1]])
    assert (one.code, ended.code) == (0, 0)
