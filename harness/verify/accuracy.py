"""Every number that says how right a fit is."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike

from harness.problems.problem import SPLITS, Floats, Problem
from harness.solvers.fit import Fit, Trace
from harness.verify.backward_error import backward_error, is_stable
from harness.verify.digits import digits
from harness.verify.excess_loss import TOLERANCES, epochs_to, excess_of_predictions, relative_to
from harness.verify.objective import Objective, least_squares
from harness.verify.reference import Reference

ENOUGH_DIGITS = 0.8
"""Of the digits that the arithmetic carries (15 in float64, 6 in float32; IEEE 754): with 12 of 15, what is
lost is what a condition number of 1e3 costs, and nobody needs to ask why."""


@dataclass(frozen=True)
class Accuracy:
    """How right a fit is. None: does not apply (a curve has no digits, a closed form no epochs).

    digits: the least over the coefficients and the intercept; `digits_by_term` intercept first. Of a
    rank-deficient problem: against the nearer of the two minimum-norm solutions (see Reference).
    excess_loss: relative, of the objective that was trained, to what `excess_relative_to` names; None where its
    optimum is not known. epochs_to: steps to each tolerance, None where it was not
    reached. r2, mse: by split, in the problem's units, for the splits there are.
    rank: as the solver found it; exact_rank: of the float64 numbers as they are; data_rank: what remains of it when
    they may move within their rounding, and rank_margin how clearly (harness.verify.data_rank).

    standard_error_digits: the least over the terms; residual_sd_digits, r_squared_digits: of the
    training rows; None where the solver gives none, or the exact ones do not exist. Where the data are
    noise-free the errors of the first two are absolute: all that is left is the rounding of y.
    backward_error: relative (harness.verify.backward_error). stable: whether rounding in `dtype`, the
    solver's arithmetic, explains it; None for a training, which ends where it is told to.
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
    standard_error_digits: float | None = None
    residual_sd_digits: float | None = None
    r_squared_digits: float | None = None
    backward_error: float | None = None
    stable: bool | None = None
    dtype: str = "float64"
    data_rank: int | None = None
    rank_margin: float | None = None

    @property
    def rank_of_data(self) -> int | None:
        """The rank that a solver is held to; of a record from before the data's rank was known, the exact one."""
        return self.exact_rank if self.data_rank is None else self.data_rank

    @property
    def relative_to(self) -> str:
        """What the excess loss is relative to, after its number."""
        return relative_to(self.excess_relative_to)

    @property
    def diagnosis(self) -> str:
        """Why there are few digits: "ill-conditioned problem" or "unstable"; empty where there are enough.

        Also empty where the coefficients are not unique: a stable solver may have none of the digits.
        """
        if self.digits is None or self.stable is None or self.rank_of_data != len(self.digits_by_term):
            return ""
        if self.digits >= ENOUGH_DIGITS * np.finfo(self.dtype).precision:
            return ""
        return "ill-conditioned problem" if self.stable else "unstable"


def tolerance_name(tolerance: float) -> str:
    """1e-02 -> '1e-2'."""
    return f"1e{round(np.log10(tolerance))}"


def r2_and_mse(
    y: Floats, predicted: Floats, *, centred: bool = True, weights: Floats | None = None
) -> tuple[float, float]:
    """Coefficient of determination and mean squared error of (m,) against (m,).

    About the mean of y; about 0 (`centred` False) for a model without intercept, as NIST and statsmodels have it.
    With `weights` (m,) of mean 1 all means are weighted: 1 - sum w r² / sum w (y - mean)², as statsmodels' WLS has it.
    """
    w = np.ones(len(y)) if weights is None else weights
    with np.errstate(all="ignore"):
        mse = float(np.mean(w * (y - predicted) ** 2))
        spread = float(np.mean(w * (y - np.mean(w * y)) ** 2 if centred else w * y**2))
        r2 = 1.0 - mse / spread if spread > 0 else float("nan")
    return r2, mse


def assess(
    problem: Problem, fit: Fit, reference: Reference, dtype: str = "float64", objective: Objective | None = None
) -> Accuracy:
    """Judge a fit's numbers on every split, and against the objective's optimum where it is linear.

    `dtype` is the arithmetic that the solver worked in, float32 or float64; `objective` is what it was to minimise:
    the sum of squares, unless another one is given.
    """
    judged_by, scored = objective or least_squares(reference), _scored(problem, fit, reference, dtype)
    if fit.by_predictions:
        excess = excess_of_predictions(problem, fit.predict(problem.rows("train")[0]), reference)
        return replace(scored, excess_loss=excess, excess_relative_to=reference.scale_name)
    if fit.coef is None or fit.intercept is None:
        return scored
    by_term = _digits_by_term(reference.vector(fit.coef, fit.intercept), reference, judged_by)
    scored = replace(
        scored,
        digits=float(by_term.min()) if len(by_term) else None,
        digits_by_term=tuple(map(float, by_term)),
        excess_loss=_excess_loss(fit.coef, fit.intercept, fit.trace, reference, judged_by),
        excess_relative_to=judged_by.name,
        epochs_to=_epochs_to(fit, judged_by),
    )
    if not judged_by.least_squares:
        return scored
    moved = backward_error(reference.vector(fit.coef, fit.intercept), reference)
    errors, residual_sd, r_squared = _inference_digits(fit, reference)
    return replace(
        scored,
        backward_error=moved,
        stable=is_stable(moved, reference, dtype) if fit.trace is None else None,
        standard_error_digits=errors,
        residual_sd_digits=residual_sd,
        r_squared_digits=r_squared,
    )


def _scored(problem: Problem, fit: Fit, reference: Reference, dtype: str) -> Accuracy:
    """What there is to say of any fit: its predictions of every split that there is, and the ranks."""
    scores = {}
    with np.errstate(all="ignore"):
        for part in SPLITS:
            if len(getattr(problem.split, part)):
                (X, y), weights = problem.rows(part), problem.mean_one_weights(part)
                scores[part] = r2_and_mse(y, fit.predict(X), centred=problem.intercept, weights=weights)
    return Accuracy(
        r2={part: score[0] for part, score in scores.items()},
        mse={part: score[1] for part, score in scores.items()},
        rank=fit.rank,
        exact_rank=reference.exact_rank,
        data_rank=reference.rank,
        rank_margin=reference.rank_margin,
        condition_number=reference.condition_number,
        dtype=dtype,
    )


def _excess_loss(
    coef: Floats, intercept: float, trace: Trace | None, reference: Reference, objective: Objective
) -> float | None:
    """The excess of a training, or of a closed form on data of full rank; else from the closed form's exact loss.

    Where the rank is short the reference is one solution of many, and a coefficient of 1e15 in a direction that does
    not count may gain loss by fitting the rounding of the data: such a gain is none.
    """
    if objective.excess is None:
        return None
    if reference.resolved is None or trace is not None or not objective.least_squares:
        return float(objective.excess(coef, np.array([intercept]))[0])
    if not (np.isfinite(coef).all() and np.isfinite(intercept)):
        return float("inf")
    above = reference.exact_mse(reference.vector(coef, intercept)) - reference.resolved.mse
    return above / reference.loss_scale if above > 0 else 0.0


def _digits_by_term(computed: Floats, reference: Reference, objective: Objective) -> Floats:
    """Digits (k,) against the optimum that has more of them in its worst term; empty where there is none."""
    found = [digits(computed, reference.vector(*optimum)) for optimum in objective.optima]
    return max(found, key=lambda by_term: float(by_term.min())) if found else np.empty(0)


def _inference_digits(fit: Fit, reference: Reference) -> tuple[float | None, float | None, float | None]:
    """Digits of what a solver says beyond the coefficients: standard errors, residual SD, R²."""
    if fit.inference is None:
        return None, None, None
    printed, absolute = fit.inference.statistics, reference.noise_free
    return (
        _least(fit.inference.standard_errors, reference.standard_errors, absolute),
        _least(printed.get("residual_sd"), reference.residual_sd, absolute),
        _least(printed.get("r_squared"), reference.r_squared, absolute=False),
    )


def _least(computed: ArrayLike | None, exact: ArrayLike | None, absolute: bool) -> float | None:
    """The least digits of some numbers; None where either side has none, or another number of them."""
    if computed is None or exact is None:
        return None
    printed, true = np.atleast_1d(np.asarray(computed, dtype=np.float64)), np.atleast_1d(np.asarray(exact))
    if printed.shape != true.shape:
        return None
    return float((digits(printed - true, np.zeros(len(true))) if absolute else digits(printed, true)).min())


def _epochs_to(fit: Fit, objective: Objective) -> dict[str, int | None]:
    """Steps to each tolerance, from the trace's parameters; nothing without a linear trace or a known optimum."""
    if objective.excess is None or fit.trace is None or fit.trace.coef is None or fit.trace.intercept is None:
        return {}
    excess = objective.excess(fit.trace.coef, fit.trace.intercept)
    return {tolerance_name(t): epochs_to(excess, t) for t in TOLERANCES}
