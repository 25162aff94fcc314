"""harness history: the commit that did it, out of a store and out of asv's results."""

import json
import math
import shutil
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from xml.etree.ElementTree import fromstring

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import CannotMeasureError, UsageError
from harness.git import head_of
from harness.history.case import history_of
from harness.history.commits import Commits
from harness.history.naming import of_case
from harness.history.sources import Launch, in_asv, stored
from harness.judge.history.history import changes_between, judge_history
from harness.judge.history.series import QUANTITIES, History, Point
from harness.judge.verdict import Verdict
from harness.paths import results_folder
from harness.records.record import Record
from harness.report.figures.files import picture
from harness.report.figures.history import history_picture
from harness.report.tables.history import history_object
from harness.solvers.status import Status
from harness.store.store import Store
from tests.conftest import RunCli
from tests.history_site import HERE, Planted, commit, git, make_commits, record

TIMES = np.random.default_rng(0).normal(0.0, 0.01, 40)
NEWER = HERE.model_copy(update={"versions": {"numpy": "2.4.6", "ls-harness": "0.1.0"}})
CASE = ("four_points", "numpy_lstsq")


@pytest.fixture
def planted(store_path: Path) -> Planted:
    return Planted(Store(str(store_path)))


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A repository of thirty commits, to be copied, and their hashes."""
    folder = tmp_path_factory.mktemp("checkout")
    return folder, make_commits(folder, 30)


@pytest.fixture
def commits(checkout: tuple[Path, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Thirty commits of the checkout in the working folder, oldest first."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(checkout[0] / ".git", tmp_path / ".git")
    return checkout[1]


def call_s(i: int, factor: float = 1.0) -> float:
    return 1e-3 * factor * math.exp(TIMES[i])


def points(values: Sequence[float | None]) -> list[Point]:
    return [
        Point(f"{i:040x}", i, 60.0 * i, HERE, () if value is None else (value,), "" if value is not None else "gone")
        for i, value in enumerate(values)
    ]


def judged(values: Sequence[float | None], quantity: str, effect: float | None = None) -> History:
    return judge_history("case", QUANTITIES[quantity], points(values), lambda *_: 0, effect=effect)


def steps(values: Sequence[float | None], quantity: str, effect: float | None = None) -> list[tuple[int, str]]:
    return [(step.new.place, step.verdict.value) for step in judged(values, quantity, effect).series[0].steps]


# The judgement.


def test_digits_are_not_noisy_and_one_commit_is_enough() -> None:
    assert steps([13.0, 13.0, 12.8, 12.4, 12.4], "digits") == [(3, "regression")]
    assert steps([13.0, 7.0], "digits") == [(1, "regression")]
    assert steps([13.0, 7.0, 13.0], "digits") == [(1, "regression"), (2, "improvement")]


def test_a_slow_loss_of_digits_is_seen_when_it_is_half_a_digit() -> None:
    assert steps([13.0, 12.8, 12.6, 12.4, 12.2], "digits") == [(3, "regression")]


def test_excess_loss_is_judged_in_decades_above_rounding() -> None:
    assert steps([1e-29, 1e-22, 1e-12], "excess_loss") == []
    assert steps([1e-12, 1e-8, 5e-8], "excess_loss") == [(1, "regression")]
    assert steps([0.0, 1e-3, 0.0], "excess_loss") == [(1, "regression"), (2, "improvement")]


def test_epochs_are_judged_by_a_tenth() -> None:
    assert steps([100, 105, 111, 90], "epochs_to") == [(2, "regression"), (3, "improvement")]


@pytest.mark.parametrize("quantity", list(QUANTITIES))
def test_a_number_that_is_lost_is_a_regression_and_its_return_an_improvement(quantity: str) -> None:
    assert steps([1.0, None, None, 1.0], quantity) == [(1, "regression"), (3, "improvement")]
    (lost, back) = judged([1.0, None, None, 1.0], quantity).series[0].steps
    assert (lost.change, lost.new.why, back.change) == (None, "gone", None)


@pytest.mark.parametrize("factor", [1.1, 1 / 1.1])
def test_time_is_judged_by_change_points_in_per_cent(factor: float) -> None:
    values = [call_s(i, 1.0 if i < 20 else factor) for i in range(35)]
    (step,) = judged(values, "time").series[0].steps
    assert step.new.place == 20
    assert step.verdict is (Verdict.REGRESSION if factor > 1 else Verdict.IMPROVEMENT)
    assert step.change is not None
    assert step.low is not None
    assert step.high is not None
    assert step.change == pytest.approx(100 * (factor - 1), abs=1.5)
    assert step.low < step.change < step.high


def test_a_step_is_found_across_commits_without_a_number() -> None:
    values: list[float | None] = [call_s(i, 1.0 if i < 20 else 1.2) for i in range(35)]
    values[20] = None
    assert steps(values, "time") == [(20, "regression"), (21, "regression"), (21, "improvement")]


def test_the_effect_can_be_named_and_is_checked() -> None:
    values = [call_s(i, 1.0 if i < 20 else 1.1) for i in range(35)]
    assert steps(values, "time", 0.2) == []
    assert steps([13.0, 12.4], "digits", 1.0) == []
    for bad in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(UsageError, match="--effect"):
            judged(values, "time", bad)


levels = st.lists(st.one_of(st.none(), st.floats(1e-6, 1e6)), min_size=2, max_size=12)


@given(values=levels, quantity=st.sampled_from(["digits", "excess_loss", "epochs_to"]))
@settings(deadline=None)
def test_exact_steps_are_where_the_value_leaves_its_level(values: list[float | None], quantity: str) -> None:
    judgement = judged(values, quantity)
    kind, found = QUANTITIES[quantity], judgement.series[0].steps
    assert all(abs(step.change) >= abs(kind.in_units(-kind.effect)) - 1e-9 for step in found if step.change is not None)
    if not found:
        numbers = [kind.scaled(value) for value in values if value is not None]
        assert all(abs(value - numbers[0]) < kind.effect for value in numbers)
    lost = [step for step in found if step.change is None]
    assert len(lost) == sum((a is None) != (b is None) for a, b in pairwise(values))


@given(values=levels)
@settings(deadline=None)
def test_worse_one_way_is_better_the_other(values: list[float | None]) -> None:
    kind = QUANTITIES["digits"]
    turned = replace(kind, lower_is_better=True)
    one, other = (judge_history("c", q, points(values), lambda *_: 0).series[0].steps for q in (kind, turned))
    assert [s.verdict for s in one if s.change is not None] != [s.verdict for s in other if s.change is not None] or (
        not any(s.change is not None for s in one)
    )


def test_environments_are_judged_apart_and_the_upgrade_is_no_commit_s_doing() -> None:
    old = points([call_s(i) for i in range(10)])
    new = [replace(p, place=p.place + 8, environment=NEWER, values=(1.3 * p.values[0],)) for p in old]
    history = judge_history("case", QUANTITIES["time"], [*old, *new], lambda *_: 0)
    assert [len(series.steps) for series in history.series] == [0, 0]
    (change,) = history.changes
    assert change.differs == ("numpy 2.3.1 → 2.4.6",)
    assert change.verdict is Verdict.REGRESSION
    assert change.change == pytest.approx(30, abs=2)


def test_on_commits_that_both_environments_measured_the_shift_is_the_environment_s() -> None:
    old = points([1.0, 1.0, 2.0, 2.0])
    new = [replace(p, environment=NEWER) for p in old[1:3]]
    (change,) = judge_history("case", QUANTITIES["digits"], [*old, *new], lambda *_: 0).changes
    assert (change.commits, change.change, change.verdict) == (2, 0.0, Verdict.UNCHANGED)


def test_the_commit_and_our_own_version_do_not_split_environments() -> None:
    assert changes_between(HERE, HERE.model_copy(update={"commit": "a" * 40, "system": "Linux 2"})) == ()
    ours = HERE.model_copy(update={"versions": {**HERE.versions, "ls-harness": "0.2.0"}})
    assert changes_between(HERE, ours) == ()


# The store and the checkout.


def fill(planted: Planted, commits: Sequence[str], at: int, factor: float = 1.2) -> None:
    """The newest first: what counts is git's order, not the order of measuring."""
    for i in reversed(range(len(commits))):
        planted.launch(commits[i], call_s(i, 1.0 if i < at else factor))


@pytest.mark.slow
def test_the_commit_that_did_it(planted: Planted, commits: list[str], run_cli: RunCli, store_path: Path) -> None:
    fill(planted, commits, 18)
    ended = run_cli("history", *CASE, "--store", store_path)
    assert ended.code == 0
    assert f"{commits[17][:8]}..{commits[18][:8]}: {commits[18][:8]} did it" in ended.stdout
    assert "1 change point" in ended.stdout
    assert " 3 %" in ended.stdout
    shown = json.loads(run_cli("history", *CASE, "--store", store_path, "--json").stdout)
    (series,) = shown["series"]
    assert [point["commit"] for point in series["points"]] == commits
    (found,) = series["change_points"]
    assert (found["last_old"], found["first_new"], found["untested"]) == (commits[17], commits[18], 0)
    assert found["low"] < found["change"] < found["high"]


@pytest.mark.slow
def test_untested_commits_between_are_counted(planted: Planted, commits: list[str], tmp_path: Path) -> None:
    tested = commits[::3]
    for i, name in enumerate(tested):
        planted.launch(name, 1e-3, accuracy=replace(record().accuracy, digits=13.0 if i < 5 else 7.0))
    history = history_of(stored(planted.store), " ".join(CASE), quantity="digits")
    (step,) = history.series[0].steps
    assert (step.old.commit, step.new.commit, step.untested) == (tested[4], tested[5], 2)


@pytest.mark.slow
def test_launches_of_one_commit_are_replications(planted: Planted, commits: list[str]) -> None:
    for name in commits[:2]:
        for wall_s in (1e-3, 9e-3, 2e-3):
            planted.launch(name, wall_s)
    history = history_of(stored(planted.store), " ".join(CASE))
    assert [point.values for point in history.series[0].points] == [(1e-3, 9e-3, 2e-3)] * 2
    assert [point.value for point in history.series[0].points] == [2e-3] * 2


@pytest.mark.slow
def test_an_edit_of_a_solver_that_somebody_brought_is_seen_within_a_commit(
    planted: Planted, commits: list[str], run_cli: RunCli, store_path: Path
) -> None:
    for source, digits in (("a" * 64, 12.0), ("a" * 64, 12.0), ("b" * 64, 9.0)):
        accuracy = replace(record().accuracy, digits=digits)
        planted.launch(commits[0], 1e-3, source_sha256=source, accuracy=accuracy)
    (series,) = history_of(stored(planted.store), " ".join(CASE), quantity="digits").series
    assert [(point.source[:1], point.values) for point in series.points] == [("a", (12.0, 12.0)), ("b", (9.0,))]
    (step,) = series.steps
    assert (step.verdict, step.change) == (Verdict.REGRESSION, -3.0)
    assert [level for _, _, level in series.levels] == [12.0, 9.0]
    shown = run_cli("history", *CASE, "--quantity", "digits", "--store", store_path)
    assert shown.stdout.count("source aaaaaaaa → bbbbbbbb") == 1


@pytest.mark.slow
def test_the_newest_launch_decides_whether_there_is_a_number(planted: Planted, commits: list[str]) -> None:
    planted.launch(commits[0], 1e-3)
    planted.launch(commits[1], 1e-3)
    planted.launch(commits[1], None, status=Status.ERROR, message="it fell over")
    (step,) = history_of(stored(planted.store), " ".join(CASE)).series[0].steps
    assert step.verdict is Verdict.REGRESSION
    assert "it fell over" in step.new.why


@pytest.mark.slow
def test_the_time_of_a_wrong_answer_is_none_and_its_digits_are(planted: Planted, commits: list[str]) -> None:
    planted.launch(commits[0], 1e-3)
    wrong = replace(record().accuracy, digits=0.0)
    planted.launch(commits[1], 1e-6, status=Status.WRONG, message="far off", accuracy=wrong)
    launches = list(stored(planted.store))
    (lost,) = history_of(launches, " ".join(CASE)).series[0].steps
    assert (lost.change, lost.new.value) == (None, None)
    (worse,) = history_of(launches, " ".join(CASE), quantity="digits").series[0].steps
    assert worse.verdict is Verdict.REGRESSION
    assert worse.change is not None


@pytest.mark.slow
@pytest.mark.parametrize("digits", [math.nan, None])
def test_digits_that_are_no_number_are_a_regression(planted: Planted, commits: list[str], digits: float | None) -> None:
    planted.launch(commits[0], 1e-3)
    planted.launch(commits[1], 1e-3, accuracy=replace(record().accuracy, digits=digits))
    (step,) = history_of(stored(planted.store), " ".join(CASE), quantity="digits").series[0].steps
    assert (step.verdict, step.new.why) == (Verdict.REGRESSION, "no correct digits")


def test_uncommitted_changes_and_cut_off_runs_are_left_out(planted: Planted, commits: list[str]) -> None:
    planted.launch(commits[0], 1e-3)
    planted.launch(commits[1], 1e-3)
    planted.launch(commits[1], 5e-3, dirty=True)
    planted.launch(None, 5e-3)
    planted.launch(commits[1], None, finished=False)
    history = history_of(stored(planted.store), " ".join(CASE))
    assert [point.values for point in history.series[0].points] == [(1e-3,)] * 2
    assert any("3 of 5 launches left out" in note for note in history.notes)


def test_commits_that_git_does_not_know_are_ordered_by_date(planted: Planted, commits: list[str]) -> None:
    strange = ["f" * 40, "0" * 40]
    for name in strange:
        planted.launch(name, 1e-3, accuracy=replace(record().accuracy, digits=13.0 if name[0] == "f" else 7.0))
    history = history_of(stored(planted.store), " ".join(CASE), quantity="digits")
    assert [point.commit for point in history.series[0].points] == strange
    assert "ordered by date: git has not heard of 2 of 2 commits here" in history.notes
    assert history.series[0].steps[0].untested is None


def test_what_looks_like_an_option_is_not_handed_to_git(tmp_path: Path, commits: list[str]) -> None:
    trick = f"--output={tmp_path / 'made'}"
    known = Commits([trick, "HEAD", commits[0], commits[2]])
    assert not known.knows(trick)
    assert not known.knows("HEAD")
    assert known.untested(commits[0], commits[2]) == 1
    assert known.untested(commits[0], trick) is None
    assert not (tmp_path / "made").exists()


def test_a_branch_is_ordered_as_git_orders_it(tmp_path: Path, commits: list[str]) -> None:
    git(tmp_path, "checkout", "--quiet", "-b", "side", commits[3])
    side = commit(tmp_path, 40)
    known = Commits([side, commits[3], commits[29]])
    assert known.place(commits[3]) < min(known.place(side), known.place(commits[29]))
    assert known.date_s(side) > known.date_s(commits[29])
    assert known.untested(commits[29], side) == 0


@pytest.mark.slow
def test_since_a_date_or_a_commit(planted: Planted, commits: list[str], run_cli: RunCli, store_path: Path) -> None:
    fill(planted, commits[::2], 5)

    def first(since: str) -> str:
        ended = run_cli("history", *CASE, "--store", store_path, "--json", "--since", since)
        assert ended.code == 0, ended.stderr
        found = json.loads(ended.stdout)["series"][0]["points"][0]["commit"]
        assert isinstance(found, str)
        return found

    assert first(commits[10]) == commits[10]
    assert first(commits[11]) == commits[12]
    assert first("main~9") == commits[20]
    assert first("2026-03-01T16:00:00") == commits[4]
    for bad, said in (("tomorrow", "unknown commit"), ("f" * 40, "give a date")):
        ended = run_cli("history", *CASE, "--store", store_path, "--since", bad)
        assert ended.code == 2
        assert said in ended.stderr
    assert run_cli("history", *CASE, "--store", store_path, "--since", "2030-01-01").code == 3


@pytest.mark.slow
def test_names_of_cases(planted: Planted, commits: list[str], run_cli: RunCli, store_path: Path) -> None:
    drawn = record("synthetic:n=50")
    trained = [{"case": f"four_points torch_sgd cpu lr={lr}", "solver": "torch_sgd"} for lr in (1, 2)]
    for name in commits[:2]:
        planted.launch(name, 1e-3, records=[record(), drawn, *(record().model_copy(update=one) for one in trained)])
    launches = list(stored(planted.store))
    for asked in (record().case, "four_points numpy_lstsq", "four_points numpy_lstsq threads=1"):
        assert of_case(launches, asked)[0] == record().case
    for asked in ("synthetic numpy_lstsq", "synthetic:n=50 numpy_lstsq"):
        assert of_case(launches, asked)[0] == drawn.case
    assert of_case(launches, "four_points torch_sgd lr=2")[0].endswith("lr=2")
    for words, said in (
        (("four_points", "numpy_lstsk"), "did you mean 'four_points numpy_lstsq'?"),
        (("four_points",), "unknown case 'four_points'"),
        (("four_points", "torch_sgd"), "names 2 cases"),
        ((), "say which case"),
        ((*CASE, "--quantity", "tme"), "did you mean 'time'?"),
        ((*CASE, "--plot", "x.gif"), "a picture's suffix is .png, .svg or .pdf"),
        ((*CASE, "--machine", "here"), "--machine goes with --asv"),
        ((*CASE, "--asv"), "give one of them"),
    ):
        ended = run_cli("history", *words, "--store", store_path)
        assert (ended.code, ended.stdout) == (2, "")
        assert said in ended.stderr
        assert ended.stderr.count("\n") == 1


def test_no_history_is_exit_3_and_one_line(
    planted: Planted, commits: list[str], run_cli: RunCli, store_path: Path, tmp_path: Path
) -> None:
    for store, said in ((tmp_path / "none.sqlite", "no store there yet"), (store_path, "nothing has been measured")):
        ended = run_cli("history", *CASE, "--store", store)
        assert (ended.code, ended.stderr.count("\n")) == (3, 1)
        assert said in ended.stderr
    planted.launch(commits[0], 1e-3, dirty=True)
    assert "of uncommitted changes" in run_cli("history", *CASE, "--store", store_path, "--by", "commit").stderr
    said = run_cli("history", *CASE, "--store", store_path).stderr
    assert "one run" in said
    assert "2026-03-01 12:01" in said
    planted.launch(commits[3], 1e-3)
    planted.launch(commits[3], 1e-3)
    ended = run_cli("history", *CASE, "--store", store_path, "--by", "commit")
    assert ended.code == 3
    assert f"one commit only, {commits[3][:8]}" in ended.stderr


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_the_same_history_is_the_same_picture(
    planted: Planted, commits: list[str], run_cli: RunCli, store_path: Path, tmp_path: Path, suffix: str
) -> None:
    fill(planted, commits, 18)
    drawn = [tmp_path / f"{i}{suffix}" for i in range(2)]
    for path in drawn:
        ended = run_cli("history", *CASE, "--store", store_path, "--plot", path)
        assert (ended.code, ended.stderr) == (0, f"{path}: written\n")
    assert drawn[0].read_bytes() == drawn[1].read_bytes() != b""


@pytest.mark.slow
def test_the_picture_names_the_commit_of_each_step(planted: Planted, commits: list[str]) -> None:
    fill(planted, commits, 18)
    planted.launch(commits[25], None, status=Status.ERROR, message="gone")
    drawn = history_picture(history_of(stored(planted.store), " ".join(CASE)))
    root = fromstring(picture([drawn], ".svg"))  # noqa: S314  # our own
    texts = [one.text or "" for name in ("text", "tspan") for one in root.iter(f"{{http://www.w3.org/2000/svg}}{name}")]
    assert any(text.startswith(f"{commits[18][:8]} +") for text in texts)
    assert f"{commits[25][:8]} no number" in texts
    assert {"commit", "no number", "slower or worse"} <= set(texts)


# Over dates: without git, in the order of the store.


def test_without_git_a_history_is_by_date_and_says_what_changed(
    planted: Planted, run_cli: RunCli, store_path: Path, tmp_path: Path
) -> None:
    fine, short = (replace(record().accuracy, digits=digits) for digits in (13.0, 7.0))
    planted.launch(None, 1e-3, accuracy=fine)
    planted.launch("a" * 40, 1e-3, accuracy=fine, dirty=True)
    planted.launch("b" * 40, 1e-3, accuracy=short, dirty=True)
    planted.launch("b" * 40, 1e-3, accuracy=fine, environment=NEWER)
    planted.launches = 0  # a clock that was set back: the store has an order of its own
    planted.launch("b" * 40, 1e-3, accuracy=fine, environment=NEWER)
    history = history_of(stored(planted.store), " ".join(CASE), quantity="digits")
    assert history.by == "date"
    assert [[point.name[-5:] for point in series.points] for series in history.series] == [
        ["12:01", "12:02", "12:03"],
        ["12:04", "12:01"],
    ]
    (step,) = history.series[0].steps
    assert (step.verdict, step.old.commit[:1], step.new.commit[:1]) == (Verdict.REGRESSION, "a", "b")
    (change,) = history.changes
    assert (change.differs, change.verdict, change.same_commit) == (
        ("numpy 2.3.1 → 2.4.6",),
        Verdict.IMPROVEMENT,
        True,
    )
    assert history.notes == ("the clock was set back 1 time: the order is that of the store",)
    shown = " ".join(run_cli("history", *CASE, "--quantity", "digits", "--store", store_path).stdout.split())
    for words in (
        "correct digits by date",
        "commit aaaaaaaa → bbbbbbbb",
        "numpy 2.3.1 → 2.4.6",
        "5 runs, 1 change point",
        "the commit is the same",
    ):
        assert words in shown, shown


@pytest.mark.slow
def test_a_picture_by_date_marks_the_versions(planted: Planted) -> None:
    for environment in (HERE, HERE, NEWER, NEWER):
        planted.launch(None, 1e-3, environment=environment)
    drawn = history_picture(history_of(stored(planted.store), " ".join(CASE)))
    texts = "".join(fromstring(picture([drawn], ".svg")).itertext())  # noqa: S314  # our own
    assert "numpy 2.3.1 → 2.4.6" in texts
    assert "2026-03-01 12:03" in texts


def test_two_machines_of_one_kind_are_two_series(planted: Planted) -> None:
    for machine, digits in (("a", 13.0), ("b", 9.0), ("a", 13.0), ("b", 9.0)):
        accuracy = replace(record().accuracy, digits=digits)
        planted.machine = machine
        planted.launch("a" * 40, 1e-3, accuracy=accuracy)
    history = history_of(stored(planted.store), " ".join(CASE), quantity="digits")
    assert [(series.machine, len(series.points), series.steps) for series in history.series] == [
        ("a", 2, ()),
        ("b", 2, ()),
    ]
    assert history.changes == ()


def test_a_file_that_git_was_not_told_of_is_no_change_of_the_commit(commits: list[str], tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("lying about")
    assert head_of(tmp_path) == (commits[-1], False)
    git(tmp_path, "add", "notes.txt")
    assert head_of(tmp_path) == (commits[-1], True)


# asv's results.


def test_the_committed_results_are_of_many_commits_and_a_case_that_few_measured_is_compared_with_none(
    run_cli: RunCli,
) -> None:
    ended = run_cli("history", "--asv", "--results", results_folder() / "asv", "everyday", "numpy_lstsq", "--json")
    (series,) = json.loads(ended.stdout)["series"]
    files = list((results_folder() / "asv" / "reference").glob("*-*.json"))
    assert ended.code == 3
    assert len(series["points"]) == len(files) > 12
    assert series["change_points"] == []


@pytest.mark.slow
def test_versions_of_a_library_are_environments_not_commits(run_cli: RunCli) -> None:
    words = ("--asv", "--results", results_folder() / "versions", "everyday", "sklearn", "--quantity", "digits")
    shown = json.loads(run_cli("history", *words, "--json").stdout)
    assert [series["change_points"] for series in shown["series"]] == [[]] * 4
    assert [change["differs"] for change in shown["environment_changes"]] == [
        ["scikit-learn 1.5.2 → 1.7.2"],
        ["scikit-learn 1.7.2 → 1.8.0"],
        ["scikit-learn 1.8.0 → 1.9.1"],
    ]
    assert [change["verdict"] for change in shown["environment_changes"]] == ["unchanged", "unchanged", "regression"]
    text = " ".join(run_cli("history", *words).stdout.split())
    assert "on 1 commit in both: not a commit's doing" in text


def later(launches: Sequence[Launch], name: str, change: Record) -> list[Launch]:
    """The launches again, of another commit, with another record."""
    return [
        replace(
            one,
            run=one.run.model_copy(
                update={
                    "environment": one.run.environment.model_copy(update={"commit": name}),
                    "started_at": "2027-01-01",
                }
            ),
            record=change,
        )
        for one in launches
    ]


def test_asv_s_results_over_commits() -> None:
    launches = list(in_asv(results_folder() / "asv", None))
    _, own = of_case(launches, "everyday numpy_lstsq")
    newest = max(own, key=lambda launch: launch.run.started_at).run.environment.commit or ""
    worse = own[0].record.model_copy(update={"accuracy": replace(own[0].record.accuracy, digits=3.0)})
    history = history_of([*own, *later(own, "f" * 40, worse)], own[0].record.case, quantity="digits")
    (step,) = history.series[0].steps
    assert (step.old.commit[:8], step.new.commit, step.verdict) == (newest[:8], "f" * 40, Verdict.REGRESSION)
    assert history_object(history)["series"][0]["change_points"][0]["verdict"] == "regression"


def test_a_folder_without_results_is_exit_3(run_cli: RunCli, tmp_path: Path) -> None:
    (tmp_path / "asv").mkdir()
    ended = run_cli("history", "--asv", "--results", "asv", *CASE)
    assert (ended.code, ended.stderr.count("\n")) == (3, 1)
    with pytest.raises(CannotMeasureError):
        list(in_asv(tmp_path / "asv", None))
