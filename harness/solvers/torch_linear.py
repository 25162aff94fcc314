"""A linear model trained by torch's SGD or Adam, on nn.Linear or on own weight and bias parameters."""

from types import MappingProxyType
from typing import TYPE_CHECKING

from harness.problems.problem import Problem
from harness.solvers.options import Options
from harness.solvers.solver import Kind
from harness.solvers.training.torch_training import TRAINING_OPTIONS, TorchTraining

if TYPE_CHECKING:
    import torch


class TorchLinear:
    """One optimizer over the linear model; `init` sets the initial weights and bias."""

    kind = Kind.ITERATIVE
    devices = ("cpu", "cuda")
    requires = ("torch", "torch._dynamo")  # torch.optim imports _dynamo when it is first used

    def __init__(self, optimizer: str) -> None:
        """`optimizer` is sgd or adam."""
        self.optimizer: str | None = optimizer
        self._optimizer = optimizer
        self.name = f"torch_{optimizer}"
        self.title = f"torch {'SGD' if optimizer == 'sgd' else 'Adam'} on a linear model"
        own = {"form": "module", "init": None} | ({"momentum": 0.0} if optimizer == "sgd" else {})
        self.takes = MappingProxyType(TRAINING_OPTIONS | own)

    def unsupported(self, problem: Problem, options: Options) -> str | None:
        """Initial values must be one per weight, and one for the bias."""
        wanted = problem.p + 1
        if options.init is not None and len(options.init) != wanted:
            return f"init has {len(options.init)} value(s); {problem.name} needs {wanted}: the weights, then the bias"
        if not problem.intercept:
            return "the linear model trained here has a bias; this problem has no intercept"
        return None

    def prepare(self, problem: Problem, options: Options) -> TorchTraining:
        """Standardises, copies to the device and builds the model; the timed work is one epoch."""
        return TorchTraining(problem, options, self._optimizer, lambda: _build(problem.p, options), _parameters)


def _build(p: int, options: Options) -> "torch.nn.Module":
    """nn.Linear(p, 1), or w and b as parameters of their own drawn from N(0, 1)."""
    import torch

    from harness.solvers.training.own_parameters import OwnParameters

    model: torch.nn.Module = torch.nn.Linear(p, 1) if options.form == "module" else OwnParameters(p)
    if options.init is not None:
        weight, bias = _parameters(model)
        with torch.no_grad():
            weight.copy_(torch.tensor(options.init[:-1]).reshape(weight.shape))
            bias.copy_(torch.tensor(options.init[-1:]))
    return model


def _parameters(model: "torch.nn.Module") -> "tuple[torch.Tensor, torch.Tensor]":
    weight, bias = model.parameters()
    return weight, bias
