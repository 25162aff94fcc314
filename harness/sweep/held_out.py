"""The target of the rows that are held out: when a training has learned what carries over to rows it never saw.

Of a linear model it is what the exact optimum leaves there. No network has one. Its target is set as AlgoPerf sets a
workload's validation target: the median over seeds of the best that each came to there, at the best settings that a
search found (Dahl et al. 2023, arXiv:2306.07179; mlcommons/algorithmic-efficiency, pull request 541). The search is the
one of the training target. AlgoPerf's is over several optimizers and their settings, this one over Adam's rates.
"""

from collections.abc import Callable
from functools import partial
from typing import Annotated

import numpy as np
from pydantic import Field

from harness.problems.problem import Floats
from harness.records.record import Kept
from harness.solvers.training.oracle.quadratic import Quadratic
from harness.solvers.training.path import LOSS_NUMBERS
from harness.solvers.training.training import Training

ROUNDING = 1e-12
"""Of a mean square: a loss so small is the rounding of float64 data, squared, and some."""
Loss = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Losses = Callable[[Floats], Floats]
"""From parameters (..., P), in the module's order, to one number each (...)."""


class HeldOut(Kept):
    """A network's held-out target, as its target's file has it.

    `loss`: the median of `by_seed` (seeds,), the least mean loss of each seed's training over the `n` rows of `part`,
    in the units trained in, at the learning rate `lr`, whose median is the least. `content_sha256`: of all rows and
    their split.
    """

    part: str
    n: int
    content_sha256: str
    loss: Loss
    lr: float
    by_seed: tuple[float, ...]

    def differs(self, training: Training) -> str:
        """What of it is not a training's; empty if it is that training's target."""
        if (self.part, self.content_sha256) != (training.held_out, training.problem.content_sha256):
            return "is of other rows held out"
        if self.loss != float(median(np.array(self.by_seed))):
            return "has a held-out loss that is not its seeds' median"
        return ""


def median(losses: Floats) -> Floats:
    """Over the last axis (..., seeds): of an even number the mean of the two in the middle, as AlgoPerf has it."""
    return np.asarray(np.median(losses, axis=-1))


def of_search(training: Training, lr: tuple[float, ...], least: Floats | None) -> HeldOut | None:
    """The target that the least losses (learning rates, seeds) of a search set, infinite where there was none.

    None where nothing was held out, or where most seeds came to nothing or to rounding alone at every learning rate.
    """
    part = training.held_out
    if least is None or part is None:
        return None
    best = int(np.argmin(median(least)))
    loss, y = float(median(least[best])), training.arrays(part)[1]
    if not ROUNDING * float(np.mean(y**2)) < loss < np.inf:
        return None
    by_seed = tuple(map(float, least[best]))
    return HeldOut(
        part=part, n=len(y), content_sha256=training.problem.content_sha256, loss=loss, lr=lr[best], by_seed=by_seed
    )


def of_network(training: Training, target: HeldOut | None) -> tuple[Losses | None, str]:
    """The held-out loss over a stored target, minus 1; None where it is not told, and why if rows are held out."""
    if training.held_out is None:
        return None, ""
    losses = losses_of(training)
    if losses is None:
        return None, "nothing is scored held out: its loss is told of the harness's own networks on unweighted rows"
    if target is None:
        return None, "nothing is scored held out: the target's file has no held-out loss (--make-target makes one)"
    if differs := target.differs(training):
        return None, f"nothing is scored held out: the target's file {differs}"
    return lambda parameters: losses(parameters) / target.loss - 1, ""


def of_linear(training: Training, optimum: Floats) -> Losses | None:
    """The held-out loss over what the optimum (k,) leaves there, minus 1.

    None where nothing is held out, or the optimum leaves nothing but rounding there.
    """
    part, problem = training.held_out, training.problem
    if part is None:
        return None
    X, y = training.arrays(part)
    there = Quadratic.of(X, y, 1.0, intercept=problem.intercept, weights=problem.mean_one_weights(part))
    best = float(there.loss(optimum))
    return None if best <= ROUNDING * float(np.mean(y**2)) else lambda parameters: there.loss(parameters) / best - 1


def losses_of(training: Training) -> Losses | None:
    """A network's mean loss over the rows held out, in the dtype and on the device that it is trained in.

    None where nothing is held out, of a network that was brought, and of rows with weights.
    """
    part = training.held_out
    if part is None or training.network or training.problem.weights is not None:
        return None
    return partial(_losses, training, part)


def _losses(training: Training, part: str, parameters: Floats) -> Floats:
    """Many networks in a product; no state is shared, so that threads may ask at the same time."""
    import torch

    from harness.solvers.training.batched.mlp import MlpModels

    (X, y), hidden, loss = training.tensors(part), training.options.hidden or (), str(training.options.loss)
    flat = torch.tensor(parameters.reshape(-1, parameters.shape[-1]), dtype=X.dtype, device=X.device)
    made: dict[int, MlpModels] = {}
    found = []
    for some in flat.split(max(1, LOSS_NUMBERS // (len(X) * max(hidden)))):
        if len(some) not in made:
            made[len(some)] = MlpModels(X, y, len(some), hidden=hidden, loss=loss)
        found.append(made[len(some)].losses(some).cpu().double().numpy())
    return np.concatenate(found).reshape(parameters.shape[:-1])
