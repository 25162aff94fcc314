"""Adam and AdamW on the quadratic: k parameters a training, all trainings stepped together by numpy."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.problems.problem import Floats
from harness.solvers.training.learning_map import CENSORED, TOLERANCES, Counts, LearningMap
from harness.solvers.training.loop import DIVERGED_FACTOR
from harness.solvers.training.oracle.quadratic import Quadratic

CHUNK = 64
"""Epochs between two looks at who diverged or converged."""


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

    def train(
        self,
        start: Floats,
        lr: Floats | Sequence[float],
        epochs: int,
        *,
        tolerances: tuple[float, ...] = TOLERANCES,
        keep: Counts | Sequence[int] = (),
        let_go: bool = False,
    ) -> tuple[LearningMap, Floats]:
        """Trainings from start (S, k) at lr (L,): how each ends, and parameters (len(keep), L, S, k).

        A training that diverged leaves the batch; with `let_go` so does one that reached the last
        tolerance. It keeps the parameters after its last epoch, and `final` is of them. `keep`: numbers of
        epochs, ascending.
        """
        batch = _Batch(self, np.atleast_2d(start), np.asarray(lr, dtype=np.float64), tolerances, keep)
        for before in range(0, epochs, CHUNK):
            if not len(batch.models):
                break
            batch.advance(before, min(CHUNK, epochs - before), let_go)
        return batch.outcome()


class _Batch:
    """The trainings still under way, `models` (K,), by column; what has ended is in the arrays over all of them."""

    def __init__(
        self, rule: Adaptive, start: Floats, lr: Floats, tolerances: tuple[float, ...], keep: Counts | Sequence[int]
    ) -> None:
        self.rule, self.shape, self.tolerances = rule, (len(lr), len(start)), tolerances
        total, optimum, root = len(lr) * len(start), rule.quadratic.optimum, rule.quadratic.root
        self.hessian = 2 * root.T @ root
        self.models = np.arange(total)
        self.lr = np.repeat(lr, len(start))
        # Distances to the optimum: their products with the Hessian do not cancel near it.
        self.last = np.tile((start - optimum).T, len(lr))
        self.moments = np.zeros((2, *self.last.shape))
        first = self._excess(self.last)
        self.final = first / rule.quadratic.loss_scale
        self.limit = DIVERGED_FACTOR * (rule.quadratic.best_loss + first) - rule.quadratic.best_loss
        self.reached = np.full((len(tolerances), total), CENSORED, dtype=np.int64)
        self.diverged = np.zeros(total, dtype=np.bool_)
        self.run = np.zeros(total, dtype=np.int64)
        self.keep = np.asarray(keep, dtype=np.int64)
        self.kept = np.repeat(self.last[None], len(keep), axis=0)

    def _excess(self, distance: Floats) -> Floats:
        """L - L* at distances (..., k, K): (..., K)."""
        return np.asarray(np.sum((self.rule.quadratic.root @ distance) ** 2, axis=-2))

    def advance(self, before: int, steps: int, let_go: bool) -> None:
        """`steps` epochs after the first `before`, then a look at who has ended."""
        path = np.empty((steps + 1, len(self.last), len(self.models)))
        path[0] = self.last[:, self.models]
        with np.errstate(over="ignore", invalid="ignore"):
            self._step(path, before)
            excess = self._excess(path)
        end = self._ends(excess, before, let_go)
        place = np.arange(len(end))
        ended = end < steps
        ended |= self.diverged[self.models]
        self.final[self.models] = excess[end, place] / self.rule.quadratic.loss_scale
        self.last[:, self.models] = path[end, :, place].T
        self.run[self.models] = before + end
        self._keep(path, before, end, ended)
        self.models, self.lr, self.moments = self.models[~ended], self.lr[~ended], self.moments[..., ~ended]

    def _step(self, path: Floats, before: int) -> None:
        """Fill path[1:] (steps, k, K) from path[0] and the moments."""
        rule, (m, v) = self.rule, self.moments
        (b1, b2), optimum = rule.betas, rule.quadratic.optimum[:, None]
        g, work = np.empty_like(m), np.empty_like(m)
        for i in range(len(path) - 1):
            d, t = path[i], before + i + 1
            np.matmul(self.hessian, d, out=g)
            if rule.weight_decay and rule.decoupled:
                d = d - self.lr * rule.weight_decay * (d + optimum)
            elif rule.weight_decay:
                g += rule.weight_decay * (d + optimum)
            np.subtract(g, m, out=work)
            work *= 1 - b1
            m += work
            np.multiply(g, g, out=work)
            work *= 1 - b2
            v *= b2
            v += work
            np.sqrt(v, out=work)
            work /= (1 - b2**t) ** 0.5
            work += rule.eps
            np.divide(m, work, out=work)
            work *= self.lr / (1 - b1**t)
            np.subtract(d, work, out=path[i + 1])

    def _ends(self, excess: Floats, before: int, let_go: bool) -> Counts:
        """Epochs (K,) of this chunk that each training runs, from the excess (steps + 1, K); notes who reached what."""
        steps = len(excess) - 1
        wrong = ~(excess[:-1] <= self.limit[self.models])
        self.diverged[self.models] = wrong.any(axis=0)
        end = np.where(wrong.any(axis=0), np.argmax(wrong, axis=0) + 1, steps)
        beyond = np.arange(steps + 1)[:, None] > end
        relative = np.where(beyond, np.inf, excess) / self.rule.quadratic.loss_scale
        least = relative.min(axis=0)
        for level, tolerance in zip(self.reached, self.tolerances, strict=True):
            new = (level[self.models] == CENSORED) & (least <= tolerance)
            level[self.models[new]] = before + np.argmax(relative[:, new] <= tolerance, axis=0)
        if let_go:
            there = self.reached[-1, self.models]
            end = np.where(there != CENSORED, there - before, end)
            self.diverged[self.models] &= there == CENSORED
        return np.asarray(end)

    def _keep(self, path: Floats, before: int, end: Counts, ended: NDArray[np.bool_]) -> None:
        """Write down the parameters after the epochs to keep: of this chunk, and all later ones of who has ended."""
        now = np.flatnonzero((self.keep > before) & (self.keep <= before + len(path) - 1))
        place = np.arange(len(end))
        for row in now:
            self.kept[row][:, self.models] = path[np.minimum(self.keep[row] - before, end), :, place].T
        later = self.keep > before + len(path) - 1
        if ended.any() and later.any():
            columns = self.models[ended]
            self.kept[np.ix_(later, np.arange(len(self.last)), columns)] = self.last[:, columns]

    def outcome(self) -> tuple[LearningMap, Floats]:
        """The map over (L, S) and the parameters kept (len(keep), L, S, k)."""
        ended = LearningMap(
            self.tolerances,
            self.reached.reshape(-1, *self.shape),
            self.run.reshape(self.shape),
            self.final.reshape(self.shape),
            self.diverged.reshape(self.shape),
        )
        theta = np.moveaxis(self.kept, 1, -1) + self.rule.quadratic.optimum
        return ended, theta.reshape(len(self.keep), *self.shape, theta.shape[-1])
