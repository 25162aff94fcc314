"""The same content by three paths is one case: in a run, in a comparison of two versions, over runs."""

from contextlib import closing
from pathlib import Path
from shutil import copy

import numpy as np
import pytest

from harness.ab.cells import cells
from harness.errors import UsageError
from harness.history.sources import of_case, stored
from harness.judge.versions.two_runs import compare_runs
from harness.problems.asked import asked_problems
from harness.problems.catalog import load
from harness.problems.labels import spec_of
from harness.problems.model import Model
from harness.problems.table_options import TableOptions
from harness.store.store import Store
from tests.conftest import RunCli


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
