"""Steps of the textbook loop on memory that never moves, so that a CUDA graph can repeat them."""

import torch

from harness.errors import UsageError
from harness.problems.problem import Floats
from harness.solvers.training import optimizers
from harness.solvers.training.loop_engine import loop_of
from harness.solvers.training.training import Training

STEPS_PER_GRAPH = 20
"""Epochs that one launch repeats: the launch is then a twentieth of an epoch's share. Not yet measured on a device."""
BUFFER_NUMBERS = 2**22
"""Most parameters that are kept between two looks at them, and so a bound on the steps: 16 MiB of float32."""
WARM_UP_STEPS = 3
"""Side-stream steps before a capture, as in torch's notes on CUDA semantics (Whole-network capture)."""


class Steps:
    """A model, its optimizer, the data, and where each of `count` steps leaves its loss and its parameters.

    `losses` (count,): what each step steps from; `path` (count, P) after each, None unless `every`. After
    `warm_up` and `settle`, `run` touches no other memory than it did the time before, but for
    what the graph's own pool holds.
    """

    def __init__(self, training: Training, *, every: bool, count: int = STEPS_PER_GRAPH) -> None:
        """At the training's learning rate; where the parameters stand is `reset`'s business."""
        self.kind = optimizers.get(training.optimizer)
        if lacking := self.kind.unsupported("graphed"):
            raise UsageError(lacking)
        loop = loop_of(training)
        self.training = training
        self.model, self.loss, self.X, self.y = loop.model, loop.loss, loop.X, loop.y
        self.parameters: list[torch.Tensor] = list(self.model.parameters())
        size = sum(one.numel() for one in self.parameters)
        self.count = max(1, min(count, BUFFER_NUMBERS // size)) if every else count
        self.losses = self.X.new_zeros(self.count)
        self.path = self.X.new_zeros(self.count, size) if every else None
        self.fused = training.options.implementation == "fused"
        self.rate = self._rate()
        self.optimizer = self._optimizer()

    def _rate(self) -> "torch.Tensor | None":
        """The learning rate as a tensor, where the optimizer can read one exactly without asking the host.

        torch's SGD turns a tensor into a number, which a capture forbids, and the fused kernels read float32.
        """
        if not self.kind.capturable or self.fused:
            return None
        return torch.tensor(self.training.options.lr, dtype=torch.float64, device=self.X.device)

    def _optimizer(self) -> "torch.optim.Optimizer":
        """The loop's optimizer in the form that can be captured."""
        more = {"lr": self.rate, "capturable": self.kind.capturable or None}
        if self.rate is None:
            del more["lr"]
        return self.kind.build(self.parameters, self.training.options, **more)

    def takes(self, lr: float) -> bool:
        """Whether `reset` can go on with this learning rate; if not, it is part of what was recorded."""
        return self.rate is not None or lr == self.training.options.lr

    def reset(self, lr: float, seed: int) -> None:
        """The start of a training, in place: the seed's initial weights, no steps made. Only with an lr it `takes`."""
        assert self.takes(lr)  # noqa: S101  # the caller has asked
        if self.rate is not None:
            self.rate.fill_(lr)
        self._restore(self.training.initial_parameters([seed])[0])
        # A momentum of zero is what torch's first step, which copies the gradient, amounts to.
        for state in self.optimizer.state.values():
            for value in state.values():
                if isinstance(value, torch.Tensor):
                    value.zero_()

    def run(self) -> None:
        """All steps, from wherever the parameters stand."""
        for number in range(self.count):
            self.step(number)

    def step(self, number: int) -> None:
        """One step, as every tutorial writes it, its loss and parameters left in their places."""
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.loss(self.model(self.X), self.y)
        self.losses[number].copy_(loss.detach())
        loss.backward()
        self.optimizer.step()
        if self.path is not None:
            torch.cat([one.detach().flatten() for one in self.parameters], out=self.path[number])

    def warm_up(self) -> None:
        """Steps that make what the first ones make: the optimizer's state, libraries' handles and workspaces."""
        self.step(0)
        self._count_in_double()
        for _ in range(WARM_UP_STEPS):
            self.step(0)

    def settle(self) -> None:
        """Forget the gradients, so that those of a capture come from the graph's own memory."""
        self.optimizer.zero_grad(set_to_none=True)

    def _count_in_double(self) -> None:
        """Steps made are counted in float64: torch's default is float32, in which 1 - b2^t loses four digits.

        The loop's optimizer, which counts on the host, corrects its moments in float64. The fused kernels take
        float32 counts and compute with doubles.
        """
        if self.fused:
            return
        for state in self.optimizer.state.values():
            if "step" in state:
                state["step"] = state["step"].double()

    def _restore(self, flat: Floats) -> None:
        """Set all parameters (P,) in place."""
        values = torch.tensor(flat, dtype=self.X.dtype, device=self.X.device)
        sizes = [one.numel() for one in self.parameters]
        with torch.no_grad():
            for one, value in zip(self.parameters, values.split(sizes), strict=True):
                one.copy_(value.view_as(one))
