"""Which function of the parameters a solver descends on, from its optimizer and options alone."""

from dataclasses import dataclass

from harness.solvers.options import Options
from harness.solvers.training.optimizers import OPTIMIZERS, Optimizer


@dataclass(frozen=True)
class Trained:
    """The loss, a mean over the training rows, and what weight decay adds to it.

    `loss`: `mse` or `l1`; `scale`: the units that were trained in, and that weight decay acts in; `batch`: rows a
    step, None for all of them; `weight_decay`: lambda of torch's optimizers, which add lambda theta to the gradient,
    or, `decoupled`, shrink theta by itself. `known`: whether it is certain what a weight decay does in it.
    """

    loss: str = "mse"
    scale: str = "raw"
    batch: int | None = None
    weight_decay: float = 0.0
    decoupled: bool = False
    known: bool = True

    @classmethod
    def by(cls, optimizer: "Optimizer | str | None", options: Options) -> "Trained":
        """By an optimizer, None for a closed form, at resolved options: what they leave open is its own default."""
        entry = OPTIMIZERS.get(optimizer) if isinstance(optimizer, str) else optimizer
        asked = options.weight_decay
        own = 0.0 if entry is None or asked is not None else entry.weight_decay()
        return cls(
            options.loss or "mse",
            options.scale or "raw",
            options.batch,
            (own if asked is None else asked) + (0.0 if entry is None else entry.decays),
            entry is not None and entry.decoupled,
            known=entry is not None and entry.objective_known,
        )
