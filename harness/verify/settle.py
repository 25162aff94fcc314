"""The status of a fit once its accuracy is known."""

import numpy as np

from harness.solvers.fit import Fit
from harness.solvers.solver import Kind
from harness.solvers.status import Status
from harness.verify.accuracy import Accuracy
from harness.verify.digits import MAX_DIGITS
from harness.verify.excess_loss import TOLERANCES
from harness.verify.reference import Reference

STABLE_FACTOR = 100.0
"""Room for the modest constants in backward-error bounds (Higham 2002, thm 20.3: gamma_cmn)."""


def stable_excess(reference: Reference, eps: float) -> float:
    """The relative excess loss that a backward-stable solver may leave at unit roundoff `eps`.

    A perturbation of relative size eps moves the fitted values by at most about
    eps (|A| |x| + cond(A) |r|) (Wedin 1973; Higham 2002, thm 20.1), and the excess is that squared
    over the residual's square.
    """
    assert reference.coef is not None  # noqa: S101  # the caller has a unique solution
    solution = float(np.linalg.norm([*reference.coef, reference.intercept or 0.0]))
    residual = float(np.sqrt(reference.n * reference.loss_scale))
    if residual == 0:
        return 0.0
    moved = reference.design_norm * solution / residual + reference.condition_number
    return (STABLE_FACTOR * eps * moved) ** 2


def settle(fit: Fit, accuracy: Accuracy, reference: Reference, kind: Kind, dtype: str) -> tuple[Status, str]:
    """Status and message of a fit: the solver's own word if it is a failure, else what the numbers say.

    A closed form is `wrong` if it found another rank than the exact one and has lost more than half of
    the digits (statsmodels' QR has 8 of them on Filip and reports a rank of its own), or if its relative excess
    loss is above both what a backward-stable solver may leave (`stable_excess`) and the square root of
    the arithmetic's eps, half of its digits; finer losses are the gate's. An iterative solver on
    squared loss has converged if it reached the tightest tolerance.
    """
    if fit.status.failed:
        return fit.status, fit.message
    if not all(np.isfinite(value) for value in (*accuracy.r2.values(), *accuracy.mse.values())):
        return (Status.DIVERGED if fit.trace else Status.WRONG), "the predictions are not finite"
    if kind in (Kind.BASELINE, Kind.CURVE):
        return fit.status, fit.message
    if not reference.full_rank:
        return Status.RANK_DEFICIENT, f"the design has rank {reference.rank} of {reference.columns} columns"
    if accuracy.excess_loss is None:
        return Status.WRONG, "a linear solver handed out no coefficients"
    return _settle_linear(fit, accuracy, reference, kind, dtype)


def _settle_linear(fit: Fit, accuracy: Accuracy, reference: Reference, kind: Kind, dtype: str) -> tuple[Status, str]:
    excess = accuracy.excess_loss
    assert excess is not None  # noqa: S101  # settle() has looked
    relative_to = f"{excess:.1e} of the {reference.scale_name}'s"
    if kind is Kind.ITERATIVE:
        if accuracy.epochs_to.get("1e-6") is not None or excess <= TOLERANCES[-1]:
            return Status.OK, fit.message
        return Status.NOT_CONVERGED, f"the excess loss is still {relative_to}"
    if fit.rank is not None and fit.rank != reference.rank:
        lost = accuracy.digits is None or accuracy.digits < MAX_DIGITS / 2
        message = f"the solver found rank {fit.rank}; the exact rank is {reference.rank}"
        return (Status.WRONG if lost else fit.status), message
    eps = float(np.finfo(dtype).eps)
    if excess > max(float(np.sqrt(eps)), stable_excess(reference, eps)):
        return Status.WRONG, f"the excess loss is {relative_to}"
    return fit.status, fit.message
