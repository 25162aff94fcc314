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
        shifted, since a shift is an intercept.
        """
        X, y = problem.rows("train")
        zeros, ones = np.zeros(problem.p), np.ones(problem.p)
        if scale == "raw":
            return cls(zeros, ones, 0.0, 1.0)
        x_sd = np.where(X.std(axis=0) > 0, X.std(axis=0), 1.0)
        y_sd = float(y.std()) or 1.0
        if not problem.intercept:
            return cls(zeros, x_sd, 0.0, y_sd)
        return cls(X.mean(axis=0), x_sd, float(y.mean()), y_sd)

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
