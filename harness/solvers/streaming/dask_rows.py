"""The rows of Dask collections: summed where they are, by the same blocks as on one machine, and merged in a tree.

A block begins at a multiple of its rows, counted over all partitions, so that it may lie in two or more: what is left
over at a partition's ends travels to whoever merges it with its neighbours, and is summed there. No partition comes to
the client.
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
from harness.errors import CannotMeasureError, HarnessError, UsageError, said_by
from harness.problems.problem import Floats
from harness.solvers.streaming.blocks import Block, block_rows
from harness.solvers.streaming.rows import Rows, checked
from harness.solvers.streaming.sliced import Exponents, SlicedGram, exponents_of
from harness.solvers.streaming.sources import SAMPLE_ROWS, Chunk

S = TypeVar("S", bound=Sums)
G = TypeVar("G")
SPLIT_EVERY = 8
"""So many are merged at a time, as Dask's own reductions do."""


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

    def size(self, number: int) -> int:
        """Rows of a block."""
        return min(self.rows, self.total - number * self.rows)


def part_of(
    read: Callable[[Any], Chunk], data: Sequence[Any], place: tuple[int, int], of: Callable[[Block], S], grid: Grid
) -> Part[S]:
    """The sums over one partition, which is `place` = its number and its first row among all."""
    number, start = place
    try:
        X, y = _of_width(checked(*read(data), "it"), grid.p)
        tree: Tree[S] = Tree()
        found = Part(tree.nodes)
        with one_blas_thread():
            at = 0
            while at < len(X):
                block, offset = divmod(start + at, grid.rows)
                end = min(len(X), at + grid.size(block) - offset)
                rows = X[at:end], y[at:end]
                if end - at == grid.size(block):
                    tree.add(block, of(Block(block, *rows)))
                else:
                    found.pieces.setdefault(block, {})[offset] = (np.array(rows[0]), np.array(rows[1]))
                at = end
    except (UsageError, ValueError) as error:
        raise type(error)(f"partition {number}: {error}") from None
    return found


def _of_width(rows: Chunk, p: int) -> Chunk:
    if rows[0].shape[1] != p:
        raise UsageError(f"it has {rows[0].shape[1]} columns, and there should be {p}: all must have the same")
    return rows


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
        for number in [one for one, rows in pieces.items() if _count(rows) == grid.size(one)]:
            tree.add(number, of(Block(number, *_joined([rows for _, rows in sorted(pieces.pop(number).items())]))))
    return Part(tree.nodes, pieces)


@dataclass
class AndSpread(Generic[S]):
    """Sums, and rows that are evenly spaced over the data, by block."""

    sums: S
    rows: dict[int, Chunk]

    def absorb(self, other: Self) -> None:
        """Those of both."""
        self.sums.absorb(other.sums)
        self.rows |= other.rows


def _and_spread(of: Callable[[G], Callable[[Block], S]], guess: G, grid: Grid) -> Callable[[Block], AndSpread[S]]:
    return partial(_sums_and_spread, of(guess), grid)


def _sums_and_spread(of: Callable[[Block], S], grid: Grid, block: Block) -> AndSpread[S]:
    step = -(-grid.total // SAMPLE_ROWS)
    first = -(block.number * grid.rows) % step
    return AndSpread(of(block), {block.number: (np.array(block.X[first::step]), np.array(block.y[first::step]))})


@dataclass
class LargestOf:
    """The exponents of the largest entries of each column, by block; of those that exceed all before them."""

    exponents: dict[int, Exponents]

    def absorb(self, other: Self) -> None:
        """Those of both: what an earlier block has as large already moves no fixed point."""
        every, most = self.exponents | other.exponents, np.array(-(2**62))
        self.exponents = {}
        for number, found in sorted(every.items()):
            if (found > most).any():
                self.exponents[number] = found
                most = np.maximum(most, found)


def check_finite(largest: Floats, names: Sequence[str]) -> None:
    """Raises ValueError with the name of the first column whose `largest` magnitude is not finite.

    `names` are of the last columns, before which there may be one of ones.
    """
    wrong = np.flatnonzero(~np.isfinite(largest))
    if len(wrong):
        raise ValueError(f"column '{names[wrong[0] - len(largest)]}' holds NaN or infinite values")


def _largest(largest: Callable[[Block], Floats], names: Sequence[str], block: Block) -> LargestOf:
    found = largest(block)
    check_finite(found, names)
    return LargestOf({block.number: exponents_of(found)})


def _cut(
    make: Callable[[int, Any], SlicedGram],
    p: int,
    table: Callable[[Block], Any],
    points: Sequence[tuple[int, Exponents]],
    block: Block,
) -> SlicedGram:
    """The error-free sums of a block at its fixed points, those of the last number up to its own."""
    sums = make(p, np)
    sums.add_at(points[bisect_right([number for number, _ in points], block.number) - 1][1], table(block))
    return sums


def _guessed(guess: Callable[[Chunk], G], heads: Sequence[Chunk]) -> G:
    return guess(_joined(heads))


def _head(read: Callable[[Any], Chunk], data: Any, rows: int) -> Chunk:
    X, y = checked(*read(data), "the first partition")
    return np.array(X[:rows]), np.array(y[:rows])


def _joined(parts: Sequence[Chunk]) -> Chunk:
    X, y = (np.concatenate(each) for each in zip(*parts, strict=True))
    return X, y


def _count(rows: dict[int, Chunk]) -> int:
    return sum(len(y) for _, y in rows.values())


class DaskRows:
    """Partitions of X and y. `partitions`: each a list of delayed things of which `read` makes X (m, p) and y (m,).

    `lengths`: rows of each. With `p` columns, of these `names`.
    """

    rereadable = True

    def __init__(
        self,
        partitions: Sequence[Sequence[Any]],
        lengths: Sequence[int],
        read: Callable[[Any], Chunk],
        p: int,
        names: Sequence[str],
    ) -> None:
        self._partitions, self._lengths, self._read = partitions, lengths, read
        self._p, self._names = p, tuple(names)
        self._total = sum(lengths)
        if not self._total:
            raise UsageError("there are no rows to fit")

    def about(
        self, guess: Callable[[Chunk], G], holds: Callable[[G, Chunk], bool], of: Callable[[G], Callable[[Block], S]]
    ) -> tuple[G, S]:
        """The guess is made where the first rows are; those from all over the data come with the sums.

        They come too late for the guess: then one more pass is made, as if they had been there before it.
        """
        from dask import delayed

        grid = Grid(self._total, block_rows(self._p), self._p)
        heads, wanted = [], SAMPLE_ROWS
        for data, length in zip(self._partitions, self._lengths, strict=True):
            if length and wanted > 0:
                heads.append(delayed(_head)(self._read, list(data), wanted))
                wanted -= length
        first = delayed(_guessed, pure=False)(guess, heads)
        both, found = self._reduced(delayed(_and_spread, pure=False)(of, first, grid), grid, first)
        spread = _joined([both.rows[number] for number in sorted(both.rows)])
        if holds(found, spread):
            return found, both.sums
        found = guess(spread)
        return found, self.total(of(found))

    def total(self, of: Callable[[Block], S], rows: Rows | None = None) -> S:
        """Tasks a partition, and a tree of merges."""
        grid = Grid(self._total, block_rows(self._p) if rows is None else rows(self._p, np), self._p)
        return self._reduced(of, grid)[0]

    def exact(
        self,
        make: Callable[[int, Any], SlicedGram],
        largest: Callable[[Block], Floats],
        table: Callable[[Block], Any],
        beside: Callable[[Block], S] | None = None,
    ) -> tuple[SlicedGram, S | None]:
        """Two passes: the largest entries of all blocks first, from which the fixed points follow as on one machine."""
        grid = Grid(self._total, make(self._p, np).rows, self._p)
        found: LargestOf = self._reduced(partial(_largest, largest, self._names), grid)[0]
        points = make(self._p, np).fixed_points(found.exponents)
        sums: SlicedGram = self._reduced(partial(_cut, make, self._p, table, points), grid)[0]
        return sums, None if beside is None else self._reduced(beside, grid)[0]

    def _reduced(self, of: Callable[[Block], S] | Any, grid: Grid, beside: Any = None) -> tuple[S, Any]:
        """The sums of `of`, which may be delayed, and what `beside` comes to."""
        from dask import delayed

        part, merge = delayed(part_of, pure=False), delayed(merged, pure=False)
        starts = np.concatenate([[0], np.cumsum(self._lengths)]).tolist()
        places = list(enumerate(starts[:-1]))
        level = [
            part(self._read, list(data), place, of, grid)
            for data, place, length in zip(self._partitions, places, self._lengths, strict=True)
            if length
        ]
        while True:
            level = [merge(level[i : i + SPLIT_EVERY], of, grid) for i in range(0, len(level), SPLIT_EVERY)]
            if len(level) == 1:
                break
        whole, also = computed([*level, beside])
        tree: Tree[S] = Tree()
        tree.nodes = whole.nodes
        total = tree.total()
        assert total is not None  # noqa: S101  # there are rows
        assert not whole.pieces  # noqa: S101  # every block has become whole
        return total, also


def computed(delayed: Sequence[Any]) -> tuple[Any, ...]:
    """What is delayed, by the scheduler that Dask is set to; what goes wrong there as one line.

    Raises UsageError and ValueError as they were raised in a partition; UsageError for what cannot be read,
    CannotMeasureError where workers die of it or have no memory for it.
    """
    import dask

    try:
        return tuple(dask.compute(*delayed))
    except (HarnessError, ValueError):
        raise
    except ImportError as error:  # of a file system, which fsspec loads when it is asked for
        raise CannotMeasureError(f"a partition cannot be read: {error}") from None
    except OSError as error:
        raise UsageError(f"a partition cannot be read: {said_by(error)}") from None
    except MemoryError as error:
        raise CannotMeasureError(
            f"a worker has no memory for a partition: {said_by(error)}: make them smaller"
        ) from None
    except Exception as error:
        if type(error).__name__ == "KilledWorker":
            raise CannotMeasureError(
                f"workers died of a partition, one after the other ({said_by(error)}): give them more memory, or make "
                "the partitions smaller"
            ) from None
        raise
