"""Every number that says how right a fit is."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from harness.problems.problem import SPLITS, Floats, Problem
from harness.solvers.fit import Fit
from harness.verify.digits import digits
from harness.verify.excess_loss import TOLERANCES, epochs_to, excess_loss
from harness.verify.reference import Reference


@dataclass(frozen=True)
class Accuracy:
    """How right a fit is. None: does not apply (a curve has no digits, a closed form no epochs).

    digits: the least over the coefficients and the intercept; `digits_by_term` intercept first.
    excess_loss: relative, of the training loss in squared error. epochs_to: steps to each tolerance,
    None where it was not reached. r2, mse: by split, in the problem's units, for the splits there are.
    rank: as the solver found it; exact_rank: as it is.
    """

    digits: float | None = None
    digits_by_term: tuple[float, ...] = ()
    excess_loss: float | None = None
    excess_relative_to: str | None = None
    epochs_to: Mapping[str, int | None] = field(default_factory=dict)
    r2: Mapping[str, float] = field(default_factory=dict)
    mse: Mapping[str, float] = field(default_factory=dict)
    rank: int | None = None
    exact_rank: int | None = None
    condition_number: float | None = None


def tolerance_name(tolerance: float) -> str:
    """1e-02 -> '1e-2'."""
    return f"1e{round(np.log10(tolerance))}"


def r2_and_mse(y: Floats, predicted: Floats, *, centred: bool = True) -> tuple[float, float]:
    """Coefficient of determination and mean squared error of (m,) against (m,).

    About the mean of y; about 0 (`centred` False) for a model without intercept, as NIST and
    statsmodels have it.
    """
    with np.errstate(all="ignore"):
        mse = float(np.mean((y - predicted) ** 2))
        spread = float(np.mean((y - y.mean()) ** 2 if centred else y**2))
        r2 = 1.0 - mse / spread if spread > 0 else float("nan")
    return r2, mse


def assess(problem: Problem, fit: Fit, reference: Reference) -> Accuracy:
    """Judge a fit's numbers on every split, and against the exact solution where it is linear."""
    splits = {part: problem.rows(part) for part in SPLITS if len(getattr(problem.split, part))}
    with np.errstate(all="ignore"):
        scores = {part: r2_and_mse(y, fit.predict(X), centred=problem.intercept) for part, (X, y) in splits.items()}
    r2 = {part: score[0] for part, score in scores.items()}
    mse = {part: score[1] for part, score in scores.items()}
    if fit.coef is None or fit.intercept is None or reference.coef is None or reference.intercept is None:
        return Accuracy(
            r2=r2,
            mse=mse,
            rank=fit.rank,
            exact_rank=reference.rank,
            condition_number=reference.condition_number,
        )
    intercept = ([fit.intercept], [reference.intercept]) if problem.intercept else ([], [])
    by_term = digits(np.array([*intercept[0], *fit.coef]), np.array([*intercept[1], *reference.coef]))
    excess = float(excess_loss(fit.coef, np.array([fit.intercept]), reference)[0])
    return Accuracy(
        digits=float(by_term.min()),
        digits_by_term=tuple(map(float, by_term)),
        excess_loss=excess,
        excess_relative_to=reference.scale_name,
        epochs_to=_epochs_to(fit, reference),
        r2=r2,
        mse=mse,
        rank=fit.rank,
        exact_rank=reference.rank,
        condition_number=reference.condition_number,
    )


def _epochs_to(fit: Fit, reference: Reference) -> dict[str, int | None]:
    """Steps to each tolerance, from the trace's parameters; nothing without a linear trace."""
    if fit.trace is None or fit.trace.coef is None or fit.trace.intercept is None:
        return {}
    excess = excess_loss(fit.trace.coef, fit.trace.intercept, reference)
    return {tolerance_name(t): epochs_to(excess, t) for t in TOLERANCES}
