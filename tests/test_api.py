"""`import harness`: run, load, compare and gate for Python, as pandas frames."""

import json
import os
import pickle
import shlex
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import harness
from harness.api.request import asked, command_of
from harness.errors import UsageError
from harness.measure.plan import Request, plan
from harness.measure.resume import request_of, take_up
from harness.measure.run import new_run
from harness.problems.in_memory import from_arrays, from_frame
from harness.records.record import Record, Samples, Status
from harness.records.run import exit_code
from harness.report.render.frame import dtype_of
from harness.report.tables import case, comparison, devices, gate
from harness.store.store import Store
from harness.timing.threads import limited, pools_of
from tests.conftest import RunCli

pytestmark = pytest.mark.usefixtures("in_process")

ROOT = Path(__file__).resolve().parents[1]
HEAVY = {"torch", "pandas", "sqlalchemy", "numpy", "scipy", "sklearn", "statsmodels", "pydantic", "rich", "typer"}
README_LINES = """\
import harness
import pandas as pd

results = harness.run("everyday", ["sklearn", "numpy_lstsq"])  # a pandas frame, one row a case
print(results[["solver", "status", "digits", "excess_loss", "fit_s"]])
print(harness.compare(results, by="solver")[["value", "time_ratio", "digits_difference"]])
print(harness.gate(results).exit_code)

mine = harness.run(pd.read_csv("cars.csv"), ["torch_sgd", "torch_adam"], target="mpg", lr=[0.1, 0.01], epochs=200)
assert harness.load(run=mine.run_id).equals(mine)
"""
"""As README.md shows them."""


def python(*words: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    """Another Python, with this checkout's harness."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, *words], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def everyday(tmp_path_factory: pytest.TempPathFactory) -> Iterator[harness.Results]:
    """Two closed forms on one problem, in this process; one of them is wrong."""
    store = tmp_path_factory.mktemp("everyday") / "store.sqlite"
    with pools_of(1), limited(1):
        yield harness.run("everyday", ["sklearn", "numpy_lstsq"], n=200, store=store, in_process=True)


# Importing


def test_importing_harness_loads_nothing_heavy(tmp_path: Path) -> None:
    words = "import harness, sys; dir(harness); print(*{m.partition('.')[0] for m in sys.modules})"
    done = python("-c", words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.split())
    assert "harness" in loaded
    assert not HEAVY & loaded


def test_what_is_exported_is_there_and_nothing_else(tmp_path: Path) -> None:
    assert {"run", "load", "compare", "gate", "Results", "UsageError"} <= set(harness.__all__)
    assert all(getattr(harness, name) is not None for name in harness.__all__)
    assert set(harness.__all__) <= set(dir(harness))
    with pytest.raises(AttributeError, match="module 'harness' has no attribute 'runn'"):
        harness.runn  # noqa: B018
    # No module may take the name of a function: the import system would put the module in its place.
    names = {path.stem for path in (ROOT / "harness").iterdir()}
    assert not names & {"run", "load", "compare", "gate"}


def test_the_types_are_exported() -> None:
    assert files("harness").joinpath("py.typed").is_file()


@pytest.mark.slow
def test_the_lines_of_the_readme_run_as_they_are_in_a_script_without_a_main_guard(tmp_path: Path) -> None:
    """In worker processes, which print nothing and do not run the script again."""
    assert README_LINES in (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(README_LINES.splitlines()) == 10
    rows = "\n".join(f"{15 + i % 7},{90 + 3 * i},{2000 + (37 * i) % 1100}" for i in range(40))
    (tmp_path / "cars.csv").write_text(f"mpg,hp,weight\n{rows}\n")
    (tmp_path / "script.py").write_text(README_LINES)
    done = python("-u", "script.py", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    printed = [line.split() for line in done.stdout.splitlines()]
    assert printed[1][:3] == ["0", "sklearn", "wrong"]
    assert printed[2][:3] == ["1", "numpy_lstsq", "ok"]
    assert (printed[5][1], float(printed[5][2])) == ("numpy_lstsq", 1.0)
    assert printed[6:] == [["0"]]
    assert {path.name for path in tmp_path.iterdir()} == {"cars.csv", "results", "script.py"}
    assert (tmp_path / "results" / "harness.sqlite").is_file()


# Frames


@pytest.mark.slow
def test_a_run_is_a_pandas_frame_with_a_row_a_case(everyday: harness.Results) -> None:
    assert isinstance(everyday, pd.DataFrame)
    assert list(everyday.columns) == [*(column.key for column in case.FRAME), "run"]
    assert everyday.solver.tolist() == ["sklearn", "numpy_lstsq"]
    assert everyday.status.tolist() == ["wrong", "ok"]
    assert everyday.n.tolist() == [200, 200]
    assert everyday.digits[0] < 1
    assert everyday.digits[1] > 9
    assert everyday.loc[0, "message"] == everyday.records[0].message
    assert (everyday.fit_s > 0).all()
    assert everyday.run.unique().tolist() == [everyday.run_id]
    assert everyday.exit_code == exit_code(everyday.records) == 1


def test_every_column_has_one_dtype_whatever_is_missing_and_says_what_it_is(everyday: harness.Results) -> None:
    empty = harness.Results(everyday.made, [])
    assert {c: str(d) for c, d in empty.drop(columns="run").dtypes.items()} == {
        column.key: dtype_of(column) for column in case.FRAME
    }
    assert everyday.drop(columns="run").dtypes.equals(empty.drop(columns="run").dtypes)
    for columns in (case.FRAME, comparison.FRAME, devices.FRAME, gate.FRAME):
        assert len({column.key for column in columns}) == len(columns)
        assert all(column.help for column in columns)


def test_what_pandas_makes_of_a_run_is_a_plain_frame(everyday: harness.Results) -> None:
    for made in (everyday[everyday.status == "ok"], everyday.copy(), everyday.sort_values("fit_s"), everyday.head(1)):
        assert type(made) is pd.DataFrame
    assert type(pd.concat([everyday, everyday])) is pd.DataFrame
    assert everyday.to_csv().count("\n") == 3


def test_a_run_that_is_changed_keeps_its_records_and_survives_a_pickle(everyday: harness.Results) -> None:
    again = pickle.loads(pickle.dumps(everyday))  # noqa: S301  # our own
    again["digits"] = 15.0
    assert again.run_id == everyday.run_id
    assert again.records == everyday.records
    assert harness.compare(again)["digits"].tolist() == everyday["digits"].tolist()


@pytest.mark.slow
def test_a_run_is_loaded_as_it_was_returned(everyday: harness.Results, tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    first = harness.run("four_points", "numpy_lstsq", store=path, in_process=True)
    second = harness.run("four_points", "scipy_gelsd", store=str(path), in_process=True)
    assert harness.load(path).equals(second)
    assert harness.load(path, run=first.run_id).equals(first)
    with pytest.raises(harness.UsageError, match="no run 'x'"):
        harness.load(path, run="x")
    with pytest.raises(harness.CannotMeasureError, match="no store there yet"):
        harness.load(tmp_path / "none.sqlite")


# What may be asked


def table() -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(0)
    X = draw.normal(size=(30, 2))
    return X, X @ [1.0, 2.0] + 3.0


@pytest.mark.slow
def test_arrays_are_a_problem_that_their_numbers_name() -> None:
    X, y = table()
    first, second = (harness.run((X, y), "numpy_lstsq", store="sqlite://", in_process=True) for _ in range(2))
    assert first.status.tolist() == ["ok"]
    assert first.problem[0] == second.problem[0]
    assert first.problem[0].startswith("data:")
    assert first.digits[0] > 12
    assert X.flags.writeable
    assert y.flags.writeable
    assert from_arrays(X, y + 1).label != first.problem[0]


@pytest.mark.slow
def test_a_mapping_names_data_and_many_problems_go_together() -> None:
    X, y = table()
    made = harness.run({"one": (X, y), "two": (X[:, 0], y)}, "numpy_lstsq", store="sqlite://", in_process=True)
    assert [label.partition(":")[0] for label in made.problem] == ["one", "two"]
    assert made.p.tolist() == [2, 1]
    request, own, _ = asked(
        ["four_points", (X, y), from_arrays(X, y, name="three")],
        "numpy_lstsq",
        axes=NO_AXES,
        device="auto",
        target=None,
        options={},
    )
    assert request.problems == ("four_points", *own)
    assert [problem.name for problem in own.values()] == ["data", "three"]


NO_AXES = {"n": (), "lr": (), "seeds": ()}


def cars(**columns: Any) -> pd.DataFrame:
    X, y = table()
    return pd.DataFrame({"hp": X[:, 0], "weight": X[:, 1], "mpg": y, **columns})


@pytest.mark.slow
def test_a_frame_is_fitted_on_its_numeric_columns() -> None:
    frame = cars(maker="a", automatic=[True, False] * 15, split=["train"] * 20 + ["test"] * 10)
    problem = from_frame(frame, "mpg")
    assert problem.features == ("hp", "weight", "automatic")
    assert (problem.target, problem.title) == (
        "mpg",
        "data: mpg on hp, weight, automatic (left out: maker (text))",
    )
    assert [len(part) for part in (problem.split.train, problem.split.val, problem.split.test)] == [20, 0, 10]
    other = from_frame(frame.assign(split="train"), "mpg")
    assert other.label != problem.label
    made = harness.run(frame, "numpy_lstsq", target="mpg", store="sqlite://", in_process=True)
    assert made.problem.tolist() == [problem.label]
    assert made.r2_test[0] > 0.999


def test_a_frame_and_a_series_name_the_features_and_the_target() -> None:
    frame = cars()
    problem = from_arrays(frame[["hp", "weight"]], frame["mpg"])
    assert (problem.features, problem.target) == (("hp", "weight"), "mpg")
    assert from_arrays(frame[["hp", "weight"]], frame[["mpg"]]).n == 30


@pytest.mark.slow
def test_a_frame_is_fitted_as_the_same_file_is(tmp_path: Path) -> None:
    cars().to_csv(tmp_path / "cars.csv", index=False)
    in_memory, file = (
        harness.run(one, "numpy_lstsq", target="mpg", store="sqlite://", in_process=True)
        for one in (cars(), tmp_path / "cars.csv")
    )
    assert in_memory.records[0].problem_sha256 == file.records[0].problem_sha256
    assert in_memory.records[0].solution == file.records[0].solution


X, Y = table()
REFUSED: tuple[tuple[tuple[Any, ...], dict[str, Any], str], ...] = (
    (((X, Y[:-1]),), {}, r"data: X is \(n, p\) and y is \(n,\), not \(30, 2\) and \(29,\)"),
    ((({"a": 1}, Y),), {}, "data: X is no array of real numbers"),
    (((X * 1j, Y),), {}, "data: X is no array of real numbers: it is complex"),
    (((np.where(X > 1, np.nan, X), Y),), {}, "data: column 'x"),
    (((np.column_stack([np.ones(30), X]), Y),), {}, "column 'x0' is constant: drop it"),
    (((np.column_stack([X, X]), Y),), {}, "column 'x2' repeats 'x0': drop one"),
    (((X, np.ones(30)),), {}, "target 'y' is constant"),
    (((X[:1], Y[:1]),), {}, "a fit needs at least 2"),
    (((X[:, :0], Y),), {}, "X has no columns"),
    ((cars(),), {}, r"say which column is fitted: target=\.\.\. \(numeric: hp, weight, mpg\)"),
    ((cars(),), {"target": "mgp"}, "target 'mgp' is not a numeric column"),
    ((cars(split="trian"),), {"target": "mpg"}, "row 1 of column 'split' has 'trian'"),
    (({"everyday": (X, Y)},), {}, "'everyday' is a problem of the catalog: give your data another name"),
    (({"a:b": (X, Y)},), {}, "visible text without a colon"),
    (({"a": "four_points"},), {}, "a mapping names arrays and frames"),
    (([3.0],), {}, "a problem is a name, a .csv or .parquet file"),
    (("four_point",), {}, "unknown problem 'four_point': did you mean 'four_points'"),
    (("four_points", "numpy"), {}, "unknown solver 'numpy'"),
    (("four_points", "numpy_lstsq"), {"epoch": 3}, "unknown option 'epoch': did you mean 'epochs'"),
    (("four_points", "numpy_lstsq"), {"seed": 3}, "'seed' is given as seeds="),
    (("four_points", "numpy_lstsq"), {"lr": "fast"}, "lr is a number or several, not 'fast'"),
    (("four_points", "numpy_lstsq"), {"loss_on_device": True}, r"numpy_lstsq takes no .*: drop loss_on_device$"),
    (("everyday", "numpy_lstsq"), {"n": 10.5}, "n is a whole number or several, not 10.5"),
    (("four_points", "numpy_lstsq"), {"epochs": "many"}, "an option has a value of another kind"),
    (("four_points", "numpy_lstsq"), {"timeout_s": 0}, "timeout_s is a positive number of seconds, not 0"),
    (("four_points", "numpy_lstsq"), {"timeout_s": 1, "in_process": True}, "need a worker process"),
)


@pytest.mark.parametrize(("given", "said", "message"), REFUSED, ids=[message for *_, message in REFUSED])
def test_what_cannot_be_run_is_refused_in_a_line_before_anything_is_stored(
    given: tuple[Any, ...], said: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=message) as raised:
        harness.run(*given, store=tmp_path / "store.sqlite", **said)
    assert "\n" not in str(raised.value)
    assert list(tmp_path.iterdir()) == []


def test_a_run_says_the_command_that_makes_the_same_run(run_cli: RunCli, monkeypatch: pytest.MonkeyPatch) -> None:
    request, own, brought = asked(
        ["four_points", "cars.csv"],
        ["torch_sgd", "torch_adam"],
        axes={"n": 1e3, "lr": [0.1, 1e-4], "seeds": range(2)},
        device="cpu",
        target="mpg",
        options={"epochs": np.int64(5), "loss_on_device": True, "hidden": [8, 8]},
    )
    assert (own, brought) == ({}, {})
    program, *words = shlex.split(command_of(request, own, brought))
    assert program == "harness"
    parsed: list[Request] = []

    def keep(request: Request, *_: object, **__: object) -> None:
        parsed.append(request)
        raise UsageError("enough")

    monkeypatch.setattr(sys.modules["harness.cli.run"], "watched_run", keep)
    assert run_cli(*words).stderr == "harness: enough\n"
    assert parsed == [request]


@pytest.mark.slow
def test_a_run_of_names_that_was_cut_off_can_be_taken_up_and_one_of_data_in_memory_cannot(store_path: Path) -> None:
    store = Store(str(store_path))
    for problems in ("four_points", {"mine": (X, Y)}):
        request, own, brought = asked(problems, "numpy_lstsq", axes=NO_AXES, device="auto", target=None, options={})
        store.start(new_run(request, plan(request, own, brought), command_of(request, own, brought)))
    named, in_memory = store.runs()
    assert (
        request_of(named.selection)
        == asked("four_points", "numpy_lstsq", axes=NO_AXES, device="auto", target=None, options={})[0]
    )
    assert named.command == "harness run --problem four_points --solver numpy_lstsq"
    assert in_memory.command == f"python harness.run {in_memory.selection.problems[0]} numpy_lstsq"  # type: ignore[index]
    with pytest.raises(UsageError, match="is another command's"):
        take_up(store, in_memory.id)


@pytest.mark.slow
def test_a_run_that_is_interrupted_can_be_loaded(store_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("harness.measure.run.time_together", interrupt)
    with pytest.raises(KeyboardInterrupt):
        harness.run("four_points", "numpy_lstsq", store=store_path, in_process=True)
    cut_off = harness.load(store_path)
    assert cut_off.made.finished_at is None
    assert cut_off.status.tolist() == ["ok"]
    assert cut_off.fit_s.isna().all()


@pytest.mark.slow
def test_progress_is_shown_where_it_is_asked_for(
    store_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("harness.report.terminal.live_lines.LOG_EVERY_S", 0.0)
    for progress in (False, True):
        harness.run("four_points", "numpy_lstsq", store=store_path, in_process=True, progress=progress)
        said = capsys.readouterr()
        assert said.out == ""
        assert ("0/1 case" in said.err) == progress


# Side by side, and judged


def test_cases_are_compared_as_the_command_compares_them(everyday: harness.Results) -> None:
    made = harness.compare(everyday, by="solver")
    assert [column.key for column in comparison.FRAME] == list(made.columns)
    assert made.value.tolist() == ["sklearn", "numpy_lstsq"]
    assert made.baseline.unique().tolist() == ["numpy_lstsq"]
    assert made.time_ratio[0] == everyday.fit_s[0] / everyday.fit_s[1]
    assert made.digits_difference[1] == 0
    assert harness.compare(everyday, baseline="sklearn").time_ratio[0] == 1
    assert harness.compare([everyday, everyday], problems="everyday").value.tolist() == [
        "sklearn",
        "numpy_lstsq",
        "sklearn (2)",
        "numpy_lstsq (2)",
    ]


def test_what_cannot_be_compared_is_said_in_a_line(everyday: harness.Results) -> None:
    for given, message in (
        ({"by": "colour"}, "unknown axis 'colour'"),
        ({"problems": "everydya"}, "unknown problem in this run 'everydya': did you mean 'everyday'"),
        ({"baseline": "sklaern"}, "unknown solver for a baseline 'sklaern'"),
    ):
        with pytest.raises(UsageError, match=message):
            harness.compare(everyday, **given)
    with pytest.raises(harness.CannotMeasureError, match="nothing to compare by lr"):
        harness.compare(everyday, by="lr")
    with pytest.raises(UsageError, match="a plain frame is no whole run"):
        harness.compare(everyday[everyday.status == "ok"])
    with pytest.raises(UsageError, match="or a run's id, not int"):
        harness.gate(3)  # type: ignore[arg-type]


def on(device: str, record: Record, wall_s: float, n: int) -> Record:
    samples = Samples((wall_s,) * 20, (wall_s,) * 20)
    said = {"device": device, "samples": samples, "n": n, "problem": f"synthetic:n={n},p=2"}
    return record.model_copy(update=said | {"status": Status.OK})


def test_devices_are_compared_by_size(everyday: harness.Results) -> None:
    one = everyday.records[1]
    records = [on("cpu", one, 1e-3, 100), on("cuda", one, 2e-3, 100), on("cpu", one, 1e-2, 1000)]
    made = harness.compare(harness.Results(everyday.made, records), by="device")
    assert [column.key for column in devices.FRAME] == list(made.columns)
    assert made.n.tolist() == [100, 1000]
    assert made.time_ratio[0] == 2.0
    assert made.time_ratio_low[0] <= 2.0 <= made.time_ratio_high[0]
    assert made.reason.tolist() == ["", "not run on cuda"]
    assert made.time_ratio.isna().tolist() == [False, True]
    assert "<td" in made._repr_html_()


EXPECTED = """schema_version = 1
default_problems = ["everyday"]
[margins]
digits = 1.0
excess_loss = 100.0
r2 = 0.001
mse = 0.005
[classes.solvers]
two = ["sklearn", "numpy_lstsq"]
[[expect]]
problem = "everyday"
solver = "two"
digits_min = 5.0
source = "a test"
"""


def test_a_run_is_judged_as_the_command_judges_it(everyday: harness.Results, tmp_path: Path, run_cli: RunCli) -> None:
    path = tmp_path / "expectations.toml"
    path.write_text(EXPECTED)
    made = harness.gate(everyday, path)
    assert [column.key for column in gate.FRAME] == list(made.columns)
    assert made.verdict[0] == "regression"
    assert (made.verdict != "unchanged").sum() == len(made.report.breaches)
    store = tmp_path / "store.sqlite"
    Store(str(store)).keep(everyday.made, everyday.records)
    ended = run_cli("gate", "--expectations", path, "--store", store, "--json")
    assert ended.code == made.exit_code == 1
    assert len(json.loads(ended.stdout)["judgements"]) == len(made)
    assert harness.gate(everyday.run_id, path, store=store).equals(made)
    assert harness.gate(expectations=path, store=store).equals(made)
    assert harness.gate(everyday).exit_code == 0  # the package's own know of it


# In a notebook


class Tags(HTMLParser):
    """The elements of a page, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data + "\n"


INERT = {"div", "table", "caption", "thead", "tbody", "tr", "th", "td", "span", "ul", "li", "p"}


def test_a_notebook_shows_what_ended_badly_first_and_what_to_do(everyday: harness.Results) -> None:
    turned = harness.Results(everyday.made, everyday.records[::-1])
    shown = Tags(turned._repr_html_())
    assert set(shown.tags) <= INERT
    assert f"run {everyday.run_id}: 2 cases, 1 ended badly" in shown.text
    assert shown.text.index("sklearn") < shown.text.index("numpy_lstsq")
    assert everyday.records[0].message in shown.text
    assert "Do not use this solver on this problem" in shown.text
    assert {"✗", "✓"} <= set(shown.text)


def test_a_hostile_name_is_text_in_every_frame(everyday: harness.Results, tmp_path: Path) -> None:
    name = "<script>alert(1)</script><img src=x onerror='alert(2)'>"
    path = tmp_path / "expectations.toml"
    path.write_text(EXPECTED)
    records = [
        one.model_copy(update={"problem": name, "case": name, "message": name, "device": name})
        for one in everyday.records
    ]
    results = harness.Results(everyday.made, records)
    for frame in (results, harness.compare(results), harness.gate(results, path)):
        shown = Tags(frame._repr_html_())
        assert set(shown.tags) <= INERT
        assert set(shown.attributes) <= {"style", "scope"}
        assert name in shown.text


def test_a_long_run_shows_as_many_rows_as_pandas_does(everyday: harness.Results) -> None:
    shown = Tags(harness.Results(everyday.made, everyday.records * 50)._repr_html_())
    assert shown.tags.count("tr") == 1 + 60
    assert "and 40 rows more: the frame has them" in shown.text
    assert harness.Results(everyday.made, [])._repr_html_().startswith("<div><p>run")
