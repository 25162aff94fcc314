"""What is said of two versions' instruction counts."""

import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from rich.console import Console

from harness.errors import COULD_NOT_MEASURE, USAGE
from harness.judge.verdict import Verdict
from harness.judge.versions.instructions import FLOOR, InstructionLine, instructions_exit_code, judge_instructions
from harness.records.instructions import InstructionCell, InstructionCount
from harness.report.render.markdown import markdown
from harness.report.render.terminal import print_document
from harness.report.tables.numbers import instructions
from harness.report.words.ab import counted_instructions, instruction_rows
from harness.report.words.checks import Outcome, instruction_checks
from harness.solvers.status import Status
from tests.conftest import RunCli


def a_count(per_call: float, spread: float = 0.0) -> InstructionCount:
    """Three layouts, the largest count `spread` above the smallest, relatively; two equal blocks in each."""
    values = (per_call * (1 - spread / 2), per_call, per_call * (1 + spread / 2))
    return InstructionCount(layouts=tuple((value, value) for value in values))


def line_of(base: InstructionCount, head: InstructionCount) -> InstructionLine:
    return judge_instructions([InstructionCell(case="c [x]", problem="p", solver="s", base=base, head=head)])[0]


def interval(spread: float) -> float:
    """Half the width of the 99 % interval of three layouts, the outer two `spread` apart; t is from a table."""
    return 9.925 * (spread / 2) / math.sqrt(3)


@pytest.mark.parametrize(
    ("ratio", "spread", "verdict"),
    [
        (1.0, 0.0, Verdict.UNCHANGED),
        (1.0049, 0.001, Verdict.UNCHANGED),
        (1.0051, 0.001, Verdict.REGRESSION),
        (1.01, 0.003, Verdict.REGRESSION),
        (0.99, 0.001, Verdict.IMPROVEMENT),
        (1.01, 0.004, Verdict.UNDECIDED),
        (1.0, 0.004, Verdict.UNDECIDED),
        (1.02, 0.004, Verdict.REGRESSION),
        (math.nan, 0.0, Verdict.UNDECIDED),
        (math.inf, 0.0, Verdict.UNDECIDED),
        (0.0, 0.0, Verdict.UNDECIDED),
    ],
)
def test_a_change_counts_from_half_a_per_cent_or_the_interval(ratio: float, spread: float, verdict: Verdict) -> None:
    line = line_of(a_count(1e6, spread), a_count(1e6 * ratio))
    assert line.verdict is verdict
    if math.isfinite(ratio) and ratio:
        assert line.threshold == pytest.approx(max(FLOOR, interval(spread)), rel=1e-3)


def test_layouts_are_pairs() -> None:
    base = a_count(1e6, 0.02)
    head = InstructionCount(layouts=tuple((1.01 * a, 1.01 * b) for a, b in base.layouts))
    assert line_of(base, head).verdict is Verdict.REGRESSION
    assert line_of(base, InstructionCount(layouts=head.layouts[::-1])).verdict is Verdict.UNDECIDED


def test_a_missing_count_fails_closed() -> None:
    gone = InstructionCount(status=Status.CRASHED, message="died under valgrind of SIGILL")
    lost, unknown, both = line_of(a_count(1e6), gone), line_of(gone, a_count(1e6)), line_of(gone, gone)
    assert lost.verdict is Verdict.REGRESSION
    assert lost.why == "the head was not counted: crashed: died under valgrind of SIGILL"
    assert unknown.verdict is both.verdict is Verdict.UNDECIDED
    assert line_of(InstructionCount(layouts=((1.0, 1.0),)), a_count(1e6)).verdict is Verdict.UNDECIDED


@pytest.mark.parametrize(
    ("ratios", "code"), [([], 3), ([1.0], 0), ([1.0, 0.9], 0), ([1.0, math.nan], 3), ([1.0, math.nan, 1.02], 1)]
)
def test_exit_codes(ratios: Sequence[float], code: int) -> None:
    assert instructions_exit_code([line_of(a_count(1e6), a_count(1e6 * ratio)) for ratio in ratios]) == code


def test_what_is_said_of_each_cell() -> None:
    lines = [line_of(a_count(556_707.0, 0.0005), a_count(562_274.0)), line_of(InstructionCount(), a_count(2.5e9))]
    console = Console(width=120, record=True)
    print_document(console, counted_instructions(lines))
    text = console.export_text()
    assert "556.71k" in text
    assert "562.27k" in text
    assert "+1.00%" in text
    assert "0.05%" in text
    assert "regression c [x]: +1.00% instructions" in text
    assert "regression: 1 regression, 1 undecided" in text
    rows = json.loads(json.dumps(instruction_rows(lines), allow_nan=False))
    assert [row["verdict"] for row in rows] == ["regression", "undecided"]
    assert rows[0]["base"]["layouts"][1] == [556_707.0, 556_707.0]
    assert "| 556.71k | 562.27k | +1.00% |" in markdown(counted_instructions(lines))
    assert [check.outcome for check in instruction_checks(lines)] == [Outcome.FAILED, Outcome.SKIPPED]


@pytest.mark.parametrize(("count", "text"), [(None, "–"), (12.0, "12"), (863_020.85, "863.02k"), (3.9632e6, "3.9632M")])
def test_counts_show_a_tenth_of_a_per_cent(count: float | None, text: str) -> None:
    assert instructions(count) == text


SAME = ("ab", "--instructions", "--python-a", sys.executable, "--python-b", sys.executable)


def test_the_command_says_before_it_builds_anything_that_it_cannot_count(
    run_cli: RunCli, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = run_cli("ab", "--instructions", "--calibrate")
    assert both.code == USAGE
    assert "give one of them" in both.stderr
    monkeypatch.setenv("PATH", "")
    missing = run_cli(*SAME)
    assert missing.code == COULD_NOT_MEASURE
    assert "valgrind is not installed" in missing.stderr
    assert missing.stdout == ""


@pytest.mark.slow
def test_the_command_says_what_was_counted_everywhere(
    run_cli: RunCli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = [line_of(a_count(1e6), a_count(1.01e6))]
    monkeypatch.setattr("harness.ab.instructions.need_valgrind", lambda: None)
    monkeypatch.setattr("harness.ab.instructions.count_and_judge", lambda *_: found)
    ended = run_cli(*SAME, "--json", "--markdown", "said.md", "--junit", "said.xml")
    said = json.loads(ended.stdout)
    assert ended.code == said["exit_code"] == 1
    assert said["cells"][0]["ratio"] == pytest.approx(1.01)
    assert "+1.00%" in (tmp_path / "said.md").read_text()
    assert 'failures="1"' in (tmp_path / "said.xml").read_text()
    assert "+1.00% instructions" in run_cli(*SAME).stdout
