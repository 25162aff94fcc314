"""The optimizers, each described once: one more of torch's is one entry here.

Solvers, sweeps, the command line and every engine take them from this table. The engine `loop` builds torch's own
class from it; another engine trains with an optimizer only where its entry names that engine, since it has the
arithmetic written out, and refuses all others.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from harness.errors import unknown

if TYPE_CHECKING:
    import torch

    from harness.solvers.options import Options

T = TypeVar("T")

OPTIONS = ("momentum", "nesterov", "weight_decay")
"""The settings that are options of a solver, in torch's order; the others stay at torch's defaults."""
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
    the others add it to the gradient; presets: further names in a sweep, with what they set.
    """

    name: str
    torch_class: str
    defaults: Mapping[str, float]
    engines: tuple[str, ...] = ()
    implementations: tuple[str, ...] = ("forloop", "foreach", "fused")
    capturable: bool = False
    decoupled: bool = False
    presets: Mapping[str, Mapping[str, float | bool]] = field(default_factory=dict)

    @property
    def settings(self) -> tuple[str, ...]:
        """Its settings that are options of a solver."""
        return tuple(name for name in OPTIONS if name in self.defaults)

    @property
    def takes(self) -> dict[str, object]:
        """These options with the defaults that a case has; None is torch's own."""
        return {name: STATED.get(name) for name in self.settings}

    def unsupported(self, engine: str, implementation: str | None = None) -> str | None:
        """Why an engine does not train with it, or None."""
        if engine not in ("loop", *self.engines):
            return f"the engine {engine} has no arithmetic of torch's {self.torch_class}: use --engine loop"
        if implementation is not None and implementation not in self.implementations:
            known = " or ".join(self.implementations)
            return f"torch's {self.torch_class} has no implementation {implementation}: use --implementation {known}"
        return None

    def build(
        self, parameters: "Iterable[torch.nn.Parameter]", options: "Options", **more: Any
    ) -> "torch.optim.Optimizer":
        """Torch's own over these parameters; what the options leave open stays at torch's default."""
        import torch

        asked = {name: getattr(options, name) for name in ("lr", *self.settings)} | more
        if options.implementation is not None:
            asked |= {name: options.implementation == name for name in self.implementations if name != "forloop"}
        given = {name: value for name, value in asked.items() if value is not None}
        made: torch.optim.Optimizer = getattr(torch.optim, self.torch_class)(parameters, **given)
        return made


_ADAM = MappingProxyType({"beta1": 0.9, "beta2": 0.999, "eps": 1e-8})
_EVERY_ENGINE = ("batched", "graphed", "oracle", "jax")
_UNFUSED = ("forloop", "foreach")

OPTIMIZERS: Mapping[str, Optimizer] = MappingProxyType(
    {
        one.name: one
        for one in (
            Optimizer(
                "sgd",
                "SGD",
                {"momentum": 0.0, "nesterov": 0.0, "weight_decay": 0.0},
                engines=_EVERY_ENGINE,
                presets={"momentum": {"momentum": 0.9}, "nesterov": {"momentum": 0.9, "nesterov": True}},
            ),
            Optimizer("adam", "Adam", {**_ADAM, "weight_decay": 0.0}, engines=_EVERY_ENGINE, capturable=True),
            Optimizer(
                "adamw",
                "AdamW",
                {**_ADAM, "weight_decay": 0.01},
                engines=_EVERY_ENGINE,
                capturable=True,
                decoupled=True,
            ),
            Optimizer("rmsprop", "RMSprop", {"momentum": 0.0, "weight_decay": 0.0}, implementations=_UNFUSED),
            Optimizer("adagrad", "Adagrad", {"weight_decay": 0.0}),
            Optimizer("nadam", "NAdam", {"weight_decay": 0.0}, implementations=_UNFUSED),
            Optimizer("radam", "RAdam", {"weight_decay": 0.0}, implementations=_UNFUSED),
        )
    }
)

PRESETS: Mapping[str, tuple[Optimizer, Mapping[str, float | bool]]] = MappingProxyType(
    {name: (one, settings) for one in OPTIMIZERS.values() for name, settings in {one.name: NONE, **one.presets}.items()}
)
"""What a sweep calls an optimizer -> the optimizer, and what is set in it; everything else is torch's default."""


def get(name: str) -> Optimizer:
    """The optimizer of that name. Raises UsageError with the nearest name if there is none."""
    if name not in OPTIMIZERS:
        raise unknown("optimizer", name, OPTIMIZERS)
    return OPTIMIZERS[name]


def arithmetic_of(engine: str, written: Mapping[str, T], name: str) -> T:
    """What an engine has written out for an optimizer. Raises UsageError where there is nothing."""
    if name not in written:
        raise unknown(f"optimizer of the engine {engine}", name, written)
    return written[name]
