"""K trainings in one compiled function: a scan over the epochs of a block, all models in each of its steps."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from harness.problems.problem import Floats
from harness.solvers.closed_forms.jax_client import device_of
from harness.solvers.training.batched.settings import Settings
from harness.solvers.training.followed import Followed
from harness.solvers.training.jax_scan.models import models_of
from harness.solvers.training.jax_scan.optimizers import optimizer_of
from harness.solvers.training.training import Training
from harness.solvers.training.watch import Block

BLOCK = 1024
"""Most epochs of a call: the 20 us that a call costs are then 3 % of the fastest epochs (0.6 us; measured)."""
BLOCK_NUMBERS = 2**20
"""Most parameters that a block keeps, all models together: 4 MiB of float32."""
BLOCK_PRODUCTS = 2**30
"""Most products of a parameter and a row that a block makes: a tenth of a second or so between two signs of life."""


class Together:
    """K trainings that stand somewhere; `advance` is the work, and nothing else is timed."""

    def __init__(self, training: Training, cases: Sequence[tuple[float, int]], *, every: bool) -> None:
        """At these (lr, seed), at their start; `every`: the parameters after each epoch are kept."""
        import jax

        options = training.options
        self.double, self.every = options.dtype == "float64", every
        # Elsewhere a product of float32 is one of float32 unless it is asked for less.
        self.precision = None if options.tf32 else "highest"
        self.device = device_of(options.device, options.threads)
        self.optimizer = optimizer_of(Settings.of(training, [lr for lr, _ in cases]))
        self.models = models_of(training, len(cases))
        theta = training.initial_parameters([seed for _, seed in cases])
        self.count, self.last = _block_epochs(training, theta.size), theta
        with self._here():
            self.data = self._put(self.models.data)
            self.rates = self._put(np.expand_dims(self.optimizer.rates, 1 if self.models.columns else 2))
            theta = self._put(np.ascontiguousarray(theta.T) if self.models.columns else theta)
            self.state = (self._put(np.zeros((), dtype=np.int32)), theta, *self.optimizer.start(theta))
            self.block = jax.jit(self._block, donate_argnums=0)

    def advance(self) -> tuple[Any, Any]:
        """`count` epochs: the loss (count, K) that each steps from; parameters (count, K, P), or (P, K), or None."""
        import jax

        with self._here():
            self.state, seen = self.block(self.state, self.rates, self.data)
            return jax.block_until_ready(seen)  # type: ignore[no-any-return,no-untyped-call]

    def blocks(self, numbers: Sequence[int], epochs: int) -> Iterator[Block]:
        """The trainings from their start, `numbers` (K,) of a grid, until all have ended."""
        followed = Followed(np.asarray(numbers), epochs)
        while followed.going:
            loss, path = self.advance()
            yield followed.take(np.asarray(loss, dtype=np.float64), self._parameters(path) if self.every else None)

    def _parameters(self, path: Any) -> Floats:
        """(count + 1, K, P) float64: before the block and after each of its epochs."""
        after = np.asarray(path, dtype=np.float64)
        if self.models.columns:
            after = after.swapaxes(1, 2)
        before, self.last = self.last, after[-1]
        return np.concatenate([before[None], after])

    def _block(self, state: tuple[Any, ...], rates: Any, data: tuple[Any, ...]) -> tuple[Any, Any]:
        """What is compiled: (steps made, theta, the optimizer's own) and what the block's epochs did."""
        import jax

        made, *start = state
        gradients, step = self.models.gradients, self.optimizer.step

        def epoch(before: tuple[Any, ...], correction: Any) -> tuple[Any, Any]:
            loss, gradient = gradients(before[0], data)
            after = step(before, gradient, rates, correction)
            return after, (loss, after[0] if self.every else None)

        corrections = self.optimizer.corrections(made, self.count, start[0].dtype)
        end, seen = jax.lax.scan(epoch, tuple(start), corrections, length=self.count, unroll=self.models.unroll)
        return (made + self.count, *end), seen

    def _put(self, value: Any) -> Any:
        """On the device in the dtype trained in, whole numbers as they are; a copy, since states are donated."""
        import jax

        def put(one: Any) -> Any:
            real = np.issubdtype(one.dtype, np.floating)
            dtype = one.dtype if not real else np.float64 if self.double else np.float32
            return jax.device_put(np.array(one, dtype=dtype), self.device, may_alias=False)

        return jax.tree.map(put, value)

    @contextmanager
    def _here(self) -> Iterator[None]:
        """Inside, jax computes as this training does; outside, as it did."""
        import jax

        with jax.enable_x64(self.double), jax.default_device(self.device), jax.default_matmul_precision(self.precision):
            yield


def _block_epochs(training: Training, parameters: int) -> int:
    """Epochs of a block: the bounds above, in blocks so even that the last runs few epochs too many."""
    rows = len(training.problem.split.train)
    most = min(BLOCK, BLOCK_NUMBERS // parameters, BLOCK_PRODUCTS // (parameters * rows))
    blocks = -(-training.epochs // max(1, most))
    return -(-training.epochs // blocks)
