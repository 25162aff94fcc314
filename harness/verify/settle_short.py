"""The status of a closed form where the rank of the data is short of the columns.

The coefficients are then not determined, but the fitted values are. Nobody is held to a direction that is only
rounding: a fit of the rank that the data and the arithmetic resolve, with its loss, is what anybody wants.
tests/test_settle_short.py has the boundary: with noise in the dependent column from 1e-20 to 1e-6 no verdict
contradicts its neighbours'.
"""

from math import sqrt

import numpy as np

from harness.errors import counted
from harness.problems.problem import Floats
from harness.solvers.fit import Fit
from harness.solvers.status import Status
from harness.verify.accuracy import Accuracy
from harness.verify.reference import Reference

STABLE_FACTOR = 100.0
"""Room for the modest constants in backward-error bounds (Higham 2002, thm 20.3: gamma_cmn)."""


def settle_short(
    fit: Fit, accuracy: Accuracy, reference: Reference, dtype: str, *, minimum_norm: bool
) -> tuple[Status, str]:
    """Status and message of a closed form that was not asked for the minimum-norm solution.

    `wrong`: it dropped a direction that the data determine and lost loss; its excess loss is above what a stable solver
    may leave at the rank that is resolved, the rounding of its own predictions counted in; or its coefficients cancel
    so far that half of the digits of every prediction are gone. Else `rank_deficient`, which is the data's property and
    no failure. `minimum_norm` says whether the coefficients are the shortest.
    """
    assert fit.coef is not None and fit.intercept is not None and reference.resolved is not None  # noqa: S101, PT018  # the caller's cases
    excess, low, columns = accuracy.excess_loss or 0.0, reference.resolved.rank, reference.columns
    why = _why(reference)
    eps = float(np.finfo(dtype).eps)
    if fit.rank is not None and fit.rank < low and excess > sqrt(eps):
        dropped = f"fitted {fit.rank} of the {low} directions that the data determine"
        return Status.WRONG, f"{dropped}; the excess loss is {excess:.1e} of the {reference.scale_name}'s"
    parameters = reference.vector(fit.coef, fit.intercept)
    limit, rounding = _limit(reference, eps), _prediction_rounding(parameters, reference, eps)
    if excess > limit:
        return Status.WRONG, f"the excess loss is {excess:.1e} of the {reference.scale_name}'s, and {why}"
    if excess + rounding > limit:
        lost = f"rounding in its predictions adds {rounding:.1e} of the {reference.scale_name}'s loss"
        return Status.WRONG, f"coefficients up to {float(np.abs(fit.coef).max()):.0e}, {lost}: {why}"
    if _cancellation(parameters, reference) > 1 / sqrt(eps):
        largest = float(np.abs(fit.coef).max())
        return Status.WRONG, f"coefficients up to {largest:.0e} cancel half of the digits of a prediction: {why}"
    fitted = f"fitted {fit.rank} of {columns} directions" if fit.rank is not None else "the solver reports no rank"
    if fit.rank not in (None, reference.rank):
        fitted += f" where the data determine {reference.rank}"
    answer = "the minimum-norm solution" if minimum_norm else "one solution of many, not the minimum-norm one"
    digits = "" if accuracy.digits is None else f" ({accuracy.digits:.1f} digits of that)"
    return Status.RANK_DEFICIENT, f"{fitted}: {why}; it returned {answer}{digits}"


def _why(reference: Reference) -> str:
    """The dependences in words, or the ranks where none is known."""
    if reference.dependences:
        return "; ".join(one.text for one in reference.dependences)
    if reference.n < reference.columns:
        return f"{counted(reference.n, 'row')} cannot determine {counted(reference.columns, 'coefficient')}"
    return f"the data have rank {reference.rank} of {counted(reference.columns, 'column')}"


def stable_limit(reference: Reference, eps: float, size: float, condition: float) -> float:
    """The relative excess loss above which a closed form is wrong: a backward-stable solver may leave it, or sqrt(eps).

    A perturbation of relative size eps, the unit roundoff, moves the fitted values by at most about
    eps (|A| |x| + cond(A) |r|) (Wedin 1973; Higham 2002, thm 20.1), and the excess is that squared over the residual's
    square. `size` is |A| |x|. The square root of eps is half of the digits.
    """
    residual = sqrt(reference.n * reference.loss_scale)
    if residual == 0:
        return sqrt(eps)
    with np.errstate(over="ignore"):  # data at 1e200: then no excess is too large
        return max(sqrt(eps), float(np.square(STABLE_FACTOR * eps * (size / residual + condition))))


def _limit(reference: Reference, eps: float) -> float:
    """Of a fit of the resolved rank: with unit columns and the condition number over that rank."""
    assert reference.resolved is not None  # noqa: S101  # the caller's case
    values = reference.scaled_singular[1]
    condition = float(values[0] / values[max(reference.resolved.rank, 1) - 1])
    return stable_limit(reference, eps, reference.resolved.size, condition)


def _prediction_rounding(parameters: Floats, reference: Reference, eps: float) -> float:
    """What rounding adds to the loss when the predictions are computed, relatively: k (eps / 2)² / 3 sum (a_ij x_j)².

    Of each product a random error of at most eps / 2, uniform in sign and size (Higham and Mary 2019).
    """
    with np.errstate(all="ignore"):
        products = float(np.square(reference.scaled_singular[0] * parameters).sum())
    added = reference.columns * (eps / 2) ** 2 / 3 * products
    return added / (reference.n * reference.loss_scale) if added else 0.0


def _cancellation(parameters: Floats, reference: Reference) -> float:
    """How much larger the columns' shares in the fitted values are than what the target varies, about the means."""
    centred = int(reference.factor.shape[1] > len(reference.coef))
    with np.errstate(all="ignore"):
        lengths = np.linalg.norm(reference.factor[centred:, centred:], axis=0)
        share = float(np.linalg.norm(lengths * parameters[centred:]))
    spread = sqrt(reference.n * reference.null_mse)
    return share / spread if spread else float("inf") if share else 0.0
