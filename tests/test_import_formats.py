"""Other tools' results: read, kept as asv's, judged and watched by the same rules."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from harness.asv.formats import FORMATS, read_format
from harness.errors import UsageError
from harness.records.asv_results import read_results
from tests.conftest import RunCli

BASE, HEAD = "a" * 40, "b" * 40


def pytest_file(commit: str, scale: float = 1.0, accuracy: float = 0.9) -> dict[str, Any]:
    data = [scale * (1 + 0.01 * (i % 5)) for i in range(30)]
    return {
        "machine_info": {"node": "box", "machine": "x86_64", "system": "Linux", "python_version": "3.12.1"},
        "commit_info": {"id": commit, "time": f"2026-01-0{1 + (commit == HEAD)}T12:00:00+01:00", "dirty": False},
        "benchmarks": [
            {
                "fullname": "tests/test_fit.py::test_fit[0.5]",
                "params": {"alpha": 0.5},
                "extra_info": {"accuracy": accuracy, "note": "words"},
                "stats": {"min": data[0], "median": sorted(data)[15], "data": data, "rounds": 30},
            }
        ],
        "datetime": "2026-01-01T12:00:00",
        "version": "5.1.0",
    }


GOOGLE = {
    "context": {"date": "2026-01-01T12:00:00+00:00", "host_name": "box", "num_cpus": 8},
    "benchmarks": [
        *(
            {
                "name": "BM_Fit/8",
                "run_name": "BM_Fit/8",
                "run_type": "iteration",
                "repetitions": 3,
                "repetition_index": i,
                "iterations": 1000,
                "real_time": 20.0,
                "cpu_time": 10.0 + i,
                "time_unit": "us",
                "items_per_second": 1e6,
                "label": "words",
            }
            for i in range(3)
        ),
        {"name": "BM_Fit/8_mean", "run_name": "BM_Fit/8", "run_type": "aggregate", "aggregate_name": "mean"},
        {"name": "BM_Wall/real_time", "real_time": 7.0, "cpu_time": 1.0, "time_unit": "ms"},
        {"name": "BM_Broken", "error_occurred": True, "error_message": "no"},
        {"name": "BM_Later", "skipped": True, "skip_message": "no device", "real_time": 0.0, "cpu_time": 0.0},
        # --benchmark_report_aggregates_only and Complexity(), beside one that failed
        *(
            {
                "name": f"BM_Sum/8_{name}",
                "run_name": "BM_Sum/8",
                "run_type": "aggregate",
                "aggregate_name": name,
                "real_time": value,
                "cpu_time": value,
                "time_unit": "ns",
            }
            for name, value in (("mean", 6.0), ("median", 5.0), ("stddev", 1.0))
        ),
        {"name": "BM_Sum_BigO", "run_name": "BM_Sum", "run_type": "aggregate", "aggregate_name": "BigO"},
    ],
}
HYPERFINE = {"results": [{"command": "sleep 0.1", "mean": 0.1, "median": 0.1, "times": [0.1, 0.11, 0.1], "user": 0.0}]}


def entries(value: float) -> list[dict[str, Any]]:
    return [
        {"name": "Speed of it", "unit": "MB/s", "value": value, "range": "± 5%", "extra": "words"},
        {"name": "Other", "unit": "", "value": 2, "range": "no number"},
    ]


def kept(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content))
    return path


def test_each_format_gives_numbers_with_unit_samples_and_direction(tmp_path: Path) -> None:
    (time, accuracy) = read_format("pytest-benchmark", kept(tmp_path / "p.json", pytest_file(BASE))).numbers
    assert (time.name, time.unit, time.direction, len(time.samples)) == (
        "tests/test_fit.py::test_fit[0.5]",
        "seconds",
        "lower",
        30,
    )
    assert (accuracy.name, accuracy.value) == ("tests/test_fit.py::test_fit[0.5]:accuracy", 0.9)
    google = {one.name: one for one in read_format("google-benchmark", kept(tmp_path / "g.json", GOOGLE)).numbers}
    assert google["BM_Fit/8"].value == pytest.approx(11e-6)
    assert google["BM_Fit/8"].samples == pytest.approx([10e-6, 11e-6, 12e-6])
    assert (google["BM_Fit/8:items_per_second"].value, google["BM_Fit/8:items_per_second"].unit) == (1e6, "1/s")
    assert google["BM_Wall/real_time"].value == pytest.approx(7e-3)
    assert google["BM_Broken"].value is None
    assert math.isnan(google["BM_Later"].value or 0.0)
    assert google["BM_Sum/8"].value == pytest.approx(5e-9)
    assert len(google) == 6
    (command,) = read_format("hyperfine", kept(tmp_path / "h.json", HYPERFINE)).numbers
    assert (command.name, command.value, command.samples) == ("sleep 0.1", 0.1, [0.1, 0.11, 0.1])
    swept = [{"command": "fit", "median": 0.1, "parameters": {"n": n}} for n in ("8", "9")]
    both = read_format("hyperfine", kept(tmp_path / "h.json", {"results": swept})).numbers
    assert [one.name for one in both] == ["fit (n=8)", "fit (n=9)"]
    with pytest.raises(UsageError, match="'fit' is there 2 times"):
        read_format("hyperfine", kept(tmp_path / "h.json", {"results": [{"command": "fit", "median": 0.1}] * 2}))
    (speed, other) = read_format("customBiggerIsBetter", kept(tmp_path / "b.json", entries(100.0))).numbers
    assert (speed.direction, speed.interval, other.interval) == ("higher", (95.0, 105.0), None)
    assert read_format("customSmallerIsBetter", kept(tmp_path / "s.json", entries(1.0))).numbers[0].direction == "lower"


def google_run(name: str, time: object, unit: str = "ns", index: int = 0) -> dict[str, Any]:
    return {"name": name, "real_time": time, "cpu_time": time, "time_unit": unit, "repetition_index": index}


def test_a_time_that_is_none_is_failed_and_said(tmp_path: Path, run_cli: RunCli) -> None:
    """Below 0, as a clock that was set back gives, or not finite; it costs no other benchmark."""
    runs = [google_run("A", -1), google_run("B", math.nan), google_run("C", 1)]
    commands = [{"command": "A", "median": -1}, {"command": "C", "median": 1, "times": [1.0]}]
    for name, content, failed in (
        ("google-benchmark", {"benchmarks": runs}, {"A", "B"}),
        ("hyperfine", {"results": commands}, {"A"}),
    ):
        path = kept(tmp_path / f"{name}.json", content)
        assert {one.name for one in read_format(name, path).numbers if one.value is None} == failed
        ended = run_cli("import", name, path, "--results", tmp_path / "asv", "--commit", BASE, "--machine", "m")
        assert "of them failed, as A;" in ended.stdout


def test_repetitions_have_units_of_their_own_and_a_name_is_there_once(tmp_path: Path) -> None:
    twice = [google_run("A", 1000, "ns", 0), google_run("A", 3, "us", 1)]
    (found,) = read_format("google-benchmark", kept(tmp_path / "g.json", {"benchmarks": twice})).numbers
    assert list(found.samples) == pytest.approx([1e-6, 3e-6])
    same = kept(tmp_path / "s.json", {"benchmarks": [google_run("A", 1), google_run("A", 2)]})
    with pytest.raises(UsageError, match="'A' is there 2 times"):
        read_format("google-benchmark", same)


def test_another_unit_is_converted_where_it_is_a_time_and_else_not_compared(tmp_path: Path, run_cli: RunCli) -> None:
    """Tools write the unit that suits a number's size: 900 ns, then 1 us."""
    for commit, time, unit, size, of in ((BASE, 900, "ns", 1, "MB"), (HEAD, 1, "us", 900, "kB")):
        rows = [
            {"name": "A", "unit": unit, "value": time, "range": "± 1%"},
            {"name": "B", "unit": of, "value": size, "range": "± 1%"},
        ]
        words = ("--results", tmp_path / "asv", "--commit", commit, "--machine", "m")
        path = kept(tmp_path / "c.json", rows)
        assert run_cli("import", "customSmallerIsBetter", path, *words).code == 0
    (kept_now,) = read_results(tmp_path / "asv", commit=HEAD)
    found = kept_now.cells[0]
    assert found.unit == "seconds"
    assert found.number == pytest.approx(1e-6)
    assert found.interval == pytest.approx((0.99e-6, 1.01e-6))
    gate = run_cli("gate", "--asv", "--results", tmp_path / "asv", "--commit", HEAD, "--base", BASE, "--json")
    report = json.loads(gate.stdout)
    assert {one["case"]: one["reason"] for one in report["not_judged"]}["B"].startswith(
        "not comparable: another version"
    )


def test_pytest_benchmark_may_know_nothing_of_commit_and_machine(tmp_path: Path) -> None:
    content = pytest_file(BASE) | {"commit_info": None, "machine_info": None}
    found = read_format("pytest-benchmark", kept(tmp_path / "p.json", content))
    assert (found.commit, found.machine, len(found.numbers)) == (None, "", 2)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    "content", ["", "{", "[]", "{}", "3", '[{"name": "a"}]', '{"benchmarks": []}', '{"results": 1}']
)
def test_what_is_no_file_of_a_format_is_one_line(tmp_path: Path, name: str, content: str) -> None:
    path = tmp_path / "file.json"
    path.write_text(content)
    with pytest.raises(UsageError) as caught:
        read_format(name, path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_two_commits_are_imported_and_judged(tmp_path: Path, run_cli: RunCli) -> None:
    """A benchmark twice as slow and an accuracy that falls, by what pytest-benchmark kept; asv's layout on disk."""
    folder = tmp_path / "asv"
    for commit, scale, accuracy in ((BASE, 1.0, 0.9), (HEAD, 2.5, 0.7)):
        path = kept(tmp_path / "p.json", pytest_file(commit, scale, accuracy))
        done = run_cli("import", "pytest-benchmark", path, "--results", folder)
        assert (done.code, "2 numbers" in done.stdout) == (0, True), done.stderr
        assert "harness gate --asv" in done.stdout
    assert (folder / "box" / "machine.json").is_file()
    assert len(read_results(folder, commit=HEAD)[0].cells) == 2
    ended = run_cli("gate", "--asv", "--results", folder, "--json")
    report = json.loads(ended.stdout)
    assert ended.code == 1
    assert {(one["case"], one["quantity"], one["verdict"]) for one in report["judgements"]} == {
        ("tests/test_fit.py::test_fit[0.5]", "seconds", "regression"),
        ("tests/test_fit.py::test_fit[0.5]:accuracy", "value", "regression"),
    }
    assert run_cli("gate", "--asv", "--results", folder, "--commit", BASE).code == 0


@pytest.mark.slow
def test_bigger_and_smaller_is_better_are_judged_so(tmp_path: Path, run_cli: RunCli) -> None:
    for name, after, code in (
        ("customBiggerIsBetter", 50.0, 1),
        ("customBiggerIsBetter", 200.0, 0),
        ("customSmallerIsBetter", 200.0, 1),
        ("customSmallerIsBetter", 50.0, 0),
    ):
        folder = tmp_path / f"{name}-{after}"
        for commit, value in ((BASE, 100.0), (HEAD, after)):
            path = kept(tmp_path / f"{commit[:2]}.json", entries(value))
            words = ("--commit", commit, "--machine", "box", "--results", folder)
            assert run_cli("import", name, path, *words).code == 0
        ended = run_cli("gate", "--asv", "--results", folder, "--commit", HEAD, "--base", BASE)
        assert ended.code == code, ended.stdout


def test_files_of_one_commit_are_joined(tmp_path: Path, run_cli: RunCli) -> None:
    words = ("--commit", BASE, "--machine", "box", "--results", tmp_path / "asv")
    first = {"results": [{"command": "a", "median": 1.0}, {"command": "b", "median": 1.0}]}
    for content in (first, {"results": [{"command": "b", "median": 2.0}]}):
        assert run_cli("import", "hyperfine", kept(tmp_path / "h.json", content), *words).code == 0
    (results,) = read_results(tmp_path / "asv")
    assert {cell.name: cell.value for cell in results.cells} == {"a": 1.0, "b": 2.0}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("asv2",), "unknown format 'asv2'"),
        (("hyperfine",), "import hyperfine takes a file"),
        (("asv", "x.json"), "import asv takes no file"),
        (("hyperfine", "h.json", "--store", "x.sqlite"), "--store goes with import asv"),
        (("hyperfine", "h.json", "--commit", BASE, "--machine", "../up"), "the machine is called '../up'"),
        (("hyperfine", "none.json", "--commit", BASE), "none.json"),
    ],
)
def test_a_request_that_cannot_be_met_is_one_line(
    tmp_path: Path, run_cli: RunCli, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    kept(tmp_path / "h.json", HYPERFINE)
    ended = run_cli("import", *words)
    assert ended.code == 2
    assert said in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert not list(tmp_path.rglob("*-hyperfine.json"))


def test_what_was_measured_must_be_a_commit(tmp_path: Path, run_cli: RunCli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ended = run_cli("import", "hyperfine", kept(tmp_path / "h.json", HYPERFINE), "--results", "asv")
    assert (ended.code, "add --commit" in ended.stderr) == (2, True)
    dirty = pytest_file(BASE)
    dirty["commit_info"]["dirty"] = True
    ended = run_cli("import", "pytest-benchmark", kept(tmp_path / "p.json", dirty), "--results", "asv")
    assert (ended.code, "uncommitted changes" in ended.stderr) == (2, True)


def test_another_project_s_suite_is_no_run_of_the_store(tmp_path: Path, run_cli: RunCli) -> None:
    folder = tmp_path / "asv"
    words = ("--commit", BASE, "--machine", "box", "--results", folder)
    run_cli("import", "hyperfine", kept(tmp_path / "h.json", HYPERFINE), *words)
    ended = run_cli("import", "asv", "--results", folder, "--store", tmp_path / "s.sqlite")
    assert (ended.code, "next: harness gate --asv" in ended.stdout) == (0, True)
    assert not (tmp_path / "s.sqlite").exists()
