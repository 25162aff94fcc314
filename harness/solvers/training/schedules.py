"""Schedules of the learning rate by name: torch's own, each over all epochs of a training."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

CONSTANT = "constant"
WARM_UP_SHARE, WARM_UP_FROM = 0.05, 0.1
"""Of the epochs, and of the learning rate: after Goyal et al. 2017 (arXiv:1706.02677), 5 of 90 epochs."""
STEPS, STEP_FACTOR = 3, 0.1
"""A tenth after each third of the epochs (He et al. 2016, sec. 3.4)."""


def _cosine(optimizer: "torch.optim.Optimizer", epochs: int) -> Any:
    from torch.optim.lr_scheduler import CosineAnnealingLR

    return CosineAnnealingLR(optimizer, T_max=epochs)


def _warm_up(optimizer: "torch.optim.Optimizer", epochs: int) -> Any:
    from torch.optim.lr_scheduler import LinearLR

    return LinearLR(optimizer, start_factor=WARM_UP_FROM, total_iters=max(1, round(WARM_UP_SHARE * epochs)))


def _step(optimizer: "torch.optim.Optimizer", epochs: int) -> Any:
    from torch.optim.lr_scheduler import StepLR

    return StepLR(optimizer, step_size=max(1, epochs // STEPS), gamma=STEP_FACTOR)


def _one_cycle(optimizer: "torch.optim.Optimizer", epochs: int) -> Any:
    from torch.optim.lr_scheduler import OneCycleLR

    highest = [group["lr"] for group in optimizer.param_groups]
    return OneCycleLR(optimizer, max_lr=highest, total_steps=max(2, epochs), cycle_momentum=False)


SCHEDULES: Mapping[str, Callable[["torch.optim.Optimizer", int], Any] | None] = MappingProxyType(
    {CONSTANT: None, "cosine": _cosine, "warm-up": _warm_up, "step": _step, "one-cycle": _one_cycle}
)
"""Name -> what makes it of an optimizer and the epochs; one-cycle leaves the momentum alone."""


@lru_cache(maxsize=32)
def factors(name: str, epochs: int) -> tuple[float, ...]:
    """What each epoch's learning rate is of the one that was asked for, as torch's scheduler gives it."""
    import torch

    make = SCHEDULES[name]
    if make is None:
        return (1.0,) * epochs
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler, found = make(optimizer, epochs), []
    for _ in range(epochs):
        found.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        scheduler.step()
    return tuple(found)
