"""A sweep judges each optimizer by the objective that it descends on, as a run does."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.judge.training.convergence import task_of
from harness.measure.one_case import measure
from harness.measure.plan import single
from harness.records.record import Accuracy, Status
from harness.records.sweep import Cell
from harness.sweep.plan import SweepRequest, candidates
from tests.conftest import RunCli
from tests.test_sweep import stored, swept

RIDGE = "ridge optimum, weight decay 0.25"
SMALL: dict[str, Any] = {"problems": ("diabetes",), "lr": (0.05,), "seeds": 2, "epochs": 300, "dtype": "float64"}

pytestmark = pytest.mark.usefixtures("one_thread")


def as_run(asked: dict[str, Any], seed: int) -> Accuracy:
    """The accuracy of one training of a sweep, alone and by the loop, as `harness run` has it."""
    (candidate,) = candidates(SweepRequest.model_validate(asked))
    options = replace(candidate.options, engine="loop", seed=seed, lr=candidate.grid.lr[0])
    return measure(single(candidate.problem, candidate.solver, options)).record.accuracy


def epochs(cell: Cell, seed: int) -> Sequence[int | None]:
    return [row[seed] for row in cell.epochs_to]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("optimizer", "more", "scale"),
    [
        ("momentum:weight_decay=0.25", {}, RIDGE),
        ("adam:weight_decay=0.25", {}, RIDGE),
        ("sgd", {"loss": "l1"}, "least absolute deviations optimum"),
        ("adam", {"loss": "l1", "scale": "raw", "problems": ("four_points",)}, "null model, least absolute deviations"),
    ],
)
def test_epochs_to_a_tolerance_are_those_of_harness_run(optimizer: str, more: dict[str, Any], scale: str) -> None:
    asked = SMALL | {"optimizers": (optimizer,)} | more
    for engine in ("loop", "batched"):
        (cell,) = swept(**asked, engine=engine)
        assert (cell.status, cell.scale) == (Status.OK, scale)
        for seed in (0, 1):
            alone = as_run(asked, seed)
            assert alone.excess_relative_to == scale
            assert alone.excess_loss is not None
            for mine, theirs in zip(epochs(cell, seed), alone.epochs_to.values(), strict=True):
                assert (mine is None) == (theirs is None)
                # Sums in another order: an excess may pass a tolerance an epoch earlier or later.
                assert abs((mine or 0) - (theirs or 0)) <= (engine == "batched")
            assert cell.final[seed] == pytest.approx(alone.excess_loss, rel=1e-3, abs=1e-12)
    assert any(epoch is not None for row in cell.epochs_to for epoch in row)


@pytest.mark.slow
def test_the_oracle_steps_weight_decay_and_is_judged_by_the_ridge_optimum() -> None:
    asked = SMALL | {"optimizers": ("adam:weight_decay=0.25",)}
    (stepped,), (looped,) = (swept(**asked, engine=engine) for engine in ("oracle", "loop"))
    assert stepped.scale == looped.scale == RIDGE
    assert stepped.epochs_to == looped.epochs_to
    np.testing.assert_allclose(stepped.loss, looped.loss, rtol=1e-9)


@pytest.mark.slow
def test_optimizers_with_and_without_weight_decay_are_not_compared() -> None:
    cells = swept(**SMALL | {"optimizers": ("sgd", "sgd:weight_decay=0.25", "adam:weight_decay=0.25", "adamw")})
    tasks = {cell.optimizer: task_of(cell) for cell in cells}
    assert tasks == {
        "sgd": "diabetes",
        "sgd:weight_decay=0.25": "diabetes, weight decay 0.25",
        "adam:weight_decay=0.25": "diabetes, weight decay 0.25",
        "adamw": "diabetes",  # a decoupled decay leaves the function as it is
    }
    assert {cell.optimizer: cell.scale for cell in cells} == {
        "sgd": "optimum",
        "sgd:weight_decay=0.25": RIDGE,
        "adam:weight_decay=0.25": RIDGE,
        "adamw": "optimum",
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"optimizers": ("adamw:weight_decay=10",)}, "not judged: AdamW with weight decay 10"),
        ({"optimizers": ("sgd:weight_decay=0.25",), "loss": "l1"}, "not judged: the optimum of l1 loss with weight"),
        ({"optimizers": ("adam:weight_decay=0.25",), "problems": ("sine",)}, "a network's target is of the loss alone"),
    ],
    ids=str,
)
def test_what_has_no_known_optimum_is_not_trained_and_says_why(asked: dict[str, Any], reason: str) -> None:
    plain = {"optimizers": (*asked["optimizers"], "sgd")}
    cell, judged = swept(**SMALL | asked | plain | {"epochs": 2})
    assert cell.status is Status.UNSUPPORTED
    assert cell.message.startswith(reason)
    assert judged.status is Status.OK


@pytest.mark.slow
def test_a_worker_finds_the_goal_of_each_objective(run_cli: RunCli, store_path: Path) -> None:
    few = ("--problem", "four_points", "--seeds", 2, "--epochs", 5, "--lr", "0.1")
    optimizers = ("--optimizer", "sgd", "--optimizer", "sgd:weight_decay=0.25", "--optimizer", "adamw:weight_decay=10")
    assert run_cli("sweep", *few, *optimizers, "--store", store_path).code == 0
    cells = {cell.optimizer: cell for cell in stored(store_path)}
    assert cells["sgd"].scale == "null model"
    assert cells["sgd:weight_decay=0.25"].scale == RIDGE
    assert cells["adamw:weight_decay=10"].status is Status.UNSUPPORTED
