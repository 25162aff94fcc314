"""asv for real: an environment built, the whole suite over a commit and a part over another, the gate, the site."""

import json
import math
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from harness.records.asv_listing import listed_benchmarks
from harness.records.asv_results import AsvResults, read_results
from tests.asv_project import ANSWER, MACHINE, NUMPY_SOLVER, ROOT, AsvProject
from tests.asv_site import Site
from tests.browser import browser, serve
from tests.conftest import RunCli

pytestmark = [
    pytest.mark.slow,
    pytest.mark.asv,
    pytest.mark.skipif(not (ROOT / ".git").exists(), reason="asv needs the project's git history"),
]

PLANTED = "closed_forms.Digits numpy_lstsq everyday cpu"
TOUCHED = r"closed_forms\.(Digits|Loss|Fit)\."
"""What the lossy commit is measured on: the others do not fit by numpy's solver, or track no answer of it."""


class Ran:
    """The clone after the suite has run over an honest commit, and what it touches over one that loses digits."""

    def __init__(self, folder: Path) -> None:
        self.project = AsvProject.clone(folder)
        self.honest = self.project.git("rev-parse", "HEAD")
        self.project.replace(NUMPY_SOLVER, ANSWER, "return beta * (1 + 1e-7), int(rank)")
        self.lossy = self.project.commit("Lose digits")
        self.project.run(self.honest)
        self.project.run(self.lossy, bench=TOUCHED)

    def results(self, commit: str) -> AsvResults:
        (found,) = read_results(self.project.results, commit=commit)
        return found


@pytest.fixture(scope="module")
def ran() -> Iterator[Ran]:
    with TemporaryDirectory(dir="/var/tmp") as folder:  # its own; on the disk: torch is in it
        yield Ran(Path(folder))


def test_no_benchmark_failed(ran: Ran) -> None:
    listed = listed_benchmarks(ran.project.results)
    touched = {name for name in listed if re.match(TOUCHED, name)}
    for commit, expected in ((ran.honest, listed), (ran.lossy, touched)):
        cells = ran.results(commit).cells
        assert {cell.name for cell in cells} == expected
        assert [cell.label for cell in cells if cell.value is None] == []
        on_cpu = [cell for cell in cells if dict(cell.params)["device"] == "cpu"]
        assert [cell.label for cell in on_cpu if not math.isfinite(cell.value or 0.0)] == []


def test_the_environment_holds_the_pinned_versions(ran: Ran) -> None:
    pinned = dict(re.findall(r"^([\w.-]+)==(.+)$", (ROOT / "constraints.txt").read_text(), flags=re.MULTILINE))
    requirements = ran.results(ran.honest).requirements
    named = {name.removeprefix("pip+"): version for name, version in requirements.items()}
    assert {"torch", "numpy", "scipy", "scikit-learn", "statsmodels"} <= set(named)
    for name, version in named.items():
        assert version == pinned[name], name
    (python,) = (ran.project.path / ".asv/env").glob("*/bin/python")
    frozen = subprocess.run([python, "-m", "pip", "freeze"], capture_output=True, text=True, check=True).stdout
    installed = dict(re.findall(r"^([\w.-]+)==([^+\n]+)", frozen, flags=re.MULTILINE))
    for name in ("pandas", "pydantic", "python-flint", "SQLAlchemy"):
        assert installed[name.lower().replace("sqlalchemy", "SQLAlchemy")] == pinned[name], name


def test_the_gate_passes_the_honest_commit(ran: Ran, run_cli: RunCli) -> None:
    ended = run_cli("gate", "--asv", "--results", ran.project.results, "--commit", ran.honest)
    assert ended.code == 0, ended.stdout
    assert "gate passed" in ended.stdout


def test_the_gate_fails_the_lossy_commit_and_names_the_case(ran: Ran, run_cli: RunCli) -> None:
    words = ("gate", "--asv", "--results", ran.project.results, "--commit", ran.lossy, "--bench", TOUCHED)
    ended = run_cli(*words, "--json")
    assert ended.code == 1
    breaches = [j for j in json.loads(ended.stdout)["judgements"] if j["verdict"] != "unchanged"]
    assert {(j["case"], j["quantity"]) for j in breaches} == {("everyday:n=2000,seed=0 numpy_lstsq cpu", "digits")}


def test_the_gate_against_the_base_names_the_benchmark(ran: Ran, run_cli: RunCli) -> None:
    words = ("gate", "--asv", "--results", ran.project.results, "--commit", ran.lossy, "--base", ran.honest)
    ended = run_cli(*words, "--bench", "closed_forms.Digits", "--json")
    assert ended.code == 1
    assert PLANTED in ended.stdout
    speed = run_cli(*words, "--bench", r"closed_forms\.Fit\.")
    assert speed.code == 3, speed.stdout  # nothing that is gated was compared
    assert "not gated" in speed.stdout


def test_asv_s_results_come_into_the_store_and_the_comparison(ran: Ran, run_cli: RunCli, store_path: Path) -> None:
    words = ("import", "asv", "--results", ran.project.results, "--commit", ran.honest, "--store", store_path)
    assert "records" in run_cli(*words).stdout
    assert "nothing new" in run_cli(*words).stdout
    ended = run_cli("compare", "--by", "solver", "--store", store_path, "--problem", "synthetic")
    assert ended.code == 0, ended.stderr
    assert "relative to numpy_lstsq" in ended.stdout


def test_asv_s_own_commands_read_the_results(ran: Ran) -> None:
    compared = ran.project.asv("compare", "--machine", MACHINE, ran.honest, ran.lossy)
    assert "closed_forms.Digits.track_digits_lost('numpy_lstsq', 'everyday', 'cpu')" in compared
    assert "closed_forms.Fit" in ran.project.asv("show", "--machine", MACHINE, ran.honest)


@pytest.fixture(scope="module")
def published(ran: Ran) -> Path:
    """The site of what ran: asv draws the benchmarks that its last run lists, so it is made before `faulty` runs."""
    ran.project.git("checkout", "--quiet", "-B", "main", ran.lossy)
    ran.project.asv("publish")
    return ran.project.path / ".asv/html"


@pytest.fixture(scope="module")
def site(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Site:
    return Site.offline(published, tmp_path_factory.mktemp("libraries"))


def test_the_published_site_draws_the_step(site: Site) -> None:
    """In a real browser: the graph of numpy's digits is drawn, and the planted loss is a step in it."""
    with serve(site.folder) as address, browser() as page:
        page.get(f"{address}/#closed_forms.Digits.track_digits_lost")
        series = site.plotted(page)
        steps = [max(y) - min(y) for y in series if len(y) > 1]
        assert max(steps) > 2
        assert sum(step > 0.5 for step in steps) == 1
        assert page.find_elements("css selector", "canvas.flot-base")
        logged = page.get_log("browser")  # type: ignore[no-untyped-call]
        errors = [entry for entry in logged if entry["level"] == "SEVERE"]
        assert [entry for entry in errors if "favicon" not in entry["message"]] == []


def test_the_published_grid_lists_every_benchmark(site: Site, ran: Ran) -> None:
    with serve(site.folder) as address, browser() as page:
        page.get(f"{address}/#/summarylist")
        text = site.text_when(page, "#summarylist-body", "track_digits_lost")
        for family in {name.partition(".")[0] for name in listed_benchmarks(ran.project.results)}:
            assert family in text


@pytest.fixture(scope="module")
def faulty(ran: Ran, published: Path) -> str:
    """A commit that deletes a benchmark and returns NaN, which another benchmark tracks."""
    project = ran.project
    project.git("checkout", "--quiet", ran.honest)
    project.replace("suites/closed_forms.py", "class Digits(_Digits)", "class _Deleted(_Digits)")
    project.replace(NUMPY_SOLVER, ANSWER, 'return beta * float("nan"), int(rank)')
    commit = project.commit("Delete a benchmark, return NaN")
    project.git("checkout", "--quiet", "-B", "main", commit)
    with pytest.raises(AssertionError, match="no number to track"):
        project.run(commit, bench="closed_forms.Digits|closed_forms.Loss")  # asv exits 2: a benchmark failed
    return commit


# The last tests of this file: from here on asv lists one benchmark fewer.


def test_a_deleted_benchmark_fails(ran: Ran, faulty: str, run_cli: RunCli) -> None:
    words = ("gate", "--asv", "--results", ran.project.results, "--commit", faulty, "--base", ran.honest)
    ended = run_cli(*words, "--bench", "closed_forms.Digits", "--json")
    assert ended.code == 1
    assert "parameters were deleted" in ended.stdout
    assert PLANTED in ended.stdout


def test_a_nan_is_a_failed_benchmark_and_fails(ran: Ran, faulty: str, run_cli: RunCli) -> None:
    words = ("gate", "--asv", "--results", ran.project.results, "--commit", faulty)
    ended = run_cli(*words, "--bench", "closed_forms.Loss", "--json")
    assert ended.code == 1
    assert "the benchmark failed" in ended.stdout
