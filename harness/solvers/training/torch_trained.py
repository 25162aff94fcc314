"""What the linear model and the MLP share as solvers: options, and an engine that does the work."""

from collections.abc import Callable, Mapping
from copy import copy
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

from harness.errors import unknown
from harness.problems.problem import Problem
from harness.solvers.brought.origin import Source
from harness.solvers.brought.spec import is_spec, parse
from harness.solvers.device_needs import TORCH_DEVICES, lacking
from harness.solvers.options import Options
from harness.solvers.solver import Prepared, missing_library
from harness.solvers.training import engines, optimizers
from harness.solvers.training.brought_optimizer import Made
from harness.solvers.training.optimizers import Optimizer
from harness.solvers.training.schedules import SCHEDULES
from harness.solvers.training.training import Training

if TYPE_CHECKING:
    import torch

TRAINING_OPTIONS: Mapping[str, object] = MappingProxyType(
    {
        "lr": 0.01,
        "loss": "mse",
        "epochs": 1000,
        "batch": None,
        "seed": 0,
        "dtype": "float32",
        "scale": "standardized",
        "engine": "loop",
        "implementation": None,
        "scheduler": None,
        "loss_on_device": None,
        "tf32": None,
    }
)
"""What every training takes, with its defaults; None is torch's."""


class TorchTrained:
    """One optimizer over one kind of model."""

    devices = TORCH_DEVICES
    model: str
    """What the solver's name begins with."""
    words: str
    """What it is, for a person, of its optimizer."""
    own: Mapping[str, object]
    """The options of the model alone, with their defaults."""

    def __init__(self, optimizer: str | Optimizer) -> None:
        """`optimizer`: a name of the table, a place, or one that was brought. Raises UsageError if there is none."""
        self.entry = optimizers.get(optimizer) if isinstance(optimizer, str) else optimizer
        self.optimizer: str | None = self.entry.name
        self.takes = MappingProxyType({**TRAINING_OPTIONS, **self.own, **self.entry.takes})
        brought, name = self.entry.is_brought, self.entry.name
        self.name = f"{self.model}[{name}]" if brought else f"{self.model}_{name}"
        self.title = self.words.format(name if brought else f"torch {self.entry.torch_class}")
        self.parts: Mapping[str, Callable[..., Any]] = MappingProxyType({})
        self.source: Source | None = None
        if isinstance(self.entry.make, Made):
            self.source = Source(self.entry.make.given, self.name if self.entry.make.found else "", self.entry.name)

    @property
    def requires(self) -> tuple[str, ...]:
        """Dotted names of the modules that it imports; torch.optim imports _dynamo when it is first used."""
        own = () if self.source is None else filter(None, (self.source.origin.module,))
        return ("torch", "torch._dynamo", *own)

    def with_parts(self, parts: Mapping[str, Callable[..., Any]]) -> Self:
        """The same with schedulers and networks that no place has, by the names that the options have."""
        made = copy(self)
        made.parts = MappingProxyType(dict(parts))
        made.source = Source((self.source and self.source.given, *parts.values()), "")
        return made

    def source_with(self, options: Options) -> Source:
        """Of the optimizer that was brought and of the scheduler and the network that the options name."""
        own = () if self.source is None else self.source.given
        named = (self._schedule(options), options.network)
        placed = (self.part(name) for name in named if name is not None and name not in {*self.parts, *SCHEDULES})
        return Source((*(own if isinstance(own, tuple) else (own,)), *placed))

    def _schedule(self, options: Options) -> str | None:
        """The scheduler's name. Raises UsageError for one that no table has and that is no place."""
        name = options.scheduler
        if name is None or name in self.parts or name in SCHEDULES or is_spec(name):
            return name
        raise unknown("scheduler", name, SCHEDULES)

    def part(self, name: str | None) -> Callable[..., Any] | None:
        """What an option names: one of its parts, or what is at a place. Raises UsageError where nothing is."""
        if name is None:
            return None
        if name in self.parts:
            return self.parts[name]
        if name in SCHEDULES:
            return SCHEDULES[name]
        spec = parse(name)
        return partial(spec.load(), **spec.settings) if spec.settings else spec.load()

    def training_of(
        self, problem: Problem, options: Options, build: "Callable[[], torch.nn.Module]", *, is_linear: bool
    ) -> Training:
        """The training of the module that `build` makes."""
        brought = self.entry if self.entry.is_brought else None
        scheduler = self.part(self._schedule(options))
        if options.scheduler in SCHEDULES and scheduler is not None:
            scheduler = partial(scheduler, epochs=options.epochs)
        network = "" if options.network is None else f"{options.network} {self.source_with(options).origin.sha256[:16]}"
        return Training(problem, options, self.entry.name, build, is_linear, brought, scheduler, network)

    def training(self, problem: Problem, options: Options) -> Training:
        """What an engine is given."""
        raise NotImplementedError

    def unsupported(self, problem: Problem, options: Options) -> str | None:
        """Why the engine cannot do it, or None."""
        engine = engines.get(str(options.engine))
        lack = lacking(options.device, getattr(engine, "needs", ()))
        return missing_library(engine.requires) or lack or engine.unsupported(self.training(problem, options))

    def prepare(self, problem: Problem, options: Options) -> Prepared:
        """Standardises, copies to the device and builds the model; the timed work is the engine's."""
        return engines.get(str(options.engine)).prepare(self.training(problem, options))
