import json
import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest
import torch
from pydantic import TypeAdapter

from harness import __version__
from harness.measure.plan import Request, plan
from harness.measure.run import execute, new_run
from harness.records.record import Record
from harness.records.run import new_run_id, now
from harness.report.tables.numbers import seconds
from harness.solvers.options import Options
from harness.store.migrations import VERSION
from harness.store.store import Store
from harness.timing.sampling import Effort
from tests.conftest import RunCli

pytestmark = pytest.mark.usefixtures("in_process")

ROOT = Path(__file__).resolve().parents[1]
HEAVY = {"torch", "sklearn", "statsmodels", "numpy", "pandas", "sqlalchemy"}
RECORDS = TypeAdapter(list[Record])
QUICK = Effort(warm_up_calls=0, calls_per_turn=1, min_calls=2, max_calls=2)
FOUR_POINTS = ("run", "--problem", "four_points")
TRAINED = (*FOUR_POINTS, "--solver", "torch_sgd")
NUMPY = (*FOUR_POINTS, "--solver", "numpy_lstsq")


def command(*words: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """`python` with these words in a process of its own, with the checkout's package."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = [sys.executable, *map(str, words)]
    return subprocess.run(done, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def contents(folder: Path) -> dict[Path, bytes | None]:
    """Every file in the folder with its bytes, and every folder."""
    return {path: path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


# The command in a process of its own

IMPORTED = """
import sys
from harness.cli import main
try:
    main()
finally:
    sys.stderr.write(" ".join(sorted({name.partition(".")[0] for name in sys.modules})))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "said"), [("--help", "compare"), ("run --help", "--solver"), ("--version", __version__)]
)
def test_help_answers_without_the_heavy_libraries(words: str, said: str, tmp_path: Path) -> None:
    done = command("-c", IMPORTED, *words.split(), cwd=tmp_path)
    assert done.returncode == 0
    assert said in done.stdout
    loaded = set(done.stderr.split())
    assert "typer" in loaded
    assert not HEAVY & loaded


@pytest.mark.slow
def test_a_run_in_a_process_of_its_own_fills_the_store_it_is_given(tmp_path: Path) -> None:
    done = command("-m", "harness", *NUMPY, "--store", "x.sqlite", cwd=tmp_path)
    assert done.returncode == 0
    assert [line for line in done.stderr.splitlines() if "1 case in" not in line] == []  # a busy machine's log
    store = Store(str(tmp_path / "x.sqlite"), create=False)
    made = store.run()
    assert f"{made.id} is in sqlite:///x.sqlite" in done.stdout
    assert made.command == "harness run --problem four_points --solver numpy_lstsq --store x.sqlite"
    assert made.finished_at is not None
    (record,) = store.records(made.id)
    assert (record.problem, record.solver, record.status) == ("four_points", "numpy_lstsq", "ok")
    assert len(record.samples.wall_s) >= 7
    assert "1 case: 1 ok; " in done.stdout
    assert f"in all, of which fitting {seconds(sum(record.samples.wall_s))}\n" in done.stdout


@pytest.mark.slow
def test_an_error_in_a_process_of_its_own_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    done = command("-m", "harness", "list", "problem", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "'problem'" in done.stderr
    assert "'problems'" in done.stderr


# What is refused


REFUSED: list[tuple[tuple[str, ...], str]] = [
    ((*FOUR_POINTS, "--solver", "numpy_lstq"), "unknown solver 'numpy_lstq': did you mean 'numpy_lstsq'?"),
    (("fit", "four_points", "numpy_lstq"), "unknown solver 'numpy_lstq': did you mean 'numpy_lstsq'?"),
    (("run", "--problem", "for_points"), "unknown problem 'for_points': did you mean 'four_points'?"),
    (("fit", "for_points", "sklearn"), "unknown problem 'for_points': did you mean 'four_points'?"),
    ((*NUMPY, "--lr", "0.1"), "numpy_lstsq takes no lr (it takes dtype): drop --lr"),
    ((*NUMPY, "--epochs", "5"), "numpy_lstsq takes no epochs"),
    (("fit", "four_points", "statsmodels_qr", "--dtype", "float32"), "statsmodels_qr takes no dtype"),
    ((*TRAINED, "--device", "gpu"), "unknown device 'gpu'"),
    ((*TRAINED, "--lr", "0"), "lr is a positive, finite number, not 0"),
    ((*TRAINED, "--lr", "-1"), "lr is a positive, finite number, not -1"),
    ((*TRAINED, "--lr", "nan"), "lr is a positive, finite number, not nan"),
    ((*TRAINED, "--lr", "inf"), "lr is a positive, finite number, not inf"),
    ((*TRAINED, "--epochs", "0"), "epochs is at least 1, not 0"),
    ((*TRAINED, "--batch", "0"), "batch is at least 1, not 0"),
    ((*TRAINED, "--threads", "0"), "threads is at least 1, not 0"),
    ((*TRAINED, "--threads", "9999"), "threads is at most"),
    (("run", "--problem", "four_points", "--threads", "9999"), "threads is at most"),
    (("accuracy", "--threads", "0"), "threads is at least 1, not 0"),
    (("accuracy", "--threads", "9999"), "threads is at most"),
    ((*TRAINED, "--seed", "-1"), "seed is between 0 and"),
    ((*TRAINED, "--momentum", "1"), "momentum is in [0, 1), not 1"),
    ((*TRAINED, "--loss", "mae"), "unknown loss 'mae'"),
    ((*TRAINED, "--dtype", "float16"), "unknown dtype 'float16'"),
    ((*TRAINED, "--scale", "standard"), "unknown scale 'standard': did you mean 'standardized'?"),
    (("fit", "four_points", "mlp_sgd", "--hidden", "8,8"), "--hidden lists units by layer, as 8-8-8, not '8,8'"),
    (("fit", "four_points", "mlp_sgd", "--hidden", "0"), "hidden lists at least one layer"),
    (("fit", "four_points", "torch_sgd", "--init", "a,b"), "--init lists the initial weights"),
    (("fit", "four_points", "torch_sgd", "--init", "nan,0"), "init lists finite numbers"),
    (("run", "--n", "1.5"), "--n is a whole number of at least 1, as 1000 or 1e5, not '1.5'"),
    (("run", "--n", "many"), "not 'many'"),
    (("run", "--n", "0"), "not '0'"),
    (("run", "--n", "nan"), "not 'nan'"),
    ((*NUMPY, "--n", "100"), "four_points has the rows it has"),
    (("run", "--target", "y"), "--target goes with --problem FILE"),
    ((*NUMPY, "--target", "y"), "--target goes with a .csv or .parquet file"),
    (("run", "--problem", "absent.csv", "--target", "y"), "no such file: absent.csv"),
    (("run", "--problem", "data.csv"), "data.csv: say which column is fitted: --target NAME (numeric: x, y)"),
    (("fit", "data.csv", "sklearn", "--target", "z"), "data.csv: target 'z' is not a numeric column"),
    ((*NUMPY, "--store", "data.csv"), "store sqlite:///data.csv: is no store"),
    ((*NUMPY, "--store", "data.csv/x.sqlite"), "store sqlite:///data.csv/x.sqlite"),
    ((*NUMPY, "--store", "folder"), "store sqlite:///folder: cannot be opened: name another --store"),
    ((*NUMPY, "--store", "paper://desk"), "store paper://desk"),
    (
        (*NUMPY, "--store", "tomorrow.sqlite"),
        f"its schema version is {VERSION + 1}, this harness has {VERSION}: a newer harness made it",
    ),
    (("gate", "--store", "tomorrow.sqlite"), f"its schema version is {VERSION + 1}"),
    (("gate", "--fresh", "--run", "mine"), "--fresh makes a run and --run names one"),
    (("gate", "--expectations", "absent.toml"), "absent.toml"),
    (("gate", "--init", "--bench", "x"), "--bench goes with --asv"),
    (("compare", "--by", "solver", "--store", "tomorrow.sqlite"), f"its schema version is {VERSION + 1}"),
    (("compare", "--by", "solvers"), "unknown axis 'solvers': did you mean 'solver'?"),
    (("compare", "--by", "colour"), "known: device, lr, optimizer, size, solver"),
    (("list", "solver"), "unknown list 'solver': did you mean 'solvers'?"),
    (("list", "everything"), "known: devices, optimizers, problems, solvers"),
]


@pytest.mark.parametrize(("words", "said"), REFUSED, ids=[" ".join(words) for words, _ in REFUSED])
def test_a_wrong_request_is_one_line_exit_code_2_and_writes_nothing(
    words: tuple[str, ...], said: str, run_cli: RunCli, tmp_path: Path
) -> None:
    (tmp_path / "data.csv").write_text("x,y\n" + "1,2\n2,3\n3,5\n" * 50)
    (tmp_path / "folder").mkdir()
    with closing(sqlite3.connect(tmp_path / "tomorrow.sqlite", isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE meta (schema_version INTEGER NOT NULL)")
        connection.execute("INSERT INTO meta VALUES (?)", [VERSION + 1])
    before = contents(tmp_path)
    ended = run_cli(*words)
    assert (ended.code, ended.stdout) == (2, "")
    assert ended.stderr.startswith("harness: ")
    assert ended.stderr.index("\n") == len(ended.stderr) - 1
    assert said in ended.stderr
    after = contents(tmp_path)
    assert {path: after[path] for path in before} == before
    # SQLite's shared memory and log stand beside a database while this process has it open.
    assert {path.name for path in after.keys() - before.keys()} <= {"tomorrow.sqlite-shm", "tomorrow.sqlite-wal"}


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
@pytest.mark.parametrize("words", [TRAINED, NUMPY, ("fit", "four_points", "torch_sgd")], ids=" ".join)
@pytest.mark.parametrize("device", ["cuda", "cuda:0"])
def test_cuda_is_refused_with_the_reason_where_there_is_none(
    words: tuple[str, ...], device: str, run_cli: RunCli, tmp_path: Path
) -> None:
    ended = run_cli(*words, "--device", device)
    assert (ended.code, ended.stdout) == (2, "")
    assert re.fullmatch(rf"harness: device {device} is not available: torch is .*; use --device cpu\n", ended.stderr)
    assert contents(tmp_path) == {}


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("run --solver torch_sgd --epochs 1.5", "--epochs"),
        ("run --solver torch_sgd --lr fast", "--lr"),
        ("run --bogus", "--bogus"),
        ("fit four_points", "solver"),
        ("compare", "--by"),
        ("walk", "walk"),
    ],
)
def test_words_that_cannot_be_parsed_exit_with_2_name_the_word_and_write_nothing(
    words: str, named: str, run_cli: RunCli, tmp_path: Path
) -> None:
    ended = run_cli(*words.split())
    assert (ended.code, ended.stdout) == (2, "")
    assert named in ended.stderr.lower()
    assert contents(tmp_path) == {}


@pytest.mark.slow
@pytest.mark.parametrize("words", [("gate",), ("compare", "--by", "solver")], ids=" ".join)
@pytest.mark.parametrize("store", [[], ["--store", "x.sqlite"]], ids=["default", "named"])
def test_nothing_to_judge_is_one_line_exit_code_3_and_makes_no_store(
    words: tuple[str, ...], store: list[str], run_cli: RunCli, tmp_path: Path
) -> None:
    ended = run_cli(*words, *store)
    assert (ended.code, ended.stdout) == (3, "")
    assert re.fullmatch(r"harness: \S+\.sqlite: no store there yet: 'harness run' makes one\n", ended.stderr)
    assert contents(tmp_path) == {}


# What is answered


def test_the_version_is_the_packages(run_cli: RunCli) -> None:
    assert run_cli("--version") == (0, f"harness {__version__}\n", "")


@pytest.mark.parametrize(
    ("what", "names"),
    [
        ("problems", ["auto_mpg", "398 x 1", "synthetic", "everyday", "--target"]),
        ("solvers", ["numpy_lstsq", "statsmodels_qr", "torch_adam", "lr=0.01"]),
        ("devices", ["cpu", "cuda"]),
    ],
)
def test_a_list_shows_what_there_is(what: str, names: list[str], run_cli: RunCli) -> None:
    ended = run_cli("list", what)
    assert (ended.code, ended.stderr) == (0, "")
    assert [name for name in names if name not in ended.stdout] == []


@pytest.mark.slow
def test_json_is_the_records_as_they_are_stored_and_nothing_else(run_cli: RunCli, tmp_path: Path) -> None:
    ended = run_cli(
        *TRAINED, "--device", "cpu", "--lr", "0.1", "--lr", "1e9", "--epochs", "20", "--json", "--store", "x.sqlite"
    )
    assert (ended.code, ended.stderr) == (1, "")
    records = RECORDS.validate_json(ended.stdout)
    assert [record.status for record in records] == ["not_converged", "diverged"]
    assert [record.options["lr"] for record in records] == [0.1, 1e9]
    store = Store(str(tmp_path / "x.sqlite"), create=False)
    assert [record.model_dump_json() for record in records] == [
        record.model_dump_json() for record in store.records(store.run().id)
    ]


@pytest.mark.slow
def test_a_batch_may_be_larger_than_the_rows_and_is_then_all_of_them(run_cli: RunCli) -> None:
    losses = []
    for batch in ([], ["--batch", "100"]):
        ended = run_cli("fit", "four_points", "torch_sgd", "--epochs", "5", *batch, "--json")
        assert ended.code == 0
        record = Record.model_validate_json(ended.stdout)
        assert record.options.get("batch") == (100 if batch else None)
        assert record.trace is not None
        losses.append(record.trace.train_loss)
    assert losses[0] == losses[1]


@pytest.mark.slow
@pytest.mark.skipif(
    version("scikit-learn") != "1.9.1", reason=f"the defect is scikit-learn 1.9.1's, here is {version('scikit-learn')}"
)
def test_the_everyday_case_that_scikit_learn_loses_is_exit_code_1(run_cli: RunCli) -> None:
    ended = run_cli("run", "--problem", "everyday", "--solver", "sklearn", "--solver", "sklearn_tol0")
    assert (ended.code, ended.stderr) == (1, "")
    assert re.search(r"rank 2\b.*rank is 3\b", ended.stdout, re.DOTALL)
    assert "1 wrong, 1 ok" in ended.stdout


def test_a_run_that_only_has_unsupported_cases_is_exit_code_3(run_cli: RunCli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.solvers.solver.find_spec", lambda _package: None)
    ended = run_cli(*NUMPY, "--in-process")
    assert ended.code == 3
    assert "numpy is not installed" in ended.stdout


def test_ctrl_c_ends_a_run_with_130_and_the_cases_there_are(run_cli: RunCli, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("harness.measure.run.time_together", interrupt)
    ended = run_cli(*NUMPY, "--in-process")
    assert ended.code == 130
    assert "1 case: 1 ok" in ended.stdout


# One case in full


@pytest.mark.slow
def test_fit_shows_a_closed_form_as_its_tutorial_does(run_cli: RunCli) -> None:
    ended = run_cli("fit", "auto_mpg", "statsmodels_pinv")
    assert (ended.code, ended.stderr) == (0, "")
    page = ended.stdout
    assert "OLS Regression Results" in page
    assert re.search(r"^const +35\.1748 +0\.492 +71\.519", page, re.MULTILINE)
    # The exact solution of the data, rounded to the nearest double.
    assert re.search(r"^intercept +35\.17475015\d+ +35\.17475015429319 +1[345]\.\d", page, re.MULTILINE)
    assert re.search(r"^displacement +-0\.060282405\d+ +-0\.06028240546881722 +1[345]\.\d", page, re.MULTILINE)
    assert re.search(r"^digits 1[345]\.\d of 15; excess loss", page, re.MULTILINE)
    assert re.search(r"^train +0\.6467422 +21\.52616", page, re.MULTILINE)
    head = re.findall(r"^ *(30[247]|318|350) +(\d+) +(\d+\.\d{6})", page, re.MULTILINE)
    assert [(x, observed) for x, observed, _ in head] == [
        ("307", "18"),
        ("350", "15"),
        ("318", "18"),
        ("304", "16"),
        ("302", "17"),
    ]
    for x, _, predicted in head:
        assert float(predicted) == pytest.approx(35.17475015429319 - 0.06028240546881722 * float(x), abs=1e-6)
    assert re.search(r"^one fit: .* wall, .* CPU \(median of \d+ single calls, 1 thread\)", page, re.MULTILINE)
    assert page.splitlines()[-1] == "status ok"


@pytest.mark.slow
def test_fit_shows_a_training_with_its_losses(run_cli: RunCli) -> None:
    words = ("fit", "four_points", "torch_sgd", "--epochs", "20", "--init", "0.5,0")
    ended = run_cli(*words)
    assert (ended.code, ended.stderr) == (0, "")
    record = Record.model_validate_json(run_cli(*words, "--json").stdout)
    assert record.trace is not None
    # The mean of (0.5 x - 2 x)² over the four points, to six digits.
    assert record.trace.train_loss[0] == pytest.approx(2.25 * (1 + 4 + 9 + 12.25) / 4)
    printed = re.findall(r"^ *(\d+) +([\d.e-]+) +\d\.\de[+-]\d\d", ended.stdout, re.MULTILINE)
    assert printed == [(str(epoch), f"{loss:.6g}") for epoch, loss in enumerate(record.trace.train_loss)]
    assert len(printed) == 20
    assert re.search(r"^term +computed +exact +digits", ended.stdout, re.MULTILINE)
    assert re.search(r"^x +[\d.]+ +2 +\d\.\d", ended.stdout, re.MULTILINE)
    assert "1e-4 not reached (censored)" in ended.stdout
    assert re.search(r"^3\.5 +7 +\d\.\d{6}", ended.stdout, re.MULTILINE)
    assert re.search(r"^one epoch: ", ended.stdout, re.MULTILINE)
    assert "status not_converged" in ended.stdout


@pytest.mark.slow
def test_fit_takes_a_users_file(run_cli: RunCli, tmp_path: Path) -> None:
    (tmp_path / "cars.csv").write_text("make,size,mpg\nfiat,1,30\nopel,2,25\nsaab,4,16\n")
    ended = run_cli("fit", "cars.csv", "numpy_lstsq", "--target", "mpg")
    assert (ended.code, ended.stderr) == (0, "")
    assert "mpg on size" in ended.stdout
    assert "make (text)" in ended.stdout
    assert {path.name for path in tmp_path.iterdir()} == {"cars.csv"}


@pytest.mark.slow
def test_fit_of_a_training_that_diverges_is_exit_code_1_with_advice(run_cli: RunCli) -> None:
    ended = run_cli("fit", "four_points", "torch_sgd", "--lr", "1e9", "--epochs", "20")
    assert ended.code == 1
    assert "status diverged" in ended.stdout
    assert "Lower the learning rate" in " ".join(ended.stdout.split())


# Comparisons


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with one run: two optimizers, two learning rates, two sizes, on the CPU."""
    path = tmp_path_factory.mktemp("compared") / "store.sqlite"
    request = Request(
        problems=("synthetic:p=2",),
        solvers=("torch_sgd", "torch_adam"),
        device="cpu",
        n=(20, 40),
        lr=(0.1, 0.01),
        options=Options(epochs=3),
    )
    cases = plan(request)
    execute(new_run(request, cases), cases, Store(str(path)), effort=QUICK)
    return path


@pytest.mark.slow
@pytest.mark.parametrize(
    ("by", "values"),
    [
        ("solver", {f"torch_{name} lr={lr}" for name in ("sgd", "adam") for lr in (0.1, 0.01)}),
        ("lr", {"0.1", "0.01"}),
        ("size", {"20", "40"}),
        ("optimizer", {"sgd", "adam"}),
    ],
)
def test_a_comparison_has_a_row_a_case_and_ratios_to_its_baseline(
    by: str, values: set[str], compared: Path, run_cli: RunCli
) -> None:
    ended = run_cli("compare", "--by", by, "--store", compared, "--json")
    assert (ended.code, ended.stderr) == (0, "")
    rows = json.loads(ended.stdout)
    assert len(rows) == 8
    assert {row["value"] for row in rows} == values
    baselines = [row for row in rows if row["value"] == row["baseline"]]
    assert {row["time_ratio"] for row in baselines} == {1.0}
    assert len(baselines) == 8 / len(values)
    printed = run_cli("compare", "--by", by, "--store", compared)
    assert (printed.code, printed.stderr) == (0, "")
    assert f", by {by}" in printed.stdout
    assert [value for value in values if value.partition(" ")[0] not in printed.stdout] == []


@pytest.mark.slow
def test_a_run_on_one_device_cannot_be_compared_by_device(compared: Path, run_cli: RunCli) -> None:
    ended = run_cli("compare", "--by", "device", "--store", compared)
    assert (ended.code, ended.stdout) == (3, "")
    assert re.fullmatch(r"harness: nothing to compare by device: .*\n", ended.stderr)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--run", "mine"], "no run 'mine'"),
        (["--problem", "auto_mpg"], "unknown problem in this run 'auto_mpg'"),
        (["--baseline", "sklearn"], "unknown solver for a baseline 'sklearn'"),
    ],
)
def test_a_comparison_with_what_is_not_there_is_one_line_and_exit_code_2(
    words: list[str], said: str, compared: Path, run_cli: RunCli
) -> None:
    ended = run_cli("compare", "--by", "solver", "--store", compared, *words)
    assert (ended.code, ended.stdout) == (2, "")
    assert re.fullmatch(rf"harness: {said}.*\n", ended.stderr)


@pytest.mark.slow
def test_a_comparison_takes_the_baseline_and_the_problem_it_is_given(compared: Path, run_cli: RunCli) -> None:
    problem = "synthetic:n=20,p=2,noise=1,seed=0"
    words = ("--baseline", "adam", "--problem", problem, "--json")
    rows = json.loads(run_cli("compare", "--by", "optimizer", "--store", compared, *words).stdout)
    assert {row["baseline"] for row in rows} == {"adam"}
    assert len(rows) == 4
    assert all(problem in row["case"] for row in rows)


@pytest.mark.slow
def test_an_update_never_writes_into_the_package(run_cli: RunCli, store_path: Path) -> None:
    from harness.paths import results_folder

    committed = results_folder() / "expectations.toml"
    before = committed.read_bytes()
    assert run_cli("run", "--problem", "auto_mpg", "--solver", "numpy_lstsq", "--store", store_path).code == 0
    ended = run_cli("gate", "--update", "--store", store_path)
    assert ended.code == 2
    assert "--expectations" in ended.stderr
    assert committed.read_bytes() == before


@pytest.mark.slow
def test_an_update_takes_the_worst_of_as_many_runs_as_are_asked_for(
    run_cli: RunCli, store_path: Path, tmp_path: Path
) -> None:
    """The middle of three runs lost digits: a limit of the last two is below it, one of the last alone is not."""
    from harness.judge.gate.expectations import read_expectations
    from harness.paths import results_folder

    mine = tmp_path / "mine.toml"
    shipped = (results_folder() / "expectations.toml").read_text().partition("[[expect]]")[0]
    mine.write_text(
        shipped + '[[expect]]\nproblem = "auto_mpg"\nsolver = "numpy_lstsq"\ndigits_min = 1.0\nsource = "measured"\n'
    )
    assert run_cli("run", "--problem", "auto_mpg", "--solver", "numpy_lstsq", "--store", store_path).code == 0
    with closing(Store(str(store_path))) as store:
        first = store.run()
        (record,) = store.records(first.id)
        for digits in (5.55, record.accuracy.digits):
            again = first.model_copy(update={"id": new_run_id(), "started_at": now()})
            store.keep(again, [record.model_copy(update={"accuracy": replace(record.accuracy, digits=digits)})])
    for last, floor in (("2", 4.5), ("1", (record.accuracy.digits or 0) - 1)):
        words = ("--expectations", mine, "--store", store_path)
        ended = run_cli("gate", "--update", "--last", last, *words)
        assert ended.code == 0
        told = " ".join(ended.stderr.split())
        assert "1 limit set" in told
        assert f"{last} run" in told
        assert read_expectations(mine).expect[0].digits_min == pytest.approx(floor, abs=0.1)
    assert run_cli("gate", "--last", "2", "--store", store_path).code == 2


@pytest.mark.slow
def test_an_update_shows_what_it_changes_in_the_file_that_is_named(
    run_cli: RunCli, store_path: Path, tmp_path: Path
) -> None:
    from harness.paths import results_folder

    mine = tmp_path / "mine.toml"
    mine.write_text(
        (results_folder() / "expectations.toml").read_text().replace("digits_min = 13.7", "digits_min = 2.0", 1)
    )
    assert run_cli("run", "--problem", "auto_mpg", "--store", store_path, "--epochs", "3", "--lr", "0.05").code == 0
    ended = run_cli("gate", "--update", "--store", store_path, "--expectations", mine)
    assert ended.code == 0, ended.stdout
    assert "digits_min" in ended.stderr
    assert "digits_min = 2.0" not in mine.read_text()
