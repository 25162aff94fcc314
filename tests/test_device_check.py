"""`make device-check` without a device: its folder, its lines, its bars; and what the CPU can show of its steps."""

import json
from pathlib import Path

import pytest
import torch

from tests.conftest import RunCli
from tools.device_check import __main__ as command
from tools.device_check import ceilings
from tools.device_check.ceilings import GRAM_LEAST, Ceiling, gram_bars
from tools.device_check.steps import (
    STEPS,
    Seen,
    deficient_design,
    faults,
    marked_tests,
    measured_ceilings,
    training_bars,
)


def good(device: str, folder: Path) -> Seen:
    (folder / "good.txt").write_text(device)
    return Seen("all is well")


def lacking(_device: str, _folder: Path) -> Seen:
    return Seen("", "there is no device")


def broken(_device: str, _folder: Path) -> Seen:
    raise RuntimeError("CUDA error: unspecified launch failure\nmore")


@pytest.mark.parametrize(("third", "code"), [(good, 0), (broken, 1)])
def test_each_step_is_a_line_and_what_it_raises_ends_none_of_the_others(
    third: object, code: int, tmp_path: Path, run_cli: RunCli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "STEPS", [("one", good), ("two", lacking), ("three", third), ("four", good)])
    ended = run_cli("--device", "cpu", "--output", tmp_path / "made", command=command.app)
    assert ended.code == code
    assert "  NOT CHECKED: there is no device" in ended.stdout
    assert ("FAILED: RuntimeError: CUDA error: unspecified launch failure\n" in ended.stdout) == bool(code)
    summary = json.loads((tmp_path / "made" / "summary.json").read_text())
    assert [line["step"] for line in summary["steps"]] == ["one", "two", "three", "four"]
    assert (summary["device"], (tmp_path / "made" / "good.txt").read_text()) == ("cpu", "cpu")
    assert f"{code} failed, 1 with something not checked" in ended.stdout


def test_no_step_begins_after_eight_minutes(tmp_path: Path, run_cli: RunCli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "STEPS", [("one", good)])
    monkeypatch.setattr(command, "LIMIT_S", -1.0)
    ended = run_cli("--device", "cpu", "--output", tmp_path, command=command.app)
    assert "NOT CHECKED: the eight minutes" in ended.stdout
    assert not (tmp_path / "good.txt").exists()


def test_a_device_that_is_not_there_is_one_line(run_cli: RunCli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    ended = run_cli("--device", "cuda", command=command.app)
    assert ended.code == 2
    assert "device cuda is not available" in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_the_steps_are_those_that_a_device_is_wanted_for() -> None:
    assert [name for name, _ in STEPS] == [
        "state of the device",
        "ceilings",
        "two faults",
        "deficient design",
        "run and compare",
        "bars of training",
        "tests marked cuda",
    ]


@pytest.mark.parametrize(
    ("seconds", "share", "held"), [(0.25, 1.0, True), (0.25 / GRAM_LEAST, GRAM_LEAST, True), (0.5, 0.5, False)]
)
def test_the_gram_matrix_is_held_to_the_smaller_of_bandwidth_and_arithmetic(
    seconds: float, share: float, held: bool
) -> None:
    """1 GB at 4 GB/s takes a quarter of a second; so does arithmetic four times as much at the rate."""
    copy = Ceiling("copy on the device", 0.5, 2 * 10**9)
    rate = Ceiling("float64 product, 8 x 8", 1.0, operations=1e9)
    bound_by_memory = Ceiling("float64 X'X, 1 x 10", seconds, 10**9, 1e6)
    bound_by_arithmetic = Ceiling("float64 X'X, 1 x 128", seconds, 10**6, 0.25e9)
    for tall in (bound_by_memory, bound_by_arithmetic):
        (bar,) = gram_bars([copy, rate, tall])
        assert bar["share"] == pytest.approx(share)
        assert bar["held"] is held
    (unknown,) = gram_bars([copy, bound_by_memory])
    assert (unknown["share"], unknown["held"]) == (None, None)


def test_what_was_not_measured_says_why() -> None:
    assert Ceiling("upload", None, note="out of memory").text == "upload: not measured: out of memory"
    assert Ceiling("copy", 0.5, 10**9).text == "copy: 5e+05 us, 2 GB/s"


def test_bars_of_cuda_are_not_measured_elsewhere(tmp_path: Path) -> None:
    assert training_bars("cpu", tmp_path).missing == "the bars of training on CUDA: cpu is none"
    assert list(tmp_path.iterdir()) == []


def test_a_deficient_design_is_looked_at_where_the_tensors_are(tmp_path: Path) -> None:
    seen = deficient_design("cpu", tmp_path)
    assert "no error" in seen.text
    assert seen.missing == "what CUDA answers for a deficient design"
    assert json.loads((tmp_path / "deficient_design.json").read_text())["device"] == "cpu"


@pytest.mark.slow
def test_a_fault_leaves_the_next_case_alone(tmp_path: Path) -> None:
    seen = faults("cpu", tmp_path)
    assert (seen.text, seen.failed) == ("ok, error, ok", "")
    assert "200 GB" in seen.missing
    kept = json.loads((tmp_path / "faults.json").read_text())
    assert "index" in kept[1]["message"]


@pytest.mark.parametrize(
    ("counts", "text", "missing", "failed"),
    [
        ((10, 0, 0, 10), "10 tests: 0 passed, 0 failed, 10 skipped", "10 tests marked cuda were skipped", ""),
        ((10, 1, 1, 3), "10 tests: 5 passed, 2 failed, 3 skipped", "3 tests", "2 tests failed: see tests.txt"),
        ((4, 0, 0, 0), "4 tests: 4 passed, 0 failed, 0 skipped", "", ""),
    ],
)
def test_the_tests_are_counted_and_a_skip_is_not_checked(
    counts: tuple[int, int, int, int],
    text: str,
    missing: str,
    failed: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    total, wrong, raised, skipped = counts
    suite = f'<testsuite tests="{total}" failures="{wrong}" errors="{raised}" skipped="{skipped}"/>'

    def written(*_: object) -> int:
        (tmp_path / "tests.xml").write_text(f"<testsuites>{suite}</testsuites>")
        return 0

    monkeypatch.setattr("tools.device_check.steps._process", written)
    seen = marked_tests("cpu", tmp_path)
    assert (seen.text, seen.failed) == (text, failed)
    assert missing in seen.missing
    assert bool(missing) == bool(seen.missing)


def test_tests_that_did_not_end_are_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.device_check.steps._process", lambda *_: 124)
    failed = marked_tests("cpu", tmp_path).failed
    assert "exit code 124" in failed
    assert "tests.txt" in failed


@pytest.mark.slow
def test_every_ceiling_is_measured_or_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The dry run, at sizes that take no time."""
    monkeypatch.setattr(ceilings, "HOST_BYTES", 2**16)
    monkeypatch.setattr(ceilings, "HOST_SQUARE", 16)
    seen = measured_ceilings("cpu", tmp_path)
    assert seen.failed == ""
    assert "upload of pinned memory" in seen.missing
    kept = json.loads((tmp_path / "ceilings.json").read_text())["ceilings"]
    assert len(kept) == 1 + 1 + 2 + 2 * (1 + 3)
    assert all((one["seconds"] is None) == ("upload" in one["name"]) for one in kept)
    assert len((tmp_path / "ceilings.txt").read_text().splitlines()) == len(kept)
