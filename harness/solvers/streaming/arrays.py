"""What is done alike to numpy's arrays and to torch's tensors, where these are."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np

from harness.problems.problem import Floats
from harness.solvers.streaming.sources import Chunk


def library_of(values: Any) -> Any:
    """numpy, or torch: what makes more of the kind."""
    return np if isinstance(values, np.ndarray) else import_module("torch")


def on_host(values: Any) -> Any:
    """A numpy array of what may be on a device."""
    return np.asarray(values.cpu() if hasattr(values, "cpu") else values)


def like(values: Floats, B: Any) -> Any:
    """A host vector where the block is; the device is waited for."""
    return values if isinstance(B, np.ndarray) else B.new_tensor(values, dtype=import_module("torch").float64)


def dot(A: Any, B: Any) -> Any:
    """The product; of numpy arrays as other threads may run it at the same time."""
    return np.dot(A, B) if isinstance(A, np.ndarray) else A @ B


def joined(parts: Sequence[Chunk]) -> Chunk:
    """The rows of all parts, which are of one library."""
    if len(parts) == 1:
        return parts[0]
    X, y = map(library_of(parts[0][0]).concatenate, zip(*parts, strict=True))
    return X, y
