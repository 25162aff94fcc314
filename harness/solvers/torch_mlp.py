"""The ReLU multilayer perceptron, trained by torch's SGD or Adam."""

from types import MappingProxyType
from typing import TYPE_CHECKING

from harness.problems.problem import Problem
from harness.solvers.options import Options
from harness.solvers.solver import Kind
from harness.solvers.training.torch_training import TRAINING_OPTIONS, TorchTraining

if TYPE_CHECKING:
    import torch


class TorchMlp:
    """p - hidden... - 1 with ReLU after each hidden layer; 8-8-8 unless asked otherwise."""

    kind = Kind.CURVE
    devices = ("cpu", "cuda")
    requires = ("torch", "torch._dynamo")  # torch.optim imports _dynamo when it is first used

    def __init__(self, optimizer: str) -> None:
        """`optimizer` is sgd or adam."""
        self.optimizer: str | None = optimizer
        self._optimizer = optimizer
        self.name = f"mlp_{optimizer}"
        self.title = f"ReLU MLP trained by torch {'SGD' if optimizer == 'sgd' else 'Adam'}"
        own = {"hidden": (8, 8, 8)} | ({"momentum": 0.0} if optimizer == "sgd" else {})
        self.takes = MappingProxyType(TRAINING_OPTIONS | own)

    def unsupported(self, problem: Problem, options: Options) -> str | None:
        """Never."""
        return None

    def prepare(self, problem: Problem, options: Options) -> TorchTraining:
        """Standardises, copies to the device and builds the network; the timed work is one epoch."""
        hidden = options.hidden or (8, 8, 8)
        return TorchTraining(problem, options, self._optimizer, lambda: _build(problem.p, hidden), None)


def _build(p: int, hidden: tuple[int, ...]) -> "torch.nn.Module":
    import torch

    layers: list[torch.nn.Module] = []
    for width, following in zip((p, *hidden), hidden, strict=False):
        layers += [torch.nn.Linear(width, following), torch.nn.ReLU()]
    return torch.nn.Sequential(*layers, torch.nn.Linear(hidden[-1], 1))
