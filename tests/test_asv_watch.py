"""A whole store of asv's watched: tables of series, steps with so many searched, and what is said of them."""

import json
import math
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from numpy.typing import NDArray

from docs.hooks import own_history
from harness.asv.selection import AsvSelection
from harness.asv.watch import watched
from harness.judge.history.change_points import segments
from harness.judge.history.scan import WINDOW, critical, scan
from harness.judge.history.watch import watch
from harness.paths import results_folder
from harness.records.asv_history import table_of_store
from harness.records.asv_results import every_commit
from harness.report.figures.figure import Figure
from harness.report.html import history
from harness.report.html.decision.watch import watch as decision
from harness.report.html.section import Table
from harness.report.html.watch import Watched
from tests.asv_store import store
from tests.conftest import RunCli
from tests.page_site import evidence, svg
from tests.test_asv_results import body, write
from tests.test_json_keys import check, printed
from tools.change_points.rivals import RIVALS

Floats = NDArray[np.float64]
EFFECT = math.log1p(0.03)


def quiet(rows: int, commits: int, seed: int = 0, sd: float = 0.02) -> Floats:
    """(rows, commits) times without a step, some of them outliers."""
    rng = np.random.default_rng(seed)
    values = np.exp(rng.normal(0, sd, (rows, commits)))
    values[rng.uniform(size=values.shape) < 0.02] *= 1.5
    return np.asarray(values)


def test_a_store_is_a_table_with_a_row_a_series_and_a_column_a_commit(tmp_path: Path) -> None:
    folder = store(tmp_path / "asv", {"a.time_x": np.array([[1.0, 2.0], [1.1, math.nan]]), "a.time_y": np.ones(2)})
    later = body("ff" * 20, date=1_800_000_000_000)
    later["results"] = {"a.time_x": [[5.0, 6.0], [["'1'", "'2'"]], "1"], "a.time_y": [[7.0], [], "2"]}
    write(folder, "here", later)
    table = table_of_store(every_commit(folder, None, []))
    found = {(one.name, one.version, one.texts): table.values[row] for row, one in enumerate(table.series)}
    nan = math.nan
    expected = {
        ("a.time_x", "1", ("'0'",)): [1.0, 1.1, nan],
        ("a.time_x", "1", ("'1'",)): [2.0, nan, 5.0],
        ("a.time_x", "1", ("'2'",)): [nan, nan, 6.0],
        ("a.time_y", "1", ()): [1.0, 1.0, nan],
        ("a.time_y", "2", ()): [nan, nan, 7.0],
    }
    assert found.keys() == expected.keys()
    for key, row in expected.items():
        np.testing.assert_array_equal(found[key], row)
    assert table.commits[-1] == "ff" * 20


@pytest.mark.parametrize("m", [4, 9, 40])
def test_the_critical_penalty_is_that_of_the_cut(m: int) -> None:
    """With a little less of a penalty the cheapest cut has a step, with a little more it has none."""
    values = np.log(quiet(6, m, seed=m, sd=0.5))
    for series, penalty in zip(values, critical(values), strict=True):
        assert segments(series, penalty * 1.001) == []
        if penalty > 0:
            assert segments(series, penalty * 0.999) != []


@pytest.mark.slow
def test_steps_are_found_and_where_none_is_none() -> None:
    values = quiet(300, 40)
    values[:30, 25:] *= 1.15
    values[30:40, 10:20] *= 0.7
    values[:, 7] = math.nan
    found = scan(values, EFFECT)
    assert (found.rows, found.tested) == (300, 300)
    rows = {step.row for step in found.steps}
    assert len(rows & set(range(40))) >= 38
    assert len(rows - set(range(40))) <= 3
    up = next(step for step in found.steps if step.row == 0)
    assert abs(up.new - 25) <= 1
    assert up.after / up.before == pytest.approx(1.15, abs=0.03)
    down = [step for step in found.steps if step.row == 35]
    assert [step.change < 0 for step in down] == [True, False]
    rng = np.random.default_rng(1)
    shuffled = scan(rng.permuted(quiet(300, 40), axis=1), EFFECT)
    assert shuffled.stepped <= 3


@pytest.mark.slow
def test_series_that_say_nothing_are_not_tested_and_steps_below_the_effect_not_told() -> None:
    values = quiet(60, 30, sd=0.001)
    values[:20] = 3.0
    values[20:23, 3:] = math.nan
    values[30:, 15:] *= 1.02
    assert scan(values, EFFECT).tested == 37
    assert scan(values, EFFECT).steps == ()
    assert scan(values, math.log1p(0.01)).stepped >= 25


@pytest.mark.slow
def test_a_long_series_is_looked_at_in_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.judge.history.scan.FEWEST_NULL", 300)
    values = quiet(30, 3 * WINDOW + 17)
    for row in range(20):
        values[row, 20 * row + 5 :] *= 1.2
    found = scan(values, EFFECT)
    places = {step.row: step.new for step in found.steps}
    assert sum(abs(places.get(row, 0) - (20 * row + 5)) <= 2 for row in range(20)) >= 18
    assert max(sum(step.row == row for step in found.steps) for row in range(30)) <= 2


@pytest.mark.slow
def test_values_that_are_not_positive_have_steps_too() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(0, 1, (50, 40))
    values[:10, 20:] += 5
    found = scan(values, EFFECT)
    assert {step.row for step in found.steps if step.change > 3} >= set(range(9))
    assert not any(step.relative for step in found.steps)


def watched_store(folder: Path) -> Path:
    """Twelve times, of which eight get slower at one commit and one faster; scores, one falls; what nobody knows."""
    times = quiet(12, 40).T
    times[24:, :8] *= 1.5
    times[24:, 9] /= 1.5
    scores = np.full((40, 2), 0.9)
    scores[30:, 0] = 0.7
    unknown = np.full((40, 1), 5.0)
    unknown[10:] = 6.0
    return store(folder, {"a.time_x": times, "a.track_score": scores, "a.track_what": unknown})


@pytest.mark.slow
def test_a_store_s_steps_are_told_by_commit_the_worst_first(
    tmp_path: Path, run_cli: RunCli, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = watched_store(tmp_path / "asv")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "asv.conf.json").write_text(
        '{\n    // "show_commit_url": "http://no/",\n    "show_commit_url": "https://x.org/c/",\n}'
    )
    words = ("history", "--asv", "--all", "--results", folder)
    ended = run_cli(*words, "--json", "--atom", "feed.xml")
    assert ended.code == 0, ended.stderr
    check("history --asv --all", printed(ended.stdout))
    found = json.loads(ended.stdout)
    assert (found["commits"], found["series"], found["searched"]) == (40, 15, 14)
    first = found["groups"][0]
    assert (first["commit"][:8], first["old"][:8]) == (f"{24:08x}", f"{23:08x}")
    assert (first["worse"], first["better"], first["searched"]) == (8, 1, 15)
    assert first["change"].startswith("8 slower by 1.4")
    assert first["machine_wide"]
    assert first["url"] == "https://x.org/c/" + first["commit"]
    by_commit = {one["commit"][:8]: one for one in found["groups"]}
    assert by_commit[f"{30:08x}"]["worse"] == 1
    assert by_commit[f"{10:08x}"]["unknown"] == 1
    atom = "{http://www.w3.org/2005/Atom}"
    feed = ET.fromstring((tmp_path / "feed.xml").read_text())  # noqa: S314  # made here
    entries = feed.findall(f"{atom}entry")
    assert len(entries) == len(found["groups"])
    dates = [entry.findtext(f"{atom}updated") or "" for entry in entries]
    assert dates == sorted(dates, reverse=True)
    assert {link.get("href") for link in feed.iter(f"{atom}link")} == {one["url"] for one in found["groups"]}
    assert all(entry.findtext(f"{atom}id") and entry.findtext(f"{atom}title") for entry in entries)
    shown = run_cli(*words)
    said = " ".join(shown.stdout.split())
    assert all(one in said for one in ("40 commits", "15 series", "14 searched"))
    assert "or its environment" in said
    narrowed = json.loads(run_cli(*words, "--bench", "track", "--json").stdout)
    assert narrowed["series"] == 3


@pytest.mark.slow
def test_the_page_has_the_commits_a_figure_of_each_and_every_step(tmp_path: Path) -> None:
    """Without a history of a case; a link a commit; the figures are drawn."""
    table = table_of_store(every_commit(watched_store(tmp_path / "asv"), None, []))
    found = Watched(watch(table, ()), "https://x.org/c/")
    section = history.section(evidence([], histories=(), watched=found))
    assert section.conclusion == "40 commits, 15 series: 14 searched, 11 with a step, at 3 commits."
    tables = {part.name: part for part in section.parts if isinstance(part, Table)}
    (first, *_) = tables["watch-commits"].rows
    assert (first["commit"], first["old"], first["worse"]) == (f"{24:08x}", f"{23:08x}", 8)
    assert first["link"] == f"https://x.org/c/{24:08x}" + "0" * 32
    assert len(tables["watch-steps"].rows) == len(found.watch.scan.steps)
    figures = [part for part in section.parts if isinstance(part, Figure)]
    assert [one.name for one in figures] == [f"watch-{i + 1}" for i in range(len(found.watch.groups))]
    for one in figures:
        assert "times the level before" in svg(one)
    unlinked = history.section(evidence([], histories=(), watched=Watched(found.watch)))
    columns = next(part.columns for part in unlinked.parts if isinstance(part, Table) and part.name == "watch-commits")
    assert "link" not in {column.key for column in columns}


def test_a_store_of_too_few_commits_is_not_searched(tmp_path: Path, run_cli: RunCli) -> None:
    folder = store(tmp_path / "asv", {"a.time_x": np.ones(3)})
    ended = run_cli("history", "--asv", "--all", "--results", folder)
    assert ended.code == 3
    assert "nothing is searched" in ended.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--all",), "not with no --asv"),
        (("--asv", "--all", "everyday", "sklearn"), "not with CASE"),
        (("--asv", "--all", "--since", "2020-01-01"), "not with --since"),
        (("--asv", "--all", "--quantity", "digits"), "not with --quantity"),
        (("--asv", "everyday", "sklearn", "--atom", "x.xml"), "--atom goes with --all"),
        (("--asv", "everyday", "sklearn", "--bench", "x"), "--bench goes with --all"),
        (("--asv", "--all", "--commit-url", "javascript:alert(1)"), "begins with https://"),
        (("--asv", "--all", "--effect", "0"), "--effect is above 0"),
        (("--asv", "--all", "--machine", "nobody"), "unknown machine 'nobody'"),
    ],
)
def test_requests_that_do_not_go_together_are_one_line(
    tmp_path: Path, run_cli: RunCli, words: tuple[str, ...], said: str
) -> None:
    folder = store(tmp_path / "asv", {"a.time_x": np.ones(3)})
    ended = run_cli("history", *words, *(("--results", folder) if "--asv" in words else ()))
    assert ended.code == 2
    assert said in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_another_s_unreadable_file_is_said_and_the_rest_is_searched(tmp_path: Path, run_cli: RunCli) -> None:
    folder = store(tmp_path / "asv", {"a.time_x": np.ones(6)})
    (folder / "here" / f"{9:08x}-virtualenv.json").write_text("{")
    ended = run_cli("history", "--asv", "--all", "--results", folder, "--json")
    assert [f"{9:08x}" in note for note in json.loads(ended.stdout)["notes"]] == [True]


def test_a_benchmark_that_cannot_be_read_is_named_and_its_lines_are_few(tmp_path: Path, run_cli: RunCli) -> None:
    folder = store(tmp_path / "asv", {"a.time_x": np.ones(9)})
    for path in (folder / "here").glob("0*.json"):
        content = json.loads(path.read_text())
        content["results"]["a.track_text"] = [["words"], [], "1"]
        path.write_text(json.dumps(content))
    words = ("history", "--asv", "--all", "--results", folder)
    notes = json.loads(run_cli(*words, "--json").stdout)["notes"]
    assert ["a.track_text: 'words' is no number" in note for note in notes] == [True] * 9
    shown = run_cli(*words).stdout
    assert (shown.count("not read"), "and 4 more: --json has all" in shown) == (6, True)


@pytest.mark.slow
def test_a_page_of_asv_s_results_alone_needs_no_store(tmp_path: Path, run_cli: RunCli) -> None:
    """Of a project of which the harness has run nothing: what it begins with, and no section of what was not run."""
    folder = watched_store(tmp_path / "asv")
    ended = run_cli("report", "--asv", folder, "-o", "page.html", "--quick")
    assert ended.code == 0, ended.stderr
    page = (tmp_path / "page.html").read_text()
    assert "At which commits did the benchmarks change?" in page
    assert f"Most at {24:08x}" in page
    assert "nothing was run for this page" in page
    assert "What is not on this page" not in page
    for words, said in (
        (("--store", "none.sqlite"), "no store there yet"),
        (("--run", "x"), "no store there yet"),
        (("--watch",), "--watch and --serve are of a store"),
    ):
        refused = run_cli("report", "--asv", folder, "-o", "page.html", *words)
        assert said in refused.stderr
        assert (refused.code in {2, 3}, refused.stderr.count("\n")) == (True, 1)


@pytest.mark.parametrize(
    ("rows", "said", "tone"),
    [
        (np.ones((3, 1)), "Nothing was searched", "doubt"),
        (quiet(2, 20).T, "At none of 20 commits: no series has a step", "good"),
    ],
)
def test_what_the_page_of_asv_s_results_begins_with_where_nothing_changed(
    tmp_path: Path, rows: Floats, said: str, tone: str
) -> None:
    found = watch(table_of_store(every_commit(store(tmp_path / "asv", {"a.time_x": rows}), None, [])), ())
    section = decision(found).section()
    assert section.conclusion.startswith(said)
    assert section.tone == tone


def test_the_published_table_of_a_store_is_what_was_measured() -> None:
    """The scan with its reading takes no longer than asv's detector, has no false step, and finds more than rivals."""
    published = json.loads((results_folder() / "change_points" / "store_scipy.json").read_text())
    whole = published["store"]
    assert whole["read_cpu_s"] + whole["scan_cpu_s"] <= whole["asv_detector_cpu_s"]
    assert whole["with_a_step_shuffled"]["scan"] <= 0.01 * whole["searched"]
    table = (results_folder() / "change_points" / "README.md").read_text()
    for of in ("with_a_step", "with_a_step_shuffled"):
        assert f"{whole[of]['asv']:,}" in table
    for found in published["planted"].values():
        assert {rival.name for rival in RIVALS} == set(found)
        assert found["kernel"] >= max(found["asv"], found["asv, two"], found["Otava"])
        assert f"| {100 * found['kernel']:.0f} % | {100 * found['ruptures rbf']:.0f} % |" in table


def test_the_documents_tell_each_step_of_our_own_history_with_what_made_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step of which nothing is said ends the build of the documents."""
    noise = np.random.default_rng(0).normal(0, 1e-3, (24, 30))
    values = np.outer([1.0] * 12 + [2.0] * 12, np.ones(30)) * np.exp(noise)
    found = watched(store(tmp_path / "asv", {"a.time_x": values}), AsvSelection(), ())
    (group,) = found.groups
    monkeypatch.setattr(own_history, "SAID", tmp_path / "steps.toml")
    own_history.SAID.write_text("")
    with pytest.raises(ValueError, match=f"nothing is said of the steps at {group.commit[:8]}"):
        list(own_history.tables(found))
    own_history.SAID.write_text(f'"{group.commit[:8]}" = "A loop in Python."')
    text = "\n".join(own_history.tables(found))
    assert f"After {group.old[:8]}: 30 slower by 2 times" in text
    assert "A loop in Python." in text
    assert "| and 22 more | |" in text
