"""torch.optim's SGD, Adam and AdamW over the parameters of all models, written for XLA."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.problems.problem import Floats
from harness.solvers.training.batched.settings import Settings
from harness.solvers.training.optimizers import arithmetic_of


@dataclass(frozen=True)
class Optimizer:
    """`start(theta)`: the state before the first step; `step((theta, *state), gradient, rates, constants)`: the next.

    `rates` (2, K) float64: the learning rates, and what decoupled weight decay leaves of a parameter;
    `corrections(made, count)`: what the `count` steps after the first `made` need beside them, a row each.
    """

    start: Callable[[Any], tuple[Any, ...]]
    step: Callable[[tuple[Any, ...], Any, Any, Any], tuple[Any, ...]]
    rates: Floats
    corrections: Callable[[Any, int, Any], Any]


def optimizer_of(settings: Settings) -> Optimizer:
    """The optimizer of trainings that differ in nothing but their learning rate (K,).

    Raises UsageError for one that is not written out here.
    """
    return arithmetic_of("jax", WRITTEN, settings.optimizer)(settings)


def _rates(settings: Settings) -> tuple[Floats, float]:
    """The rates of an Optimizer, and the weight decay."""
    lr, decay = np.asarray(settings.lr, dtype=np.float64), _one(settings, "weight_decay")
    return np.stack([lr, 1 - lr * decay]), decay


def _one(settings: Settings, name: str) -> float:
    return float(np.asarray(settings.value(name)))


def _sgd(settings: Settings) -> Optimizer:
    """torch.optim.SGD with dampening 0: g += wd theta; b = mu b + g; theta -= lr (b, or with Nesterov g + mu b).

    torch starts with b = g, which b = 0 leads to.
    """
    import jax.numpy as jnp

    rates, decay = _rates(settings)
    momentum, nesterov = _one(settings, "momentum"), bool(_one(settings, "nesterov"))

    def start(theta: Any) -> tuple[Any, ...]:
        return (jnp.zeros_like(theta),) if momentum else ()

    def step(state: tuple[Any, ...], g: Any, rates: Any, _correction: Any) -> tuple[Any, ...]:
        theta = state[0]
        if decay:
            g = g + decay * theta
        if not momentum:
            return (theta - rates[0] * g,)
        b = momentum * state[1] + g
        return theta - rates[0] * (g + momentum * b if nesterov else b), b

    return Optimizer(start, step, rates, lambda _made, count, dtype: jnp.zeros((count, 0), dtype))


def _adam(settings: Settings) -> Optimizer:
    """torch.optim.Adam, and AdamW with its decoupled weight decay; eps is beside the corrected square root.

    torch's lr / (1 - b1^t) m / (sqrt(v) / c + eps) with c = sqrt(1 - b2^t) is evaluated as
    lr (c / (1 - b1^t)) m / (sqrt(v) + c eps), as the batched engine does it.
    """
    import jax.numpy as jnp

    rates, decay = _rates(settings)
    beta1, beta2, eps = (_one(settings, name) for name in ("beta1", "beta2", "eps"))
    decoupled = settings.optimizer == "adamw"

    def start(theta: Any) -> tuple[Any, ...]:
        return jnp.zeros_like(theta), jnp.zeros_like(theta)

    def corrections(made: Any, count: int, dtype: Any) -> Any:
        # 1 - b^t cancels where t is small, three digits of float32 at t = 1; expm1 keeps them.
        t = (made + 1 + jnp.arange(count)).astype(dtype)
        fresh1, fresh2 = (-jnp.expm1(t * float(np.log(beta))) for beta in (beta1, beta2))
        c = jnp.sqrt(fresh2)
        return jnp.stack([c / fresh1, c * eps], axis=1)

    def step(state: tuple[Any, ...], g: Any, rates: Any, correction: Any) -> tuple[Any, ...]:
        theta, m, v = state
        if decay and decoupled:
            theta = theta * rates[1]
        elif decay:
            g = g + decay * theta
        m = m + (1 - beta1) * (g - m)
        v = beta2 * v + (1 - beta2) * (g * g)
        return theta - rates[0] * correction[0] * (m / (jnp.sqrt(v) + correction[1])), m, v

    return Optimizer(start, step, rates, corrections)


WRITTEN = {"sgd": _sgd, "adam": _adam, "adamw": _adam}
