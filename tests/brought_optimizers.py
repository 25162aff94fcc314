"""What somebody may bring to a training: optimizers, a scheduler, networks, and things that are none of them."""

from typing import Any

import torch


class Own(torch.optim.SGD):
    """A class of one's own."""


def factory(params: Any, lr: float) -> torch.optim.Optimizer:
    return torch.optim.Adam(params, lr=lr, betas=(0.9, 0.99))


def by_position(params: Any, rate: float) -> torch.optim.Optimizer:
    return torch.optim.SGD(params, lr=rate)


class Averaging(torch.optim.SGD):
    """Evaluated half way between where it was and where it is."""

    def __init__(self, params: Any, lr: float) -> None:
        super().__init__(params, lr=lr)
        self.weights = self.param_groups[0]["params"]
        self.before = [one.detach().clone() for one in self.weights]

    def eval(self) -> None:
        self.iterates = [one.detach().clone() for one in self.weights]
        for one, before in zip(self.weights, self.before, strict=True):
            one.data.add_(before).mul_(0.5)

    def train(self) -> None:
        for one, iterate in zip(self.weights, getattr(self, "iterates", ()), strict=False):
            one.data.copy_(iterate)


def no_optimizer(*_: Any, **__: Any) -> int:
    return 3


def raises(params: Any, lr: float) -> Any:
    raise RuntimeError("no")


def halving(optimizer: Any) -> Any:
    return torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)


class Net(torch.nn.Module):
    """A network with another activation."""

    def __init__(self, p: int) -> None:
        super().__init__()
        self.layers = torch.nn.Sequential(torch.nn.Linear(p, 16), torch.nn.Tanh(), torch.nn.Linear(16, 1))

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        return self.layers(X)


def fixed() -> torch.nn.Module:
    return Net(1)


def flat(p: int) -> torch.nn.Module:
    return torch.nn.Sequential(torch.nn.Linear(p, 1), torch.nn.Flatten(0))
