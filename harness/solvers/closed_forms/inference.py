"""The inference that follows from coefficients and standard errors: t values, p-values, intervals."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

import numpy as np

from harness.problems.problem import Floats, Problem
from harness.solvers.fit import Inference

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
