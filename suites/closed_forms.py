"""The closed forms beside scikit-learn: statsmodels, numpy, torch, the normal equations."""

from typing import ClassVar

from suites.base import _DeviceMemory, _Digits, _Fit, _Loss, _Memory

SOLVERS = [
    "statsmodels_pinv",
    "statsmodels_qr",
    "numpy_lstsq",
    "torch_gels",
    "normal_equations",
    "normal_equations_torch",
]
ON_DEVICES = ["torch_gels", "normal_equations_torch"]


class Fit(_Fit):
    """Every solver at a small and a large size."""

    params: ClassVar = [SOLVERS, [1_000, 100_000], ["cpu"]]


class FitOnDevice(_Fit):
    """The same on CUDA, for the solvers that can."""

    params: ClassVar = [ON_DEVICES, [1_000, 100_000], ["cuda"]]


class Memory(_Memory):
    """The large size: SVD of the design, and the Gram matrix alone."""

    params: ClassVar = [["statsmodels_pinv", "numpy_lstsq", "normal_equations"], [100_000], ["cpu"]]


class DeviceMemory(_DeviceMemory):
    """The large size."""

    params: ClassVar = [ON_DEVICES, [100_000], ["cuda"]]


class Digits(_Digits):
    """Two ordinary columns of very different scale: a condition number of 6e6."""

    params: ClassVar = [SOLVERS, ["everyday"], ["cpu"]]


class DigitsOnDevice(_Digits):
    """The same on CUDA, for the solvers that can."""

    params: ClassVar = [ON_DEVICES, ["everyday"], ["cuda"]]


class Loss(_Loss):
    """One solver of each kind: SVD in two libraries, and the normal equations."""

    params: ClassVar = [["statsmodels_pinv", "numpy_lstsq", "normal_equations"], ["everyday"], ["cpu"]]
