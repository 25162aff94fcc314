"""The draws that a training begins with, the same on every device, and without a trace in the process's generators."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """What torch draws on the CPU inside is what it draws after torch.manual_seed(seed); afterwards as if it had not.

    Initial weights are drawn on the CPU. torch.manual_seed would seed the generators of all devices too, which nobody
    puts back: the CPU's alone is seeded.
    """
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield
