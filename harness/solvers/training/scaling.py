"""Standardised columns and the way back to the problem's units."""

from dataclasses import dataclass

import numpy as np

from harness.problems.problem import Floats, Problem


@dataclass(frozen=True)
class Scaling:
    """Means and population standard deviations of the training rows; zeros and ones where data stay raw."""

    x_mean: Floats
    x_sd: Floats
    y_mean: float
    y_sd: float

    @classmethod
    def of(cls, problem: Problem, scale: str) -> "Scaling":
        """`standardized` as Auto-MPG's tutorial does it (population sd); `raw` changes nothing.

        A column or target without spread keeps its scale (sd 1). Without an intercept nothing is
        shifted, since a shift is an intercept. Where the rows have weights they are those of the weighted rows.
        """
        X, y = problem.rows("train")
        zeros, ones = np.zeros(problem.p), np.ones(problem.p)
        if scale == "raw":
            return cls(zeros, ones, 0.0, 1.0)
        weights = problem.mean_one_weights("train")
        x_mean, x_sd = _moments(X, weights)
        y_mean, y_sd = map(float, _moments(y, weights))
        x_sd, y_sd = np.where(x_sd > 0, x_sd, 1.0), y_sd or 1.0
        return cls(x_mean, x_sd, y_mean, y_sd) if problem.intercept else cls(zeros, x_sd, 0.0, y_sd)

    def x(self, X: Floats) -> Floats:
        """X (m, p) in the units trained in."""
        return (X - self.x_mean) / self.x_sd

    def y(self, y: Floats) -> Floats:
        """Y (m,) in the units trained in."""
        return (y - self.y_mean) / self.y_sd

    def y_back(self, y: Floats) -> Floats:
        """Predictions (m,) in the problem's units."""
        return y * self.y_sd + self.y_mean

    def back(self, w: Floats, b: Floats) -> tuple[Floats, Floats]:
        """Weights (E, p) and biases (E,) of the scaled model as coefficients and intercepts of the problem."""
        coef = w * (self.y_sd / self.x_sd)
        return coef, self.y_mean + self.y_sd * b - coef @ self.x_mean


def _moments(values: Floats, weights: Floats | None) -> tuple[Floats, Floats]:
    """Mean and population standard deviation over the first axis, with `weights` (n,) of mean 1."""
    if weights is None:
        return np.asarray(values.mean(axis=0)), np.asarray(values.std(axis=0))
    mean = weights @ values / len(weights)
    return mean, np.sqrt(weights @ np.square(values - mean) / len(weights))
