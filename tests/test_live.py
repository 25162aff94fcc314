"""What a run shows while it goes: lines that fit a terminal of any width, now and then a line in a log."""

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from harness.measure.plan import Case, single
from harness.measure.recording import record_of
from harness.problems.generators import everyday
from harness.records.record import Accuracy, Record, Samples, Status
from harness.report.terminal import console as consoles
from harness.report.terminal.live import Live, SweepLive
from harness.report.terminal.live_lines import LOG_EVERY_S, LOG_SHARE, animated, rough
from harness.report.terminal.tally import Tally
from harness.report.terminal.working import Working
from harness.solvers import catalog
from harness.solvers.options import Options
from tests.conftest import RunCli

pytestmark = pytest.mark.usefixtures("in_process")

ROOT = Path(__file__).resolve().parents[1]
NOON = datetime(2026, 3, 2, 12, 0, 0, tzinfo=UTC)
WIDTHS = (40, 60, 80, 100, 140)


class Machine:
    """A clock that stands until it is moved, and the time of day by it."""

    def __init__(self) -> None:
        self.s = 0.0

    def clock(self) -> float:
        return self.s

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.s)


def case(solver: str = "numpy_lstsq") -> Case:
    return single(everyday(n=20), catalog.get(solver), Options())


def record(
    solver: str = "numpy_lstsq", *, digits: float | None = 10.6, status: Status = Status.OK, wall_s: float = 1e-3
) -> Record:
    made = record_of(case(solver), status, "", unit="fit", accuracy=Accuracy(digits=digits))
    return made.model_copy(update={"samples": Samples((wall_s,) * 3, (wall_s,) * 3)})


def live(machine: Machine, total: int = 4, *, width: int = 100, terminal: bool = True, quiet: bool = False) -> Live:
    console = Console(file=StringIO(), force_terminal=terminal, width=width)
    return Live(console, total, quiet=quiet, clock=machine.clock, now=machine.now)


def drawn(shown: Live | SweepLive, width: int) -> list[str]:
    """The lines as they stand."""
    paper = Console(file=StringIO(), width=width, force_terminal=False)
    shown.progress.console.width = width
    paper.print(shown.progress.get_renderable())
    return written(paper).splitlines()


def written(console: Console) -> str:
    """What a console over a StringIO holds."""
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def half_done(machine: Machine) -> Live:
    """Two of four cases, of which one is wrong, in 40 seconds."""
    shown = live(machine)
    for made in (record("sklearn", digits=0.0, status=Status.WRONG), record()):
        shown.working(case(made.solver).key)
        machine.s += 10
        shown.fitted(made)
    shown.working("timing 2 cases in turn")
    for made in (record("sklearn", digits=0.0, status=Status.WRONG), record()):
        machine.s += 10
        shown.ended(made)
    shown.working(case("scipy_gelsd").key)
    return shown


def says(line: str, *facts: str) -> bool:
    """Whether a line has these facts, in this order."""
    places = [line.find(fact) for fact in facts]
    return min(places) >= 0 and places == sorted(places)


def test_the_lines_say_what_is_in_flight_what_is_done_when_it_ends_and_the_worst_digits() -> None:
    flying, bar, accuracy, speed = drawn(half_done(Machine()), 100)
    assert flying == case("scipy_gelsd").key
    assert bar.startswith("━")
    # 3 steps were seen in 30 seconds after the first; 4 are left.
    assert bar.endswith("2/4 cases  ends 12:01:20, in 40 s")
    assert says(accuracy, "1 ended badly", "0.0 digits", "sklearn", "everyday:n=20,seed=0")
    assert says(speed, "numpy_lstsq", "1.00 ms", "everyday:n=20,seed=0")
    assert "ahead of" not in speed


def test_cases_that_are_verified_and_not_yet_timed_are_counted() -> None:
    """All of a problem are timed after the last is verified: until then none has ended, and much is done."""
    machine = Machine()
    shown = live(machine)
    for solver in ("sklearn", "numpy_lstsq", "scipy_gelsd"):
        machine.s += 10
        shown.fitted(record(solver))
    assert "0/4 cases, 3 to be timed" in drawn(shown, 100)[1]
    shown.ended(record("sklearn"))
    assert "1/4 cases, 2 to be timed" in drawn(shown, 100)[1]


@pytest.mark.parametrize("width", WIDTHS)
def test_no_line_is_longer_than_the_terminal_and_none_is_wrapped(width: int) -> None:
    lines = drawn(half_done(Machine()), width)
    assert len(lines) == 4
    assert max(map(len, lines)) <= width
    assert "2/4 cases" in lines[1]
    assert "in 40 s" in lines[1]
    assert lines[2].startswith("1 ended badly; worst 0.0 digits: sk")


def test_a_terminal_that_is_made_narrower_gets_narrower_lines() -> None:
    shown = half_done(Machine())
    assert max(map(len, drawn(shown, 100))) > 50
    assert max(map(len, drawn(shown, 30))) <= 30


def test_the_end_counts_down_between_two_cases() -> None:
    machine = Machine()
    shown = half_done(machine)
    machine.s += 25
    assert "ends 12:01:20, in 15 s" in drawn(shown, 100)[1]
    machine.s += 100
    assert "in 0 s" in drawn(shown, 100)[1]


def test_an_end_on_another_day_names_the_day() -> None:
    machine = Machine()
    shown = live(machine, total=10)
    for _ in range(2):
        machine.s += 3600
        shown.fitted(record())
    assert "ends Tue 08:00, in 18 h 0 min" in drawn(shown, 100)[1]


def test_the_fastest_is_of_what_is_right_and_says_how_far_it_is_ahead() -> None:
    tally = Tally()
    for made in (
        record("sklearn", digits=0.0, status=Status.WRONG, wall_s=1e-6),
        record(wall_s=4e-3),
        record("scipy_gelsd", wall_s=1e-3),
        record("scipy_gelsy", wall_s=2e-3),
    ):
        tally.fitted(made)
        tally.ended(made)
    assert says(tally.speed, "scipy_gelsd", "1.00 ms", "2.00x", "scipy_gelsy", "everyday:n=20,seed=0")
    assert (tally.done, tally.bad) == (4, 1)


def test_a_case_that_goes_wrong_while_it_is_timed_counts_once() -> None:
    tally = Tally()
    tally.fitted(record())
    tally.fitted(record("sklearn", digits=0.0, status=Status.WRONG))
    assert tally.bad == 1
    tally.ended(record(status=Status.TIMEOUT))
    tally.ended(record("sklearn", digits=0.0, status=Status.WRONG))
    assert tally.bad == 2


def test_the_worst_digits_are_a_closed_form_s_not_a_training_s_that_needs_more_epochs() -> None:
    tally = Tally()
    tally.fitted(record("torch_sgd", digits=3.1))
    assert says(tally.accuracy, "3.1 digits", "torch_sgd", "everyday:n=20,seed=0")
    assert "ended badly" not in tally.accuracy
    tally.fitted(record("torch_sgd", digits=0.2, status=Status.NOT_CONVERGED))
    tally.fitted(record(digits=9.7))
    tally.fitted(record(digits=float("nan"), status=Status.DIVERGED))
    tally.fitted(record(digits=None, status=Status.UNSUPPORTED))
    assert says(tally.accuracy, "1 ended badly", "9.7 digits", "numpy_lstsq", "everyday:n=20,seed=0")


def test_a_hostile_name_is_shown_and_does_nothing() -> None:
    shown = live(Machine())
    shown.working("[red]a\x1b]0;title\x07\u202eb")
    assert drawn(shown, 100)[0] == "[red]a\ufffd]0;title\ufffd\ufffdb"


# A log


def logged(machine: Machine, steps: int, every_s: float, *, quiet: bool = False) -> list[str]:
    shown = live(machine, total=steps, terminal=False, quiet=quiet)
    with shown:
        for _ in range(steps):
            shown.working(case().key)
            machine.s += every_s
            shown.fitted(record())
            shown.ended(record())
    return written(shown.progress.console).splitlines()


def test_a_log_has_a_line_now_and_then_that_says_how_far_it_is() -> None:
    lines = logged(Machine(), steps=30, every_s=1.0)
    assert [line.split()[0] for line in lines] == ["9/30", "19/30", "29/30"]
    done, end, now, worst = lines[0].split("; ")
    assert says(done, "9/30", "in 10 s")
    assert says(end, "12:00:31", "in 21 s")
    assert now.endswith(case().key)
    assert says(worst, "10.6 digits", "numpy_lstsq", "everyday:n=20,seed=0")


@pytest.mark.slow
def test_a_log_of_an_hour_has_fewer_than_sixty_lines() -> None:
    assert 20 < len(logged(Machine(), steps=600, every_s=6.0)) < 60


def test_a_run_that_is_over_soon_leaves_nothing_in_a_log() -> None:
    assert logged(Machine(), steps=9, every_s=1.0) == []
    assert LOG_EVERY_S == 10
    assert LOG_SHARE < 1


def test_a_quiet_run_shows_nothing_however_long_it_takes() -> None:
    assert logged(Machine(), steps=100, every_s=10.0, quiet=True) == []
    shown = live(Machine(), quiet=True)
    with shown:
        shown.fitted(record())
    assert written(shown.progress.console) == ""


def test_a_sweep_shows_the_same_lines_of_its_epochs() -> None:
    machine = Machine()
    terminal, log = (
        SweepLive(Console(file=StringIO(), force_terminal=on, width=60), 4000, clock=machine.clock, now=machine.now)
        for on in (True, False)
    )
    for shown in (terminal, log):
        machine.s = 0
        shown.working("four_points sgd lr 0.01 to 0.1")
        for epochs in (500, 1000, 1500):
            machine.s += 10
            shown.trained(epochs)
        shown.stored(2000)
    assert drawn(terminal, 60)[0] == "four_points sgd lr 0.01 to 0.1"
    assert "2e+03/4e+03 epochs  ends 12:00:" in drawn(terminal, 60)[1]
    lines = written(log.console).splitlines()
    assert lines[0].startswith("500/4e+03 epochs in 10 s")
    assert max(map(len, drawn(terminal, 40))) <= 40


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.2, "0 s"), (89, "89 s"), (91, "2 min"), (600, "10 min"), (3600, "1 h 0 min"), (4800, "1 h 20 min")],
)
def test_durations(seconds: float, said: str) -> None:
    assert rough(seconds) == said


@pytest.mark.parametrize("terminal", [True, False])
def test_what_takes_an_unknown_time_is_said_by_a_spinner_or_now_and_then_in_a_log(terminal: bool) -> None:
    machine = Machine()
    console = Console(file=StringIO(), force_terminal=terminal, width=60)
    with Working(console, "starting", clock=machine.clock) as shown:
        for launch in range(25):
            machine.s += 1
            shown.update(f"launch {launch}: [red]four_points")
    lines = written(console).splitlines()
    if terminal:
        assert "launch 24: [red]four_points" in written(console)
    else:
        assert lines == ["10 s: launch 9: [red]four_points", "20 s: launch 19: [red]four_points"]


# Quiet

OK = ("--problem", "four_points", "--solver", "numpy_lstsq")
WRONG = ("--problem", "everyday", "--solver", "sklearn")


@pytest.mark.slow
def test_a_quiet_run_that_is_fine_says_nothing(run_cli: RunCli, store_path: Path) -> None:
    where = ("--store", store_path, "--quiet")
    assert run_cli("run", *OK, *where) == (0, "", "")
    assert run_cli("gate", *where) == (0, "", "")
    assert run_cli("fit", "four_points", "numpy_lstsq", "--quiet") == (0, "", "")
    assert run_cli("accuracy", "--problem", "nist_norris", "--solver", "reference_qr", *where) == (0, "", "")


@pytest.mark.slow
def test_a_quiet_run_that_is_not_says_what_failed_and_what_to_do(run_cli: RunCli, store_path: Path) -> None:
    ended = run_cli("run", *OK, *WRONG, "--solver", "sklearn", "--store", store_path, "-q")
    assert (ended.code, ended.stderr) == (1, "")
    assert ended.stdout.startswith("wrong everyday:n=2000,seed=0 sklearn: the solver found rank 2;")
    assert "Do not use this solver" in " ".join(ended.stdout.split())
    assert "numpy_lstsq" not in ended.stdout
    alone = run_cli("fit", "everyday", "sklearn", "--quiet")
    assert alone.code == 1
    assert alone.stdout.startswith("wrong everyday:n=2000,seed=0 sklearn: ")


@pytest.mark.slow
def test_a_quiet_gate_that_fails_says_why(run_cli: RunCli, store_path: Path, tmp_path: Path) -> None:
    path = tmp_path / "expectations.toml"
    path.write_text(
        (ROOT / "results" / "expectations.toml").read_text().replace("digits_min = 13.7", "digits_min = 15.5")
    )
    run_cli("run", "--problem", "auto_mpg", "--solver", "numpy_lstsq", "--store", store_path, "-q")
    ended = run_cli("gate", "--expectations", path, "--store", store_path, "-q")
    assert ended.code == 1
    assert "gate failed" in ended.stdout


@pytest.mark.slow
def test_quiet_json_is_json_and_nothing_else(run_cli: RunCli, store_path: Path) -> None:
    ended = run_cli("run", *OK, "--store", store_path, "--quiet", "--json")
    assert ended.stderr == ""
    assert [one["status"] for one in json.loads(ended.stdout)] == ["ok"]


@pytest.mark.slow
def test_a_quiet_sweep_says_nothing(run_cli: RunCli, store_path: Path) -> None:
    words = ("sweep", "--problem", "four_points", "--lr", "0.1", "--seeds", "1", "--epochs", "2", "--optimizer", "sgd")
    assert run_cli(*words, "--store", store_path, "--quiet") == (0, "", "")
    assert "four_points" in run_cli("sweep", "--show", "--store", store_path).stdout


# Consoles


@pytest.mark.parametrize(
    ("set_to", "coloured"),
    [
        ({}, False),
        ({"FORCE_COLOR": "1"}, True),
        ({"FORCE_COLOR": ""}, False),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ({"NO_COLOR": "1"}, False),
    ],
    ids=str,
)
def test_colours_in_a_pipe(
    set_to: Mapping[str, str], coloured: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in set_to.items():
        monkeypatch.setenv(name, value)
    console = consoles.out()
    assert not animated(console)
    console.print("[red]wrong[/]")
    assert ("\x1b[31m" in capsys.readouterr().out) == coloured


def test_a_spinner_in_a_log_with_forced_colours_is_not_drawn_again_and_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    with consoles.err().status("looking at both versions") as status:
        status.update("still looking")
    assert capsys.readouterr().err.count("looking") <= 1


Terminal = Callable[..., str]


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    """What the command `harness` writes to a terminal of so many columns, escape sequences included."""

    def run(*words: str, columns: int, variables: Mapping[str, str] | None = None) -> str:
        here, there = pty.openpty()
        environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": str(columns), **(variables or {})}
        for name in ("NO_COLOR", "FORCE_COLOR"):
            if name not in (variables or {}):
                environment.pop(name, None)
        with subprocess.Popen(
            [sys.executable, "-m", "harness", *words],
            cwd=tmp_path,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=there,
            stderr=there,
        ) as process:
            os.close(there)
            said = b""
            while True:
                try:
                    chunk = os.read(here, 65536)
                except OSError:  # Linux: the other end is closed
                    break
                if not chunk:
                    break
                said += chunk
            os.close(here)
        assert process.returncode == 0, said.decode()
        return said.decode()

    return run


FOUR = ("run", "--problem", "four_points", "--solver", "numpy_lstsq")


COLOURED = re.compile(r"\x1b\[[0-9;]*3[0-7]m")


@pytest.mark.slow
@pytest.mark.parametrize(("columns", "variables"), [(40, {}), (100, {"NO_COLOR": "1"})])
def test_a_terminal_sees_the_lines_and_then_the_table_in_colours_if_it_may_have_them(
    terminal: Terminal, columns: int, variables: Mapping[str, str]
) -> None:
    said = terminal(*FOUR, columns=columns, variables=variables)
    assert re.search(r"[01]/1 case\b", said)
    assert "\x1b[2K" in said  # a line that was taken away again
    table = said.rpartition("\x1b[2K")[2]
    assert "numpy_lstsq" in table
    assert bool(COLOURED.search(said)) == (not variables)


@pytest.mark.slow
def test_a_dumb_terminal_gets_no_bar(terminal: Terminal) -> None:
    said = terminal(*FOUR, "--in-process", columns=80, variables={"TERM": "dumb"})
    assert "\x1b[2K" not in said
    assert "1 case: 1 ok" in said
