"""The held-out target of networks: how it is set, kept, compared with, and left out where it is not known."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from harness.errors import UsageError
from harness.judge.training.contest import EPOCHS
from harness.judge.training.convergence import summarise
from harness.judge.training.trials import HELD_OUT as MEASURE
from harness.problems.problem import Floats
from harness.records.observer import Observer
from harness.records.sweep import Cell
from harness.solvers.training.learning_map import HELD_OUT
from harness.solvers.training.loop_engine import loop_of, run_path
from harness.solvers.training.training import Training
from harness.sweep import held_out, targets
from harness.sweep.measuring import InProcess
from harness.sweep.plan import SweepRequest, candidates
from harness.sweep.target_search import SearchSize

pytestmark = pytest.mark.usefixtures("in_process", "one_thread")

SIZE = SearchSize(4, 30, (0.003, 0.03))
CURVE = "friedman:n=60,test=20,seed=3"
OTHER_TEST_ROWS = "friedman:n=61,test=21,seed=3"


def request(problem: str = CURVE, **asked: object) -> SweepRequest:
    """A small network's sweep in float64, so that the loop's arithmetic is the engine's but for rounding."""
    own = {"problems": (problem,), "lr": (0.03,), "seeds": 8, "epochs": 60, "hidden": (3, 2), "dtype": "float64"}
    return SweepRequest.model_validate(own | {"optimizers": ("adam", "sgd")} | asked)


def training_of(problem: str = CURVE, **asked: object) -> Training:
    """The training of its first optimizer."""
    return candidates(request(problem, **asked))[0].training


def nothing(_: object) -> None:
    """Told and not heard."""


def by_hand(training: Training, parameters: Floats) -> float:
    """The loss of the held-out rows at the module's parameters (P,), layer by layer."""
    X, y = training.arrays("test")
    hidden = training.options.hidden
    assert hidden is not None
    signal, start = X, 0
    for inputs, units in pairwise((X.shape[1], *hidden, 1)):
        W = parameters[start : start + units * inputs].reshape(units, inputs)
        start += units * (inputs + 1)
        signal = signal @ W.T + parameters[start - units : start]
        signal = np.maximum(signal, 0) if start < len(parameters) else signal
    off = signal[:, 0] - y
    return float(np.mean(np.abs(off) if training.options.loss == "l1" else off**2))


def by_loop(training: Training, epochs: int) -> Floats:
    """The same by epochs done (epochs + 1,), of the textbook loop."""
    one = replace(training, options=replace(training.options, epochs=epochs))
    return np.array([by_hand(training, at) for at in run_path(one, loop_of(one), every=True).parameters])


@pytest.mark.parametrize("loss", ["mse", "l1"])
def test_the_losses_are_those_of_the_network_written_out(loss: str) -> None:
    training = training_of(loss=loss)
    parameters = np.random.default_rng(5).normal(size=(7, 3, training.initial_parameters([0]).shape[1]))
    told = held_out.losses_of(training)
    assert told is not None
    expected = [[by_hand(training, one) for one in row] for row in parameters]
    # Sums of at most five products over 20 rows: a few times 1e-16.
    np.testing.assert_allclose(told(parameters), expected, rtol=1e-13)


@pytest.mark.slow
def test_the_target_is_the_median_over_seeds_of_the_least_loss_by_the_loop() -> None:
    training = training_of()
    made = targets.make(training, SIZE, nothing).held_out
    assert made is not None
    least = np.array([[by_loop(training.of(lr, seed), SIZE.epochs).min() for seed in range(4)] for lr in SIZE.lr])
    middle = [np.mean(sorted(row)[1:3]) for row in least]
    best = int(np.argmin(middle))
    assert (made.lr, made.part, made.n) == (SIZE.lr[best], "test", 20)
    # 30 epochs of float64 in another order of sums: each adds some 1e-16, and Adam's division magnifies it.
    assert made.by_seed == pytest.approx(least[best], rel=1e-9)
    assert made.loss == pytest.approx(middle[best], rel=1e-9)
    assert made.differs(training) == ""


def test_the_search_for_the_training_target_is_not_changed_by_the_rows_held_out() -> None:
    training = training_of()
    split = replace(training.problem.split, test=training.problem.split.test[:0])
    alone = replace(training, problem=replace(training.problem, split=split))
    without, beside = (targets.make(one, SIZE, nothing) for one in (alone, training))
    assert (without.held_out, without.best_by_seed) == (None, beside.best_by_seed)
    assert (without.best_epoch, without.best_lr, without.best_seed) == (
        beside.best_epoch,
        beside.best_lr,
        beside.best_seed,
    )


@pytest.mark.parametrize(
    ("least", "loss", "lr"),
    [
        ([[3.0, 1.0, 2.0], [9.0, 0.1, 9.0]], 2.0, 0.003),
        ([[3.0, 1.0, 2.0, 8.0], [2.0, 2.0, 2.25, 9.0]], 2.125, 0.03),
        ([[np.inf, np.inf, 0.1], [np.inf, 5.0, 4.0]], 5.0, 0.03),
        ([[np.inf, np.inf, 0.1]] * 2, None, None),
        ([[0.0, 0.0, 1e-20]] * 2, None, None),
    ],
    ids=["one lucky seed", "even", "diverged at one", "diverged", "nothing but rounding"],
)
def test_the_rule(least: Sequence[Sequence[float]], loss: float | None, lr: float | None) -> None:
    made = held_out.of_search(training_of(), SIZE.lr, np.array(least))
    assert (made and made.loss, made and made.lr) == (loss, lr)


# The file


def test_it_is_written_and_read_and_a_file_without_it_reads(tmp_path: Path) -> None:
    made = targets.make(training_of(), SIZE, nothing)
    path = tmp_path / "x.toml"
    targets.write(made, path)
    assert targets.read(path) == made
    text = path.read_text()
    path.write_text(text[: text.index("[held_out]")])
    assert targets.read(path) == made.model_copy(update={"held_out": None})
    targets.write(targets.make(training_of("synthetic:n=30,p=2"), SIZE, nothing), path)
    assert "[held_out]" not in path.read_text()
    assert targets.read(path).held_out is None


@pytest.mark.parametrize("loss", ["0.0", "-1.0", "nan", "inf"])
def test_a_held_out_loss_that_is_none_is_refused(loss: str, tmp_path: Path) -> None:
    made = targets.make(training_of(), SIZE, nothing)
    assert made.held_out is not None
    path = tmp_path / "x.toml"
    targets.write(made, path)
    path.write_text(path.read_text().replace(f"\nloss = {made.held_out.loss}", f"\nloss = {loss}"))
    with pytest.raises(UsageError, match=r"held_out\.loss"):
        targets.read(path)


def test_the_cache_tells_held_out_rows_apart(cache_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targets, "ON_THE_SPOT", SIZE)
    training = training_of()
    problem = training.problem
    y = problem.y.copy()
    y[problem.split.test] += 1
    other = replace(training, problem=replace(problem, y=y))
    assert other.problem.sha256 == problem.sha256
    found = [targets.find_or_make(one, nothing, nothing).held_out for one in (training, other)]
    assert found[0] is not None
    assert found[1] is not None
    assert found[0].loss < found[1].loss
    assert len(list((cache_folder / "targets").iterdir())) == 2


# A sweep


def stored(training: Training, **changed: object) -> targets.Target:
    """The target of a training in the working folder, its held-out part with what is changed; none where it is None."""
    made = targets.make(training, SIZE, nothing)
    assert made.held_out is not None
    part = None if "held_out" in changed else made.held_out.model_copy(update=changed)
    made = made.model_copy(update={"held_out": part})
    targets.write(made, targets.FOLDER / "friedman.toml")
    return made


def swept(problem: str = CURVE, **asked: object) -> list[Cell]:
    """The cells of a sweep."""
    place = InProcess()
    return [cell for one in candidates(request(problem, **asked)) for cell in place.learn(one, Observer())]


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder of its own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["loop", "batched"])
def test_epochs_to_it_are_counted_as_by_the_loop(engine: str, elsewhere: Path) -> None:
    training = training_of()
    target = stored(training).held_out
    assert target is not None
    cells = swept(engine=engine)
    expected = []
    for one in candidates(request(engine=engine)):
        for seed in range(8):
            there = by_loop(one.training.of(0.03, seed), 60) <= (1 + HELD_OUT) * target.loss
            expected.append(int(there.argmax()) if there.any() else None)
    assert [epoch for cell in cells for epoch in cell.held_out_to] == expected
    assert any(expected)
    assert None in expected
    assert not any("held out" in cell.message for cell in cells)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"held_out": None}, "the target's file has no held-out loss"),
        ({"content_sha256": "0" * 64}, "the target's file is of other rows held out"),
        ({"loss": 1e3}, "the target's file has a held-out loss that is not its seeds' median"),
    ],
    ids=["old file", "other rows", "forged"],
)
def test_where_it_is_not_known_nothing_is_scored_held_out_and_that_is_said(
    changed: dict[str, object], why: str, elsewhere: Path
) -> None:
    target = stored(training_of(), **changed)
    for cell in swept():
        assert cell.held_out_to == ()
        assert f"nothing is scored held out: {why}" in cell.message
        assert cell.excess[0][0] == pytest.approx((cell.loss[0][0] - target.best_loss) / target.null_loss, abs=1e-6)


def test_without_rows_held_out_nothing_is_said_of_them(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targets, "ON_THE_SPOT", SIZE)
    cells = swept(problem="synthetic:n=30,p=2")
    assert {(cell.held_out_to, "held out" in cell.message) for cell in cells} == {((), False)}


@pytest.mark.slow
@pytest.mark.parametrize("known", [True, False])
def test_it_is_a_measure_of_the_scores_where_it_is_known(known: bool, elsewhere: Path) -> None:
    stored(training_of(), **({} if known else {"held_out": None}))
    found = summarise(swept()).trials
    assert (MEASURE in found, EPOCHS in found) == (known, True)
