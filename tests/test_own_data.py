"""A problem is its data: files of one name are told apart, and nobody's file meets another's expectations."""

from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd
import pytest

import harness
from harness.judge.gate.expectations import Expectations, read_expectations
from harness.judge.gate.gate import gate
from harness.judge.gate.update import update_file
from harness.judge.verdict import Verdict
from harness.problems.catalog import load
from harness.problems.in_memory import from_arrays
from harness.records.content import contents
from harness.records.record import Record, Status
from harness.records.run import Run
from harness.store.store import Store
from tests.conftest import RunCli


class Measure(Protocol):
    """Runs files with solvers."""

    def __call__(self, *paths: Path, solvers: tuple[str, ...] = ...) -> tuple[Run, list[Record]]:
        """The newest run with its records."""


MARGINS = """
schema_version = 1
default_problems = []
[margins]
digits = 1.0
excess_loss = 100.0
r2 = 0.001
mse = 0.005
"""
ENTRY = """
[[expect]]
problem = "{}"
solver = "numpy_lstsq"
digits_min = 10.0
source = "a test"
"""


def write(path: Path, seed: int) -> Path:
    rng = np.random.default_rng(seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    X = rng.normal(size=(30, 2))
    table = pd.DataFrame(X, columns=["a", "b"]).assign(y=X @ [1.0, 2.0] + rng.normal(size=30))
    table.to_csv(path, index=False)
    return path


def expecting(folder: Path, *entries: str) -> Expectations:
    path = folder / "mine.toml"
    path.write_text(MARGINS + "".join(entries))
    return read_expectations(path)


@pytest.fixture
def measure(tmp_path: Path, run_cli: RunCli) -> Measure:
    """Runs the files and gives the newest run with its records."""

    def run(*paths: Path, solvers: tuple[str, ...] = ("numpy_lstsq",)) -> tuple[Run, list[Record]]:
        words = [word for path in paths for word in ("--problem", str(path))]
        words += [word for solver in solvers for word in ("--solver", solver)]
        store = tmp_path / "store.sqlite"
        code, _, err = run_cli("run", *words, "--target", "y", "--in-process", "--quiet", "--store", str(store))
        assert code == 0, err
        made = Store(str(store)).runs()[-1]
        return made, Store(str(store)).records(made.id)

    return run


@pytest.mark.slow
def test_a_file_with_the_name_of_a_built_in_problem_is_another_problem(tmp_path: Path, measure: Measure) -> None:
    run, records = measure(write(tmp_path / "auto_mpg.csv", 1))
    assert records[0].problem_name == "auto_mpg.csv"
    report = gate(run, records, expecting(tmp_path, ENTRY.format("auto_mpg")))
    assert (report.judgements, report.unjudged, report.exit_code) == ((), 1, 3)
    assert gate(run, records, expecting(tmp_path, ENTRY.format("auto_mpg.csv"))).exit_code == 0


def test_data_in_memory_with_the_name_of_a_built_in_problem_are_another_problem() -> None:
    X = np.random.default_rng(0).normal(size=(20, 2))
    assert from_arrays(X, X[:, 0] + 1, name="four_points").name != load("four_points").name
    assert from_arrays(X, X[:, 0] + 1, name="mine").name == "mine"


@pytest.mark.slow
def test_an_entry_whose_name_two_files_have_compares_nothing_and_says_so(tmp_path: Path, measure: Measure) -> None:
    files = [write(tmp_path / year / "sales.csv", int(year)) for year in ("2024", "2025")]
    run, records = measure(*files)
    assert len({record.problem for record in records}) == 2
    report = gate(run, records, expecting(tmp_path, ENTRY.format("sales")))
    (found,) = report.judgements
    assert (found.quantity, found.verdict, report.exit_code) == ("problem", Verdict.UNDECIDED, 3)
    assert 'problem = "2024/sales.csv"' in found.advice
    one = gate(run, records, expecting(tmp_path, ENTRY.format("2024/sales.csv")))
    assert ({j.case for j in one.judgements}, one.unjudged, one.exit_code) == ({records[0].case}, 1, 0)


@pytest.mark.slow
def test_an_entry_for_other_data_compares_nothing_and_says_so(tmp_path: Path, measure: Measure) -> None:
    path = tmp_path / "sales.csv"
    run, records = measure(write(path, 1))
    mine = tmp_path / "first.toml"
    update_file(mine, records)
    assert gate(run, records, read_expectations(mine)).exit_code == 0
    run, records = measure(write(path, 2))
    report = gate(run, records, read_expectations(mine))
    (found,) = report.judgements
    assert (found.quantity, found.verdict, report.exit_code, report.unjudged) == ("data", Verdict.UNDECIDED, 3, 0)
    update_file(mine, records)
    assert len(read_expectations(mine).expect) == 2  # the first data may come back
    assert gate(run, records, read_expectations(mine)).exit_code == 0


@pytest.mark.slow
def test_a_solver_that_vanished_from_ones_own_data_is_missed(tmp_path: Path, measure: Measure) -> None:
    run, records = measure(write(tmp_path / "sales.csv", 1), solvers=("numpy_lstsq", "sklearn"))
    expected = expecting(tmp_path, ENTRY.format("sales"))
    all_solvers = run.model_copy(update={"selection": run.selection.model_copy(update={"solvers": None})})
    report = gate(all_solvers, [one for one in records if one.solver == "sklearn"], expected)
    assert "presence" in {one.quantity for one in report.breaches}


@pytest.mark.slow
@pytest.mark.parametrize("text", ["", MARGINS, MARGINS.replace("[margins]", "expect = []\n[margins]"), "an entry"])
def test_update_writes_the_first_expectations_of_ones_own_file(
    text: str, tmp_path: Path, measure: Measure, run_cli: RunCli
) -> None:
    """The file is made if it is missing, comments and other entries stay, and the second run passes."""
    mine, store, data = tmp_path / "own.toml", str(tmp_path / "store.sqlite"), write(tmp_path / "sales.csv", 1)
    text = f"# mine\n{MARGINS}{ENTRY.format('other')}" if text == "an entry" else text
    if text:
        mine.write_text(text)
    measure(data)
    code, _, err = run_cli("gate", "--update", "--expectations", mine, "--store", store)
    assert (code, "digits_min" in err) == (0, True), err
    entry = read_expectations(mine).expect[-1]
    assert (entry.problem, entry.solver) == (("sales.csv:y",), ("numpy_lstsq",))
    assert entry.digits_min is not None
    assert ("# mine" in mine.read_text()) == ("# mine" in text)
    measure(data)
    assert run_cli("gate", "--expectations", mine, "--store", store).code == 0
    code, _, err = run_cli("gate", "--update", "--expectations", mine, "--store", store)
    assert (code, len(read_expectations(mine).expect)) == (0, 1 + ("other" in text)), err


@pytest.mark.slow
def test_an_update_never_expects_a_failure(tmp_path: Path, measure: Measure) -> None:
    run, records = measure(write(tmp_path / "sales.csv", 1))
    failed = [one.model_copy(update={"status": Status.WRONG}) for one in records]
    update_file(tmp_path / "mine.toml", failed)
    assert read_expectations(tmp_path / "mine.toml").expect == ()
    assert gate(run, failed, read_expectations(tmp_path / "mine.toml")).exit_code == 1


@pytest.mark.slow
def test_the_split_is_part_of_the_content_and_older_records_have_their_training_rows(
    tmp_path: Path, measure: Measure
) -> None:
    table = pd.read_csv(write(tmp_path / "a.csv", 1))
    found = []
    for parts in (["test"] * 5 + ["val"] * 5, ["val"] * 5 + ["test"] * 5):
        table.assign(split=["train"] * 20 + parts).to_csv(tmp_path / "a.csv", index=False)
        found.append(measure(tmp_path / "a.csv")[1][0])
    one, other = found
    assert one.problem_sha256 == other.problem_sha256
    assert contents(found)(one) != contents(found)(other)
    old = one.model_copy(update={"data_sha256": ""})
    assert contents([one, old])(old) == contents([one, old])(one)
    assert contents([old])(old) == old.problem_sha256


@pytest.mark.slow
def test_a_frame_is_judged_by_an_entry_of_its_name(tmp_path: Path) -> None:
    X = np.random.default_rng(0).normal(size=(20, 2))
    made = harness.run((X, X @ [1.0, 2.0] + 1), "numpy_lstsq", store="sqlite://", in_process=True)
    expecting(tmp_path, ENTRY.format("data"))
    assert harness.gate(made, tmp_path / "mine.toml").exit_code == 0
