"""K ReLU networks of the same shape over the same rows: a batched product where the loop has a layer's."""

from itertools import pairwise
from typing import NamedTuple

import torch

from harness.solvers.training.batched.models import Models

LANES = 16
"""The rows of a block are made up to a multiple of this: every unit's row then starts on a cache line (64 bytes)."""


class _Layer(NamedTuple):
    """W (K, units, inputs) and b (K, units, 1) in the flat state, and the same numbers as products take them.

    back: W' (K, inputs, units); flat: W (K units, inputs); column: b (K units, 1).
    """

    W: torch.Tensor
    b: torch.Tensor
    back: torch.Tensor
    flat: torch.Tensor
    column: torch.Tensor


class _Rows(NamedTuple):
    """Inputs (p, r) or (K, p, r), targets (1, r) or (K, 1, r), and each row's weight in the mean (r,), 0 if made up."""

    inputs: torch.Tensor
    target: torch.Tensor
    share: torch.Tensor


class _Work(NamedTuple):
    """Room for r rows: after each ReLU and its transpose, the way back, (K, units, r); the residuals (K, 1, r).

    room: (K, 1, r) of what the loss is the mean of; terms: the same as (K, r).
    """

    after: list[torch.Tensor]
    turned: list[torch.Tensor]
    back: list[torch.Tensor]
    residual: torch.Tensor
    room: torch.Tensor
    terms: torch.Tensor


class MlpModels(Models):
    """Networks p - hidden... - 1; a layer of all models is W (K, units, inputs), then b (K, units), in the flat state.

    Activations are kept unit by unit, (K, units, rows): products of long rows are what BLAS does best.
    """

    constants = 0

    def __init__(
        self,
        X: torch.Tensor,
        y: torch.Tensor,
        models: int,
        *,
        hidden: tuple[int, ...],
        loss: str,
        room: int | None = None,
    ) -> None:
        super().__init__(X, y, models, loss, room)
        self.hidden = hidden
        self.shapes = list(pairwise((X.shape[1], *hidden, 1)))
        self.per_model = sum((inputs + 1) * units for inputs, units in self.shapes)
        rows = max(1, self.room // (models * max(hidden)))
        self.blocks = [self._rows(*part) for part in zip(X.split(rows), y.split(rows), strict=True)]
        self.work: dict[int, _Work] = {}

    @property
    def place(self) -> torch.Tensor:
        """(K, P): where in the flat state each model's parameters are, in the order of the module's parameters."""
        found, start = [], 0
        for inputs, units in self.shapes:
            for size in (units * inputs, units):
                found.append(torch.arange(start, start + self.models * size).view(self.models, size))
                start += self.models * size
        return torch.cat(found, dim=1)

    def restricted(self, models: int) -> "MlpModels":
        """The same rows for fewer models."""
        return MlpModels(self.X, self.y, models, hidden=self.hidden, loss=self.loss, room=self.room)

    def bind(self, state: torch.Tensor) -> list[_Layer]:
        """The layers of the flat state."""
        layers, start = [], 0
        for inputs, units in self.shapes:
            middle, end = start + self.models * units * inputs, start + self.models * units * (inputs + 1)
            W, b = state[start:middle].view(self.models, units, inputs), state[middle:end].view(self.models, units, 1)
            layers.append(_Layer(W, b, W.transpose(1, 2), W.flatten(0, 1), b.flatten(0, 1)))
            start = end
        return layers

    gradient_view = bind

    def full(self, theta: list[_Layer], gradient: list[_Layer], loss: torch.Tensor) -> None:
        """Gradient by layer and loss (K,) over all rows."""
        for number, rows in enumerate(self.blocks):
            work = self._forward(theta, rows)
            self._mean(loss, work, rows, first=number == 0)
            self._backward(theta, gradient, rows, work, first=number == 0)

    def losses(self, parameters: torch.Tensor) -> torch.Tensor:
        """The loss (K,) over all rows at parameters (K, P), in the module's order."""
        state, loss = parameters.new_empty(parameters.numel()), parameters.new_empty(self.models)
        state[self.place.to(state.device)] = parameters
        theta = self.bind(state)
        for number, rows in enumerate(self.blocks):
            self._mean(loss, self._forward(theta, rows), rows, first=number == 0)
        return loss

    def own(self, rows: torch.Tensor, theta: list[_Layer], gradient: list[_Layer], loss: torch.Tensor) -> None:
        """As `full`, each model over rows of its own: `rows` (K, b) int64."""
        share = self.X.new_full((rows.shape[1],), 1.0 / rows.shape[1])
        chosen = _Rows(self.X[rows].transpose(1, 2), self.y[rows].transpose(1, 2), share)
        work = self._forward(theta, chosen)
        torch.mv(work.terms, share, out=loss)
        self._backward(theta, gradient, chosen, work, first=True)

    def _forward(self, theta: list[_Layer], rows: _Rows) -> _Work:
        """Activations and residuals; `room` becomes what the loss is the mean of."""
        work = self._work(rows.target.shape[-1])
        signal = rows.inputs
        for layer, after in zip(theta, work.after, strict=False):
            if signal.ndim == 2:  # noqa: PLR2004  # one matrix that all models share: one product
                torch.addmm(layer.column, layer.flat, signal, out=after.view(layer.flat.shape[0], -1))
            else:
                torch.baddbmm(layer.b, layer.W, signal, out=after)
            signal = after.relu_()
        torch.baddbmm(theta[-1].b, theta[-1].W, signal, out=work.residual).sub_(rows.target)
        if self.loss == "mse":
            torch.mul(work.residual, work.residual, out=work.room)
        else:
            torch.abs(work.residual, out=work.room)
        return work

    def _mean(self, loss: torch.Tensor, work: _Work, rows: _Rows, *, first: bool) -> None:
        """A block's part of the losses (K,)."""
        if first:
            torch.mv(work.terms, rows.share, out=loss)
        else:
            torch.addmv(loss, work.terms, rows.share, out=loss)

    def _backward(self, theta: list[_Layer], gradient: list[_Layer], rows: _Rows, work: _Work, *, first: bool) -> None:
        """The chain rule, from the residuals' slopes, which carry each row's weight."""
        beta = float(not first)
        slope = work.residual
        if self.loss == "mse":
            slope.mul_(rows.share).mul_(2.0)
        else:
            slope.sign_().mul_(rows.share)
        for number in range(len(theta) - 1, 0, -1):
            G, layer, after, back = gradient[number], theta[number], work.after[number - 1], work.back[number - 1]
            torch.baddbmm(G.W, slope, work.turned[number - 1], beta=beta, out=G.W)
            self._bias(G.b, slope, first=first)
            if slope.shape[1] == 1:  # an outer product: half the time of bmm's
                torch.mul(layer.back, slope, out=back)
            else:
                torch.bmm(layer.back, slope, out=back)
            slope = torch.ops.aten.threshold_backward.grad_input(back, after, 0, grad_input=back)
        G = gradient[0]
        if rows.inputs.ndim == 2:  # noqa: PLR2004  # as in _forward
            torch.addmm(G.flat, slope.view(G.flat.shape[0], -1), rows.inputs.t(), beta=beta, out=G.flat)
        else:
            torch.baddbmm(G.W, slope, rows.inputs.transpose(1, 2), beta=beta, out=G.W)
        self._bias(G.b, slope, first=first)

    def _bias(self, gradient: torch.Tensor, slope: torch.Tensor, *, first: bool) -> None:
        if first:
            torch.sum(slope, 2, keepdim=True, out=gradient)
        else:
            gradient.add_(slope.sum(2, keepdim=True))

    def _rows(self, X: torch.Tensor, y: torch.Tensor) -> _Rows:
        """A block of rows of the full batch, made up to whole cache lines by rows of zeros that weigh nothing."""
        more = -len(X) % LANES
        share = torch.cat([X.new_full((len(X),), 1.0 / len(self.y)), X.new_zeros(more)])
        inputs, target = (torch.nn.functional.pad(part.t(), (0, more)).contiguous() for part in (X, y))
        return _Rows(inputs, target, share)

    def _work(self, rows: int) -> _Work:
        """The room for so many rows, made once."""
        if rows not in self.work:
            after = [self.X.new_empty(self.models, units, rows) for units in self.hidden]
            residual = self.X.new_empty(self.models, 1, rows)
            room, back = torch.empty_like(residual), [torch.empty_like(one) for one in after]
            turned = [one.transpose(1, 2) for one in after]
            self.work[rows] = _Work(after, turned, back, residual, room, room.squeeze(1))
        return self.work[rows]
