"""Losses and gradients of K models over all rows, written for XLA: compiled, not called."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from harness.problems.problem import Floats
from harness.solvers.training.training import Training

COLUMNS_FROM = 64
"""Linear models of several features from which their parameters are kept column by column (measured, n = 398,
p = 6 on one core: 0.12 us a model-epoch instead of 0.16; at 16 models it is 0.55 instead of 0.29)."""

Gradients = Callable[[Any, tuple[Any, ...]], tuple[Any, Any]]


@dataclass(frozen=True)
class Models:
    """K models as one array of parameters, (K, P) or, where `columns`, (P, K), each in the module's order.

    `data`: what `gradients(theta, data)` needs of the rows, float64; it gives the losses (K,) and what
    theta's gradient is, in theta's shape. `unroll`: epochs that the loop's body holds.
    """

    data: tuple[Floats, ...]
    gradients: Gradients
    columns: bool
    unroll: int


def models_of(training: Training, models: int) -> Models:
    """`models` models of a training, in the layout that XLA is fastest with.

    Parts of the loop that take a microsecond pay for their number: an unrolled body halves a single linear
    model's epoch, and does nothing for a network's (measured).
    """
    X, y = training.arrays("train")
    squares = training.options.loss == "mse"
    if training.options.hidden is not None:
        widths = (X.shape[1], *training.options.hidden, 1)
        return Models((np.ascontiguousarray(X.T), y), _network(widths, squares=squares), columns=False, unroll=1)
    intercept = training.problem.intercept
    A = np.column_stack([X, np.ones((len(X), int(intercept)))])
    if not intercept or (X.shape[1] > 1 and models >= COLUMNS_FROM):
        return Models((A, np.ascontiguousarray(A.T), y), _linear_columns(squares=squares), columns=True, unroll=4)
    return Models((np.ascontiguousarray(X.T), y), _linear(squares=squares), columns=False, unroll=4)


def _linear(*, squares: bool) -> Gradients:
    """Of theta (K, p + 1); data: X' (p, n), y (n,). Residuals (K, n) lie row by row, as both products read them."""
    import jax.numpy as jnp

    def gradients(theta: Any, data: tuple[Any, ...]) -> tuple[Any, Any]:
        Xt, y = data
        loss, slope = _loss(theta[:, :-1] @ Xt + theta[:, -1:] - y, axis=1, squares=squares)
        by_weight = jnp.einsum("kn,in->ki", slope, Xt)
        return loss, jnp.concatenate([by_weight, slope.sum(axis=1, keepdims=True)], axis=1)

    return gradients


def _linear_columns(*, squares: bool) -> Gradients:
    """Of theta (k, K); data: A = [X 1], or X without intercept, (n, k), A', y (n,)."""

    def gradients(theta: Any, data: tuple[Any, ...]) -> tuple[Any, Any]:
        A, At, y = data
        loss, slope = _loss(A @ theta - y[:, None], axis=0, squares=squares)
        return loss, At @ slope

    return gradients


def _network(widths: tuple[int, ...], *, squares: bool) -> Gradients:
    """Of theta (K, P); data: X' (p, n), y (n,). Activations are unit by unit, (K, units, n): rows lie together.

    The chain rule by hand: XLA's own derivative of the same forward pass takes a quarter longer (measured).
    """
    import jax.numpy as jnp

    def gradients(theta: Any, data: tuple[Any, ...]) -> tuple[Any, Any]:
        Xt, y = data
        layers = _layers(theta, widths)
        W, b = layers[0]
        signals = [jnp.maximum(jnp.einsum("koi,in->kon", W, Xt) + b[:, :, None], 0)]
        for W, b in layers[1:-1]:
            signals.append(jnp.maximum(jnp.einsum("koi,kin->kon", W, signals[-1]) + b[:, :, None], 0))
        W, b = layers[-1]
        loss, slope = _loss(jnp.einsum("ki,kin->kn", W[:, 0], signals[-1]) + b - y, axis=1, squares=squares)
        back, found = slope[:, None], []
        for layer in range(len(layers) - 1, 0, -1):
            W, signal = layers[layer][0], signals[layer - 1]
            found += [back.sum(axis=2), jnp.einsum("kon,kin->koi", back, signal)]
            back = jnp.where(signal > 0, jnp.einsum("koi,kon->kin", W, back), 0)
        found += [back.sum(axis=2), jnp.einsum("kon,in->koi", back, Xt)]
        return loss, jnp.concatenate([part.reshape(len(theta), -1) for part in reversed(found)], axis=1)

    return gradients


def _layers(theta: Any, widths: tuple[int, ...]) -> list[tuple[Any, Any]]:
    """Weights (K, units, inputs) and biases (K, units) of each layer."""
    layers, start = [], 0
    for inputs, units in pairwise(widths):
        middle, end = start + units * inputs, start + units * (inputs + 1)
        layers.append((theta[:, start:middle].reshape(-1, units, inputs), theta[:, middle:end]))
        start = end
    return layers


def _loss(residual: Any, *, axis: int, squares: bool) -> tuple[Any, Any]:
    """The mean loss over the rows, along `axis`, and its slope in each residual."""
    import jax.numpy as jnp

    share = 1.0 / residual.shape[axis]
    if squares:
        return (residual * residual).mean(axis=axis), residual * (2 * share)
    return jnp.abs(residual).mean(axis=axis), jnp.sign(residual) * share
