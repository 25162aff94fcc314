"""What the linear model and the MLP share as solvers: options, and an engine that does the work."""

from collections.abc import Mapping
from types import MappingProxyType

from harness.problems.problem import Problem
from harness.solvers.options import Options
from harness.solvers.solver import Prepared, missing_library
from harness.solvers.training import engines, optimizers
from harness.solvers.training.training import Training

TRAINING_OPTIONS: Mapping[str, object] = MappingProxyType(
    {
        "lr": 0.01,
        "loss": "mse",
        "epochs": 1000,
        "batch": None,
        "seed": 0,
        "dtype": "float32",
        "scale": "standardized",
        "engine": "loop",
        "implementation": None,
        "loss_on_device": None,
        "tf32": None,
    }
)
"""What every training takes, with its defaults; None is torch's."""


class TorchTrained:
    """One optimizer over one kind of model."""

    devices = ("cpu", "cuda")
    requires = ("torch", "torch._dynamo")  # torch.optim imports _dynamo when it is first used

    def __init__(self, optimizer: str, own: Mapping[str, object]) -> None:
        """`optimizer`: a name of the table of optimizers; `own`: the options of the model, with their defaults.

        Raises UsageError for an optimizer that the table does not have.
        """
        self._optimizer = optimizers.get(optimizer)
        self.optimizer: str | None = optimizer
        self.takes = MappingProxyType({**TRAINING_OPTIONS, **own, **self._optimizer.takes})

    def training(self, problem: Problem, options: Options) -> Training:
        """What an engine is given."""
        raise NotImplementedError

    def unsupported(self, problem: Problem, options: Options) -> str | None:
        """Why the engine cannot do it, or None."""
        engine = engines.get(str(options.engine))
        return missing_library(engine.requires) or engine.unsupported(self.training(problem, options))

    def prepare(self, problem: Problem, options: Options) -> Prepared:
        """Standardises, copies to the device and builds the model; the timed work is the engine's."""
        return engines.get(str(options.engine)).prepare(self.training(problem, options))
