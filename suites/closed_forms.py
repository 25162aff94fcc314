"""The closed forms beside scikit-learn: statsmodels, numpy, torch, the normal equations."""

from typing import ClassVar

from suites.base import DEVICES, _Accuracy, _DeviceMemory, _Fit, _Memory

SOLVERS = [
    "statsmodels_pinv",
    "statsmodels_qr",
    "numpy_lstsq",
    "torch_lstsq",
    "normal_equations",
    "normal_equations_torch",
]
ON_DEVICES = ["torch_lstsq", "normal_equations_torch"]


class Fit(_Fit):
    """Every solver at a small and a large size."""

    params: ClassVar = [SOLVERS, [1_000, 100_000], DEVICES]


class Memory(_Memory):
    """The large size."""

    params: ClassVar = [SOLVERS, [100_000], ["cpu"]]


class DeviceMemory(_DeviceMemory):
    """The large size."""

    params: ClassVar = [ON_DEVICES, [100_000], ["cuda"]]


class Accuracy(_Accuracy):
    """Real columns, and the everyday ones of very different scale."""

    params: ClassVar = [SOLVERS, ["diabetes", "everyday"], ["cpu"]]


class AccuracyOnDevices(_Accuracy):
    """The same on CUDA, for the solvers that can."""

    params: ClassVar = [ON_DEVICES, ["diabetes", "everyday"], ["cuda"]]
