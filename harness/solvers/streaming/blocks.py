"""Rows in numbered blocks that stay in the cache, less a shift, on the host or where the tensors are."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from threading import local
from typing import Any

import numpy as np

from harness.problems.problem import Floats
from harness.solvers.streaming.arrays import joined, library_of, like
from harness.solvers.streaming.folded import BATCH_ROWS
from harness.solvers.streaming.moments import FOLDED
from harness.solvers.streaming.sources import Chunk

BLOCK_BYTES, MOST_BLOCK_BYTES = 3 * 2**18, 2**22
"""Of a core's L2 cache; measured at p = 10 and 50, blocks of 0.5 to 2 MB are within a tenth of each other on one
thread, and two that take smaller ones wait for the interpreter's lock. With many columns larger blocks save sums."""
PER_SUMS = 2
"""Of the p² sums, so that adding them to others is little beside them."""
BYTES_A_THREAD = 20 * BLOCK_BYTES
"""Of X, at least: so that the threads' blocks together stay below a tenth of it, and less is done in a millisecond."""
LEAST_DEVICE_BYTES, MOST_DEVICE_BYTES = 2**28, 2**30
"""Of a device's block: a block costs a dozen launches of some 10 us, and 256 MiB are read in 60 us at 4.8 TB/s (NVIDIA
H200 data sheet); above 1 GiB launches are nothing any more, and memory is short. Not yet measured on a device."""
SHARE = 16
"""A block on a device is at most a sixteenth of X, so that the extra memory stays below a tenth of it."""


@dataclass(frozen=True)
class Block:
    """The rows from `number` times the rows of a block on: X (m, p), y (m,)."""

    number: int
    X: Any
    y: Any


def block_rows(p: int) -> int:
    """Rows of a block of host memory: of the number of columns and nothing else, so that the sums are too."""
    room = min(MOST_BLOCK_BYTES, max(BLOCK_BYTES, PER_SUMS * 8 * p * p))
    together = max(1, FOLDED // p)
    return max(1, room // (8 * p) // together) * together


def device_rows(columns: int, size_bytes: int | None) -> int:
    """Rows of a block on a device, whole batches of a product: a sixteenth of X, 256 MiB at least and 1 GiB at most."""
    room = min(MOST_DEVICE_BYTES, max(LEAST_DEVICE_BYTES, (size_bytes or 0) // SHARE))
    return max(1, room // (8 * columns) // BATCH_ROWS) * BATCH_ROWS


def cuts(first: int, count: int, rows: int) -> Iterator[tuple[int, int, slice]]:
    """Where `count` rows from number `first` on lie in blocks of `rows`: the block, the place in it, and which rows."""
    start = 0
    while start < count:
        number, place = divmod(first + start, rows)
        end = min(count, start + rows - place)
        yield number, place, slice(start, end)
        start = end


def in_blocks(chunks: Iterable[Chunk], rows: int, *, lasting: bool) -> Iterator[list[Block]]:
    """The rows of all chunks in blocks of `rows`, the last one shorter, wherever a chunk ends: so sums do not tell.

    A list a chunk, to be used up before the next one is asked for: the memory may be the source's again then. Not so
    if `lasting`; else what begins a block that the next chunk ends is copied.
    """
    done = 0
    held: list[Chunk] = []
    for X, y in chunks:
        full: list[Block] = []
        for number, place, which in cuts(done, len(X), rows):
            part = X[which], y[which]
            if place + len(part[0]) == rows:
                full.append(Block(number, *joined([*held, part])))
                held = []
            else:
                held.append(part if lasting else (_copied(part[0]), _copied(part[1])))
        done += len(X)
        yield full
    if held:
        yield [Block(done // rows, *joined(held))]


def _copied(part: Any) -> Any:
    return part.copy() if isinstance(part, np.ndarray) else part.clone()


def _plain(X: Any) -> bool:
    """Whether BLAS takes it as it is; not so where it lies at an odd address, as what came in a message does."""
    return bool(X.flags.c_contiguous and X.flags.aligned)


class Shifted:
    """Blocks less a shift in float64: of numpy arrays of any dtype and layout, or of torch tensors, where those are.

    C-contiguous float64 is the fast one.
    """

    def __init__(self, shift: Floats | None, y_shift: float) -> None:
        """`shift` (p,), None for none, and `y_shift`."""
        self._shift, self._y_shift = shift, y_shift
        self._moved: Any = None
        self._own = local()
        self._tiled = None if shift is None else np.tile(shift, max(1, FOLDED // len(shift)))

    def __reduce__(self) -> tuple[Any, ...]:
        """To another process without the memory of this one's threads."""
        return Shifted, (self._shift, self._y_shift)

    def of(self, block: Block) -> tuple[Any, Any]:
        """X (m, p) less the shift, X itself without one; and (m, 2): y less its own shift, and ones.

        Valid until this thread's next call.
        """
        if isinstance(block.X, np.ndarray):
            return self._on_host(block.X, block.y)
        float64 = library_of(block.X).float64
        B = block.X.to(float64)
        T = self._room("y", 2 * len(B), lambda size: B.new_ones(size, dtype=float64)).reshape(-1, 2)
        T[:, 0] = block.y.to(float64) - self._y_shift
        if self._shift is None:
            return B, T
        self._moved = like(self._shift, B) if self._moved is None else self._moved
        return B - self._moved, T

    def _on_host(self, X: Any, y: Any) -> tuple[Floats, Floats]:
        # dtype: float32 less a Python float would be float32
        T = self._room("y", 2 * len(y), np.ones).reshape(-1, 2)
        np.subtract(y, self._y_shift, out=T[:, 0], dtype=np.float64)
        # Others are copied: so the answer does not depend on the layout either.
        if self._tiled is None and X.dtype == np.float64 and X.dtype.isnative and _plain(X):
            return np.asarray(X), T
        B = self._room("X", X.size).reshape(X.shape)
        if self._shift is None or self._tiled is None:
            np.copyto(B, X)
        elif X.size % len(self._tiled) == 0 and X.flags.c_contiguous:
            wide = (-1, len(self._tiled))  # numpy is slow where the last axis is short, so rows go together
            np.subtract(X.reshape(wide), self._tiled, out=B.reshape(wide), dtype=np.float64)
        else:
            np.subtract(X, self._shift, out=B, dtype=np.float64)
        return B, T

    def _room(self, name: str, size: int, made: Callable[[int], Any] = np.empty) -> Any:
        """Memory of this thread for so many numbers."""
        room = getattr(self._own, name, None)
        if room is None or len(room) < size:
            room = made(size)
            setattr(self._own, name, room)
        return room[:size]
