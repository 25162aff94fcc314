"""Sums of first and second moments over streamed rows, about a shift that is near the mean."""

from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from harness.problems.problem import Floats
from harness.solvers.streaming.folded import folded_product


def like(values: Floats, B: Any) -> Any:
    """A host vector where the block is; the device is waited for."""
    return values if isinstance(B, np.ndarray) else B.new_tensor(values)


def ones_like(B: Any) -> Any:
    """(m,) ones for the rows of a block, made where it is."""
    return np.ones(len(B)) if isinstance(B, np.ndarray) else B.new_ones(len(B))


@dataclass(frozen=True)
class Moments:
    """Sums over n rows of x - shift and y - y_shift, float64 on the host.

    gram (p, p), xy (p,) and yy: second moments; x_sum (p,) and y_sum: first ones.
    """

    n: int
    shift: Floats
    y_shift: float
    gram: Floats
    xy: Floats
    yy: float
    x_sum: Floats
    y_sum: float


class MomentSums:
    """Accumulates blocks that have been shifted already, numpy arrays or tensors of one device."""

    def __init__(self) -> None:
        self.n = 0
        self._sums: list[Any] = [0.0] * 5
        self._ones: Any = np.ones(0)

    def add(self, B: Any, t: Any) -> None:
        """B (m, p), t (m,). On a device nothing is waited for."""
        if len(self._ones) < len(B):
            self._ones = ones_like(B)
        ones = self._ones[: len(B)]  # a product: numpy's sum over the first axis is slow where the last is short
        parts: tuple[Any, ...]
        if isinstance(B, np.ndarray):
            # In this order the block is still in the cache where the cheap sums read it again.
            parts = (B.T @ B, t @ B, t @ t, ones @ B, t.sum())
        else:
            E = import_module("torch").stack([t, ones], 1)
            of_both = folded_product(B, E)
            parts = (folded_product(B, B), of_both[:, 0], t @ t, of_both[:, 1], t.sum())
        for k, part in enumerate(parts):
            self._sums[k] += part
        self.n += len(B)

    def moments(self, shift: Floats | None, y_shift: float) -> Moments:
        """What has been added so far, copied to the host."""
        gram, xy, yy, x_sum, y_sum = (np.asarray(v.cpu() if hasattr(v, "cpu") else v) for v in self._sums)
        known = np.zeros(len(xy)) if shift is None else shift
        return Moments(self.n, known, y_shift, gram, xy, float(yy), x_sum, float(y_sum))
