"""The rows of Dask collections: summed where they are (`partitions`) and merged in a tree. None comes to the client."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import numpy as np

from harness.cores.tree import Sums, Tree
from harness.errors import CannotMeasureError, HarnessError, UsageError, said_by
from harness.problems.columns import Cell
from harness.solvers.streaming.arrays import joined
from harness.solvers.streaming.blocks import Block, block_rows
from harness.solvers.streaming.middles import Middles
from harness.solvers.streaming.partitions import AndSpread, Grid, LargestOf, cut_at, head_of, merged, part_of
from harness.solvers.streaming.rows import Rows, Table
from harness.solvers.streaming.sliced import SlicedGram
from harness.solvers.streaming.sources import SAMPLE_ROWS, Chunk

S = TypeVar("S", bound=Sums)
SPLIT_EVERY = 8
"""So many are merged at a time, as Dask's own reductions do."""


class DaskRows:
    """Partitions of X and y. `partitions`: each a list of delayed things of which `read` makes X (m, p) and y (m,).

    `lengths`: rows of each. With `p` columns, of these `names`; of which the first cell that was `rounded` is known.
    """

    rereadable = True

    def __init__(
        self,
        partitions: Sequence[Sequence[Any]],
        lengths: Sequence[int],
        read: Callable[[Any], Chunk],
        p: int,
        names: Sequence[str],
        rounded: Mapping[str, Cell],
    ) -> None:
        self._partitions, self._lengths, self._read = partitions, lengths, read
        self._p, self._names, self.rounded = p, tuple(names), rounded
        self._total = sum(lengths)
        if not self._total:
            raise UsageError("there are no rows to fit")

    def about(self, of: Callable[[Middles], Callable[[Block], S]]) -> tuple[Middles, S]:
        """The middles are found where the first rows are; rows from all over the data come with the sums.

        They come too late for the middles: then one more pass is made, as if they had been there before it.
        """
        from dask import delayed

        grid = self._grid(block_rows(self._p))
        heads, wanted = [], SAMPLE_ROWS
        for data, length in zip(self._partitions, self._lengths, strict=True):
            if length and wanted > 0:
                heads.append(delayed(head_of)(self._read, list(data), wanted))
                wanted -= length
        first = delayed(_middles, pure=False)(heads)
        both, found = self._reduced(delayed(_and_spread, pure=False)(of, first, grid), grid, first)
        spread = joined([both.rows[number] for number in sorted(both.rows)])
        if found.hold(spread):
            return found, both.sums
        found = Middles.of(spread)
        return found, self.total(of(found))

    def total(self, of: Callable[[Block], S], rows: Rows | None = None) -> S:
        """Tasks a partition, and a tree of merges."""
        return self._reduced(of, self._grid(block_rows(self._p) if rows is None else rows(self._p, np)))[0]

    def exact(self, table: Table, beside: Callable[[Block], S] | None = None) -> tuple[SlicedGram, S | None]:
        """Two passes: the largest entries of all blocks first, from which the fixed points follow as on one machine."""
        empty = table.sums(self._p, np)
        grid = self._grid(empty.rows)
        found: LargestOf = self._reduced(partial(LargestOf.of, table.largest, self._names), grid)[0]
        points = empty.fixed_points(found.exponents)
        sums: SlicedGram = self._reduced(partial(cut_at, points, table, self._p), grid)[0]
        return sums, None if beside is None else self._reduced(beside, grid)[0]

    def _grid(self, rows: int) -> Grid:
        return Grid(self._total, rows, self._p)

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
        assert not whole.pieces  # noqa: S101  # every block has become whole
        return tree.total(), also


def _middles(heads: Sequence[Chunk]) -> Middles:
    return Middles.of(joined(heads))


def _and_spread(
    of: Callable[[Middles], Callable[[Block], S]], middles: Middles, grid: Grid
) -> Callable[[Block], AndSpread[S]]:
    return partial(AndSpread.of, of(middles), grid)


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
    except KeyError as error:  # dask.dataframe's, of a part of a dataset
        raise UsageError(f"a partition cannot be read: {said_by(error)}: all need the same columns") from None
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
