"""A torch model with an optimizer as a solver: what the linear model and the MLP share."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.problems.problem import Floats, Problem
from harness.solvers.fit import Fit, Trace, linear_fit
from harness.solvers.options import Options
from harness.solvers.status import Status
from harness.solvers.training.loop import Loop, train
from harness.solvers.training.scaling import Scaling

if TYPE_CHECKING:
    import torch

LinearParameters = Callable[["torch.nn.Module"], "tuple[torch.Tensor, torch.Tensor]"]

TRAINING_OPTIONS = {
    "lr": 0.01,
    "loss": "mse",
    "epochs": 1000,
    "batch": None,
    "seed": 0,
    "dtype": "float32",
    "scale": "standardized",
}
"""What every training takes, with its defaults."""


def optimizer_of(name: str, model: "torch.nn.Module", options: Options) -> "torch.optim.Optimizer":
    """Torch's SGD (with its momentum) or Adam with every other setting at torch's default."""
    import torch

    assert options.lr is not None  # noqa: S101  # resolve() set it
    if name == "sgd":
        return torch.optim.SGD(model.parameters(), lr=options.lr, momentum=options.momentum or 0.0)
    return torch.optim.Adam(model.parameters(), lr=options.lr)


@dataclass
class TorchTraining:
    """The Prepared of every torch training: `run` is one epoch, `fit` a whole training from the start.

    `build` makes the model with its initial weights, the same at each call. `linear` reads weight
    (1, p) and bias (1,) of a linear model, and is None for a curve.
    """

    problem: Problem
    options: Options
    optimizer: str
    build: "Callable[[], torch.nn.Module]"
    linear: LinearParameters | None
    unit: str = "epoch"

    def __post_init__(self) -> None:
        """Copy the data to the device and build the model that is timed."""
        self.scaling = Scaling.of(self.problem, str(self.options.scale))
        self.X, self.y = self.tensors("train")
        self.held_out = next((part for part in ("val", "test") if len(getattr(self.problem.split, part))), None)
        self.timed = self._loop()

    def run(self) -> None:
        """One epoch of the timed model."""
        self.timed.epoch()

    def fit(self) -> Fit:
        """Train from the initial weights, keeping the loss and, for a linear model, the parameters of each epoch."""
        loop = self._loop()
        history = _History(self, loop)
        assert self.options.epochs is not None  # noqa: S101  # resolve() set it
        converging = train(loop, self.options.epochs, history.observe)
        trace = history.trace()
        status = Status.OK if converging else Status.DIVERGED
        message = "" if converging else f"the loss reached {trace.train_loss[-1]:.3g} in epoch {trace.epochs - 1}"
        if trace.coef is not None and trace.intercept is not None:
            return linear_fit(trace.coef[-1], trace.intercept[-1], status=status, message=message, trace=trace)
        return Fit(lambda X: self._predict(loop.model, X), status=status, message=message, trace=trace)

    def _loop(self) -> Loop:
        import torch

        seed = int(self.options.seed or 0)
        # The global generator is put back: a solver leaves no trace in the process's state.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            model = self.build()
        dtype = getattr(torch, str(self.options.dtype))
        model = model.to(device=self.options.device, dtype=dtype)
        loss = torch.nn.L1Loss() if self.options.loss == "l1" else torch.nn.MSELoss()
        optimizer = optimizer_of(self.optimizer, model, self.options)
        order = torch.Generator().manual_seed(seed)
        return Loop(model, optimizer, loss, self.X, self.y, self.options.batch, order)

    def tensors(self, part: str) -> "tuple[torch.Tensor, torch.Tensor]":
        """X (m, p) and y (m, 1) of a split, scaled, on the device, in the dtype asked for."""
        import torch

        X, y = self.problem.rows(part)
        dtype = getattr(torch, str(self.options.dtype))
        device = self.options.device
        return (
            torch.tensor(self.scaling.x(X), dtype=dtype, device=device),
            torch.tensor(self.scaling.y(y), dtype=dtype, device=device).unsqueeze(1),
        )

    def _predict(self, model: "torch.nn.Module", X: Floats) -> Floats:
        import torch

        dtype = getattr(torch, str(self.options.dtype))
        with torch.inference_mode():
            output = model(torch.tensor(self.scaling.x(X), dtype=dtype, device=self.options.device))
        return self.scaling.y_back(output.squeeze(1).double().cpu().numpy())


class _History:
    """Collects a training's trace; none of it runs while anything is timed."""

    def __init__(self, training: TorchTraining, loop: Loop) -> None:
        self.training = training
        self.loop = loop
        self.train_loss: list[float] = []
        self.val_loss: list[float] = []
        self.parameters: list[Floats] = []
        self.held_out = training.tensors(training.held_out) if training.held_out else None
        self._keep_parameters()

    def observe(self, _epoch: int, loss: float) -> None:
        import torch

        self.train_loss.append(loss)
        self._keep_parameters()
        if self.held_out is not None:
            X, y = self.held_out
            with torch.inference_mode():
                self.val_loss.append(self.loop.loss(self.loop.model(X), y).item())

    def _keep_parameters(self) -> None:
        if self.training.linear is not None:
            w, b = self.training.linear(self.loop.model)
            row = np.append(w.detach().double().cpu().numpy().reshape(-1), b.detach().double().cpu().numpy())
            self.parameters.append(row)

    def trace(self) -> Trace:
        coef = intercept = None
        if self.parameters:
            table = np.array(self.parameters)
            coef, intercept = self.training.scaling.back(table[:, :-1], table[:, -1])
        val = np.array(self.val_loss) if self.held_out is not None else None
        return Trace(np.array(self.train_loss), val, self.training.held_out, coef, intercept)
