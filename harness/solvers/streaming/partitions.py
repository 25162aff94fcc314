"""Sums over one partition of a Dask collection, by the same blocks as on one machine, and how partitions are merged.

A block begins at a multiple of its rows, counted over all partitions, so that it may lie in two or more: what is left
over at a partition's ends travels to whoever merges it with its neighbours, and is summed there.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, Self, TypeVar

import numpy as np

from harness.cores.blas import one_blas_thread
from harness.cores.tree import Sums, Tree
from harness.errors import UsageError
from harness.problems.problem import Floats
from harness.solvers.streaming.arrays import joined
from harness.solvers.streaming.blocks import Block, cuts
from harness.solvers.streaming.rows import Table, checked
from harness.solvers.streaming.sliced import SlicedGram
from harness.solvers.streaming.slices import Exponents, check_finite, exponents_of
from harness.solvers.streaming.sources import SAMPLE_ROWS, Chunk

S = TypeVar("S", bound=Sums)


@dataclass
class Part(Generic[S]):
    """Sums of the whole blocks of some partitions that follow each other, and rows of blocks that are not whole yet.

    `pieces`: by a block's number, X and y by their places in it.
    """

    nodes: dict[tuple[int, int], S]
    pieces: dict[int, dict[int, Chunk]] = field(default_factory=dict)


@dataclass(frozen=True)
class Grid:
    """The blocks of `total` rows of `p` columns, `rows` each but for the last one."""

    total: int
    rows: int
    p: int

    def is_whole(self, number: int, count: int) -> bool:
        """Whether so many rows of a block are all of it."""
        return count == min(self.rows, self.total - number * self.rows)


def part_of(
    read: Callable[[Any], Chunk], data: Sequence[Any], place: tuple[int, int], of: Callable[[Block], S], grid: Grid
) -> Part[S]:
    """The sums over one partition, which is `place` = its number and its first row among all."""
    number, start = place
    tree: Tree[S] = Tree()
    found = Part(tree.nodes)
    try:
        X, y = _of_width(grid.p, *checked(*read(data), "it"))
        with one_blas_thread():
            for block, offset, which in cuts(start, len(X), grid.rows):
                rows = X[which], y[which]
                if grid.is_whole(block, len(rows[1])):
                    tree.add(block, of(Block(block, *rows)))
                else:
                    found.pieces.setdefault(block, {})[offset] = _copied(*rows)
                    if isinstance(of, partial) and of.func == LargestOf.of:
                        of(Block(block, *rows))  # what is not finite is named with its partition, which is known here
    except (UsageError, ValueError) as error:
        raise type(error)(f"partition {number}: {error}") from None
    return found


def _of_width(p: int, X: Any, y: Any) -> Chunk:
    if X.shape[1] != p:
        raise UsageError(f"it has {X.shape[1]} columns, and there should be {p}: all must have the same")
    return X, y


def merged(parts: Sequence[Part[S]], of: Callable[[Block], S], grid: Grid) -> Part[S]:
    """Of several that follow each other; what has become whole is summed. The parts stay as they are."""
    tree: Tree[S] = Tree()
    pieces: dict[int, dict[int, Chunk]] = {}
    for part in parts:
        for (level, number), sums in part.nodes.items():
            tree.add(number, deepcopy(sums), level)
        for number, rows in part.pieces.items():
            pieces.setdefault(number, {}).update(rows)
    with one_blas_thread():
        for number, rows in list(pieces.items()):
            if grid.is_whole(number, sum(len(y) for _, y in rows.values())):
                tree.add(number, of(Block(number, *joined([piece for _, piece in sorted(rows.items())]))))
                del pieces[number]
    return Part(tree.nodes, pieces)


@dataclass
class AndSpread(Generic[S]):
    """Sums, and rows that are evenly spaced over the data, by block."""

    sums: S
    rows: dict[int, Chunk]

    @classmethod
    def of(cls, of: Callable[[Block], S], grid: Grid, block: Block) -> Self:
        """Of a block."""
        step = -(-grid.total // SAMPLE_ROWS)
        first = -(block.number * grid.rows) % step
        return cls(of(block), {block.number: _copied(block.X[first::step], block.y[first::step])})

    def absorb(self, other: Self) -> None:
        """Those of both."""
        self.sums.absorb(other.sums)
        self.rows |= other.rows


@dataclass
class LargestOf:
    """The exponents of the largest entries of each column, by block; of those that exceed all before them."""

    exponents: dict[int, Exponents]

    @classmethod
    def of(cls, largest: Callable[[Block], Floats], names: Sequence[str], block: Block) -> Self:
        """Of a block. Raises ValueError with the name of a column that holds NaN or infinity."""
        found = largest(block)
        check_finite(found, names)
        return cls({block.number: exponents_of(found)})

    def absorb(self, other: Self) -> None:
        """Those of both: what an earlier block has as large already moves no fixed point."""
        every, most = self.exponents | other.exponents, np.array(-(2**62))
        self.exponents = {}
        for number, found in sorted(every.items()):
            if (found > most).any():
                self.exponents[number] = found
                most = np.maximum(most, found)


def cut_at(points: Sequence[tuple[int, Exponents]], table: Table, p: int, block: Block) -> SlicedGram:
    """The error-free sums of a block at its fixed points, those of the last number up to its own."""
    sums = table.sums(p, np)
    sums.add_at(points[bisect_right([number for number, _ in points], block.number) - 1][1], table.of(block))
    return sums


def head_of(read: Callable[[Any], Chunk], data: Any, rows: int) -> Chunk:
    """The first rows of a partition."""
    X, y = checked(*read(data), "the first partition")
    return _copied(X[:rows], y[:rows])


def _copied(X: Any, y: Any) -> Chunk:
    return np.array(X), np.array(y)
