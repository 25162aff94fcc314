"""From the losses and parameters of one training to its Fit, whichever engine made them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.problems.problem import Floats
from harness.solvers.fit import Fit, Trace, linear_fit
from harness.solvers.status import Status
from harness.solvers.training.training import Training, seeded

if TYPE_CHECKING:
    import torch

LOSS_NUMBERS = 2**18
"""Most numbers of a layer's output that are held at once, all epochs together: 1 MiB of float32."""


@dataclass(frozen=True)
class Path:
    """What one training did.

    `loss` (E,): the loss that each epoch stepped from, in the units trained in; `parameters` (E + 1, P)
    float64, in the module's order: before the first epoch and after each, or (1, P), the last ones alone,
    where `keeps_all` is False; `diverged`: the last loss ended it.
    """

    loss: Floats
    parameters: Floats
    diverged: bool


def keeps_all(training: Training) -> bool:
    """Whether a training's trace needs the parameters of every epoch."""
    return training.is_linear or training.held_out is not None


def fit_of(training: Training, path: Path) -> Fit:
    """The Fit, with its Trace: coefficients by epoch of a linear model, losses of the held-out rows."""
    status = Status.DIVERGED if path.diverged else Status.OK
    ending = f"the loss reached {path.loss[-1]:.3g} in epoch {len(path.loss) - 1}" if path.diverged else ""
    message = "; ".join(filter(None, (ending, full_batch(training))))
    model = _Model(training)
    val = model.losses(path.parameters[1:], training.held_out) if training.held_out else None
    if not training.is_linear:
        model.load(path.parameters[-1])
        trace = Trace(path.loss, val, training.held_out)
        return Fit(model.predict, status=status, message=message, trace=trace)
    coef, intercept = training.in_units(path.parameters)
    trace = Trace(path.loss, val, training.held_out, coef, intercept)
    return linear_fit(coef[-1], intercept[-1], status=status, message=message, trace=trace)


def full_batch(training: Training) -> str:
    """What is said of a batch that is larger than the training rows; empty otherwise."""
    batch, n = training.options.batch, len(training.problem.split.train)
    return f"batch {batch} is more than the {n} training rows: each epoch is one step over all of them" * bool(
        batch is not None and batch > n
    )


class _Model:
    """The training's module, with whatever parameters are loaded."""

    def __init__(self, training: Training) -> None:
        import torch

        self.training = training
        with seeded(0):  # the drawn weights are replaced
            model = training.build()
        self.module = model.to(device=training.options.device, dtype=getattr(torch, str(training.options.dtype)))

    def load(self, parameters: Floats) -> None:
        """Set the flat parameters (P,)."""
        import torch

        like = next(self.module.parameters())
        flat = torch.tensor(parameters, dtype=like.dtype, device=like.device)
        torch.nn.utils.vector_to_parameters(flat, self.module.parameters())

    def losses(self, parameters: Floats, part: str) -> Floats:
        """The loss (E,) over a split's rows at each of the parameters (E, P), many of them in one product."""
        import torch

        X, y = self.training.tensors(part)
        loss = loss_of(self.training)
        names, values = zip(*self.module.named_parameters(), strict=True)
        sizes = [value.numel() for value in values]

        def at(flat: torch.Tensor) -> torch.Tensor:
            loaded = [one.view_as(value) for one, value in zip(flat.split(sizes), values, strict=True)]
            return loss(torch.func.functional_call(self.module, dict(zip(names, loaded, strict=True)), (X,)), y)

        rows = max(1, LOSS_NUMBERS // (len(X) * max(map(len, values))))
        with torch.inference_mode():
            flat = torch.tensor(parameters, dtype=X.dtype, device=X.device)
            found = [torch.func.vmap(at)(part).cpu().double().numpy() for part in flat.split(rows)]
        return np.concatenate(found) if found else np.empty(0)

    def predict(self, X: Floats) -> Floats:
        """Predictions (m,) in the problem's units for X (m, p)."""
        import torch

        scaling, like = self.training.scaling, next(self.module.parameters())
        with torch.inference_mode():
            output = self.module(torch.tensor(scaling.x(X), dtype=like.dtype, device=like.device))
        return scaling.y_back(output.squeeze(1).cpu().double().numpy())


def loss_of(training: Training) -> "Callable[[torch.Tensor, torch.Tensor], torch.Tensor]":
    """Torch's loss of that name, a mean over rows; of w r² or w |r| where targets come with weights, (m, 2)."""
    import torch

    plain = torch.nn.L1Loss if training.options.loss == "l1" else torch.nn.MSELoss
    each: Callable[..., torch.Tensor] = plain(reduction="mean" if training.problem.weights is None else "none")
    if training.problem.weights is None:
        return each
    return lambda output, target: (target[:, 1:] * each(output, target[:, :1])).mean()
