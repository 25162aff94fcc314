"""harness init: what is missing is written, nothing that is there is changed."""

import ast
import json
from pathlib import Path

import pytest

from harness.config import config
from harness.files.asv_settings import asv_settings
from harness.init.solvers import MOST, estimators, project_name
from harness.judge.gate.expectations import read_expectations
from tests.conftest import RunCli

ESTIMATOR = """
class Line:
    def fit(self, X, y):
        self.coef_, self.intercept_ = 0, 0
        return self
"""
WRITTEN = (
    "harness.toml",
    "benchmarks/expectations.toml",
    "tests/test_least_squares.py",
    "asv.conf.json",
    "benchmarks/__init__.py",
    "benchmarks/least_squares.py",
    ".github/workflows/harness.yml",
    ".gitignore",
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".git").mkdir()
    (tmp_path / "linefit").mkdir()
    (tmp_path / "linefit/__init__.py").write_text(ESTIMATOR)
    return tmp_path


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_what_is_missing_is_written_and_can_be_read(folder: Path, run_cli: RunCli) -> None:
    ended = run_cli("init")
    assert (ended.code, ended.stderr) == (0, "")
    assert ended.stdout.splitlines()[:-1] == [f"wrote {name}" for name in WRITTEN]
    assert config(folder).content.solvers == ("linefit:Line",)
    assert read_expectations(folder / "benchmarks/expectations.toml").expect == ()
    assert asv_settings(folder)["benchmark_dir"] == "benchmarks"
    for name in WRITTEN:
        if name.endswith(".py"):
            ast.parse((folder / name).read_text())
    assert '"linefit:Line"' in (folder / "tests/test_least_squares.py").read_text()
    assert "${{ github.base_ref }}" in (folder / ".github/workflows/harness.yml").read_text()


def test_a_second_time_changes_nothing(folder: Path, run_cli: RunCli) -> None:
    run_cli("init")
    before = everything(folder)
    ended = run_cli("init")
    assert everything(folder) == before
    assert all(line.startswith("kept ") for line in ended.stdout.splitlines()[:-1])


def test_nothing_that_is_there_is_changed(folder: Path, run_cli: RunCli) -> None:
    (folder / ".gitignore").write_text("build/\n.asv/")
    (folder / "asv.conf.json").write_text('{\n// mine\n"benchmark_dir": "speed",\n}')
    (folder / "tests").mkdir()
    (folder / "tests/test_least_squares.py").write_text("mine\n")
    (folder / "harness.toml").write_text('solvers = ["numpy_lstsq"]\nexpectations = "limits.toml"\n')
    before = everything(folder)
    assert run_cli("init").code == 0
    after = everything(folder)
    assert after[".gitignore"] == b"build/\n.asv/\nbenchmarks/harness.sqlite*\n"
    assert {name: after[name] for name in before if name != ".gitignore"} == {
        name: text for name, text in before.items() if name != ".gitignore"
    }
    assert "limits.toml" in after
    assert "speed/least_squares.py" in after
    assert b'"numpy_lstsq"' in after["speed/least_squares.py"]


def test_a_table_of_pyproject_stays_the_configuration(folder: Path, run_cli: RunCli) -> None:
    (folder / "pyproject.toml").write_text('[project]\nname = "a-project"\n[tool.harness]\nsolvers = ["sklearn"]\n')
    ended = run_cli("init")
    assert ended.stdout.startswith("kept harness.toml: [tool.harness] of pyproject.toml is there\n")
    assert not (folder / "harness.toml").exists()
    assert '"project": "a-project"' in (folder / "asv.conf.json").read_text()


def test_a_dry_run_writes_nothing(folder: Path, run_cli: RunCli) -> None:
    before = everything(folder)
    ended = run_cli("init", "--dry-run")
    assert everything(folder) == before
    assert [line for line in ended.stdout.splitlines() if line and not line.startswith("    ")] == [
        f"would write {name}" for name in WRITTEN
    ]
    assert '    solvers = ["linefit:Line"]' in ended.stdout.splitlines()


def test_a_solver_that_is_named_is_taken(folder: Path, run_cli: RunCli) -> None:
    assert run_cli("init", "--solver", "linefit.fast:Line", "--solver", "numpy_lstsq").code == 0
    assert config(folder).content.solvers == ("linefit.fast:Line", "numpy_lstsq")


def test_without_an_estimator_and_without_git_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run_cli: RunCli
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = run_cli("init")
    assert ended.code == 0
    assert "numpy_lstsq stands for yours" in ended.stderr
    assert "no git repository" in ended.stderr


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("harness.toml", "solver = 1\n", "harness.toml: unknown key 'solver': did you mean 'solvers'?"),
        ("asv.conf.json", "{", "asv.conf.json: cannot be read: "),
        ("asv.conf.json", "[]", "asv.conf.json: cannot be read: it is no object"),
        ("asv.conf.json", '{"benchmark_dir": 1}', "asv.conf.json: benchmark_dir is no text"),
        ("pyproject.toml", "[", "pyproject.toml: "),
    ],
)
def test_one_line_for_what_cannot_be_read(folder: Path, run_cli: RunCli, name: str, text: str, said: str) -> None:
    (folder / name).write_text(text)
    ended = run_cli("init")
    assert ended.code == 2
    assert ended.stderr.startswith(f"harness: {said}")
    assert ended.stderr.count("\n") == 1


def test_one_line_for_a_solver_that_is_none(folder: Path, run_cli: RunCli) -> None:
    ended = run_cli("init", "--solver", "linefit:")
    assert ended.code == 2
    assert ended.stderr.count("\n") == 1
    assert "'linefit:'" in ended.stderr
    assert "package.module:name" in ended.stderr


def test_one_line_where_nothing_can_be_written(folder: Path, run_cli: RunCli) -> None:
    (folder / "benchmarks").write_text("a file\n")
    ended = run_cli("init")
    assert ended.code in (2, 3)
    assert ended.stderr.startswith("harness: benchmarks/expectations.toml: cannot be written: ")


def test_estimators_are_found_without_importing_them(folder: Path) -> None:
    inside = folder / "src" / "other"
    (inside / "tests").mkdir(parents=True)
    (inside / "__init__.py").write_text("raise SystemExit('imported')\n")
    (inside / "line.py").write_text(ESTIMATOR + "class _Hidden(Line):\n" + ESTIMATOR.partition(":\n")[2])
    (inside / "broken.py").write_text("class (:\n")
    (inside / "tests" / "planted.py").write_text(ESTIMATOR)
    (inside / "classifier.py").write_text(ESTIMATOR.replace("coef_", "classes").replace("intercept_", "priors"))
    (inside / "tree.py").write_text(ESTIMATOR.replace("X, y", "data"))
    assert estimators(folder) == ["linefit:Line", "other.line:Line"]
    for number in range(9):
        (inside / f"line{number}.py").write_text(ESTIMATOR)
    assert len(estimators(folder)) == MOST


def test_the_name_of_a_project(folder: Path) -> None:
    assert project_name(folder) == folder.name
    (folder / "pyproject.toml").write_text('[project]\nname = "linefit"\n')
    assert project_name(folder) == "linefit"
    assert json.dumps(project_name(folder)) == '"linefit"'
