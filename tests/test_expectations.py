"""Floors by problem, classes in lists, optional solvers, statuses by chance; and that the committed file holds."""

from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.judge.gate.expectations import Expectations, read_expectations
from harness.judge.gate.gate import GateReport, gate
from harness.judge.gate.update import updated
from harness.judge.verdict import Verdict
from harness.measure.plan import Request, single
from harness.measure.run import measure, new_run
from harness.paths import results_folder
from harness.problems.catalog import load
from harness.records.record import Record
from harness.solvers import catalog
from harness.solvers.options import Options
from harness.solvers.status import Status
from tests.conftest import RunCli

HEAD = """
schema_version = 1
default_problems = ["auto_mpg"]
margins = { digits = 1.0, excess_loss = 10.0, r2 = 0.001, mse = 0.01 }
classes = { solvers = { both = ["statsmodels_qr", "statsmodels_pinv"] } }
"""
FLOORS = """
[[expect]]
solver = ["both", "streaming"]
digits_min = { nist_norris = 11.0, nist_longley = 9.0 }
standard_error_digits_min = { nist_longley = 7.0 }
source = "measured"
"""
ABSENT = """
[[expect]]
problem = "nist_norris"
solver = "onedal"
optional = {optional}
digits_min = 5.0
source = "measured"
"""


def written(tmp_path: Path, text: str) -> Expectations:
    path = tmp_path / "expectations.toml"
    path.write_text(HEAD + text)
    return read_expectations(path)


@pytest.fixture(scope="module")
def records() -> list[Record]:
    solvers = ("statsmodels_qr", "statsmodels_pinv", "streaming")
    problems = ("nist_norris", "nist_longley")
    return [measure(single(load(p), catalog.get(s), Options())).record for p in problems for s in solvers]


def judged(records: list[Record], expectations: Expectations) -> GateReport:
    run = new_run(Request(problems=("nist_norris", "nist_longley")), [])
    return gate(run, records, expectations)


@pytest.mark.slow
def test_a_floor_by_problem_is_about_those_problems_and_judges_each_by_its_own(
    tmp_path: Path, records: list[Record]
) -> None:
    report = judged(records, written(tmp_path, FLOORS))
    assert not report.breaches
    assert sorted({(j.quantity, j.expected) for j in report.judgements}) == [
        ("digits", ">= 11"),
        ("digits", ">= 9"),
        ("standard error digits", ">= 7"),
        ("status", "ok"),
    ]


@pytest.mark.slow
def test_standard_errors_are_gated_apart_from_coefficients(tmp_path: Path, records: list[Record]) -> None:
    """statsmodels' QR has 10.9 digits of Longley's coefficients and 8.0 of their standard errors."""
    report = judged(records, written(tmp_path, FLOORS.replace("nist_longley = 7.0", "nist_longley = 9.5")))
    assert {j.quantity for j in report.breaches} == {"standard error digits"}
    assert {j.case.split()[1] for j in report.breaches} == {"statsmodels_qr"}


@pytest.mark.slow
def test_a_solver_of_an_extra_may_be_absent_and_any_other_may_not(tmp_path: Path, records: list[Record]) -> None:
    unsupported = records[0].model_copy(update={"solver": "onedal", "status": Status.UNSUPPORTED})
    for found in ([], [unsupported]):
        optional = judged([*found, records[2]], written(tmp_path, ABSENT.format(optional="true")))
        required = judged([*found, records[2]], written(tmp_path, ABSENT.format(optional="false")))
        assert not optional.breaches
        assert [j.verdict for j in required.breaches] == [Verdict.REGRESSION]


@pytest.mark.slow
def test_an_optional_solver_that_is_there_is_judged(tmp_path: Path, records: list[Record]) -> None:
    wrong = records[0].model_copy(update={"solver": "onedal", "status": Status.WRONG})
    assert judged([wrong], written(tmp_path, ABSENT.format(optional="true"))).breaches


@pytest.mark.slow
def test_a_status_by_chance_accepts_each_of_the_listed_and_no_other(tmp_path: Path, records: list[Record]) -> None:
    text = 'status = ["rank_deficient", "wrong"]\nexpected_failure = "chance"\nsource = "measured"\n'
    chance = written(tmp_path, '[[expect]]\nproblem = "nist_norris"\nsolver = "streaming"\n' + text)
    for status, breached in ((Status.WRONG, False), (Status.RANK_DEFICIENT, False), (Status.ERROR, True)):
        record = records[2].model_copy(update={"status": status})
        assert bool(judged([record], chance).breaches) is breached
    assert judged([records[2]], chance).breaches[0].verdict is Verdict.IMPROVEMENT


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[[expect]]\nsolver = "streaming"\nsource = "s"\n', "name the problem"),
        (FLOORS.replace("{ nist_longley = 7.0 }", "{ nist_filip = 7.0 }"), "nist_filip"),
        (FLOORS + 'status = ["ok", "wrong"]\n', "expected_failure"),
    ],
)
def test_an_entry_that_says_too_little_is_one_line(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(UsageError, match=told) as error:
        written(tmp_path, text)
    assert "\n" not in str(error.value)


@pytest.mark.slow
def test_an_update_sets_each_problem_s_floor_from_its_own_records(tmp_path: Path, records: list[Record]) -> None:
    low = FLOORS.replace("11.0", "1.0").replace("9.0", "1.0")
    text, changes = updated(HEAD + low, written(tmp_path, low), records)
    limits = {change.limit: float(change.after) for change in changes}
    worst = {p: min(r.accuracy.digits or 0 for r in records if r.problem == p) for p in ("nist_norris", "nist_longley")}
    for problem, digits in worst.items():
        assert digits - 1.1 <= limits[f"digits_min {problem}"] <= digits - 1.0
    (tmp_path / "expectations.toml").write_text(text)
    assert not judged(records, read_expectations(tmp_path / "expectations.toml")).breaches


@pytest.mark.slow
@pytest.mark.usefixtures("in_process")
def test_the_committed_file_holds_on_nist_s_sets_and_every_closed_form_is_in_it(run_cli: RunCli) -> None:
    ended = run_cli("accuracy")
    assert ended.code == 0, ended.stdout
    assert "gate passed" in ended.stdout
    assert "have no expectation" not in ended.stdout
    committed = read_expectations(results_folder() / "expectations.toml")
    named = {name for entry in committed.expect for name in committed.solvers_of(entry)}
    closed = {s.name for s in catalog.ALL if s.kind == "closed_form"}
    assert closed <= named
