"""optax's optimizers with torch's settings, stepping torch's parameters by the gradients that torch has computed.

What is compared is the optimizer alone: its formula and its rounding. Where optax's formula is another one by its
documentation, and no setting makes it torch's, that is said here and is no defect.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import torch


class Other(NamedTuple):
    """optax's counterpart: `make` of (optax, torch's settings); `formula`: where its formula is not torch's.

    `rounds`: what it computes in float32 where torch computes in float64, of a training in float32.
    """

    make: Callable[[Any, Mapping[str, Any]], Any]
    formula: str = ""
    rounds: str = ""

    def differs(self, dtype: str) -> str:
        """What makes it another formula in that dtype; empty: nothing."""
        return self.formula or (self.rounds if dtype == "float32" else "")


def _sgd(optax: Any, s: Mapping[str, Any]) -> Any:
    momentum = s["momentum"] or None
    return optax.chain(
        optax.add_decayed_weights(s["weight_decay"]),
        optax.sgd(s["lr"], momentum=momentum, nesterov=bool(s["nesterov"])),
    )


def _coupled(
    name: str, own: Callable[[Mapping[str, Any]], Mapping[str, Any]]
) -> Callable[[Any, Mapping[str, Any]], Any]:
    """Of optax, `name` behind a weight decay that is added to the gradient, as torch's."""

    def make(optax: Any, s: Mapping[str, Any]) -> Any:
        return optax.chain(optax.add_decayed_weights(s["weight_decay"]), getattr(optax, name)(s["lr"], **own(s)))

    return make


def _adam(s: Mapping[str, Any]) -> dict[str, Any]:
    return {"b1": s["betas"][0], "b2": s["betas"][1], "eps": s["eps"]}


def _adamw(optax: Any, s: Mapping[str, Any]) -> Any:
    return optax.adamw(s["lr"], **_adam(s), weight_decay=s["weight_decay"])


def _rmsprop(s: Mapping[str, Any]) -> dict[str, Any]:
    """Torch: v = 0 at first and root(v) + eps; optax has eps in the root unless it is told otherwise."""
    momentum = s["momentum"] or None
    return {"decay": s["alpha"], "eps": s["eps"], "initial_scale": 0.0, "eps_in_sqrt": False, "momentum": momentum}


def _rprop(optax: Any, s: Mapping[str, Any]) -> Any:
    (minus, plus), (least, most) = s["etas"], s["step_sizes"]
    return optax.rprop(s["lr"], eta_minus=minus, eta_plus=plus, min_step_size=least, max_step_size=most)


CORRECTED = "optax corrects the moments by 1 - beta^t in the parameters' dtype, torch in float64"
IN_THE_ROOT = "optax has eps in the root, torch adds it to the root"
BEFORE = "optax adds eps to the root of the corrected second moment, torch before it is corrected"
SCHEDULED = "torch's momentum has a schedule (momentum_decay), optax's is constant"

OPTAX: Mapping[str, Other] = MappingProxyType(
    {
        "sgd": Other(_sgd),
        "adam": Other(_coupled("adam", _adam), rounds=CORRECTED),
        "adamw": Other(_adamw, rounds=CORRECTED),
        "rmsprop": Other(_coupled("rmsprop", _rmsprop)),
        "adagrad": Other(
            _coupled("adagrad", lambda s: {"initial_accumulator_value": 0.0, "eps": s["eps"]}), formula=IN_THE_ROOT
        ),
        "nadam": Other(_coupled("nadam", _adam), formula=SCHEDULED),
        "radam": Other(_coupled("radam", lambda s: {**_adam(s), "threshold": 5.0}), formula=BEFORE),
        "adadelta": Other(_coupled("adadelta", lambda s: {"rho": s["rho"], "eps": s["eps"]})),
        "adamax": Other(_coupled("adamax", _adam), rounds=CORRECTED),
        "rprop": Other(_rprop),
    }
)
"""By torch's name in the table of optimizers; the others have no counterpart that takes torch's settings."""
NO_COUNTERPART: Mapping[str, str] = MappingProxyType(
    {
        "asgd": "optax has no averaged SGD of torch's kind",
        "lbfgs": "optax's L-BFGS has a line search of its own, torch's steps by the learning rate",
        "muon": "optax's Muon orthogonalizes with other constants and scales otherwise (optax.contrib.muon)",
    }
)


class Optax:
    """As torch's optimizer steps: `parameters` are torch's, whose gradients are there; all in one dtype."""

    def __init__(self, name: str, parameters: "Sequence[torch.Tensor]", settings: Mapping[str, Any]) -> None:
        """The state at its start."""
        import jax
        import optax

        self.parameters, self.param_groups = list(parameters), [dict(settings)]
        self.double = parameters[0].dtype.itemsize == jax.numpy.dtype("float64").itemsize
        made = OPTAX[name].make(optax, settings)
        with jax.enable_x64(self.double):
            values = self._arrays(self.parameters)
            self.state = made.init(values)
        self._update = jax.jit(made.update)
        self._apply = optax.apply_updates

    @staticmethod
    def _arrays(values: "Sequence[torch.Tensor]") -> list[Any]:
        import jax.numpy as jnp

        return [jnp.asarray(value.detach().cpu().numpy()) for value in values]

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for parameter in self.parameters:
            parameter.grad = None

    def step(self) -> None:
        """One step of torch's parameters."""
        import jax
        import numpy as np
        import torch

        with jax.enable_x64(self.double), torch.no_grad():
            values = self._arrays(self.parameters)
            grads = self._arrays([one.grad for one in self.parameters if one.grad is not None])
            updates, self.state = self._update(grads, self.state, values)
            for parameter, value in zip(self.parameters, self._apply(values, updates), strict=True):
                parameter.copy_(torch.from_numpy(np.array(value)))
