"""Cells to judge and to show: by hand, seed by seed, or as the exact trajectories of linear trainings give them."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from harness.problems.catalog import load
from harness.problems.problem import Floats
from harness.records.environment import Environment
from harness.records.record import Status
from harness.records.sweep import Cell, Sweep
from harness.solvers.training.learning_map import CENSORED, TOLERANCES, LearningMap, curve_epochs
from harness.solvers.training.oracle.adaptive import Adaptive
from harness.solvers.training.oracle.crossings import learning_map
from harness.solvers.training.oracle.descent import Descent
from harness.solvers.training.oracle.quadratic import Quadratic
from harness.solvers.training.scaling import Scaling
from harness.solvers.training.training import Aim, Grid
from harness.solvers.training.watch import Watch
from harness.timing.sampling import Samples

RULES: dict[str, dict[str, Any]] = {
    "sgd": {},
    "momentum": {"momentum": 0.9},
    "nesterov": {"momentum": 0.9, "nesterov": True},
    "adam": {},
}
EPOCH_S = {"sgd": 126e-6, "momentum": 140e-6, "nesterov": 150e-6, "adam": 177e-6}


def cell(
    optimizer: str = "sgd",
    lr: float = 0.1,
    tightest: Sequence[int | None] = (30, 40, 50),
    **changed: Any,
) -> Cell:
    """A cell whose seeds reach 1e-2, 1e-4 and 1e-6 at a third, two thirds and all of the epochs `tightest`."""
    seeds = tuple(range(len(tightest)))
    rows = tuple(tuple(None if e is None else math.ceil(e * k / 3) for e in tightest) for k in (1, 2, 3))
    given: dict[str, Any] = {
        "problem": "auto_mpg",
        "problem_name": "auto_mpg",
        "problem_sha256": "0" * 64,
        "n": 398,
        "p": 1,
        "solver": f"torch_{optimizer}",
        "optimizer": optimizer,
        "lr": lr,
        "seeds": seeds,
        "epochs": 1000,
        "engine": "batched",
        "device": "cpu",
        "options": {"lr": lr, "loss": "mse"},
        "tolerances": TOLERANCES,
        "epochs_to": rows,
        "epochs_run": tuple(1000 for _ in seeds),
        "final": tuple(0.5 if e is None else 1e-9 for e in tightest),
        "diverged": tuple(False for _ in seeds),
        "loop_epoch": Samples(wall_s=(1e-4, 1e-4, 1.1e-4)),
        "engine_s": 0.5,
        "together": 10,
    }
    return Cell(**given | changed)


def not_run(optimizer: str, lr: float, status: Status, message: str) -> Cell:
    """A cell without trainings."""
    return cell(optimizer, lr, (), tolerances=(), seeds=(0, 1, 2), status=status, message=message, loop_epoch=Samples())


def trained(problem: str, optimizer: str, lrs: Sequence[float], seeds: int = 10, epochs: int = 1000) -> list[Cell]:
    """The cells of one optimizer, from exact trajectories started at N(0, 1)."""
    data = load(problem)
    scaling = Scaling.of(data, "standardized")
    X, y = data.rows("train")
    quadratic = Quadratic.of(scaling.x(X), scaling.y(y))
    start = np.array([np.random.default_rng(seed).normal(size=data.p + 1) for seed in range(seeds)])
    at = curve_epochs(epochs)
    found, excess = _paths(quadratic, optimizer, start, np.array(lrs), epochs, at)
    excess = np.where(at[:, None, None] > found.epochs_run, np.nan, excess)
    loss = quadratic.best_loss + quadratic.loss_scale * excess
    limit = quadratic.stability_limit * (1 + RULES[optimizer].get("momentum", 0.0))
    rng = np.random.default_rng(0)
    return [
        cell(
            optimizer,
            lr,
            (),
            problem=data.label,
            problem_name=data.name,
            n=data.n,
            p=data.p,
            epochs=epochs,
            engine="oracle",
            options={"lr": lr, "loss": "mse", **RULES[optimizer]},
            seeds=tuple(range(seeds)),
            epochs_to=_counts(found.epochs_to[:, i]),
            epochs_run=tuple(found.epochs_run[i].tolist()),
            final=tuple(found.final[i].tolist()),
            diverged=tuple(found.diverged[i].tolist()),
            at=tuple(at.tolist()),
            excess=tuple(map(tuple, excess[:, i].tolist())),
            loss=tuple(map(tuple, loss[:, i].tolist())),
            predicted=() if optimizer == "adam" else _counts(found.epochs_to[:, i]),
            stability_limit=None if optimizer in ("adam", "nesterov") else limit,
            loop_epoch=Samples(wall_s=tuple((EPOCH_S[optimizer] * rng.lognormal(0, 0.05, 30)).tolist())),
            together=len(lrs) * seeds,
        )
        for i, lr in enumerate(lrs)
    ]


def _paths(
    quadratic: Quadratic, optimizer: str, start: Floats, lrs: Floats, epochs: int, at: np.typing.NDArray[np.int64]
) -> tuple[LearningMap, Floats]:
    if optimizer == "adam":
        found, kept = adapted(Adaptive(quadratic), start, lrs, epochs)
        return found, quadratic.excess(kept[at])
    descent = Descent.of(quadratic, start, lrs, **RULES[optimizer])
    with np.errstate(all="ignore"):
        return learning_map(descent, epochs), descent.excess(at)


def adapted(
    rule: Adaptive, start: Floats, lr: Floats, epochs: int, tolerances: tuple[float, ...] = TOLERANCES
) -> tuple[LearningMap, Floats]:
    """How trainings from start (S, k) at lr (L,) end, and their parameters (E + 1, L, S, k), kept after that."""
    starts, quadratic = np.atleast_2d(start), rule.quadratic
    grid = Grid(tuple(lr), tuple(range(len(starts))))
    watch = Watch(grid, Aim(quadratic.best_loss, quadratic.loss_scale, quadratic, tolerances), epochs)
    kept = np.empty((epochs + 1, len(grid.cases), starts.shape[1]))
    for block in rule.blocks(starts, lr, epochs):
        assert not watch.diverged[block.numbers].any(), "who has diverged is seen no more"
        watch.note(block)
        assert block.parameters is not None
        for column, (number, run) in enumerate(zip(block.numbers, block.epochs_run, strict=True)):
            kept[block.before : block.before + run + 1, number] = block.parameters[: run + 1, column]
            kept[block.before + run + 1 :, number] = block.parameters[run, column]
    return watch.learned().map, kept.reshape(epochs + 1, *grid.shape, -1)


def _counts(found: np.typing.NDArray[np.int64]) -> tuple[tuple[int | None, ...], ...]:
    return tuple(tuple(None if e == CENSORED else int(e) for e in row) for row in found)


def sweep() -> Sweep:
    """A sweep that was finished."""
    environment = Environment(
        cpu="a processor", cores=2, memory_bytes=2**30, system="Linux", python="CPython 3.13", blas=(), versions={}
    )
    started, finished = "2026-01-01T00:00:00+00:00", "2026-01-01T00:01:00+00:00"
    return Sweep(id="a1", started_at=started, finished_at=finished, command="harness sweep", environment=environment)


def within(middle: Cell) -> list[Cell]:
    """A cell with a tenth and ten times its learning rate beside it, which do not get there: no edge is near."""
    lost = (None,) * len(middle.seeds)
    gone = {"epochs_to": (lost,) * 3, "final": tuple(0.9 for _ in lost)}
    lower, higher = (
        {**gone, "lr": middle.lr * k, "options": {**middle.options, "lr": middle.lr * k}} for k in (0.1, 10)
    )
    return [middle.model_copy(update=lower), middle, middle.model_copy(update=higher)]
