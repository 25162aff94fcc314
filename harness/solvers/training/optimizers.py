"""The optimizers, each described once: one more of torch's is one entry here.

Solvers, sweeps, the command line and every engine take them from this table. The engine `loop` builds torch's own
class from it; another engine trains with an optimizer only where its entry names that engine, since it has the
arithmetic written out, and refuses all others.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from harness.errors import unknown
from harness.plugins import OPTIMIZERS as PACKAGED
from harness.plugins import plugin, plugins
from harness.solvers.brought.spec import is_spec
from harness.solvers.training import muon
from harness.solvers.training.brought_optimizer import Factory, factory_at

if TYPE_CHECKING:
    import torch

    from harness.solvers.options import Options

T = TypeVar("T")

OPTIONS = (
    "momentum", "dampening", "nesterov", "weight_decay", "betas", "eps", "alpha", "rho", "momentum_decay", "lr_decay"
)  # fmt: skip
"""The settings that are options of a solver, by torch's names; the others stay at torch's defaults."""
PAIRS: Mapping[str, tuple[str, ...]] = MappingProxyType({"betas": ("beta1", "beta2")})
"""Options of several numbers, and what each number is called."""
STATED: Mapping[str, object] = MappingProxyType({"momentum": 0.0})
"""Defaults that a case states; where another setting was not asked for, the case does not mention it."""
NONE: Mapping[str, float | bool] = MappingProxyType({})


@dataclass(frozen=True)
class Optimizer:
    """One optimizer of torch.optim.

    name: as solvers, records and the command line have it; torch_class: its name there; defaults: torch's own of
    the settings that a person or an engine sets; engines: those beside `loop` that have its arithmetic;
    implementations: those of the class, of what torch.optim's documentation calls forloop, foreach and fused;
    capturable: whether torch's constructor takes this word, which a CUDA graph needs for a tensor of learning rates;
    decoupled: whether weight decay shrinks the parameters apart from the gradient (Loshchilov and Hutter 2019), where
    the others add it to the gradient; presets: further names in a sweep, with what they set; decays: what its defaults
    add to the gradient beside the setting, as a weight decay would; since: the first torch that has it; make: what
    makes it where that is not torch's class by itself, of (parameters, **settings); objective_known: whether the
    function is known that it descends on with a weight decay; scales_with_lr: whether a step is the learning rate times
    something that knows nothing of it, so that a schedule scales the step; flops: arithmetic operations of a step for
    each parameter at torch's defaults, as its documentation writes them, a root and a division one each; None: unknown.
    """

    name: str
    torch_class: str
    defaults: Mapping[str, float]
    engines: tuple[str, ...] = ()
    implementations: tuple[str, ...] = ("forloop", "foreach", "fused")
    capturable: bool = False
    decoupled: bool = False
    presets: Mapping[str, Mapping[str, float | bool]] = field(default_factory=dict)
    decays: float = 0.0
    since: str = ""
    make: Factory | None = None
    objective_known: bool = True
    scales_with_lr: bool = True
    flops: int | None = None

    @property
    def runs_by(self) -> tuple[str, ...]:
        """Every engine that trains with it."""
        return ("loop", *self.engines)

    @property
    def is_brought(self) -> bool:
        """Whether somebody brought it: torch has no class of its name."""
        return not self.torch_class

    @property
    def settings(self) -> tuple[str, ...]:
        """Its settings that are options of a solver."""
        return tuple(name for name in OPTIONS if PAIRS.get(name, (name,))[0] in self.defaults)

    @property
    def takes(self) -> dict[str, object]:
        """These options with the defaults that a case has; None is torch's own."""
        stated = {name: STATED.get(name) for name in self.settings}
        return {name: value if value == self.defaults.get(name) else None for name, value in stated.items()}

    def unsupported(self, engine: str, implementation: str | None = None) -> str | None:
        """Why an engine does not train with it, or None."""
        if engine not in self.runs_by:
            whose = self.name if self.is_brought else f"torch's {self.torch_class}"
            return f"the engine {engine} has no arithmetic of {whose}: use --engine loop"
        if self.since and _older_torch(self.since):
            return f"torch {version('torch')} has no {self.torch_class}; it came with {self.since}"
        if implementation is not None and implementation not in self.implementations:
            if self.is_brought:
                return f"{self.name} has no implementation {implementation} to choose: drop --implementation"
            known = " or ".join(self.implementations)
            return f"torch's {self.torch_class} has no implementation {implementation}: use --implementation {known}"
        return None

    def weight_decay(self) -> float:
        """What its default is; of one that was brought, what it says when it is made."""
        if not self.is_brought:
            return float(self.defaults.get("weight_decay", 0.0))
        import torch

        from harness.solvers.options import Options

        try:
            made = self.build([torch.nn.Parameter(torch.zeros(1, 1))], Options(lr=1e-3))
            return max(float(group.get("weight_decay", 0.0) or 0.0) for group in made.param_groups)
        except Exception:  # noqa: BLE001  # whatever it refuses here it refuses in its training, which says so
            return 0.0

    def build(
        self, parameters: "Iterable[torch.nn.Parameter]", options: "Options", **more: Any
    ) -> "torch.optim.Optimizer":
        """Torch's own over these parameters; what the options leave open stays at torch's default."""
        import torch

        asked = {name: getattr(options, name) for name in ("lr", *self.settings)} | more
        if options.implementation is not None:
            asked |= {name: options.implementation == name for name in self.implementations if name != "forloop"}
        given = {name: value for name, value in asked.items() if value is not None}
        make: Callable[..., torch.optim.Optimizer] = self.make or getattr(torch.optim, self.torch_class)
        return make(parameters, **given)


_ADAM = MappingProxyType({"beta1": 0.9, "beta2": 0.999, "eps": 1e-8})
_EVERY_ENGINE = ("batched", "graphed", "oracle", "jax")
_adam = partial(Optimizer, engines=_EVERY_ENGINE, capturable=True)
_batched = partial(Optimizer, engines=("batched",), implementations=("forloop", "foreach"))

OPTIMIZERS: Mapping[str, Optimizer] = MappingProxyType(
    {
        one.name: one
        for one in (
            Optimizer(
                "sgd",
                "SGD",
                {"momentum": 0.0, "dampening": 0.0, "nesterov": 0.0, "weight_decay": 0.0},
                engines=_EVERY_ENGINE,
                presets={"momentum": {"momentum": 0.9}, "nesterov": {"momentum": 0.9, "nesterov": True}},
                flops=2,
            ),
            _adam("adam", "Adam", {**_ADAM, "weight_decay": 0.0}, flops=12),
            _adam("adamw", "AdamW", {**_ADAM, "weight_decay": 0.01}, decoupled=True, flops=14),
            _batched("rmsprop", "RMSprop", {"alpha": 0.99, "eps": 1e-8, "momentum": 0.0, "weight_decay": 0.0}, flops=8),
            Optimizer(
                "adagrad", "Adagrad", {"lr_decay": 0.0, "eps": 1e-10, "weight_decay": 0.0}, ("batched",), flops=7
            ),
            _batched("nadam", "NAdam", {**_ADAM, "momentum_decay": 0.004, "weight_decay": 0.0}, flops=14),
            _batched("radam", "RAdam", {**_ADAM, "weight_decay": 0.0}, flops=14),
            _batched("adadelta", "Adadelta", {"rho": 0.9, "eps": 1e-6, "weight_decay": 0.0}, flops=13),
            _batched("adamax", "Adamax", {**_ADAM, "weight_decay": 0.0}, flops=10),
            # theta (1 - lambd lr) - lr g with lambd = 1e-4 (torch.optim.ASGD, "decay term"): ridge, whatever is asked
            _batched(
                "asgd",
                "ASGD",
                {"lambd": 1e-4, "alpha": 0.75, "weight_decay": 0.0},
                decays=1e-4,
                scales_with_lr=False,
                flops=6,
            ),
            _batched("rprop", "Rprop", {}, scales_with_lr=False, flops=7),
            Optimizer("lbfgs", "LBFGS", {}, implementations=("forloop",)),
            Optimizer(
                "muon",
                "Muon",
                {"momentum": 0.95, "nesterov": 1.0, "weight_decay": 0.1, "eps": 1e-7},
                implementations=("forloop",),
                decoupled=True,
                since="2.9",
                make=muon.with_adamw,
                objective_known=False,
            ),
        )
    }
)

PRESETS: Mapping[str, tuple[Optimizer, Mapping[str, float | bool]]] = MappingProxyType(
    {name: (one, settings) for one in OPTIMIZERS.values() for name, settings in {one.name: NONE, **one.presets}.items()}
)
"""What a sweep calls an optimizer -> the optimizer, and what is set in it; everything else is torch's default."""


def get(name: str) -> Optimizer:
    """The optimizer of that name, or at a place. Raises UsageError with the nearest name if there is none."""
    if name in OPTIMIZERS:
        return OPTIMIZERS[name]
    factory = factory_at(name)
    if factory is None:
        raise unknown("optimizer", name, [*OPTIMIZERS, *(one.name for one in plugins(PACKAGED))])
    return brought(factory, name)


def is_brought(text: str) -> bool:
    """Whether an optimizer is not the table's, and is one that somebody brings: at a place, or in a package."""
    return is_spec(text) or plugin(PACKAGED, text) is not None


def _older_torch(since: str) -> bool:
    from packaging.version import Version

    return Version(version("torch")) < Version(since)


def brought(factory: Factory, name: str) -> Optimizer:
    """An optimizer that somebody brought; its settings are its factory's, and what it descends on is not known."""
    return Optimizer(name, "", {}, implementations=("forloop",), make=factory, objective_known=False)


def arithmetic_of(engine: str, written: Mapping[str, T], name: str) -> T:
    """What an engine has written out for an optimizer. Raises UsageError where there is nothing."""
    if name not in written:
        raise unknown(f"optimizer of the engine {engine}", name, written)
    return written[name]
