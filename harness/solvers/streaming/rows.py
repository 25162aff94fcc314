"""Sums over all rows of a source, block by block on this machine's cores."""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Any, Protocol, TypeVar

import numpy as np

from harness.cores.crew import Crew
from harness.cores.tree import Sums, Tree
from harness.errors import UsageError
from harness.problems.columns import Cell, first_rounded
from harness.problems.problem import Floats
from harness.solvers.streaming.arrays import joined, library_of, on_host
from harness.solvers.streaming.blocks import Block, block_rows, device_rows, in_blocks
from harness.solvers.streaming.middles import Middles
from harness.solvers.streaming.sliced import SlicedGram
from harness.solvers.streaming.sources import SAMPLE_ROWS, Arrays, Chunk, Source

S = TypeVar("S", bound=Sums)
Rows = Callable[[int, Any], int]
"""How many rows a block has, for a number of columns and an array library; None: as `blocks` has it."""


class Table(Protocol):
    """What of a block is summed without rounding."""

    def sums(self, p: int, xp: Any) -> SlicedGram:
        """Room for the sums over blocks of p columns that are arrays of `xp`."""

    def of(self, block: Block) -> Any:
        """Its columns (m, columns), float64."""

    def largest(self, block: Block) -> Floats:
        """Their largest magnitudes, as `slices.largest_of` has them."""


class Passes(Protocol):
    """What least squares needs of its rows, wherever these are: X (n, p) and y (n,), read as often as `rereadable`.

    Functions that are given are pure and can be pickled; blocks are numbered over all rows, so that no sum depends on
    who makes it.
    """

    @property
    def rereadable(self) -> bool:
        """Whether more than once."""

    def about(self, of: Callable[[Middles], Callable[[Block], S]]) -> tuple[Middles, S]:
        """The Middles of the first SAMPLE_ROWS rows, and `total` of what `of` makes of them.

        Where they do not hold for SAMPLE_ROWS rows from all over the data, evenly spaced, they are those of these.
        Raises UsageError for no rows.
        """

    def total(self, of: Callable[[Block], S], rows: Rows | None = None) -> S:
        """The sums over all blocks, added in pairs by their numbers (harness.cores.tree)."""

    def exact(self, table: Table, beside: Callable[[Block], S] | None = None) -> tuple[SlicedGram, S | None]:
        """The error-free sums of a table of the rows; and those of `beside`, in the same pass where that is cheap."""


class Local:
    """The rows of a source, on the threads of a crew."""

    def __init__(self, source: Source, crew: Crew) -> None:
        self._source, self._crew = source, crew
        self.rereadable = source.rereadable
        self.rounded: dict[str, Cell] = getattr(source, "rounded", {})

    def about(self, of: Callable[[Middles], Callable[[Block], S]]) -> tuple[Middles, S]:
        """Rows from all over the data are looked at before the pass, where the source has them."""
        found, spread = Middles.of(self._first()), self._source.sample()
        if spread is not None and not found.hold(spread := (array(spread[0]), array(spread[1]))):
            found = Middles.of(spread)
        return found, self.total(of(found))

    def _first(self) -> Chunk:
        """However the source cuts them: a tensor's, or as many as a sample has."""
        heads = [next(chunks := chunks_of(self._source, self.rounded))]
        count = len(heads[0][0])
        while isinstance(heads[0][0], np.ndarray) and count < SAMPLE_ROWS and (more := next(chunks, None)):
            heads.append((more[0].copy(), more[1].copy()))
            count += len(more[0])
        return joined(heads)

    def total(self, of: Callable[[Block], S], rows: Rows | None = None) -> S:
        """Blocks shared out over the threads."""
        tree: Tree[S] = Tree()
        for blocks in self._blocks(rows):
            self._add(tree, of, blocks)
        return tree.total()

    def exact(self, table: Table, beside: Callable[[Block], S] | None = None) -> tuple[SlicedGram, S | None]:
        """Blocks shared out over the threads, in one pass."""
        sums: SlicedGram | None = None
        tree: Tree[S] = Tree()
        for blocks in self._blocks(lambda p, xp: table.sums(p, xp).rows):
            if blocks:
                sums = sums or table.sums(blocks[0].X.shape[1], library_of(blocks[0].X))
                sums.add_all(self._crew, blocks, table.largest, table.of)
            if beside is not None:
                self._add(tree, beside, blocks)
        assert sums is not None  # noqa: S101  # chunks_of() has raised for no rows
        return sums, None if beside is None else tree.total()

    def _add(self, tree: Tree[S], of: Callable[[Block], S], blocks: list[Block]) -> None:
        for block, sums in self._crew.results(of, blocks):
            tree.add(block.number, sums)

    def _blocks(self, rows_of: Rows | None) -> Iterator[list[Block]]:
        chunks = chunks_of(self._source, self.rounded)
        first = next(chunks)  # it raises for no rows
        xp, p = library_of(first[0]), first[0].shape[1]
        if rows_of is not None:
            rows = rows_of(p, xp)
        else:
            rows = block_rows(p) if xp is np else device_rows(p, self._source.size_bytes)
        return in_blocks(chain([first], chunks), rows, lasting=isinstance(self._source, Arrays))


def chunks_of(source: Source, rounded: dict[str, Cell]) -> Iterator[Chunk]:
    """The source's chunks as arrays that fit together; `rounded` gets what `first_rounded` finds, by column.

    Raises UsageError for no rows, other widths, no numbers.
    """
    width = rows = 0
    names = source.names if isinstance(source, Arrays) else ()
    for chunk in source.chunks():
        if not isinstance(chunk, tuple | list) or len(chunk) != 2:  # noqa: PLR2004
            raise UsageError(f"a chunk is a pair, X (m, p) and y (m,), not {type(chunk).__name__}")
        X, y = checked(*chunk)
        if width and X.shape[1] != width:
            raise UsageError(f"the chunks have {width} and {X.shape[1]} columns: all must have the same")
        for name, cell in rounded_chunk(X, y, names, rows).items():
            rounded.setdefault(name, cell)
        width, rows = X.shape[1], rows + len(X)
        if len(X):
            yield X, y
    if not rows:
        raise UsageError("there are no rows to fit")


def rounded_chunk(X: Any, y: Any, names: Sequence[str] = (), before: int = 0) -> dict[str, Cell]:
    """Of each column of whole numbers, by name or number, the first that is no float64; `before`: rows before these."""
    found = {}
    for j, column in enumerate([*(X.T if may_round(X) else ()), *([y] if may_round(y) else ())]):
        whole = on_host(column)
        place = j if may_round(X) else X.shape[1]
        name = names[place] if names else str(j) if place < X.shape[1] else "y"
        found[name] = first_rounded(whole, whole.astype(np.float64), before)
    return {name: cell for name, cell in found.items() if cell is not None}


def may_round(values: Any) -> bool:
    """Whether the entries are whole numbers of 64 bits."""
    return str(values.dtype).endswith("int64")


def checked(X: Any, y: Any, what: str = "a chunk") -> Chunk:
    """X (m, p) and y (m,) as arrays or tensors of a device. Raises UsageError where they are not such."""
    X, y = array(X, what), array(y, what)
    if X.ndim != 2 or y.ndim != 1 or len(X) != len(y):  # noqa: PLR2004
        raise UsageError(f"{what} is X (m, p) and y (m,), not {tuple(X.shape)} and {tuple(y.shape)}")
    if not X.shape[1]:
        raise UsageError("there are no columns to fit")
    return X, y


def array(values: Any, what: str = "a chunk") -> Any:
    """A numpy array of real numbers, without a copy where there is one already; a tensor of a device as it is."""
    if type(values).__module__.partition(".")[0] == "torch":
        if values.device.type != "cpu":
            return values
        values = values.detach().numpy()
    try:
        found = np.asarray(values)  # a plain view also of a memory map, whose slices take microseconds
    except ValueError:
        raise UsageError(f"{what}'s rows are of different lengths") from None
    if found.dtype.kind not in "fiub":
        raise UsageError(f"the data are of type {found.dtype}, not real numbers")
    return found
