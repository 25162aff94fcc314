"""harness accuracy: its tables, what is not fine, the bars, the exit codes."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.judge.studies.bars import Bar, bars, not_fine, reference_bar, streaming_bar
from harness.measure.plan import single
from harness.measure.recording import record_of
from harness.measure.run import InProcess
from harness.problems import catalog as problems
from harness.problems import ladder
from harness.problems.problem import Floats, Problem
from harness.records.record import Accuracy, Record
from harness.report.render.markdown import escaped
from harness.report.tables.accuracy import Sheet, tabulate
from harness.report.words.accuracy import accuracy_json, reasons
from harness.solvers import catalog as solvers
from harness.solvers.options import Options
from harness.solvers.solver import Kind
from harness.solvers.status import Status
from harness.store.store import Store
from harness.studies.accuracy import NIST_HEADS, AccuracyRequest, plan_accuracy, sheets
from tests.conftest import Ended, RunCli
from tests.planted import Planted, exact_line

pytestmark = pytest.mark.usefixtures("in_process")

FIVE = ("statsmodels_qr", "numpy_lstsq", "sklearn", "normal_equations", "torch_gels")

EXPECTED = """
schema_version = 1
default_problems = ["four_points"]
margins = { digits = 1.0, excess_loss = 10.0, r2 = 0.001, mse = 0.01 }

[[expect]]
problem = "nist_norris"
solver = "numpy_lstsq"
digits_min = %s
source = "a test"
"""


def raise_it(_problem: Problem) -> Floats:
    raise ValueError("no | luck [red]")


PLANTED = (
    Planted("right", exact_line),
    Planted("off_by_a_percent", lambda p: 1.01 * exact_line(p)),
    Planted("another_rank", lambda p: exact_line(p) * (1 + 1e-6), rank=1),
    Planted("raising", raise_it),
    Planted("needs_a_library", exact_line, requires=("no_such_library",)),
)


@pytest.fixture(autouse=True)
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here, where solvers can be planted; that a worker process gives the same is test_isolation_place's."""
    monkeypatch.setattr("harness.measure.session.Where.here", lambda _: InProcess())


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The catalog is PLANTED and numpy's solver."""
    known = {solver.name: solver for solver in (*PLANTED, solvers.get("numpy_lstsq"))}
    monkeypatch.setattr(solvers, "SOLVERS", known)


@pytest.fixture
def nothing_expected(tmp_path: Path) -> Path:
    path = tmp_path / "none.toml"
    path.write_text(EXPECTED.partition("[[expect]]")[0] + "expect = []\n")
    return path


def only(*names: str) -> list[str]:
    return [word for name in names for word in ("--solver", name)]


def row(ended: Ended, solver: str) -> str:
    """The first line that begins with the solver's name: its row in the first table."""
    return next(line for line in ended.stdout.splitlines() if line.split(" ")[0] == solver)


# The plan


def test_without_a_name_every_closed_form_and_every_nist_set_is_planned_and_the_run_answers_for_all() -> None:
    request, cases = plan_accuracy(AccuracyRequest(device="cpu"))
    closed = {solver.name for solver in solvers.ALL if solver.kind is Kind.CLOSED_FORM}
    assert {case.solver.name for case in cases} == closed
    assert list(dict.fromkeys(case.problem.label for case in cases)) == list(NIST_HEADS)
    assert len(NIST_HEADS) == 11
    assert request.problems == tuple(NIST_HEADS)
    assert request.solvers == ()
    assert {case.options.device for case in cases} == {"cpu"}
    assert len({case.key for case in cases}) == len(cases)


def test_a_narrowed_run_answers_for_what_it_fits_only() -> None:
    request, _ = plan_accuracy(AccuracyRequest(problems=("nist_norris",), device="cpu"))
    assert "numpy_lstsq" in request.solvers
    assert "torch_sgd" not in request.solvers
    assert plan_accuracy(AccuracyRequest(solvers=("numpy_lstsq",)))[0].solvers == ("numpy_lstsq",)


def test_solvers_of_float32_libraries_have_a_row_of_it_and_no_others() -> None:
    _, cases = plan_accuracy(AccuracyRequest(problems=("nist_norris",), device="cpu"))
    single_precision = {case.solver.name for case in cases if case.options.dtype == "float32"}
    assert {"torch_gels", "normal_equations_torch"} <= single_precision
    assert all(re.match("torch|jax|normal_equations_torch", name) for name in single_precision)
    assert {case.solver.name for case in cases if case.options.dtype != "float32"} >= single_precision


def test_the_tables_hold_every_problem_once_and_the_ladder_one_for_each_group() -> None:
    _, cases = plan_accuracy(AccuracyRequest(solvers=("numpy_lstsq",), ladder=True))
    tables = sheets(cases)
    assert len(tables) == len(ladder.groups())
    assert [label for sheet in tables for label, _ in sheet.columns] == list(ladder.rungs())
    assert tables[0].columns[:2] == (("condition_1e00", "1e00"), ("condition_1e02", "1e02"))
    mixed = ("nist_filip", "synthetic:n=50,p=2", "synthetic:n=60,p=2", "everyday:n=40", "scale_1e02")
    _, cases = plan_accuracy(AccuracyRequest(problems=mixed, solvers=("numpy_lstsq",)))
    heads = {sheet.title.partition(":")[0]: [head for _, head in sheet.columns] for sheet in sheets(cases)}
    assert heads == {
        "NIST StRD linear regression": ["Filip"],
        "scale_...": ["1e02"],
        "problems": ["synthetic:n=50,p=2,noise=1,seed=0", "synthetic:n=60,p=2,noise=1,seed=0", "everyday"],
    }


# The command


@pytest.mark.slow
def test_every_cell_is_a_record_of_a_run_that_was_not_timed(
    run_cli: RunCli, store_path: Path, nothing_expected: Path
) -> None:
    words = ("accuracy", *only(*FIVE), "--store", store_path, "--expectations", nothing_expected)
    ended = run_cli(*words)
    assert ended.stderr == ""
    assert ended.code == 1
    opened = Store(str(store_path), create=False)
    made = opened.run()
    records = opened.records(made.id)
    assert len(records) == 11 * (len(FIVE) + 1) == len(made.planned)
    assert made.finished_at is not None
    assert {record.samples.wall_s for record in records} == {()}
    assert f"run {made.id} is in" in ended.stdout
    assert max(map(len, ended.stdout.splitlines()[:-1])) <= 100, "the last line is a command to paste"
    heads = next(line for line in ended.stdout.splitlines() if line.startswith("solver"))
    assert heads.split() == ["solver", *NIST_HEADS.values()]
    digits = {(r.problem, r.solver): r.accuracy.digits for r in records if r.options.get("dtype") != "float32"}
    printed = row(ended, "numpy_lstsq").split()[1:]
    assert [re.sub("[!r]$", "", cell) for cell in printed] == [
        f"{digits[name, 'numpy_lstsq']:.1f}" for name in NIST_HEADS
    ]
    assert row(ended, "torch_gels").startswith("torch_gels float32")
    assert row(ended, "sklearn").endswith("0.0r")
    assert row(ended, "normal_equations").rstrip().endswith("err")
    judged = run_cli("gate", "--store", store_path, "--expectations", nothing_expected)
    assert judged.code == 1
    assert "normal_equations" in judged.stdout


@pytest.mark.slow
@pytest.mark.usefixtures("planted")
def test_what_is_not_fine_is_listed_worst_first_and_the_reasons_once(
    run_cli: RunCli, store_path: Path, nothing_expected: Path
) -> None:
    words = ("--problem", "nist_norris", "--problem", "shift_1e00", "--store", store_path)
    ended = run_cli("accuracy", *words, "--expectations", nothing_expected)
    assert (ended.code, ended.stderr) == (1, "")
    listed = ended.stdout.partition("not fine, worst first")[2].splitlines()[2:]
    assert [line.split()[1] for line in listed[:6]] == [
        "off_by_a_percent",
        "off_by_a_percent",
        "another_rank",
        "another_rank",
        "raising",
        "raising",
    ]
    assert "right" not in " ".join(listed[:6]).split()
    assert "no | luck [red]" in ended.stdout
    assert re.search(r"another_rank +6\.0 +\S+ +1/2 wrong.*another rank", ended.stdout)
    assert row(ended, "needs_a_library").split() == ["needs_a_library", "-"]
    assert row(ended, "raising").split() == ["raising", "err"]
    assert row(ended, "off_by_a_percent").split() == ["off_by_a_percent", "2.0!"]
    assert ended.stdout.count("needs_a_library: no_such_library is not installed (2 problems)") == 1
    assert "gate failed" in ended.stdout


@pytest.mark.slow
@pytest.mark.usefixtures("planted")
def test_the_worst_fifteen_are_shown_and_all_where_that_is_asked(
    run_cli: RunCli, store_path: Path, nothing_expected: Path
) -> None:
    names = [f"synthetic:n={n},p=1" for n in range(20, 38)]
    words = [word for name in names for word in ("--problem", name)] + only("off_by_a_percent")
    words += ["--store", str(store_path), "--expectations", str(nothing_expected)]
    some, every = run_cli("accuracy", *words), run_cli("accuracy", *words, "--all")
    assert "and 3 more: --all" in some.stdout
    listed = [ended.stdout.partition("not fine")[2].partition("\ncase ")[0] for ended in (some, every)]
    assert [len(re.findall("wrong", text)) for text in listed] == [15, 18]
    assert "more: --all" not in every.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("floor", "solver", "ends"),
    [
        ("5.0", "right", (3, "gate could not judge")),
        ("5.0", "numpy_lstsq", (0, "gate passed")),
        ("15.0", "numpy_lstsq", (1, "gate failed")),
        ("5.0", "off_by_a_percent", (1, "gate failed")),
    ],
    ids=["nothing about it", "held", "breached", "wrong without an expectation"],
)
@pytest.mark.usefixtures("planted")
def test_the_exit_code_is_the_gate_s(
    floor: str, solver: str, ends: tuple[int, str], run_cli: RunCli, store_path: Path, tmp_path: Path
) -> None:
    code, said = ends
    path = tmp_path / "mine.toml"
    path.write_text(EXPECTED % floor)
    words = ("--problem", "nist_norris", *only(solver), "--store", store_path, "--expectations", path)
    ended = run_cli("accuracy", *words)
    assert (ended.code, ended.stderr) == (code, "")
    assert said in ended.stdout
    judged = run_cli("gate", "--store", store_path, "--expectations", path)
    assert judged.code == code
    assert ("no expectation in" in ended.stdout) == (code == 3)
    breaches = judged.stdout.partition("do:")[0] if code == 1 else ""
    assert breaches in ended.stdout  # what fails is named here too, not counted only


@pytest.mark.slow
@pytest.mark.usefixtures("planted")
def test_a_bar_that_is_not_held_is_exit_code_1_whatever_the_gate_says(
    run_cli: RunCli, store_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rough = Planted("reference_qr", lambda p: exact_line(p) * (1 + 1e-12))
    monkeypatch.setattr(solvers, "SOLVERS", {**solvers.SOLVERS, "reference_qr": rough})
    path = tmp_path / "mine.toml"
    path.write_text(EXPECTED % "5.0")
    words = ("--problem", "nist_norris", *only("numpy_lstsq", "reference_qr"), "--expectations", path)
    ended = run_cli("accuracy", *words, "--store", store_path)
    assert ended.code == 1
    assert "gate passed" in ended.stdout
    assert re.search(
        r"^not held reference_qr has >= 14 digits[^;]*;\s+worst:\s+1\d\.\d\s+coefficient\s+digits\s+on\s+nist_norris$",
        ended.stdout,
        re.MULTILINE,
    )


@pytest.mark.slow
def test_standard_errors_have_a_table_of_those_that_give_them(
    run_cli: RunCli, store_path: Path, nothing_expected: Path
) -> None:
    words = (*only(*FIVE), "--problem", "nist_longley", "--expectations", nothing_expected, "--store", store_path)
    by_flag, by_name = run_cli("accuracy", *words, "--se"), run_cli("accuracy", *words, "--quantity", "se")
    opened = Store(str(store_path), create=False)
    found = {r.solver: r.accuracy.standard_error_digits for r in opened.records(opened.run().id)}
    for ended in (by_flag, by_name):
        assert row(ended, "statsmodels_qr").split()[1] == f"{found['statsmodels_qr']:.1f}"
        assert "no the worst standard error" not in ended.stdout
        silent = next(line for line in ended.stdout.splitlines() if line.startswith("not given by:"))
        assert "numpy_lstsq" in silent
        assert "statsmodels_qr" not in silent
        assert "numpy_lstsq" not in [line.split(" ")[0] for line in ended.stdout.splitlines()]


@pytest.mark.slow
@pytest.mark.usefixtures("planted")
def test_json_is_one_object_with_a_cell_a_record(run_cli: RunCli, store_path: Path, nothing_expected: Path) -> None:
    words = ("--problem", "nist_norris", "--store", store_path, "--expectations", nothing_expected, "--json")
    ended = run_cli("accuracy", *words)
    assert (ended.code, ended.stderr) == (1, "")
    page = json.loads(ended.stdout)
    opened = Store(str(store_path), create=False)
    records = opened.records(opened.run().id)
    assert page["run"] == opened.run().id
    assert page["exit_code"] == 1
    assert page["gate"]["breaches"] == 3
    assert [bar["verdict"] for bar in page["bars"]] == ["not run", "not run"]
    assert [(cell["solver"], cell["status"], cell["digits"]) for cell in page["cells"]] == [
        (record.solver, record.status.value, record.accuracy.digits) for record in records
    ]
    assert page["cells"][0]["backward_error"] < 1e-10


@pytest.mark.slow
@pytest.mark.usefixtures("planted")
def test_markdown_goes_to_a_file_beside_the_tables_or_to_standard_output_instead(
    run_cli: RunCli, store_path: Path, tmp_path: Path, nothing_expected: Path
) -> None:
    named = ("--problem", "nist_norris", "--problem", "nist_pontius")
    words = (*named, "--store", store_path, "--expectations", nothing_expected)
    path = tmp_path / "page.md"
    both, instead = run_cli("accuracy", *words, "--markdown", path), run_cli("accuracy", *words, "--markdown", "-")
    assert row(both, "right")
    text = path.read_text()
    assert re.sub(r"run \S+", "", instead.stdout) == re.sub(r"run \S+", "", text)
    tables = [block.splitlines() for block in text.split("\n\n") if block.startswith("|")]
    assert len(tables) == 2
    for lines in tables:
        columns = {len(re.findall(r"(?<!\\)\|", line)) for line in lines}
        assert len(columns) == 1
    assert tables[0][0] == "| solver | Norris | Pontius |"
    assert r"ValueError: no \| luck \[red\]" in text
    assert r"| off\_by\_a\_percent | 2.0! | 2.0! |" in tables[0]
    assert re.search(r"^- gate failed: run", text, re.MULTILINE)


def test_markdown_has_no_markup_but_ours() -> None:
    assert escaped("a|b *c* _d_ [e](f) <g>\n#h `i` ~j~ \\") == (
        r"a\|b \*c\* \_d\_ \[e\](f) \<g\> \#h \`i\` \~j\~ " + "\\\\"
    )


@pytest.mark.slow
def test_nist_s_own_figures_agree_with_the_exact_ones(run_cli: RunCli, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = run_cli("accuracy", "--certified")
    assert (ended.code, ended.stderr) == (0, "")
    assert [line.split()[0] for line in ended.stdout.splitlines()[1:12]] == list(NIST_HEADS)
    page = json.loads(run_cli("accuracy", "--certified", "--json").stdout)
    assert min(one["coef_digits"] for one in page) > 14
    from harness.studies import accuracy

    first = accuracy.certified()[0]
    monkeypatch.setattr(accuracy, "certified", lambda: [replace(first, standard_error_digits=13.0)])
    assert run_cli("accuracy", "--certified").code == 1
    monkeypatch.setattr(accuracy, "certified", lambda: [replace(first, r_squared_digits=float("nan"))])
    assert run_cli("accuracy", "--certified").code == 1


REFUSED: list[tuple[tuple[str, ...], str]] = [
    (("--solver", "numpy_lstq"), "unknown solver 'numpy_lstq': did you mean 'numpy_lstsq'?"),
    (("--solver", "torch_sgd"), "torch_sgd is no closed form: 'harness run --solver torch_sgd' judges it"),
    (("--problem", "nist_filipp"), "unknown problem 'nist_filipp': did you mean 'nist_filip'?"),
    (("--ladder", "--problem", "nist_filip"), "--ladder and --problem"),
    (("--quantity", "coefs"), "unknown quantity 'coefs': did you mean 'coef'?"),
    (("--se", "--quantity", "r2"), "--se and --quantity r2"),
    (("--json", "--markdown", "-"), "--json and --markdown -"),
    (("--markdown", "nowhere/page.md"), "--markdown nowhere/page.md: cannot be written"),
    (("--expectations", "absent.toml"), "no expectations at absent.toml"),
    (("--device", "gpu"), "unknown device 'gpu'"),
    (("--target", "y"), "--target goes with a .csv or .parquet file"),
    (("--certified", "--ladder"), "--certified fits nothing: drop --ladder"),
    (("--certified", "--solver", "numpy_lstsq"), "drop --solver"),
    (("--certified", "--device", "cpu"), "drop --device"),
]


@pytest.mark.parametrize(("words", "said"), REFUSED, ids=[" ".join(words) for words, _ in REFUSED])
def test_a_wrong_request_is_one_line_exit_code_2_and_makes_no_store(
    words: tuple[str, ...], said: str, run_cli: RunCli, tmp_path: Path
) -> None:
    ended = run_cli("accuracy", *words)
    assert (ended.code, ended.stdout) == (2, "")
    assert ended.stderr.count("\n") == 1
    assert said in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_prints_the_tables_there_are_and_exits_130(
    run_cli: RunCli, store_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("harness.measure.run.time_together", interrupt)
    ended = run_cli("accuracy", *only("numpy_lstsq"), "--problem", "nist_norris", "--store", store_path)
    assert ended.code == 130
    assert re.fullmatch(r"numpy_lstsq +1\d\.\d *", row(ended, "numpy_lstsq"))
    assert "gate" not in ended.stdout


@pytest.mark.slow
def test_names_that_look_like_markup_are_printed_as_they_are(
    run_cli: RunCli, store_path: Path, nothing_expected: Path, tmp_path: Path
) -> None:
    (tmp_path / "[red]x.csv").write_text("a,y\n1,2\n2,3\n4,7\n5,1\n")
    words = ("--problem", "[red]x.csv", "--target", "y", *only("numpy_lstsq"), "--store", store_path)
    ended = run_cli("accuracy", *words, "--expectations", nothing_expected)
    assert (ended.code, ended.stderr) == (3, "")
    assert re.search(r"^solver +\[red\]x *$", ended.stdout, re.MULTILINE)


@pytest.mark.slow
def test_a_table_that_is_wider_than_the_console_is_printed_in_parts(
    run_cli: RunCli, store_path: Path, nothing_expected: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.report.terminal.console.PLAIN_WIDTH", 40)
    words = (*only("numpy_lstsq"), "--store", store_path, "--expectations", nothing_expected)
    ended = run_cli("accuracy", *words)
    heads = [line.split()[1:] for line in ended.stdout.splitlines() if line.startswith("solver")]
    assert len(heads) > 1
    assert [head for part in heads for head in part] == list(NIST_HEADS.values())
    assert max(map(len, ended.stdout.splitlines()[:-1])) <= 40, "the last line is a command to paste"


# Records made by hand


def made(solver: str, problem: str = "nist_norris", **fields: object) -> Record:
    """An ok record of `numpy_lstsq` on the problem under another name; Accuracy's fields among `fields`."""
    known = {name for name in Accuracy.__dataclass_fields__ if name in fields}
    case = single(problems.load(problem), solvers.get("numpy_lstsq"), Options())
    record = record_of(case, Status.OK, "", accuracy=Accuracy(**{name: fields.pop(name) for name in known}))  # type: ignore[arg-type]
    return record.model_copy(update={"solver": solver, **fields})


def test_the_reference_bar_wants_14_digits_of_coefficients_and_of_standard_errors_where_they_exist() -> None:
    held = [
        made("reference_qr", digits=14.2, standard_error_digits=15.0),
        made("reference_qr", "wide_20x40", digits=14.0),
    ]
    assert reference_bar(held) == Bar(reference_bar([]).name, True, 2, "14.0 coefficient digits on wide_20x40")
    low = made("reference_qr", "nist_filip", digits=15.0, standard_error_digits=13.9)
    assert reference_bar([*held, low]).held is False
    assert reference_bar([*held, low]).worst == "13.9 standard error digits on nist_filip"


@pytest.mark.parametrize(("rank", "held"), [(8, True), (None, True), (9, False)])
def test_the_reference_bar_takes_rank_deficient_for_an_answer_where_it_is_the_right_one(
    rank: int | None, held: bool
) -> None:
    deficient = made("reference_qr", "rank_7of10", status=Status.RANK_DEFICIENT, rank=rank, exact_rank=8)
    assert reference_bar([made("reference_qr", digits=15.0), deficient]).held is held
    full = made("reference_qr", "nist_filip", status=Status.RANK_DEFICIENT, exact_rank=11)
    assert reference_bar([made("reference_qr", digits=15.0), full]).held is False


@pytest.mark.parametrize("digits", [None, float("nan"), 13.99])
@pytest.mark.parametrize("status", [Status.OK, Status.ERROR])
def test_the_reference_bar_is_not_held_without_a_number(digits: float | None, status: Status) -> None:
    bar = reference_bar(
        [made("reference_qr", digits=15.0), made("reference_qr", "nist_filip", digits=digits, status=status)]
    )
    assert bar.held is False
    assert "nist_filip" in bar.worst
    assert ("(error)" in bar.worst) == (status is Status.ERROR)


STREAMED: Mapping[str, tuple[dict[str, object], bool]] = {
    "half a digit less": ({"digits": 11.5}, True),
    "a little more than half a digit less": ({"digits": 11.4}, False),
    "no number": ({"digits": None}, False),
    "not a number": ({"digits": float("nan")}, False),
    "wrong": ({"digits": 3.0, "status": Status.WRONG}, False),
    "raised": ({"digits": None, "status": Status.ERROR}, False),
    "refused as rank-deficient": ({"digits": None, "status": Status.RANK_DEFICIENT}, True),
}


@pytest.mark.parametrize(("fields", "held"), STREAMED.values(), ids=STREAMED)
def test_the_streaming_bar_is_statsmodels_digits_less_a_half_or_a_typed_status(
    fields: dict[str, object], held: bool
) -> None:
    fine = [made("statsmodels_qr", digits=9.0), made("streaming", digits=12.0)]
    other = [made("statsmodels_qr", "nist_filip", digits=12.0), made("streaming", "nist_filip", **fields)]
    bar = streaming_bar(fine + other)
    assert bar.held is held
    assert bar.problems == 2
    assert held or "nist_filip, statsmodels_qr 12.0" in bar.worst


def test_a_bar_is_not_run_without_its_solver_without_the_baseline_and_where_it_is_not_installed() -> None:
    absent = made("reference_qr", status=Status.UNSUPPORTED)
    for records in ([], [made("numpy_lstsq", digits=1.0)], [made("streaming", digits=15.0)], [absent]):
        assert [bar.verdict for bar in bars(records)] == ["not run", "not run"]


def test_the_bars_are_about_float64_and_the_judged_families_only() -> None:
    single_precision = made("reference_qr", digits=5.0, options={"dtype": "float32"})
    elsewhere = made("reference_qr", "everyday", digits=5.0)
    on_cuda = made("reference_qr", digits=5.0, device="cuda")
    assert bars([made("reference_qr", digits=15.0), single_precision, elsewhere, on_cuda])[0].held is True
    assert bars([made("reference_qr", digits=15.0), made("reference_qr", "scale_1e02", digits=5.0)])[0].held is False


FINE: Mapping[str, tuple[dict[str, object], bool]] = {
    "ok": ({"digits": 12.0}, True),
    "half of the digits": ({"digits": 7.5}, True),
    "less than half": ({"digits": 7.4}, False),
    "half of float32's": ({"digits": 3.0, "options": {"dtype": "float32"}}, True),
    "another rank": ({"digits": 12.0, "rank": 1, "exact_rank": 2}, False),
    "not stable": ({"digits": 12.0, "stable": False}, False),
    "wrong": ({"digits": 12.0, "status": Status.WRONG}, False),
    "unsupported": ({"status": Status.UNSUPPORTED}, True),
    "raised": ({"status": Status.ERROR}, False),
    "called deficient and is": (
        {"status": Status.RANK_DEFICIENT, "digits_by_term": (1.0, 2.0), "rank": 1, "exact_rank": 1},
        True,
    ),
    "called deficient, of another rank": (
        {"status": Status.RANK_DEFICIENT, "digits_by_term": (1.0, 2.0), "rank": 2, "exact_rank": 1},
        False,
    ),
    "called deficient and is not": (
        {"status": Status.RANK_DEFICIENT, "digits_by_term": (1.0, 2.0), "exact_rank": 2},
        False,
    ),
}


@pytest.mark.parametrize(("fields", "fine"), FINE.values(), ids=FINE)
def test_what_is_fine(fields: dict[str, object], fine: bool) -> None:
    assert (not_fine([made("a", "nist_norris", **fields)]) == []) is fine


def test_solvers_are_sorted_worst_first_and_absent_ones_last() -> None:
    sheet = Sheet("t", (("nist_norris", "Norris"), ("nist_filip", "Filip")))
    records = [
        made("absent", status=Status.UNSUPPORTED, message="no"),
        made("good", digits=15.0),
        made("good", "nist_filip", digits=9.0),
        made("bad", digits=15.0),
        made("bad", "nist_filip", status=Status.ERROR),
        made("partly", digits=1.0),
        made("partly", "nist_filip", status=Status.UNSUPPORTED, message="too long"),
    ]
    rows = tabulate(records, sheet, "coef")
    short = {"status": Status.RANK_DEFICIENT, "digits_by_term": (0.0, 0.0), "exact_rank": 1}
    right = [made("right", digits=15.0), made("right", "nist_filip", **short), made("half", digits=14.0)]
    assert [row.label for row in tabulate(right, sheet, "coef")] == ["half", "right"]
    assert [row.label for row in rows] == ["partly", "bad", "good", "absent"]
    assert [cell.text for row in rows for cell in row.cells] == ["1.0", "-", "15.0", "err", "15.0", "9.0", "-", ""]
    assert reasons(records) == ["absent: no (1 problem)", "partly: too long (1 problem)"]


def test_a_digit_that_is_not_finite_is_null_in_json() -> None:
    from harness.judge.gate.gate import GateReport

    text = accuracy_json("r", [made("a", digits=np.nan, condition_number=np.inf)], (), GateReport((), (), 1), 3)
    cell = json.loads(text, parse_constant=pytest.fail)["cells"][0]
    assert (cell["digits"], cell["condition_number"]) == (None, None)
