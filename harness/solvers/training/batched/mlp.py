"""K ReLU networks of the same shape over the same rows: a batched product where the loop has a layer's."""

from itertools import pairwise
from typing import NamedTuple

import torch

from harness.solvers.training.batched.room import default_room


class _Work(NamedTuple):
    """Room for r rows: before and after each ReLU, the way back, the residuals (K, 1, r).

    before, back: (K, units, r) for each hidden layer; after: (K, units + 1, r), its last row being ones.
    """

    before: list[torch.Tensor]
    after: list[torch.Tensor]
    back: list[torch.Tensor]
    residual: torch.Tensor
    room: torch.Tensor


class MlpModels:
    """Networks p - hidden... - 1; a layer of all models is [W b] (K, units, inputs + 1) in the flat state.

    Activations are kept unit by unit, (K, units, rows): products of long rows are what BLAS does best, and
    with a row of ones below them one product gives the bias, and one the gradient of weights and bias.
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
        """X (n, p), y (n, 1); `room`: numbers that a work array should hold at most, which sets rows a product."""
        self.X, self.y, self.models, self.hidden, self.loss = X, y, models, hidden, loss
        self.room = room or default_room(X)
        self.shapes = [(units, inputs + 1) for inputs, units in pairwise((X.shape[1], *hidden, 1))]
        self.per_model = sum(units * inputs for units, inputs in self.shapes)
        self.inputs = torch.cat([X, torch.ones_like(y)], dim=1)
        rows = max(1, self.room // (models * max(hidden)))
        self.blocks = [
            (part.t().contiguous(), target.t().contiguous())
            for part, target in zip(self.inputs.split(rows), y.split(rows), strict=True)
        ]
        self.work: dict[int, _Work] = {}

    @property
    def place(self) -> torch.Tensor:
        """(K, P): where in the flat state each model's parameters are, in the order of the module's parameters."""
        found, start = [], 0
        for units, inputs in self.shapes:
            layer = torch.arange(start, start + self.models * units * inputs).view(self.models, units, inputs)
            found += [layer[:, :, :-1].flatten(1), layer[:, :, -1]]
            start += layer.numel()
        return torch.cat(found, dim=1)

    def restricted(self, models: int) -> "MlpModels":
        """The same rows for fewer models."""
        return MlpModels(self.X, self.y, models, hidden=self.hidden, loss=self.loss, room=self.room)

    def bind(self, state: torch.Tensor) -> list[torch.Tensor]:
        """The layers [W b] (K, units, inputs + 1) of the flat state."""
        sizes = [self.models * units * inputs for units, inputs in self.shapes]
        return [
            part.view(self.models, units, inputs)
            for part, (units, inputs) in zip(state.split(sizes), self.shapes, strict=True)
        ]

    gradient_view = bind

    def full(self, theta: list[torch.Tensor], gradient: list[torch.Tensor], loss: torch.Tensor) -> None:
        """Gradient by layer and loss (K,) over all rows."""
        n = len(self.y)
        for number, (inputs, target) in enumerate(self.blocks):
            work = self._forward(theta, inputs, target)
            self._backward(theta, gradient, inputs, work, share=1.0 / n, first=number == 0)
            part = work.room.squeeze(1)
            loss.copy_(part.sum(1)) if number == 0 else loss.add_(part.sum(1))
        loss.div_(n)

    def own(
        self, rows: torch.Tensor, theta: list[torch.Tensor], gradient: list[torch.Tensor], loss: torch.Tensor
    ) -> None:
        """As `full`, each model over rows of its own: `rows` (K, b) int64."""
        inputs = self.inputs[rows].transpose(1, 2)
        work = self._forward(theta, inputs, self.y[rows].transpose(1, 2))
        self._backward(theta, gradient, inputs, work, share=1.0 / rows.shape[1], first=True)
        torch.mean(work.room.squeeze(1), 1, out=loss)

    def _forward(self, theta: list[torch.Tensor], inputs: torch.Tensor, target: torch.Tensor) -> _Work:
        """Inputs, with ones, (p + 1, r) or (K, p + 1, r); targets (1, r) or (K, 1, r)."""
        work = self._work(inputs.shape[-1])
        signal = inputs
        for W, before, after in zip(theta, work.before, work.after, strict=False):
            if signal.ndim == 2:  # noqa: PLR2004  # one matrix that all models share: one product
                torch.mm(W.flatten(0, 1), signal, out=before.flatten(0, 1))
            else:
                torch.bmm(W, signal, out=before)
            torch.clamp_min(before, 0, out=after[:, :-1])
            signal = after
        torch.bmm(theta[-1], signal, out=work.residual).sub_(target)
        if self.loss == "mse":
            torch.mul(work.residual, work.residual, out=work.room)
        else:
            torch.abs(work.residual, out=work.room)
            work.residual.sign_()
        return work

    def _backward(
        self,
        theta: list[torch.Tensor],
        gradient: list[torch.Tensor],
        inputs: torch.Tensor,
        work: _Work,
        *,
        share: float,
        first: bool,
    ) -> None:
        """The chain rule; each product with `share` (and 2 for squares), which then costs nothing."""
        scale = {"beta": float(not first), "alpha": share * (2.0 if self.loss == "mse" else 1.0)}
        slope = work.residual
        for layer in range(len(theta) - 1, 0, -1):
            G, W, before, back = gradient[layer], theta[layer], work.before[layer - 1], work.back[layer - 1]
            torch.baddbmm(G, slope, work.after[layer - 1].transpose(1, 2), out=G, **scale)
            way = W[:, :, :-1].transpose(1, 2)
            if slope.shape[1] == 1:  # an outer product: half the time of bmm's
                torch.mul(way, slope, out=back)
            else:
                torch.bmm(way, slope, out=back)
            slope = torch.ops.aten.threshold_backward.grad_input(back, before, 0, grad_input=back)
        G = gradient[0]
        if inputs.ndim == 2:  # noqa: PLR2004  # as in _forward
            torch.addmm(G.flatten(0, 1), slope.flatten(0, 1), inputs.t(), out=G.flatten(0, 1), **scale)
        else:
            torch.baddbmm(G, slope, inputs.transpose(1, 2), out=G, **scale)

    def _work(self, rows: int) -> _Work:
        """The room for so many rows, made once."""
        if rows not in self.work:
            before = [self.X.new_empty(self.models, units, rows) for units in self.hidden]
            after = [self.X.new_ones(self.models, units + 1, rows) for units in self.hidden]
            residual = self.X.new_empty(self.models, 1, rows)
            back = [torch.empty_like(one) for one in before]
            self.work[rows] = _Work(before, after, back, residual, torch.empty_like(residual))
        return self.work[rows]
