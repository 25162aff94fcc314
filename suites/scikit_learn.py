"""scikit-learn's LinearRegression, as it comes and with tol=0."""

from typing import ClassVar

from suites.base import _Digits, _Fit, _Loss, _Memory

SOLVERS = ["sklearn", "sklearn_tol0"]


class Fit(_Fit):
    """A small and a large size."""

    params: ClassVar = [["sklearn"], [1_000, 100_000], ["cpu"]]


class Memory(_Memory):
    """The large size."""

    params: ClassVar = [["sklearn"], [100_000], ["cpu"]]


class Digits(_Digits):
    """Two ordinary columns of very different scale, which scikit-learn 1.9.1 loses."""

    params: ClassVar = [SOLVERS, ["everyday"], ["cpu"]]


class Loss(_Loss):
    """The same; tol=0 is the control."""

    params: ClassVar = [SOLVERS, ["everyday"], ["cpu"]]
