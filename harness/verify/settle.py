"""The status of a fit once its accuracy is known."""

import numpy as np

from harness.problems.problem import Floats
from harness.solvers.fit import Fit
from harness.solvers.solver import Kind
from harness.solvers.status import Status
from harness.verify.accuracy import Accuracy, tolerance_name
from harness.verify.digits import MAX_DIGITS
from harness.verify.excess_loss import TOLERANCES, relative_to
from harness.verify.objective import Objective, least_squares
from harness.verify.reference import Reference
from harness.verify.settle_short import STABLE_FACTOR, settle_short, stable_limit


def excess_limit(reference: Reference, dtype: str) -> float:
    """The `stable_limit` of a closed form; of a rank-deficient design cond(A) is over the exact rank."""
    size = reference.design_norm * float(np.linalg.norm(reference.solution))
    return stable_limit(reference, float(np.finfo(dtype).eps), size, reference.effective_condition_number)


def settle(
    fit: Fit, accuracy: Accuracy, reference: Reference, kind: Kind, dtype: str, objective: Objective | None = None
) -> tuple[Status, str]:
    """Status and message of a fit: the solver's own word if it is a failure, else what the numbers say.

    A closed form is `wrong` if it found another rank than the exact one and has lost more than half of
    the digits (statsmodels' QR has 8 of them on Filip and reports a rank of its own), if its relative excess
    loss is above `excess_limit`, or if it was not backward stable and a coefficient has no right digit at all;
    finer losses are the gate's. Where the rank of the data is short, harness.verify.settle_short decides, unless the
    minimum-norm solution was asked for: then it is `ok` if that is what it found. An iterative solver
    has converged if it reached the tightest tolerance of the `objective` that it descends on, the sum of squares unless
    another is given, whatever the rank: the loss has one least value. Where that is not known, nothing is judged.
    """
    if fit.status.failed:
        return fit.status, fit.message
    if fit.status is Status.RANK_DEFICIENT:
        return _settle_refusal(fit, reference)
    if not all(np.isfinite(value) for value in (*accuracy.r2.values(), *accuracy.mse.values())):
        return (Status.DIVERGED if fit.trace else Status.WRONG), "the predictions are not finite"
    if kind in (Kind.BASELINE, Kind.CURVE):
        return fit.status, fit.message
    aim = objective or least_squares(reference)
    if (kind is Kind.ITERATIVE or not aim.least_squares) and fit.coef is not None and fit.intercept is not None:
        return _settle_training(fit, accuracy, aim)
    return _settle_linear(fit, accuracy, reference, dtype)


def _settle_training(fit: Fit, accuracy: Accuracy, objective: Objective) -> tuple[Status, str]:
    """Of a training: whether it came as near to the objective's least value as the tightest tolerance."""
    excess = accuracy.excess_loss
    near = accuracy.epochs_to.get(tolerance_name(TOLERANCES[-1])) is not None
    if excess is not None and objective.is_held_to and not near and not excess <= TOLERANCES[-1]:
        still = f"the excess loss is still {excess:.1e}{relative_to(objective.name)}"
        return Status.NOT_CONVERGED, "; ".join(filter(None, (still, fit.message, objective.note)))
    named = f"relative to: {objective.name}" if objective.name and not objective.least_squares else ""
    return fit.status, "; ".join(filter(None, (fit.message, named, objective.note)))


def _settle_refusal(fit: Fit, reference: Reference) -> tuple[Status, str]:
    """Of a solver that hands out no coefficients because it takes the rank for short: right only where it is."""
    if reference.full_rank:
        return Status.WRONG, f"refused for a short rank, but the data determine all {reference.columns} coefficients"
    return fit.status, "; ".join((fit.message, *(one.text for one in reference.dependences)))


def _settle_predictions(fit: Fit, excess: float, reference: Reference, dtype: str) -> tuple[Status, str]:
    """Of a linear model without coefficients: its predictions lose no more than a stable solver's."""
    if excess < 0:
        return Status.WRONG, "its predictions are no linear function of the columns: they are nearer than any can be"
    if excess > excess_limit(reference, dtype):
        return Status.WRONG, f"the excess loss of its predictions is {excess:.1e}{relative_to(reference.scale_name)}"
    return fit.status, fit.message or "judged by its predictions: it hands out no coefficients"


def _settle_linear(fit: Fit, accuracy: Accuracy, reference: Reference, dtype: str) -> tuple[Status, str]:
    if fit.by_predictions and accuracy.excess_loss is not None:
        return _settle_predictions(fit, accuracy.excess_loss, reference, dtype)
    if fit.coef is None or fit.intercept is None or accuracy.excess_loss is None or accuracy.digits is None:
        return Status.WRONG, "a linear solver handed out no coefficients"
    shortest = is_minimum_norm(fit.coef, fit.intercept, reference, dtype)
    if reference.resolved is None or fit.minimum_norm:
        return _settle_unique(fit, accuracy, reference, dtype, minimum_norm=shortest)
    return settle_short(fit, accuracy, reference, dtype, minimum_norm=shortest)


def _settle_unique(
    fit: Fit, accuracy: Accuracy, reference: Reference, dtype: str, *, minimum_norm: bool
) -> tuple[Status, str]:
    """Of a closed form that was asked for one solution: the only one, or the one of minimum norm."""
    digits, excess = accuracy.digits or 0.0, accuracy.excess_loss or 0.0
    if fit.rank is not None and fit.rank != reference.rank:
        whose = "exact rank" if reference.rank == reference.exact_rank else "data's rank"
        message = f"the solver found rank {fit.rank}; the {whose} is {reference.rank}"
        return (Status.WRONG if digits < MAX_DIGITS / 2 else fit.status), message
    if excess > excess_limit(reference, dtype):
        return Status.WRONG, f"the excess loss is {excess:.1e}{relative_to(reference.scale_name)}"
    if accuracy.stable is False and digits < 1 and reference.full_rank:
        message = "a coefficient has no right digit, and the backward error says that it is the solver's doing"
        return Status.WRONG, message
    if not reference.full_rank and not minimum_norm:
        return Status.WRONG, f"this is not the minimum-norm solution: it has {digits:.1f} digits of it"
    return fit.status, fit.message


def is_minimum_norm(coef: Floats, intercept: float, reference: Reference, dtype: str) -> bool:
    """Whether a solution of a rank-deficient problem is one of the two minimum-norm ones, but for rounding.

    The relative distance |x - x*| / |x*| may be what a perturbation of the design by eps explains,
    eps (cond(A) + cond(A)² |r| / (|A| |x*|)) with cond(A) over the exact rank (Wedin 1973, thm 5.1),
    or sqrt(eps), half of the digits.
    """
    eps = float(np.finfo(dtype).eps)
    truths = [reference.solution]
    if reference.minimum_norm_alternative is not None:
        truths.append(reference.vector(*reference.minimum_norm_alternative))
    return any(_near(reference.vector(coef, intercept), truth, reference, eps) for truth in truths)


def _near(computed: Floats, truth: Floats, reference: Reference, eps: float) -> bool:
    size = float(np.linalg.norm(truth))
    distance = float(np.linalg.norm(computed - truth))
    if size == 0:
        return distance <= float(np.sqrt(eps))
    condition = reference.effective_condition_number
    residual = float(np.sqrt(reference.n * reference.mse)) / (reference.design_norm * size)
    allowed = max(float(np.sqrt(eps)), STABLE_FACTOR * eps * condition * (1 + condition * residual))
    return distance <= size * allowed
