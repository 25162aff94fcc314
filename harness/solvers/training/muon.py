"""torch's Muon, which takes matrices alone, with AdamW for the other parameters.

As torch.optim.Muon's documentation has it: "other parameters, such as bias, and embedding, should be optimized by a
standard method such as AdamW". Both get the same learning rate and weight decay.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

MATRIX = 2


class Both:
    """Two optimizers that step together."""

    def __init__(self, parts: "list[torch.optim.Optimizer]") -> None:
        """`parts`: each over parameters of its own."""
        self.parts = parts

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """Of both, for a scheduler."""
        return [group for part in self.parts for group in part.param_groups]

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for part in self.parts:
            part.zero_grad()

    def step(self) -> None:
        """One step of each."""
        for part in self.parts:
            part.step()


def with_adamw(parameters: "Iterable[torch.nn.Parameter]", **settings: Any) -> "torch.optim.Optimizer":
    """Muon over the matrices with these settings, AdamW over the rest with those that it has too."""
    import torch

    every = list(parameters)
    matrices = [one for one in every if one.ndim == MATRIX]
    others = [one for one in every if one.ndim != MATRIX]
    shared = {name: value for name, value in settings.items() if name in ("lr", "weight_decay")}
    parts = [torch.optim.Muon(matrices, **settings)] if matrices else []
    parts += [torch.optim.AdamW(others, **shared)] if others else []
    return Both(parts)
