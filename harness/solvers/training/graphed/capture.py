"""Recording of steps as a CUDA graph, as torch's notes on CUDA semantics say (Whole-network capture)."""

import time
from collections.abc import Callable
from typing import Protocol

import torch

from harness.solvers.training.graphed.steps import Steps


class Recorded(Protocol):
    """Work that can be repeated."""

    def replay(self) -> None:
        """Do it all again, on the same memory."""


Recorder = Callable[[Steps], Recorded]


def cuda_graph(steps: Steps) -> Recorded:
    """Warm up on a side stream, then record all steps; nothing is run while it is recorded.

    The parameters are somewhere else afterwards: reset the steps before the first replay.
    """
    with torch.cuda.device(steps.X.device):
        side, current = torch.cuda.Stream(), torch.cuda.current_stream()
        side.wait_stream(current)
        with torch.cuda.stream(side):
            steps.warm_up()
        current.wait_stream(side)
        graph: Recorded = torch.cuda.CUDAGraph()
        steps.settle()
        # Other threads may ask CUDA for memory meanwhile, as jax's do: only this one's calls must be capturable.
        with torch.cuda.graph(graph, capture_error_mode="thread_local"):
            steps.run()
    return graph


def timed(record: Recorder, steps: Steps) -> tuple[Recorded, float]:
    """What was recorded, and the wall seconds that it took until the device was done."""
    before = time.perf_counter()
    recorded = record(steps)
    if steps.X.is_cuda:
        torch.cuda.synchronize(steps.X.device)
    return recorded, time.perf_counter() - before
