"""Named suites: what their files promise, and that run, sweep and the page take them by name."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.errors import CannotMeasureError, UsageError
from harness.problems import catalog, suites
from harness.report.html.section import Table
from harness.report.html.training import section
from harness.store.store import Store
from harness.store.sweep_store import SweepStore
from harness.sweep import targets
from harness.sweep.plan import SweepRequest, candidates, new_sweep
from harness.sweep.run import execute
from tests.conftest import RunCli
from tests.page_site import evidence

pytestmark = pytest.mark.usefixtures("one_thread")
SUITES = [pytest.param(suites.get(name), id=name) for name in suites.files()]


def planned(**asked: Any) -> list[Any]:
    return candidates(SweepRequest.model_validate({"suite": "linear-8", "optimizers": ("sgd",), "lr": (0.1,)} | asked))


@pytest.mark.parametrize("suite", SUITES)
def test_a_suite_is_what_its_file_says(suite: suites.Suite) -> None:
    assert suites.files()[suite.name].stem == suite.name
    loaded = [catalog.load(one.problem) for one in suite.workloads]
    assert len({problem.label for problem in loaded}) == len(loaded)
    for one, problem in zip(suite.workloads, loaded, strict=True):
        assert (one.hidden is None) == (problem.relation == "linear")
        assert one.source
        assert one.target in (1e-1, 1e-2, 1e-4, 1e-6), "the targets' own rule"


def test_linear_8_has_the_kinds_that_it_is_named_for() -> None:
    suite = suites.get("linear-8")
    kinds = " ".join(one.kind for one in suite.workloads)
    for word in ("tutorial", "real data", "1e2", "1e4", "correlated", "heavy-tailed", "wide", "curve"):
        assert word in kinds
    curves = [catalog.load(one.problem) for one in suite.workloads if one.hidden]
    assert [problem.p for problem in curves] == [1, 5]


def test_every_network_of_a_suite_has_its_committed_target() -> None:
    heard: list[str] = []
    for one in planned():
        if not one.training.is_linear:
            found = targets.find(one.training, heard.append)
            assert found is not None
            assert len(found.best_by_seed) == targets.STORED.seeds
    assert heard == []


def test_a_workload_s_target_is_the_tightest_that_is_looked_for() -> None:
    given = planned()
    assert {one.suite for one in given} == {suites.get("linear-8").label}
    assert [one.target for one in given] == [one.target for one in suites.get("linear-8").workloads]
    assert [one.options.hidden for one in given if one.options.hidden] == [(8,), (8,)]
    changed = planned(epochs=5, dtype="float64")
    assert {one.suite for one in changed} == {"linear-8 version 1, dtype float64, epochs 5"}


@pytest.mark.slow
def test_a_suite_is_swept_kept_and_shown_with_its_targets() -> None:
    request = SweepRequest(suite="linear-8", optimizers=("sgd",), lr=(0.1,), seeds=2, epochs=3)
    given, kept = candidates(request), SweepStore(Store("sqlite://"))
    made = new_sweep(request, given)
    kept.start(made)
    cells = execute(made, given[-1:], kept)
    wanted = {one.problem.label: one.target for one in given}
    assert {cell.problem: cell.tolerances[-1] for cell in cells} == {c.problem: wanted[c.problem] for c in cells}
    assert all(cell.suite.startswith("linear-8 version 1") for cell in cells)
    back = kept.sweep(made.id)
    (table,) = [
        part
        for part in section(evidence((), sweep=back, cells=tuple(cells))).parts
        if isinstance(part, Table) and part.name == "training_suite"
    ]
    assert [row["problem"] for row in table.rows] == [one.problem for one in suites.get("linear-8").workloads]
    assert "least two of" in table.caption


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("run", "--suite", "linear-8", "--problem", "sine"), "--suite linear-8 says itself what is fitted"),
        (("run", "--suite", "linear-9"), "unknown suite 'linear-9': did you mean 'linear-8'"),
        (("sweep", "--suite", "linear-8", "--problem", "sine"), "drop --problem"),
        (("sweep", "--suite", "linear-8", "--hidden", "4"), "drop --hidden"),
    ],
)
def test_what_a_suite_says_itself_is_refused(words: tuple[str, ...], said: str, run_cli: RunCli) -> None:
    ended = run_cli(*words)
    assert (ended.code, ended.stdout) == (2, "")
    assert said in ended.stderr


@pytest.mark.slow
def test_the_page_of_a_suite_that_nobody_swept_is_one_line(run_cli: RunCli, tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path}/s.sqlite"
    assert (
        run_cli("run", "--problem", "four_points", "--solver", "numpy_lstsq", "--store", store, "--in-process").code
        == 0
    )
    ended = run_cli("report", "--quick", "--suite", "linear-8", "--store", store)
    assert ended.code == CannotMeasureError.exit_code
    assert "'harness sweep --suite linear-8' makes one" in ended.stderr


def test_drawn_workloads_are_what_their_docstrings_say() -> None:
    correlated = catalog.load("correlated:n=20000,p=3,rho=0.9")
    seen = np.asarray(np.corrcoef(correlated.X.T))
    # The standard error of a correlation near 0.9 is (1 - 0.81) / sqrt(20000) = 0.0013: five of them.
    np.testing.assert_allclose(seen[0], [1, 0.9, 0.81], atol=0.007)
    held = catalog.load("heavy_tails:n=60,test=20")
    assert (len(held.split.train), len(held.split.test), len(held.split.val)) == (40, 20, 0)
    curve = catalog.load("friedman:n=5000")
    line = np.column_stack([curve.X, np.ones(5000)])
    left = curve.y - line @ np.linalg.lstsq(line, curve.y, rcond=None)[0]
    assert left.var() > 4, "no plane fits: the noise has a variance of 1"
    for spec in ("correlated:n=5,test=4", "heavy_tails:freedom=0.5", "friedman:n=2,test=1", "correlated:rho=1"):
        with pytest.raises(UsageError, match="needs"):
            catalog.load(spec)
