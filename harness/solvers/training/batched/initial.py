"""The initial weights of the loop, for many seeds."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from harness.problems.problem import Floats

if TYPE_CHECKING:
    import torch


def initial_parameters(build: "Callable[[], torch.nn.Module]", seeds: Sequence[int]) -> Floats:
    """The parameters (S, P) that `build` draws after torch.manual_seed of each seed, in the module's order.

    They are drawn in torch's default float32, as the loop does it, and cast: float64 holds them exactly.
    The global generator is put back.
    """
    import torch

    rows = []
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        for seed in seeds:
            torch.manual_seed(seed)
            rows.append(torch.cat([parameter.flatten() for parameter in build().parameters()]).double().numpy())
    return np.array(rows)
