"""scikit-learn's LinearRegression, as it comes and with tol=0."""

from typing import ClassVar

from suites.base import _Digits, _Fit, _Loss, _Memory

SOLVERS = ["sklearn", "sklearn_tol0"]
CHANGED = ["everyday", "nist_pontius", "nist_wampler1", "nist_wampler5", "nist_filip", "scale_1e08", "condition_1e08"]
"""Problems on which releases of scikit-learn differ: the steps of `make asv-versions`."""


class Fit(_Fit):
    """A small and a large size."""

    params: ClassVar = [["sklearn"], [1_000, 100_000], ["cpu"]]


class Memory(_Memory):
    """The large size."""

    params: ClassVar = [["sklearn"], [100_000], ["cpu"]]


class Digits(_Digits):
    """Where the rank cut-off of a release decides; tol=0 is the control."""

    params: ClassVar = [SOLVERS, CHANGED, ["cpu"]]


class Loss(_Loss):
    """The same; tol=0 is the control."""

    params: ClassVar = [SOLVERS, ["everyday"], ["cpu"]]
