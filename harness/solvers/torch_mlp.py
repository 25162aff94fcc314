"""The ReLU multilayer perceptron, trained by one of torch's optimizers."""

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

from harness.problems.problem import Problem
from harness.solvers.options import Options
from harness.solvers.solver import Kind
from harness.solvers.training.brought_network import network_of
from harness.solvers.training.torch_trained import TorchTrained
from harness.solvers.training.training import Training

if TYPE_CHECKING:
    import torch

HIDDEN = (8, 8, 8)


class TorchMlp(TorchTrained):
    """p - hidden... - 1 with ReLU after each hidden layer, 8-8-8 unless asked otherwise; or a network of somebody's."""

    kind = Kind.CURVE
    model, words = "mlp", "ReLU MLP trained by {}"
    own: Mapping[str, object] = MappingProxyType({"hidden": HIDDEN, "network": None})

    def unsupported(self, problem: Problem, options: Options) -> str | None:
        """A network's biases are an intercept; or the engine's reason."""
        if not problem.intercept:
            return "the network has biases, which are an intercept; this problem has none"
        return super().unsupported(problem, options)

    def training(self, problem: Problem, options: Options) -> Training:
        """The network over a problem."""
        own = self.part(options.network)
        hidden = options.hidden or HIDDEN
        build = partial(_build, problem.p, hidden) if own is None else partial(network_of, own, problem.p)
        return self.training_of(problem, options, build, is_linear=False)


def _build(p: int, hidden: tuple[int, ...]) -> "torch.nn.Module":
    import torch

    layers: list[torch.nn.Module] = []
    for width, following in zip((p, *hidden), hidden, strict=False):
        layers += [torch.nn.Linear(width, following), torch.nn.ReLU()]
    return torch.nn.Sequential(*layers, torch.nn.Linear(hidden[-1], 1))
