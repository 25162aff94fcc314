"""The ReLU network on the sine, trained by SGD and Adam."""

from typing import ClassVar

from suites.base import DEVICES, _Convergence, _Epoch

SOLVERS = ["mlp_sgd", "mlp_adam"]


class Epoch(_Epoch):
    """The tutorial's size, 800 training rows."""

    param_names: ClassVar = ["solver", "problem", "device"]
    params: ClassVar = [SOLVERS, ["sine"], DEVICES]


class Convergence(_Convergence):
    """A curve has no exact optimum: what is left of the test rows' variance is its measure."""

    params: ClassVar = [SOLVERS, ["sine"], DEVICES, [0.1, 0.01]]
    track_excess_loss = None
    track_epochs_to_tolerance = None
