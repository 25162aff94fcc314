"""A linear fit with its whole inference, or the refusal that a rank-deficient design gets."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from harness.errors import counted
from harness.problems.problem import Problem
from harness.solvers.closed_forms.inference import inference_of
from harness.solvers.fit import Fit, fit_from_design
from harness.solvers.status import Status

if TYPE_CHECKING:
    from harness.solvers.reference_qr import QRSolution
    from harness.solvers.streaming import Answer


def complete_fit(
    problem: Problem, found: "QRSolution | Answer", *, message: str = "", minimum_norm: bool = False
) -> Fit:
    """The Fit of what a solver with its own inference found.

    Where the rank is short of the columns: `rank_deficient` and no coefficients, unless `minimum_norm`
    says that beta is the minimum-norm solution and was asked for.
    """
    n, columns, rank = len(problem.split.train), len(found.beta), found.rank
    if rank < columns and not minimum_norm:
        return _refused(problem, rank, columns)
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
    inference = inference_of(problem, found.beta, errors, df_resid, statistics)
    return replace(fit, message=message, inference=inference, minimum_norm=rank < columns)


def _refused(problem: Problem, rank: int, columns: int) -> Fit:
    n = len(problem.split.train)
    short = f"{counted(n, 'row')} cannot determine {counted(columns, 'coefficient')}"
    why = short if n < columns else f"rank {rank} of {counted(columns, 'column')}"
    return Fit(
        predict=lambda X: np.full(len(X), np.nan),
        status=Status.RANK_DEFICIENT,
        message=f"{why}; --minimum-norm gives the solution of least norm",
        rank=rank,
    )
