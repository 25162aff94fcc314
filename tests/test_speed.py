"""Closed forms side by side: shapes, bars, and the command at sizes that take no time."""

import json
from dataclasses import replace

import pytest

from benchmarks.__main__ import app
from benchmarks.closed_forms import Shape
from benchmarks.closed_forms_bars import MEMORY_MAP_BYTES, SpeedLine, judge_speed, ratio
from harness.errors import UsageError
from harness.judge.speed.floors import PRODUCT
from harness.timing.sampling import Samples
from tests.conftest import RunCli


def line(shape: str, name: str, seconds: float) -> SpeedLine:
    return SpeedLine(shape, name, Samples(cpu_s=(seconds, seconds, 10 * seconds)))


@pytest.mark.parametrize(("text", "n", "p"), [("1e5x10", 100_000, 10), ("300x4", 300, 4), ("1E6X50", 1_000_000, 50)])
def test_a_shape_is_rows_by_columns(text: str, n: int, p: int) -> None:
    assert Shape.parse(text) == Shape(n, p)
    assert Shape.parse(str(Shape(n, p))) == Shape(n, p)


@pytest.mark.parametrize(
    "text", ["1e5", "x10", "1e5x", "10x10", "10x20", "1.5x1", "nanx2", "1e5x10x2", "100x0", "infx3"]
)
def test_anything_else_is_one_line(text: str) -> None:
    with pytest.raises(UsageError, match="ROWSxCOLUMNS"):
        Shape.parse(text)


def test_a_ratio_is_of_medians_and_absent_where_a_side_was_not_run() -> None:
    lines = [line("1e5x500", "streaming", 1.2), line("1e5x500", PRODUCT, 1.0), SpeedLine("1e5x500", "onedal")]
    assert ratio(lines, "1e5x500", "streaming", PRODUCT) == pytest.approx(1.2)
    assert ratio(lines, "1e5x500", "streaming", "onedal") is None
    assert ratio(lines, "1e6x10", "streaming", PRODUCT) is None


@pytest.mark.parametrize(("seconds", "held"), [(1.29, True), (1.31, False)])
def test_a_bar_is_held_or_not_by_the_ratio(seconds: float, held: bool) -> None:
    lines = [line("1e5x500", "streaming", seconds), line("1e5x500", PRODUCT, 1.0)]
    verdicts = {verdict.text: verdict.held for verdict in judge_speed(lines)}
    assert verdicts[f"1e5x500: streaming takes at most 1.3 of the time of {PRODUCT}"] is held
    assert verdicts["1e5x500: streaming takes at most 1 of the time of onedal"] is None


def test_threads_are_judged_by_the_wall_where_they_were_run() -> None:
    """CPU seconds would say that two threads are no quicker than one."""

    def on(name: str, wall_s: float) -> SpeedLine:
        return SpeedLine("2e6x10", name, Samples(cpu_s=(1.0,), wall_s=(wall_s,)), by_wall=True)

    lines = [on("streaming", 1.0), on("streaming, 2 threads", 0.58), on("onedal", 2.0), on("onedal, 2 threads", 0.5)]
    found = {verdict.text: verdict.held for verdict in judge_speed(lines)}
    assert found == {
        "2e6x10: streaming, 2 threads takes at most 0.588 of the time of streaming": True,
        "2e6x10: streaming takes at most 1 of the time of onedal": True,
        "2e6x10: streaming, 2 threads takes at most 1 of the time of onedal, 2 threads": False,
    }


def test_memory_of_a_map_is_a_bar_of_its_own() -> None:
    mapped = replace(line("1e7x10 memory map", "streaming", 1.0), extra_bytes=MEMORY_MAP_BYTES + 1)
    (*_, verdict) = judge_speed([mapped])
    assert verdict.held is False


def test_a_shape_without_bars_has_none() -> None:
    assert not list(judge_speed([line("300x4", "streaming", 1.0)]))


@pytest.mark.slow
def test_the_command_times_every_row_and_verifies_the_solvers(run_cli: RunCli) -> None:
    words = ("--shape", "3000x4", "--solver", "streaming", "--solver", "numpy_lstsq", "--memmap", "20000x3")
    ended = run_cli("closed-forms", *words, "--json", command=app)
    assert ended.code == 0
    found = json.loads(ended.stdout)
    named = {(entry["shape"], entry["name"]) for entry in found["lines"]}
    assert {("3000x4", "streaming"), ("3000x4", "numpy_lstsq"), ("20000x3 memory map", "streaming")} <= named
    for entry in found["lines"]:
        assert len(entry["cpu_s"]) >= 5
        assert len(entry["cpu_s"]) == len(entry["wall_s"])
    assert all(entry["digits"] > 12 for entry in found["lines"] if entry["digits"] is not None)
    assert found["environment"]["versions"]["numpy"]


@pytest.mark.slow
def test_the_command_of_threads_times_each_number_of_them(run_cli: RunCli) -> None:
    ended = run_cli("threads", "--shape", "3000x4", "--count", "1", "--json", command=app)
    found = json.loads(ended.stdout)
    assert [entry["name"] for entry in found["lines"]] == ["streaming", "onedal"]
    assert all(len(entry["wall_s"]) >= 5 for entry in found["lines"] if not entry["note"].endswith("installed"))


@pytest.mark.slow
def test_a_solver_that_cannot_run_is_a_row_with_its_reason(run_cli: RunCli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.solvers.solver.find_spec", lambda name: None if name == "glum" else object())
    ended = run_cli("closed-forms", "--shape", "300x4", "--solver", "streaming", "--solver", "glum", command=app)
    assert ended.code == 0
    assert "glum is not installed" in ended.stdout


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--solver", "torch_sgd", "--shape", "300x4"), "not a closed form"),
        (("--solver", "onedall", "--shape", "300x4"), "onedal"),
        (("--shape", "3x4"), "ROWSxCOLUMNS"),
        (("--count", "0"), "threads is at least 1, not 0"),
        (("--shape", "300x4", "--memmap", "many"), "ROWSxCOLUMNS"),
    ],
)
def test_usage_errors_are_one_line(run_cli: RunCli, words: tuple[str, ...], told: str) -> None:
    command = "threads" if "--count" in words else "closed-forms"
    ended = run_cli(command, *words, command=app)
    assert ended.code == 2
    assert told in ended.stderr
    assert ended.stderr.count("\n") == 1


@pytest.mark.slow
def test_markdown_is_a_table(run_cli: RunCli) -> None:
    ended = run_cli("closed-forms", "--shape", "300x4", "--solver", "streaming", "--markdown", command=app)
    rows = [row for row in ended.stdout.splitlines() if row.startswith("|")]
    assert len(rows) == 2 + 3
    assert len({row.count("|") for row in rows}) == 1
