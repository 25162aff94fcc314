"""What is known of a linear model's training without running it, and why a measured training parts from it."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from harness.judge.training.cell import tolerance_text
from harness.judge.training.partings import Parting, part, partings
from harness.problems.problem import Floats
from harness.records.sweep import Cell
from harness.solvers.training.learning_map import Counts
from harness.solvers.training.training import Aim
from harness.solvers.training.watch import Watch
from harness.sweep.candidate import Candidate

DOUBLE = "float64"


@dataclass(frozen=True)
class Theory:
    """What a training must do: epochs (tolerances, L, S); of gradient descent also stability limits (L,).

    `curvature` as in a Cell, of gradient descent alone.
    """

    epochs_to: Counts
    stability_limit: Floats | None = None
    curvature: tuple[float, ...] = ()


def _on_a_quadratic(candidate: Candidate, aim: Aim) -> bool:
    """Whether it is a linear model's squared error over all rows, at one learning rate all along, by a known optimizer.

    Weight decay moves the optimum, mini-batches and schedules change the recurrence: nothing is known of these here.
    """
    training, options = candidate.training, candidate.options
    all_rows = options.batch is None or options.batch >= len(training.problem.split.train)
    steady = training.scheduler is None and training.brought is None and not training.trained.weight_decay
    return aim.quadratic is not None and options.loss == "mse" and all_rows and steady


def theory_of(candidate: Candidate, aim: Aim) -> Theory | None:
    """The closed form of SGD, with momentum or without, and Adam's recurrence; None for any other training."""
    training, options, grid = candidate.training, candidate.options, candidate.grid
    if _adam(candidate, aim):
        return Theory(_stepped(candidate, aim))
    if aim.quadratic is None or not _on_a_quadratic(candidate, aim) or training.optimizer != "sgd" or options.dampening:
        return None
    from harness.solvers.training.oracle.crossings import learning_map
    from harness.solvers.training.oracle.descent import Descent

    start = training.initial_parameters(grid.seeds)
    each = [dict(one).get("momentum", options.momentum or 0.0) for one in grid.settings or ((),) * len(grid.lr)]
    descent = Descent.of(aim.quadratic, start, grid.lr, np.array(each), bool(options.nesterov))
    predicted = learning_map(descent, training.epochs, aim.tolerances)
    rising = aim.quadratic.curvature[aim.quadratic.curvature > 0]
    return Theory(predicted.epochs_to, descent.stability_limit, (float(rising[-1]), float(rising[0])))


def _adam(candidate: Candidate, aim: Aim) -> bool:
    """Whether it is Adam without weight decay on a quadratic, with the same settings at each learning rate."""
    known = candidate.training.optimizer in ("adam", "adamw") and not any(candidate.grid.settings)
    return known and _on_a_quadratic(candidate, aim)


def _stepped(candidate: Candidate, aim: Aim) -> Counts:
    """Epochs (tolerances, L, S) of Adam's recurrence in float64: it has no closed form, and is stepped."""
    from harness.solvers.training.oracle.engine import rule_of

    training, grid = candidate.training, candidate.grid
    assert aim.quadratic is not None  # noqa: S101  # _adam() has seen it
    watch = Watch(grid, replace(aim, held_out=None), training.epochs)
    for block in rule_of(training, aim.quadratic).blocks(
        training.initial_parameters(grid.seeds), grid.lr, training.epochs
    ):
        watch.note(block)
    return watch.learned().map.epochs_to


def sharpness_of(candidate: Candidate, aim: Aim) -> list[float | None]:
    """(L,) of Adam without weight decay: how far the first seed's exact training goes past the limit of stability.

    As `Adaptive.over_limit` has it; None for any other training, of which no limit is known, where each learning rate
    has betas of its own, and of so few epochs that the moments are not warm.
    """
    training, grid = candidate.training, candidate.grid
    if aim.quadratic is None or not _adam(candidate, aim):
        return [None] * len(grid.lr)
    from harness.solvers.training.oracle.engine import rule_of

    start = training.initial_parameters(grid.seeds[:1])
    found = rule_of(training, aim.quadratic).over_limit(start, grid.lr, training.epochs)
    return [None if np.isnan(one) else float(one) for one in found]


Again = Callable[[Sequence[float]], list[Cell]]
"""Trains some of the learning rates again, in float64 and from the same starts; empty where that cannot be done."""


def explained(cells: Sequence[Cell], dtype: str, again: Again) -> list[Cell]:
    """The cells, with a sentence in the message of each whose measured and predicted epochs part: what was tested.

    That rounding is the cause is tested by training these learning rates again in float64.
    """
    apart = {cell.lr: found for cell in cells if (found := partings(cell))}
    unclear = [lr for lr, found in apart.items() if any(not _plain(one) for one in found)]
    control = {cell.lr: cell for cell in (again(unclear) if unclear and dtype != DOUBLE else ())}
    told = []
    for cell in cells:
        reasons: dict[str, list[str]] = {}
        for one in apart.get(cell.lr, ()):
            why = _plain(one) or _rounding(one, dtype, control.get(cell.lr))
            reasons.setdefault(why, []).append(tolerance_text(one.tolerance))
        notes = [
            f"measured and predicted epochs to {' and '.join(to)} part by more than a tenth: {why}"
            for why, to in reasons.items()
        ]
        told.append(cell.model_copy(update={"message": "; ".join(filter(None, [cell.message, *notes]))}))
    return told


def _plain(one: Parting) -> str:
    """Why they part where the counts alone show it; else empty."""
    if math.isinf(one.measured) and not part(one.crossed, one.predicted):
        return "the trainings get there, as predicted, and diverge later"
    if abs(one.measured - one.predicted) <= 1:
        return "they are one epoch apart, which is more than a tenth of so few"
    return ""


def _rounding(one: Parting, dtype: str, control: Cell | None) -> str:
    """Whether they part by rounding, as the same training in float64 shows."""
    if dtype == DOUBLE:
        return "why is not known; the training is in float64"
    if control is None:
        return f"why is not known; the engine did not train it in float64 instead of {dtype}"
    still = any(other.tolerance == one.tolerance for other in partings(control))
    return (
        f"not by the rounding of {dtype}, since in float64 they part too"
        if still
        else (f"the rounding of {dtype}, since in float64 they agree")
    )
