"""Least squares of streamed rows: the cheapest path that keeps the digits, chosen by the condition number.

1. `gram`: one pass sums the Gram matrix of shifted columns, which is scaled and solved by Cholesky. The
   error grows with the square of the condition number, so that only a well-conditioned design is accepted.
2. `corrected`: a second pass takes the gradient from explicit residuals and one step with the factor of
   the first: the corrected seminormal equations (Bjorck 1987, Stability analysis of the method of
   seminormal equations for linear least squares problems).
3. `error-free`: the Gram matrix is summed without rounding (`sliced`) and solved in ball arithmetic
   (`exact_gram`). Data that can be read once only take this path at once: it needs no other.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib import import_module
from itertools import chain
from typing import Any, cast

import numpy as np

from harness.cores.blas import one_blas_thread
from harness.cores.crew import Crew
from harness.cores.tree import S, Tree
from harness.errors import UsageError
from harness.problems.problem import Floats
from harness.solvers.column_rounding import ColumnRounding, row_scales
from harness.solvers.streaming.answer import Answer
from harness.solvers.streaming.blocks import (
    BYTES_A_THREAD,
    MOST_DEVICE_BYTES,
    SHARE,
    Block,
    Shifted,
    block_rows,
    device_rows,
    in_blocks,
)
from harness.solvers.streaming.determined import clearly_determined, determined_columns
from harness.solvers.streaming.exact_gram import ExactGram, independent_columns, solve
from harness.solvers.streaming.moments import MomentSums, dot, like, on_host
from harness.solvers.streaming.normal import Normal, normal_equations
from harness.solvers.streaming.residuals import ResidualSums, rounder
from harness.solvers.streaming.sliced import BITS, SlicedGram, largest_of
from harness.solvers.streaming.sources import SAMPLE_ROWS, Arrays, Chunk, Source

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


def least_squares(
    source: Source, *, intercept: bool = True, minimum_norm: bool = False, threads: int | None = None
) -> Answer:
    """The least-squares solution of all rows of `source`, and how it was got.

    The rank is the data's: a direction that moving entries by half a unit in their last place removes is none. Without
    full column rank the coefficients are NaN, or those of minimum norm (all coefficients, the
    intercept among them) where they are asked for. `threads`: by default one for each core that this process may use;
    the answer is the same to the last bit with any number of them. Raises UsageError for no rows, chunks that do not
    fit together, and threads below 1 or above the cores; ValueError for NaN or infinity.
    """
    size_bytes = source.size_bytes
    most = None if size_bytes is None else max(1, size_bytes // BYTES_A_THREAD)
    with one_blas_thread():
        return _least_squares(source, Crew(threads, most), intercept=intercept, least=minimum_norm)


def _least_squares(source: Source, crew: Crew, *, intercept: bool, least: bool) -> Answer:
    if not source.rereadable:
        return _error_free(source, crew, "the data can be read only once", 0, intercept=intercept, least=least)
    normal = _gram(source, crew, intercept=intercept)
    if isinstance(normal, str):
        return _error_free(source, crew, normal, 1, intercept=intercept, least=least)
    coef = normal.solve(normal.xy)
    rss = normal.tss - float(coef @ normal.xy)
    condition = f"condition number {normal.condition_squared**0.5:.1e}"
    accepted = min(ACCEPTED_MOST, max(ACCEPTED_LEAST, ACCEPTED_PER_COLUMN * len(coef)))
    if normal.loss <= accepted and rss >= UNEXPLAINED * normal.tss:
        return normal.answer(coef, 0.0, rss, f"gram: {condition}", 1)
    if normal.loss <= CORRECTED:
        why = condition if normal.loss > accepted else "little is left unexplained"
        return _corrected(source, crew, normal, coef, f"corrected: {why}")
    return _error_free(source, crew, condition, 1, slices=SLICES, intercept=intercept, least=least)


def _gram(source: Source, crew: Crew, *, intercept: bool) -> Normal | str:
    """One pass: the shifted normal equations, or why there are none."""
    tree: Tree[MomentSums] = Tree()
    shift, y_shift, shifted = None, 0.0, None

    def of(block: Block) -> MomentSums:
        with np.errstate(all="ignore"):  # what overflows, or is not finite, shows in the sums
            return MomentSums.of(*cast("Shifted", shifted).of(block))

    for blocks in _blocks(source):
        if blocks and shifted is None:
            if intercept:
                shift, y_shift = _centres(*(source.sample() or (blocks[0].X, blocks[0].y)))
            shifted = Shifted(shift, y_shift)
        for block, sums in crew.results(of, blocks):
            tree.add(block.number, sums)
    return normal_equations(_total(tree).moments(shift, y_shift), intercept=intercept)


def _corrected(source: Source, crew: Crew, normal: Normal, coef: Floats, path: str) -> Answer:
    """One more pass, about the means, and one step from `coef` with the explicit residual."""
    tree: Tree[ResidualSums] = Tree()
    shifted = Shifted(normal.mean if normal.intercept else None, normal.y_mean)
    weights: Any = coef
    top = rounder(normal.scale)

    def of(block: Block) -> ResidualSums:
        B, T = shifted.of(block)
        return ResidualSums.of(B, T[:, 0] - dot(B, weights), T, top)

    for blocks in _blocks(source):
        if blocks and isinstance(weights, np.ndarray):
            weights, top = (like(values, blocks[0].X) for values in (coef, top))
        for block, sums in crew.results(of, blocks):
            tree.add(block.number, sums)
    found = _total(tree)
    x_sum, r_sum = on_host(found.x_sum), float(found.r_sum)
    mean = r_sum / found.n if normal.intercept else 0.0
    gradient = found.gradient - x_sum * mean
    step = normal.solve(gradient)
    offset = mean - float(x_sum @ step) / found.n if normal.intercept else 0.0
    rss = float(float(found.squares) - found.n * mean**2 - step @ gradient)
    return replace(normal, tss=float(found.y_squares)).answer(coef + step, offset, rss, path, 2)


def _error_free(
    source: Source, crew: Crew, why: str, passes: int, *, intercept: bool, least: bool, slices: int = UNKNOWN_SLICES
) -> Answer:
    """One pass, or more with more slices each until what is cut off cannot matter."""
    while True:
        passes += 1
        sums, seen = _sliced(source, crew, slices, intercept=intercept)
        gram = ExactGram(sums.n, *sums.gram(), intercept=intercept)
        pivots = independent_columns(gram)
        answer = solve(gram, pivots, f"error-free: {why}", passes)
        # A perturbation of the columns reaches the coefficients times the condition number.
        enough = sums.exact or answer.condition_number * 2.0 ** (2 - BITS * slices) < np.finfo(np.float64).eps
        if enough or slices >= MOST_SLICES or not source.rereadable:
            break
        slices = min(2 * slices, MOST_SLICES)
    if enough and not clearly_determined(gram, pivots, answer.condition_number):
        rounding = seen or _rounding(source, crew)
        determined = determined_columns(gram, pivots, rounding.norms())
        if determined != pivots and source.rereadable:
            scaled, known = _rows_scaled(source, crew, sums.slices, rounding, intercept=intercept)
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


def _sliced(source: Source, crew: Crew, slices: int, *, intercept: bool) -> tuple[SlicedGram, ColumnRounding | None]:
    """One pass: the error-free sums of [1, X, y], or [X, y] without intercept; the rounding, if it is the only pass."""
    sums: SlicedGram | None = None
    rounding: Tree[ColumnRounding] = Tree()

    def largest(block: Block) -> Floats:
        if not isinstance(block.X, np.ndarray):
            return largest_of(table(block))  # waits once
        ones = [1.0] if intercept else []
        return np.concatenate([ones, largest_of(block.X), largest_of(block.y[:, None])])

    def table(block: Block) -> Any:
        xp: Any = np if isinstance(block.X, np.ndarray) else import_module("torch")
        rows, t = (xp.asarray(part, dtype=xp.float64) for part in (block.X, block.y))
        return xp.column_stack([xp.ones_like(t), rows, t] if intercept else [rows, t])

    def make(p: int, xp: Any) -> SlicedGram:
        return SlicedGram(p + 1 + intercept, slices, xp)

    for blocks in _blocks(source, lambda p, xp: make(p, xp).rows):
        if blocks and sums is None:
            host = isinstance(blocks[0].X, np.ndarray)
            sums = make(blocks[0].X.shape[1], np if host else import_module("torch"))
        if sums is not None:
            sums.add_all(crew, blocks, largest, table)
        if not source.rereadable:
            for block, known in crew.results(lambda block: ColumnRounding.of(block.X), blocks):
                rounding.add(block.number, known)
    assert sums is not None  # noqa: S101  # _chunks() has raised for no rows
    return sums, rounding.total()


def _rounding(source: Source, crew: Crew) -> ColumnRounding:
    """How far the columns are known, by a pass for it."""
    rounding: Tree[ColumnRounding] = Tree()
    # The host does it: of a device's rows as many as possible are fetched at a time.
    for blocks in _blocks(
        source, lambda p, xp: block_rows(p) if xp is np else device_rows(p, MOST_DEVICE_BYTES * SHARE)
    ):
        for block, known in crew.results(lambda block: ColumnRounding.of(block.X), blocks):
            rounding.add(block.number, known)
    return _total(rounding)


def _rows_scaled(
    source: Source, crew: Crew, slices: int, rounding: ColumnRounding, *, intercept: bool
) -> tuple[ExactGram, Floats]:
    """One pass over rows scaled to alike sizes: their Gram matrix, and how far their columns are known.

    A wild row must not decide for the others what is only rounding.
    """
    norms = rounding.norms()
    sums = SlicedGram(rounding.columns + 1 + intercept, slices)
    again: Tree[ColumnRounding] = Tree()

    def table(block: Block) -> Floats:
        rows = np.asarray(_host(block.X), dtype=np.float64)
        scales = row_scales(rows, norms)
        lifted = rows * scales[:, None]
        return np.column_stack([scales, lifted, scales] if intercept else [lifted, scales])

    def rounding_of(block: Block) -> ColumnRounding:
        return ColumnRounding.of(table(block)[:, int(intercept) : -1])

    for blocks in _blocks(source, lambda *_: sums.rows):
        sums.add_all(crew, blocks, lambda block: largest_of(table(block)), table)
        for block, known in crew.results(rounding_of, blocks):
            again.add(block.number, known)
    return ExactGram(sums.n, *sums.gram(), intercept=intercept), _total(again).norms(rounding.single)


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
        array = np.asarray(values)  # a plain view also of a memory map, whose slices take microseconds
    except ValueError:
        raise UsageError("a chunk's rows are of different lengths") from None
    if array.dtype.kind not in "fiub":
        raise UsageError(f"the data are of type {array.dtype}, not real numbers")
    return array


def _blocks(source: Source, rows_of: Callable[[int, Any], int] | None = None) -> Iterator[list[Block]]:
    """The rows in blocks; `rows_of`: how many for a number of columns and an array library."""
    chunks = _chunks(source)
    first = next(chunks)  # it raises for no rows
    host, p = isinstance(first[0], np.ndarray), first[0].shape[1]
    if rows_of is not None:
        rows = rows_of(p, np if host else import_module("torch"))
    else:
        rows = block_rows(p) if host else device_rows(p, source.size_bytes)
    return in_blocks(chain([first], chunks), rows, lasting=isinstance(source, Arrays))


def _total(tree: Tree[S]) -> S:
    total = tree.total()
    assert total is not None  # noqa: S101  # _chunks() has raised for no rows
    return total


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
