"""What models that are trained together share: the rows, the loss, and how much of the rows a product works on."""

import torch

CPU_ROOM = 2**18
"""Numbers a work array holds at most: 1 MiB of float32, a core's second cache (measured: less is slower)."""
CUDA_ROOM = 2**26
"""256 MiB of float32: only memory limits it there. Not yet measured on a device."""


class Models:
    """K models over the same rows X (n, p), y (n, 1)."""

    def __init__(self, X: torch.Tensor, y: torch.Tensor, models: int, loss: str, room: int | None) -> None:
        """`room`: numbers that a work array should hold at most, which sets rows a product."""
        self.X, self.y, self.models, self.loss = X, y, models, loss
        self.room = room or (CPU_ROOM if X.device.type == "cpu" else CUDA_ROOM)
