"""What it costs to bring arrays to a device and a result back, apart from any work on them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from harness.timing.clock import Clock
from harness.timing.device import synchronizer
from harness.timing.sampling import Effort, Samples, Work, sample_interleaved

COPIES = Effort(warm_up_calls=1, min_calls=5, max_calls=15, budget_s=0.1)
"""A copy has less to vary than a fit: at least 5, until a tenth of a second of them or 15."""


@dataclass(frozen=True)
class Transfer:
    """Samples of copies to the device and of copies back."""

    to_device: Samples = field(default_factory=Samples)
    to_host: Samples = field(default_factory=Samples)

    @property
    def error(self) -> str:
        """Why one of the two could not be measured; empty if both were."""
        return self.to_device.error or self.to_host.error


def measure_transfer(
    inputs: Sequence[NDArray[Any]], result: NDArray[Any], device: str, clock: Clock, effort: Effort = COPIES
) -> Transfer:
    """Time copies of `inputs` from the host to `device`, all of them a call, and of `result` back.

    The arrays are writeable and C-contiguous, and lie in pageable memory, as a solver's do. Each call is
    synchronised at both ends. The untimed first call allocates, so that allocation is not in the samples. A
    device that refuses (out of memory) is an error in the samples, not a raise. On "cpu" memory is copied
    within the host: a stand-in for tests.
    """
    import torch

    there: list[Any] = []

    def to_device() -> object:
        return [torch.from_numpy(array).to(device, copy=True) for array in inputs]

    def to_host() -> object:
        if not there:
            there.append(torch.from_numpy(result).to(device, copy=True))
        return there[0].to("cpu", copy=True)

    synchronize = synchronizer(device)
    return Transfer(*sample_interleaved([Work(to_device, synchronize), Work(to_host, synchronize)], clock, effort))
