"""Least squares of streamed rows: the cheapest path that keeps the digits, chosen by the condition number.

1. `gram`: one pass sums the Gram matrix of shifted columns, which is scaled and solved by Cholesky. The
   error grows with the square of the condition number, so that only a well-conditioned design is accepted.
2. `corrected`: a second pass takes the gradient from explicit residuals and one step with the factor of
   the first: the corrected seminormal equations (Bjorck 1987, Stability analysis of the method of
   seminormal equations for linear least squares problems).
3. `error-free`: the Gram matrix is summed without rounding (`sliced`) and solved in ball arithmetic
   (`whole`). Data that can be read once only take this path at once: it needs no other.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from harness.errors import UsageError
from harness.problems.problem import Floats
from harness.solvers.streaming.answer import Answer
from harness.solvers.streaming.blocks import DeviceBlocks, HostBlocks
from harness.solvers.streaming.moments import MomentSums
from harness.solvers.streaming.normal import Normal, normal_equations
from harness.solvers.streaming.sliced import BITS, SlicedGram
from harness.solvers.streaming.sources import SAMPLE_ROWS, Chunk, Source
from harness.solvers.streaming.whole import WholeGram, answer_of, independent_columns

ACCEPTED = 30.0
"""Of the squared condition number: the Gram matrix costs at most log10(30) = 1.5 digits of 16."""
CORRECTED = 1e6
"""Of the squared condition number: measured, one step keeps the digits of a QR factorisation up to a condition
number of 1e3 (at 1e4 it is half a digit behind)."""
UNEXPLAINED = 1e-4
"""Of y's variance: the residual sum of squares by difference keeps 12 digits above it."""
SLICES, UNKNOWN_SLICES, MOST_SLICES = 4, 6, 24
"""72 bits leave a condition number below 1e3 / 2^-53 nothing to lose; 108 where it is unknown; 432 at most."""


def least_squares(source: Source, *, intercept: bool = True, minimum_norm: bool = False) -> Answer:
    """The least-squares solution of all rows of `source`, and how it was got.

    Without full column rank the coefficients are NaN, or those of minimum norm (all coefficients, the
    intercept among them) where they are asked for. Raises UsageError for no rows, or chunks that do not
    fit together; ValueError for NaN or infinity.
    """
    if not source.rereadable:
        return _error_free(source, "the data can be read only once", 0, intercept=intercept, least=minimum_norm)
    normal = _gram(source, intercept=intercept)
    if normal is None:
        why = "the columns are dependent, or nearly so"
        return _error_free(source, why, 1, intercept=intercept, least=minimum_norm)
    coef = normal.solve(normal.xy)
    rss = normal.tss - float(coef @ normal.xy)
    condition = f"condition number {normal.condition_squared**0.5:.1e}"
    if normal.loss <= ACCEPTED and rss >= UNEXPLAINED * normal.tss:
        return normal.answer(coef, 0.0, rss, f"gram: {condition}", 1)
    if normal.loss <= CORRECTED:
        coef, offset, rss = _corrected(source, normal, coef)
        why = condition if normal.loss > ACCEPTED else "little is left unexplained"
        return normal.answer(coef, offset, rss, f"corrected: {why}", 2)
    return _error_free(source, condition, 1, slices=SLICES, intercept=intercept, least=minimum_norm)


def _gram(source: Source, *, intercept: bool) -> Normal | None:
    """One pass: the shifted normal equations; None if Cholesky cannot factor them."""
    sums, shift, y_shift, blocks = MomentSums(), None, 0.0, None
    for X, y in _chunks(source):
        if blocks is None:
            blocks = _blocks(X, source)
            if intercept:
                shift, y_shift = _means(*(source.sample() or (X, y)))
        for B, t in blocks.of(X, y, shift, y_shift):
            sums.add(B, t)
    return normal_equations(sums.moments(shift, y_shift), intercept=intercept)


def _corrected(source: Source, normal: Normal, coef: Floats) -> tuple[Floats, float, float]:
    """One more pass and one step from `coef`: the slopes, the mean residual at them, the residual sum of squares."""
    shift = normal.mean if normal.intercept else None
    sums, blocks = MomentSums(gram=False), None
    for X, y in _chunks(source):
        blocks = blocks or _blocks(X, source)
        for B, t in blocks.of(X, y, shift, normal.y_mean):
            sums.add(B, t - B @ sums.like(coef, B))
    m = sums.moments(shift, normal.y_mean)
    mean = m.y_sum / m.n if normal.intercept else 0.0
    gradient = m.xy - m.x_sum * mean
    step = normal.solve(gradient)
    offset = mean - float(m.x_sum @ step) / m.n if normal.intercept else 0.0
    return coef + step, offset, float(m.yy - m.n * mean**2 - step @ gradient)


def _error_free(
    source: Source, why: str, passes: int, *, intercept: bool, least: bool, slices: int = UNKNOWN_SLICES
) -> Answer:
    """One pass, or more with more slices each until what is cut off cannot matter."""
    while True:
        passes += 1
        sums = _sliced(source, slices, intercept=intercept)
        gram = WholeGram(sums.n, *sums.gram(), intercept=intercept)
        answer = answer_of(gram, independent_columns(gram), f"error-free: {why}", passes)
        # A perturbation of the columns reaches the coefficients times the condition number.
        enough = sums.exact or answer.condition_number * 2.0 ** (2 - BITS * slices) < np.finfo(np.float64).eps
        if enough or slices >= MOST_SLICES or not source.rereadable:
            break
        slices *= 2
    deficient = answer.rank < answer.columns
    if not enough:
        note = f"; {sums.slices * BITS} bits are too few for this condition number: trust no digit"
        return replace(answer, coef=np.full_like(answer.coef, np.nan), intercept=np.nan, path=answer.path + note)
    if deficient and not least:
        return replace(answer, coef=np.full_like(answer.coef, np.nan), intercept=np.nan)
    return answer


def _sliced(source: Source, slices: int, *, intercept: bool) -> SlicedGram:
    """One pass: the error-free sums of [1, X, y], or [X, y] without intercept."""
    sums: SlicedGram | None = None
    for X, y in _chunks(source):
        xp: Any = np if isinstance(X, np.ndarray) else __import__("torch")
        if sums is None:
            sums = SlicedGram(X.shape[1] + 1 + intercept, slices, xp)
        for start in range(0, len(X), sums.rows):
            rows, t = (xp.asarray(part[start : start + sums.rows], dtype=xp.float64) for part in (X, y))
            sums.add(xp.column_stack([xp.ones_like(t), rows, t] if intercept else [rows, t]))
    assert sums is not None  # noqa: S101  # _chunks() has raised for no rows
    return sums


def _chunks(source: Source) -> Iterator[Chunk]:
    """The source's chunks as arrays that fit together. Raises UsageError for no rows or other widths."""
    width = rows = 0
    for chunk in source.chunks():
        X, y = map(_array, chunk)
        if X.ndim != 2 or y.ndim != 1 or len(X) != len(y):  # noqa: PLR2004
            raise UsageError(f"a chunk is X (m, p) and y (m,), not {tuple(X.shape)} and {tuple(y.shape)}")
        if width and X.shape[1] != width:
            raise UsageError(f"the chunks have {width} and {X.shape[1]} columns: all must have the same")
        width, rows = X.shape[1], rows + len(X)
        if len(X):
            yield X, y
    if not rows or not width:
        raise UsageError("there are no rows, or no columns, to fit")


def _array(values: Any) -> Any:
    """A numpy array, without a copy where there is one already; a tensor of a device as it is."""
    if isinstance(values, np.ndarray):
        return values
    if type(values).__module__.partition(".")[0] == "torch":
        return values.numpy() if values.device.type == "cpu" else values
    return np.asarray(values, dtype=np.float64)


def _blocks(X: Any, source: Source) -> HostBlocks | DeviceBlocks:
    kind = HostBlocks if isinstance(X, np.ndarray) else DeviceBlocks
    return kind(X.shape[1], source.size_bytes)


def _means(X: Any, y: Any) -> tuple[Floats, float]:
    """Of a sample of the rows: a shift near the mean, which need not be exact."""
    rows, t = (np.asarray(_host(part[:SAMPLE_ROWS]), dtype=np.float64) for part in (_array(X), _array(y)))
    return rows.mean(axis=0), float(t.mean())


def _host(values: Any) -> Any:
    return values if isinstance(values, np.ndarray) else values.cpu()
