"""What a solver hands out: coefficients in the problem's units, a predictor, the training trace, a status."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np

from harness.problems.problem import Floats
from harness.solvers.status import Status


class NotAnAnswerError(Exception):
    """What a solver handed out is no answer; the text says why, in a line."""


NO_NUMBERS = "USTmMV"
"""Kinds of numpy's dtypes whose values can be cast to float64 and are none: texts, times, durations, raw bytes."""


def real(values: Any, what: str) -> Floats:
    """Numbers as float64, of any shape. Raises NotAnAnswerError where they are none, or have an imaginary part.

    A text that reads as a number is none, nor is None, nor what is masked: below a mask there may be anything.
    """
    if np.ma.is_masked(values):
        raise NotAnAnswerError(f"of the solver's {what} some are masked")
    try:
        array = np.asarray(values)
    except (TypeError, ValueError):
        raise NotAnAnswerError(f"the solver's {what} are no numbers") from None
    given = array.flat if array.dtype.kind == "O" else ()
    if array.dtype.kind in NO_NUMBERS or any(value is None or isinstance(value, str | bytes) for value in given):
        raise NotAnAnswerError(f"the solver's {what} are no numbers")
    if np.iscomplexobj(array):
        if not (array.imag == 0).all():
            raise NotAnAnswerError(f"the solver's {what} are complex, with an imaginary part")
        array = array.real
    try:
        return array.astype(np.float64)
    except (TypeError, ValueError):
        raise NotAnAnswerError(f"the solver's {what} are no numbers") from None


@dataclass(frozen=True)
class Trace:
    """The history of one training.

    `train_loss[t]` (E,) is the loss that epoch t stepped from (the mean over its batches);
    `val_loss[t]` (E,) the loss on the held-out rows after epoch t's step. Both are in the units that
    were trained in (standardised ones, if the data were standardised). `coef` (E + 1, p) and
    `intercept` (E + 1,) are the parameters before epoch 0 and after each epoch, in the problem's
    units, float64; None where the model is not linear.
    """

    train_loss: Floats
    val_loss: Floats | None = None
    val_split: str | None = None
    coef: Floats | None = None
    intercept: Floats | None = None

    @property
    def epochs(self) -> int:
        """Epochs that were run; fewer than asked for if the training diverged."""
        return len(self.train_loss)


@dataclass(frozen=True)
class Inference:
    """A fit's statistics: by term (intercept first) and for the whole."""

    terms: tuple[str, ...]
    standard_errors: tuple[float, ...]
    t: tuple[float, ...]
    p_values: tuple[float, ...]
    intervals_95: tuple[tuple[float, float], ...]
    statistics: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    summary: str = ""


@dataclass(frozen=True)
class Fit:
    """One solution. `predict` maps X (m, p) to (m,) float64; `coef` (p,) and `intercept` are None for a curve.

    minimum_norm: the coefficients are the minimum-norm ones of a rank-deficient design, because that was asked for.
    by_predictions: a linear model that hands out no coefficients, to be judged by what it predicts.
    """

    predict: Callable[[Floats], Floats]
    coef: Floats | None = None
    intercept: float | None = None
    status: Status = Status.OK
    message: str = ""
    rank: int | None = None
    trace: Trace | None = None
    inference: Inference | None = None
    minimum_norm: bool = False
    by_predictions: bool = False


def linear_fit(
    coef: np.typing.ArrayLike,
    intercept: float,
    *,
    status: Status = Status.OK,
    message: str = "",
    rank: int | None = None,
    trace: Trace | None = None,
    inference: Inference | None = None,
) -> Fit:
    """The Fit of a linear model; `rank` counts the intercept's column."""
    w = real(coef, "coefficients").reshape(-1)
    b = float(intercept)

    def predict(X: Floats) -> Floats:
        return X @ w + b

    return Fit(predict, w, b, status=status, message=message, rank=rank, trace=trace, inference=inference)


def fit_from_design(
    beta: np.typing.ArrayLike, intercept: bool, *, rank: int | None = None, inference: Inference | None = None
) -> Fit:
    """The Fit of a solution over `design_matrix`: its first entry is the intercept if there is one."""
    b = real(beta, "coefficients").reshape(-1)
    return linear_fit(b[intercept:], b[0] if intercept else 0.0, rank=rank, inference=inference)
