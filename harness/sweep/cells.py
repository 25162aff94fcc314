"""What an engine saw of a chunk of a sweep, as cells: one learning rate over all seeds each."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from harness.measure.recording import identity_of, source_sha256
from harness.problems.problem import Floats
from harness.records.sweep import Cell
from harness.solvers.status import Status
from harness.solvers.training.engine import Engine
from harness.solvers.training.learning_map import CENSORED, Counts, Learned, LearningMap
from harness.solvers.training.path import full_batch
from harness.solvers.training.training import Aim, Grid, Training
from harness.sweep.candidate import Candidate
from harness.sweep.theory import sharpness_of, theory_of
from harness.verify.nearly_equal import blamed
from harness.verify.objective import Objective

CURVE_DIGITS = 7
"""Of a stored curve, which is drawn and not computed with: float32 holds no more (IEEE 754: 24 bits)."""


@dataclass(frozen=True)
class Goal:
    """An aim, what its excess is relative to, what a person should know of it, and the objective of a linear model."""

    aim: Aim
    scale: str
    note: str = ""
    objective: Objective | None = None


def identity(candidate: Candidate, lr: float) -> dict[str, Any]:
    """The fields of a Cell that say what was trained."""
    options, grid = candidate.options, candidate.grid
    own = dict(zip(grid.lr, grid.settings, strict=bool(grid.settings))).get(lr, ())
    shared = {k: v for k, v in identity_of(candidate.problem, candidate.solver).items() if k in Cell.model_fields}
    return shared | {
        "source_sha256": source_sha256(candidate.solver, options),
        "optimizer": candidate.optimizer,
        "lr": lr,
        "seeds": candidate.grid.seeds,
        "epochs": candidate.training.epochs,
        "suite": candidate.suite,
        "engine": str(options.engine),
        "device": options.device,
        "options": options.given() | dict(own) | {"threads": options.threads},
        "trial": candidate.trials.get(lr),
        "max_s": candidate.max_s,
        "epoch_flops": candidate.epoch_flops,
    }


def without_result(candidate: Candidate, status: Status, message: str) -> list[Cell]:
    """Cells that say why there is nothing."""
    return [Cell(**identity(candidate, lr), status=status, message=message) for lr in candidate.grid.lr]


def learn(
    engine: Engine, training: Training, grid: Grid, aim: Aim, most: int | None, trained: Callable[[int], None]
) -> Learned:
    """All trainings of a grid; more than `most` of them are done in turns, each with some of the seeds."""
    if grid.settings and engine.name != "batched":
        return _one_by_one(engine, training, grid, aim, trained)
    size = len(grid.seeds) if most is None else max(1, most // len(grid.lr))
    parts: list[Learned] = []
    for start in range(0, len(grid.seeds), size):
        before = len(grid.lr) * start * training.epochs
        part = replace(grid, seeds=grid.seeds[start : start + size])

        parts.append(engine.learn(training, part, aim, lambda epochs, before=before: trained(before + epochs)))  # type: ignore[misc]
    return parts[0] if len(parts) == 1 else _joined(parts)


def _one_by_one(engine: Engine, training: Training, grid: Grid, aim: Aim, trained: Callable[[int], None]) -> Learned:
    """Rates with settings of their own, which only the engine batched trains together."""
    parts = []
    for number, (lr, settings) in enumerate(zip(grid.lr, grid.settings, strict=True)):
        done = number * len(grid.seeds) * training.epochs
        one = replace(training, options=replace(training.options, **dict(settings)))
        alone = Grid((lr,), grid.seeds)
        parts.append(engine.learn(one, alone, aim, lambda epochs, done=done: trained(done + epochs)))  # type: ignore[misc]
    return _joined(parts, axis=-2)


def _joined(parts: Sequence[Learned], axis: int = -1) -> Learned:
    """One Learned over the seeds of all, or over the learning rates (`axis` -2)."""

    def join(values: Sequence[Any]) -> Any:
        return np.concatenate(values, axis=axis)

    maps = [part.map for part in parts]
    ended = LearningMap(
        maps[0].tolerances,
        join([one.epochs_to for one in maps]),
        join([one.epochs_run for one in maps]),
        join([one.final for one in maps]),
        join([one.diverged for one in maps]),
    )
    seen = [part.held_out_to for part in parts if part.held_out_to is not None]
    excess, loss = join([part.excess for part in parts]), join([part.loss for part in parts])
    return Learned(ended, parts[0].at, excess, loss, join(seen) if seen else None)


def cells_of(candidate: Candidate, goal: Goal, aim: Aim, learned: Learned, *, engine_s: float) -> list[Cell]:
    """One cell a learning rate; what an epoch of the loop takes is not among them yet."""
    theory, sharpness, ended = theory_of(candidate, aim), sharpness_of(candidate, aim), learned.map
    limits = None if theory is None else theory.stability_limit
    cells = []
    for i, lr in enumerate(candidate.grid.lr):
        excess = learned.excess[:, i]
        cells.append(
            Cell(
                **identity(candidate, lr),
                message="; ".join(filter(None, _notes(candidate, goal, excess, ended.final[i]))),
                scale=goal.scale,
                tolerances=ended.tolerances,
                epochs_to=_epochs(ended.epochs_to[:, i]),
                epochs_run=tuple(ended.epochs_run[i].tolist()),
                final=tuple(ended.final[i].tolist()),
                diverged=tuple(ended.diverged[i].tolist()),
                at=tuple(learned.at.tolist()),
                excess=_curve(excess),
                loss=_curve(learned.loss[:, i]),
                held_out_to=() if learned.held_out_to is None else _epochs(learned.held_out_to[i][None])[0],
                predicted=() if theory is None else _epochs(theory.epochs_to[:, i]),
                stability_limit=None if limits is None else float(limits[i]),
                curvature=() if theory is None else theory.curvature,
                sharpness_over_limit=sharpness[i],
                engine_s=engine_s,
                together=len(candidate.grid.cases),
            )
        )
    return cells


def _notes(candidate: Candidate, goal: Goal, excess: Floats, final: Floats) -> Iterator[str]:
    """What a person should know of a cell; `excess` (M, S) along the trainings, `final` (S,) at their ends."""
    yield from (full_batch(candidate.training), goal.note, _below(goal, excess))
    if goal.objective is not None and np.isfinite(final).any():
        yield blamed(candidate.problem, float(np.median(final[np.isfinite(final)])), goal.objective)


def _below(goal: Goal, excess: Floats) -> str:
    """That a network came below its target, and by how much of what an excess is relative to; empty otherwise."""
    if not goal.aim.of_curve or np.isnan(excess).all() or np.nanmin(excess) >= 0:
        return ""
    return f"a lower loss than the target was seen: excess {np.nanmin(excess):.2g}"


def _epochs(values: Counts) -> tuple[tuple[int | None, ...], ...]:
    return tuple(tuple(None if epoch == CENSORED else epoch for epoch in row) for row in values.tolist())


def _curve(values: Floats) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(float(f"{value:.{CURVE_DIGITS}g}") for value in row) for row in values.tolist())
