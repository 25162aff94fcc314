"""torch's SGD on the linear model."""

from typing import ClassVar

from suites.base import DEVICES, _Convergence, _DeviceMemory, _Epoch

SOLVERS = ["torch_sgd"]


class Epoch(_Epoch):
    """A small and a large size; the learning rate does not change an epoch's cost."""

    params: ClassVar = [SOLVERS, [1_000, 100_000], DEVICES]


class DeviceMemory(_DeviceMemory):
    """The large size, a few epochs."""

    options: ClassVar = {"epochs": 3}
    params: ClassVar = [SOLVERS, [100_000], ["cuda"]]


class Convergence(_Convergence):
    """Two learning rates that reach 1e-4 on Auto-MPG."""

    params: ClassVar = [SOLVERS, ["auto_mpg"], DEVICES, [0.1, 0.01]]
