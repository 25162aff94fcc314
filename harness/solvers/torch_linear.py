"""A linear model trained by one of torch's optimizers, on nn.Linear or on own weight and bias parameters."""

from typing import TYPE_CHECKING

from harness.problems.problem import Problem
from harness.solvers.options import Options
from harness.solvers.solver import Kind
from harness.solvers.training.torch_trained import TorchTrained
from harness.solvers.training.training import Training

if TYPE_CHECKING:
    import torch


class TorchLinear(TorchTrained):
    """One optimizer over the linear model; `init` sets the initial weights and bias."""

    kind = Kind.ITERATIVE

    def __init__(self, optimizer: str) -> None:
        """`optimizer`: a name of the table of optimizers."""
        super().__init__(optimizer, {"form": "module", "init": None})
        self.name = f"torch_{optimizer}"
        self.title = f"torch {self._optimizer.torch_class} on a linear model"

    def unsupported(self, problem: Problem, options: Options) -> str | None:
        """Initial values must be one per weight, and one for the bias; or the engine's reason."""
        wanted = problem.p + 1
        if options.init is not None and len(options.init) != wanted:
            return f"init has {len(options.init)} value(s); {problem.name} needs {wanted}: the weights, then the bias"
        if not problem.intercept:
            return "the linear model trained here has a bias; this problem has no intercept"
        return super().unsupported(problem, options)

    def training(self, problem: Problem, options: Options) -> Training:
        """The linear model over a problem."""
        return Training(problem, options, self._optimizer.name, lambda: _build(problem.p, options), _parameters)


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
