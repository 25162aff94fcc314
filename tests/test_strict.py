"""Every file that people hand around, spoilt in every way: one line that names it, no traceback, no hang, no memory."""

import copy
import json
import os
import signal
import tomllib
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tomlkit

from harness.ab.calibrate import stored
from harness.errors import MOST_CHARACTERS, HarnessError, UsageError, one_line
from harness.files.reading import LARGEST_JSON_BYTES, MOST_DOTS, NoSuchFileError, text_of
from harness.judge.gate.expectations import read_expectations
from harness.judge.studies.finding import read_finding
from harness.judge.studies.published import read_tutorial
from harness.judge.versions.ab import judge_ab
from harness.judge.versions.calibration import Calibration, read_calibration
from harness.paths import datasets_folder, results_folder
from harness.problems import csv_file
from harness.problems.ladder import read_ladder
from harness.problems.sidecar import read_sidecar
from harness.problems.table import load_file, read_table
from harness.records.ab import Side
from harness.records.asv_results import read_results
from harness.report.render.ab_file import ab_json, read_ab
from harness.solvers.streaming import Parquet, least_squares
from harness.sweep.targets import read as read_target
from tests.ab_cells import cells
from tests.conftest import RunCli
from tests.history_site import HERE
from tests.test_asv_results import BENCHMARKS, COMMIT, DIGITS, TIME, body
from tools.change_points.noise import read_noise

DEADLINE_S = 60
"""Of one test; nothing here takes a second, unless it hangs."""
DEEP = 100_000
TWICE = "is there 2 times"


@pytest.fixture(autouse=True)
def deadline() -> Iterator[None]:
    """A reader that waits for a FIFO or reads a device without end fails its test instead of hanging all of them."""

    def late(_signal: int, _frame: FrameType | None) -> None:
        raise TimeoutError(f"still reading after {DEADLINE_S} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(DEADLINE_S)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def refused(read: Callable[[], object], *pieces: str) -> str:
    """What the UsageError says that `read` ends with: one line, printable, with each of the pieces."""
    with pytest.raises(UsageError) as error:
        read()
    text = str(error.value)
    assert text == " ".join(text.split())
    assert text.isprintable()
    assert len(text) <= MOST_CHARACTERS
    for piece in pieces:
        assert piece in text
    return text


# Kinds of files


@dataclass(frozen=True)
class Kind:
    """A kind of file: its name on disk, who reads it (given its path), and a good one."""

    name: str
    read: Callable[[Path], object]
    good: Callable[[], str]

    @property
    def is_json(self) -> bool:
        return self.name.endswith(".json")


def asv_file(path: Path) -> object:
    """Read the folder that the result file is in; the machine's folder is beside the list of benchmarks."""
    return read_results(path.parent.parent)


def calibration() -> str:
    made = Calibration(environment=HERE, measured_at="2026-01-01", budget_s=60.0, effect=0.03, arms=())
    return made.model_dump_json()


def comparison() -> str:
    report = judge_ab(cells(np.random.default_rng(0), [1.0, 1.2], launches=4))
    return ab_json(report, Side(name="main"), Side(name="HEAD"))


def of(path: Path) -> Callable[[], str]:
    return lambda: path.read_text(encoding="utf-8")


RESULTS, DATASETS = results_folder(), datasets_folder()
KINDS = {
    "sidecar": Kind("four_points.toml", read_sidecar, of(DATASETS / "four_points.toml")),
    "ladder": Kind("ladder.toml", read_ladder, of(DATASETS / "ladder.toml")),
    "expectations": Kind("expectations.toml", read_expectations, of(RESULTS / "expectations.toml")),
    "target": Kind("sine.toml", read_target, of(RESULTS / "targets" / "sine.toml")),
    "figures": Kind("sine.toml", read_tutorial, of(RESULTS / "published" / "sine.toml")),
    "finding": Kind("onedal_large_mean.toml", read_finding, of(RESULTS / "findings" / "onedal_large_mean.toml")),
    "calibration": Kind("calibration.json", read_calibration, calibration),
    "comparison": Kind("ab.json", read_ab, comparison),
    "noise": Kind("noise.json", read_noise, of(RESULTS / "change_points" / "noise_two_cores.json")),
    "asv result": Kind("asv/here/aaaaaaaa-env.json", asv_file, lambda: json.dumps(body())),
    "csv": Kind("table.csv", read_table, lambda: "x,y\n1,2\n3,5\n"),
    "parquet": Kind("table.parquet", read_table, lambda: ""),
}
TEXTS = [name for name in KINDS if name != "parquet"]
TOML = [name for name, kind in KINDS.items() if kind.name.endswith(".toml")]
JSON = [name for name, kind in KINDS.items() if kind.is_json]


@pytest.fixture
def place(tmp_path: Path) -> Callable[[str], Path]:
    """Where a file of a kind goes; what it needs beside it is there."""

    def placed(name: str) -> Path:
        path = tmp_path / KINDS[name].name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name == "asv result":
            (path.parent / "machine.json").write_text("{}")
            (tmp_path / "asv" / "benchmarks.json").write_text(json.dumps(BENCHMARKS))
        return path

    return placed


Place = Callable[[str], Path]


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["plain", "byte order mark"])
def test_a_good_file_is_read_with_a_byte_order_mark_and_without(name: str, mark: str, place: Place) -> None:
    path = place(name)
    path.write_text(mark + KINDS[name].good(), encoding="utf-8")
    assert KINDS[name].read(path) is not None


# What is no file of text


def fifo(path: Path) -> None:
    os.mkfifo(path)


def endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def gigabyte(path: Path) -> None:
    """Sparse: it takes no room on the disk."""
    with path.open("wb") as file:
        file.truncate(10**9)


NO_FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "a folder": (Path.mkdir, "a folder"),
    "a FIFO": (fifo, "a FIFO"),
    "a device": (endless, "a device"),
    "a gigabyte": (gigabyte, "1000000000"),
}


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("what", NO_FILES)
def test_what_is_no_file_or_a_huge_one_is_refused_at_once(name: str, what: str, place: Place) -> None:
    path = place(name)
    make, said = NO_FILES[what]
    make(path)
    if (name, what) == ("parquet", "a gigabyte"):
        said = "536870912 of such a file"
    tracemalloc.start()
    refused(lambda: KINDS[name].read(path), str(path), said)
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak_bytes < 2 * 2**20, "it was read to be refused"


@pytest.mark.parametrize("name", [name for name in KINDS if name not in ("calibration", "asv result")])
def test_a_file_that_is_not_there_is_refused(name: str, place: Place) -> None:
    path = place(name)
    refused(lambda: KINDS[name].read(path), str(path))
    path.symlink_to(path.parent / "nowhere")
    refused(lambda: KINDS[name].read(path), str(path))
    if name not in ("finding", "noise"):
        refused(lambda: KINDS[name].read(path.parent / f"{'n' * 300}{path.suffix}"), "nnn")
        refused(lambda: KINDS[name].read(path.parent / f"a\0b{path.suffix}"), r"a\x00b")


def test_a_machine_without_a_calibration_has_none(place: Place) -> None:
    assert read_calibration(place("calibration")) is None


@pytest.mark.skipif(os.getuid() == 0, reason="root may read everything")
@pytest.mark.parametrize("name", KINDS)
def test_a_file_that_may_not_be_read_is_refused(name: str, place: Place) -> None:
    path = place(name)
    path.write_text(KINDS[name].good())
    path.chmod(0)
    refused(lambda: KINDS[name].read(path), str(path), "Permission denied")


def test_a_file_that_states_no_size_is_cut_off() -> None:
    """As those of /proc do: what is read is bounded all the same."""
    path = Path("/proc/self/maps")
    if not path.exists():
        pytest.skip("no /proc on this system")
    assert path.stat().st_size == 0
    refused(lambda: text_of(path, 100), str(path), "no more than 100")


SPOILT_BYTES = {
    "empty": b"",
    "a byte order mark alone": b"\xef\xbb\xbf",
    "latin-1": b"caf\xe9 = 1,2\n1,2\n3,4\n",
    "UTF-16": "x,y\n1,2\n3,4\n".encode("utf-16"),
    "NUL": b"\0" * 100,
    "NUL inside": b"x,y\n1,2\n3,\x004\n",
    "binary": bytes(range(256)),
    "cut off": b'{"a": 1,"2',
    "PNG": b"\x89PNG\r\n\x1a\n" + b"\0" * 50,
}


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("what", SPOILT_BYTES)
def test_what_is_no_text_or_none_of_the_kind_is_one_line(name: str, what: str, place: Place) -> None:
    path = place(name)
    path.write_bytes(SPOILT_BYTES[what])
    refused(lambda: KINDS[name].read(path), str(path))


# TOML

SPOILT_TOML = {
    "unknown key": ("surprise = 1\n", "surprise"),
    "key twice": ("a = 1\na = 2\n", "overwrite"),
    "key twice in a table": ("b = { a = 1, a = 2 }\n", "Duplicate"),
    "infinite": ("a = inf\n", "a: inf is no number"),
    "not a number": ("a = [1.0, nan]\n", "a: nan is no number"),
    "beyond float64": ("a = 1e999\n", "a: inf is no number"),
    "400 digits": ("a.b = 1" + "0" * 400 + "\n", "a.b: an integer beyond 64 bits"),
    "5000 digits": ("a = 1" + "0" * 5000 + "\n", "digits"),
    "100 000 hexadecimal digits": ("a = 0x" + "f" * 100_000 + "\n", "a: an integer beyond 64 bits"),
    "deep lists": ("a = " + "[" * DEEP + "]" * DEEP + "\n", "nested too deeply"),
    "deep tables": ("a = " + "{a=" * 20_000 + "1" + "}" * 20_000 + "\n", "nested too deeply"),
    "a deep key": ("a" + ".a" * (MOST_DOTS - 1) + " = 1\n", "nested too deeply"),
    "a deeper key": ("a" + ".a" * DEEP + " = 1\n", f"line 1 has more than {MOST_DOTS} dots"),
    "an escape in a key": ('"\\u001b[31mred" = 1\n', r"\x1b[31mred"),
    "half a megabyte of key": ("a" * (5 * 10**5) + " = 1\n", "aaa"),
    "too large": ("#" * 2**20 + "\n", "no more than"),
    "no TOML": ("a == 1\n", "line 1"),
}


@pytest.mark.parametrize("name", TOML)
@pytest.mark.parametrize("what", SPOILT_TOML)
def test_spoilt_toml_is_one_line(name: str, what: str, place: Place) -> None:
    path, (text, said) = place(name), SPOILT_TOML[what]
    path.write_text(text + KINDS[name].good(), encoding="utf-8")
    refused(lambda: KINDS[name].read(path), str(path), said)


# Truth values in the place of numbers


def numbers(content: object, above: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The place of each number; of a list of them the first, which stands for all."""
    if isinstance(content, int | float) and not isinstance(content, bool):
        yield above
    elif isinstance(content, dict):
        for key, value in content.items():
            yield from numbers(value, (*above, key))
    elif isinstance(content, list):
        for i, value in enumerate(content[:1]):
            yield from numbers(value, (*above, i))


FREE = {"options", "params", "version", "result", "results", "durations", "versions"}
"""Where a truth value is one: options, and what asv keeps, whose track_ benchmarks may return one."""


@pytest.mark.slow
@pytest.mark.parametrize("name", [*TOML, *JSON])
def test_true_is_no_number(name: str, place: Place) -> None:
    path, good = place(name), KINDS[name].good()
    content = json.loads(good) if name in JSON else tomllib.loads(good)
    tried = list(numbers(content))
    assert tried
    taken = []
    for where in tried:
        spoilt = copy.deepcopy(content)
        inner: Any = spoilt
        for key in where[:-1]:
            inner = inner[key]
        inner[where[-1]] = True
        path.write_text(json.dumps(spoilt) if name in JSON else tomlkit.dumps(spoilt), encoding="utf-8")
        try:
            KINDS[name].read(path)
            taken.append(where)
        except UsageError as error:
            assert len(str(error).splitlines()) == 1  # noqa: PT017  # which are refused is what is looked for
    assert [where for where in taken if not FREE & set(where)] == []


# JSON

SPOILT_JSON = {
    "unknown key": ('"surprise": 1', "surprise"),
    "key twice": ('"a": 1, "a": 2', f"the key 'a' {TWICE}"),
    "key twice below": ('"b": [{"a": 1, "a": 2}]', f"the key 'a' {TWICE}"),
    "beyond float64": ('"a": 1e999', "1e999 is beyond every float64"),
    "beyond it by both": ('"a": ' + "9" * 250 + "e99", "is beyond every float64"),
    "400 digits": ('"a": -1' + "0" * 400, "401 digits"),
    "100 000 digits": ('"a": 1' + "0" * 100_000, "100001 digits"),
    "deep lists": ('"a": ' + "[" * DEEP, "nested too deeply"),
    "deep objects": ('"a": ' + '{"a": ' * DEEP, "nested too deeply"),
    "half a character": ('"\\ud800": 1', "valid string"),
    "no JSON": ("a: 1", "line 1"),
}


@pytest.mark.parametrize("name", JSON)
@pytest.mark.parametrize("what", SPOILT_JSON)
def test_spoilt_json_is_one_line(name: str, what: str, place: Place) -> None:
    path, (text, said) = place(name), SPOILT_JSON[what]
    good = KINDS[name].good()
    path.write_text("{" + text + ", " + good[good.index("{") + 1 :], encoding="utf-8")
    if name == "asv result" and what in ("unknown key", "half a character"):
        # As asv reads it: its formats and plugins have keys of their own, which nobody here looks at.
        assert KINDS[name].read(path)
    else:
        refused(lambda: KINDS[name].read(path), str(path), said)


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
@pytest.mark.parametrize("name", [name for name in JSON if name != "asv result"])
def test_a_constant_that_json_does_not_have_is_refused_where_nobody_writes_it(
    name: str, constant: str, place: Place
) -> None:
    path = place(name)
    good = KINDS[name].good()
    path.write_text(f'{{"a": {constant}, {good[good.index("{") + 1 :]}')
    refused(lambda: KINDS[name].read(path), str(path), f"{constant} is no JSON")


def test_json_with_many_keys_and_one_of_them_twice_is_not_searched_pair_by_pair(place: Place) -> None:
    path = place("calibration")
    path.write_text("{" + ", ".join(f'"{i}": 1' for i in range(100_000)) + ', "99999": 2}')
    refused(lambda: read_calibration(path), f"'99999' {TWICE}")


@pytest.mark.parametrize(
    ("arm", "said"),
    [
        ({"cells": -1}, "cells"),
        ({"cells": 3}, "not those of 3 cells"),
        ({"repeats_with_a_false_alarm": 2}, "more false alarms than 1"),
        ({"cells": 10**30}, "cells"),
        ({"factor": "NaN"}, "factor"),
        ({"factor": 0}, "factor"),
    ],
)
def test_a_calibration_whose_counts_cannot_be_is_refused(arm: dict[str, Any], said: str, place: Place) -> None:
    path = place("calibration")
    counts = {"regressions": 0, "improvements": 0, "unchanged": 2, "undecided": 0}
    content = json.loads(calibration())
    content["arms"] = [{"factor": 1.0, "repeats": 1, "cells": 2, **counts}]
    path.write_text(json.dumps(content))
    assert read_calibration(path) is not None
    content["arms"][0] |= arm
    path.write_text(json.dumps(content))
    refused(lambda: read_calibration(path), str(path), said)


SPOILT_COMPARISON: dict[str, tuple[tuple[str | int, ...], object]] = {
    "unknown verdict": (("cells", 0, "verdict"), "fine"),
    "unknown status": (("cells", 0, "base", "status"), "fine"),
    "no number": (("cells", 0, "speed", "ratio"), "fast"),
    "NaN as text": (("cells", 0, "speed", "low"), "NaN"),
    "a negative time": (("cells", 0, "other_clock", "base_s"), -1.0),
    "another clock": (("cells", 0, "speed", "clock"), "sundial"),
    "an unknown key below": (("cells", 0, "speed", "surprise"), 1),
    "samples that are none": (("cells", 0, "launches", 0, "base_cpu_s"), ["a"]),
    "an exit code that ab has not": (("exit_code",), 2),
    "an effect that is none": (("effect",), 1.0),
    "a later version": (("schema_version",), 2),
    "cells that are none": (("cells",), {"case": 1}),
    "a calibration that is none": (("calibration",), {"arms": []}),
}


@pytest.mark.parametrize("what", SPOILT_COMPARISON)
def test_a_comparison_with_something_else_in_a_place_is_one_line_that_names_it(what: str, place: Place) -> None:
    path, (where, value) = place("comparison"), SPOILT_COMPARISON[what]
    content = json.loads(comparison())
    there = content
    for key in where[:-1]:
        there = there[key]
    there[where[-1]] = value
    path.write_text(json.dumps(content))
    refused(lambda: read_ab(path), str(path), ".".join(map(str, where)), "harness ab BASE HEAD --json")


@pytest.mark.parametrize("calls", [[], [0], [-5], [10**30], [1.5], ["a"], None])
def test_noise_that_no_clock_gives_is_refused(calls: object, place: Place) -> None:
    path = place("noise")
    content = json.loads(KINDS["noise"].good())
    content["cells"][0]["launches"][3]["wall_ns"] = calls
    path.write_text(json.dumps(content))
    refused(lambda: read_noise(path), str(path))


@pytest.mark.parametrize("line", ["", "{}", "[1]", "\x00", '{"a": NaN}', "[" * DEEP, '{"a": 1, "a": 1}'])
def test_raw_calibrations_are_refused_by_their_line(line: str, tmp_path: Path) -> None:
    path = tmp_path / "raw.jsonl"
    assert stored(path) == []
    path.write_text("")
    assert stored(path) == []
    path.write_text(line + "\n")
    refused(lambda: stored(path), f"{path}, line 1")


# asv's results

Spoil = Callable[[dict[str, Any]], object]


def set_row(name: str, column: int, value: object) -> Spoil:
    return lambda content: content["results"][name].__setitem__(column, value)


def set_key(*keys: str, to: object) -> Spoil:
    def spoil(content: dict[str, Any]) -> None:
        for key in keys[:-1]:
            content = content[key]
        content[keys[-1]] = to

    return spoil


SPOILT_ASV: dict[str, tuple[Spoil, str]] = {
    "an option for git": (set_key("commit_hash", to="--upload-pack=x"), "commit_hash"),
    "a commit of one letter": (set_key("commit_hash", to="a"), "commit_hash"),
    "an escape in the environment": (set_key("env_name", to="\x1b[31m"), "env_name"),
    "a date after all dates": (set_key("date", to=10**18), "date"),
    "a date before all dates": (set_key("date", to=-1), "date"),
    "params of a list": (set_key("params", to=[]), "params"),
    "a list for the cores": (set_key("params", "num_cpu", to=[2]), "num_cpu is list, no text"),
    "results that are a list": (set_key("results", to=[]), "results"),
}
SPOILT_BENCHMARK: dict[str, tuple[Spoil, str]] = {
    "a line break in a benchmark's name": (set_key("results", "a\nb", to=None), "its name is no visible text"),
    "text for a result": (set_row(DIGITS, 0, ["4.4"]), "'4.4' is no number"),
    "an object for a result": (set_row(DIGITS, 0, [{"a": 1}]), "is no number"),
    "results that are no list": (set_row(DIGITS, 0, 4.4), "other parameters than results"),
    "a parameter that is a number": (set_row(DIGITS, 1, [[1], ["'a'"], ["'b'"]]), "no visible text"),
    "parameters that are no lists": (set_row(DIGITS, 1, ["a", "b", "c"]), "no lists of texts"),
    "an escape in a parameter": (set_row(DIGITS, 1, [["\x1b"], ["'a'"], ["'b'"]]), "no visible text"),
    "a long parameter": (set_row(DIGITS, 1, [["(" * 10**5], ["'a'"], ["'b'"]]), "no visible text"),
    "too long a row": (set_key("results", DIGITS, to=[[1.0], [], "1", 4]), "4 values in a row of 3 columns"),
    "10^12 combinations": (set_row(TIME, 1, [["1"] * 10_000] * 3), "combinations"),
    "other parameters than results": (set_row(TIME, 0, [1e-3]), "other parameters than results"),
    "a row that is no list": (set_key("results", DIGITS, to=3), "its row is no list"),
}
SAMPLES: list[object] = [[1.0], ["a"], [[1.0, "a"]], [{"a": 1}], 3]


@pytest.mark.parametrize("what", SPOILT_ASV)
def test_an_asv_file_of_wrong_types_is_one_line(what: str, place: Place) -> None:
    path, (spoil, said) = place("asv result"), SPOILT_ASV[what]
    content = body()
    spoil(content)
    path.write_text(json.dumps(content))
    refused(lambda: asv_file(path), str(path), said)


@pytest.mark.parametrize("what", SPOILT_BENCHMARK)
def test_a_benchmark_that_cannot_be_read_is_named_and_costs_no_other(what: str, place: Place) -> None:
    path, (spoil, said) = place("asv result"), SPOILT_BENCHMARK[what]
    content = body()
    spoil(content)
    path.write_text(json.dumps(content))
    (results,) = read_results(path.parent.parent)
    (line,) = results.unreadable
    assert said in line
    assert str(path) in line
    assert line.isprintable()
    assert len(results.benchmarks) == len(content["results"]) - 1, "the others are read"


def test_an_asv_file_of_more_cells_than_are_held_is_refused(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    path = place("asv result")
    path.write_text(json.dumps(body()))
    assert asv_file(path)
    monkeypatch.setattr("harness.records.asv_results.MOST_CELLS", 2)
    refused(lambda: asv_file(path), str(path), "more than 2 numbers")


@pytest.mark.parametrize("samples", SAMPLES)
def test_asv_samples_of_wrong_types_are_one_line(samples: object, place: Place) -> None:
    path = place("asv result")
    content = body()
    content["result_columns"].append("samples")
    content["results"][DIGITS].append(samples)
    path.write_text(json.dumps(content))
    (results,) = read_results(path.parent.parent)
    assert [DIGITS in line and str(path) in line for line in results.unreadable] == [True]
    assert [one.name for one in results.benchmarks] == [TIME]


@pytest.mark.parametrize("listed", ["[]", "[1", '{"a": {"param_names": 1}}', '{"a": {"param_names": ["\\u001b"]}}'])
def test_a_list_of_benchmarks_that_is_none_is_one_line(listed: str, place: Place) -> None:
    path = place("asv result")
    path.write_text(json.dumps(body()))
    (path.parent.parent / "benchmarks.json").write_text(listed)
    (results,) = read_results(path.parent.parent)
    assert any("benchmarks.json" in line for line in results.unreadable), results.unreadable


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("'no_such_problem'", "unknown problem 'no_such_problem'"),
        ("'synthetic:n=1e9'", "more than the"),
        ("'synthetic:n=1e300,p=1e300'", "more than the"),
        ("''", "neither a parameter 'problem' nor 'n'"),
    ],
)
def test_a_benchmark_s_problem_that_cannot_be_made_is_one_line(
    value: str, said: str, place: Place, run_cli: RunCli, store_path: Path
) -> None:
    path = place("asv result")
    content = body()
    content["results"][DIGITS][1][1] = [value]
    path.write_text(json.dumps(content))
    ended = run_cli("import", "asv", "--results", path.parent.parent, "--store", store_path)
    assert ended.code == 2
    assert said in ended.stderr
    assert ended.stderr.count("\n") == 1


# CSV

GOOD = "x,y\n1,2\n3,5\n4,4\n"
SPOILT_CSV = {
    "name twice": ("x,x,y\n1,2,3\n3,4,5\n", "2 columns are named 'x'"),
    "no name": (",x,y\n0.5,1,2\n1,3,5\n", "column 1 has no name"),
    "a blank name": ("x, ,y\n0,1,2\n1,3,5\n", "column 2 has no name"),
    "an escape in a name": ("\x1b[31mx,y\n1,2\n3,5\n", r"column 1 is named '\x1b[31mx'"),
    "a line break in a name": ('"x\n(kg)",y\n1,2\n3,5\n', "column 1 is named"),
    "another order in a name": ("\u202ex,y\n1,2\n3,5\n", "column 1 is named"),
    "a short row": ("x,z,y\n1,2,3\n4,5\n", "line 3 has fewer fields than its header: 2, not 3"),
    "a long row": ("x,y\n1,2\n4,5,6\n", "line 3 has more fields than its header has names: 3, not 2"),
    "a trailing comma": ("x,y,\n1,2,\n4,5,\n", "column 3 has no name"),
    "semicolons": ("x;y\n1;2\n4;5\n", "separate its fields by commas"),
    "tabs": ("x\ty\n1\t2\n4\t5\n", "separate its fields by commas"),
    "thousands": ('x,y\n"1,234",2\n"5,678",5\n', "column 'x', row 1: '1,234' is no number"),
    "Swiss thousands": ("x,y\n1'234,2\n5'678,5\n", "column 'x', row 1: '1'234' is no number"),
    "decimal commas": ('x,y\n"1,5",2\n"2,5",5\n', "column 'x', row 1: '1,5' is no number"),
    "underscores": ("x,y\n1_000,2\n5_000,5\n", "column 'x', row 1: '1_000' is no number"),
    "per cent": ("x,y\n12%,2\n13 %,5\n", "column 'x', row 1: '12%' is no number"),
    "a typographic minus": ("x,y\n\u22125,2\n\u22126,5\n", "is no number"),
    "a word among numbers": ("x,y\n1,2\n?,5\n3,7\n", "column 'x', row 2: '?' is no number"),
    "other digits": ("x,y\n1,2\n\u0663,5\n3,7\n", "column 'x', row 2"),
    "a missing value": ("x,y\n1,2\n,5\n3,7\n", "column 'x' has 1 missing or infinite value, the first in row 2"),
    "NA": ("x,y\n1,2\nNA,5\n3,7\n", "column 'x' has 1 missing"),
    "beyond float64": ("x,y\n1,2\n1e999,5\n3,7\n", "column 'x' has 1 missing or infinite"),
    "400 digits": (f"x,y\n1,2\n{'9' * 400},5\n3,7\n", "column 'x' has 1 missing or infinite"),
    "a quote without an end": ('x,y\n1,2\n"3,5\n', "line 3"),
    "text after a quote": ('x,y\n1,2\n"3"4,5\n', "line 3"),
    "a huge field": (f'x,y\n1,2\n"{"a" * 200_000}",5\n', "field limit"),
    "NUL": ("x,y\n1,2\n\x003,5\n", "NUL"),
    "bytes that are not UTF-8": ("x,y\n1,2\n\udcff,5\n", "not UTF-8"),
    "a header alone": ("x,y\n", "0 rows"),
    "blank lines alone": ("\n\n\n", "it is empty"),
}


@pytest.mark.parametrize("what", SPOILT_CSV)
def test_a_spoilt_csv_is_one_line(what: str, tmp_path: Path) -> None:
    path, (text, said) = tmp_path / "table.csv", SPOILT_CSV[what]
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    refused(lambda: load_file(path, "y"), str(path), said)


@pytest.mark.parametrize(
    "text",
    [
        GOOD.replace("\n", "\r\n"),
        GOOD.replace("\n", "\r"),
        "x,y\r\n1,2\n3,5\r4,4",
        "\ufeff" + GOOD,
        "\n" + GOOD + "\n\n",
        '"x","y"\n"1","2"\n"3"," 5"\n4, 4 \n',
        'note,x,y\n"two\nlines, and a ""quote""",1,2\na,3,5\nb,4,4\n',
        "id,x,y\n12a,1,2\nb,3,5\n7,4,4\n",
    ],
    ids=["\\r\\n", "\\r", "mixed", "byte order mark", "blank lines", "quotes", "quoted line break", "labels"],
)
def test_what_spreadsheets_write_is_read(text: str, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(text.encode())
    problem = load_file(path, "y")
    assert (problem.features, problem.X.tolist(), problem.y.tolist()) == (("x",), [[1], [3], [4]], [2, 5, 4])


@pytest.mark.slow
def test_a_csv_is_read_in_bounded_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As texts these cells are 55 bytes each, 22 MB; as numbers 3.2 MB, and twice that while they are joined."""
    path = tmp_path / "table.csv"
    cells = 400_000
    path.write_text("a,b,c,d\n" + "1.25,2.5,3.75,4.5\n" * (cells // 4))
    monkeypatch.setattr(csv_file, "BLOCK_CELLS", 2**12)
    tracemalloc.start()
    table = read_table(path)
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert table.rows == cells // 4
    assert peak_bytes < 3 * 8 * cells


@pytest.mark.slow
def test_texts_take_no_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "table.csv"
    path.write_text("name,x\n" + "".join(f"{'n' * 80}{i},{i}\n" for i in range(50_000)))
    monkeypatch.setattr(csv_file, "BLOCK_CELLS", 2**12)
    tracemalloc.start()
    read_table(path)
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak_bytes < path.stat().st_size / 2


@pytest.mark.slow
def test_a_row_without_end_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("x,y\n" + '"\n",' * (csv_file.LONGEST_ROW // 3))
    refused(lambda: read_table(path), f"a row of more than {csv_file.LONGEST_ROW} characters")
    path.write_text("x" * (csv_file.LONGEST_ROW + 10))
    refused(lambda: read_table(path), f"a row of more than {csv_file.LONGEST_ROW} characters")


def test_more_numbers_than_are_held_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.problems.columns.MOST_NUMBERS", 5)
    path = tmp_path / "table.csv"
    path.write_text(GOOD)
    refused(lambda: read_table(path), "more than 5 values", "harness.solvers.streaming")
    frame = pd.read_csv(path)
    frame.to_parquet(tmp_path / "table.parquet")
    refused(lambda: read_table(tmp_path / "table.parquet"), "more than 5 values")


# Parquet


def test_a_parquet_file_s_columns_are_read_by_their_types(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / "table.parquet"
    columns = {
        "whole": pa.array([1, 2, None]),
        "price": pa.array([1, 2, 3]).cast(pa.decimal128(30, 2)),
        "flag": pa.array([True, False, None]),
        "nested": pa.array([[1], [2], [3]]),
        "when": pa.array([0, 1, 2]).cast(pa.timestamp("s")),
        "word": pa.array(["a", "b", "c"]),
        "__index_level_0__": pa.array([0, 1, 2]),
    }
    pq.write_table(pa.table(columns), path)
    table = read_table(path)
    assert table.names == ("whole", "price", "flag", "nested", "when", "word")
    assert list(table.texts) == ["nested", "when", "word"]
    assert [str(one.content) for one in table.texts.values()] == ["nested", "dates or times", "text"]
    found = {name: column.tolist() for name, column in table.numbers.items()}
    assert repr(found) == "{'whole': [1.0, 2.0, nan], 'price': [1.0, 2.0, 3.0], 'flag': [1.0, 0.0, nan]}"


@pytest.mark.parametrize("names", [["x", "x"], ["", "y"], ["\x1b[31m", "y"], ["a\nb", "y"]])
def test_a_parquet_file_with_columns_that_cannot_be_told_is_refused(names: list[str], tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / "table.parquet"
    pq.write_table(pa.Table.from_arrays([pa.array([1.0, 2.0])] * 2, names=names), path)
    refused(lambda: read_table(path), str(path), "rename" if names[0] else "no name")


@pytest.mark.parametrize("cut", range(4, 120, 7))
def test_a_parquet_file_that_is_cut_or_garbled_is_one_line_or_read(cut: int, tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    pd.DataFrame({"x": [1.0, 2.0], "y": [2, 3]}).to_parquet(path)
    content = path.read_bytes()
    path.write_bytes(content[:-cut])
    refused(lambda: read_table(path), str(path))
    garbled = bytearray(content)
    garbled[-cut - 8] ^= 0xFF
    path.write_bytes(bytes(garbled))
    try:
        assert all(isinstance(column, np.ndarray) for column in read_table(path).numbers.values())
    except UsageError as error:
        assert str(path) in str(error)  # noqa: PT017  # either is right


def test_streamed_parquet_is_refused_too(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    os.mkfifo(tmp_path / "pipe")
    refused(lambda: least_squares(Parquet(tmp_path / "pipe", "y")), "pipe: cannot be read: it is no file")
    columns = [pa.array([1.0, 2.0, 4.0])] * 3
    pq.write_table(pa.Table.from_arrays(columns, names=["x", "x", "y"]), tmp_path / "twice")
    refused(lambda: least_squares(Parquet(tmp_path / "twice", "y")), "has more than one column 'x'")
    (tmp_path / "cut").write_bytes((tmp_path / "twice").read_bytes()[:-3])
    refused(lambda: least_squares(Parquet(tmp_path / "cut", "y")), "cut: cannot be read")


# Errors


def test_an_error_is_one_line_that_a_terminal_only_shows() -> None:
    told = str(HarnessError("a\nb\t\x1b]0;title\x07 \u202e\u2028 \ud800 caf\xe9\n"))
    assert told == r"a b \x1b]0;title\x07 \u202e \ud800 café"
    assert len(one_line("x" * 10**6)) == MOST_CHARACTERS
    assert one_line("x" * MOST_CHARACTERS).endswith("x")


@pytest.mark.parametrize("words", [("gate", "--expectations"), ("run", "--target", "y", "--problem")])
def test_a_command_that_is_given_a_fifo_says_so(words: tuple[str, ...], run_cli: RunCli, tmp_path: Path) -> None:
    path = tmp_path / "pipe.csv"
    os.mkfifo(path)
    ended = run_cli(*words, path)
    assert (ended.code, ended.stdout) == (2, "")
    assert ended.stderr.count("\n") == 1
    assert f"{path}: it is a FIFO" in ended.stderr


def test_the_largest_of_our_own_files_is_far_below_the_limits() -> None:
    largest = max(path.stat().st_size for path in RESULTS.rglob("*.json"))
    assert 50 * largest < LARGEST_JSON_BYTES
    assert issubclass(NoSuchFileError, UsageError)


def test_a_commit_s_results_are_still_read(place: Place) -> None:
    path = place("asv result")
    path.write_text(json.dumps(body()))
    assert read_results(path.parent.parent)[0].commit == COMMIT
