"""What a fit is judged by, chosen from what was trained: the only place that knows which objectives there are."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from harness.problems.problem import Floats, Problem, design_matrix
from harness.solvers.training.scaling import Scaling
from harness.solvers.training.trained import Trained
from harness.verify.excess_loss import excess_loss, relative_excess
from harness.verify.least_absolute import LeastAbsolute, least_absolute
from harness.verify.reference import Parameters, Reference, reference
from harness.verify.ridge import ridge
from harness.verify.rounding import NOISE_FREE_ULPS, eps_of

LEAST_ABSOLUTE = "least absolute deviations optimum"


@dataclass(frozen=True)
class Objective:
    """The function that a solver descends on, and its least value.

    `name`: what `excess` is relative to, a function of slopes (E, p) and intercepts (E,) in the problem's units to
    (E,); None where the optimum is unknown: nothing is judged then, and `note` says why. `optima`: the parameters to
    which there are digits, several where several minimum-norm solutions count, none where the optimum is flat or
    unknown. `best_loss` and `loss_scale`, what an excess is relative to: in the unit of y, squared where the loss is.
    `quadratic`: whether it is a sum of squares, weight decay's among them. `note`: what a person should know of it.
    `is_held_to`: whether a training has converged exactly where its excess is small.
    """

    name: str | None = None
    excess: Callable[[Floats, Floats], Floats] | None = None
    optima: tuple[Parameters, ...] = ()
    best_loss: float = float("nan")
    loss_scale: float = float("nan")
    quadratic: bool = False
    weight_decay: float = 0.0
    note: str = ""
    is_held_to: bool = True

    @property
    def least_squares(self) -> bool:
        """Whether it is the plain sum of squares: what a backward error is of."""
        return self.quadratic and not self.weight_decay


class NotJudgedError(Exception):
    """There is no optimum that is known to judge a training by; the text says why."""


def objective_of(problem: Problem, trained: Trained) -> Objective:
    """What a linear model of a problem is judged by, worked out here. Raises ValueError if the data are not finite."""
    known = reference(problem)
    return chosen(problem, known, trained, solve(problem, known, trained))


def solve(problem: Problem, known: Reference, trained: Trained) -> Reference | LeastAbsolute | None:
    """The exact optimum of what was trained; None where that is the Reference's, `known`, or is not known."""
    if trained.loss == "l1":
        return None if trained.weight_decay else _least_absolute(problem, known)
    if not trained.weight_decay or not trained.known or trained.decoupled:
        return None
    return ridge(problem, known, trained.weight_decay, Scaling.of(problem, trained.scale))


def chosen(problem: Problem, known: Reference, trained: Trained, solved: Reference | LeastAbsolute | None) -> Objective:
    """The objective of a training whose exact optimum has been `solved`."""
    decay = f"weight decay {trained.weight_decay:g}"
    if isinstance(solved, LeastAbsolute):
        return _absolute(problem, solved)
    if solved is not None:
        return _ridge(solved, known, trained)
    if trained.loss == "l1":
        why = f"{LEAST_ABSOLUTE} could not be certified"
        why = f"optimum of l1 loss with {decay} is unknown" if trained.weight_decay else why
        return Objective(note=f"not judged: the {why}")
    if not trained.weight_decay:
        return least_squares(known)
    if not trained.known:
        return Objective(note=f"not judged: how this optimizer applies {decay} is unknown")
    return _boxed(known, trained, Scaling.of(problem, trained.scale))


def least_squares(known: Reference) -> Objective:
    """The sum of squares that a Reference is the least of."""
    other = known.minimum_norm_alternative
    return Objective(
        known.scale_name,
        partial(excess_loss, reference=known),
        (Parameters(known.coef, known.intercept), *([] if other is None else [other])),
        known.mse,
        known.loss_scale,
        quadratic=True,
    )


def _ridge(solved: Reference, known: Reference, trained: Trained) -> Objective:
    parts = trained.batch is not None and trained.batch < known.n
    note = f"that is of all rows: where batches of {trained.batch} end depends on the learning rate" if parts else ""
    return replace(least_squares(solved), weight_decay=trained.weight_decay, note=note)


def _boxed(truth: Reference, trained: Trained, scaling: Scaling) -> Objective:
    """AdamW's: as its eps and steps go to 0, least squares with every |theta_j| at most 1 / lambda.

    At its fixed point lambda theta = -g / (|g| + eps), so that g = 0 where |theta_j| < 1 / lambda. Judged where the
    least-squares solution is inside, in the units trained in. With a constant learning rate it stays some way off
    however long it is trained (an excess of 1e-7 to 1e-6 at lambda = 0.01 and of 1e-6 to 4e-4 at 0.1 after 4000 epochs
    at rates from 0.001 to 0.1 on Auto-MPG and diabetes), so that it is not held to it.
    """
    name, limit = f"AdamW with weight decay {trained.weight_decay:g}", 1 / trained.weight_decay
    slopes = truth.coef * scaling.x_sd / scaling.y_sd
    bias = (truth.intercept + truth.coef @ scaling.x_mean - scaling.y_mean) / scaling.y_sd
    if not truth.full_rank or max(np.abs(slopes).max(initial=0.0), abs(bias)) >= limit:
        return Objective(note=f"not judged: {name} holds all parameters below {limit:g}; its optimum there is unknown")
    away = f"{name} nears the least-squares solution only as its learning rate and eps go to 0"
    return replace(least_squares(truth), note=f"{away}: whether it has converged is not judged", is_held_to=False)


def _least_absolute(problem: Problem, truth: Reference) -> LeastAbsolute | None:
    """The least mean absolute deviation; of dependent columns over as many as the rank of the data, and flat."""
    (X, y), ones = problem.rows("train"), int(problem.intercept)
    columns = list(range(problem.p)) if truth.full_rank else _basis(X, truth.rank - ones, centred=problem.intercept)
    found = least_absolute(X[:, columns], y, intercept=problem.intercept, weights=problem.training_weights)
    if found is None:
        return None
    parameters = np.zeros(truth.columns)
    parameters[[*range(ones), *(ones + column for column in columns)]] = found.parameters
    return replace(found, parameters=parameters, unique=found.unique and truth.full_rank)


def _absolute(problem: Problem, found: LeastAbsolute) -> Objective:
    """The mean absolute deviation."""
    y, ones = problem.rows("train")[1], int(problem.intercept)
    weights = problem.mean_one_weights("train")
    w = np.ones(len(y)) if weights is None else weights
    null = float(np.mean(w * np.abs(y - np.mean(w * y) * ones)))
    noise_free = found.mean <= NOISE_FREE_ULPS * eps_of(y) * float(np.mean(w * np.abs(y)))
    scale = null if noise_free else found.mean
    optimum = Parameters(found.parameters[ones:], float(found.parameters[0]) if ones else 0.0)
    flat = f"the {LEAST_ABSOLUTE} is flat: many coefficients reach it, so that there are no digits"
    return Objective(
        "null model, least absolute deviations" if noise_free else LEAST_ABSOLUTE,
        partial(_absolute_excess, problem, found, scale),
        (optimum,) if found.unique else (),
        found.mean,
        scale,
        note="" if found.unique else flat,
    )


def _basis(X: Floats, rank: int, *, centred: bool) -> list[int]:
    """So many columns of X (n, p) that are independent, by QR with column pivoting on columns of unit length."""
    from scipy.linalg import qr

    table = X - X.mean(axis=0) if centred else X
    lengths = np.linalg.norm(table, axis=0)
    return sorted(map(int, qr(table / np.where(lengths > 0, lengths, 1.0), mode="r", pivoting=True)[1][:rank]))


def _absolute_excess(problem: Problem, found: LeastAbsolute, scale: float, coef: Floats, intercept: Floats) -> Floats:
    """The relative excess of the mean absolute deviation; infinite where parameters are not finite."""
    slopes = np.atleast_2d(coef)
    parameters = np.column_stack([np.atleast_1d(intercept), slopes]) if problem.intercept else slopes
    return relative_excess(found.excess(design_matrix(problem), parameters), scale)
