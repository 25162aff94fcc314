"""scikit-learn's LinearRegression, as it comes and with tol=0."""

from typing import ClassVar

from suites.base import _Accuracy, _Fit, _Memory

SOLVERS = ["sklearn", "sklearn_tol0"]


class Fit(_Fit):
    """A small and a large size."""

    params: ClassVar = [SOLVERS, [1_000, 100_000], ["cpu"]]


class Memory(_Memory):
    """The large size."""

    params: ClassVar = [SOLVERS, [100_000], ["cpu"]]


class Accuracy(_Accuracy):
    """Real columns, and the everyday ones that scikit-learn 1.9.1 loses."""

    params: ClassVar = [SOLVERS, ["diabetes", "everyday"], ["cpu"]]
