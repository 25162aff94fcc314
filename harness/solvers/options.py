"""The one options object: what may be asked of a solver, checked when it is made."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace

from harness.errors import UsageError, unknown

LOSSES = ("mse", "l1")
DTYPES = ("float32", "float64")
SCALES = ("standardized", "raw")
FORMS = ("module", "parameters")
ENGINES = ("loop", "batched", "graphed", "oracle", "jax")
IMPLEMENTATIONS = ("forloop", "foreach", "fused")
"""What torch.optim's documentation calls the three ways in which an optimizer goes over its parameters."""
KNOWN: Mapping[str, tuple[str, ...]] = {
    "loss": LOSSES,
    "dtype": DTYPES,
    "scale": SCALES,
    "form": FORMS,
    "engine": ENGINES,
    "implementation": IMPLEMENTATIONS,
}
ONE_DTYPE: Mapping[str, str] = {"oracle": "float64"}
"""Engines with arithmetic of one dtype only: theirs is the default where they are asked for."""
_FROM_ZERO = ("weight_decay", "eps", "momentum_decay", "lr_decay")
DOMAINS: tuple[tuple[tuple[str, ...], Callable[[float], bool], str], ...] = (
    (("lr",), lambda one: 0 < one < math.inf, "a positive, finite number"),
    (("momentum",), lambda one: 0 <= one < 1, "in [0, 1)"),
    (
        ("weight_decay", "eps", "momentum_decay", "lr_decay"),
        lambda v: 0 <= v < math.inf,
        "a finite number of at least 0",
    ),
    (("dampening", "alpha", "rho"), lambda one: 0 <= one <= 1, "in [0, 1]"),
    (("threads", "epochs", "batch"), lambda one: one >= 1, "at least 1"),
)
"""Options by what a number of theirs must be."""
BETAS = 2
UNIVERSAL = ("device", "threads")
"""Options that every solver has; all others are None until a solver's default or a request sets them."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What was asked for; None means not said.

    device: `cpu`, `cuda`, `xpu` or `mps`; threads: of BLAS, OpenMP and torch; dtype: of the solver's arithmetic;
    seed: of initial weights and batch order; lr: learning rate; loss: `mse` or `l1` (mean absolute
    error); epochs: passes over the training rows; batch: rows a step (None: all of them); momentum and
    nesterov: of SGD; weight_decay, dampening, betas, eps, alpha, rho, momentum_decay and
    lr_decay: as torch's optimizer takes them; engine: who does the training's
    arithmetic; implementation: of torch's optimizer; scheduler and network: places (`package.module:name:settings`) of
    a scheduler's factory, which is given the optimizer, and of an nn.Module's, which is given the number of columns;
    loss_on_device: the loop does not fetch each epoch's
    loss; tf32: on CUDA, products of float32 may be rounded to TF32 (10 bits); scale: train on standardised
    or raw columns; form: `module` (nn.Linear) or `parameters` (own weight and bias); hidden: units of each
    hidden layer; init: initial weights then bias, in the units trained in; minimum_norm: of a
    rank-deficient design the minimum-norm solution instead of a refusal.
    Raises UsageError for a value outside its domain.
    """

    device: str = "cpu"
    threads: int = 1
    dtype: str | None = None
    seed: int | None = None
    lr: float | None = None
    loss: str | None = None
    epochs: int | None = None
    batch: int | None = None
    momentum: float | None = None
    nesterov: bool | None = None
    weight_decay: float | None = None
    dampening: float | None = None
    betas: tuple[float, float] | None = None
    eps: float | None = None
    alpha: float | None = None
    rho: float | None = None
    momentum_decay: float | None = None
    lr_decay: float | None = None
    engine: str | None = None
    implementation: str | None = None
    scheduler: str | None = None
    loss_on_device: bool | None = None
    tf32: bool | None = None
    scale: str | None = None
    form: str | None = None
    hidden: tuple[int, ...] | None = None
    network: str | None = None
    init: tuple[float, ...] | None = None
    minimum_norm: bool | None = None

    def __post_init__(self) -> None:
        """Check every value that was said."""
        for name, known in KNOWN.items():
            value = getattr(self, name)
            if value is not None and value not in known:
                raise unknown(name, value, known)
        for names, holds, words in DOMAINS:
            for name in names:
                value = getattr(self, name)
                if value is not None and not holds(value):
                    raise UsageError(f"{name} is {words}, not {value:g}")
        self._check_optimizer()
        if self.seed is not None and not 0 <= self.seed < 2**63:
            raise UsageError(f"seed is between 0 and 2^63 - 1, not {self.seed}")
        if self.hidden is not None and (not self.hidden or min(self.hidden) < 1):
            raise UsageError("hidden lists at least one layer of at least one unit, as 8-8-8")
        if self.network is not None and self.hidden is not None:
            raise UsageError("hidden is of the harness's own network, and network is another: give one of them")
        if self.init is not None and not all(map(math.isfinite, self.init)):
            raise UsageError("init lists finite numbers: the weights, then the bias")

    def _check_optimizer(self) -> None:
        """Raise UsageError for what no optimizer can be given together."""
        if self.nesterov and not self.momentum:
            raise UsageError("nesterov needs a momentum above 0: add --momentum 0.9")
        if self.nesterov and self.dampening:
            raise UsageError("nesterov needs a dampening of 0: drop it")
        if self.betas is not None and not (len(self.betas) == BETAS and all(0 <= one < 1 for one in self.betas)):
            raise UsageError(f"betas are two numbers in [0, 1), as 0.9,0.999, not {','.join(map(str, self.betas))}")

    def given(self) -> dict[str, object]:
        """The options that are set, in the order of the class, without the universal ones."""
        values = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in UNIVERSAL}
        return {name: value for name, value in values.items() if value is not None}


def resolve(solver: str, takes: Mapping[str, object], asked: Options, recipe: Mapping[str, object]) -> Options:
    """What the solver will run with: what was asked, else the problem's recipe, else the solver's default.

    `takes` maps each option that the solver takes to its default. Raises UsageError for an option
    that was asked for and that the solver does not take.
    """
    for name in asked.given():
        if name not in takes:
            known = f"takes {', '.join(takes)}" if takes else "takes no options"
            raise UsageError(f"{solver} takes no {name} (it {known}): drop --{name.replace('_', '-')}")
    defaults = {name: recipe.get(name, default) for name, default in takes.items()}
    if asked.engine is not None and asked.engine in ONE_DTYPE:
        defaults["dtype"] = ONE_DTYPE[asked.engine]
    if asked.network is not None:
        defaults.pop("hidden", None)
    unset = {name: value for name, value in defaults.items() if getattr(asked, name) is None}
    return replace(asked, **unset)  # type: ignore[arg-type]  # the values are checked by Options itself
