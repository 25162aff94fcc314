"""Whether a Reference is the data's: what was kept on disk is proved before it is believed.

Two passes over the data in float64, where computing the Reference takes an exact product of every pair of columns. What
float64 cannot prove is not kept: a short rank, an ill-conditioned design, data without noise.
"""

from collections.abc import Iterator
from math import sqrt
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np

from harness.problems.problem import Floats, Problem
from harness.verify.data_rank import resolved_margin
from harness.verify.factor import CHUNK_ROWS, triangular_factor
from harness.verify.rounding import is_noise_free

if TYPE_CHECKING:
    from harness.verify.reference import Reference

EPS = 2.0**-53
"""The unit roundoff of float64."""
ROOM = 4.0
"""Over a random walk: rounding errors of a sum of n terms grow with its square root (Higham and Mary 2019, SIAM J. Sci.
Comput. 41). Measured: 0.5 sqrt(n) for the factor, n = 1e3 to 1e6."""
LARGEST_CONDITION = 1e4
"""Of the design with unit columns: its square times the rounding of a sum of 1e6 rows is 5e-5, so that singular values
that pass have four right digits at least."""
PROBES = 2
"""Random combinations of the columns by which the factor is compared with the design (Freivalds 1977)."""


def disproved(known: "Reference", problem: Problem) -> str:
    """The first field of a Reference that is not the problem's, or that float64 cannot prove; empty if all are."""
    try:
        with np.errstate(all="ignore"):
            return next((name for name, holds in _checks(known, problem) if not holds), "")
    except (TypeError, ValueError, AttributeError, LookupError, np.linalg.LinAlgError) as error:  # other types, shapes
        return f"kind of numbers ({type(error).__name__})"


def _checks(known: "Reference", problem: Problem) -> Iterator[tuple[str, bool]]:
    """Every field by name and whether it holds; each may rely on those before it."""
    X, _ = problem.rows("train")
    n, k = len(X), problem.p + problem.intercept
    exact: dict[str, object] = {"rank": k, "exact_rank": k, "columns": k, "n": n, "dependences": ()}
    exact |= dict.fromkeys(("minimum_norm_alternative", "resolved", "gram"))
    exact |= {"scale_name": "optimum", "loss_scale": known.mse}
    yield from ((name, _same(getattr(known, name), value)) for name, value in exact.items())
    yield "coef", known.coef.shape == (problem.p,) and bool(np.isfinite(known.coef).all())
    yield "intercept", bool(np.isfinite(known.intercept)) and (problem.intercept or known.intercept == 0)
    R = known.factor
    yield "factor", n > k and R.shape == (k, k) and bool(np.isfinite(R).all()) and np.array_equal(R, np.triu(R))

    lengths, values, vectors = known.scaled_singular
    measured = np.sqrt((R**2).sum(axis=0))
    fits = lengths.shape == (k,) and bool((np.abs(lengths - measured) <= ROOM * k * EPS * measured).all())
    yield "scaled_singular", fits and _decomposed(R / lengths, values, vectors)
    yield "singular", _decomposed(R, *known.singular)
    yield "condition", bool(values[0] <= LARGEST_CONDITION * values[-1])
    probes = np.random.default_rng().standard_normal((k, PROBES)) / lengths[:, None]
    seen = _Seen.of(problem, np.column_stack([known.solution, probes]))
    moved = np.abs(seen.products[:, 1:] - R.T @ (R @ probes))
    yield "factor", bool((moved <= ROOM * sqrt(n) * EPS * lengths[:, None] * seen.sizes[1:]).all())
    yield from _of_numbers(known, problem, seen)
    ones, chunk = int(problem.intercept), _chunk_rounding(n)
    plain = R if problem.weights is None else triangular_factor(X, intercept=problem.intercept)
    margin = resolved_margin(X, plain[ones:, ones:])
    inverted = k * chunk * float(values[0] / values[-1])
    yield "rank_margin", margin is not None and _near(known.rank_margin, margin, inverted * margin)


def _of_numbers(known: "Reference", problem: Problem, seen: "_Seen") -> Iterator[tuple[str, bool]]:
    """The solution and its statistics, by a factor that holds."""
    n, k, R = known.n, known.columns, known.factor
    lengths, values, _ = known.scaled_singular
    chunk, inverse = _chunk_rounding(n), np.linalg.inv(R)
    spread = np.linalg.norm(inverse, axis=1)
    rounding = (k + 2) * EPS * (np.abs(known.solution) @ lengths + sqrt(n * seen.mean_square))
    error = np.abs(inverse @ (inverse.T @ seen.products[:, 0]))
    allowed = spread * (rounding + chunk * seen.sizes[0] * (spread @ lengths)) + EPS * np.abs(known.solution)
    yield "coef", bool((error <= allowed).all())
    off = chunk + 2 * rounding / seen.sizes[0]
    yield "mse", _near(known.mse, seen.sizes[0] ** 2 / n, off * known.mse)
    yield "null_mse", _near(known.null_mse, seen.null_mse, chunk * seen.null_mse)
    yield "scale_name", not is_noise_free(known.mse, seen.mean_square, problem.rows("train")[1])
    unexplained = known.mse / known.null_mse
    yield "r_squared", _near(known.r_squared, 1 - unexplained, chunk * (1 + unexplained))
    scale = 1.0 if problem.training_weights is None else float(problem.training_weights.mean())
    yield "residual_sd", _near(known.residual_sd, sd := sqrt(scale * n * known.mse / (n - k)), chunk * sd)
    errors, said = sqrt(n * known.mse / (n - k)) * spread, known.standard_errors
    inverted = k * chunk * float(values[0] / values[-1])
    fits = said is not None and said.shape == (k,)
    yield "standard_errors", fits and bool((np.abs(said - errors) <= inverted * errors).all())


def _chunk_rounding(n: int) -> float:
    """Relatively, of a sum over the rows of a chunk."""
    return ROOM * sqrt(min(n, CHUNK_ROWS)) * EPS


class _Seen(NamedTuple):
    """What a pass over the rows sees of some combinations of the columns, the first of them the solution.

    `products` (k, c): the design's transpose times the residual and each other combination, weighted; `sizes` (c,):
    their 2-norms; `mean_square` and `null_mse`: of y, about 0 and about its mean, or about 0 without intercept.
    """

    products: Floats
    sizes: Floats
    mean_square: float
    null_mse: float

    @classmethod
    def of(cls, problem: Problem, combinations: Floats) -> Self:
        """`combinations` (k, c)."""
        X, y = problem.rows("train")
        ones, weights = int(problem.intercept), problem.mean_one_weights("train")
        products, squares = [], []
        for start in range(0, len(y), CHUNK_ROWS):
            rows = slice(start, start + CHUNK_ROWS)
            shares = X[rows] @ combinations[ones:]
            if ones:
                shares += combinations[0]
            shares[:, 0] = y[rows] - shares[:, 0]
            weighted = shares if weights is None else shares * weights[rows, None]
            products.append(np.vstack([np.einsum("ij->j", weighted)] * ones + [X[rows].T @ weighted]))
            squares.append(np.einsum("ij,ij->j", shares, weighted))
        w = 1.0 if weights is None else weights
        about = float(np.mean(w * y)) if ones else 0.0
        null = float(np.mean(w * (y - about) ** 2))
        total = np.sum(squares, axis=0)
        return cls(np.sum(products, axis=0), np.sqrt(total), float(np.mean(w * y**2)), null)


def _decomposed(R: Floats, values: Floats, vectors: Floats) -> bool:
    """Whether these are singular values (k,) of R (k, k), descending, and right singular vectors (k, k) by row."""
    off = ROOM * len(R) * EPS
    mapped, own = R @ vectors.T, vectors @ vectors.T
    products = np.abs(mapped.T @ mapped - np.diag(values**2)).max() <= off * len(R) * values[0] ** 2
    norms = np.abs(np.sqrt((mapped**2).sum(axis=0)) - values).max() <= off * values[0]
    return bool(products and norms and np.abs(own - np.eye(len(R))).max() <= off and (np.diff(values) <= 0).all())


def _same(found: object, expected: object) -> bool:
    return type(found) is type(expected) and found == expected


def _near(found: float | None, expected: float, off: float) -> bool:
    return isinstance(found, float) and abs(found - expected) <= off
