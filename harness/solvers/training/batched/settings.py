"""What the models of one batch are trained with: an optimizer, and a value of each setting for each model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.errors import UsageError
from harness.problems.problem import Floats
from harness.solvers.training.optimizers import PAIRS, get
from harness.solvers.training.training import Training

if TYPE_CHECKING:
    import torch

Setting = float | Floats


def numbers(options: Mapping[str, Any]) -> dict[str, float | None]:
    """Options of an optimizer as one number each: betas as beta1 and beta2."""
    found: dict[str, float | None] = {}
    for name, value in options.items():
        parts = PAIRS.get(name, (name,))
        found |= dict(zip(parts, value if isinstance(value, tuple) else (value,) * len(parts), strict=True))
    return found


def _spread(values: Sequence[float | None], default: float) -> Setting | None:
    """One value where all have it; None among others is torch's default."""
    if len(set(values)) == 1:
        return values[0]
    return np.array([default if value is None else value for value in values], dtype=np.float64)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Torch's own settings; each is one value or one for each model (K,), and None is the optimizer's default.

    nesterov is 0 or 1; beta1 and beta2 are torch's betas. weight_decay is decoupled in AdamW, part of the gradient in
    the others.
    """

    optimizer: str
    lr: Setting
    momentum: Setting | None = None
    nesterov: Setting | None = None
    beta1: Setting | None = None
    beta2: Setting | None = None
    eps: Setting | None = None
    weight_decay: Setting | None = None
    dampening: Setting | None = None
    alpha: Setting | None = None
    rho: Setting | None = None
    momentum_decay: Setting | None = None
    lr_decay: Setting | None = None
    lambd: Setting | None = None

    @classmethod
    def of(cls, training: Training, lr: Sequence[float], own: Sequence[Mapping[str, Any]] = ()) -> "Settings":
        """Those of a training at each of the learning rates (K,); `own`: options that each model has for itself."""
        names, defaults = get(training.optimizer).settings, get(training.optimizer).defaults
        shared = {name: getattr(training.options, name) for name in names}
        each = [shared | dict(one) for one in own] or [shared]
        taken = {name: _spread([numbers(one)[name] for one in each], defaults[name]) for name in numbers(shared)}
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


@dataclass(frozen=True)
class Owners:
    """Whose the flat parameters are: `models` (K,) int64, their numbers among all `total`; `owner` (P,) int64 in K."""

    models: "torch.Tensor"
    owner: "torch.Tensor"
    total: int

    def value(self, settings: Settings, name: str) -> "torch.Tensor":
        """A setting for each parameter: (P,) float64."""
        return settings.of_models(name, self.models, self.total)[self.owner]
