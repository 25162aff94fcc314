"""The ReLU multilayer perceptron, trained by one of torch's optimizers."""

from typing import TYPE_CHECKING

from harness.problems.problem import Problem
from harness.solvers.options import Options
from harness.solvers.solver import Kind
from harness.solvers.training.torch_trained import TorchTrained
from harness.solvers.training.training import Training

if TYPE_CHECKING:
    import torch

HIDDEN = (8, 8, 8)


class TorchMlp(TorchTrained):
    """p - hidden... - 1 with ReLU after each hidden layer; 8-8-8 unless asked otherwise."""

    kind = Kind.CURVE

    def __init__(self, optimizer: str) -> None:
        """`optimizer`: a name of the table of optimizers."""
        super().__init__(optimizer, {"hidden": HIDDEN})
        self.name = f"mlp_{optimizer}"
        self.title = f"ReLU MLP trained by torch {self._optimizer.torch_class}"

    def unsupported(self, problem: Problem, options: Options) -> str | None:
        """A network's biases are an intercept; or the engine's reason."""
        if not problem.intercept:
            return "the network has biases, which are an intercept; this problem has none"
        return super().unsupported(problem, options)

    def training(self, problem: Problem, options: Options) -> Training:
        """The network over a problem."""
        hidden = options.hidden or HIDDEN
        return Training(problem, options, self._optimizer.name, lambda: _build(problem.p, hidden), is_linear=False)


def _build(p: int, hidden: tuple[int, ...]) -> "torch.nn.Module":
    import torch

    layers: list[torch.nn.Module] = []
    for width, following in zip((p, *hidden), hidden, strict=False):
        layers += [torch.nn.Linear(width, following), torch.nn.ReLU()]
    return torch.nn.Sequential(*layers, torch.nn.Linear(hidden[-1], 1))
