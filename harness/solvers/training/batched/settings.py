"""What the models of one batch are trained with: an optimizer, and a value of each setting for each model."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.errors import UsageError
from harness.problems.problem import Floats

if TYPE_CHECKING:
    import torch

OPTIMIZERS = ("sgd", "adam", "adamw")
Setting = float | Floats


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Torch's own settings and defaults; each is one value or one for each model (K,).

    momentum and nesterov (0 or 1) are SGD's, beta1, beta2 and eps those of Adam and AdamW. weight_decay is
    decoupled in AdamW, part of the gradient in the others; None is torch's default, 0.01 in AdamW and 0 elsewhere.
    """

    optimizer: str
    lr: Setting
    momentum: Setting = 0.0
    nesterov: Setting = 0.0
    beta1: Setting = 0.9
    beta2: Setting = 0.999
    eps: Setting = 1e-8
    weight_decay: Setting | None = None

    def __post_init__(self) -> None:
        """Refuse what torch refuses, and what the optimizer would ignore."""
        if self.optimizer not in OPTIMIZERS:
            raise UsageError(f"optimizer is one of {', '.join(OPTIMIZERS)}, not {self.optimizer}")
        if self.optimizer != "sgd" and (np.any(self.momentum) or np.any(self.nesterov)):
            raise UsageError(f"{self.optimizer} takes no momentum and no nesterov")
        if np.any(np.logical_and(self.nesterov, np.equal(self.momentum, 0))):
            raise UsageError("nesterov needs a momentum")

    def value(self, name: str) -> Setting:
        """A setting as it was said, or torch's default."""
        said: Setting | None = getattr(self, name)
        if said is None:
            return 0.01 if self.optimizer == "adamw" else 0.0
        return said

    def shared(self, name: str) -> float | None:
        """A setting's one value; None where models have their own."""
        values = np.unique(self.value(name))
        return float(values[0]) if len(values) == 1 else None

    def of_models(self, name: str, models: "torch.Tensor", total: int) -> "torch.Tensor":
        """A setting of the models with these numbers (K,) int64, out of `total`: (K,) float64, on their device."""
        import torch

        value = np.broadcast_to(np.asarray(self.value(name), dtype=np.float64), (total,))
        return torch.tensor(value, device=models.device)[models]

    def uses(self, name: str) -> bool:
        """Whether any model has the setting at all."""
        return bool(np.any(self.value(name)))
