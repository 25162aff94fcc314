"""The mean squared error of the linear model as the quadratic that it is."""

from dataclasses import dataclass

import numpy as np

from harness.problems.problem import Floats


@dataclass(frozen=True)
class Quadratic:
    """L(theta) = best_loss + |root (theta - optimum)|² for theta = (weights, then bias if there is one), in float64.

    `optimum` (k,): the least-squares solution of [X 1] (of X without intercept), of least norm where the rank is short.
    `root` (k, k): triangular factor of the Gram matrix G = [X 1]'[X 1] / n = root' root.
    `curvature` (k,): eigenvalues of the Hessian 2G, descending, exactly 0 beyond the rank;
    `directions` (k, k): their eigenvectors by column. `loss_scale`: what an excess loss is relative to.
    """

    optimum: Floats
    best_loss: float
    root: Floats
    curvature: Floats
    directions: Floats
    loss_scale: float

    @classmethod
    def of(
        cls,
        X: Floats,
        y: Floats,
        loss_scale: float | None = None,
        *,
        intercept: bool = True,
        weights: Floats | None = None,
        weight_decay: float = 0.0,
    ) -> "Quadratic":
        """From X (n, p) and y (n,) in the units trained in; `loss_scale` in those units too, else best_loss.

        With `weight_decay` lambda the loss has lambda/2 |theta|² added: a row more for each parameter, as a ridge.

        R of [X 1 y] = QR holds all of it: the Gram matrix is never formed, so that its eigenvalues are
        squared singular values of R, and keep the digits that forming the Gram matrix would halve. Rows with `weights`
        (n,) of mean 1 are scaled by their roots.
        """
        n, k = len(X), X.shape[1] + intercept
        R = np.zeros((k + 1, k + 1))
        rows = np.column_stack([X, np.ones((n, int(intercept))), y])
        if weights is not None:
            rows = rows * np.sqrt(weights)[:, None]
        if weight_decay:
            rows = np.vstack([rows, np.sqrt(n * weight_decay / 2) * np.eye(k, k + 1)])
        found = np.linalg.qr(rows, mode="r") / np.sqrt(n)
        R[: len(found)] = found
        U, s, Vt = np.linalg.svd(R[:k, :k])
        rank = int(np.sum(s > np.finfo(np.float64).eps * max(n, k) * s[0]))  # numpy.linalg.matrix_rank's cut-off
        s[rank:] = 0.0
        solved = (U.T @ R[:k, k])[:rank] / s[:rank]
        # The right-hand side that a short rank leaves over belongs to the residual.
        left = R[:k, k] - U[:, :rank] @ (s[:rank] * solved)
        best = float(R[k, k] ** 2 + left @ left)
        scale = best if loss_scale is None else loss_scale
        return cls(Vt[:rank].T @ solved, best, R[:k, :k], 2 * s**2, Vt.T, scale)

    @property
    def stability_limit(self) -> float:
        """Gradient descent without momentum contracts for 0 < lr < 2 / lambda_max of the Hessian."""
        return 2.0 / float(self.curvature[0])

    def excess(self, theta: Floats) -> Floats:
        """Relative excess loss (L - L*) / loss_scale of parameters (..., k): (...)."""
        return np.asarray(np.sum(((theta - self.optimum) @ self.root.T) ** 2, axis=-1) / self.loss_scale)

    def loss(self, theta: Floats) -> Floats:
        """Mean squared error of parameters (..., k): (...)."""
        return np.asarray(self.best_loss + np.sum(((theta - self.optimum) @ self.root.T) ** 2, axis=-1))
