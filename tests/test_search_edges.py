"""A search over a part of its space never names an optimizer that the whole space does not: the rule of a grid."""

from collections.abc import Mapping
from itertools import product
from typing import Any

import numpy as np
import pytest

from harness.judge.training.contest import Contest
from harness.judge.training.convergence import summarise
from harness.problems.catalog import load
from harness.records.sweep import Cell
from harness.solvers.training.learning_map import TOLERANCES
from harness.solvers.training.optimizers import PRESETS
from harness.solvers.training.oracle.crossings import learning_map
from harness.solvers.training.oracle.descent import Descent
from harness.solvers.training.oracle.quadratic import Quadratic
from harness.solvers.training.scaling import Scaling
from harness.sweep import search
from harness.sweep.search import Axis, tries
from tests.sweep_data import cell

SEEDS, EPOCHS = 6, 400
CUTS = (1e-4, 1e-2, 0.1, 1.0, 10.0)
NAMES = ("sgd", "momentum", "nesterov")


def trained(problem: str, count: int, names: tuple[str, ...] = NAMES) -> list[Cell]:
    """The cells of so many tries of each optimizer, from exact trajectories."""
    data = load(problem)
    scaling = Scaling.of(data, "standardized")
    X, y = data.rows("train")
    quadratic = Quadratic.of(scaling.x(X), scaling.y(y))
    start = np.array([np.random.default_rng(seed).normal(size=data.p + 1) for seed in range(SEEDS)])
    return [one for name in names for one in _tried(name, count, quadratic, start)]


def _tried(name: str, count: int, quadratic: Quadratic, start: Any) -> list[Cell]:
    optimizer, preset = PRESETS[name]
    points = dict(tries(optimizer, preset, count, 0))
    momenta = np.array([float(dict(own).get("momentum", 0.0)) for own in points.values()])
    descent = Descent.of(quadratic, start, tuple(points), momenta, bool(preset.get("nesterov")))
    found = learning_map(descent, EPOCHS, TOLERANCES)
    made = []
    for i, (lr, momentum) in enumerate(zip(points, momenta, strict=True)):
        rows = tuple(tuple(None if e < 0 else int(e) for e in row) for row in found.epochs_to[:, i])
        options: Mapping[str, Any] = {"lr": lr, "loss": "mse", "momentum": float(momentum)}
        given = {"epochs_to": rows, "final": tuple(found.final[i].tolist()), "epochs": EPOCHS, "options": options}
        gone = tuple(map(bool, found.diverged[i]))
        made.append(cell(name, lr, (1,) * SEEDS, **given, diverged=gone, trial=i + 1))
    return made


def contest(cells: list[Cell]) -> Contest | None:
    (task,) = summarise(cells).tasks
    return task.by_epochs


def leads(found: Contest) -> bool:
    """Whether it would be named if nobody looked at the edges."""
    return all(rival.interval is not None and rival.interval.low > 1 for rival in found.rivals)


@pytest.mark.slow
@pytest.mark.parametrize(("problem", "misleads"), [("auto_mpg", True), ("diabetes", False)])
def test_a_cut_space_never_names_a_wrong_winner(problem: str, misleads: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each part of the rates by each part of the momenta; without a look at the edges wrong ones would be named."""
    full = contest(trained(problem, 256))
    assert full is not None
    best = {side.optimizer for side in (full.leader, *(rival.tuning for rival in full.level))}
    named, fooled = set(), 0
    for low, high in product(CUTS, CUTS):
        for ends in ((5e-3, 0.5), (5e-3, 0.05), (0.05, 0.5)):
            if not low < high:
                continue
            monkeypatch.setattr(search, "LR", Axis(low, high))
            monkeypatch.setattr(search, "SPACE", {"momentum": (Axis(*ends, below_one=True),)})
            found = contest(trained(problem, 32))
            if found is None:
                continue
            if found.decided:
                named.add(found.leader.optimizer)
            fooled += leads(found) and found.leader.optimizer not in best
    assert named <= best
    assert (fooled > 0) == misleads


def test_an_uncut_space_names_its_winner() -> None:
    """So that the rule does not hold by naming nobody."""
    found = contest(trained("diabetes", 64, ("sgd", "momentum")))
    assert found is not None
    assert (found.leader.optimizer, found.decided) == ("momentum", True), found.open
