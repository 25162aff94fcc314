"""The inference that follows from coefficients and standard errors, and the fit of a solver that has its own."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from harness.errors import counted
from harness.problems.problem import Floats, Problem
from harness.solvers.fit import Fit, Inference, fit_from_design
from harness.solvers.status import Status

if TYPE_CHECKING:
    from harness.solvers.reference_qr import QRSolution
    from harness.solvers.streaming import Answer

COVERAGE = 0.95


def reported(
    problem: Problem,
    standard_errors: Iterable[float],
    t: Iterable[float],
    p_values: Iterable[float],
    intervals_95: Iterable[Iterable[float]] = (),
    *,
    statistics: Mapping[str, float] = MappingProxyType({}),
    summary: str = "",
) -> Inference:
    """What a library reports by term, intercept first; an interval is a pair (low, high), of all terms or of none."""
    pairs = [tuple(map(float, pair)) for pair in intervals_95]
    return Inference(
        terms=terms_of(problem),
        standard_errors=tuple(map(float, standard_errors)),
        t=tuple(map(float, t)),
        p_values=tuple(map(float, p_values)),
        intervals_95=tuple((low, high) for low, high in pairs),
        statistics=MappingProxyType(dict(statistics)),
        summary=summary,
    )


def inference_of(
    problem: Problem, beta: Floats, standard_errors: Floats, df_resid: float, statistics: Mapping[str, float]
) -> Inference:
    """The Inference of `beta` (k,) with `standard_errors` (k,) and `df_resid` degrees of freedom, by Student's t.

    Greene 2018, Econometric Analysis, sec. 4.7: t = b / se, two-sided p-values, b +- t(0.975) se. Without a
    degree of freedom all of it is NaN.
    """
    from scipy.stats import t as student

    with np.errstate(all="ignore"):
        t_values = beta / standard_errors
        p_values = 2 * student.sf(np.abs(t_values), df_resid) if df_resid > 0 else np.full(len(beta), np.nan)
        reach = student.ppf((1 + COVERAGE) / 2, df_resid) if df_resid > 0 else np.nan
        intervals = np.column_stack([beta - reach * standard_errors, beta + reach * standard_errors])
    return reported(problem, standard_errors, t_values, p_values, intervals, statistics=statistics)


def terms_of(problem: Problem) -> tuple[str, ...]:
    """The design's columns by name, as statsmodels calls the intercept's."""
    return (("const",) if problem.intercept else ()) + tuple(problem.features)


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
