"""Estimators with one fault each, by the check that must find it."""

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class Estimator:
    """Householder QR of the design, in scikit-learn's protocol; right in all that a QR can be right in."""

    def __init__(self, fit_intercept: bool = True) -> None:
        self.fit_intercept = fit_intercept

    def get_params(self, deep: bool = True) -> dict[str, object]:
        return {"fit_intercept": self.fit_intercept}

    def set_params(self, **params: Any) -> "Estimator":
        self.fit_intercept = params.get("fit_intercept", self.fit_intercept)
        return self

    def __repr__(self) -> str:
        return f"{type(self).__name__}()" if self.fit_intercept else f"{type(self).__name__}(fit_intercept=False)"

    def fit(self, X: Array, y: Array, sample_weight: Array | None = None) -> "Estimator":
        self.refuse(X, y)
        roots = np.ones(len(y), dtype=X.dtype) if sample_weight is None else np.sqrt(sample_weight)
        A = np.column_stack([np.ones(len(X), dtype=X.dtype), X]) if self.fit_intercept else X
        self.keep(self.solve(A * roots[:, None], y * roots))
        return self

    def refuse(self, X: Array, y: Array) -> None:
        if not (np.isfinite(X).all() and np.isfinite(y).all()):
            raise ValueError("X and y must be finite")

    def solve(self, A: Array, y: Array) -> Array:
        if len(A) < A.shape[1]:
            raise ValueError("fewer rows than coefficients: underdetermined")
        lengths = np.linalg.norm(A, axis=0)
        Q, R = np.linalg.qr(A / lengths)
        diagonal = np.abs(np.diag(R))
        if diagonal.min() <= 1e-15 * diagonal.max():
            raise ValueError("the design is singular")
        return np.asarray(np.linalg.solve(R, Q.T @ y) / lengths)

    def keep(self, beta: Array) -> None:
        self.coef_ = beta[1:] if self.fit_intercept else beta
        self.intercept_ = float(beta[0]) if self.fit_intercept else 0.0

    def predict(self, X: Array) -> Array:
        return np.asarray(X @ self.coef_ + self.intercept_)


class NormalEquations(Estimator):
    def solve(self, A: Array, y: Array) -> Array:
        return np.asarray(np.linalg.solve(A.T @ A, A.T @ y))


class DropsShortColumns(Estimator):
    def solve(self, A: Array, y: Array) -> Array:
        return np.asarray(np.linalg.lstsq(A, y, rcond=1e-4)[0])


class IgnoresWeights(Estimator):
    def fit(self, X: Array, y: Array, sample_weight: Array | None = None) -> "IgnoresWeights":
        super().fit(X, y)
        return self


class AlwaysFitsTheIntercept(Estimator):
    def fit(self, X: Array, y: Array, sample_weight: Array | None = None) -> "AlwaysFitsTheIntercept":
        own, self.fit_intercept = self.fit_intercept, True
        super().fit(X, y, sample_weight)
        self.fit_intercept = own
        return self


class FitsTheFirstRows(Estimator):
    def solve(self, A: Array, y: Array) -> Array:
        kept = max(A.shape[1], len(A) * 9 // 10)
        return super().solve(A[:kept], y[:kept])


class SortsTheColumns(Estimator):
    def keep(self, beta: Array) -> None:
        super().keep(np.append(beta[:1], np.sort(beta[1:])) if self.fit_intercept else beta)


class WritesToX(Estimator):
    def fit(self, X: Array, y: Array, sample_weight: Array | None = None) -> "WritesToX":
        super().fit(X, y, sample_weight)
        X -= X.mean(axis=0)
        return self


class KeepsItsAnswer(Estimator):
    def fit(self, X: Array, y: Array, sample_weight: Array | None = None) -> "KeepsItsAnswer":
        if not hasattr(self, "coef_") or len(self.coef_) != X.shape[1]:
            super().fit(X, y, sample_weight)
        return self


class KeepsItsMean(Estimator):
    mean: ClassVar[float] = 0.0

    def fit(self, X: Array, y: Array, sample_weight: Array | None = None) -> "KeepsItsMean":
        super().fit(X, y, sample_weight)
        self.intercept_ += 1e-3 * (KeepsItsMean.mean - float(y.mean()))
        KeepsItsMean.mean = float(y.mean())
        return self


class DropsNaN(Estimator):
    def fit(self, X: Array, y: Array, sample_weight: Array | None = None) -> "DropsNaN":
        good = np.isfinite(X).all(axis=1) & np.isfinite(y)
        super().fit(X[good], y[good], None if sample_weight is None else sample_weight[good])
        return self


class ReturnsRoundingAsCoefficients(Estimator):
    def solve(self, A: Array, y: Array) -> Array:
        return np.asarray(np.linalg.pinv(A, rcond=0) @ y)


class HalfPrecision(Estimator):
    def solve(self, A: Array, y: Array) -> Array:
        return (
            super().solve(A.astype(np.float16).astype(np.float32), y) if A.dtype == np.float32 else super().solve(A, y)
        )


class HoldsALock(Estimator):
    def keep(self, beta: Array) -> None:
        super().keep(beta)
        self.callback_: Callable[[], None] = lambda: None


class ForgetsWhenPickled(Estimator):
    def __getstate__(self) -> dict[str, object]:
        return {**vars(self), "intercept_": 0.0}


class ChangesItsParameter(Estimator):
    def __init__(self, fit_intercept: bool = True, tol: float = 0.0) -> None:
        super().__init__(fit_intercept)
        self.tol = tol

    def get_params(self, deep: bool = True) -> dict[str, object]:
        return {"fit_intercept": self.fit_intercept, "tol": self.tol}

    def set_params(self, **params: Any) -> "ChangesItsParameter":
        self.tol = params.get("tol", self.tol)
        super().set_params(**params)
        return self

    def keep(self, beta: Array) -> None:
        super().keep(beta)
        self.tol = 1.0


class AddsARidge(Estimator):
    def solve(self, A: Array, y: Array) -> Array:
        return np.asarray(np.linalg.solve(A.T @ A + 1e-6 * np.eye(A.shape[1]), A.T @ y))


FOUND_BY: dict[type[Estimator], tuple[str, ...]] = {
    DropsShortColumns: ("scaled_columns", "nist_longley", "permuted_columns"),
    IgnoresWeights: ("weights",),
    AlwaysFitsTheIntercept: ("no_intercept", "nist_noint1", "nist_noint2"),
    FitsTheFirstRows: ("well_conditioned", "permuted_rows", "scaled_columns", "weights"),
    SortsTheColumns: ("permuted_columns", "well_conditioned"),
    WritesToX: ("input_not_modified",),
    KeepsItsAnswer: ("two_fits_agree",),
    KeepsItsMean: ("two_fits_agree",),
    DropsNaN: ("nan_refused", "nan_in_y_refused", "infinity_refused"),
    ReturnsRoundingAsCoefficients: ("dependent_columns",),
    HalfPrecision: ("float32",),
    HoldsALock: ("pickles",),
    ForgetsWhenPickled: ("pickles",),
    ChangesItsParameter: ("clones",),
    AddsARidge: ("well_conditioned", "as_many_rows_as_columns", "few_rows"),
}
"""The checks that must find each fault; others may."""
