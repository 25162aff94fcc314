"""A linear model trained by one of torch's optimizers, on nn.Linear or on own weight and bias parameters."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from harness.errors import counted
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
    weighted = True
    model, words = "torch", "{} on a linear model"
    own: Mapping[str, object] = MappingProxyType({"form": "module", "init": None})

    def unsupported(self, problem: Problem, options: Options) -> str | None:
        """Initial values must be one per weight, and one for the bias; or the engine's reason."""
        wanted = problem.p + problem.intercept
        if options.init is not None and len(options.init) != wanted:
            order = "the weights, then the bias" if problem.intercept else "the weights alone, without intercept"
            return f"init has {counted(len(options.init), 'value')}; {problem.name} needs {wanted}: {order}"
        return super().unsupported(problem, options)

    def training(self, problem: Problem, options: Options) -> Training:
        """The linear model over a problem."""
        return self.training_of(problem, options, lambda: _build(problem, options), is_linear=True)


def _build(problem: Problem, options: Options) -> "torch.nn.Module":
    """nn.Linear(p, 1), or w and b as parameters of their own drawn from N(0, 1); no bias without an intercept."""
    import torch

    from harness.solvers.training.own_parameters import OwnParameters

    make = torch.nn.Linear if options.form == "module" else OwnParameters
    model = make(problem.p, 1, bias=problem.intercept)
    if options.init is not None:
        torch.nn.utils.vector_to_parameters(torch.tensor(options.init), model.parameters())
    return model
