"""A dependence of the data's columns is named wherever a person or a script looks."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import harness
from harness.judge.gate.expectations import read_expectations
from harness.judge.gate.gate import gate
from harness.judge.verdict import Verdict
from harness.records.record import Record, Status
from harness.report.html.accuracy import _dependent as on_the_page
from harness.report.html.cases import case_in_full
from harness.report.words.case import in_full
from harness.report.words.run import run as run_words
from harness.store.store import Store
from tests.conftest import RunCli

pytestmark = pytest.mark.usefixtures("in_process")

TEXT = "total = food + rent (exact in the decimals)"


def budget(folder: Path) -> Path:
    """Two columns of cents and their sum, as a spreadsheet writes them: 0.1 + 0.2 is no 0.3 in float64."""
    rng = np.random.default_rng(7)
    food, rent = rng.integers(1000, 9999, size=(2, 40)) / 100
    table = pd.DataFrame({"food": food, "rent": rent, "total": (food + rent).round(2)})
    table["spent"] = (1.5 * food - rent + rng.normal(size=40)).round(2)
    path = folder / "budget.csv"
    table.to_csv(path, index=False)
    return path


@pytest.fixture
def ran(tmp_path: Path, run_cli: RunCli) -> str:
    """What `harness run` prints."""
    code, out, _ = run_cli(
        "run",
        "--problem",
        str(budget(tmp_path)),
        "--target",
        "spent",
        "--solver",
        "numpy_lstsq",
        "--store",
        str(tmp_path / "store.sqlite"),
    )
    assert code == 0
    return out


def record_of(store_path: Path) -> Record:
    (record,) = Store(str(store_path)).records(Store(str(store_path)).runs()[-1].id)
    return record


@pytest.mark.slow
def test_a_run_says_it_once_under_the_heading_of_the_problem(ran: str) -> None:
    lines = ran.splitlines()
    heading = next(i for i, line in enumerate(lines) if line.endswith("budget.csv:spent"))
    assert lines[heading + 1] == f"dependent: {TEXT}"
    assert ran.count("dependent:") == 1
    assert "rank_deficient" in ran
    assert "numpy_lstsq: fitted 3 of 4 directions: total = food + rent; it returned" in " ".join(ran.split())


@pytest.mark.slow
def test_the_record_the_frame_the_case_and_the_page_name_it(ran: str, store_path: Path) -> None:
    record = record_of(store_path)
    (found,) = record.dependences
    assert (found.text, found.exact, found.columns) == ("total = food + rent", True, ("food", "rent", "total"))
    assert json.loads(record.model_dump_json())["dependences"][0]["text"] == found.text
    frame = harness.load(str(store_path))
    assert frame["dependences"].tolist() == [TEXT]
    assert frame[["data_rank", "exact_rank"]].to_numpy().tolist() == [[3, record.accuracy.exact_rank]]
    assert 0 <= frame["rank_margin"].iloc[0] <= 1
    assert case_in_full(record)["dependences"] == [TEXT]
    assert TEXT in on_the_page([record])
    assert any(getattr(part, "text", "") == TEXT for part in in_full(record, "").parts)


@pytest.mark.slow
def test_the_advice_names_it(ran: str, store_path: Path) -> None:
    record = record_of(store_path)
    assert record.status is Status.RANK_DEFICIENT
    assert "(total = food + rent)" in record.advice
    assert "(total = food + rent)" not in record.model_copy(update={"dependences": ()}).advice


@pytest.mark.slow
def test_without_a_dependence_nothing_is_said(store_path: Path, run_cli: RunCli) -> None:
    run_cli("run", "--problem", "four_points", "--solver", "numpy_lstsq", "--store", str(store_path))
    record = record_of(store_path)
    assert record.dependences == ()
    assert on_the_page([record]) == ""
    assert not [part for part in run_words([record]).parts if getattr(part, "word", "") == "dependent:"]


EXPECTED = """
schema_version = 1
default_problems = []
[margins]
digits = 1.0
excess_loss = 100.0
r2 = 0.001
mse = 0.005
[[expect]]
problem = "budget"
solver = "numpy_lstsq"
status = ["ok", "rank_deficient"]
expected_failure = "whichever"
source = "a test"
"""


@pytest.mark.slow
@pytest.mark.parametrize("forbidden", [True, False])
def test_an_expectation_may_forbid_it(forbidden: bool, ran: str, store_path: Path, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(EXPECTED + ('dependences = "none"\n' if forbidden else ""))
    run = Store(str(store_path)).runs()[-1]
    report = gate(run, [record_of(store_path)], read_expectations(path))
    assert report.exit_code == int(forbidden)
    found = [one for one in report.judgements if one.quantity == "dependences"]
    assert [(one.measured, one.verdict) for one in found] == [(TEXT, Verdict.REGRESSION)] * forbidden


@pytest.mark.slow
@pytest.mark.parametrize(
    ("update", "verdict"),
    [
        ({"dependences": ()}, Verdict.REGRESSION),  # unnamed: fewer directions than columns
        ({"accuracy": {"data_rank": 4, "exact_rank": 4}, "dependences": ()}, Verdict.UNCHANGED),
        ({"accuracy": {}, "dependences": ()}, Verdict.REGRESSION),  # nobody knows the rank
    ],
)
def test_a_rank_that_is_short_or_unknown_is_not_taken_for_full(
    update: dict[str, object], verdict: Verdict, ran: str, store_path: Path, tmp_path: Path
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(EXPECTED + 'dependences = "none"\n')
    run, kept = Store(str(store_path)).runs()[-1], json.loads(record_of(store_path).model_dump_json())
    record = Record.model_validate(kept | update)
    (found,) = [one for one in gate(run, [record], read_expectations(path)).judgements if one.quantity == "dependences"]
    assert found.verdict is verdict
