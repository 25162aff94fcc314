"""Rows less a shift, in blocks that stay in the cache, on the host or where the tensors are."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from harness.problems.problem import Floats
from harness.solvers.streaming.folded import BATCH_ROWS

BLOCK_BYTES = 2**20
"""Of a core's L2 cache; measured at p = 10, 50 and 500, blocks of 0.5 to 2 MB are within a tenth of each other."""
LEAST_DEVICE_BYTES, MOST_DEVICE_BYTES = 2**28, 2**30
"""Of a device's block: a block costs a dozen launches of some 10 us, and 256 MiB are read in 60 us at 4.8 TB/s (NVIDIA
H200 data sheet); above 1 GiB launches are nothing any more, and memory is short. Not yet measured on a device."""
LEAST_BLOCK_BYTES = 2**16
SHARE = 16
"""A block is at most a sixteenth of X, so that the extra memory stays below a tenth of it."""
INNER = 320
"""Numbers per inner loop of the subtraction: numpy is slow where the last axis is short, so rows go together."""


def block_rows(p: int, size_bytes: int | None, most: int = BLOCK_BYTES) -> int:
    """Rows of a block: `most` bytes of them, fewer if X is small."""
    room = most if size_bytes is None else min(most, max(LEAST_BLOCK_BYTES, size_bytes // SHARE))
    together = max(1, INNER // p)
    return max(1, room // (8 * p) // together) * together


def device_rows(columns: int, size_bytes: int | None) -> int:
    """Rows of a block on a device, whole batches of a product: a sixteenth of X, 256 MiB at least and 1 GiB at most."""
    room = min(MOST_DEVICE_BYTES, max(LEAST_DEVICE_BYTES, (size_bytes or 0) // SHARE))
    return max(1, room // (8 * columns) // BATCH_ROWS) * BATCH_ROWS


class HostBlocks:
    """Blocks of numpy arrays of any dtype and layout; C-contiguous float64 is the fast one."""

    def __init__(self, p: int, size_bytes: int | None) -> None:
        """`size_bytes` of X, where it is known."""
        self.rows = block_rows(p, size_bytes)
        self._together = max(1, INNER // p)
        self._block = np.empty((self.rows, p))
        self._y = np.empty(self.rows)

    def of(self, X: Any, y: Any, shift: Floats | None, y_shift: float) -> Iterator[tuple[Floats, Floats]]:
        """X (m, p) less `shift` (p,), y (m,) less `y_shift`, valid until the next; X itself without a shift."""
        tiled = None if shift is None else np.tile(shift, self._together)
        for start in range(0, len(X), self.rows):
            rows = X[start : start + self.rows]
            # dtype: float32 less a Python float would be float32
            t = np.subtract(y[start : start + self.rows], y_shift, out=self._y[: len(rows)], dtype=np.float64)
            B = self._block[: len(rows)]
            if shift is None or tiled is None:
                if rows.dtype == np.float64:
                    B = np.asarray(rows)
                else:
                    np.copyto(B, rows)
            elif len(rows) % self._together == 0 and rows.flags.c_contiguous:
                wide = (len(rows) // self._together, len(tiled))
                np.subtract(rows.reshape(wide), tiled, out=B.reshape(wide), dtype=np.float64)
            else:
                np.subtract(rows, shift, out=B, dtype=np.float64)
            yield B, t


class DeviceBlocks:
    """Blocks of torch tensors, float64, where the tensors are."""

    def __init__(self, p: int, size_bytes: int | None) -> None:
        """As HostBlocks."""
        self.rows = device_rows(p, size_bytes)

    def of(self, X: Any, y: Any, shift: Floats | None, y_shift: float) -> Iterator[tuple[Any, Any]]:
        """As HostBlocks.of."""
        import torch

        moved = None if shift is None else torch.as_tensor(shift, device=X.device)
        for start in range(0, len(X), self.rows):
            B = X[start : start + self.rows].to(torch.float64)
            t = y[start : start + self.rows].to(torch.float64) - y_shift
            yield (B if moved is None else B - moved), t
