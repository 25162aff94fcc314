"""Section 6 of the page: planted histories over commits and versions, drawn by vl-convert; the committed ones."""

import math
import re
import shutil
from collections.abc import Sequence
from dataclasses import replace
from html import unescape
from pathlib import Path

import numpy as np
import pytest

from harness.history.sources import Launch, in_asv
from harness.judge.history.changes import level_changes, rank, worst_first
from harness.judge.history.history import judge_history, labels
from harness.judge.history.series import QUANTITIES, History, Point, Series
from harness.page import histories as gathering
from harness.page.histories import histories
from harness.paths import results_folder
from harness.records.environment import Environment
from harness.report.figures.figure import Figure
from harness.report.figures.history_rows import title
from harness.report.figures.rows import CASE
from harness.report.html import history
from harness.report.html.section import Note, Section, Table
from harness.store.store import Store
from tests.history_site import HERE, Planted, make_commits, record
from tests.page_site import HOSTILE, evidence, planted, svg

NOISE = np.random.default_rng(0).normal(0.0, 0.01, 40)
CASE_KEY = "synthetic:n=1000,p=10,seed=0 numpy_lstsq cpu threads=1 dtype=float64"


def version(text: str) -> Environment:
    return HERE.model_copy(update={"versions": {"scikit-learn": text}})


def over_commits(values: Sequence[float | None], quantity: str = "time", case: str = CASE_KEY) -> History:
    points = [
        Point(
            f"{i:08x}" + 32 * "0", i, 60.0 * i, HERE, () if v is None else (v,), "" if v is not None else "error: gone"
        )
        for i, v in enumerate(values)
    ]
    return judge_history(case, QUANTITIES[quantity], points, lambda *_: 0)


def over_versions(values: Sequence[float], quantity: str = "digits", case: str = CASE_KEY) -> History:
    points = [Point(40 * "a", 0, 0.0, version(f"1.{i}.0"), (value,)) for i, value in enumerate(values)]
    return judge_history(case, QUANTITIES[quantity], points, lambda *_: None)


def slower(factor: float, at: int = 15, case: str = CASE_KEY) -> History:
    values = [1e-3 * math.exp(NOISE[i]) * (factor if i >= at else 1.0) for i in range(30)]
    return over_commits(values, case=case)


def made(*found: History, **more: object) -> Section:
    return history.section(evidence([planted("numpy_lstsq", 1e-3)], histories=found, **more))


def figures(section: Section) -> dict[str, Figure]:
    return {part.name: part for part in section.parts if isinstance(part, Figure)}


def steps(section: Section) -> Table:
    return next(part for part in section.parts if isinstance(part, Table) and part.name == "history-steps")


def texts(drawn: str) -> set[str]:
    return {unescape(found) for found in re.findall(r"<text[^>]*>([^<]*)</text>", drawn)}


# What is grave.


def test_turns_of_all_quantities_are_in_one_order_the_worst_first() -> None:
    mild, grave = slower(1.1), over_versions([13.0, 13.0, 0.5])
    better, lost = slower(0.5, case="b x cpu"), over_commits([1.0, 1.0, None], "digits", case="c x cpu")
    turns = worst_first(turn for one in (mild, better, grave, lost) for turn in level_changes(one))
    assert [turn.history for turn in turns] == [lost, grave, mild, better]
    assert [turn.worse for turn in turns] == [True, True, True, False]
    assert turns[0].severity == math.inf
    assert turns[1].severity == pytest.approx(12.5 / 0.5)
    assert turns[2].severity == pytest.approx(math.log(1.1) / math.log(1.03), rel=0.1)


def test_histories_with_regressions_come_first_and_those_without_steps_last() -> None:
    flat, mild, grave, better = slower(1.0), slower(1.1), slower(2.0), slower(0.5)
    assert sorted([flat, better, mild, grave], key=rank) == [grave, mild, better, flat]


# The section.


def test_without_a_history_the_section_says_what_makes_one() -> None:
    found = made()
    assert "'harness run' on another commit" in found.missing
    assert "make asv-versions" in found.missing
    assert not found.parts


@pytest.mark.slow
def test_the_conclusion_names_the_worst_step_and_its_commit() -> None:
    words = made(slower(1.5), over_commits([13.0] * 9 + [2.0] * 3, "digits")).conclusion
    counted, worst = words.split(". ")
    assert re.findall(r"\d+", counted) == ["2", "1", "30"]
    assert "regressions" in counted
    step = ("synthetic:n=1000,p=10,seed=0 numpy_lstsq", "11.0 digits fewer", "00000008..00000009", "00000009 did it")
    assert [fact for fact in step if fact not in worst] == []
    assert re.search(r"1 improvement in .* The largest: .*, 33\.\d % faster, ", made(slower(2 / 3)).conclusion)
    unchanged = made(slower(1.0)).conclusion
    assert re.findall(r"\d+", unchanged) == ["1", "30"]
    assert "no step" in unchanged


@pytest.mark.slow
def test_a_number_that_is_lost_is_told_with_its_reason() -> None:
    section = made(over_commits([13.0, 13.0, None], "digits"))
    assert "no number any more: error: gone" in section.conclusion
    (row,) = steps(section).rows
    assert row["change"] is None
    assert row["where"].endswith("00000002 did it; no number any more: error: gone")


@pytest.mark.slow
def test_the_case_over_commits_is_drawn_with_the_commit_of_each_step() -> None:
    section = made(slower(1.5), over_commits([1e-3] * 5, case="other x cpu"))
    (one,) = figures(section).values()
    assert one.name == "history-time-commits"
    for width in (1100, 330):
        found = texts(svg(one, width=width))
        assert title(slower(1.5)) in found  # the worst is what is drawn at first
        assert any(re.fullmatch(r"0000000f \+5\d\.\d %", text) for text in found)
    kinds = [row["kind"] for row in one.rows if row["place"] == 0]
    assert (kinds.count("point"), kinds.count("step"), kinds.count("level")) == (30, 1, 4)


@pytest.mark.slow
def test_versions_are_drawn_in_one_figure_of_the_cases_that_changed() -> None:
    changed, same = over_versions([13.0, 13.0, 0.5]), over_versions([9.0, 9.0, 9.0], case="other numpy_lstsq cpu")
    section = made(same, changed)
    (one,) = figures(section).values()
    assert one.name == "history-digits-versions"
    assert {row["series"] for row in one.rows} == {title(changed)}
    assert [row["tick"] for row in one.rows] == [f"scikit-learn 1.{i}.0" for i in range(3)]
    assert {"scikit-learn 1.0.0", "scikit-learn 1.2.0"} <= texts(svg(one))
    assert "12.5 digits fewer, scikit-learn 1.1.0 → 1.2.0" in section.conclusion
    assert any("asv run main~5..main" in part.text for part in section.parts if isinstance(part, Note))


@pytest.mark.slow
@pytest.mark.parametrize("quantity", list(QUANTITIES))
def test_every_quantity_is_drawn_over_commits_and_over_versions(quantity: str) -> None:
    values = [2.0, 2.0, 2.0, 2.0, 8.0, 8.0, 8.0, 8.0]
    for one in figures(made(over_commits(values, quantity), over_versions(values, quantity))).values():
        for width in (1100, 330):
            assert "NaN" not in svg(one, width=width)
        assert svg(one, rows=[])


@pytest.mark.slow
def test_a_case_of_the_run_is_a_row_that_opens_it_and_another_is_read_from_its_key() -> None:
    known = planted("numpy_lstsq", 1e-3)
    own, other = slower(1.5, case=known.case), slower(1.4, case="a b:n=3 some_solver cuda:0 lr=0.1")
    rows = steps(made(own, other)).rows
    assert (rows[0]["solver"], rows[0][CASE], rows[0]["n"]) == ("numpy_lstsq", known.case, 1000)
    assert (rows[1]["solver"], rows[1]["problem"], rows[1]["device"]) == ("some_solver", "a b:n=3", "cuda:0")


@pytest.mark.slow
def test_hostile_names_are_drawn_as_text() -> None:
    hostile = slower(1.5, case=f"{HOSTILE} {HOSTILE.replace(' ', '_')} cpu")
    versions = replace(over_versions([9.0, 1.0]), case=hostile.case)
    gone = over_commits([1.0, 1.0, None], "epochs_to", case=hostile.case)
    section = made(hostile, versions, gone)
    assert len(figures(section)) == 3
    for one in figures(section).values():
        drawn = svg(one)
        assert "<img" not in drawn
        assert "<script" not in drawn


# Gathering.


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.chdir(tmp_path)
    return make_commits(tmp_path, 12)


@pytest.mark.slow
def test_the_store_s_histories_are_found_and_those_of_one_commit_left_out(
    checkout: list[str], store_path: Path, tmp_path: Path
) -> None:
    planted_store = Planted(Store(str(store_path)))
    once = record().model_copy(update={"case": "once numpy_lstsq cpu"})
    planted_store.launch(checkout[0], 1e-3, records=[once])
    planted_store.launch(None, 1e-3)
    planted_store.launch(checkout[0], 1.0, dirty=True)
    for i, commit in enumerate(checkout):
        planted_store.launch(commit, 1e-3 * math.exp(NOISE[i]) * (3.0 if i >= 6 else 1.0))
    found = histories(planted_store.store, tmp_path / "no results")
    assert {one.case for one in found} == {record().case}
    assert found[0].quantity.name == "time"
    (step,) = found[0].series[0].steps
    assert step.new.commit == checkout[6]
    assert checkout[6][:8] in made(*found).conclusion


def test_a_store_of_one_commit_has_none(checkout: list[str], store_path: Path, tmp_path: Path) -> None:
    planted_store = Planted(Store(str(store_path)))
    for _ in range(5):
        planted_store.launch(checkout[0], 1e-3)
    assert histories(planted_store.store, tmp_path) == ()
    assert histories(None, tmp_path) == ()


@pytest.mark.slow
def test_histories_are_bounded_and_the_worst_are_kept(
    checkout: list[str], store_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gathering, "MOST", 3)
    planted_store = Planted(Store(str(store_path)))
    digits = record().accuracy.digits
    assert digits is not None
    for i, commit in enumerate(checkout):
        records = [
            record().model_copy(
                update={
                    "case": f"p{k} numpy_lstsq cpu",
                    "accuracy": replace(record().accuracy, digits=14.0 - (k if i > 5 else 0.0)),
                }
            )
            for k in range(8)
        ]
        planted_store.launch(commit, 1e-3, records=records)
    found = histories(planted_store.store, tmp_path)
    assert [one.case for one in found] == [f"p{k} numpy_lstsq cpu" for k in (7, 6, 5)]


@pytest.mark.slow
def test_the_committed_versions_of_scikit_learn_tell_the_everyday_case() -> None:
    found = histories(None, results_folder())
    assert found[0].case == "everyday:n=2000,seed=0 sklearn cpu"
    assert made(*found).conclusion.endswith("13.3 digits fewer, scikit-learn 1.8.0 → 1.9.1.")
    for one in figures(made(*found)).values():
        assert svg(one)


def test_a_folder_that_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    shutil.copytree(results_folder() / "versions", tmp_path / "versions")
    next((tmp_path / "versions" / "reference").glob("*1.8.0.json")).write_text("{")
    assert histories(None, tmp_path) == ()


def test_versions_are_in_the_order_of_their_numbers() -> None:
    launches = list(in_asv(results_folder() / "versions", None))
    ten = [replace_version(launch, "1.10.0") for launch in launches if "1.9.1" in str(launch.run.environment.versions)]
    ordered = sorted([*ten, *launches], key=gathering._when)  # noqa: SLF001  # what the order is made by
    found = list(dict.fromkeys(launch.run.environment.versions["scikit-learn"] for launch in ordered))
    assert found == ["1.5.2", "1.7.2", "1.8.0", "1.9.1", "1.10.0"]


def replace_version(launch: Launch, text: str) -> Launch:
    environment = launch.run.environment.model_copy(update={"versions": {"scikit-learn": text}})
    return Launch(launch.run.model_copy(update={"environment": environment}), launch.record)


def alone(*environments: Environment) -> list[Series]:
    return [Series(environment, (), ()) for environment in environments]


def test_environments_are_told_apart_by_what_differs_alone() -> None:
    assert labels(alone(version("1.8.0"), version("1.9.1"))) == ["scikit-learn 1.8.0", "scikit-learn 1.9.1"]
    assert labels(alone(HERE, HERE)) == ["", ""]
    slow = HERE.model_copy(update={"cores": 4})
    assert labels(alone(HERE, slow)) == ["cores 2", "cores 4"]
