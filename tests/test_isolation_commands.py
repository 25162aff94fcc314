"""Faults that take a process along, under `fit` and `findings`: the command outlives them, and says so."""

import json
from pathlib import Path

import pytest

from harness.judge.studies.findings import Ending
from harness.measure.isolation.isolated import Isolated
from harness.solvers import catalog
from harness.solvers.status import Status
from harness.studies.findings import findings, reproduce
from tests.conftest import RunCli
from tests.faults import MODULE, SOLVERS, limits
from tests.test_findings import QUICK

pytestmark = pytest.mark.slow

SHORT = ("auto_mpg", "torch_sgd", "--epochs", "20")
PLANTED = (  # one of each status; test_isolation.py has them all
    ("hangs_timed", Status.TIMEOUT, "while it was timed"),
    ("segfaults", Status.CRASHED, "SIGSEGV"),
    ("asks_for_all", Status.OUT_OF_MEMORY, "allocate"),
    ("writes_x", Status.ERROR, "wrote to the problem's X"),
)


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted solvers by name, here and in the worker that the command starts."""
    for name, solver in SOLVERS.items():
        monkeypatch.setitem(catalog.SOLVERS, name, solver)
    monkeypatch.setattr("harness.measure.session.Where.here", lambda _: Isolated(limits(), solvers=MODULE))


@pytest.mark.usefixtures("planted")
@pytest.mark.parametrize(("solver", "status", "message"), PLANTED)
def test_a_fault_is_a_status_with_advice_and_exit_code_1(
    solver: str, status: Status, message: str, run_cli: RunCli, tmp_path: Path
) -> None:
    ended = run_cli("fit", "four_points", solver, "--plot", "fit.svg")
    assert ended.code == 1
    said = " ".join(ended.stdout.split())
    assert message in said
    assert status.advice in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("solver", ["numpy_lstsq", "torch_sgd"])
def test_the_record_is_the_same_in_both_places(solver: str, run_cli: RunCli) -> None:
    words = ("fit", "auto_mpg", solver, *(SHORT[2:] if solver == "torch_sgd" else ()), "--json")
    there, here = (run_cli(*words, *where) for where in ((), ("--in-process",)))
    assert (there.code, there.stderr) == (here.code, here.stderr)
    records = [json.loads(ended.stdout) for ended in (there, here)]
    for record in records:
        assert record["samples"]["wall_s"]
        for name in ("prepare_s", "peak_bytes", "samples"):
            del record[name]
    assert records[0] == records[1]


def test_limits_are_kept_and_a_picture_is_drawn_of_what_ended_well(run_cli: RunCli, tmp_path: Path) -> None:
    ended = run_cli("fit", *SHORT[:2], "--lr", "1e-4", "--epochs", "1000000", "--timeout", "0.3", "--plot", "a.svg")
    assert ended.code == 1
    assert "longer than 0.3 s" in " ".join(ended.stdout.split())
    assert run_cli("fit", *SHORT, "--in-process", "--timeout", "3").code == 2
    assert list(tmp_path.iterdir()) == []
    assert run_cli("fit", "auto_mpg", "numpy_lstsq", "--plot", "b.svg").code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["b.svg"]


# findings --check


def written(folder: Path, **solvers: str) -> None:
    """Findings about numpy, of these ids, each with the case of its solver and a script that shows it."""
    (folder / "findings").mkdir()
    for name, solver in solvers.items():
        text = QUICK.replace("numpy_lstsq", solver).replace('id = "quick"', f'id = "{name}"')
        (folder / "findings" / f"{name}.toml").write_text(text)


@pytest.mark.usefixtures("planted")
def test_a_library_that_takes_the_process_along_is_a_line_and_the_next_is_reproduced(
    run_cli: RunCli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path, first="segfaults", second="hangs_gil", third="healthy")
    monkeypatch.setattr("harness.studies.findings.results_folder", lambda: tmp_path)
    ended = run_cli("findings", "--check", "--json")
    assert ended.code == 1
    lines = {line["id"]: line for line in json.loads(ended.stdout)}
    assert lines["first"]["case_says"].startswith("crashed")
    assert lines["second"]["case_says"].startswith("timeout")
    assert (lines["third"]["outcome"], lines["first"]["outcome"]) == (Ending.REPRODUCED, Ending.NOT_AS_SAID)


def test_findings_are_the_same_in_both_places_and_limits_go_with_a_check(
    run_cli: RunCli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path, first="numpy_lstsq", second="normal_equations")
    monkeypatch.setattr("harness.studies.findings.results_folder", lambda: tmp_path)
    there, here = (run_cli("findings", "--check", "--json", *where) for where in ((), ("--in-process",)))
    assert json.loads(there.stdout) == json.loads(here.stdout)
    assert [line.outcome for line in reproduce(findings())] == [line["outcome"] for line in json.loads(here.stdout)]
    refused = run_cli("findings", "--timeout", "5")
    assert refused.code == 2
    assert "go with --check" in refused.stderr
