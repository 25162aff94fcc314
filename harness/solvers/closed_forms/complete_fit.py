"""A linear fit with its whole inference, or the refusal that a rank-deficient design gets."""

from dataclasses import dataclass, replace

import numpy as np

from harness.problems.problem import Floats, Problem
from harness.solvers.closed_forms.inference import inference_of, terms_of
from harness.solvers.fit import Fit, fit_from_design
from harness.solvers.status import Status

UNCERTAIN = 1 / np.finfo(np.float64).eps
"""A condition number above this: another rounding of the data gives other coefficients altogether."""


@dataclass(frozen=True)
class Found:
    """What a solver with its own inference found: beta (c,) over the design, intercept first, standard_errors (c,).

    rank; residual_sd: standard deviation of the residual; r_squared; condition_number: as the solver estimates it.
    """

    beta: Floats
    standard_errors: Floats
    rank: int
    residual_sd: float
    r_squared: float
    condition_number: float


def complete_fit(problem: Problem, found: Found, *, message: str = "", minimum_norm: bool = False) -> Fit:
    """The Fit of what was found.

    Where the rank is short of the columns: `rank_deficient` and no coefficients, unless `minimum_norm`
    says that beta is the minimum-norm solution and was asked for.
    """
    n, columns, rank = len(problem.split.train), len(found.beta), found.rank
    if rank < columns and not minimum_norm:
        return _refused(problem, rank, columns)
    if rank == columns and found.condition_number > UNCERTAIN:
        uncertain = f"condition number {found.condition_number:.1e}: another last bit of the data, other coefficients"
        message = "; ".join(filter(None, (message, uncertain)))
    df_resid = n - rank
    statistics = {
        "n": float(n),
        "df_resid": float(df_resid),
        "r_squared": found.r_squared,
        "residual_sd": found.residual_sd,
        "cond_scaled": found.condition_number,
    }
    errors = found.standard_errors if rank == columns else np.full(columns, np.nan)
    fit = fit_from_design(found.beta, problem.intercept, rank=rank)
    inference = inference_of(terms_of(problem), found.beta, errors, df_resid, statistics)
    return replace(fit, message=message, inference=inference, minimum_norm=rank < columns)


def _refused(problem: Problem, rank: int, columns: int) -> Fit:
    n = len(problem.split.train)
    why = f"{n} rows cannot determine {columns} coefficients" if n < columns else f"rank {rank} of {columns} columns"
    return Fit(
        predict=lambda X: np.full(len(X), np.nan),
        status=Status.RANK_DEFICIENT,
        message=f"{why}; --minimum-norm gives the solution of least norm",
        rank=rank,
    )
