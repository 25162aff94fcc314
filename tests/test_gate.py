"""The gate: what must fail fails, and the file it judges by stays true."""

import json
import math
import re
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.errors import UsageError
from harness.judge.gate.expectations import Expectations, read_expectations
from harness.judge.gate.gate import GateReport, gate
from harness.judge.gate.matching import draws
from harness.judge.gate.update import updated
from harness.judge.verdict import Verdict
from harness.measure.plan import Request, single
from harness.measure.run import measure, new_run
from harness.paths import results_folder
from harness.problems.catalog import load
from harness.records.record import Record
from harness.records.run import Run
from harness.solvers import catalog
from harness.solvers.options import Options
from harness.solvers.status import Status
from harness.store.store import Store
from harness.timing.sampling import Samples
from tests.conftest import RunCli
from tests.planted import Planted, exact_line

TEXT = """
schema_version = 1
default_problems = ["auto_mpg"]

[margins]
digits = 1.0
excess_loss = 10.0
r2 = 0.001
mse = 0.01

[classes.solvers]
both = ["numpy_lstsq", "sklearn"]

# a comment that an update keeps
[[expect]]
problem = "auto_mpg"
solver = "both"
digits_min = 12.0
excess_loss_max = 1e-20
r2 = { train = [0.646, 0.648] }
mse = { train = [21.5, 21.6] }
source = "measured"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "expectations.toml"
    path.write_text(TEXT)
    return path


@pytest.fixture
def expectations(file: Path) -> Expectations:
    return read_expectations(file)


@pytest.fixture(scope="module")
def records() -> list[Record]:
    problem = load("auto_mpg")
    cases = [single(problem, catalog.get(name), Options()) for name in ("numpy_lstsq", "sklearn")]
    return [measure(case).record for case in cases]


def run_of(records: list[Record], **asked: object) -> Run:
    run = new_run(Request(**asked), [])  # type: ignore[arg-type]
    return run.model_copy(update={"planned": tuple(record.case for record in records)})


def with_accuracy(record: Record, **changes: object) -> Record:
    return record.model_copy(update={"accuracy": replace(record.accuracy, **changes)})  # type: ignore[arg-type]


def judged(records: list[Record], expectations: Expectations, **asked: object) -> GateReport:
    return gate(run_of(records, **asked), records, expectations)


@pytest.mark.slow
def test_a_run_as_expected_passes(records: list[Record], expectations: Expectations) -> None:
    report = judged(records, expectations)
    assert (report.breaches, report.incomplete, report.exit_code) == ((), (), 0)
    assert len(report.judgements) == 2 * 5  # status, digits, excess loss, R² and MSE of both solvers


@pytest.mark.slow
def test_a_planted_loss_of_one_digit_fails(records: list[Record], expectations: Expectations) -> None:
    tight = expectations.expect[0].model_copy(update={"digits_min": 14.0})
    floors = expectations.model_copy(update={"expect": (tight,)})
    assert judged(records, floors).exit_code == 0
    lost = [with_accuracy(records[0], digits=13.0), records[1]]
    report = judged(lost, floors)
    assert report.exit_code == 1
    (breach,) = report.breaches
    assert (breach.case, breach.quantity, breach.verdict) == (records[0].case, "digits", Verdict.REGRESSION)
    assert breach.detail == "1 below the floor"
    assert breach.advice


@pytest.mark.slow
@pytest.mark.parametrize("value", [math.nan, None])
@pytest.mark.parametrize("quantity", ["digits", "excess_loss"])
def test_a_planted_nan_or_a_missing_number_fails(
    records: list[Record], expectations: Expectations, quantity: str, value: float | None
) -> None:
    report = judged([with_accuracy(records[0], **{quantity: value}), records[1]], expectations)
    assert report.exit_code == 1
    assert report.breaches[0].detail == "there is no number to judge"


@pytest.mark.slow
@pytest.mark.parametrize("value", [math.inf, 1e-19])
def test_too_large_an_excess_loss_fails(records: list[Record], expectations: Expectations, value: float) -> None:
    assert judged([with_accuracy(records[0], excess_loss=value), records[1]], expectations).exit_code == 1


@pytest.mark.slow
@pytest.mark.parametrize("scores", [{"train": 0.7}, {"train": 0.6}, {"train": math.nan}, {}])
def test_an_r2_outside_its_band_or_gone_fails(
    records: list[Record], expectations: Expectations, scores: dict[str, float]
) -> None:
    assert judged([with_accuracy(records[0], r2=scores), records[1]], expectations).exit_code == 1


@pytest.mark.slow
@pytest.mark.parametrize("asked", [{}, {"problems": ("auto_mpg",)}, {"solvers": ("sklearn",)}])
def test_a_vanished_solver_fails(
    records: list[Record], expectations: Expectations, asked: dict[str, tuple[str, ...]]
) -> None:
    report = judged(records[:1], expectations, **asked)
    assert report.exit_code == 1
    assert [(b.case, b.quantity) for b in report.breaches] == [("auto_mpg sklearn", "presence")]


@pytest.mark.slow
@pytest.mark.parametrize("asked", [{"problems": ("sine",)}, {"solvers": ("numpy_lstsq",)}, {"n": (100,)}])
def test_what_a_run_was_not_asked_for_has_not_vanished(
    records: list[Record], expectations: Expectations, asked: dict[str, tuple[str, ...]]
) -> None:
    assert judged(records[:1], expectations, **asked).exit_code == 0


DRAWN = """
[[expect]]
problem = "synthetic"
solver = "numpy_lstsq"
parameters = { n = [40, 100], p = 2 }
digits_min = 1.0
source = "measured"
"""


@pytest.fixture
def drawn(file: Path) -> Expectations:
    file.write_text(TEXT.partition("[[expect]]")[0] + DRAWN)
    return read_expectations(file)


def drawn_record(spec: str, solver: str = "numpy_lstsq") -> Record:
    return measure(single(load(spec), catalog.get(solver), Options())).record


@pytest.mark.slow
@pytest.mark.parametrize(
    ("spec", "judgements"),
    [
        ("synthetic:n=40,p=2", 2),
        ("synthetic:n=100,p=2", 2),
        ("synthetic:n=39,p=2", 0),
        ("synthetic:n=101,p=2", 0),
        ("synthetic:n=40,p=3", 0),
    ],
)
def test_an_expectation_is_about_the_parameters_that_it_was_measured_at(
    drawn: Expectations, spec: str, judgements: int
) -> None:
    report = judged([drawn_record(spec)], drawn, problems=(spec,))
    assert (len(report.judgements), report.unjudged) == (judgements, 0 if judgements else 1)


@pytest.mark.slow
def test_a_case_vanishes_only_where_its_parameters_were_planned(drawn: Expectations) -> None:
    for spec, codes in (("synthetic:n=40,p=2", 1), ("synthetic:n=39,p=2", 3)):
        other = drawn_record(spec, "scipy_gelsd")
        report = judged([other], drawn, problems=(spec,))
        assert [breach.quantity for breach in report.breaches] == ["presence"] * (codes == 1)
        assert report.exit_code == codes


def test_a_label_that_says_no_number_has_no_such_parameter(drawn: Expectations) -> None:
    entry = drawn.expect[0]
    assert draws(entry, "synthetic")
    assert draws(entry, "synthetic:noise=3")
    assert not draws(entry, "synthetic:n=many,p=2")
    assert not draws(entry, "synthetic:n=nan,p=2")
    assert entry.label == "synthetic numpy_lstsq n=40..100 p=2"


@pytest.mark.slow
def test_a_planned_case_without_a_record_could_not_be_judged(records: list[Record], expectations: Expectations) -> None:
    run = run_of(records).model_copy(update={"planned": (*(r.case for r in records), "auto_mpg torch_sgd lr=0.1")})
    report = gate(run, records, expectations)
    assert report.incomplete == ("auto_mpg torch_sgd lr=0.1",)
    assert report.exit_code == 3


@pytest.mark.slow
def test_a_run_without_an_expectation_could_not_be_judged(records: list[Record], expectations: Expectations) -> None:
    foreign = [record.model_copy(update={"problem_name": "sine"}) for record in records]
    report = judged(foreign, expectations, problems=("sine",))
    assert (report.exit_code, report.unjudged) == (3, 2)


@pytest.mark.slow
@pytest.mark.parametrize("status", [status for status in Status if status.failed])
def test_a_failed_case_fails_with_an_expectation_and_without(
    records: list[Record], expectations: Expectations, status: Status
) -> None:
    failed = records[0].model_copy(update={"status": status, "message": "as planted"})
    assert judged([failed, records[1]], expectations).exit_code == 1
    elsewhere = failed.model_copy(update={"problem_name": "sine", "case": "sine numpy_lstsq"})
    report = judged([*records, elsewhere], expectations)
    assert [(b.case, b.detail) for b in report.breaches] == [("sine numpy_lstsq", "as planted")]


@pytest.mark.slow
def test_a_case_that_raised_while_it_was_timed_fails(records: list[Record], expectations: Expectations) -> None:
    worn = records[0].model_copy(update={"samples": Samples(error="RuntimeError: worn out")})
    assert [b.quantity for b in judged([worn, records[1]], expectations).breaches] == ["timing"]


def expecting_failure(expectations: Expectations) -> Expectations:
    entry = expectations.expect[0].model_copy(
        update={"solver": ("sklearn",), "status": (Status.WRONG,), "expected_failure": "a planted reason"}
    )
    return expectations.model_copy(update={"expect": (entry,)})


@pytest.mark.slow
def test_an_expected_failure_passes_and_its_numbers_are_not_judged_twice(
    records: list[Record], expectations: Expectations
) -> None:
    wrong = with_accuracy(records[1].model_copy(update={"status": Status.WRONG}))
    entry = expecting_failure(expectations)
    plain = entry.expect[0].model_copy(update={"digits_min": None, "excess_loss_max": None, "r2": {}, "mse": {}})
    assert judged([wrong], entry.model_copy(update={"expect": (plain,)})).exit_code == 0


@pytest.mark.slow
def test_a_cured_failure_fails_so_that_the_file_stays_true(records: list[Record], expectations: Expectations) -> None:
    report = judged(records[1:], expecting_failure(expectations))
    assert report.exit_code == 1
    assert [b.verdict for b in report.breaches] == [Verdict.IMPROVEMENT]


@pytest.mark.slow
def test_an_update_sets_every_limit_to_the_worst_less_the_margin(
    records: list[Record], expectations: Expectations, file: Path
) -> None:
    measured = [
        with_accuracy(records[0], digits=13.26, excess_loss=3e-25, r2={"train": 0.64674}, mse={"train": 21.526}),
        with_accuracy(records[1], digits=14.9, excess_loss=1e-25, r2={"train": 0.64674}, mse={"train": 21.526}),
    ]
    text, changes = updated(TEXT, expectations, measured)
    file.write_text(text)
    after = read_expectations(file).expect[0]
    assert after.digits_min == 12.2
    assert after.excess_loss_max == pytest.approx(3e-24)
    assert after.r2["train"] == pytest.approx((0.64574, 0.64774), abs=1e-4)
    assert after.mse["train"] == pytest.approx((21.31, 21.75), abs=1e-2)
    assert "# a comment that an update keeps" in text
    assert {change.limit for change in changes} == {"digits_min", "excess_loss_max", "r2 train", "mse train"}
    assert judged(measured, read_expectations(file)).exit_code == 0


def test_an_update_leaves_pinned_limits_and_what_was_not_measured(
    records: list[Record], expectations: Expectations
) -> None:
    pinned = expectations.model_copy(update={"expect": (expectations.expect[0].model_copy(update={"pinned": True}),)})
    assert updated(TEXT, pinned, records) == (TEXT, [])
    assert updated(TEXT, expectations, []) == (TEXT, [])
    blank = [with_accuracy(record, digits=math.nan, excess_loss=None, r2={}, mse={}) for record in records]
    assert updated(TEXT, expectations, blank) == (TEXT, [])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("schema_version = 1", "default_problems"),
        (TEXT.replace("schema_version = 1", "schema_version = 2"), "schema_version"),
        (TEXT.replace("digits_min", "digits_minimum"), "digits_minimum"),
        (TEXT.replace("[0.646, 0.648]", "[0.648, 0.646]"), "upside down"),
        (TEXT + "parameters = { n = [100, 40] }", "upside down"),
        (TEXT + "parameters = { n = [40, 60, 100] }", "parameters"),
        (TEXT.replace("12.0", "nan"), "digits_min"),
        (TEXT.replace('source = "measured"', ""), "source"),
        (TEXT + 'status = "wrong"', "expected_failure"),
        ("not toml at all [", ""),
    ],
)
def test_a_file_that_is_no_expectations_is_one_line(file: Path, text: str, words: str) -> None:
    file.write_text(text)
    with pytest.raises(UsageError) as caught:
        read_expectations(file)
    assert str(file) in str(caught.value)
    assert words in str(caught.value)


def test_a_missing_file_says_how_to_name_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--expectations"):
        read_expectations(tmp_path / "none.toml")


def test_the_committed_expectations_name_what_exists() -> None:
    """A typing error in the file would otherwise look like a vanished case, or like none at all."""
    from harness.problems.catalog import names

    committed = read_expectations(results_folder() / "expectations.toml")
    for entry in committed.expect:
        assert set(committed.solvers_of(entry)) <= set(catalog.SOLVERS)
        assert set(committed.problems_of(entry)) <= set(names())


@pytest.mark.slow
def test_a_planted_solver_that_lost_a_digit_is_caught_from_its_fit_on(expectations: Expectations) -> None:
    """End to end: the same answer with its coefficients off by 1e-11 has 11 digits, and the floor is 12."""
    problem = load("auto_mpg")
    name = "numpy_lstsq"
    entry = expectations.expect[0].model_copy(update={"solver": (name,)})
    floors = expectations.model_copy(update={"expect": (entry,)})
    honest = measure(single(problem, Planted(name, exact_line), Options())).record
    assert judged([honest], floors).exit_code == 0
    lossy = measure(single(problem, Planted(name, lambda p: exact_line(p) * (1 + 1e-11)), Options())).record
    assert lossy.status is Status.OK
    report = judged([lossy], floors)
    assert report.exit_code == 1
    assert "digits" in {breach.quantity for breach in report.breaches}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("limits", "changed", "lowest", "highest"),
    [
        ({"digits_min": 12.0}, "digits", 12.0, None),
        ({"standard_error_digits_min": 6.0}, "standard_error_digits", 6.0, None),
        ({"excess_loss_max": 1e-20}, "excess_loss", None, 1e-20),
        ({"r2": {"train": (0.25, 0.75)}}, "r2", 0.25, 0.75),
        ({"mse": {"test": (0.25, 0.75)}}, "mse", 0.25, 0.75),
    ],
)
def test_a_value_exactly_at_its_limit_holds_and_the_next_float_beyond_does_not(
    records: list[Record],
    expectations: Expectations,
    limits: dict[str, object],
    changed: str,
    lowest: float | None,
    highest: float | None,
) -> None:
    bare: dict[str, object] = {"digits_min": None, "excess_loss_max": None, "r2": {}, "mse": {}}
    entry = expectations.expect[0].model_copy(update=bare | limits)
    only = expectations.model_copy(update={"expect": (entry,)})
    part = next(iter(limits[changed])) if isinstance(limits.get(changed), dict) else None  # type: ignore[call-overload]
    ends = [(lowest, -math.inf), (highest, math.inf)]
    for limit, beyond in ((limit, math.nextafter(limit, away)) for limit, away in ends if limit is not None):
        for value, code in ((limit, 0), (beyond, 1)):
            found = value if part is None else {part: value}
            both = [with_accuracy(record, **{changed: found}) for record in records]
            assert judged(both, only).exit_code == code, (changed, value)


@pytest.mark.slow
def test_a_gate_from_nothing_expects_what_was_run_and_runs_what_it_expects(tmp_path: Path, run_cli: RunCli) -> None:
    jobs, file, store = tmp_path / "jobs.csv", tmp_path / "expected.toml", tmp_path / "store.sqlite"
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(30, 3))
    np.savetxt(jobs, rows, delimiter=",", header="hours,size,margin", comments="")
    where = ("--store", store, "--expectations", file)
    cases = ("--problem", jobs, "--target", "margin", "--drop", "size", "--solver", "numpy_lstsq")
    made = run_cli("gate", "--init", *cases, *where)
    assert made.code == 0
    assert f"next: harness gate --fresh --expectations {file} --store {store}" in made.stderr
    (entry,) = read_expectations(file).expect
    assert entry.problem == ("jobs.csv:margin(--drop size)",)
    again = run_cli("gate", "--init", *cases, *where)
    assert (again.code, "has 1 expectation already" in again.stderr) == (2, True)
    fresh = run_cli("gate", "--fresh", *where, "--json")
    assert fresh.code == 0
    judged = json.loads(fresh.stdout)
    assert {one["case"].partition(" cpu")[0] for one in judged["judgements"]} == {
        "jobs.csv:margin(--drop size) numpy_lstsq"
    }
    assert (judged["unjudged"], judged["incomplete"]) == (0, [])
    with closing(Store(str(store), create=False)) as kept:
        assert [len(run.planned) for run in kept.runs()] == [1, 1]
    said = run_cli("run", *cases, "--store", store).stdout
    assert f"next: harness gate --init --store {store}, harness compare --by solver --store {store}" in said
    doctor = re.search(r"harness doctor --run \S+(.*)", said)
    assert doctor is None or doctor[1] == f" --store {store}"
