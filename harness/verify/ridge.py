"""The exact optimum of squared loss with weight decay, a ridge solution, as the Reference of more rows."""

from dataclasses import replace
from fractions import Fraction

import numpy as np

from harness.problems.problem import Floats, Problem
from harness.solvers.training.scaling import Scaling
from harness.verify.gram import IntegerGram
from harness.verify.least_squares import least_squares
from harness.verify.reference import Reference, problem_gram
from harness.verify.rounding import is_noise_free, nearest


def ridge(problem: Problem, known: Reference, weight_decay: float, scaling: Scaling) -> Reference:
    """What full-batch gradient descent with weight decay lambda ends at, exact and then rounded once.

    Its fixed point has 2/n A'(A theta - y) + lambda theta = 0 (torch adds lambda theta to the gradient of a mean), so
    that it minimises |y - A theta|² / n + lambda/2 |theta|², bias included: Hoerl and Kennard 1970 with k = n lambda/2;
    where rows have weights, their sum stands for n.
    Weight decay acts in the units that were trained in, w_j = b_j s_j / s_y and bias (b_0 + m'b - m_y) / s_y for the
    means m and standard deviations s of the scaling, float64 numbers. In the problem's units and times s_y² that is
    least squares with a row more for each parameter, of weight n lambda/2: (0, s_j) with target 0, and (1, m) with
    target m_y. `mse` and `loss_scale` are that objective's, in the squared unit of y; `known` is the Reference of the
    problem. Any lambda > 0 leaves one solution.
    """
    gram, y = problem_gram(problem), problem.rows("train")[1]
    rows = _penalty(scaling, intercept=problem.intercept)
    found = least_squares(_with_rows(gram, rows, Fraction(weight_decay) * gram.total / 2))
    noise_free = is_noise_free(found.mse, nearest(gram.values[-1][-1] * gram.y_unit**2 / gram.total), y)
    return replace(
        known,
        rank=known.columns,
        exact_rank=known.columns,
        coef=np.array(found.coef[int(problem.intercept) :]),
        intercept=found.coef[0] if problem.intercept else 0.0,
        mse=found.mse,
        loss_scale=known.null_mse if noise_free else found.mse,
        scale_name=f"{'null model, ridge' if noise_free else 'ridge optimum'}, weight decay {weight_decay:g}",
        factor=np.vstack([known.factor, np.sqrt(known.n * weight_decay / 2) * rows[:, :-1]]),
        minimum_norm_alternative=None,
        dependences=(),
        resolved=None,
        gram=None,
    )


def _penalty(scaling: Scaling, *, intercept: bool) -> Floats:
    """A row (k + 1,) for each parameter: what it is in the units trained in, but for s_y; last, its target."""
    slopes = np.diag(scaling.x_sd)
    if not intercept:
        return np.column_stack([slopes, np.zeros(len(slopes))])
    bias = np.concatenate([[1.0], scaling.x_mean, [scaling.y_mean]])
    return np.vstack([bias, np.column_stack([np.zeros(len(slopes)), slopes, np.zeros(len(slopes))])])


def _with_rows(gram: IntegerGram, rows: Floats, weight: Fraction) -> IntegerGram:
    """The Gram matrix with further rows (r, k + 1), y last, of a weight that is a binary fraction."""
    exact = [[Fraction(value) for value in row] for row in rows.tolist()]
    columns = range(len(gram.values))
    added = [[weight * sum((row[i] * row[j] for row in exact), Fraction(0)) for j in columns] for i in columns]
    units = gram.units
    values = [[gram.values[i][j] + added[i][j] / (units[i] * units[j]) for j in columns] for i in columns]
    finest = max(value.denominator for row in values for value in row)  # all of them are powers of two
    halvings = (finest.bit_length() + 1) // 2
    whole = [[int(value * 4**halvings) for value in row] for row in values]
    return IntegerGram(
        whole, tuple(unit / 2**halvings for unit in units), gram.n + len(rows), gram.intercept, gram.total
    )
