"""The exact answer to a problem's training rows, and what is needed to judge a fit by it."""

from dataclasses import dataclass, replace
from fractions import Fraction
from importlib.util import find_spec

import numpy as np

from harness.problems.problem import Floats, Problem, design_matrix
from harness.verify.integers import integer_column

NOISE_FREE_ULPS = 8
"""y is noise-free if its best fit leaves only rounding: |r| <= 8 eps |y| (a few roundings of y itself)."""


@dataclass(frozen=True)
class Reference:
    """The least-squares solution of the float64 training rows, exact and then rounded once.

    `rank` and `columns` count the intercept. `coef` (p,), `intercept` and `mse` (the optimal loss L*)
    are None where the rank is short of the columns. `null_mse` is the loss of the mean of y.
    `loss_scale` is what excess loss is relative to: L*, or, where the data are noise-free and L* is
    only the rounding of y, the null model's loss (`scale_name` says which). `gram` (p, p) and
    `x_mean` (p,) are of the training rows, centred if there is an intercept; `condition_number` is
    the 2-norm one of the design with its column of ones, in float64.
    """

    rank: int
    columns: int
    null_mse: float
    gram: Floats
    x_mean: Floats
    condition_number: float
    design_norm: float
    n: int
    coef: Floats | None = None
    intercept: float | None = None
    mse: float | None = None
    loss_scale: float = float("nan")
    scale_name: str = "optimum"

    @property
    def full_rank(self) -> bool:
        """Whether the coefficients are unique."""
        return self.rank == self.columns


def exact_solution(problem: Problem) -> tuple[int, list[Fraction] | None, Fraction | None]:
    """Rank, coefficients (intercept first) and residual sum of squares as exact fractions."""
    if find_spec("flint") is not None:
        from harness.verify.exact_flint import least_squares
    else:
        from harness.verify.exact_fractions import least_squares
    columns = [integer_column(column) for column in design_matrix(problem).T]
    y = integer_column(problem.rows("train")[1])
    rank, beta, rss = least_squares([column.values for column in columns], y.values)
    if beta is None or rss is None:
        return rank, None, None
    return rank, [b * y.unit / c.unit for b, c in zip(beta, columns, strict=True)], rss * y.unit**2


_computed: dict[str, Reference] = {}


def reference(problem: Problem) -> Reference:
    """The Reference of a problem, computed once for the same numbers within a process."""
    key = problem.sha256
    if key not in _computed:
        _computed[key] = _compute(problem)
    return _computed[key]


def _compute(problem: Problem) -> Reference:
    X, y = problem.rows("train")
    rank, beta, rss = exact_solution(problem)
    A = design_matrix(problem)
    x_mean = X.mean(axis=0) if problem.intercept else np.zeros(problem.p)
    centred = X - x_mean
    singular = np.linalg.svd(np.linalg.qr(A, mode="r"), compute_uv=False)
    known = Reference(
        rank=rank,
        columns=A.shape[1],
        null_mse=float(np.mean((y - y.mean()) ** 2)) if problem.intercept else float(np.mean(y**2)),
        gram=centred.T @ centred / len(X),
        x_mean=x_mean,
        condition_number=float(singular[0] / singular[-1]) if singular[-1] > 0 else float("inf"),
        design_norm=float(singular[0]),
        n=len(X),
    )
    if beta is None or rss is None:
        return known
    mse = float(rss / len(X))
    noise_free = mse <= (NOISE_FREE_ULPS * _eps_of(y)) ** 2 * float(np.mean(y**2))
    values = [float(b) for b in beta]
    return replace(
        known,
        coef=np.array(values[1:] if problem.intercept else values),
        intercept=values[0] if problem.intercept else 0.0,
        mse=mse,
        loss_scale=known.null_mse if noise_free else mse,
        scale_name="null model" if noise_free else "optimum",
    )


def _eps_of(y: Floats) -> float:
    """The precision that y was rounded to: float32's if every value is one, as in data made by torch."""
    single = bool(np.all(y == y.astype(np.float32)))
    return float(np.finfo(np.float32 if single else np.float64).eps)
