"""Adam and AdamW on the quadratic: k parameters a training, all trainings stepped together by numpy."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from harness.problems.problem import Floats
from harness.solvers.training.followed import Followed
from harness.solvers.training.oracle.quadratic import Quadratic
from harness.solvers.training.watch import Block

CHUNK = 64
"""Epochs between two looks at who diverged."""
COLD, SHRINKS = 0.01, 0.1
"""The share of its first value that a warm moment may still have; by how much less than the most is found."""


def frozen_limit(lr: Floats, beta1: float) -> Floats:
    """(2 + 2 b1) / ((1 - b1) lr), 38 / lr for b1 = 0.9: Adam's limit on lambda_max(P^-1 H) with the preconditioner P.

    Of all rows, once its moments are warm and where P hardly changes: then Adam is a heavy ball with a step of
    (1 - b1) lr on P^-1 H, and above the limit a direction grows (Cohen et al. 2022, Adaptive gradient methods at the
    edge of stability, sec. 2). P follows the gradients, so that no limit of the learning rate is known in advance.
    """
    return np.asarray((2 + 2 * beta1) / ((1 - beta1) * lr))


def _log(share: float) -> float:
    """Its logarithm; minus infinity of 0, a moment that remembers nothing."""
    return math.log(share) if share > 0 else -math.inf


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

    def over_limit(self, start: Floats, lr: Floats | Sequence[float], epochs: int) -> Floats:
        """(L,): the largest of lambda_max(P^-1 H) / frozen_limit along trainings from start (1, k) at lr (L,).

        H is the Hessian, P = (1 - b1^t) (sqrt(v / (1 - b2^t)) + eps) the preconditioner after t steps. It is looked at
        once the moments are warm (b1^t < COLD), and again before sqrt(v) can shrink by SHRINKS. NaN of fewer epochs.
        """
        rates, (b1, b2) = np.asarray(lr, dtype=np.float64), self.betas
        hessian = 2 * self.quadratic.root.T @ self.quadratic.root
        warm, apart = (max(1, round(n)) for n in (_log(COLD) / _log(b1), 2 * _log(1 - SHRINKS) / _log(b2)))
        path = np.empty((max(warm, apart) + 1, len(hessian), len(rates)))
        path[0] = (start - self.quadratic.optimum).T
        moments, most, done = np.zeros((2, *path[0].shape)), np.full(len(rates), np.nan), 0
        with np.errstate(over="ignore", invalid="ignore"):
            while done + (step := apart if done else warm) <= epochs:
                self._step(path[: step + 1], moments, rates, done)
                path[0], done = path[step], done + step
                root = np.sqrt((1 - b1**done) * (np.sqrt(moments[1] / (1 - b2**done)) + self.eps)).T
                scaled = hessian / (root[:, :, None] * root[:, None, :])
                known = np.isfinite(scaled).all(axis=(1, 2))  # not of what has overflown
                largest = np.linalg.eigvalsh(scaled[known])[:, -1]
                most[known] = np.fmax(most[known], largest / frozen_limit(rates[known], b1))
        return most

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
