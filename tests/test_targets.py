import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.errors import UsageError
from harness.paths import results_folder
from harness.problems.suites import get
from harness.records.sweep import Cell
from harness.solvers.training.loop_engine import loop_of, run_path
from harness.solvers.training.training import Training
from harness.store.store import Store
from harness.store.sweep_store import SweepStore
from harness.sweep import targets
from harness.sweep.plan import SweepRequest, candidates
from harness.sweep.target_search import SearchSize
from harness.verify.reference import reference
from tests.conftest import RunCli

pytestmark = pytest.mark.usefixtures("in_process", "one_thread")

SMALL = SearchSize(2, 30, (0.003, 0.01))
TINY = "synthetic:n=30,p=2"
STORED = sorted((results_folder() / "targets").glob("*.toml"))


def training_of(problem: str = TINY, **asked: object) -> Training:
    """A small network's training on a problem."""
    request = SweepRequest.model_validate({"problems": (problem,), "lr": (0.01,), "hidden": (3, 2)} | asked)
    return candidates(request)[0].training


def nothing(_: object) -> None:
    """Told and not heard."""


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder of its own, and a small effort where a target is made on the spot."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(targets, "ON_THE_SPOT", SMALL)
    return tmp_path


# The ones that are committed


def test_there_are_targets_of_the_sine_and_of_auto_mpg() -> None:
    assert {path.stem for path in STORED} >= {"auto_mpg", "sine"}


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.stem)
def test_a_stored_target_is_of_the_data_and_better_than_any_line(path: Path) -> None:
    target = targets.read(path)
    training = training_of(target.problem, hidden=tuple(target.hidden))
    assert target.differs(training) == ""
    assert target.null_loss == pytest.approx(targets.null_loss(training), rel=1e-12)
    assert target.best_loss == min(target.best_by_seed) == target.best_by_seed[target.best_seed]
    assert target.best_lr in target.lr
    assert 0 <= target.best_epoch < target.epochs
    line = reference(training.problem).mse / training.scaling.y_sd**2
    assert 0 < target.best_loss < line
    assert target.dtype == "float64"
    assert target.command.startswith("harness sweep --make-target")
    if target.held_out is not None:
        assert target.held_out.differs(training) == ""
        assert target.held_out.lr in target.lr
        assert len(target.held_out.by_seed) == len(target.best_by_seed)


def test_the_networks_of_the_suite_have_held_out_targets() -> None:
    for workload in get("linear-8").workloads:
        if workload.hidden is not None:
            target = targets.find(training_of(workload.problem, hidden=workload.hidden), nothing)
            assert target is not None
            assert target.held_out is not None


# How one is made


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["mse", "l1"])
def test_a_target_is_the_least_loss_of_the_textbook_loop_in_float64(loss: str) -> None:
    training = training_of(loss=loss)
    told: list[int] = []
    made = targets.make(training, SMALL, told.append)
    assert told[-1] == SMALL.total_epochs
    assert told == sorted(told)
    options = replace(training.options, dtype="float64", momentum=None, epochs=SMALL.epochs)
    alone = replace(training, optimizer="adam", options=options)
    least = {
        (lr, seed): run_path(alone, loop_of(alone.of(lr, seed)), every=False).loss
        for lr in SMALL.lr
        for seed in range(SMALL.seeds)
    }
    by_seed = [min(least[lr, seed].min() for lr in SMALL.lr) for seed in range(SMALL.seeds)]
    # 30 epochs of float64 in another order of sums: each adds some 1e-16, and Adam's division magnifies it.
    assert made.best_by_seed == pytest.approx(by_seed, rel=1e-9)
    assert least[made.best_lr, made.best_seed][made.best_epoch] == pytest.approx(made.best_loss, rel=1e-9)


@pytest.mark.parametrize(("loss", "scale", "null"), [("mse", "standardized", 1.0), ("mse", "raw", None)])
def test_the_null_loss_is_that_of_the_mean(loss: str, scale: str, null: float | None) -> None:
    training = training_of("auto_mpg", loss=loss, scale=scale)
    y = training.problem.rows("train")[1]
    assert targets.null_loss(training) == pytest.approx(null or y.var(), rel=1e-12)


def test_the_null_loss_of_absolute_errors_is_about_the_mean_too() -> None:
    training = training_of("auto_mpg", loss="l1", scale="raw")
    y = training.problem.rows("train")[1]
    assert targets.null_loss(training) == pytest.approx(np.abs(y - y.mean()).mean(), rel=1e-12)


# How one is found


def test_what_is_written_is_read(tmp_path: Path) -> None:
    made = targets.make(training_of(), SMALL, nothing)
    targets.write(made, tmp_path / "folder" / "x.toml")
    assert targets.read(tmp_path / "folder" / "x.toml") == made
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["x.toml"]


@pytest.mark.parametrize("text", ["best_loss = 1", "not toml", "\x00"])
def test_a_file_that_is_no_target_is_one_line(text: str, tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text(text)
    with pytest.raises(UsageError) as caught:
        targets.read(tmp_path / "x.toml")
    assert str(tmp_path / "x.toml") in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"problem": "synthetic:n=30,p=2,seed=1"}, "is of other data (sha256)"),
        ({"hidden": (4,)}, "is of hidden 4, not 3-2"),
        ({"loss": "l1", "scale": "raw"}, "is of loss l1, not mse and is of scale raw, not standardized"),
    ],
    ids=["data", "hidden", "loss and scale"],
)
def test_a_target_of_something_else_is_not_used_and_the_reason_is_said(
    other: dict[str, object], why: str, elsewhere: Path
) -> None:
    path = targets.FOLDER / "synthetic.toml"
    targets.write(targets.make(training_of(**other), SMALL, nothing), path)  # type: ignore[arg-type]  # as asked
    said: list[str] = []
    assert targets.find(training_of(scale="standardized"), said.append) is None
    assert said == [f"{path} {why}: it is not used"]


def test_a_target_in_the_working_folder_is_used(elsewhere: Path) -> None:
    made = targets.make(training_of(), SMALL, nothing)
    targets.write(made, targets.FOLDER / "synthetic.toml")
    said: list[str] = []
    assert targets.find(training_of(), said.append) == made
    assert said == []


def test_a_target_that_nobody_has_is_made_once_and_kept_in_the_cache(
    elsewhere: Path, cache_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    made = targets.find_or_make(training_of(), said.append, nothing)
    (kept,) = (cache_folder / "targets").iterdir()
    assert "2 seeds by 30 epochs" in said[0]
    assert "2 learning rates" in said[0]
    assert str(kept) in said[1]
    monkeypatch.setattr(targets, "make", None)
    assert targets.find_or_make(training_of(optimizers=("momentum",), dtype="float64"), said.append, nothing) == made
    assert len(said) == 2


@pytest.mark.slow
@pytest.mark.parametrize("change", ["problem", "hidden", "loss", "scale"])
def test_the_cache_tells_trainings_apart(change: str, elsewhere: Path, cache_folder: Path) -> None:
    other = {"problem": "synthetic:n=30,p=2,seed=1", "hidden": (4,), "loss": "l1", "scale": "raw"}[change]
    targets.find_or_make(training_of(scale="standardized"), nothing, nothing)
    targets.find_or_make(training_of(**{"scale": "standardized", change: other}), nothing, nothing)  # type: ignore[arg-type]
    assert len(list((cache_folder / "targets").iterdir())) == 2


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["", "not toml", "another's"])
def test_a_damaged_cache_is_made_anew(damage: str, elsewhere: Path, cache_folder: Path) -> None:
    made = targets.find_or_make(training_of(), nothing, nothing)
    (kept,) = (cache_folder / "targets").iterdir()
    text = kept.read_text()
    kept.write_text(text.replace("hidden = [3, 2]", "hidden = [9]") if damage == "another's" else damage)
    again = targets.find_or_make(training_of(), nothing, nothing)
    assert again.best_by_seed == made.best_by_seed
    assert targets.read(kept) == again


@pytest.mark.slow
@pytest.mark.parametrize(
    ("field", "factor", "why"),
    [("null_loss", 2, "another null loss"), ("best_loss", 1e6, "above the null loss"), ("best_loss", -1, "or none")],
)
def test_a_forged_target_is_not_used_and_said(
    field: str, factor: float, why: str, elsewhere: Path, cache_folder: Path
) -> None:
    made, said = targets.find_or_make(training_of(), nothing, nothing), list[str]()
    (kept,) = (cache_folder / "targets").iterdir()
    targets.write(made.model_copy(update={field: factor * getattr(made, field)}), kept)
    assert targets.find_or_make(training_of(), said.append, nothing).best_loss == made.best_loss
    assert said[0].startswith(f"{kept} has a")
    assert why in said[0]
    assert targets.read(kept).null_loss == made.null_loss


def test_a_cache_that_cannot_be_written_to_costs_nothing_but_time(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (elsewhere / "file").write_text("")
    monkeypatch.setenv("HARNESS_CACHE_DIR", str(elsewhere / "file"))
    assert targets.find_or_make(training_of(), nothing, nothing).epochs == SMALL.epochs


# The command


def cells_of(store: Path) -> list[Cell]:
    """The cells of the newest sweep."""
    kept = SweepStore(Store(str(store), create=False))
    return kept.cells(kept.sweep().id)


@pytest.mark.slow
def test_a_target_that_a_person_makes_is_what_the_next_sweep_is_judged_by(run_cli: RunCli, store_path: Path) -> None:
    words = ("--problem", TINY, "--hidden", "3-2")
    made = run_cli("sweep", *words, "--make-target", "results/targets", "--epochs", 20, "--seeds", 2, "--lr", 0.01)
    assert (made.code, made.stderr) == (0, "")
    target = targets.read(targets.FOLDER / "synthetic.toml")
    assert (target.epochs, target.lr, len(target.best_by_seed)) == (20, (0.01,), 2)
    assert all(one in made.stdout for one in (f"{target.best_loss:.6g}", "2 seeds", "20 epochs", "lr 0.01", "float64"))

    few = (
        "--optimizer",
        "adam",
        "--lr",
        0.01,
        "--seeds",
        3,
        "--epochs",
        40,
        "--no-widen",
        "--json",
        "--store",
        store_path,
    )
    swept = run_cli("sweep", *words, *few)
    assert (swept.code, swept.stderr) == (0, "")
    json.loads(swept.stdout)
    (cell,) = cells_of(store_path)
    assert cell.scale == "null model, above the stored target"
    excess, loss = np.array(cell.excess), np.array(cell.loss)
    known = np.isfinite(excess)
    # Curves are kept to seven digits.
    assert excess[known] == pytest.approx((loss[known] - target.best_loss) / target.null_loss, abs=2e-6)
    # Twice the epochs of the training that the target comes from.
    assert np.nanmin(excess) < 0
    assert "a lower loss than the target was seen" in cell.message
    assert cell.epochs_to[-1][target.best_seed] is not None


@pytest.mark.parametrize(
    ("option", "value"),
    [("optimizer", "sgd"), ("engine", "loop"), ("batch", 8), ("dtype", "float32"), ("model", "mlp")],
)
def test_what_a_target_is_made_by_cannot_be_chosen(option: str, value: object, run_cli: RunCli) -> None:
    ended = run_cli("sweep", "--make-target", "t", f"--{option}", value)
    assert (ended.code, ended.stdout) == (2, "")
    assert f"drop --{option}" in ended.stderr
