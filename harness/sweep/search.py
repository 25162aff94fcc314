"""What an optimizer may try where tries are counted: one stated space on all problems, drawn from quasi-randomly.

The points are those of a scrambled Sobol sequence (scipy.stats.qmc; Bergstra and Bengio 2012 for why no grid).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from harness.errors import UsageError
from harness.problems.problem import Floats
from harness.solvers.training.optimizers import Optimizer
from harness.solvers.training.training import Settings

DIGITS = 4
"""Significant digits of a setting, so that a person can ask for it again."""
SEED = 23
"""Of the scrambling: the same tries for everybody and on every problem; a study of another number has another one."""


@dataclass(frozen=True)
class Axis:
    """A setting whose logarithm, or that of 1 minus it (`below_one`), is drawn evenly between two ends."""

    low: float
    high: float
    below_one: bool = False

    def at(self, share: float) -> float:
        """The value at a share of the way, 0 to 1."""
        found = float(f"{10 ** (math.log10(self.low) + share * math.log10(self.high / self.low)):.{DIGITS}g}")
        return 1 - found if self.below_one else found


LR = Axis(1e-4, 10.0)
MOMENTUM = Axis(5e-3, 0.5, below_one=True)
SPACE: Mapping[str, tuple[Axis, ...]] = MappingProxyType(
    {
        "momentum": (MOMENTUM,),
        "betas": (Axis(2e-2, 0.5, below_one=True), Axis(1e-4, 0.1, below_one=True)),
        "alpha": (Axis(1e-3, 0.3, below_one=True),),
        "rho": (Axis(1e-3, 0.3, below_one=True),),
    }
)
"""By setting; beside the learning rate, which is drawn from LR, everything else stays at torch's default.

The ends hold the values that are used: a momentum of 0.5 to 0.995, beta1 of 0.5 to 0.98, beta2 of 0.9 to 0.9999.
"""


def tried(optimizer: Optimizer, preset: Mapping[str, Any]) -> tuple[str, ...]:
    """Which settings are searched beside the learning rate: those of SPACE that the optimizer uses as it is named.

    sgd has no momentum, which is `momentum`'s; RMSprop has alpha alone.
    """
    return tuple(
        name
        for name in SPACE
        if name in optimizer.settings and (name != "momentum" or preset.get("momentum")) and optimizer.name != "asgd"
    )


def tries(optimizer: Optimizer, preset: Mapping[str, Any], count: int, study: int) -> list[tuple[float, Settings]]:
    """`count` (learning rate, settings) of a study."""
    names = tried(optimizer, preset)
    axes = [LR, *(axis for name in names for axis in SPACE[name])]
    found = []
    for point in _points(len(axes), count, study):
        lr, *values = (axis.at(share) for axis, share in zip(axes, point, strict=True))
        settings = []
        for name in names:
            own = tuple(values.pop(0) for _ in SPACE[name])
            settings.append((name, own if len(own) > 1 else own[0]))
        found.append((lr, tuple(settings)))
    return found


def _points(dimensions: int, count: int, study: int) -> Floats:
    """The first `count` points (count, dimensions) of a study's sequence; its balance is best at powers of two."""
    from scipy.stats import qmc

    sequence = qmc.Sobol(dimensions, rng=SEED + study)
    drawn: Floats = sequence.random_base2(max(0, math.ceil(math.log2(count))))
    return drawn[:count]


def released(optimizer: Optimizer) -> float:
    """The learning rate that it comes with. Raises UsageError where it has none."""
    import inspect

    import torch

    make = (
        getattr(torch.optim, optimizer.torch_class) if optimizer.torch_class else getattr(optimizer.make, "given", None)
    )
    lr = inspect.signature(make).parameters.get("lr") if make is not None else None
    if lr is None or not isinstance(lr.default, int | float):
        raise UsageError(f"--untuned: {optimizer.name} has no learning rate of its own: leave it out")
    return float(lr.default)
