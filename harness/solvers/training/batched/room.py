"""How much of the rows a product works on at once."""

import torch

CPU_ROOM = 2**18
"""Numbers a work array holds at most: 1 MiB of float32, a core's second cache (measured: less is slower)."""
CUDA_ROOM = 2**26
"""256 MiB of float32: only memory limits it there. Not yet measured on a device."""


def default_room(like: torch.Tensor) -> int:
    """The room on a tensor's device."""
    return CPU_ROOM if like.device.type == "cpu" else CUDA_ROOM
