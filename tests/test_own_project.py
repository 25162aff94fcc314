"""Somebody's own repository: both revisions built, measured by this harness, told apart by their answers."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.ab import project, revisions
from harness.ab.building import BuildFailedError
from harness.ab.environments import of_revisions
from harness.ab.process import identify
from harness.ab.sources import of_commit, of_working_tree
from harness.errors import CannotMeasureError, UsageError
from harness.files.asv_settings import ASV
from harness.git import commit_of
from harness.git import git as run_git
from harness.store.store import Store
from tests.conftest import RunCli
from tests.git_checkout import GitCheckout

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("shared_builds")]

PYPROJECT = """
[build-system]
requires = ["hatchling>=1.26"]
build-backend = "hatchling.build"

[project]
name = "linefit-of-the-tests"
version = "0.0.1"
dependencies = ["numpy>=1.0"]

[tool.hatch.build.targets.wheel]
packages = ["linefit_of_the_tests"]
"""
MODULE = """
import numpy as np

def solve(X, y):
    return np.linalg.lstsq(X, y, rcond=None)[0]{change}
"""
NAME = "linefit_of_the_tests:solve"
LOSES = " * (1 + 1e-8)"


def git(checkout: GitCheckout, change: str = "") -> None:
    checkout.write("linefit_of_the_tests/__init__.py", MODULE.format(change=change))


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two commits, the second of which loses digits and has a solver that the first lacks."""
    folder = tmp_path_factory.mktemp("planted")
    made = GitCheckout(folder)
    (folder / "linefit_of_the_tests").mkdir()
    made.write("pyproject.toml", PYPROJECT)
    made.write("harness.toml", f'solvers = ["{NAME}"]\nproblems = ["nist_norris"]\n')
    git(made)
    made.commit("right")
    git(made, LOSES)
    made.write("linefit_of_the_tests/later.py", MODULE.format(change=""))
    made.commit("loses digits")
    return folder


@pytest.fixture
def checkout(planted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GitCheckout:
    """A copy of that: its two commits have the same names in every test, and are built once."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    shutil.copytree(planted, tmp_path, dirs_exist_ok=True)
    return GitCheckout(tmp_path)


@pytest.fixture(autouse=True)
def forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Modules of another test's project are not this one's."""
    for name in [name for name in sys.modules if name.startswith("linefit_of_the_tests")]:
        monkeypatch.delitem(sys.modules, name)


def ab(run_cli: RunCli, *words: object) -> tuple[int, Any]:
    ended = run_cli("ab", *words, "--budget", "0.001", "--json", "--quiet")
    assert ended.stdout, ended.stderr
    return ended.code, json.loads(ended.stdout)


def test_a_loss_of_digits_between_two_revisions_of_a_project(run_cli: RunCli, checkout: GitCheckout) -> None:
    """And a solver that one of them lacks is its own cell's row."""
    code, found = ab(run_cli, "HEAD~1", "HEAD", "--solver", NAME, "--solver", "linefit_of_the_tests.later:solve")
    assert code == 1
    cells = {cell["solver"]: cell for cell in found["cells"]}
    lost, later = cells[NAME], cells["linefit_of_the_tests.later:solve"]
    assert lost["base"]["digits"] > 11
    assert 7.5 < lost["head"]["digits"] < 8.5
    assert "there is no module linefit_of_the_tests.later" in later["base"]["message"]
    assert later["verdict"] == "undecided"
    assert found["head"]["versions"]["linefit-of-the-tests"] == "0.0.1"


def test_what_is_not_committed_is_a_side(run_cli: RunCli, checkout: GitCheckout) -> None:
    git(checkout, " * (1 + 1e-3)")
    checkout.write("linefit_of_the_tests/untracked.py", "HERE = 1\n")
    before = sorted(checkout.path.rglob("*"))
    code, found = ab(run_cli, "HEAD", "--dirty")
    (cell,) = found["cells"]
    assert code == 1
    assert 2.5 < cell["head"]["digits"] < 3.5
    name = found["head"]["name"]
    assert name == f"uncommitted changes on {commit_of('HEAD', checkout.path)[:12]}"
    assert found["head"]["commit"] is None
    sides = of_revisions("HEAD", None, checkout.path, lambda _: None)
    assert sides.head.tree is not None
    assert (sides.head.tree / "linefit_of_the_tests/untracked.py").is_file()
    assert sorted(checkout.path.rglob("*")) == before, "the checkout is only read"


def test_the_key_of_a_working_tree_is_its_files(checkout: GitCheckout) -> None:
    first = of_working_tree(checkout.path)
    assert of_working_tree(checkout.path) == first
    git(checkout, " * 2")
    changed = of_working_tree(checkout.path)
    assert changed != first
    git(checkout, LOSES)
    (checkout.path / "ignored.txt").write_text("x")
    (checkout.path / ".git/info/exclude").write_text("ignored.txt\n")
    assert of_working_tree(checkout.path) == first


@pytest.mark.parametrize("flag", [["HEAD~1", "HEAD", "--dirty"], ["--dirty"]])
def test_dirty_is_the_head_alone(run_cli: RunCli, checkout: GitCheckout, flag: list[str]) -> None:
    ended = run_cli("ab", *flag)
    assert ended.code == 2
    assert "--dirty is the head" in ended.stderr


def test_bisect_finds_the_commit_of_a_project(run_cli: RunCli, checkout: GitCheckout) -> None:
    guilty = commit_of("HEAD", checkout.path)
    checkout.write("README", "text\n")
    checkout.commit("no change")
    ended = run_cli("bisect", "nist_norris", NAME, "--good", "HEAD~2", "--quantity", "digits", "--json")
    assert ended.code == 0, ended.stderr
    assert guilty in ended.stdout


def test_runs_and_their_history_are_about_the_projects_commits(run_cli: RunCli, checkout: GitCheckout) -> None:
    for commit in ("HEAD~1", "HEAD"):
        checkout.git("checkout", "--quiet", commit if commit != "HEAD" else "main")
        assert run_cli("run", "--quiet").code == 0
    runs = Store(str(checkout.path / "results/harness.sqlite")).runs()
    assert [one.environment.commit for one in runs] == [commit_of(one, checkout.path) for one in ("HEAD~1", "HEAD")]


def test_a_project_without_a_build_is_measured_as_it_is(checkout: GitCheckout) -> None:
    (checkout.path / "pyproject.toml").unlink()
    checkout.write("loose.py", "HERE = 1\n")
    commit = checkout.commit("nothing to build")
    built = revisions.built(of_commit(commit, checkout.path), lambda _: None)
    assert (built.package / "loose.py").is_file()
    assert project.modules(built.package) == ("linefit_of_the_tests", "loose")


def test_the_build_commands_of_asv_are_its_build(checkout: GitCheckout) -> None:
    checkout.write(
        ASV,
        """{
    // as asv has it
    "build_command": [
        "python -c \\"open('linefit_of_the_tests/made.py', 'w').write('HERE = 2')\\"",
        "python -m pip wheel --no-deps --no-build-isolation -w {build_cache_dir} {build_dir}",
    ],
}""",
    )
    commit = checkout.commit("builds by its own commands")
    built = revisions.built(of_commit(commit, checkout.path), lambda _: None)
    assert (built.package / "linefit_of_the_tests/made.py").read_text() == "HERE = 2"


@pytest.mark.parametrize("command", ["no-such-command-at-all", "python -c 'raise SystemExit(3)'"])
def test_a_build_command_that_fails_is_named(checkout: GitCheckout, command: str) -> None:
    checkout.write(ASV, json.dumps({"build_command": command}))
    commit = checkout.commit("does not build")
    with pytest.raises(BuildFailedError, match=f"{commit[:12]} does not build: .*exited (127|3)"):
        revisions.built(of_commit(commit, checkout.path), lambda _: None)


def test_an_asv_file_that_cannot_be_read_is_named(checkout: GitCheckout) -> None:
    checkout.write(ASV, "{")
    commit = checkout.commit("no JSON")
    with pytest.raises(UsageError, match=r"^asv.conf.json: cannot be read"):
        revisions.built(of_commit(commit, checkout.path), lambda _: None)


def test_a_module_from_elsewhere_is_refused(checkout: GitCheckout, monkeypatch: pytest.MonkeyPatch) -> None:
    sides = of_revisions("HEAD", "HEAD", checkout.path, lambda _: None)
    assert sides.head.package is not None
    (sides.head.package / "sys.py").write_text("")  # built in: it can be imported from nowhere else
    with pytest.raises(CannotMeasureError, match="sys is imported from built-in, not from what was built"):
        identify(sides.head)
    (sides.head.package / "sys.py").unlink()


def test_a_project_whose_solvers_nobody_names(run_cli: RunCli, checkout: GitCheckout) -> None:
    (checkout.path / "harness.toml").unlink()
    ended = run_cli("ab", "HEAD~1", "HEAD")
    assert ended.code == 2
    assert "--solver package.module:name" in ended.stderr


def test_what_is_built_is_a_repository_whose_tags_and_files_git_knows(checkout: GitCheckout, tmp_path: Path) -> None:
    """Setuptools-scm and hatch-vcs ask git for the version and for the files of the package."""
    top = tmp_path.resolve()
    assert not run_git(top, "tag", "v1.2").returncode
    head = commit_of("HEAD", top)
    checkout.write("new.py", "")
    before = run_git(top, "status", "--porcelain").stdout
    for number, (source, known) in enumerate(((of_commit(head, top), False), (of_working_tree(top), True))):
        target = tmp_path.parent / f"{tmp_path.name}-{number}" / "source"
        source.write(target, tmp_path / "log")
        assert run_git(target, "describe", "--tags").stdout == "v1.2\n"
        listed = run_git(target, "ls-files").stdout.split()
        assert ("pyproject.toml" in listed, "new.py" in listed) == (True, known)
        assert (target / "pyproject.toml").read_text() == PYPROJECT
    assert run_git(top, "status", "--porcelain").stdout == before
