"""Adam and AdamW on the quadratic: k parameters a training, all trainings stepped together by numpy."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from harness.problems.problem import Floats
from harness.solvers.training.followed import Followed
from harness.solvers.training.oracle.quadratic import Quadratic
from harness.solvers.training.watch import Block

CHUNK = 64
"""Epochs between two looks at who diverged."""


@dataclass(frozen=True)
class Adaptive:
    """Full-batch torch.optim.Adam or, `decoupled`, AdamW, at torch's defaults but for what is set here.

    With gradient g, moments m and v from 0 (Kingma and Ba 2015, algorithm 1, as torch evaluates it):
    m += (1 - b1) (g - m); v = b2 v + (1 - b2) g²;
    theta -= lr / (1 - b1^t) m / (sqrt(v) / sqrt(1 - b2^t) + eps). Weight decay adds wd theta to g, or,
    decoupled, first multiplies theta by 1 - lr wd (Loshchilov and Hutter 2019).

    It is a loop's path down to that loop's rounding, and not beyond: once converged, v decays until
    lr / sqrt(v) is past the stability limit, and what is left of the distance grows again. In a loop
    that is rounding (measured: excess 1e-29 at epoch 800, 0.2 at epoch 900); here distances keep falling first.
    """

    quadratic: Quadratic
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.0
    decoupled: bool = False

    def blocks(self, start: Floats, lr: Floats | Sequence[float], epochs: int) -> Iterator[Block]:
        """Trainings from start (S, k) at lr (L,), numbered lr by lr, until all have ended."""
        rates, starts, quadratic = np.asarray(lr, dtype=np.float64), np.atleast_2d(start), self.quadratic
        followed, rates = Followed(np.arange(len(rates) * len(starts)), epochs), np.repeat(rates, len(starts))
        # By column, and as distances to the optimum: their products with the Hessian do not cancel near it.
        distance = np.tile((starts - quadratic.optimum).T, len(rates) // len(starts))
        moments = np.zeros((2, *distance.shape))
        while followed.going:
            path = np.empty((min(CHUNK, epochs - followed.before) + 1, *distance.shape))
            path[0] = distance
            with np.errstate(over="ignore", invalid="ignore"):
                self._step(path, moments, rates, followed.before)
                excess = np.sum((quadratic.root @ path) ** 2, axis=1)
            distance = path[-1]
            theta = path.swapaxes(1, 2) + quadratic.optimum
            yield followed.take(quadratic.best_loss + excess[:-1], theta, excess / quadratic.loss_scale)

    def _step(self, path: Floats, moments: Floats, lr: Floats, before: int) -> None:
        """Fill path[1:] (steps, k, K) from path[0] and the moments, after `before` steps."""
        (m, v), (b1, b2), optimum = moments, self.betas, self.quadratic.optimum[:, None]
        hessian = 2 * self.quadratic.root.T @ self.quadratic.root
        g, work = np.empty_like(m), np.empty_like(m)
        for i in range(len(path) - 1):
            d, t = path[i], before + i + 1
            np.matmul(hessian, d, out=g)
            if self.weight_decay and self.decoupled:
                d = d - lr * self.weight_decay * (d + optimum)
            elif self.weight_decay:
                g += self.weight_decay * (d + optimum)
            np.subtract(g, m, out=work)
            work *= 1 - b1
            m += work
            np.multiply(g, g, out=work)
            work *= 1 - b2
            v *= b2
            v += work
            np.sqrt(v, out=work)
            work /= (1 - b2**t) ** 0.5
            work += self.eps
            np.divide(m, work, out=work)
            work *= lr / (1 - b1**t)
            np.subtract(d, work, out=path[i + 1])
