"""SGD on the quadratic in closed form: every direction of the Hessian is a recurrence of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from harness.problems.problem import Floats
from harness.solvers.training.learning_map import Counts, Flags
from harness.solvers.training.oracle.quadratic import Quadratic


@dataclass(frozen=True)
class Descent:
    """Full-batch SGD from S starts at L settings.

    With d the distance to the optimum along an eigenvector of the Hessian, lambda its eigenvalue and
    b torch's momentum buffer, an epoch of torch.optim.SGD (dampening 0) is

        b <- mu b + lambda d;  d <- d - lr b             (heavy ball)
        b <- mu b + lambda d;  d <- d - lr (lambda d + mu b)     (Nesterov)

    so that after t epochs d_t = (M^t)[0, 0] d_0 for a 2 x 2 matrix M, and d_t = (1 - lr lambda)^t d_0
    without momentum. `start` (S, k): weights, then bias; `lr`, `momentum`, `nesterov` (L,).
    """

    quadratic: Quadratic
    start: Floats
    lr: Floats
    momentum: Floats
    nesterov: Flags

    @classmethod
    def of(
        cls,
        quadratic: Quadratic,
        start: Floats,
        lr: Floats | Sequence[float],
        momentum: Floats | float = 0.0,
        nesterov: Flags | bool = False,
    ) -> "Descent":
        """With momentum and nesterov one value or one for each learning rate."""
        rates = np.asarray(lr, dtype=np.float64)
        mu = np.broadcast_to(np.asarray(momentum, dtype=np.float64), rates.shape)
        return cls(quadratic, np.atleast_2d(start), rates, mu, np.broadcast_to(np.asarray(nesterov), rates.shape))

    @property
    def stability_limit(self) -> Floats:
        """(L,): the learning rate below which every direction contracts, by Jury's criterion on M.

        2 (1 + mu) / lambda_max for the heavy ball, 2 (1 + mu) / ((1 + 2 mu) lambda_max) for Nesterov.
        """
        mu = self.momentum
        return (1 + mu) / np.where(self.nesterov, 1 + 2 * mu, 1.0) * self.quadratic.stability_limit

    @cached_property
    def step(self) -> Floats:
        """M (2, 2, L, k): how an epoch changes (d, b)."""
        mu, nesterov = self.momentum[:, None], self.nesterov[:, None]
        rise = np.broadcast_to(self.quadratic.curvature, (len(self.lr), len(self.quadratic.curvature)))
        reach = self.lr[:, None] * rise * np.where(nesterov, 1 + mu, 1.0)
        back = self.lr[:, None] * np.where(nesterov, mu**2, mu) * np.ones_like(rise)
        return np.array([[1 - reach, -back], [rise, mu * np.ones_like(rise)]])

    @cached_property
    def weights(self) -> Floats:
        """(S, k): what each direction adds to the relative excess loss at the start."""
        distance = self.distance
        return np.asarray(self.quadratic.curvature / 2 * distance**2 / self.quadratic.loss_scale)

    @cached_property
    def distance(self) -> Floats:
        """(S, k): the start's distance to the optimum along each direction."""
        return np.asarray((self.start - self.quadratic.optimum) @ self.quadratic.directions)

    def factors(self, epochs: Counts | Sequence[int]) -> Floats:
        """(E, L, k): d_t / d_0 after each number of epochs, in any order, by repeated squaring of M."""
        t = np.asarray(epochs, dtype=np.int64)
        if not self.momentum.any():
            with np.errstate(over="ignore"):
                return np.asarray(self.step[0, 0] ** t[:, None, None].astype(np.float64))
        M = self.step
        row = np.zeros((2, len(t), *M.shape[2:]))
        row[0] = 1.0
        with np.errstate(over="ignore", invalid="ignore"):
            for bit in range(int(t.max(initial=0)).bit_length()):
                odd = (t >> bit & 1).astype(bool)
                row[:, odd] = np.einsum("ielk,ijlk->jelk", row[:, odd], M)
                M = product(M, M)
        return np.asarray(row[0])

    def parameters(self, epochs: Counts | Sequence[int]) -> Floats:
        """(E, L, S, k): weights, then bias, after each number of epochs."""
        moved = self.factors(epochs)[:, :, None, :] * self.distance
        return np.asarray(moved @ self.quadratic.directions.T + self.quadratic.optimum)

    def excess(self, epochs: Counts | Sequence[int]) -> Floats:
        """(E, L, S): relative excess loss after each number of epochs."""
        with np.errstate(over="ignore"):
            return np.asarray(self.factors(epochs) ** 2 @ self.weights.T)

    def loss(self, epochs: Counts | Sequence[int]) -> Floats:
        """(E, L, S): mean squared error after each number of epochs."""
        return np.asarray(self.quadratic.best_loss + self.quadratic.loss_scale * self.excess(epochs))

    def path(self, epochs: Counts | Sequence[int]) -> tuple[Floats, Floats]:
        """Of the first training, parameters (E, k) and losses (E,) after each number of epochs."""
        quadratic = self.quadratic
        distance = self.factors(epochs)[:, 0] * self.distance[0]
        loss = quadratic.best_loss + distance**2 @ (quadratic.curvature / 2)
        return distance @ quadratic.directions.T + quadratic.optimum, loss


def product(A: Floats, B: Floats) -> Floats:
    """Products of 2 x 2 matrices (2, 2, ...), entry by entry."""
    return np.asarray(
        [[A[i, 0] * B[0, j] + A[i, 1] * B[1, j] for j in range(2)] for i in range(2)],
    )
