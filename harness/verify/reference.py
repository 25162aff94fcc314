"""The exact answer to a problem's training rows, and what is needed to judge a fit by it."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from harness.problems.problem import Floats, Problem
from harness.verify.data_rank import data_rank
from harness.verify.dependences import Dependence, dependences
from harness.verify.factor import singular, triangular_factor, unit_columns
from harness.verify.gram import IntegerGram, exact_gram
from harness.verify.least_squares import least_squares
from harness.verify.rounding import is_noise_free, nearest
from harness.verify.truncated import Resolved, resolved_fit, truncated
from harness.verify.weighted_gram import weighted_gram


class Parameters(NamedTuple):
    """Slopes (p,) and intercept (0 where the problem has none)."""

    coef: Floats
    intercept: float


@dataclass(frozen=True)
class Reference:
    """The least-squares solution of the float64 training rows, exact and then rounded once.

    `rank` is the data's and `rank_margin` says how clearly (harness.verify.data_rank); `exact_rank` is that of the
    float64 numbers as they are; all ranks and `columns` count the intercept; `n` counts training rows. `dependences`
    are those of the columns, named. `coef` (p,) and `intercept` are
    the solution; where the rank is short they are the one of least norm over all of them, intercept
    included (the Moore-Penrose A+ y: numpy's, scipy's and torch's on [1, X]), and
    `minimum_norm_alternative` is the one whose slopes alone have least norm, the intercept being free
    (scikit-learn's, which centres first). `mse` is the optimal loss L*, `null_mse` that of the mean of y,
    or of 0 without intercept. `loss_scale` is what excess loss is relative to: L*, or, where the data
    are noise-free and L* is only the rounding of y, the null model's loss (`scale_name` says which).

    `standard_errors` (k,), intercept first: sqrt(rss / (n - k) diag((A'A)^-1)); `residual_sd`:
    sqrt(rss / (n - k)); `r_squared`: 1 - rss / tss about the mean, or about 0 without intercept (NIST
    and statsmodels). They are None where n <= k or the rank is short, R² also where y is constant.

    `factor` (m, k) is triangular with R'R = A'A, in float64.

    Where the rows have weights, w / mean(w) stands before each square: `mse`, `null_mse`, R² and `factor` are those of
    rows scaled by its root; standard errors and `residual_sd` are with the weights as they are (statsmodels' WLS).
    `gram`: the exact Gram matrix, where a loss is told from it (`exact_mse`): where `resolved` is known.
    """

    rank: int
    exact_rank: int
    columns: int
    n: int
    coef: Floats
    intercept: float
    mse: float
    null_mse: float
    loss_scale: float
    scale_name: str
    factor: Floats
    standard_errors: Floats | None = None
    residual_sd: float | None = None
    r_squared: float | None = None
    minimum_norm_alternative: Parameters | None = None
    rank_margin: float | None = None
    dependences: tuple[Dependence, ...] = ()
    resolved: Resolved | None = None
    gram: IntegerGram | None = None

    @property
    def full_rank(self) -> bool:
        """Whether the coefficients are unique."""
        return self.rank == self.columns

    @property
    def noise_free(self) -> bool:
        """Whether what the best fit leaves is only the rounding of y."""
        return self.scale_name == "null model"

    @property
    def solution(self) -> Floats:
        """Intercept, where the problem has one, and slopes: (k,)."""
        return self.vector(self.coef, self.intercept)

    def vector(self, coef: Floats, intercept: float) -> Floats:
        """Parameters as the design orders them: (k,), intercept first where the problem has one."""
        return np.asarray(coef) if len(coef) == self.columns else np.append(intercept, coef)

    def exact_mse(self, parameters: Floats) -> float:
        """The mean squared residual of finite parameters (k,), intercept first, correctly rounded; `gram` is known."""
        assert self.gram is not None  # noqa: S101  # the caller's case
        return nearest(self.gram.square_of(parameters.tolist()) / self.gram.total)

    @cached_property
    def singular(self) -> tuple[Floats, Floats]:
        """Singular values of the design in float64 (k,), 0 beyond its rows, and right singular vectors (k, k) by row.

        Infinite where the design overflows.
        """
        return singular(self.factor)

    @cached_property
    def scaled_singular(self) -> tuple[Floats, Floats, Floats]:
        """The lengths of the design's columns (k,), and `singular` of the design with unit columns."""
        lengths, unit = unit_columns(self.factor)
        return lengths, *singular(unit)

    @property
    def design_norm(self) -> float:
        """The 2-norm of the design."""
        return float(self.singular[0][0])

    @property
    def condition_number(self) -> float:
        """2-norm condition number of the design with its column of ones, in float64."""
        return self._condition(self.columns)

    @property
    def effective_condition_number(self) -> float:
        """Largest singular value over the last one that the rank leaves."""
        return self._condition(max(self.rank, 1))

    def _condition(self, rank: int) -> float:
        values = self.singular[0]
        return float(values[0] / values[rank - 1]) if 0 < values[rank - 1] < np.inf else float("inf")


_computed: dict[str, Reference] = {}


def reference(problem: Problem) -> Reference:
    """The Reference of a problem, computed here, once for the same numbers; the one on disk if it is proved.

    Raises ValueError if the data are not finite.
    """
    from harness.verify import reference_cache

    key = problem.sha256
    if key not in _computed:
        _computed[key] = reference_cache.read(problem)[0] or compute(problem)
    return _computed[key]


def compute(problem: Problem) -> Reference:
    """The Reference, from the data."""
    X, y = problem.rows("train")
    plain = gram = exact_gram(X, y, intercept=problem.intercept)
    plain_factor = factor = triangular_factor(X, intercept=problem.intercept)
    if problem.weights is not None:
        gram = problem_gram(problem)
        factor = triangular_factor(X, intercept=problem.intercept, weights=problem.mean_one_weights("train"))
    found = least_squares(gram)
    # Weights above 0 change no dependence, nor how far entries are known.
    rank = data_rank(X, plain, plain_factor, found.rank)
    resolved = resolved_fit(gram, factor, rank)
    exact_rank = found.rank
    if rank.rank < exact_rank:
        found = truncated(gram, rank)
    coef, intercept = _parameters(found.coef, problem)
    null_mse = nearest(gram.null_square * gram.y_unit**2 / gram.total)
    noise_free = is_noise_free(found.mse, nearest(gram.values[-1][-1] * gram.y_unit**2 / gram.total), y)
    return Reference(
        rank=rank.rank,
        exact_rank=exact_rank,
        columns=gram.columns,
        n=gram.n,
        coef=coef,
        intercept=intercept,
        mse=found.mse,
        null_mse=null_mse,
        loss_scale=null_mse if noise_free else found.mse,
        scale_name="null model" if noise_free else "optimum",
        factor=factor,
        standard_errors=None if found.standard_errors is None else np.array(found.standard_errors),
        residual_sd=found.residual_sd,
        r_squared=found.r_squared,
        minimum_norm_alternative=None if found.alternative is None else _parameters(found.alternative, problem),
        rank_margin=rank.margin,
        dependences=dependences(X, problem.features, rank, intercept=problem.intercept),
        resolved=resolved,
        gram=None if resolved is None else gram,
    )


def problem_gram(problem: Problem) -> IntegerGram:
    """The exact Gram matrix of the training rows, weighted where they have weights."""
    X, y = problem.rows("train")
    if problem.weights is None:
        return exact_gram(X, y, intercept=problem.intercept)
    return weighted_gram(X, y, problem.weights[problem.split.train], intercept=problem.intercept)


def _parameters(values: tuple[float, ...], problem: Problem) -> Parameters:
    """Intercept-first values taken apart."""
    return Parameters(np.array(values[1:]), values[0]) if problem.intercept else Parameters(np.array(values), 0.0)
