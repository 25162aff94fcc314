"""What a shell offers for a word that is begun."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from inspect import signature
from pathlib import Path

import pytest

from harness.cli import app
from harness.cli.completing import COMPLETIONS, FOR_ONE_COMMAND, completing
from harness.judge.history.series import QUANTITIES as FOLLOWED
from harness.judge.speed.comparison import AXES
from harness.judge.versions.bisection import QUANTITIES as BISECTED
from harness.page.tutorials import SHOWN
from harness.problems import catalog as problems
from harness.report.figures.catalog import PAGE, remade_name
from harness.report.tables.accuracy import QUANTITIES as DIGITS
from harness.solvers.catalog import SOLVERS
from harness.solvers.options import ENGINES
from harness.solvers.training.optimizers import PRESETS
from harness.store.store import Store
from harness.studies.gallery import PLOTS
from harness.sweep.candidate import MODELS
from tests.conftest import RunCli, built
from tests.test_store import another_run

ROOT = Path(__file__).resolve().parents[1]
HEAVY = {"torch", "pandas", "sqlalchemy", "scipy", "sklearn", "statsmodels", "altair", "vl_convert"}
SCRIPT = f"""\
#!{sys.executable}
from harness.cli import main
main()
"""
KEY_PRESSES = """\
import os, sys
from harness.cli import main
sys.argv = ["harness"]
for line in ("harness run --problem a", "harness run --solver s", "harness gate --run 2"):
    os.environ["COMP_WORDS"] = line
    try:
        main()
    except SystemExit as ended:
        print(ended.code)
print(*{module.partition(".")[0] for module in sys.modules}, file=sys.stderr)
"""
SHELLS = ("bash", "zsh", "fish")
SAID = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
"""The shell is the one that is named, not the one that typer finds above itself."""

Offered = Callable[..., list[str]]


@pytest.fixture
def command(tmp_path: Path) -> Path:
    """The command `harness`, by that name."""
    script = tmp_path / "bin" / "harness"
    script.parent.mkdir()
    script.write_text(SCRIPT)
    script.chmod(0o755)
    return script


def run(command: Path, *words: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    path = f"{command.parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PATH": path, "HOME": str(command.parent), **variables}
    where = command.parents[1]
    return subprocess.run(words, cwd=where, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def offered(run_cli: RunCli, monkeypatch: pytest.MonkeyPatch) -> Offered:
    """What bash is offered for the last of these words."""
    monkeypatch.setenv("_HARNESS_COMPLETE", "complete_bash")

    def words(*line: str) -> list[str]:
        monkeypatch.setenv("COMP_WORDS", " ".join(("harness", *line)))
        monkeypatch.setenv("COMP_CWORD", str(len(line)))
        done = run_cli()
        assert (done.code, done.stderr) == (0, "")
        return [name for name in done.stdout.splitlines() if name]

    return words


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_for_each_shell_can_be_shown(run_cli: RunCli, monkeypatch: pytest.MonkeyPatch, shell: str) -> None:
    for name, value in SAID.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("typer.main.get_command", built.__wrapped__)  # typer asks as it makes it
    done = run_cli("--show-completion", shell)
    assert done.code == 0
    assert f"_HARNESS_COMPLETE=complete_{shell}" in done.stdout


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_it_is_installed_into_the_shell_s_own_file_which_completes_a_problem_s_name(command: Path) -> None:
    done = run(command, str(command), "--install-completion", "bash", **SAID)
    assert done.returncode == 0
    assert "bash completion installed in" in done.stdout
    assert (command.parent / ".bash_completions" / "harness.sh").is_file()
    words = (
        'source "$HOME/.bash_completions/harness.sh"; COMP_WORDS=(harness run --problem auto); COMP_CWORD=3; '
        '_harness_completion harness; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = run(command, "bash", "--norc", "-c", words, **SAID)
    assert (done.returncode, done.stdout) == (0, "auto_mpg\n"), done.stderr


def test_names_of_problems_and_solvers_are_offered_where_they_go(offered: Offered) -> None:
    assert offered("run", "--problem", "four") == ["four_points"]
    assert offered("fit", "four_points", "scipy") == ["scipy_gelsd", "scipy_gelsy"]
    assert offered("run", "--problem", "four_points", "--device", "") == ["auto", "cpu", "cuda", "xpu", "mps", "all"]
    assert offered("compare", "--by", "s") == ["solver", "size"]
    assert offered("run", "--problem", "no_such") == []


def test_the_newest_runs_of_the_store_that_is_named_are_offered(offered: Offered, tmp_path: Path) -> None:
    for path in (tmp_path / "results" / "harness.sqlite", tmp_path / "other.sqlite"):
        path.parent.mkdir(exist_ok=True)
        store = Store(str(path))
        for name in ("20260101-a", "20260101-b", "20250101-c"):
            store.start(another_run(name).model_copy(update={"id": f"{path.stem}-{name}", "started_at": name}))
    hostile = another_run("$(touch pwned)").model_copy(update={"id": "$(touch pwned)"})
    store.start(hostile)
    store.close()
    assert offered("gate", "--run", "") == ["harness-20250101-c", "harness-20260101-b", "harness-20260101-a"]
    assert offered("gate", "--store", "other.sqlite", "--run", "other-2026") == [
        "other-20260101-b",
        "other-20260101-a",
    ]
    assert offered("compare", "--store", "sqlite:///other.sqlite", "--run", "other-2025") == ["other-20250101-c"]
    assert offered("gate", "--store", "none.sqlite", "--run", "") == []
    assert offered("gate", "--store", "postgresql://x@localhost/y", "--run", "") == []
    assert "$" not in "".join(offered("gate", "--store", "other.sqlite", "--run", ""))
    (tmp_path / "torn.sqlite").write_bytes(b"no database" * 100)
    assert offered("gate", "--store", "torn.sqlite", "--run", "") == []


@pytest.mark.slow
def test_nothing_heavy_is_loaded_for_a_key_press(command: Path) -> None:
    said = {"_HARNESS_COMPLETE": "complete_bash", "COMP_CWORD": "3"}
    done = run(command, sys.executable, "-c", KEY_PRESSES, **said)
    assert done.stdout.splitlines()[-1] == "0", done.stderr
    assert "auto_mpg" in done.stdout.splitlines(), "a problem was offered"
    loaded = set(done.stderr.split())
    assert "typer" in loaded
    assert not HEAVY & loaded


def test_what_is_offered_is_what_is_taken() -> None:
    def names(command: str, parameter: str) -> set[str]:
        return set(FOR_ONE_COMMAND[command][parameter](None))  # type: ignore[arg-type]  # these need no context

    def common(parameter: str) -> set[str]:
        return set(COMPLETIONS[parameter](None))  # type: ignore[arg-type]  # same

    assert names("compare", "by") == set(AXES)
    assert names("accuracy", "quantity") == set(DIGITS)
    assert names("history", "quantity") == set(FOLLOWED)
    assert names("bisect", "quantity") == set(BISECTED)
    assert names("plot", "name") == {"list", *PLOTS, *PAGE, *(remade_name(t, p) for t, of in SHOWN.items() for p in of)}
    assert names("sweep", "optimizer") == set(PRESETS)
    assert common("model") == set(MODELS)
    assert common("engine") == set(ENGINES)
    assert common("problem") == set(problems.names())
    assert common("solver") == set(SOLVERS)
    assert "torch_gelsd_cutoff" in common("finding")
    assert "auto_mpg" in common("tutorial")


def test_every_name_of_the_table_is_a_command_s_parameter() -> None:
    callbacks = [one.callback for one in app.registered_commands if one.callback is not None]
    commands = {one.__name__: set(signature(one).parameters) for one in callbacks}
    everywhere = set().union(*commands.values())
    assert set(COMPLETIONS) <= everywhere
    for name, parameters in FOR_ONE_COMMAND.items():
        assert set(parameters) <= commands[name]


def test_a_completion_that_a_command_has_of_its_own_is_left() -> None:
    from typing import Annotated

    import typer

    def own(problem: Annotated[str, typer.Option(autocompletion=list)] = "", solver: str = "") -> None:
        pass

    assert completing(own) is own
    assert signature(own).parameters["problem"].annotation.__metadata__[0].autocompletion is list
