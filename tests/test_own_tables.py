"""What is said of a person's table, from the command line and Python: shown, kept, resumed and reproduced."""

import json
import shlex
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

import harness
from harness.errors import UsageError
from harness.measure.isolation.data import read_problem
from harness.measure.isolation.data_file import DataFile
from harness.measure.plan import Request, plan
from harness.measure.resume import request_of
from harness.measure.run import new_run
from harness.problems.catalog import load
from harness.problems.in_memory import from_frame
from harness.problems.table_options import TableOptions
from harness.records.labels import model_of
from harness.records.run import Selection
from harness.report.html.cases import call, case_in_full, command
from harness.store.store import Store
from harness.sweep.plan import SweepRequest
from tests.conftest import RunCli

pytestmark = pytest.mark.usefixtures("in_process")

CARS = """name,hp,weight,mpg
a,130,3504,18
b,?,3693,15
c,150,3436,18.5
d,140,3433,17
e,95,2372,24
"""
NOTE = "4 of 5 rows are complete: 1 row left out"


@pytest.fixture
def cars(tmp_path: Path) -> Path:
    path = tmp_path / "cars.csv"
    path.write_text(CARS)
    return path


@pytest.mark.slow
def test_what_is_left_out_is_said_in_every_medium(cars: Path, store_path: Path, run_cli: RunCli) -> None:
    words = [
        "--problem",
        cars,
        "--target",
        "mpg",
        "--missing",
        "drop",
        "--solver",
        "numpy_lstsq",
        "--store",
        store_path,
    ]
    shown = run_cli("run", *words, "--in-process")
    assert shown.code == 0, shown.stderr
    assert "left out: name (text)" in shown.stdout
    assert f"note: {NOTE}" in shown.stdout
    (record,) = json.loads(run_cli("run", *words, "--in-process", "--json").stdout)
    assert (record["left_out"], record["notes"], record["table"]) == ([["name", "text"]], [NOTE], {"missing": "drop"})
    frame = harness.load(store_path)
    assert (frame.left_out.tolist(), frame.notes.tolist(), frame.n.tolist()) == (["name (text)"], [NOTE], [4])
    (kept,) = frame.records
    assert case_in_full(kept)["table"] == ["left out: name (text)", NOTE]
    fitted = run_cli("fit", cars, "numpy_lstsq", "--target", "mpg", "--missing", "drop", "--in-process")
    assert "(left out: name (text))" in fitted.stdout
    assert f"note: {NOTE}" in fitted.stdout


def test_a_refusal_names_the_cell_and_the_options(cars: Path, run_cli: RunCli) -> None:
    ended = run_cli("run", "--problem", cars, "--target", "mpg", "--solver", "numpy_lstsq")
    assert (ended.code, ended.stdout) == (2, "")
    assert ended.stderr.endswith(
        "column 'hp', row 2: '?' is no number (1 of 5 are missing or infinite): "
        "drop or fill them, or say --missing drop, or --drop hp\n"
    )
    with pytest.raises(harness.UsageError, match=r"or say missing='drop', or drop='hp'$"):
        harness.run(pd.read_csv(cars), "numpy_lstsq", target="mpg", store="sqlite://")
    ended = run_cli("run", "--problem", "four_points", "--drop", "x")
    assert (ended.code, ended.stderr.count("\n")) == (2, 1)
    assert "four_points: --drop" in ended.stderr
    assert "--features goes with --problem" in run_cli("run", "--features", "x").stderr


OPTIONS = (
    TableOptions(missing="drop"),
    TableOptions(drop=("hp",)),
    TableOptions(features=("weight", "hp"), missing="drop"),
    TableOptions(features=("weight",), delimiter=","),
)


@pytest.mark.slow
@pytest.mark.parametrize("options", OPTIONS)
def test_a_run_is_planned_again_and_its_case_reproduced_with_what_was_said(
    options: TableOptions, cars: Path, store_path: Path, run_cli: RunCli
) -> None:
    words = ["run", "--problem", cars, "--target", "mpg", "--solver", "numpy_lstsq", *options.words()]
    assert run_cli(*words, "--store", store_path, "--in-process").code == 0
    with closing(Store(str(store_path), create=False)) as kept:
        (run,) = kept.runs()
        (record,) = kept.records(run.id)
    again = plan(request_of(run.selection))
    assert tuple(case.key for case in again) == run.planned
    assert again[0].problem.content_sha256 == record.data_sha256
    assert record.table == options.given()
    spec = call(record).partition(", catalog.get")[0]
    made = eval(spec, {"load": load})  # noqa: S307  # our own line of Python
    assert (made.label, made.content_sha256) == (record.problem, record.data_sha256)
    said = {name: value for name, value in record.table.items() if name != "delimiter"}
    assert model_of(f"{record.problem}(weights=w)(no-intercept)") == (
        f"{cars.name}:mpg",
        {"intercept": False, "weights": "w", "table": said},
    )
    again_words = shlex.split(command(record))
    assert run_cli(*again_words[1:], "--store", store_path, "--in-process").code == 0
    assert harness.load(store_path).records[0].case == record.case


def test_other_columns_or_rows_are_another_problem_and_a_way_of_reading_is_none(cars: Path) -> None:
    made = [load(str(cars), target="mpg", table=options) for options in OPTIONS]
    assert len({one.label for one in made}) == len({one.name for one in made}) == len(made)
    read = load(str(cars), target="mpg", table={"features": ("weight",)})
    assert (read.label, read.content_sha256) == (made[-1].label, made[-1].content_sha256)


def test_a_selection_is_the_request_that_made_it(cars: Path) -> None:
    asked = Request(problems=(str(cars),), solvers=("numpy_lstsq",), target="mpg", table=OPTIONS[2])
    selection = new_run(asked, plan(asked)).selection
    assert request_of(Selection.model_validate_json(selection.model_dump_json())) == asked
    assert selection.model == "(--features weight,hp --missing drop)"
    assert replace(asked, table=OPTIONS[0]) != asked


def test_weights_are_no_feature_and_need_not_be_named_as_one(cars: Path) -> None:
    made = load(str(cars), target="mpg", weights="weight", table=TableOptions(features=("hp",), missing="drop"))
    assert made.features == ("hp",)
    assert made.weights is not None
    assert made.weights.tolist() == [3504, 3436, 3433, 2372]


def test_a_worker_process_gets_what_was_done_to_a_table(cars: Path) -> None:
    problem = load(str(cars), target="mpg", table=OPTIONS[2])
    with closing(DataFile()) as file:
        file.write(problem)
        found = read_problem(file.descriptor)
    assert (found.left_out, found.notes, dict(found.table)) == (problem.left_out, problem.notes, dict(problem.table))


@pytest.mark.slow
def test_python_takes_the_same_options_of_files_and_frames(cars: Path) -> None:
    frame = pd.read_csv(cars)
    made = [
        harness.run(one, "numpy_lstsq", target="mpg", store="sqlite://", in_process=True, features="hp", missing="drop")
        for one in (cars, frame)
    ]
    first, second = (one.records[0] for one in made)
    assert (first.data_sha256, first.left_out, first.notes) == (second.data_sha256, second.left_out, second.notes)
    numbered = frame[["weight", "mpg"]].set_axis([0, 1], axis=1)
    assert harness.run(numbered, "numpy_lstsq", target=1, store="sqlite://", in_process=True, features=[0]).p[0] == 1
    with pytest.raises(harness.UsageError, match="is a Problem: drop goes with files, frames and arrays"):
        harness.run(load("four_points"), "numpy_lstsq", drop="x", store="sqlite://")
    with pytest.raises(harness.UsageError, match=r"data: delimiter goes with a \.csv file"):
        harness.run(frame, "numpy_lstsq", target="mpg", delimiter=";", store="sqlite://")
    with pytest.raises(harness.UsageError, match="missing: drop or refuse, not 'fill'"):
        harness.run(frame, "numpy_lstsq", target="mpg", missing="fill", store="sqlite://")


@pytest.mark.slow
def test_a_sweep_says_what_is_left_out_and_keeps_what_was_said(cars: Path, store_path: Path, run_cli: RunCli) -> None:
    words = ["--problem", cars, "--target", "mpg", "--drop", "hp", "--optimizer", "sgd", "--lr", "0.1", "--seeds", "2"]
    words += ["--epochs", "5", "--in-process", "--store", store_path]
    ended = run_cli("sweep", *words)
    shown = " ".join(ended.stdout.split())
    assert "left out: name (text)" in shown
    assert "left out: hp (dropped)" in shown
    found = json.loads(run_cli("sweep", "--show", "--json", "--store", store_path).stdout)
    assert found["tables"] == {f"{cars.name}:mpg(--drop hp)": ["left out: name (text)", "left out: hp (dropped)"]}
    asked = SweepRequest(problems=(str(cars),), target="mpg", lr=(0.1,), table={"drop": ("hp",)})
    assert SweepRequest.model_validate(asked.model_dump(mode="json")) == asked
    assert "drop --no-header" in run_cli("sweep", "--resume", "--no-header").stderr


TWINS = {
    "a zero-width space": ("a", "a\u200b"),
    "a zero-width joiner": ("a\u200d", "a"),
    "a soft hyphen": ("ab", "a\u00adb"),
    "a word joiner": ("a", "\u2060a"),
    "a variation selector": ("a", "a\ufe0f"),
    "a tag": ("a", "a\U000e0061"),
    "a filler of Hangul": ("a", "a\u3164"),
    "an accent apart": ("\u00e9", "e\u0301"),
    "a ligature": ("fi", "\ufb01"),
    "full width": ("a", "\uff41"),
    "the sign of micro": ("\u00b5", "\u03bc"),
    "a space that does not break": ("a b", "a\u00a0b"),
    "two spaces": ("a b", "a  b"),
    "a space at the end": ("a", "a "),
}


@pytest.mark.parametrize("twin", TWINS)
@pytest.mark.parametrize("container", ["csv", "parquet", "frame"])
def test_names_that_look_the_same_are_refused(twin: str, container: str, tmp_path: Path) -> None:
    one, other = TWINS[twin]
    frame = pd.DataFrame({one: [1.0, 2.0, 4.0], other: [3.0, 1.0, 2.0], "y": [1.0, 2.0, 3.0]})
    path = tmp_path / f"table.{container}"
    if container == "csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(tmp_path / "table.parquet")

    def reading() -> object:
        return from_frame(frame, "y") if container == "frame" else load(str(path), target="y")

    with pytest.raises(UsageError, match="columns 1 and 2 look the same") as refused:
        reading()
    assert str(refused.value).isascii()


@pytest.mark.parametrize("name", ["\u200b", "\u3164", "\u00ad\u2060", "\u2800"])
def test_a_name_that_nobody_sees_is_none(name: str, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text(f"{name},y\n1,2\n2,3\n4,4\n", encoding="utf-8")
    with pytest.raises(UsageError, match="column 1 "):
        load(str(path), target="y")
