"""What the models of one batch are trained with: an optimizer, and a value of each setting for each model."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from harness.errors import UsageError
from harness.problems.problem import Floats
from harness.solvers.training.optimizers import get
from harness.solvers.training.training import Training

if TYPE_CHECKING:
    import torch

Setting = float | Floats


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Torch's own settings; each is one value or one for each model (K,), and None is the optimizer's default.

    momentum and nesterov (0 or 1) are SGD's, beta1, beta2 and eps those of Adam and AdamW. weight_decay is
    decoupled in AdamW, part of the gradient in the others.
    """

    optimizer: str
    lr: Setting
    momentum: Setting | None = None
    nesterov: Setting | None = None
    beta1: Setting | None = None
    beta2: Setting | None = None
    eps: Setting | None = None
    weight_decay: Setting | None = None

    @classmethod
    def of(cls, training: Training, lr: Sequence[float]) -> "Settings":
        """Those of a training at each of the learning rates (K,)."""
        taken = {name: getattr(training.options, name) for name in get(training.optimizer).settings}
        return cls(optimizer=training.optimizer, lr=np.array(lr, dtype=np.float64), **taken)

    def __post_init__(self) -> None:
        """Refuse what torch refuses, and what the optimizer would ignore."""
        known = get(self.optimizer).defaults
        for field in fields(self)[2:]:
            if getattr(self, field.name) is not None and field.name not in known:
                raise UsageError(f"{self.optimizer} takes no {field.name}")
        if np.any(np.logical_and(self.value("nesterov"), np.equal(self.value("momentum"), 0))):
            raise UsageError("nesterov needs a momentum")

    def value(self, name: str) -> Setting:
        """A setting as it was given, or torch's default; 0 for one that the optimizer does not have."""
        given: Setting | None = getattr(self, name)
        return get(self.optimizer).defaults.get(name, 0.0) if given is None else given

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
