"""Every verdict says what it compared, and what compared nothing says so: docs/explanation/verdicts.md is the table."""

import ast
import json
import math
import re
from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.ab.bisect.compare_commit import Bench, BisectRequest
from harness.ab.environments import Sides
from harness.ab.version import Version
from harness.errors import CannotMeasureError
from harness.judge.gate.gate import GateReport
from harness.judge.history.history import judge_history
from harness.judge.history.series import QUANTITIES, History, Point
from harness.judge.speed.comparison import any_compared, compare
from harness.judge.speed.devices import compare_devices
from harness.judge.studies.findings import Ending
from harness.judge.verdict import Judgement, Verdict
from harness.judge.versions.ab import judge_ab
from harness.judge.versions.bisection import QUANTITIES as BISECTED
from harness.judge.versions.bisection import marked
from harness.judge.versions.two_runs import compare_runs
from harness.records.ab import AbCell, Measured
from harness.records.bisection import Mark
from harness.records.record import Record, Samples
from harness.report.html.history import conclusion as page_words
from harness.report.html.section import Table
from harness.report.html.verdict import section as verdict_section
from harness.report.html.verdict_changes import change_verdict
from harness.report.words.findings import conclusion as findings_words
from harness.report.words.history import conclusion, over_commits
from harness.solvers.status import Status
from harness.store.store import Store
from harness.studies.findings import findings, measured, survey
from tests.ab_cells import cell
from tests.ab_sides import spec
from tests.conftest import RunCli
from tests.history_site import HERE, Planted
from tests.page_records import record
from tests.page_site import evidence
from tests.test_asv_results import BENCHMARKS, COMMIT, OTHER, TIME, body, write

TABLE = Path(__file__).parent.parent / "docs" / "explanation" / "verdicts.md"


def test_each_row_of_the_table_names_a_test_that_is_there() -> None:
    rows = [line for line in TABLE.read_text().splitlines() if line.startswith("| ") and "---" not in line][1:]
    assert len(rows) >= 20
    for row in rows:
        named = re.findall(r"`(test_\w+)\.py::(test_\w+)`", row)
        assert named, row
        for module, name in named:
            tree = ast.parse((Path(__file__).parent / f"{module}.py").read_text())
            assert name in {one.name for one in tree.body if isinstance(one, ast.FunctionDef)}, row


# history


def judged(values: Sequence[float], quantity: str, data: str) -> History:
    """A point a commit; `data`: a letter a commit for the content of its data."""
    given = zip(values, data, strict=True)
    points = [
        Point(f"{i:040x}", i, 60.0 * i, HERE, (value,), "", letter * 64) for i, (value, letter) in enumerate(given)
    ]
    return judge_history("case", QUANTITIES[quantity], points, lambda *_: 0)


def test_a_history_blames_no_commit_where_the_data_changed() -> None:
    same = judged([13.0, 13.0, 7.0, 7.0], "digits", "aaaa")
    assert [step.verdict for series in same.series for step in series.steps] == [Verdict.REGRESSION]
    other = judged([13.0, 13.0, 7.0, 7.0], "digits", "aabb")
    assert [series.steps for series in other.series] == [(), ()]
    (change,) = other.changes
    assert (change.of_data, change.verdict, change.change) == (True, Verdict.UNDECIDED, None)
    words = [getattr(part, "text", "") for part in over_commits(other).parts]
    assert "data aaaaaaaa → bbbbbbbb" in words[-1]
    assert words[-1].endswith("the data changed: nothing is compared, and no commit is to blame")


def test_a_history_goes_on_where_the_data_come_back() -> None:
    found = judged([13.0, 9.0, 7.0, 9.0], "digits", "abab")
    assert [[step.verdict for step in series.steps] for series in found.series] == [[Verdict.REGRESSION], []]


@pytest.mark.slow
def test_a_history_of_a_store_tells_the_content_of_the_data(store_path: Path, run_cli: RunCli) -> None:
    planted = Planted(Store(str(store_path)))
    for i, letter in enumerate("aabb"):
        planted.launch(f"{i:040x}", 1e-3 * (1 + (letter == "b")), problem_sha256=letter * 64, data_sha256="")
    ended = run_cli("history", "four_points", "numpy_lstsq", "--quantity", "digits", "--store", store_path)
    assert (ended.code, "no commit is to blame" in " ".join(ended.stdout.split())) == (0, True), ended.stdout


@pytest.mark.slow
@pytest.mark.parametrize(("quantity", "commits", "code"), [("time", 3, 3), ("time", 4, 0), ("digits", 2, 0)])
def test_a_history_of_too_few_commits_compares_nothing(
    quantity: str, commits: int, code: int, store_path: Path, run_cli: RunCli
) -> None:
    planted = Planted(Store(str(store_path)))
    for i in range(commits):
        planted.launch(f"{i:040x}", 1e-3)
    ended = run_cli("history", "four_points", "numpy_lstsq", "--quantity", quantity, "--store", store_path)
    assert (ended.code, "nothing is compared" in ended.stdout) == (code, code == 3), ended.stdout


def test_two_contents_of_one_commit_each_compare_nothing() -> None:
    found = judged([13.0, 7.0], "digits", "ab")
    assert not found.compared
    assert "nothing is compared" in conclusion(found)


def test_a_page_of_histories_that_are_too_short_says_that_nothing_is_compared() -> None:
    short = judged([1e-3] * 6, "time", "aaabbb")
    assert "nothing is compared" in page_words([short], [])
    assert "Where the data changed (1 time) nothing is compared" in page_words([short], [])
    assert "nothing is compared" not in page_words([judged([1e-3] * 6, "time", "aaaaaa")], [])


# two runs on the page


def with_digits(digits: float | None, **changed: object) -> Record:
    one = record("p", "sklearn")
    return one.model_copy(update={"accuracy": replace(one.accuracy, digits=digits), **changed})


@pytest.mark.parametrize("lost", [None, math.nan])
def test_a_number_that_one_of_two_runs_lacks_is_a_change(lost: float | None) -> None:
    (change,) = compare_runs([with_digits(lost)], [with_digits(12.0)]).answers
    assert (change.quantity, change.verdict) == ("digits", Verdict.REGRESSION)
    (change,) = compare_runs([with_digits(12.0)], [with_digits(lost)]).answers
    assert (change.quantity, change.verdict) == ("digits", Verdict.IMPROVEMENT)
    assert compare_runs([with_digits(lost)], [with_digits(lost)]).answers == ()


def test_two_runs_of_other_data_are_not_compared_and_the_page_says_so() -> None:
    compared = compare_runs([with_digits(2.0, problem_sha256="b" * 64)], [with_digits(12.0)])
    assert (compared.times, compared.answers, compared.compared) == ((), (), 0)
    verdict = change_verdict(compared, "run-0")
    assert (verdict.state, "The data changed" in verdict.text) == ("unknown", True)
    both = compare_runs(
        [with_digits(2.0, problem_sha256="b" * 64), record("q", "sklearn")], [with_digits(12.0), record("q", "sklearn")]
    )
    assert (both.compared, len(both.other_data)) == (1, 1)
    assert "The data changed" in change_verdict(both, "run-0").text


# ab and bisect


def of_data(base: str, head: str, ratio: float = 2.0) -> AbCell:
    """A head that is twice as slow and has fewer digits, on data of these hashes."""
    sides: dict[str, Any] = {
        "base": Measured(digits=12.0, problem_sha256=base),
        "head": Measured(digits=3.0, status=Status.WRONG, problem_sha256=head),
    }
    return cell(np.random.default_rng(0), ratio, **sides)


def test_two_versions_with_other_data_are_not_compared() -> None:
    for known in (("a", "a"), ("", "a"), ("", "")):
        assert judge_ab([of_data(*known)]).exit_code == 1
    report = judge_ab([of_data("a", "b")])
    assert (report.exit_code, [one.verdict for one in report.cells]) == (3, [Verdict.UNDECIDED])
    assert "the data changed between the two versions" in report.cells[0].why
    mixed = judge_ab([of_data("a", "b"), cell(np.random.default_rng(1), case="other")])
    assert mixed.exit_code == 3


@pytest.mark.parametrize("quantity", list(BISECTED))
def test_a_bisection_blames_no_commit_where_the_data_changed(quantity: str) -> None:
    assert marked(of_data("a", "a"), quantity, 0.03).mark in (Mark.BAD, Mark.SKIPPED)
    found = marked(of_data("a", "b"), quantity, 0.03)
    assert (found.mark, "the data changed" in found.seen) == (Mark.SKIPPED, True)


def test_a_bisection_whose_ends_have_other_data_says_so() -> None:
    here = Version("one", Path("python"))
    bench = Bench(
        BisectRequest(spec("one"), "digits"), lambda _: Sides(here, here), print, lambda *_: of_data("a", "b")
    )
    with pytest.raises(CannotMeasureError, match="no commit is to blame"):
        bench.compare_ends("bad")


# compare


def test_solvers_on_other_data_of_one_name_are_not_side_by_side() -> None:
    ours, theirs = record("p", "numpy_lstsq"), record("p", "sklearn")
    assert len(compare([ours, theirs], "solver")) == 2
    with pytest.raises(CannotMeasureError, match="the data of p:n=2000,seed=0 changed between the runs"):
        compare([ours, theirs.model_copy(update={"problem_sha256": "b" * 64})], "solver")


def test_devices_with_other_data_have_no_ratio() -> None:
    cpu, cuda = record("p", "numpy_lstsq"), record("p", "numpy_lstsq", device="cuda:0")
    assert compare_devices([cpu, cuda])[0].pairs[0].ratio is not None
    (series,) = compare_devices([cpu, cuda.model_copy(update={"problem_sha256": "b" * 64})])
    assert (series.pairs[0].ratio, series.crossover) == (None, None)
    assert series.pairs[0].reason == "the data changed between the two"


def test_a_comparison_without_a_number_that_both_have_exits_3(store_path: Path, run_cli: RunCli) -> None:
    bare = {"samples": Samples(), "accuracy": record("p", "sklearn").accuracy.__class__()}
    rows = [record("p", name).model_copy(update=bare) for name in ("numpy_lstsq", "sklearn")]
    assert not any_compared(compare(rows, "solver"))
    Planted(Store(str(store_path))).launch("a" * 40, None, records=rows)
    ended = run_cli("compare", "--by", "solver", "--store", store_path)
    assert (ended.code, "nothing is compared" in ended.stderr) == (3, True), ended.stderr
    assert any_compared(compare([record("p", name) for name in ("numpy_lstsq", "sklearn")], "solver"))


# the gates


def undecided(verdict: Verdict) -> Judgement:
    return Judgement("case", "data", "a", "b", verdict, "the data changed")


@pytest.mark.parametrize(
    ("verdicts", "code", "state"),
    [
        ([Verdict.UNDECIDED], 3, "undecided"),
        ([Verdict.UNDECIDED, Verdict.UNCHANGED], 3, "undecided"),
        ([Verdict.UNDECIDED, Verdict.REGRESSION], 1, "regression"),
        ([Verdict.UNCHANGED], 0, "ok"),
        ([], 3, "unknown"),
    ],
)
def test_a_gate_that_could_not_compare_does_not_pass(verdicts: list[Verdict], code: int, state: str) -> None:
    report = GateReport(tuple(map(undecided, verdicts)), (), 0)
    assert report.exit_code == code
    page = verdict_section(evidence([record("p", "sklearn")], gate=report, expectations="mine.toml"))
    tables = [part for part in page.parts if isinstance(part, Table) and part.name == "verdicts"]
    if state == "unknown":
        assert tables == []
        assert page.conclusion.startswith("The gate judges nothing")
    else:
        assert {row["about"]: row["verdict"] for row in tables[0].rows}["Gate"] == state


@pytest.mark.slow
def test_an_asv_base_without_a_gated_number_is_not_compared(tmp_path: Path, run_cli: RunCli) -> None:
    folder = tmp_path / "asv"
    for commit, date in ((OTHER, 1_700_000_000_000), (COMMIT, 1_700_000_001_000)):
        write(folder, "here", body(commit, date=date))
    (folder / "benchmarks.json").write_text(json.dumps(BENCHMARKS))
    words = ("gate", "--asv", "--results", folder, "--commit", COMMIT, "--base", OTHER)
    assert "could not judge" not in run_cli(*words).stdout
    ended = run_cli(*words, "--bench", TIME)
    assert (ended.code, "could not judge" in ended.stdout) == (3, True), ended.stdout


# the studies


def test_published_figures_of_which_none_ran_exit_3(run_cli: RunCli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_module("harness.cli.published"), "_reproduce", lambda _: [])
    assert run_cli("published").code == 3


def test_findings_that_were_not_checked_are_counted_and_reproduce_nothing() -> None:
    lines = survey(findings())
    assert not measured(lines)
    checked = [lines[0].model_copy(update={"outcome": Ending.REPRODUCED}), *lines[1:]]
    assert measured(checked)
    assert findings_words(checked).endswith(f"{len(lines) - 1} not checked")
