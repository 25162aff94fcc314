"""Training of K models together: blocks of epochs, between which those that diverged are taken out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from harness.problems.problem import Floats
from harness.solvers.training.batched.linear import LinearModels
from harness.solvers.training.batched.mlp import MlpModels
from harness.solvers.training.batched.optimizers import optimizer_of
from harness.solvers.training.batched.settings import Owners, Settings
from harness.solvers.training.loop import DIVERGED_FACTOR
from harness.solvers.training.watch import Block

BLOCK = 64
"""Most epochs between two looks at who diverged; each is kept until then, so that nobody is frozen too late."""
BLOCK_NUMBERS = 2**18
"""Most parameters that a block of epochs keeps, all models together: 1 MiB of float32."""


@dataclass(frozen=True)
class MiniBatches:
    """`size` rows a step, in the order that the loop draws from a generator with each model's seed (K,)."""

    size: int
    seeds: Sequence[int]


class Batch:
    """K models, their optimizer and where they stand; `advance` is the work, and nothing else is timed."""

    def __init__(
        self,
        models: LinearModels | MlpModels,
        initial: Floats,
        settings: Settings,
        batches: MiniBatches | None = None,
        schedule: Sequence[float] | None = None,
    ) -> None:
        """`initial` (K, P), in the module's order. A mini-batch of all rows or more is the full batch.

        `schedule`: what each epoch's learning rate is of the settings' own; the last goes on after it.
        """
        self.schedule, self.done = schedule, 0
        self.settings, self.total = settings, len(initial)
        self.like = models.X
        self.numbers = torch.arange(self.total, device=self.like.device)
        self.batches = batches if batches is not None and batches.size < len(models.X) else None
        self.steps = -(-len(self.like) // self.batches.size) if self.batches else 1
        self.orders = {s: torch.Generator().manual_seed(s) for s in set(self.batches.seeds)} if self.batches else {}
        self.drawn: list[torch.Tensor] = []
        self._adopt(models)
        self.optimizer = optimizer_of(settings, self._owners(), self.like.dtype)
        start = torch.tensor(initial, dtype=self.like.dtype, device=self.like.device)
        self.path[0][self.place] = start

    def _adopt(self, models: LinearModels | MlpModels) -> None:
        """Room for a block of these models' epochs."""
        self.models, self.place = models, models.place.to(self.like.device)
        self.size = models.models * models.per_model
        self.block = max(1, min(BLOCK // self.steps, BLOCK_NUMBERS // self.size))
        # The constants behind a state are ones, which nothing changes.
        self.path = self.like.new_ones(self.block + 1, self.size + models.constants)
        self.states = [row[: self.size] for row in self.path]
        self.bound = [models.bind(row) for row in self.path]
        self.gradient = self.like.new_empty(self.size)
        self.gradient_view = models.gradient_view(self.gradient)
        self.losses = self.like.new_empty(self.block, models.models)
        self.loss_rows = list(self.losses)
        if self.batches:
            place, seeds = {seed: at for at, seed in enumerate(self.orders)}, self.batches.seeds
            mine = [place[seeds[number]] for number in self.numbers.tolist()]
            self.whose = torch.tensor(mine, device=self.like.device)

    def _owners(self) -> Owners:
        owner = torch.empty(self.size, dtype=torch.int64, device=self.like.device)
        owner[self.place] = torch.arange(self.models.models, device=self.like.device)[:, None]
        return Owners(self.numbers, owner, self.total)

    def advance(self, epochs: int) -> None:
        """At most `block` epochs from path[0]: losses[e] is what epoch e steps from, path[e + 1] where it leads."""
        if self.batches:
            for epoch in range(epochs):
                self._mini(epoch, self.batches)
            return
        full, step, gradient, view = self.models.full, self.optimizer.step, self.gradient, self.gradient_view
        for epoch in range(epochs):
            full(self.bound[epoch], view, self.loss_rows[epoch])
            step(self.states[epoch], gradient, self.states[epoch + 1])
            if self.schedule is not None:
                self._scale(self.states[epoch], self.states[epoch + 1], epoch)

    def _scale(self, before: torch.Tensor, after: torch.Tensor, epoch: int) -> None:
        """A step is the learning rate times something: as much of it as the schedule says."""
        assert self.schedule is not None  # noqa: S101  # the caller has asked
        torch.lerp(before, after, self.schedule[min(self.done + epoch, len(self.schedule) - 1)], out=after)

    def _mini(self, epoch: int, batches: MiniBatches) -> None:
        """One epoch of mini-batches; the first step leads from one state to the next, the others stay there."""
        n = len(self.like)
        if not self.drawn:
            self.draw(1)
        total, loss, before = self.losses[epoch].zero_(), torch.empty_like(self.losses[epoch]), epoch
        for chunk in self.drawn.pop(0).split(batches.size, dim=1):
            # By seed until here: models that share one would hold the same order of all rows.
            self.models.own(chunk[self.whose], self.bound[before], self.gradient_view, loss)
            start = None if self.schedule is None else self.states[before].clone()
            self.optimizer.step(self.states[before], self.gradient, self.states[epoch + 1])
            if start is not None:
                self._scale(start, self.states[epoch + 1], epoch)
            total.add_(loss, alpha=chunk.shape[1] / n)
            before = epoch + 1

    def draw(self, epochs: int) -> None:
        """The orders (S, n) of the rows in the next epochs, by seed, on the device; an epoch draws its own without."""
        n = len(self.like)
        orders = ([torch.randperm(n, generator=order) for order in self.orders.values()] for _ in range(epochs))
        self.drawn = [torch.stack(order).to(self.like.device) for order in orders]

    def carry(self, epochs: int) -> None:
        """Go on from the state after `epochs` epochs of the block, with all models."""
        self.states[0].copy_(self.states[epochs])
        self.done += epochs

    def restrict(self, kept: torch.Tensor, epochs: int) -> None:
        """Go on from the state after `epochs` epochs of the block, without all models but `kept` (K,) bool."""
        self.done += epochs
        last = self.states[epochs].clone()
        if not bool(kept.all()):
            mask = kept[self._owners().owner]
            last, self.numbers = last[mask], self.numbers[kept]
            if not len(self.numbers):
                return
            self._adopt(self.models.restricted(len(self.numbers)))
            self.optimizer.restrict(mask, self._owners())
        self.states[0].copy_(last)


def blocks(batch: Batch, epochs: int, *, parameters: bool) -> Iterator[Block]:
    """`epochs` epochs of all models from where they stand, block by block, until all are done or have diverged.

    `parameters`: those of every epoch are copied to the host with the losses.
    """
    first: torch.Tensor | None = None
    before = 0
    while before < epochs and len(batch.numbers):
        count, numbers = min(batch.block, epochs - before), batch.numbers
        batch.advance(count)
        loss = batch.losses[:count].to(torch.float64, copy=True)  # the next block overwrites them
        first = loss[0].clone() if first is None else first
        bad = ~(loss <= DIVERGED_FACTOR * first[numbers]) | ~loss.isfinite()
        ended = bad.any(0)
        run = torch.where(ended, bad.int().argmax(0) + 1, count)
        path = batch.path[: count + 1][:, batch.place].double().cpu().numpy() if parameters else None
        numbers_, loss_, run_, ended_ = (value.cpu().numpy() for value in (numbers, loss, run, ended))
        yield Block(before, numbers_, loss_, path, run_, ended_)
        batch.restrict(~ended, count)
        before += count
