"""Least squares of streamed rows: the cheapest path that keeps the digits, chosen by the condition number.

1. `gram`: one pass sums the Gram matrix of shifted columns, which is scaled and solved by Cholesky. The
   error grows with the square of the condition number, so that only a well-conditioned design is accepted.
2. `corrected`: a second pass takes the gradient from explicit residuals and one step with the factor of
   the first: the corrected seminormal equations (Bjorck 1987, Stability analysis of the method of
   seminormal equations for linear least squares problems).
3. `error-free`: the Gram matrix is summed without rounding (`sliced`) and solved in ball arithmetic
   (`exact_gram`). Data that can be read once only take this path at once: it needs no other.
"""

from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from typing import Any

import numpy as np

from harness.errors import UsageError
from harness.problems.problem import Floats
from harness.solvers.column_rounding import ColumnRounding, row_scales
from harness.solvers.streaming.answer import Answer
from harness.solvers.streaming.blocks import DeviceBlocks, HostBlocks
from harness.solvers.streaming.determined import clearly_determined, determined_columns
from harness.solvers.streaming.exact_gram import ExactGram, independent_columns, solve
from harness.solvers.streaming.moments import MomentSums, like
from harness.solvers.streaming.normal import Normal, normal_equations
from harness.solvers.streaming.residuals import ResidualSums
from harness.solvers.streaming.sliced import BITS, SlicedGram
from harness.solvers.streaming.sources import SAMPLE_ROWS, Chunk, Source

ACCEPTED_PER_COLUMN, ACCEPTED_LEAST, ACCEPTED_MOST = 0.75, 1.5, 30.0
"""Of the squared condition number, which in the 1-norm grows with the columns. Measured on 9000 drawn designs of 2
to 20 columns: up to here the Gram matrix alone is at most half a digit behind statsmodels' QR (worst -0.5)."""
CORRECTED = 1e6
"""Of the squared condition number: measured on the same, one step is more than half a digit behind statsmodels' QR
in 0.1 % of them, by 0.9 at most (another QR, scipy's pivoted one, is so in 10 %, by 2.2 at most)."""
UNEXPLAINED = 1e-4
"""Of y's variance: the residual sum of squares by difference keeps 12 digits above it."""
NEAR = 0.5
"""Of a column's standard deviation: a mean this small leaves 0.8 of the second moment, a tenth of a digit's loss."""
SLICES, UNKNOWN_SLICES, MOST_SLICES = 4, 6, 24
"""72 bits leave a condition number below 1e3 / 2^-53 nothing to lose; 108 where it is unknown; 432 at most."""


def least_squares(source: Source, *, intercept: bool = True, minimum_norm: bool = False) -> Answer:
    """The least-squares solution of all rows of `source`, and how it was got.

    The rank is the data's: a direction that moving entries by half a unit in their last place removes is none. Without
    full column rank the coefficients are NaN, or those of minimum norm (all coefficients, the
    intercept among them) where they are asked for. Raises UsageError for no rows, or chunks that do not
    fit together; ValueError for NaN or infinity.
    """
    if not source.rereadable:
        return _error_free(source, "the data can be read only once", 0, intercept=intercept, least=minimum_norm)
    normal = _gram(source, intercept=intercept)
    if isinstance(normal, str):
        return _error_free(source, normal, 1, intercept=intercept, least=minimum_norm)
    coef = normal.solve(normal.xy)
    rss = normal.tss - float(coef @ normal.xy)
    condition = f"condition number {normal.condition_squared**0.5:.1e}"
    accepted = min(ACCEPTED_MOST, max(ACCEPTED_LEAST, ACCEPTED_PER_COLUMN * len(coef)))
    if normal.loss <= accepted and rss >= UNEXPLAINED * normal.tss:
        return normal.answer(coef, 0.0, rss, f"gram: {condition}", 1)
    if normal.loss <= CORRECTED:
        why = condition if normal.loss > accepted else "little is left unexplained"
        return _corrected(source, normal, coef, f"corrected: {why}")
    return _error_free(source, condition, 1, slices=SLICES, intercept=intercept, least=minimum_norm)


def _gram(source: Source, *, intercept: bool) -> Normal | str:
    """One pass: the shifted normal equations, or why there are none."""
    sums, shift, y_shift, blocks = MomentSums(), None, 0.0, None
    for X, y in _chunks(source):
        if blocks is None:
            blocks = _blocks(X, source)
            if intercept:
                shift, y_shift = _centres(*(source.sample() or (X, y)))
        with np.errstate(all="ignore"):  # what overflows, or is not finite, shows in the sums
            for B, t in blocks.of(X, y, shift, y_shift):
                sums.add(B, t)
    return normal_equations(sums.moments(shift, y_shift), intercept=intercept)


def _corrected(source: Source, normal: Normal, coef: Floats, path: str) -> Answer:
    """One more pass, about the means, and one step from `coef` with the explicit residual."""
    shift = normal.mean if normal.intercept else None
    sums, blocks, weights = ResidualSums(normal.scale), None, None
    tss: Any = 0.0
    for X, y in _chunks(source):
        blocks = blocks or _blocks(X, source)
        for B, t in blocks.of(X, y, shift, normal.y_mean):
            weights = like(coef, B) if weights is None else weights
            sums.add(B, t - B @ weights)
            tss += t @ t
    found = sums.sums()
    mean = found.r_sum / found.n if normal.intercept else 0.0
    gradient = found.gradient - found.x_sum * mean
    step = normal.solve(gradient)
    offset = mean - float(found.x_sum @ step) / found.n if normal.intercept else 0.0
    rss = float(found.squares - found.n * mean**2 - step @ gradient)
    return replace(normal, tss=float(tss)).answer(coef + step, offset, rss, path, 2)


def _error_free(
    source: Source, why: str, passes: int, *, intercept: bool, least: bool, slices: int = UNKNOWN_SLICES
) -> Answer:
    """One pass, or more with more slices each until what is cut off cannot matter."""
    while True:
        passes += 1
        sums, seen = _sliced(source, slices, intercept=intercept)
        gram = ExactGram(sums.n, *sums.gram(), intercept=intercept)
        pivots = independent_columns(gram)
        answer = solve(gram, pivots, f"error-free: {why}", passes)
        # A perturbation of the columns reaches the coefficients times the condition number.
        enough = sums.exact or answer.condition_number * 2.0 ** (2 - BITS * slices) < np.finfo(np.float64).eps
        if enough or slices >= MOST_SLICES or not source.rereadable:
            break
        slices = min(2 * slices, MOST_SLICES)
    if enough and not clearly_determined(gram, pivots, answer.condition_number):
        rounding = _rounding(source, seen)
        determined = determined_columns(gram, pivots, rounding.norms())
        if determined != pivots and source.rereadable:
            scaled, known = _rows_scaled(source, sums.slices, rounding, intercept=intercept)
            determined = max(determined, determined_columns(scaled, pivots, known), key=len)
        if determined != pivots:
            answer = solve(gram, determined, f"error-free: {why}", passes)
    if enough and (least or answer.rank == answer.columns):
        return answer
    unknown = np.full_like(answer.coef, np.nan)
    note = "" if enough else f"; {sums.slices * BITS} bits are too few for this condition number"
    return replace(
        answer,
        coef=unknown,
        intercept=np.nan if intercept else 0.0,
        standard_errors=np.full_like(answer.standard_errors, np.nan),
        path=answer.path + note,
    )


def _sliced(source: Source, slices: int, *, intercept: bool) -> tuple[SlicedGram, ColumnRounding | None]:
    """One pass: the error-free sums of [1, X, y], or [X, y] without intercept; the rounding, if it is the only pass."""
    sums: SlicedGram | None = None
    rounding: ColumnRounding | None = None
    for X, y in _chunks(source):
        xp: Any = np if isinstance(X, np.ndarray) else import_module("torch")
        if sums is None:
            sums = SlicedGram(X.shape[1] + 1 + intercept, slices, xp)
            rounding = None if source.rereadable else ColumnRounding(X.shape[1])
        for start in range(0, len(X), sums.rows):
            rows, t = (xp.asarray(part[start : start + sums.rows], dtype=xp.float64) for part in (X, y))
            sums.add(xp.column_stack([xp.ones_like(t), rows, t] if intercept else [rows, t]))
        if rounding is not None:
            rounding.add(X)
    assert sums is not None  # noqa: S101  # _chunks() has raised for no rows
    return sums, rounding


def _rounding(source: Source, seen: ColumnRounding | None) -> ColumnRounding:
    """How far the columns are known: `seen` in the one pass there was, or by another one."""
    for X, _ in () if seen is not None else _chunks(source):
        seen = seen or ColumnRounding(X.shape[1])
        seen.add(X)
    assert seen is not None  # noqa: S101  # _chunks() has raised for no rows
    return seen


def _rows_scaled(source: Source, slices: int, rounding: ColumnRounding, *, intercept: bool) -> tuple[ExactGram, Floats]:
    """One pass over rows scaled to alike sizes: their Gram matrix, and how far their columns are known.

    A wild row must not decide for the others what is only rounding.
    """
    norms, sums, again = rounding.norms(), None, ColumnRounding(rounding.columns)
    for X, _ in _chunks(source):
        rows = np.asarray(_host(X), dtype=np.float64)
        scales = row_scales(rows, norms)
        lifted = rows * scales[:, None]
        again.add(lifted)
        sums = sums or SlicedGram(rows.shape[1] + 1 + intercept, slices)
        table = np.column_stack([scales, lifted, scales] if intercept else [lifted, scales])
        for start in range(0, len(table), sums.rows):
            sums.add(table[start : start + sums.rows])
    assert sums is not None  # noqa: S101  # _chunks() has raised for no rows
    return ExactGram(sums.n, *sums.gram(), intercept=intercept), again.norms(rounding.single)


def _chunks(source: Source) -> Iterator[Chunk]:
    """The source's chunks as arrays that fit together. Raises UsageError for no rows, other widths, no numbers."""
    width = rows = 0
    for chunk in source.chunks():
        if not isinstance(chunk, tuple | list) or len(chunk) != 2:  # noqa: PLR2004
            raise UsageError(f"a chunk is a pair, X (m, p) and y (m,), not {type(chunk).__name__}")
        X, y = map(_array, chunk)
        if X.ndim != 2 or y.ndim != 1 or len(X) != len(y):  # noqa: PLR2004
            raise UsageError(f"a chunk is X (m, p) and y (m,), not {tuple(X.shape)} and {tuple(y.shape)}")
        if not X.shape[1]:
            raise UsageError("there are no columns to fit")
        if width and X.shape[1] != width:
            raise UsageError(f"the chunks have {width} and {X.shape[1]} columns: all must have the same")
        width, rows = X.shape[1], rows + len(X)
        if len(X):
            yield X, y
    if not rows:
        raise UsageError("there are no rows to fit")


def _array(values: Any) -> Any:
    """A numpy array of real numbers, without a copy where there is one already; a tensor of a device as it is."""
    if type(values).__module__.partition(".")[0] == "torch":
        if values.device.type != "cpu":
            return values
        values = values.detach().numpy()
    try:
        array = values if isinstance(values, np.ndarray) else np.asarray(values)
    except ValueError:
        raise UsageError("a chunk's rows are of different lengths") from None
    if array.dtype.kind not in "fiub":
        raise UsageError(f"the data are of type {array.dtype}, not real numbers")
    return array


def _blocks(X: Any, source: Source) -> HostBlocks | DeviceBlocks:
    kind = HostBlocks if isinstance(X, np.ndarray) else DeviceBlocks
    return kind(X.shape[1], source.size_bytes)


def _centres(X: Any, y: Any) -> tuple[Floats | None, float]:
    """A shift near the middle of a sample of the rows; none of X where every middle is NEAR 0, which saves a copy.

    Medians, because one wild row must not decide; the spread is 1.4826 times the median deviation (Rousseeuw &
    Croux 1993, JASA 88: the standard deviation of a normal column).
    """
    rows, t = (np.asarray(_host(part[:SAMPLE_ROWS]), dtype=np.float64) for part in (_array(X), _array(y)))
    with np.errstate(all="ignore"):  # data that are not finite show in the sums
        middle = np.median(rows, axis=0)
        spread = 1.4826 * np.median(np.abs(rows - middle), axis=0)
        near = bool((np.abs(middle) <= NEAR * spread).all())
        return (None if near else middle), float(np.median(t))


def _host(values: Any) -> Any:
    return values if isinstance(values, np.ndarray) else values.cpu()
