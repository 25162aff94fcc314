"""What an engine is given: an optimizer on a model over a problem, and the rates and seeds to train it with."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.problems.problem import Floats, Problem
from harness.solvers.options import Options
from harness.solvers.training import optimizers
from harness.solvers.training.learning_map import TOLERANCES
from harness.solvers.training.optimizers import Optimizer
from harness.solvers.training.oracle.quadratic import Quadratic
from harness.solvers.training.scaling import Scaling
from harness.solvers.training.trained import Trained

if TYPE_CHECKING:
    import torch


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """What torch draws on the CPU inside is what it draws after torch.manual_seed(seed); afterwards as if it had not.

    Initial weights are drawn on the CPU. torch.manual_seed would seed the generators of all devices too, which nobody
    puts back: the CPU's alone is seeded.
    """
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield


@dataclass(frozen=True)
class Training:
    """One training, its options resolved.

    `optimizer`: its name in the table of optimizers. `build` makes the model with its initial weights from torch's
    generator: those of a linear model (`is_linear`) are p weights, then the bias if the problem has an intercept.
    `brought`: the optimizer where no table has it; `scheduler` makes torch's kind of it of the optimizer; `network`:
    what tells a network that was brought from any other.
    """

    problem: Problem
    options: Options
    optimizer: str
    build: "Callable[[], torch.nn.Module]"
    is_linear: bool
    brought: Optimizer | None = None
    scheduler: "Callable[[Any], Any] | None" = None
    network: str = ""

    @property
    def trained(self) -> Trained:
        """The function that it descends on."""
        return Trained.by(self.entry, self.options)

    @property
    def entry(self) -> Optimizer:
        """The optimizer itself. Raises UsageError where there is none of that name."""
        return self.brought or optimizers.get(self.optimizer)

    @cached_property
    def scaling(self) -> Scaling:
        """The way between the problem's units and those trained in."""
        return Scaling.of(self.problem, str(self.options.scale))

    @property
    def held_out(self) -> str | None:
        """The split whose loss is traced beside the training rows'; None if nothing is held out."""
        return next((part for part in ("val", "test") if len(getattr(self.problem.split, part))), None)

    @property
    def epochs(self) -> int:
        """Passes over the training rows."""
        assert self.options.epochs is not None  # noqa: S101  # resolve() set it
        return self.options.epochs

    def arrays(self, part: str) -> tuple[Floats, Floats]:
        """X (m, p) and y (m,) of a split in the units trained in, float64."""
        X, y = self.problem.rows(part)
        return self.scaling.x(X), self.scaling.y(y)

    def quadratic(self, loss_scale: float, weight_decay: float = 0.0) -> Quadratic:
        """A linear model's mean squared error over the training rows, in the units trained in, plus that penalty."""
        problem = self.problem
        return Quadratic.of(
            *self.arrays("train"),
            loss_scale,
            intercept=problem.intercept,
            weights=problem.mean_one_weights("train"),
            weight_decay=weight_decay,
        )

    def in_units(self, parameters: Floats) -> tuple[Floats, Floats]:
        """Coefficients (E, p) and intercepts (E,), in the problem's units, of a linear model's parameters (E, k)."""
        p = self.problem.p
        bias = parameters[:, p] if self.problem.intercept else np.zeros(len(parameters))
        return self.scaling.back(parameters[:, :p], bias)

    def tensors(self, part: str) -> "tuple[torch.Tensor, torch.Tensor]":
        """X (m, p) and y (m, 1) of a split, scaled, on the device, in the dtype asked for.

        Where the rows have weights y is (m, 2), targets and weights of mean 1, as `path.loss_of` takes them.
        """
        import torch

        X, y = self.arrays(part)
        dtype = getattr(torch, str(self.options.dtype))
        device = self.options.device
        weights = self.problem.mean_one_weights(part)
        targets = y[:, None] if weights is None else np.column_stack([y, weights])
        return torch.tensor(X, dtype=dtype, device=device), torch.tensor(targets, dtype=dtype, device=device)

    @property
    def case(self) -> tuple[float, int]:
        """Its own learning rate and seed."""
        assert self.options.lr is not None  # noqa: S101  # resolve() set it
        return self.options.lr, int(self.options.seed or 0)

    def initial_parameters(self, seeds: Sequence[int]) -> Floats:
        """The parameters (S, P) that the loop begins with at each of the seeds (S,), in the module's order.

        They are drawn in torch's default float32 after torch.manual_seed, as the loop does it, and cast: float64
        holds them exactly.
        """
        import torch

        drawn: dict[int, Floats] = {}
        for seed in sorted(set(seeds)):
            with seeded(seed), torch.no_grad():
                values = [parameter.flatten() for parameter in self.build().parameters()]
                drawn[seed] = torch.cat(values).double().numpy()
        return np.array([drawn[seed] for seed in seeds])

    def of(self, lr: float, seed: int) -> "Training":
        """The same training at another learning rate and seed."""
        return replace(self, options=replace(self.options, lr=lr, seed=seed))


Settings = tuple[tuple[str, Any], ...]
"""Options by name, in a form that can be compared and sent."""


@dataclass(frozen=True)
class Grid:
    """Learning rates by seeds: K = L S trainings, numbered lr by lr.

    `settings`: options of the optimizer that go with each learning rate; empty where all have the training's own.
    """

    lr: tuple[float, ...]
    seeds: tuple[int, ...]
    settings: tuple[Settings, ...] = ()

    @property
    def shape(self) -> tuple[int, int]:
        """(L, S)."""
        return len(self.lr), len(self.seeds)

    @property
    def cases(self) -> list[tuple[float, int]]:
        """(lr, seed) of each training, by number."""
        return list(product(self.lr, self.seeds))

    @property
    def own(self) -> list[Mapping[str, Any]]:
        """The settings of each training, by number; empty where all have the training's own."""
        return [dict(settings) for settings in self.settings for _ in self.seeds]

    def at(self, lr: Sequence[float]) -> "Grid":
        """The same at these learning rates; one that is not among its own has the training's settings."""
        of_rate = dict(zip(self.lr, self.settings, strict=bool(self.settings)))
        settings = tuple(of_rate.get(one, ()) for one in lr) if self.settings else ()
        return replace(self, lr=tuple(lr), settings=settings)


@dataclass(frozen=True)
class Aim:
    """What excess loss is measured from, in the units trained in.

    `best_loss`: the least training loss there is, or the best that is known of a curve; `loss_scale`:
    what an excess is relative to; `quadratic`: the linear model's squared loss, weight decay's penalty in it; `excess`:
    the linear model's relative excess of parameters (E, k), in the module's order, to (E,), of any other loss. Both are
    None for a curve. `held_out`: of parameters (..., k) to (...), the loss of the rows that are held out over its
    target there, minus 1, where there are any; it may be below 0.
    """

    best_loss: float
    loss_scale: float
    quadratic: Quadratic | None = None
    tolerances: tuple[float, ...] = TOLERANCES
    excess: Callable[[Floats], Floats] | None = None
    held_out: Callable[[Floats], Floats] | None = None

    def down_to(self, target: float) -> "Aim":
        """The same with this tolerance the tightest."""
        return replace(self, tolerances=(*(one for one in self.tolerances if one > target), target))

    @property
    def of_curve(self) -> bool:
        """Whether an excess is told from losses alone."""
        return self.quadratic is None and self.excess is None

    def excess_of(self, parameters: Floats) -> Floats:
        """Relative excess of a linear model's parameters (..., k): (...)."""
        if self.quadratic is not None:
            return self.quadratic.excess(parameters)
        assert self.excess is not None  # noqa: S101  # the caller has asked of_curve
        return self.excess(parameters.reshape(-1, parameters.shape[-1])).reshape(parameters.shape[:-1])
