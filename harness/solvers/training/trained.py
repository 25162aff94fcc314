"""Which function of the parameters a solver descends on, from its optimizer and options alone."""

from dataclasses import dataclass

from harness.solvers.options import Options
from harness.solvers.training.optimizers import OPTIMIZERS


@dataclass(frozen=True)
class Trained:
    """The loss, a mean over the training rows, and what weight decay adds to it.

    `loss`: `mse` or `l1`; `scale`: the units that were trained in, and that weight decay acts in; `batch`: rows a
    step, None for all of them; `weight_decay`: lambda of torch's optimizers, which add lambda theta to the gradient,
    or, `decoupled`, shrink theta by itself. `known`: whether the optimizer is in the table, so that this is certain.
    """

    loss: str = "mse"
    scale: str = "raw"
    batch: int | None = None
    weight_decay: float = 0.0
    decoupled: bool = False
    known: bool = True

    @classmethod
    def by(cls, optimizer: str | None, options: Options) -> "Trained":
        """By an optimizer, None for a closed form, at resolved options: what they leave open is torch's default."""
        entry = None if optimizer is None else OPTIMIZERS.get(optimizer)
        default = 0.0 if entry is None else entry.defaults.get("weight_decay", 0.0)
        return cls(
            options.loss or "mse",
            options.scale or "raw",
            options.batch,
            default if options.weight_decay is None else options.weight_decay,
            entry is not None and entry.decoupled,
            known=entry is not None,
        )
