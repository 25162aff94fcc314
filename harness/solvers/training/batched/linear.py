"""K linear models over the same rows: residuals and gradients of all of them in one matrix product each."""

from typing import NamedTuple

import torch

from harness.solvers.training.batched.models import Models


class _Rows(NamedTuple):
    """Rows [x 1 -y] (r, k + 1), and room for what all models make of them, (r, K).

    slopes (k, r): [x 1]' times what the loss's slope is but for its residuals, which is 2 / n or 1 / n;
    terms (K, r): the room the other way round, whose product with share (r,), 1 / n, is its part of the mean loss.
    """

    augmented: torch.Tensor
    slopes: torch.Tensor
    residual: torch.Tensor
    room: torch.Tensor
    terms: torch.Tensor
    share: torch.Tensor


class LinearModels(Models):
    """Weights (K, p) and biases (K,), by parameter: a row of the state is [w_1 .. w_p b 1], each (K,).

    With the row of ones, residuals are the one product [X 1 -y] [w b 1]'. Without intercept there is no b, nor its
    column of ones; k is p + 1, or p without intercept.
    """

    def __init__(
        self,
        X: torch.Tensor,
        y: torch.Tensor,
        models: int,
        *,
        loss: str,
        room: int | None = None,
        intercept: bool = True,
    ) -> None:
        super().__init__(X, y, models, loss, room)
        self.intercept = intercept
        self.per_model = X.shape[1] + intercept
        self.constants = models
        self.augmented = torch.cat([X, *[torch.ones_like(y)] * intercept, -y], dim=1)
        self.blocks = [self._rows(part) for part in self.augmented.split(max(1, self.room // models))]

    @property
    def place(self) -> torch.Tensor:
        """(K, k): where in the flat state each model's parameters are, in the order weights, bias."""
        return torch.arange(self.per_model)[None, :] * self.models + torch.arange(self.models)[:, None]

    def restricted(self, models: int) -> "LinearModels":
        """The same rows for fewer models."""
        return LinearModels(self.X, self.y, models, loss=self.loss, room=self.room, intercept=self.intercept)

    def bind(self, state: torch.Tensor) -> torch.Tensor:
        """The flat state as [w b 1]' (k + 1, K)."""
        return state.view(self.per_model + 1, self.models)

    def gradient_view(self, gradient: torch.Tensor) -> torch.Tensor:
        """The flat gradient as (k, K)."""
        return gradient.view(self.per_model, self.models)

    def full(self, theta: torch.Tensor, gradient: torch.Tensor, loss: torch.Tensor) -> None:
        """Gradient (k, K) and loss (K,) over all rows, at theta = [w b 1]' (k + 1, K)."""
        for number, (augmented, slopes, residual, room, terms, share) in enumerate(self.blocks):
            torch.mm(augmented, theta, out=residual)
            slope = self._slope(residual, room)
            if number:
                torch.addmm(gradient, slopes, slope, out=gradient)
                torch.addmv(loss, terms, share, out=loss)
            else:
                torch.mm(slopes, slope, out=gradient)
                torch.mv(terms, share, out=loss)

    def own(self, rows: torch.Tensor, theta: torch.Tensor, gradient: torch.Tensor, loss: torch.Tensor) -> None:
        """As `full`, each model over rows of its own: `rows` (K, b) int64."""
        chosen = self.augmented[rows]
        residual = torch.bmm(chosen, theta.t().unsqueeze(2))
        room = torch.empty_like(residual)
        slope = self._slope(residual, room)
        share = (2.0 if self.loss == "mse" else 1.0) / rows.shape[1]
        found = torch.bmm(chosen[:, :, :-1].transpose(1, 2), slope)
        torch.mul(found.squeeze(2).t(), share, out=gradient)
        torch.mean(room.squeeze(2), 1, out=loss)

    def _slope(self, residual: torch.Tensor, room: torch.Tensor) -> torch.Tensor:
        """The loss's slope in each residual, but for a factor; `room` becomes what the loss is the mean of."""
        if self.loss == "mse":
            torch.mul(residual, residual, out=room)
            return residual
        torch.abs(residual, out=room)
        return residual.sign_()

    def _rows(self, augmented: torch.Tensor) -> _Rows:
        residual, n = augmented.new_empty(len(augmented), self.models), len(self.y)
        slopes = augmented[:, :-1].t() * ((2.0 if self.loss == "mse" else 1.0) / n)
        room, share = torch.empty_like(residual), augmented.new_full((len(augmented),), 1.0 / n)
        return _Rows(augmented, slopes.contiguous(), residual, room, room.t(), share)
