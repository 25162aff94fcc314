"""The same content by three paths is one case: in a run, in a comparison of two versions, over runs."""

from contextlib import closing
from pathlib import Path
from shutil import copy

import numpy as np
import pytest

from harness.ab.cells import cells
from harness.errors import UsageError
from harness.history.naming import named_case, of_case, of_problems
from harness.history.sources import stored
from harness.judge.gate.expectations import read_expectations
from harness.judge.gate.gate import gate
from harness.judge.versions.two_runs import compare_runs
from harness.measure.plan import Request
from harness.measure.run import new_run
from harness.problems.asked import asked_problems
from harness.problems.catalog import load
from harness.problems.labels import spec_of
from harness.problems.model import Model
from harness.problems.problem import OWN
from harness.problems.table_options import TableOptions
from harness.records.record import Record
from harness.store.store import Store
from tests.conftest import RunCli
from tests.history_site import record


@pytest.fixture
def jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "data" / "jobs.csv"
    path.parent.mkdir()
    rows = np.random.default_rng(0).normal(size=(20, 3))
    np.savetxt(path, rows, delimiter=",", header="hours,size,margin", comments="")
    return path


@pytest.mark.parametrize("folder", [False, True])
def test_three_paths_of_one_content_are_one_problem(jobs: Path, folder: bool) -> None:
    copy(jobs, jobs.with_name("twice.csv"))
    named = ["data"] if folder else ["data/jobs.csv:margin", "./data/../data/jobs.csv", str(jobs)]
    found = [problem.label for _, problem in asked_problems(named, Model(target="margin"))]
    assert found == ["data/jobs.csv:margin"]
    assert [one.problem for one in cells(named, ["numpy_lstsq"], model=Model(target="margin"))] == found


@pytest.mark.parametrize(
    "model",
    [
        Model(target="margin"),
        Model(target="margin", table=TableOptions(drop=("size",), delimiter=",")),
        Model(target="margin", weights="size", table=TableOptions(missing="drop")),
        Model(target="margin", intercept=False, table=TableOptions(features=("hours",))),
    ],
)
def test_a_label_and_what_a_worker_is_told_load_the_same_problem(jobs: Path, model: Model) -> None:
    if model.weights:
        jobs.write_text(jobs.read_text().replace("-", ""))
    ((_, problem),) = asked_problems([str(jobs)], model)
    for spec in (problem.label, spec_of(problem)):
        again = load(spec)
        assert (again.content_sha256, again.label) == (problem.content_sha256, problem.label)


def test_a_label_and_an_option_that_say_different_things_are_refused(jobs: Path) -> None:
    with pytest.raises(UsageError, match="both say --target"):
        load(f"{jobs}:margin", target="hours")


@pytest.mark.slow
def test_over_runs_the_same_content_is_one_case(jobs: Path, run_cli: RunCli, tmp_path: Path) -> None:
    other = tmp_path / "copy.csv"
    copy(jobs, other)
    store = ("--store", tmp_path / "store.sqlite", "--solver", "numpy_lstsq", "--in-process", "--quiet")
    for path in (jobs, other):
        assert run_cli("run", "--problem", f"{path}:margin", *store).code == 0
    with closing(Store(str(tmp_path / "store.sqlite"), create=False)) as kept:
        first, second = (kept.records(run.id) for run in kept.runs())
        compared = compare_runs(second, first)
        assert (compared.compared, compared.absent, compared.other_data) == (1, (), ())
        assert len(of_case(list(stored(kept)), "copy.csv:margin numpy_lstsq")[1]) == 2
    again = ("--store", tmp_path / "store.sqlite")
    third = tmp_path / "third.csv"
    copy(jobs, third)
    for path in (jobs, third):  # one that was measured by that path, and one that never was
        told = run_cli("history", path, "numpy_lstsq", "--target", "margin", "--quantity", "digits", *again)
        assert (told.code, told.stdout.splitlines()[-1][:6]) == (0, "2 runs"), told.stderr
        assert run_cli("explain", path, "numpy_lstsq", "--target", "margin", *again).code == 0
        ended = run_cli("compare", "--by", "solver", "--problem", path, "--target", "margin", *again)
        assert "no two cases that differ in it" in ended.stderr


def own(label: str, content: str) -> Record:
    """A record of somebody's file."""
    name = label.rpartition("/")[2].replace(".csv:price", "")
    key = f"{label} numpy_lstsq cpu threads=1 dtype=float64"
    return record().model_copy(
        update={"problem": label, "problem_name": name, "case": key, "family": OWN, "data_sha256": content}
    )


FLATS = [
    own("flats.csv:price", "a"),
    own("flats.csv:price(--drop noise)", "b"),
    own("flats.csv:price(--features 'floor area,rent')(weights=n)", "c"),
    own("flats.csv:price(no-intercept)", "d"),
    own("old/flats.csv:price(--drop noise)", "b"),
]


@pytest.mark.parametrize(
    ("asked", "model", "at"),
    [
        (["flats.csv:price", "numpy_lstsq"], Model(), 0),
        (["flats.csv", "numpy_lstsq"], Model(target="price"), 0),
        (["./old/../flats.csv", "numpy_lstsq"], Model(target="price", table=TableOptions(drop=("noise",))), 1),
        (["flats.csv:price(--drop noise)", "numpy_lstsq", "threads=1"], Model(), 1),
        (["flats.csv:price(--drop noise) numpy_lstsq"], Model(), 1),
        (["flats.csv:price", "numpy_lstsq"], Model(weights="n"), 2),
        (["flats.csv", "numpy_lstsq"], Model(intercept=False), 3),
        (["flats(--drop noise)", "numpy_lstsq"], Model(), 4),  # of either path: their content is one
    ],
)
def test_a_case_of_a_file_is_named_by_its_path_and_what_was_said_of_it(asked: list[str], model: Model, at: int) -> None:
    assert named_case(FLATS, asked, model) == FLATS[at].case
    assert named_case(FLATS, FLATS[at].case) == FLATS[at].case


def test_what_no_case_or_several_are_named_by_is_one_line() -> None:
    for asked, model, said in (
        (["flats.csv", "numpy_lstsq"], Model(), "names 4 cases: say which by an option"),
        (["flats.csv", "numpy_lstsq"], Model(target="rent"), "unknown case"),
        (["flats.csv:price", "numpy_lstsk"], Model(), "did you mean 'flats.csv:price numpy_lstsq'"),
        (["flats.csv"], Model(target="price"), "unknown case"),
    ):
        with pytest.raises(UsageError, match=said):
            named_case(FLATS, asked, model)
    with pytest.raises(UsageError, match=r"unknown problem in this run 'flat.csv:price': did you mean"):
        of_problems(FLATS, ["flats.csv:price", "flat.csv:price"])
    assert of_problems(FLATS, ["flats.csv"], Model(weights="n")) == [FLATS[2]]


@pytest.mark.parametrize(
    ("said", "path", "content", "held"),
    [
        ('data = "ab12ab12"', "copy/of_flats.parquet", "ab12ab12ff", 1),
        ('data = "ab12ab12"', "copy/of_flats.parquet", "cd34cd34ff", 0),
        ("", "copy/of_flats.parquet", "ab12ab12ff", 0),
        ("", "data/flats.csv", "cd34cd34ff", 1),
    ],
)
def test_an_expectation_that_says_which_data_holds_by_another_path(
    tmp_path: Path, said: str, path: str, content: str, held: int
) -> None:
    file = tmp_path / "expectations.toml"
    file.write_text(
        "schema_version = 1\ndefault_problems = []\n"
        "margins = { digits = 1.0, excess_loss = 10.0, r2 = 0.1, mse = 0.1 }\n"
        '[[expect]]\nproblem = "data/flats.csv:price"\nsolver = "numpy_lstsq"\n'
        f'digits_min = 1.0\nsource = "measured"\n{said}\n'
    )
    measured = own(f"{path}:price", content)
    report = gate(new_run(Request(problems=(measured.problem,)), []), [measured], read_expectations(file))
    assert [one.quantity for one in report.judgements] == ["status", "digits"] * held
    assert not report.breaches
    other = own(f"{path}:rent", content)
    assert not gate(new_run(Request(problems=(other.problem,)), []), [other], read_expectations(file)).judgements
