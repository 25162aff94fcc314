"""The training loop as people write it in torch; times of trainings are told by it."""

import inspect
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.solvers.training.brought_optimizer import needs_closure

if TYPE_CHECKING:
    import torch

DIVERGED_FACTOR = 1e3
"""A loss above this many times the first is divergence (DESIGN: with a non-finite loss, the criterion)."""


@dataclass
class Loop:
    """A model, its optimizer and the data it steps over; `batch` None is the full batch.

    X (m, p) and y (m, 1) are on the model's device. With mini-batches the rows are drawn anew for
    each epoch from `order`, a seeded generator on the CPU, so that every device sees one order: by `draw`, or by the
    epoch itself where nobody has drawn them. `fetch` False leaves each loss on the device, where nobody waits for it.
    `scheduler` steps after each epoch.
    """

    model: "torch.nn.Module"
    optimizer: "torch.optim.Optimizer"
    loss: "Callable[[torch.Tensor, torch.Tensor], torch.Tensor]"
    X: "torch.Tensor"
    y: "torch.Tensor"
    batch: int | None
    order: "torch.Generator"
    fetch: bool = True
    scheduler: Any = None
    drawn: "torch.Tensor | None" = None
    closure: bool = field(init=False)

    def __post_init__(self) -> None:
        """See how the optimizer and the scheduler step."""
        self.closure = needs_closure(self.optimizer)
        self._wants_loss = self.scheduler is not None and "metrics" in inspect.signature(self.scheduler.step).parameters

    @property
    def draws(self) -> bool:
        """Whether an epoch needs an order of the rows."""
        return self.batch is not None and self.batch < len(self.X)

    def draw(self) -> None:
        """The order of the next epoch's rows, on the device."""
        import torch

        self.drawn = torch.randperm(len(self.X), generator=self.order).to(self.X.device)

    def epoch(self) -> "float | torch.Tensor":
        """One pass over the rows; the mean of the losses that its steps were taken from."""
        loss = self._epoch()
        if self.scheduler is not None:
            self.scheduler.step(*([loss] if self._wants_loss else []))
        return loss

    def _epoch(self) -> "float | torch.Tensor":
        if self.batch is None or not self.draws:
            return self.step(self.X, self.y)
        total: float | torch.Tensor = 0.0
        for X, y in self._batches(self.batch):
            total += self.step(X, y) * len(X)
        return total / len(self.X)

    def step(self, X: "torch.Tensor", y: "torch.Tensor") -> "float | torch.Tensor":
        """One optimizer step, as every tutorial writes it; the loss before it."""
        if self.closure:
            return self._step_by_closure(X, y)
        self.optimizer.zero_grad()
        loss = self.loss(self.model(X), y)
        value = float(loss.item()) if self.fetch else loss.detach()
        loss.backward()
        self.optimizer.step()
        return value

    def _step_by_closure(self, X: "torch.Tensor", y: "torch.Tensor") -> "float | torch.Tensor":
        """A step that computes the loss as often as the optimizer likes, as torch's LBFGS; the first loss."""
        losses: list[torch.Tensor] = []

        def closure() -> "torch.Tensor":
            self.optimizer.zero_grad()
            loss = self.loss(self.model(X), y)
            loss.backward()
            losses.append(loss.detach())
            return loss

        self.optimizer.step(closure)
        return float(losses[0].item()) if self.fetch else losses[0]

    def _batches(self, size: int) -> "Iterator[tuple[torch.Tensor, torch.Tensor]]":
        if self.drawn is None:
            self.draw()
        assert self.drawn is not None  # noqa: S101  # draw() has set it
        rows, self.drawn = self.drawn, None
        for chunk in rows.split(size):
            yield self.X[chunk], self.y[chunk]


def train(loop: Loop, epochs: int, observe: Callable[[int, float], None]) -> bool:
    """Run `epochs` epochs, calling `observe(epoch, loss)` after each; False if the training diverged.

    Diverged: a loss that is not finite or above DIVERGED_FACTOR times the first. It ends the training.
    """
    first: float | None = None
    for epoch in range(epochs):
        loss = float(loop.epoch())
        observe(epoch, loss)
        first = loss if first is None else first
        if not math.isfinite(loss) or loss > DIVERGED_FACTOR * first:
            return False
    return True
