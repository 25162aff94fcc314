"""The page without a browser: what it is made of, that names stay names, that what it says follows from the data."""

import ast
import base64
import gzip
import json
import math
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

from harness.errors import counted
from harness.files.strict_json import finite
from harness.measure.one_case import measure_alone
from harness.measure.plan import single
from harness.problems.catalog import load
from harness.report.figures.rows import names_of, short_problems
from harness.report.html import accuracy, verdict
from harness.report.html.cases import call, case_in_full, command, reproduce
from harness.report.html.evidence import Evidence
from harness.report.html.order import sections
from harness.report.html.packing import ABSENT, pack, script_json
from harness.report.html.render import SCRIPTS, render
from harness.report.html.section import Column, Section, Table
from harness.report.words.sentences import listed
from harness.solvers import catalog
from harness.solvers.options import Options
from harness.solvers.status import Status
from tests.page_site import HOSTILE, evidence, planted, training

HARMLESS = (
    "html head meta title link style script body a header div h1 h2 h3 small p span button aside nav ol li details "
    "summary output main noscript section figure figcaption footer code dialog dl dt dd"
)


class Tags(HTMLParser):
    """The tags and attributes of a page, and the text of its scripts by their id."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.blocks: dict[str, str] = {}
        self._in = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs
        self._in = dict(attrs).get("id") or "" if tag == "script" else ""

    def handle_data(self, data: str) -> None:
        if self._in:
            self.blocks[self._in] = self.blocks.get(self._in, "") + data

    def handle_endtag(self, tag: str) -> None:
        self._in = ""


def page(found: Evidence, **more: Any) -> Tags:
    return Tags(render(found, sections(found), **more))


def small() -> Evidence:
    return evidence([planted("numpy_lstsq", 1e-4), planted("sklearn", 3e-4, digits=0.0, status=Status.WRONG)])


@pytest.mark.slow
def test_the_page_is_one_file_that_asks_for_nothing() -> None:
    made = page(small())
    addresses = [value for name, value in made.attributes if name in ("src", "href", "action", "srcset", "data")]
    assert addresses
    assert all(value is not None and value.startswith(("#", "data:")) for value in addresses)
    assert not [name for name, _ in made.attributes if name.startswith("on") or name == "style"]


@pytest.mark.slow
def test_the_policy_names_each_script_and_allows_nothing_else() -> None:
    made = page(small())
    policy = next(value for name, value in made.attributes if value and "default-src" in value)
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "connect-src 'none'" in policy
    assert policy.count("sha256-") == 4  # three scripts and the style
    served = page(small(), version="abc")
    assert "connect-src 'self'" in next(value for _, value in served.attributes if value and "default-src" in value)


@pytest.mark.slow
def test_names_from_files_stay_names() -> None:
    records = [
        planted(HOSTILE, 1e-4, problem=HOSTILE, message=HOSTILE, warnings=(HOSTILE,), device=HOSTILE),
        planted("lone \ud800 surrogate", 1e-4, problem="\u2028"),
    ]
    made = page(evidence(records))
    assert made.tags <= set(HARMLESS.split())
    assert "img" not in made.tags
    data = json.loads(made.blocks["data"])
    assert HOSTILE in data["index"]["columns"]["solver"]
    assert json.loads(gzip.decompress(base64.b64decode(made.blocks["cases"])))[0]["message"] == HOSTILE


def test_json_in_a_script_cannot_end_it_and_has_no_number_that_is_none() -> None:
    text = script_json(
        {"a": "</script><!--&\u2028", "b": [math.nan, math.inf, np.float64(0.5), np.int64(3)], "c": (1,)}
    )
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text) == {"a": "</script><!--&\u2028", "b": [None, None, 0.5, 3], "c": [1]}
    assert finite(np.float32(np.nan)) is None


def test_rows_are_packed_without_loss() -> None:
    rows: list[dict[str, Any]] = [
        {"case": "a", "solver": "x", "n": 1, "one": 1.5},
        {"case": "b", "solver": "x", "n": 1.0},
        {"case": "a", "solver": "y", "n": True, "one": None},
        {"solver": "y", "n": None, "one": 2.5},
    ]
    packed = json.loads(script_json(pack(rows, {"a": 0, "b": 1})))
    assert packed["columns"]["case"] == {"case": [0, 1, 0, ABSENT]}
    assert unpacked(packed, ["a", "b"]) == rows
    assert [type(row["n"]) for row in unpacked(packed, ["a", "b"])] == [int, float, bool, type(None)]
    elsewhere = pack(rows, {"a": 0})  # of a case that the run does not have there is only the name
    assert elsewhere["columns"]["case"]["of"] == ["a", "b"]


def unpacked(packed: Any, cases: list[str]) -> list[dict[str, Any]]:
    """As the client does it (assets/state.js)."""
    rows: list[dict[str, Any]] = [{} for _ in range(packed["rows"])]
    for key, column in packed["columns"].items():
        values = column if isinstance(column, list) else cases if "case" in column else column["of"]
        at = range(len(rows)) if isinstance(column, list) else column.get("case", column.get("at"))
        for row, place in zip(rows, at, strict=True):
            if place != ABSENT:
                row[key] = values[place]
    return rows


@pytest.mark.slow
def test_ten_thousand_cases_make_a_page_of_a_few_megabytes() -> None:
    records = [planted(f"solver_{i % 20}", 1e-4, n=100 + i, calls=30) for i in range(1000)]
    found = evidence(records)
    more = len(render(found, (verdict.section(found), accuracy.section(found)))) - len(render(small(), ()))
    assert more / 1000 < 500  # bytes a case, so that ten thousand and the scripts are under 6 MB


@pytest.mark.slow
def test_the_default_grid_makes_a_page_well_under_six_megabytes() -> None:
    found = evidence([planted(f"solver_{i % 20}", 1e-4, n=100 + i, calls=30) for i in range(432)])
    assert len(render(found, sections(found)).encode()) < 4e6


@pytest.mark.slow
def test_a_run_that_has_measured_nothing_yet_has_a_page_too() -> None:
    made = sections(evidence([]))
    assert [one.id for one in made] == ["decision", "environment"]
    assert all(one.conclusion for one in made)
    absent = {
        row["title"]: row["missing"]
        for part in made[-1].parts
        if isinstance(part, Table)
        for row in part.rows
        if part.name == "absent"
    }
    assert {"Verdict", "Accuracy"} <= set(absent)
    assert all("harness " in text for text in absent.values())
    assert "cases" in Tags(render(evidence([]), made)).blocks


@pytest.mark.slow
def test_the_client_is_all_there_and_parts_have_names_of_their_own() -> None:
    assert len(set(SCRIPTS)) == len(SCRIPTS)
    one = Table("same", "caption", (Column("a", "A"),), [])
    with pytest.raises(ValueError, match="two parts of the page are called same"):
        render(small(), (Section("a", "A", "", (one, one)),))


def test_rows_that_two_parts_share_are_written_once() -> None:
    rows = [{"a": 1.0}]
    columns = (Column("a", "A"),)
    parts = (Table("first", "", columns, rows), Table("second", "", columns, rows), Table("third", "", columns, [{}]))
    data = json.loads(Tags(render(small(), (Section("s", "S", "", parts),))).blocks["data"])
    assert [data["parts"][name]["rows"] for name in ("first", "second", "third")] == [0, 0, 1]


@pytest.mark.slow
def test_five_lines_reproduce_a_case(one_thread: None) -> None:
    case = single(load("four_points"), catalog.get("torch_sgd"), Options(lr=0.1, epochs=20))
    record = measure_alone(case).record
    text = reproduce(record)
    assert len(text.splitlines()) == 5
    scope: dict[str, Any] = {}
    exec(compile(text, "five lines", "exec"), scope)  # noqa: S102  # it is what the page tells people to run
    assert scope["record"].case == record.case
    assert scope["record"].accuracy == record.accuracy


def test_a_name_in_the_five_lines_is_a_literal() -> None:
    hostile = planted('x"), __import__("os").system("true")#', 1e-4, problem="cars.csv:price\n")
    words = ast.parse(f"f({call(hostile)})").body[0]
    assert isinstance(words, ast.Expr)
    assert isinstance(words.value, ast.Call)
    called = [ast.unparse(one.func) for one in words.value.args if isinstance(one, ast.Call)]
    assert called == ["load", "catalog.get", "options.Options"]


def test_a_file_is_loaded_by_its_path_and_target() -> None:
    record = planted("numpy_lstsq", 1e-4).model_copy(update={"problem": "my data/cars.csv:mpg"})
    assert "load('my data/cars.csv', target='mpg')" in call(record)
    assert "--problem 'my data/cars.csv' --target mpg" in command(record)


def test_a_case_in_full_has_its_numbers_terms_and_advice() -> None:
    record = planted("sklearn", 1e-3, digits=0.0, status=Status.WRONG, message="rank 2; the exact rank is 3")
    found = case_in_full(record)
    assert found["advice"] == Status.WRONG.advice
    assert found["values"][0] == 0.0
    assert len(found["wall_s"]) == len(record.samples.wall_s)


def test_problems_are_told_apart_by_what_differs() -> None:
    assert short_problems(["synthetic:n=10,p=3", "synthetic:n=20,p=3", "auto_mpg", "a.csv:x=1"]) == {
        "synthetic:n=10,p=3": "synthetic n=10",
        "synthetic:n=20,p=3": "synthetic n=20",
        "auto_mpg": "auto_mpg",
        "a.csv:x=1": "a.csv",
    }
    clash = ["a:n=1", "a"]
    assert short_problems(clash) == {name: name for name in clash}


def test_cases_of_one_solver_are_told_apart_by_the_option_that_differs() -> None:
    trained = [training("torch_sgd", 1e-4, lr, reached={}, excess=1.0) for lr in (0.1, 0.01)]
    alone = planted("numpy_lstsq", 1e-4, options={"dtype": "float64"})
    assert list(names_of([*trained, alone]).values()) == ["torch_sgd lr=0.1", "torch_sgd lr=0.01", "numpy_lstsq"]


def test_words() -> None:
    assert [listed([]), listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]
    assert listed(list("abcde")) == "a, b, c and 2 more"
    assert [counted(1, "case"), counted(2, "case"), counted(0, "case")] == ["1 case", "2 cases", "0 cases"]
